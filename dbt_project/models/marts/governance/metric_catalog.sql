-- One row per scorecard version and metric: what it means, what it weighs, who owns it and what is
-- decided with it.
select
    metrics.version,
    metrics.metric,
    metrics.dimension,
    definitions.definition,
    definitions.formula,
    cast(metrics.weight as double) as weight,
    cast(metrics.target as double) as target,
    cast(metrics.floor as double) as floor,
    metrics.direction,
    metrics.minimum_sample,
    metrics.is_key,
    cast(metrics.gate_threshold as double) as gate_threshold,
    metrics.owner,
    metrics.decision,
    definitions.cadence,
    versions.effective_from,
    versions.reviewed_on,
    cast(null as {{ dbt.type_string() }}) as vintage,
    runs.as_of,
    runs.release_id
from {{ ref('scorecard_metrics') }} as metrics
inner join {{ ref('scorecard_versions') }} as versions on metrics.version = versions.version
inner join {{ ref('int_scorecard__metric_definitions') }} as definitions
    on metrics.metric = definitions.metric
cross join {{ ref('stg_landing__runs') }} as runs
