{{ config(meta={"dagster": {"ref": {"name": "feedback_latency"}}}) }}
-- Every scored evaluation counts in one team month, and one that calls for coaching has one
-- outcome.
with scored as (

    select
        team_id,
        period_month,
        count(*) as evaluation_count
    from {{ ref('fct_evaluations') }}
    where exclusion is null
    group by team_id, period_month

)

select
    coalesce(scored.team_id, latency.team_id) as team_id,
    coalesce(scored.period_month, latency.period_month) as period_month,
    scored.evaluation_count as scored_count,
    latency.evaluation_count,
    latency.needing_coaching_count
from scored
full outer join {{ ref('feedback_latency') }} as latency
    on scored.team_id = latency.team_id and scored.period_month = latency.period_month
where
    latency.team_id is null
    or coalesce(scored.evaluation_count, 0) <> latency.evaluation_count
    or latency.needing_coaching_count
    <> latency.coached_count + latency.uncoached_count + latency.pending_count
