{{ config(meta={"dagster": {"ref": {"name": "int_scorecard__metric_values"}}}) }}
-- A quarter is the month and the two before, added up; only the spread is computed anew, around the
-- quarter's own mean.
-- Published numbers are rounded to 6 decimals each: three months and the quarter may be four
-- millionths apart.
with months as (

    select
        metric_values.scope_kind,
        metric_values.scope_id,
        metric_values.metric,
        windows.period_month,
        sum(cast(metric_values.numerator as decimal(28, 6))) as numerator,
        sum(cast(metric_values.denominator as decimal(28, 6))) as denominator
    from {{ ref('int_scorecard__metric_values') }} as metric_values
    inner join {{ ref('int_scorecard__windows') }} as windows
        on metric_values.period_month = windows.component_month
    where metric_values.period_window = 'month' and windows.period_window = 'quarter'
    group by
        metric_values.scope_kind,
        metric_values.scope_id,
        metric_values.metric,
        windows.period_month

),

quarters as (

    select
        scope_kind,
        scope_id,
        metric,
        period_month,
        cast(numerator as decimal(28, 6)) as numerator,
        cast(denominator as decimal(28, 6)) as denominator
    from {{ ref('int_scorecard__metric_values') }}
    where period_window = 'quarter'

)

select
    coalesce(quarters.scope_kind, months.scope_kind) as scope_kind,
    coalesce(quarters.scope_id, months.scope_id) as scope_id,
    coalesce(quarters.metric, months.metric) as metric,
    coalesce(quarters.period_month, months.period_month) as period_month,
    quarters.numerator as quarter_numerator,
    months.numerator as months_numerator,
    quarters.denominator as quarter_denominator,
    months.denominator as months_denominator
from quarters
full outer join months
    on
        quarters.scope_kind = months.scope_kind
        and quarters.scope_id = months.scope_id
        and quarters.metric = months.metric
        and quarters.period_month = months.period_month
where
    coalesce(quarters.metric, months.metric) <> 'qa_consistency'
    and (
        quarters.metric is null
        or months.metric is null
        or abs(quarters.numerator - months.numerator) > 0.000004
        or abs(quarters.denominator - months.denominator) > 0.000004
    )
