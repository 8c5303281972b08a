-- One row per team and month in which somebody is assigned to it, with the instants at which the
-- month ends and closes: local midnight after it, and some days later, so that repeat contacts of its
-- last solves can still be seen.
with months as (

    select distinct
        team_id,
        timezone,
        period_month
    from {{ ref('int_assignments__local_months') }}

),

closings as (

    select
        *,
        {{ local_to_utc(add_months('period_month', 1), 'timezone') }} as ended_at,
        {{ local_to_utc(add_days(add_months('period_month', 1), var('close_after_days')), 'timezone') }}
            as closes_at
    from months

)

select
    closings.team_id,
    closings.period_month,
    closings.timezone,
    closings.ended_at,
    runs.as_of >= closings.ended_at as is_ended,
    closings.closes_at,
    -- A month is final when it is over for its last team: teams are compared with each other.
    case
        when closings.period_month = runs.restated_month then 'restated'
        when runs.as_of >= max(closings.closes_at) over (partition by closings.period_month)
            then 'final'
        else 'provisional'
    end as vintage,
    coalesce(closings.period_month > runs.closed_through, true)
    or coalesce(closings.period_month = runs.restated_month, false) as is_built
from closings
cross join {{ ref('stg_landing__runs') }} as runs
