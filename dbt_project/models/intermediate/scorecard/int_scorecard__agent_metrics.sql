-- One row per agent, period month, window and scored metric, measured or not: value against the
-- target in force, the home team and the tier. A metric that could not be measured keeps its row
-- with a sample of 0: missing is missing, never zero.
with agent_months as (

    select * from {{ ref('dim_agent_months') }}

),

config as (

    select
        versions.period_month,
        versions.scorecard_version,
        metrics.metric,
        metrics.dimension,
        metrics.weight,
        metrics.target,
        metrics.floor,
        metrics.direction,
        metrics.minimum_sample,
        metrics.is_key,
        metrics.gate_threshold
    from {{ ref('int_scorecard__versions_in_force') }} as versions
    inner join {{ ref('scorecard_metrics') }} as metrics
        on versions.scorecard_version = metrics.version

),

period_windows as (

    select distinct
        period_month,
        period_window
    from {{ ref('int_scorecard__windows') }}

),

metric_values as (

    select * from {{ ref('int_scorecard__metric_values') }}

),

measured as (

    select
        agent_months.agent_id,
        agent_months.period_month,
        period_windows.period_window,
        config.metric,
        agent_months.team_id,
        agent_months.tier,
        agent_months.vintage,
        config.scorecard_version,
        config.dimension,
        config.weight,
        config.target,
        config.floor,
        config.direction,
        config.minimum_sample,
        config.is_key,
        config.gate_threshold,
        coalesce(own.numerator, 0) as numerator,
        coalesce(own.denominator, 0) as denominator,
        own.value,
        coalesce(own.sample_size, 0) as sample_size,
        own.coverage,
        own.value as adjusted_value,
        team.value as team_value,
        tier.value as tier_value
    from agent_months
    inner join period_windows on agent_months.period_month = period_windows.period_month
    inner join config on agent_months.period_month = config.period_month
    left join metric_values as own
        on
            own.scope_kind = 'agent'
            and agent_months.agent_id = own.scope_id
            and agent_months.period_month = own.period_month
            and period_windows.period_window = own.period_window
            and config.metric = own.metric
    left join metric_values as team
        on
            team.scope_kind = 'team'
            and agent_months.team_id = team.scope_id
            and agent_months.period_month = team.period_month
            and period_windows.period_window = team.period_window
            and config.metric = team.metric
    left join metric_values as tier
        on
            tier.scope_kind = 'tier'
            and agent_months.tier = tier.scope_id
            and agent_months.period_month = tier.period_month
            and period_windows.period_window = tier.period_window
            and config.metric = tier.metric

),

compared as (

    select
        *,
        -- Direction band: the distance from 0.85 to 1, so that nobody gains by rushing;
        -- rounded as values are, as 1.10 - 1 would miss a target of 0.10 in binary.
        case
            when direction = 'band' and adjusted_value is not null
                then round(greatest(adjusted_value - 1, 0.85 - adjusted_value, 0), 6)
            else adjusted_value
        end as compared_value
    from measured

)

select
    *,
    sample_size >= minimum_sample and value is not null as is_eligible,
    case
        when compared_value is null then null
        when direction = 'higher' then compared_value >= target
        else compared_value <= target
    end as meets_target,
    case
        when compared_value is not null
            then {{ published(
                '100 * greatest(0, least(1, (compared_value - cast(floor as double))'
                ~ ' / (cast(target as double) - cast(floor as double))))'
            ) }}
    end as attainment,
    case
        when metric = 'aht_index' and value >= 1.30 then 'slow'
        when metric = 'aht_index' and value <= 0.70 then 'rushing'
    end as flag
from compared
