-- One row per raw table, disposition and month of loading: where every raw row went.
select
    dispositions.raw_table,
    dispositions.disposition as reason,
    dispositions.loaded_month as period_month,
    count(*) as {{ adapter.quote('rows') }},
    cast(null as {{ dbt.type_string() }}) as vintage,
    max(runs.as_of) as as_of,
    max(runs.release_id) as release_id
from {{ ref('int_rows__dispositions') }} as dispositions
cross join {{ ref('stg_landing__runs') }} as runs
group by dispositions.raw_table, dispositions.disposition, dispositions.loaded_month
