{{ config(meta={"dagster": {"ref": {"name": "evaluator_alignment"}}}) }}
-- What brings an agent points is held against the one who scored it: evaluations of all evaluators
-- in a quarter are those of all agents.
with evaluators as (

    select
        period_month,
        sum(n) as evaluation_count
    from {{ ref('evaluator_alignment') }}
    group by period_month

),

agents as (

    select
        windows.period_month,
        sum(parts.denominator) as evaluation_count
    from {{ ref('int_scorecard__metric_parts') }} as parts
    inner join {{ ref('int_scorecard__windows') }} as windows
        on parts.period_month = windows.component_month and windows.period_window = 'quarter'
    where parts.metric = 'qa_score'
    group by windows.period_month

)

select
    coalesce(evaluators.period_month, agents.period_month) as period_month,
    evaluators.evaluation_count as evaluators_count,
    agents.evaluation_count as agents_count
from evaluators
full outer join agents on evaluators.period_month = agents.period_month
where coalesce(evaluators.evaluation_count, 0) <> coalesce(agents.evaluation_count, 0)
