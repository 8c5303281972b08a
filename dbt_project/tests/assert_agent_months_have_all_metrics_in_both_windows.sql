{{ config(meta={"dagster": {"ref": {"name": "agent_scorecard_metrics"}}}) }}
-- Every month that an assignment meets has a scorecard in both windows with every metric of the
-- version in force, measured or not: a row that is missing looks like an agent, or a metric, that
-- nobody follows.
with windows as (

    select 'month' as period_window
    union all
    select 'quarter' as period_window

),

expected as (

    select
        months.agent_id,
        months.period_month,
        windows.period_window,
        metrics.metric
    from {{ ref('dim_agent_months') }} as months
    cross join windows
    inner join {{ ref('int_scorecard__versions_in_force') }} as versions
        on months.period_month = versions.period_month
    inner join {{ ref('scorecard_metrics') }} as metrics
        on versions.scorecard_version = metrics.version

),

published as (

    select
        metrics.agent_id,
        metrics.period_month,
        metrics.{{ adapter.quote('window') }} as period_window,
        metrics.metric
    from {{ ref('agent_scorecard_metrics') }} as metrics
    inner join {{ ref('agent_scorecard') }} as scorecards
        on
            metrics.agent_id = scorecards.agent_id
            and metrics.period_month = scorecards.period_month
            and metrics.{{ adapter.quote('window') }} = scorecards.{{ adapter.quote('window') }}

)

select
    coalesce(expected.agent_id, published.agent_id) as agent_id,
    coalesce(expected.period_month, published.period_month) as period_month,
    coalesce(expected.period_window, published.period_window) as period_window,
    coalesce(expected.metric, published.metric) as metric,
    published.agent_id is null as is_missing
from expected
full outer join published
    on
        expected.agent_id = published.agent_id
        and expected.period_month = published.period_month
        and expected.period_window = published.period_window
        and expected.metric = published.metric
where expected.agent_id is null or published.agent_id is null
