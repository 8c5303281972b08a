-- One row per human agent, team, tier and local day up to as_of: scheduled and worked time in whole
-- microseconds.
-- A day with an absence leaves adherence (illness is no fault of performance) but stays in scheduled time.
with schedule as (

    select * from {{ ref('int_schedule_segments__pieces') }}

),

states as (

    select * from {{ ref('int_agent_states__pieces') }}

),

days as (

    select * from {{ ref('int_assignments__utc_days') }}

),

scheduled as (

    select
        days.agent_id,
        days.team_id,
        days.tier,
        days.local_date,
        sum({{ microseconds_between(
            'greatest(schedule.starts_at, days.starts_at)', 'least(schedule.ends_at, days.ends_at)'
        ) }}) as scheduled_microseconds
    from schedule
    inner join days
        on
            schedule.agent_id = days.agent_id
            and schedule.utc_date = days.utc_date
            and schedule.starts_at < days.ends_at
            and days.starts_at < schedule.ends_at
    group by days.agent_id, days.team_id, days.tier, days.local_date

),

logged as (

    select
        days.agent_id,
        days.team_id,
        days.tier,
        days.local_date,
        sum({{ microseconds_between(
            'greatest(states.starts_at, days.starts_at)', 'least(states.ends_at, days.ends_at)'
        ) }}) as logged_microseconds,
        sum(case when states.is_productive then {{ microseconds_between(
            'greatest(states.starts_at, days.starts_at)', 'least(states.ends_at, days.ends_at)'
        ) }} else 0 end) as productive_microseconds,
        sum(case when states.is_handling then {{ microseconds_between(
            'greatest(states.starts_at, days.starts_at)', 'least(states.ends_at, days.ends_at)'
        ) }} else 0 end) as handling_microseconds
    from states
    inner join days
        on
            states.agent_id = days.agent_id
            and states.utc_date = days.utc_date
            and states.starts_at < days.ends_at
            and days.starts_at < states.ends_at
    group by days.agent_id, days.team_id, days.tier, days.local_date

),

set_aside as (

    select
        states.agent_id,
        states.utc_date,
        greatest(states.starts_at, schedule.starts_at) as starts_at,
        least(states.ends_at, schedule.ends_at) as ends_at
    from states
    inner join schedule
        on
            states.agent_id = schedule.agent_id
            and states.utc_date = schedule.utc_date
            and states.starts_at < schedule.ends_at
            and schedule.starts_at < states.ends_at
    where states.is_productive

),

adherent as (

    select
        days.agent_id,
        days.team_id,
        days.tier,
        days.local_date,
        sum({{ microseconds_between(
            'greatest(set_aside.starts_at, days.starts_at)', 'least(set_aside.ends_at, days.ends_at)'
        ) }}) as adherent_microseconds
    from set_aside
    inner join days
        on
            set_aside.agent_id = days.agent_id
            and set_aside.utc_date = days.utc_date
            and set_aside.starts_at < days.ends_at
            and days.starts_at < set_aside.ends_at
    group by days.agent_id, days.team_id, days.tier, days.local_date

),

absent as (

    select
        agent_id,
        absent_on
    from {{ ref('stg_native__absences') }}
    where disposition = 'used'
    group by agent_id, absent_on

)

select
    agent_days.agent_id,
    agent_days.team_id,
    agent_days.tier,
    agent_days.local_date,
    agent_days.period_month,
    agent_days.starts_at,
    agent_days.ends_at,
    absent.agent_id is not null as is_absent,
    cast(coalesce(scheduled.scheduled_microseconds, 0) as bigint) as scheduled_microseconds,
    cast(coalesce(adherent.adherent_microseconds, 0) as bigint) as adherent_microseconds,
    cast(coalesce(logged.logged_microseconds, 0) as bigint) as logged_microseconds,
    cast(coalesce(logged.productive_microseconds, 0) as bigint) as productive_microseconds,
    cast(coalesce(logged.handling_microseconds, 0) as bigint) as handling_microseconds
from {{ ref('int_assignments__local_days') }} as agent_days
left join scheduled
    on
        agent_days.agent_id = scheduled.agent_id
        and agent_days.team_id = scheduled.team_id
        and agent_days.tier = scheduled.tier
        and agent_days.local_date = scheduled.local_date
left join logged
    on
        agent_days.agent_id = logged.agent_id
        and agent_days.team_id = logged.team_id
        and agent_days.tier = logged.tier
        and agent_days.local_date = logged.local_date
left join adherent
    on
        agent_days.agent_id = adherent.agent_id
        and agent_days.team_id = adherent.team_id
        and agent_days.tier = adherent.tier
        and agent_days.local_date = adherent.local_date
left join absent
    on agent_days.agent_id = absent.agent_id and agent_days.local_date = absent.absent_on
