{{ config(meta={"dagster": {"ref": {"name": "int_rows__cross_faults"}}}) }}
-- A fault that names a row which is not among the staged ones would be lost without a trace: the
-- row would stay `used`.
-- Tables that an adapter derives have no raw rows of their own; their faults are told of the rows
-- they were derived from.
with landed_tables as (

    {{ raw_table_names() }}

)

select
    faults.raw_table,
    faults.raw_file,
    faults.raw_row,
    faults.disposition
from {{ ref('int_rows__cross_faults') }} as faults
inner join landed_tables on faults.raw_table = landed_tables.raw_table
left join {{ ref('int_rows__dispositions') }} as dispositions
    on
        faults.raw_table = dispositions.raw_table
        and faults.raw_file = dispositions.raw_file
        and faults.raw_row = dispositions.raw_row
where dispositions.disposition is null or faults.disposition <> dispositions.disposition
