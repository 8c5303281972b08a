-- One row per agent, ended month and metric that bands compare with the team: what the rest of the home
-- team reached in the quarter. An agent who improves moves the team as well, so it is the others that
-- must be matched. Null where there are no others.
with subjects as (

    select * from {{ ref('int_bands__subjects') }}

),

own_parts as (

    select
        subjects.agent_id,
        subjects.period_month,
        parts.metric,
        sum(parts.numerator) as numerator,
        sum(parts.denominator) as denominator,
        sum(parts.observed) as observed,
        sum(parts.expected) as expected
    from subjects
    inner join {{ ref('int_scorecard__windows') }} as windows
        on windows.period_window = 'quarter' and subjects.period_month = windows.period_month
    inner join {{ ref('int_scorecard__metric_parts') }} as parts
        on
            subjects.agent_id = parts.agent_id
            and subjects.team_id = parts.team_id
            and windows.component_month = parts.period_month
    where parts.metric in ('qa_score', 'csat', 'fcr_rate')
    group by subjects.agent_id, subjects.period_month, parts.metric

)

select
    metrics.agent_id,
    metrics.period_month,
    metrics.metric,
    case
        when metrics.metric = 'qa_score'
            then {{ published(ratio(
                'metrics.team_numerator - cast(coalesce(own_parts.numerator, 0) as double)',
                'cast(metrics.team_denominator as decimal(18, 6)) - coalesce(own_parts.denominator, 0)'
            )) }}
        when metrics.team_expected > coalesce(own_parts.expected, 0)
            then {{ published(
                'greatest(0, least(1, metrics.tier_value * '
                ~ ratio(
                    'metrics.team_observed - coalesce(own_parts.observed, 0)',
                    'metrics.team_expected - coalesce(own_parts.expected, 0)'
                ) ~ '))'
            ) }}
    end as rest_of_team_value
from {{ ref('int_scorecard__agent_metrics') }} as metrics
inner join subjects
    on metrics.agent_id = subjects.agent_id and metrics.period_month = subjects.period_month
left join own_parts
    on
        metrics.agent_id = own_parts.agent_id
        and metrics.period_month = own_parts.period_month
        and metrics.metric = own_parts.metric
where
    metrics.period_window = 'quarter'
    and metrics.metric in ('qa_score', 'csat', 'fcr_rate')
