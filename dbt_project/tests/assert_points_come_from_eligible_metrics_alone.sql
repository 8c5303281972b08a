{{ config(meta={"dagster": {"ref": {"name": "agent_scorecard_metrics"}}}) }}
-- Their sum is compared with the overall score in release_quality. Here, who brings points: an
-- eligible metric of a dimension that has a score, in a scorecard with an overall score, and no
-- other. What was not measured moves nobody up or down.
select
    metrics.agent_id,
    metrics.period_month,
    metrics.{{ adapter.quote('window') }},
    metrics.metric,
    metrics.is_eligible,
    metrics.points
from {{ ref('agent_scorecard_metrics') }} as metrics
inner join {{ ref('agent_scorecard') }} as scorecards
    on
        metrics.agent_id = scorecards.agent_id
        and metrics.period_month = scorecards.period_month
        and metrics.{{ adapter.quote('window') }} = scorecards.{{ adapter.quote('window') }}
where
    (metrics.points is not null) <> (
        metrics.is_eligible
        and scorecards.overall_score is not null
        and case metrics.dimension
            when 'quality' then scorecards.quality_score is not null
            when 'efficiency' then scorecards.efficiency_score is not null
            when 'customer_impact' then scorecards.customer_impact_score is not null
            when 'development' then scorecards.development_score is not null
            else false
        end
    )
    or metrics.points not between 0 and 100
