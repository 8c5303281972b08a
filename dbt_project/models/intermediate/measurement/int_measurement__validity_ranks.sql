-- One row per period month (the end of six months), metric that is held against qa_score, tier and
-- agent with enough of a sample in both: the two values' places among the tier's agents.
-- Places are average ranks, doubled (ties make halves) and less their mean: whole numbers that sum
-- to 0, so that a correlation of any number of agents is exact.
{% set months_back = 5 %}
with months as (

    select distinct period_month from {{ ref('dim_dates') }}

),

windows as (

    select
        months.period_month,
        components.period_month as component_month
    from months
    inner join months as components
        on
            components.period_month <= months.period_month
            and components.period_month >= {{ add_months('months.period_month', -months_back) }}

),

agent_months as (

    select
        windows.period_month,
        agent_months.agent_id,
        agent_months.tier,
        row_number() over (
            partition by windows.period_month, agent_months.agent_id
            order by agent_months.period_month desc
        ) as recency
    from {{ ref('int_measurement__agent_months') }} as agent_months
    inner join windows on agent_months.period_month = windows.component_month

),

minimum_samples as (

    select
        versions.period_month,
        metrics.metric,
        metrics.minimum_sample
    from {{ ref('int_scorecard__versions_in_force') }} as versions
    inner join {{ ref('scorecard_metrics') }} as metrics
        on versions.scorecard_version = metrics.version

),

summed as (

    select
        windows.period_month,
        parts.agent_id,
        parts.metric,
        {{ published('sum(parts.numerator)') }} as numerator,
        {{ published('sum(parts.denominator)') }} as denominator,
        sum(parts.sample_count) as sample_size
    from {{ ref('int_measurement__metric_sums') }} as parts
    inner join windows on parts.period_month = windows.component_month
    where parts.metric in ('qa_score', 'csat', 'fcr_rate', 'repeat_contact_rate')
    group by windows.period_month, parts.agent_id, parts.metric

),

measured as (

    select
        summed.period_month,
        summed.agent_id,
        agent_months.tier,
        summed.metric,
        {{ rounded_ratio('summed.numerator', 'summed.denominator') }} as value
    from summed
    inner join minimum_samples
        on
            summed.period_month = minimum_samples.period_month
            and summed.metric = minimum_samples.metric
    inner join agent_months
        on
            summed.period_month = agent_months.period_month
            and summed.agent_id = agent_months.agent_id
            and agent_months.recency = 1
    where
        summed.sample_size >= minimum_samples.minimum_sample
        and summed.denominator > 0

),

paired as (

    select
        quality.period_month,
        quality.tier,
        outcomes.metric,
        quality.agent_id,
        quality.value as qa_value,
        outcomes.value as metric_value
    from measured as quality
    inner join measured as outcomes
        on
            quality.period_month = outcomes.period_month
            and quality.agent_id = outcomes.agent_id
            and outcomes.metric <> 'qa_score'
    where quality.metric = 'qa_score'

),

ranked as (

    select
        period_month,
        tier,
        metric,
        agent_id,
        qa_value,
        metric_value,
        count(*) over (partition by period_month, tier, metric) as agent_count,
        2 * rank() over (partition by period_month, tier, metric order by qa_value)
        + count(*) over (partition by period_month, tier, metric, qa_value) - 1 as qa_rank,
        2 * rank() over (partition by period_month, tier, metric order by metric_value)
        + count(*) over (partition by period_month, tier, metric, metric_value) - 1 as metric_rank
    from paired

)

select
    period_month,
    tier,
    metric,
    agent_id,
    qa_value,
    metric_value,
    cast(qa_rank - agent_count - 1 as bigint) as qa_place,
    cast(metric_rank - agent_count - 1 as bigint) as metric_place
from ranked
