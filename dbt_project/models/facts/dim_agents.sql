-- One row per person or bot in the roster, as now known. No names: they stay in staging.
select
    agent_id,
    is_bot,
    hired_on,
    left_on,
    exit_type
from {{ contract('agents') }}
where disposition = 'used'
