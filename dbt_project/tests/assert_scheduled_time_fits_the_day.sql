-- release_quality compares worked time with the day; the plan has to fit too, and a local day has
-- 23 to 25 hours.
select
    agent_id,
    local_date,
    scheduled_microseconds
from {{ ref('fct_agent_days') }}
where
    scheduled_microseconds not between 0 and {{ microseconds_between('starts_at', 'ends_at') }}
    or {{ microseconds_between('starts_at', 'ends_at') }} not between 1 and 25 * cast(3600000000 as bigint)
