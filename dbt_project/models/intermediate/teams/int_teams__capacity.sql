-- One row per team and month: scheduled and worked time of its agents while they were in it, days
-- assigned and hours missed without a plan. Days with an absence stay: the hours were counted on.
with unplanned as (

    select
        agent_id,
        absent_on,
        sum(hours) as unplanned_hours
    from {{ ref('stg_native__absences') }}
    where disposition = 'used' and kind = 'unplanned'
    group by agent_id, absent_on

),

agent_days as (

    select
        worked.team_id,
        worked.period_month,
        count(*) as agent_day_count,
        sum(worked.scheduled_microseconds) as scheduled_microseconds,
        sum(worked.productive_microseconds) as productive_microseconds,
        sum(worked.handling_microseconds) as handling_microseconds,
        sum(unplanned.unplanned_hours) as unplanned_hours
    from {{ ref('fct_agent_days') }} as worked
    left join unplanned
        on worked.agent_id = unplanned.agent_id and worked.local_date = unplanned.absent_on
    group by worked.team_id, worked.period_month

),

team_days as (

    select
        team_id,
        period_month,
        count(*) as day_count
    from {{ ref('int_teams__days') }}
    group by team_id, period_month

)

select
    agent_days.team_id,
    agent_days.period_month,
    team_days.day_count,
    agent_days.agent_day_count,
    agent_days.scheduled_microseconds,
    agent_days.productive_microseconds,
    agent_days.handling_microseconds,
    coalesce(agent_days.unplanned_hours, 0) as unplanned_hours
from agent_days
inner join team_days
    on
        agent_days.team_id = team_days.team_id
        and agent_days.period_month = team_days.period_month
