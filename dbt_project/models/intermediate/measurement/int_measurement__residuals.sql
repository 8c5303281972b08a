-- One row per period month and scored evaluation of its quarter whose agent others evaluated too:
-- how far the score is from what other evaluators' scores lead one to expect.
--   agent_mean    mean score that other evaluators gave the agent in the quarter
--   type_effect   how far other evaluators' scores on the contact type stray from their agents'
--                 means, more than those on all types; 0 with fewer than 10 such scores
--   residual      evaluation_score - agent_mean - type_effect
-- The evaluator's own scores are in neither, so nobody is compared with oneself.
{% set minimum_scores_of_type = 10 %}
with windowed as (

    select
        windows.period_month,
        evaluations.evaluation_id,
        evaluations.evaluator_id,
        evaluations.agent_id,
        evaluations.contact_type,
        evaluations.evaluation_score
    from {{ ref('int_measurement__evaluations') }} as evaluations
    inner join {{ ref('int_scorecard__windows') }} as windows
        on
            evaluations.period_month = windows.component_month
            and windows.period_window = 'quarter'
    where evaluations.is_scored

),

agents_by_evaluator as (

    select
        period_month,
        agent_id,
        evaluator_id,
        count(*) as score_count,
        sum(evaluation_score) as score_sum
    from windowed
    group by period_month, agent_id, evaluator_id

),

agents as (

    select
        period_month,
        agent_id,
        sum(score_count) as score_count,
        sum(score_sum) as score_sum
    from agents_by_evaluator
    group by period_month, agent_id

),

agent_means as (

    select
        own.period_month,
        own.agent_id,
        own.evaluator_id,
        cast(round(
            {{ ratio('agents.score_sum - own.score_sum', 'agents.score_count - own.score_count') }}, 6
        ) as decimal(18, 6)) as agent_mean
    from agents_by_evaluator as own
    inner join agents
        on own.period_month = agents.period_month and own.agent_id = agents.agent_id
    where agents.score_count > own.score_count

),

strays as (

    select
        windowed.*,
        agent_means.agent_mean,
        windowed.evaluation_score - agent_means.agent_mean as stray
    from windowed
    inner join agent_means
        on
            windowed.period_month = agent_means.period_month
            and windowed.agent_id = agent_means.agent_id
            and windowed.evaluator_id = agent_means.evaluator_id

),

types_by_evaluator as (

    select
        period_month,
        evaluator_id,
        contact_type,
        count(*) as score_count,
        sum(stray) as stray_sum
    from strays
    group by period_month, evaluator_id, contact_type

),

types as (

    select
        period_month,
        contact_type,
        sum(score_count) as score_count,
        sum(stray_sum) as stray_sum
    from types_by_evaluator
    group by period_month, contact_type

),

evaluators as (

    select
        period_month,
        evaluator_id,
        sum(score_count) as score_count,
        sum(stray_sum) as stray_sum
    from types_by_evaluator
    group by period_month, evaluator_id

),

everybody as (

    select
        period_month,
        sum(score_count) as score_count,
        sum(stray_sum) as stray_sum
    from types
    group by period_month

),

type_effects as (

    select
        own.period_month,
        own.evaluator_id,
        own.contact_type,
        cast(
            case
                when types.score_count - own.score_count >= {{ minimum_scores_of_type }}
                    then
                        round({{ ratio(
                            'types.stray_sum - own.stray_sum', 'types.score_count - own.score_count'
                        ) }}, 6)
                        - round({{ ratio(
                            'everybody.stray_sum - evaluators.stray_sum',
                            'everybody.score_count - evaluators.score_count'
                        ) }}, 6)
                else 0
            end as decimal(18, 6)
        ) as type_effect
    from types_by_evaluator as own
    inner join types
        on own.period_month = types.period_month and own.contact_type = types.contact_type
    inner join evaluators
        on own.period_month = evaluators.period_month and own.evaluator_id = evaluators.evaluator_id
    inner join everybody on own.period_month = everybody.period_month

)

select
    strays.period_month,
    strays.evaluation_id,
    strays.evaluator_id,
    strays.agent_id,
    strays.contact_type,
    strays.evaluation_score,
    strays.agent_mean,
    type_effects.type_effect,
    strays.stray - type_effects.type_effect as residual
from strays
inner join type_effects
    on
        strays.period_month = type_effects.period_month
        and strays.evaluator_id = type_effects.evaluator_id
        and strays.contact_type = type_effects.contact_type
