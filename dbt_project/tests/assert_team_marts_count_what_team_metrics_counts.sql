{{ config(meta={"dagster": {"ref": {"name": "team_scorecard"}}}) }}
-- One quantity, one number: contacts, answers and evaluations of a team and month are the same in every
-- mart that shows them.
with metrics as (

    select
        team_id,
        period_month,
        metric,
        numerator,
        denominator,
        value
    from {{ ref('team_metrics') }}

),

shown as (

    select
        team_id,
        period_month,
        'contacts_per_productive_hour' as metric,
        'contacts' as quantity,
        cast(volume_handled as double) as shown
    from {{ ref('team_scorecard') }}

    union all

    select
        team_id,
        period_month,
        'csat' as metric,
        'value' as quantity,
        csat as shown
    from {{ ref('team_scorecard') }}

    union all

    select
        team_id,
        period_month,
        'csat' as metric,
        'answers' as quantity,
        cast(sum(responses) as double) as shown
    from {{ ref('team_csat_drivers') }}
    group by team_id, period_month, driver_kind

    union all

    select
        team_id,
        period_month,
        'qa_score' as metric,
        'evaluations' as quantity,
        cast(evaluations as double) as shown
    from {{ ref('team_qa_distribution') }}

    union all

    select
        team_id,
        period_month,
        'qa_score' as metric,
        'value' as quantity,
        mean as shown
    from {{ ref('team_qa_distribution') }}

),

compared as (

    select
        shown.team_id,
        shown.period_month,
        shown.metric,
        shown.quantity,
        shown.shown,
        case
            when shown.quantity = 'contacts' then metrics.numerator
            when shown.quantity = 'value' then metrics.value
            else metrics.denominator
        end as counted
    from shown
    left join metrics
        on
            shown.team_id = metrics.team_id
            and shown.period_month = metrics.period_month
            and shown.metric = metrics.metric

)

select *
from compared
where
    abs(shown - counted) > 0.000001
    or (shown is null and counted is not null)
    or (shown is not null and counted is null)
