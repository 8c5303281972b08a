{{ config(meta={"dagster": {"ref": {"name": "team_metrics"}}}) }}
-- Every team with somebody assigned to it in a month has every metric of the version in force,
-- measured or not.
with expected as (

    select
        months.team_id,
        months.period_month,
        metrics.metric
    from {{ ref('dim_team_months') }} as months
    inner join {{ ref('int_scorecard__versions_in_force') }} as versions
        on months.period_month = versions.period_month
    inner join {{ ref('scorecard_metrics') }} as metrics
        on versions.scorecard_version = metrics.version

)

select
    coalesce(expected.team_id, published.team_id) as team_id,
    coalesce(expected.period_month, published.period_month) as period_month,
    coalesce(expected.metric, published.metric) as metric,
    published.team_id is null as is_missing
from expected
full outer join {{ ref('team_metrics') }} as published
    on
        expected.team_id = published.team_id
        and expected.period_month = published.period_month
        and expected.metric = published.metric
where expected.team_id is null or published.team_id is null
