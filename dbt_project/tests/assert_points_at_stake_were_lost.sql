{{ config(meta={"dagster": {"ref": {"name": "int_people__gaps"}}}) }}
-- What sub-dimensions and contact types explain of a metric is part of the points it lost, never
-- more: a list whose parts exceed the whole would promise points nobody can win. Each part is
-- rounded.
with explained as (

    select
        agent_id,
        period_month,
        metric,
        count(*) as part_count,
        sum(cast(points_at_stake as decimal(18, 6))) as points
    from {{ ref('int_people__gaps') }}
    group by agent_id, period_month, metric

)

select
    explained.agent_id,
    explained.period_month,
    explained.metric,
    explained.points,
    lost.points_lost
from explained
left join {{ ref('int_people__points_lost') }} as lost
    on
        explained.agent_id = lost.agent_id
        and explained.period_month = lost.period_month
        and explained.metric = lost.metric
where
    lost.points_lost is null
    or cast(explained.points as double) > lost.points_lost + 0.000001 * explained.part_count
