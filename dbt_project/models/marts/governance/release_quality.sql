-- One row per check computed before the candidate was hashed. The results of Great Expectations
-- stand in the manifest.
select
    checks.check_name as {{ adapter.quote('check') }},
    checks.severity,
    checks.is_passed as passed,
    checks.observed,
    checks.required,
    cast(null as {{ dbt.type_string() }}) as vintage,
    runs.as_of,
    runs.release_id
from {{ ref('int_release__checks') }} as checks
cross join {{ ref('stg_landing__runs') }} as runs
