{{ config(meta={"dagster": {"ref": {"name": "metric_catalog"}}}) }}
-- A metric of a version without words for it would be scored and stand in no catalog. Ingest sees
-- that the seed names an owner and a decision; here, that they and the definition arrive.
select
    metrics.version,
    metrics.metric,
    catalog.metric is null as is_missing
from {{ ref('scorecard_metrics') }} as metrics
left join {{ ref('metric_catalog') }} as catalog
    on metrics.version = catalog.version and metrics.metric = catalog.metric
where
    catalog.metric is null
    or trim(coalesce(catalog.definition, '')) = ''
    or trim(coalesce(catalog.formula, '')) = ''
    or trim(coalesce(catalog.owner, '')) = ''
    or trim(coalesce(catalog.decision, '')) = ''
