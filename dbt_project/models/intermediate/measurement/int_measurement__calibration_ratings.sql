-- One row per piece of work and evaluator who rated it in a calibration together with at least one
-- other: the score, and the sums over everybody who rated the same work.
-- The same work = ticket, agent and instant of the work. Who rated it twice counts with the last.
with ranked as (

    select
        evaluations.ticket_id,
        evaluations.agent_id,
        evaluations.interaction_at,
        evaluations.evaluator_id,
        evaluations.period_month,
        evaluations.evaluation_score,
        row_number() over (
            partition by
                evaluations.ticket_id,
                evaluations.agent_id,
                evaluations.interaction_at,
                evaluations.evaluator_id
            order by evaluations.evaluated_at desc, evaluations.evaluation_id desc
        ) as recency
    from {{ ref('fct_evaluations') }} as evaluations
    inner join {{ ref('int_evaluations__scores') }} as scores
        on evaluations.evaluation_id = scores.evaluation_id
    where
        evaluations.exclusion = 'calibration'
        and evaluations.period_month is not null
        and evaluations.evaluator_id <> evaluations.agent_id
        and evaluations.evaluation_score is not null
        and not scores.has_invalid_criterion

),

ratings as (

    select * from ranked
    where recency = 1

),

works as (

    select
        ticket_id,
        agent_id,
        interaction_at,
        count(*) as rater_count,
        sum(evaluation_score) as score_sum,
        sum(cast(evaluation_score as decimal(12, 6)) * cast(evaluation_score as decimal(12, 6)))
            as score_squares
    from ratings
    group by ticket_id, agent_id, interaction_at
    having count(*) > 1

)

select
    ratings.ticket_id,
    ratings.agent_id,
    ratings.interaction_at,
    ratings.evaluator_id,
    ratings.period_month,
    ratings.evaluation_score,
    works.rater_count,
    cast(works.score_sum as decimal(18, 6)) as score_sum,
    cast(works.score_squares as decimal(28, 12)) as score_squares
from ratings
inner join works
    on
        ratings.ticket_id = works.ticket_id
        and ratings.agent_id = works.agent_id
        and ratings.interaction_at = works.interaction_at
