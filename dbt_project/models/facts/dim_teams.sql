-- One row per team, as now known.
select
    team_id,
    team_name,
    manager_id,
    timezone
from {{ contract('teams') }}
where disposition = 'used'
