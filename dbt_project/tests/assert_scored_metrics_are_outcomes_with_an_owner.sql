{{ config(meta={'dagster': {'ref': {'name': 'int_scorecard__metric_definitions'}}}) }}
-- A metric that nobody owns or decides by is not scored, nor is one that measures how busy people were:
-- every scored metric is one of the defined ones, and a version has at most 13 of them.
with metrics as (

    select
        scored.version,
        scored.metric,
        scored.owner,
        scored.decision,
        definitions.metric is not null as is_defined,
        count(*) over (partition by scored.version) as metric_count
    from {{ ref('scorecard_metrics') }} as scored
    left join {{ ref('int_scorecard__metric_definitions') }} as definitions
        on scored.metric = definitions.metric

)

select *
from metrics
where
    owner is null
    or trim(owner) = ''
    or decision is null
    or trim(decision) = ''
    or not is_defined
    or metric_count > 13
