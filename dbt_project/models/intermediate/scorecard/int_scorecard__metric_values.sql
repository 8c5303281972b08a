-- One row per scope (agent, team, tier, company), period month, window and metric: components
-- summed over the parts, and the value divided once. The same formulas for everybody, so an agent's
-- value and the team's are like with like.
with scoped as (

    select
        'agent' as scope_kind,
        agent_id as scope_id,
        *
    from {{ ref('int_scorecard__metric_parts') }}

    union all

    select
        'team' as scope_kind,
        team_id as scope_id,
        *
    from {{ ref('int_scorecard__metric_parts') }}

    union all

    select
        'tier' as scope_kind,
        tier as scope_id,
        *
    from {{ ref('int_scorecard__metric_parts') }}

    union all

    select
        'company' as scope_kind,
        'company' as scope_id,
        *
    from {{ ref('int_scorecard__metric_parts') }}

),

windowed as (

    select
        scoped.scope_kind,
        scoped.scope_id,
        scoped.agent_id,
        windows.period_month,
        windows.period_window,
        scoped.metric,
        sum(scoped.numerator) as numerator,
        sum(scoped.denominator) as denominator,
        sum(scoped.sample_count) as sample_count,
        sum(scoped.fact_count) as fact_count,
        sum(scoped.sum_squares) as sum_squares,
        sum(scoped.observed) as observed,
        sum(scoped.expected) as expected,
        sum(scoped.covered_count) as covered_count,
        count(distinct windows.component_month) as month_count
    from scoped
    inner join {{ ref('int_scorecard__windows') }} as windows
        on scoped.period_month = windows.component_month
    group by
        scoped.scope_kind,
        scoped.scope_id,
        scoped.agent_id,
        windows.period_month,
        windows.period_window,
        scoped.metric

),

-- Two metrics are no plain sums over an agent's parts: the spread is around the agent's own mean in
-- the window, and an agent is employed once a month, however many teams or tiers that month had.
per_agent as (

    select
        scope_kind,
        scope_id,
        period_month,
        period_window,
        metric,
        case
            when metric = 'qa_consistency'
                then cast(
                    greatest(
                        0,
                        cast(sum_squares as double)
                        - cast(numerator as double) * cast(numerator as double)
                        / cast(denominator as double)
                    ) as decimal(28, 12)
                )
            else numerator
        end as numerator,
        case
            when metric = 'qa_consistency' then denominator - 1
            when metric = 'kb_contributions' then cast(month_count as decimal(28, 12))
            else denominator
        end as denominator,
        sample_count,
        fact_count,
        observed,
        expected,
        covered_count
    from windowed

),

summed as (

    select
        scope_kind,
        scope_id,
        period_month,
        period_window,
        metric,
        sum(numerator) as numerator,
        sum(denominator) as denominator,
        sum(sample_count) as sample_count,
        sum(fact_count) as fact_count,
        sum(observed) as observed,
        sum(expected) as expected,
        sum(covered_count) as covered_count
    from per_agent
    group by scope_kind, scope_id, period_month, period_window, metric

),

-- Rounded before the division: a reader who divides the published columns gets the published value.
rounded as (

    select
        scope_kind,
        scope_id,
        period_month,
        period_window,
        metric,
        {{ published('numerator') }} as numerator,
        {{ published(
            "case when metric = 'contacts_per_productive_hour'"
            ~ " then cast(denominator as double) / 3600 else cast(denominator as double) end"
        ) }} as denominator,
        case
            when metric = 'schedule_adherence'
                then cast(floor(cast(denominator as double) / 3600) as bigint)
            else cast(sample_count as bigint)
        end as sample_size,
        case
            when metric = 'aht_index' then {{ published(ratio('sample_count', 'fact_count')) }}
            else {{ published(ratio('covered_count', 'fact_count')) }}
        end as coverage,
        {{ published(ratio('expected', 'covered_count')) }} as expected_value,
        observed,
        expected,
        covered_count
    from summed

)

select
    scope_kind,
    scope_id,
    period_month,
    period_window,
    metric,
    numerator,
    denominator,
    sample_size,
    coverage,
    expected_value,
    observed,
    expected,
    covered_count,
    case
        when metric = 'qa_consistency'
            then {{ published('sqrt(' ~ ratio('numerator', 'denominator') ~ ')') }}
        when
            metric = 'contacts_per_productive_hour'
            and denominator < case when period_window = 'month' then 20 else 60 end
            then null
        else {{ rounded_ratio('numerator', 'denominator') }}
    end as value
from rounded
