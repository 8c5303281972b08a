{{ config(meta={"dagster": {"ref": {"name": "metric_catalog"}}}) }}
-- A metric of a version without words for it would be scored and stand in no catalog. Ingest sees
-- that the seed names an owner and a decision; here, that they and the definition arrive.
select
    metrics.version,
    metrics.metric,
    explained.metric is null as is_missing
from {{ ref('scorecard_metrics') }} as metrics
left join {{ ref('metric_catalog') }} as explained
    on metrics.version = explained.version and metrics.metric = explained.metric
where
    explained.metric is null
    or trim(coalesce(explained.definition, '')) = ''
    or trim(coalesce(explained.formula, '')) = ''
    or trim(coalesce(explained.owner, '')) = ''
    or trim(coalesce(explained.decision, '')) = ''
