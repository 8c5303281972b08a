-- One row per agent, ended month and ticket of the quarter that deserves a word of thanks, five at
-- most: first tickets with the top rating and an evaluation at or above the target, then top
-- ratings on hard contact types; the latest first.
{% set most_tickets = 5 %}
{#- A type's rate on fewer facts moves in and out of the lowest quarter by chance. -#}
{% set minimum_facts = 30 %}
with quarters as (

    select
        period_month,
        component_month
    from {{ ref('int_scorecard__windows') }}
    where period_window = 'quarter'

),

company as (

    select
        quarters.period_month,
        cells.metric,
        cells.contact_type,
        {{ published(ratio('sum(cells.value_sum)', 'sum(cells.fact_count)')) }} as rate
    from {{ ref('int_scorecard__case_mix_cells') }} as cells
    inner join quarters on cells.period_month = quarters.component_month
    where cells.metric in ('csat', 'fcr_rate')
    group by quarters.period_month, cells.metric, cells.contact_type
    having sum(cells.fact_count) >= {{ minimum_facts }}

),

placed as (

    select
        *,
        rank() over (partition by period_month, metric order by rate asc) as place,
        count(*) over (partition by period_month, metric) as type_count
    from company

),

hard_types as (

    select distinct
        period_month,
        contact_type
    from placed
    where 4 * place <= type_count

),

ratings as (

    select
        agent_id,
        period_month,
        ticket_id,
        contact_type,
        responded_at
    from {{ ref('fct_survey_responses') }}
    where is_answered and exclusion is null and score = scale_max

),

praised as (

    select
        evaluations.agent_id,
        evaluations.ticket_id,
        min(evaluations.period_month) as praised_month
    from {{ ref('fct_evaluations') }} as evaluations
    inner join {{ ref('int_scorecard__versions_in_force') }} as versions
        on evaluations.period_month = versions.period_month
    inner join {{ ref('scorecard_metrics') }} as metrics
        on
            versions.scorecard_version = metrics.version
            and metrics.metric = 'qa_score'
            and evaluations.evaluation_score >= metrics.target
    where evaluations.exclusion is null and not evaluations.has_critical_error
    group by evaluations.agent_id, evaluations.ticket_id

),

found as (

    select
        months.agent_id,
        months.period_month,
        ratings.ticket_id,
        max(ratings.responded_at) as rated_at,
        max(case when praised.ticket_id is not null then 1 else 0 end) as is_praised
    from {{ ref('dim_agent_months') }} as months
    inner join quarters on months.period_month = quarters.period_month
    inner join ratings
        on
            months.agent_id = ratings.agent_id
            and quarters.component_month = ratings.period_month
    left join praised
        on
            ratings.agent_id = praised.agent_id
            and ratings.ticket_id = praised.ticket_id
            and praised.praised_month <= months.period_month
    left join hard_types
        on
            months.period_month = hard_types.period_month
            and ratings.contact_type = hard_types.contact_type
    where
        months.is_ended
        and (praised.ticket_id is not null or hard_types.contact_type is not null)
    group by months.agent_id, months.period_month, ratings.ticket_id

),

ranked as (

    select
        agent_id,
        period_month,
        ticket_id,
        case when is_praised = 1 then 'rating_and_qa' else 'hard_contact_type' end as evidence,
        row_number() over (
            partition by agent_id, period_month
            order by is_praised desc, rated_at desc, ticket_id asc
        ) as evidence_rank
    from found

)

select * from ranked
where evidence_rank <= {{ most_tickets }}
