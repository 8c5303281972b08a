-- An assignment ends with its own last day, or a little earlier where the next one begins earlier
-- by zone on a change of team (no two zones are two days apart). Cut any shorter, it would lose the
-- agent's work of the time between.
select
    agent_id,
    valid_from,
    valid_to,
    ends_at
from {{ ref('dim_agent_assignments') }}
where
    (valid_to is null and ends_at is not null)
    or (valid_to is not null and ends_at is null)
    or ends_at < cast({{ add_days('valid_to', -2) }} as timestamp)
