-- One row per coaching session: what its focus metric did afterwards, less what it did for up to
-- three comparable agents who were not coached on it, and how sure that is.
with sessions as (

    select * from {{ ref('int_people__coaching_sessions') }}

),

controls as (

    select
        session_id,
        count(*) as control_count,
        {{ listing('agent_id') }} as control_agents,
        sum(cast(change as decimal(18, 6))) as change_sum,
        sum(change_variance) as variance_sum
    from {{ ref('int_people__coaching_controls') }}
    group by session_id

),

compared as (

    select
        sessions.session_id,
        sessions.agent_id,
        sessions.coach_id,
        sessions.team_id,
        sessions.tier,
        sessions.period_month,
        sessions.held_at,
        sessions.focus_metric,
        sessions.direction,
        sessions.settled_month,
        sessions.vintage,
        sessions.other_session_count,
        case
            when sessions.focus_metric is null then 'no_focus_metric'
            when not sessions.is_dated then 'not_dated'
            when not sessions.is_over then 'window_not_over'
            when changes.agent_id is null then 'too_few_facts'
            when controls.session_id is null then 'no_controls'
        end as reason,
        own.before_value,
        coalesce(own.before_count, 0) as before_count,
        case when sessions.is_over then own.after_value end as after_value,
        case when sessions.is_over then coalesce(own.after_count, 0) end as after_count,
        case when sessions.is_over then changes.change end as change,
        coalesce(controls.control_count, 0) as control_count,
        controls.control_agents,
        {{ published(ratio('controls.change_sum', 'controls.control_count')) }} as control_change,
        cast(changes.change_variance as double) + {{ ratio(
            'controls.variance_sum', 'controls.control_count * controls.control_count'
        ) }} as effect_variance
    from sessions
    left join {{ ref('int_people__coaching_windows') }} as own
        on
            sessions.agent_id = own.agent_id
            and sessions.focus_metric = own.focus_metric
            and sessions.held_on = own.held_on
    left join {{ ref('int_people__coaching_changes') }} as changes
        on
            sessions.agent_id = changes.agent_id
            and sessions.focus_metric = changes.focus_metric
            and sessions.held_on = changes.held_on
    left join controls on sessions.session_id = controls.session_id

),

effects as (

    select
        *,
        {{ published('change - control_change') }} as net_effect,
        case when control_change is not null then {{ published('sqrt(effect_variance)') }} end
            as standard_error
    from compared

)

select
    effects.session_id,
    effects.agent_id,
    effects.coach_id,
    effects.team_id,
    effects.tier,
    effects.period_month,
    effects.held_at,
    effects.focus_metric,
    case
        when effects.reason is null then 'assessed'
        when effects.reason = 'window_not_over' then 'pending'
        else 'not_assessable'
    end as status,
    effects.reason,
    effects.before_value,
    effects.before_count,
    effects.after_value,
    effects.after_count,
    effects.change,
    effects.control_count,
    effects.control_agents,
    effects.control_change,
    effects.net_effect,
    effects.standard_error,
    {{ published('effects.net_effect - ' ~ z_score_95() ~ ' * effects.standard_error') }}
        as interval_lower,
    {{ published('effects.net_effect + ' ~ z_score_95() ~ ' * effects.standard_error') }}
        as interval_upper,
    case
        when effects.direction = 'higher' then effects.net_effect
        when effects.direction = 'lower' then 0 - effects.net_effect
        -- Towards the band from where the agent was; inside it there is nothing to improve.
        when effects.direction = 'band' and effects.before_value > 1 then 0 - effects.net_effect
        when effects.direction = 'band' and effects.before_value < 0.85 then effects.net_effect
    end as improvement,
    cast(effects.other_session_count as bigint) as other_session_count,
    case
        when
            least(effects.before_count, effects.after_count) >= 10
            and effects.control_count = 3
            and effects.other_session_count = 0
            then 'band_grade'
        when
            least(effects.before_count, effects.after_count) >= 5 and effects.control_count >= 2
            then 'indicative'
        else 'insufficient'
    end as confidence,
    effects.settled_month,
    effects.vintage,
    runs.as_of,
    runs.release_id
from effects
cross join {{ ref('stg_landing__runs') }} as runs
