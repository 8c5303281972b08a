-- One row per team, period month and metric of the scorecard in force, measured or not: the sum of its
-- agents' parts, divided once, and adjusted for the case mix where contacts decide the value.
with expected_rows as (

    select
        team_months.team_id,
        team_months.period_month,
        team_months.vintage,
        metrics.metric
    from {{ ref('dim_team_months') }} as team_months
    inner join {{ ref('int_scorecard__versions_in_force') }} as versions
        on team_months.period_month = versions.period_month
    inner join {{ ref('scorecard_metrics') }} as metrics
        on versions.scorecard_version = metrics.version

),

metric_values as (

    select * from {{ ref('int_scorecard__metric_values') }}

),

tier_parts as (

    select
        team_id,
        tier,
        period_month,
        metric,
        sum(covered_count) as covered_count
    from {{ ref('int_scorecard__metric_parts') }}
    where covered_count > 0
    group by team_id, tier, period_month, metric

),

-- A team of several tiers is set against what those tiers reach, each by its share of the contacts.
tier_levels as (

    select
        tier_parts.team_id,
        tier_parts.period_month,
        tier_parts.metric,
        {{ ratio(
            'sum(tier_parts.covered_count * cast(tiers.value as decimal(18, 6)))',
            'sum(tier_parts.covered_count)'
        ) }} as tiers_value
    from tier_parts
    inner join metric_values as tiers
        on
            tiers.scope_kind = 'tier'
            and tiers.period_window = 'month'
            and tier_parts.tier = tiers.scope_id
            and tier_parts.period_month = tiers.period_month
            and tier_parts.metric = tiers.metric
    group by tier_parts.team_id, tier_parts.period_month, tier_parts.metric

)

select
    expected_rows.team_id,
    expected_rows.period_month,
    expected_rows.metric,
    coalesce(own.numerator, 0) as numerator,
    coalesce(own.denominator, 0) as denominator,
    own.value,
    own.expected_value,
    case
        when own.expected > 0 and tier_levels.tiers_value is not null
            then {{ published(
                'greatest(0, least(1, tier_levels.tiers_value * '
                ~ ratio('own.observed', 'own.expected') ~ '))'
            ) }}
        else own.value
    end as adjusted_value,
    own.coverage,
    coalesce(own.sample_size, 0) as sample_size,
    expected_rows.vintage
from expected_rows
left join metric_values as own
    on
        own.scope_kind = 'team'
        and own.period_window = 'month'
        and expected_rows.team_id = own.scope_id
        and expected_rows.period_month = own.period_month
        and expected_rows.metric = own.metric
left join tier_levels
    on
        expected_rows.team_id = tier_levels.team_id
        and expected_rows.period_month = tier_levels.period_month
        and expected_rows.metric = tier_levels.metric
