-- One row per agent and month in which an assignment meets it: the home team is the one with most scheduled
-- contact-handling time, ties by the later assignment; the tier is that of the latest assignment there.
with spells as (

    select distinct
        agent_id,
        team_id,
        tier,
        valid_from,
        period_month
    from {{ ref('int_assignments__local_months') }}

),

scheduled as (

    select
        agent_id,
        team_id,
        period_month,
        sum(scheduled_microseconds) as scheduled_microseconds
    from {{ ref('fct_agent_days') }}
    group by agent_id, team_id, period_month

),

teams_of_month as (

    select
        spells.agent_id,
        spells.period_month,
        spells.team_id,
        max(spells.valid_from) as latest_valid_from,
        max(coalesce(scheduled.scheduled_microseconds, 0)) as scheduled_microseconds
    from spells
    left join scheduled
        on
            spells.agent_id = scheduled.agent_id
            and spells.team_id = scheduled.team_id
            and spells.period_month = scheduled.period_month
    group by spells.agent_id, spells.period_month, spells.team_id

),

ranked as (

    select
        *,
        row_number() over (
            partition by agent_id, period_month
            order by scheduled_microseconds desc, latest_valid_from desc, team_id asc
        ) as team_rank
    from teams_of_month

),

homes as (

    select
        ranked.agent_id,
        ranked.period_month,
        ranked.team_id,
        spells.tier
    from ranked
    inner join spells
        on
            ranked.agent_id = spells.agent_id
            and ranked.period_month = spells.period_month
            and ranked.team_id = spells.team_id
            and ranked.latest_valid_from = spells.valid_from
    where ranked.team_rank = 1

)

select
    homes.agent_id,
    homes.period_month,
    homes.team_id,
    homes.tier,
    team_months.is_ended,
    team_months.closes_at,
    team_months.vintage,
    team_months.is_built
from homes
inner join {{ ref('dim_team_months') }} as team_months
    on homes.team_id = team_months.team_id and homes.period_month = team_months.period_month
