-- One row per agent, ended month and metric that misses its target in the quarter: the improvement a plan
-- could ask for, the sample it takes to tell it from chance, and the weeks that sample takes. Advice; a
-- person decides. Development metrics are left out: what is due there is settled by doing it.
-- The improvement is the smaller of the ways to the target and to the median of the tier, but at least a
-- step: a tenth of the way from floor to target. Who misses a target by less than that needs no plan for
-- it: such a row has no rank. The improvement is measured on adjusted values and
-- asked of the raw one, as a plan is judged by raw values: its contacts are taken to stay of the kind.
{% set development = "('training_completion_rate', 'kb_contributions', 'goal_progress')" %}
{% set rates = "('critical_error_rate', 'csat', 'fcr_rate', 'escalation_rate', 'repeat_contact_rate')" %}
with agent_metrics as (

    select *
    from {{ ref('int_scorecard__agent_metrics') }}
    where period_window = 'quarter' and is_eligible and metric not in {{ development }}

),

tier_medians as (

    select
        tier,
        period_month,
        metric,
        median(cast(compared_value as double)) as compared_median
    from agent_metrics
    group by tier, period_month, metric

),

spreads as (

    select
        tier,
        period_month,
        within_variance
    from {{ ref('int_scorecard__tier_shrinkage') }}
    where period_window = 'quarter' and metric = 'qa_score'

),

days_of_month as (

    select
        agent_id,
        period_month,
        count(distinct local_date) as local_days
    from {{ ref('int_assignments__local_days') }}
    group by agent_id, period_month

),

days_of_quarter as (

    select
        days_of_month.agent_id,
        windows.period_month,
        cast(sum(days_of_month.local_days) as bigint) as day_count
    from days_of_month
    inner join {{ ref('int_scorecard__windows') }} as windows
        on
            windows.period_window = 'quarter'
            and days_of_month.period_month = windows.component_month
    group by days_of_month.agent_id, windows.period_month

),

missed as (

    select
        agent_metrics.agent_id,
        agent_metrics.period_month,
        agent_metrics.metric,
        definitions.label,
        definitions.value_unit,
        agent_metrics.direction,
        agent_metrics.is_key,
        coalesce(agent_metrics.interval_lower > cast(agent_metrics.gate_threshold as double), false)
            as is_gate_exceeded,
        agent_metrics.value,
        agent_metrics.adjusted_value,
        cast(agent_metrics.target as double) as scorecard_target,
        agent_metrics.sample_size,
        agent_metrics.minimum_sample as scorecard_minimum,
        days_of_quarter.day_count,
        cast(agent_metrics.weight as double) * (100 - agent_metrics.attainment) as points_at_stake,
        {{ published('abs(agent_metrics.compared_value - cast(agent_metrics.target as double))') }}
            as way_to_target,
        case
            when
                {{ meets_target(
                    'agent_metrics.compared_value', 'agent_metrics.direction',
                    'tier_medians.compared_median'
                ) }}
                then 0
            else abs(agent_metrics.compared_value - tier_medians.compared_median)
        end as way_to_median,
        {{ published(
            'abs(cast(agent_metrics.target as double) - cast(agent_metrics.floor as double)) / 10'
        ) }} as step,
        agent_metrics.compared_value,
        spreads.within_variance
    from agent_metrics
    inner join {{ ref('dim_agent_months') }} as months
        on
            agent_metrics.agent_id = months.agent_id
            and agent_metrics.period_month = months.period_month
            and months.is_ended
    inner join {{ ref('int_scorecard__metric_definitions') }} as definitions
        on agent_metrics.metric = definitions.metric
    inner join tier_medians
        on
            agent_metrics.tier = tier_medians.tier
            and agent_metrics.period_month = tier_medians.period_month
            and agent_metrics.metric = tier_medians.metric
    inner join days_of_quarter
        on
            agent_metrics.agent_id = days_of_quarter.agent_id
            and agent_metrics.period_month = days_of_quarter.period_month
    -- The spread of evaluation scores; no other metric has one.
    left join spreads
        on
            agent_metrics.metric = 'qa_score'
            and agent_metrics.tier = spreads.tier
            and agent_metrics.period_month = spreads.period_month
    where not agent_metrics.meets_target and agent_metrics.sample_size > 0

),

asked as (

    select
        *,
        -- At or above the median the tier sets no mark, so the target does.
        {{ published(
            'least(way_to_target, greatest(step, case when way_to_median > 0'
            ~ ' then way_to_median else way_to_target end))'
        ) }} as improvement
    from missed

),

targeted as (

    select
        *,
        {{ published(
            "case when direction = 'higher' then"
            ~ " case when value_unit = 'share' then least(1, value + improvement)"
            ~ " else value + improvement end"
            ~ " when direction = 'lower' then greatest(0, value - improvement)"
            ~ " when value > 1 then 1 + compared_value - improvement"
            ~ " else 0.85 - compared_value + improvement end"
        ) }} as proposed_target
    from asked

),

sampled as (

    select
        *,
        cast(
            greatest(
                scorecard_minimum,
                case
                    when metric in {{ rates }}
                        then {{ wilson_sample_size('proposed_target', 'improvement') }}
                    when within_variance is not null
                        then {{ normal_sample_size('within_variance', 'improvement') }}
                    else 1
                end
            ) as bigint
        ) as minimum_sample
    from targeted

),

timed as (

    select
        *,
        {{ divide_whole('minimum_sample * day_count + 7 * sample_size - 1', '7 * sample_size') }}
            as weeks_needed,
        {{ divide_whole('sample_size * 56', 'day_count') }} as sample_of_8_weeks
    from sampled

),

decided as (

    select
        *,
        way_to_target >= step as is_worth_a_plan,
        weeks_needed <= 8 as is_attainable,
        case when weeks_needed <= 8 then greatest(4, weeks_needed) end as weeks
    from timed

)

select
    agent_id,
    period_month,
    metric,
    label,
    value_unit,
    is_key,
    value,
    adjusted_value,
    scorecard_target,
    improvement,
    proposed_target,
    minimum_sample,
    sample_of_8_weeks,
    is_attainable,
    weeks,
    -- What can be shown within a plan comes first, then what weighs most.
    case
        when is_worth_a_plan
            then row_number() over (
                partition by agent_id, period_month, is_worth_a_plan
                order by
                    is_attainable desc, is_gate_exceeded desc, is_key desc, points_at_stake desc,
                    metric asc
            )
    end as proposal_rank
from decided
