{{ config(meta={"dagster": {"ref": {"name": "int_rows__dispositions"}}}) }}
-- The files say how many rows there are, the dispositions where each went. release_quality compares
-- them table by table, from the inventory's side; here file by file and from both sides, so that
-- two faults cannot cancel out.
-- Rows loaded after as_of have no disposition yet, so a file with such rows may hold more than were
-- disposed of.
with disposed as (

    select
        raw_table,
        raw_file,
        count(*) as row_count,
        count(disposition) as disposed_count
    from {{ ref('int_rows__dispositions') }}
    group by raw_table, raw_file

),

landed as (

    select
        files.raw_table,
        files.raw_file,
        files.row_count,
        coalesce(files.last_loaded_at > runs.as_of, false) as has_later_rows
    from {{ ref('stg_landing__files') }} as files
    cross join {{ ref('stg_landing__runs') }} as runs

)

select
    coalesce(landed.raw_table, disposed.raw_table) as raw_table,
    coalesce(landed.raw_file, disposed.raw_file) as raw_file,
    landed.row_count as landed_count,
    disposed.disposed_count
from landed
full outer join disposed
    on landed.raw_table = disposed.raw_table and landed.raw_file = disposed.raw_file
where
    landed.raw_file is null
    or coalesce(disposed.disposed_count, 0) <> coalesce(disposed.row_count, 0)
    or coalesce(disposed.disposed_count, 0) > landed.row_count
    or (coalesce(disposed.disposed_count, 0) < landed.row_count and not landed.has_later_rows)
