-- One row per scored evaluation: hours until it was made, and, where it calls for coaching (score
-- under the target in force, or a critical error), hours from it to the agent's next coaching
-- session. coaching_outcome: coached, uncoached (nobody within 60 days), pending (the 60 days are
-- not over); null where there was no need.
{% set days_to_coach = 60 %}
with targets as (

    select
        versions.period_month,
        metrics.target
    from {{ ref('int_scorecard__versions_in_force') }} as versions
    inner join {{ ref('scorecard_metrics') }} as metrics
        on versions.scorecard_version = metrics.version and metrics.metric = 'qa_score'

),

evaluations as (

    select
        evaluations.evaluation_id,
        evaluations.agent_id,
        evaluations.team_id,
        evaluations.period_month,
        evaluations.interaction_at,
        evaluations.evaluated_at,
        evaluations.has_critical_error
        or coalesce(evaluations.evaluation_score < targets.target, false) as needs_coaching
    from {{ ref('fct_evaluations') }} as evaluations
    left join targets on evaluations.period_month = targets.period_month
    where evaluations.exclusion is null

),

next_sessions as (

    select
        evaluations.evaluation_id,
        min(sessions.held_at) as coached_at
    from evaluations
    inner join {{ ref('fct_coaching') }} as sessions
        on
            evaluations.agent_id = sessions.agent_id
            and sessions.kind = 'coaching'
            and sessions.held_at > evaluations.evaluated_at
            and sessions.held_at <= evaluations.evaluated_at + interval '{{ days_to_coach }}' day
    where evaluations.needs_coaching
    group by evaluations.evaluation_id

)

select
    evaluations.evaluation_id,
    evaluations.agent_id,
    evaluations.team_id,
    evaluations.period_month,
    evaluations.needs_coaching,
    case
        when not evaluations.needs_coaching then null
        when next_sessions.coached_at is not null then 'coached'
        when evaluations.evaluated_at + interval '{{ days_to_coach }}' day <= runs.as_of
            then 'uncoached'
        else 'pending'
    end as coaching_outcome,
    {{ ratio(
        microseconds_between('evaluations.interaction_at', 'evaluations.evaluated_at'), 3600000000
    ) }} as hours_to_evaluation,
    {{ ratio(
        microseconds_between('evaluations.evaluated_at', 'next_sessions.coached_at'), 3600000000
    ) }} as hours_to_coaching
from evaluations
cross join {{ ref('stg_landing__runs') }} as runs
left join next_sessions on evaluations.evaluation_id = next_sessions.evaluation_id
