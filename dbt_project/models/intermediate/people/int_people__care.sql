-- One row per agent and ended month: what was done for the agent and what strained them, as far as
-- it is known. had_conversation: a one-on-one or development conversation in the 60 days up to the
-- month's end; null where those days reach back before the first scorecard month, of which nothing
-- is known.
{% set conversation_days = 60 %}
with months as (

    select
        months.agent_id,
        months.period_month,
        team_months.ended_at,
        {{ add_days(add_months('months.period_month', 1), -conversation_days) }}
            as conversation_from
    from {{ ref('dim_agent_months') }} as months
    inner join {{ ref('dim_team_months') }} as team_months
        on
            months.team_id = team_months.team_id
            and months.period_month = team_months.period_month
    where months.is_ended

),

first_days as (

    select min(date_day) as first_day
    from {{ ref('dim_dates') }}

),

conversations as (

    select
        months.agent_id,
        months.period_month,
        count(*) as conversation_count
    from months
    inner join {{ ref('fct_coaching') }} as sessions
        on
            months.agent_id = sessions.agent_id
            and sessions.kind in ('one_on_one', 'development_conversation')
            and sessions.held_at < months.ended_at
            and sessions.held_at >= months.ended_at - interval '{{ conversation_days }}' day
    group by months.agent_id, months.period_month

),

absences as (

    select
        agent_id,
        {{ month_of('absent_on') }} as period_month,
        count(distinct absent_on) as unplanned_absence_days
    from {{ ref('stg_native__absences') }}
    where disposition = 'used' and kind = 'unplanned'
    group by agent_id, {{ month_of('absent_on') }}

),

goals as (

    select
        agent_id,
        period_month,
        count(*) as goal_count
    from {{ ref('fct_goal_progress') }}
    group by agent_id, period_month

)

select
    months.agent_id,
    months.period_month,
    case
        when conversations.agent_id is not null then true
        when months.conversation_from >= first_days.first_day then false
    end as had_conversation,
    coalesce(absences.unplanned_absence_days, 0) as unplanned_absence_days,
    coalesce(goals.goal_count, 0) as goal_count
from months
cross join first_days
left join conversations
    on
        months.agent_id = conversations.agent_id
        and months.period_month = conversations.period_month
left join absences
    on months.agent_id = absences.agent_id and months.period_month = absences.period_month
left join goals
    on months.agent_id = goals.agent_id and months.period_month = goals.period_month
