-- One row per team, period month, severity and target kind with at least one ticket that counts
-- there: kept, broken and still open promises. Tickets without a team are not here; they are counted
-- in int_service__tickets_credited.
with team_tickets as (

    select *
    from {{ ref('int_service__tickets_credited') }}
    where credit = 'team'

),

counted as (

    select
        team_id,
        period_month,
        severity,
        target_kind,
        count(case when outcome = 'met' then 1 end) as met,
        count(case when outcome = 'breached' then 1 end) as breached,
        count(case when outcome = 'running' then 1 end) as running,
        count(case when is_severity_lowered then 1 end) as severity_lowered
    from team_tickets
    group by team_id, period_month, severity, target_kind

)

select
    counted.team_id,
    counted.period_month,
    counted.severity,
    counted.target_kind,
    teams.team_name,
    counted.met,
    counted.breached,
    counted.running,
    {{ rounded_ratio('counted.met', '(counted.met + counted.breached)') }} as attainment,
    counted.severity_lowered,
    team_months.vintage,
    runs.as_of,
    runs.release_id
from counted
cross join {{ ref('stg_landing__runs') }} as runs
inner join {{ ref('dim_teams') }} as teams on counted.team_id = teams.team_id
inner join {{ ref('dim_team_months') }} as team_months
    on
        counted.team_id = team_months.team_id
        and counted.period_month = team_months.period_month
