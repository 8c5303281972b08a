-- One row per agent, period month, window and scored metric, measured or not: value, adjusted for the
-- case mix where contacts decide it, against the target in force, the home team and the tier. A metric
-- that could not be measured keeps its row with a sample of 0: missing is missing, never zero.
{% set case_mix_metrics = "('csat', 'fcr_rate', 'escalation_rate', 'repeat_contact_rate')" %}
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
        own.expected_value,
        own.observed,
        own.expected,
        team.value as team_value,
        team.numerator as team_numerator,
        team.denominator as team_denominator,
        team.observed as team_observed,
        team.expected as team_expected,
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

-- What the tier would have reached, had it worked as this agent (or team) did on its own contacts.
adjusted as (

    select
        *,
        case
            when expected > 0 and tier_value is not null
                then {{ published(
                    'greatest(0, least(1, tier_value * ' ~ ratio('observed', 'expected') ~ '))'
                ) }}
            else value
        end as adjusted_value,
        case
            when team_expected > 0 and tier_value is not null
                then {{ published(
                    'greatest(0, least(1, tier_value * '
                    ~ ratio('team_observed', 'team_expected') ~ '))'
                ) }}
            else team_value
        end as team_adjusted_value,
        case
            when
                metric in {{ case_mix_metrics }}
                and value is not null
                and not coalesce(expected > 0 and tier_value is not null, false)
                then 'not_adjusted'
            when metric = 'aht_index' and value >= 1.30 then 'slow'
            when metric = 'aht_index' and value <= 0.70 then 'rushing'
        end as flag
    from measured

),

compared as (

    select
        *,
        {{ compared_value('adjusted_value', 'direction') }} as compared_value
    from adjusted

)

select
    *,
    sample_size >= minimum_sample and value is not null as is_eligible,
    {{ meets_target('compared_value', 'direction', 'target') }} as meets_target,
    case
        when compared_value is not null
            then {{ published(
                '100 * greatest(0, least(1, (compared_value - cast(floor as double))'
                ~ ' / (cast(target as double) - cast(floor as double))))'
            ) }}
    end as attainment
from compared
