-- One row per team and month in which somebody is assigned to it: capacity, queue health, volume, people,
-- development and the overall score.
with months as (

    select * from {{ ref('dim_team_months') }}

),

opened as (

    select
        team_id,
        period_month,
        count(*) as opened
    from {{ ref('int_teams__opened_tickets') }}
    group by team_id, period_month

),

solved as (

    select
        team_id,
        period_month,
        count(*) as solved
    from {{ ref('fct_solves') }}
    where solve_kind = 'final' and credit = 'agent' and period_month is not null
    group by team_id, period_month

),

leavers as (

    select
        team_id,
        period_month,
        count(*) as voluntary_leavers
    from {{ ref('int_teams__leavers') }}
    where exit_type = 'voluntary'
    group by team_id, period_month

),

measured as (

    select
        months.team_id,
        months.period_month,
        teams.team_name,
        {{ published(seconds_of('capacity.scheduled_microseconds') ~ ' / 3600') }} as scheduled_hours,
        {{ published(seconds_of('capacity.productive_microseconds') ~ ' / 3600') }} as productive_hours,
        {{ published(seconds_of('capacity.handling_microseconds') ~ ' / 3600') }} as handling_hours,
        cast(coalesce(opened.opened, 0) as bigint) as opened,
        cast(coalesce(solved.solved, 0) as bigint) as solved,
        cast(coalesce(backlog.backlog_end, 0) as bigint) as backlog_end,
        cast(coalesce(backlog.backlog_over_7_days, 0) as bigint) as backlog_over_7_days,
        cast(volumes.volume_handled as bigint) as volume_handled,
        {{ published('volumes.volume_forecast') }} as volume_forecast,
        cast(volumes.forecast_days as bigint) as forecast_days,
        {{ published(ratio(
            'volumes.compared_handled - volumes.compared_forecast', 'volumes.compared_forecast'
        )) }} as forecast_error,
        csat.csat,
        csat.csat_change,
        cast(capacity.day_count as bigint) as day_count,
        {{ published(ratio('capacity.agent_day_count', 'capacity.day_count')) }} as headcount,
        cast(coalesce(leavers.voluntary_leavers, 0) as bigint) as voluntary_leavers,
        {{ published('capacity.unplanned_hours') }} as unplanned_absence_hours,
        cast(coalesce(development.coaching_sessions, 0) as bigint) as coaching_sessions,
        cast(coalesce(development.one_on_ones, 0) as bigint) as one_on_ones,
        cast(coalesce(development.development_conversations, 0) as bigint)
            as development_conversations,
        cast(coalesce(development.trainings_completed, 0) as bigint) as trainings_completed,
        scores.overall_score,
        scores.score_coverage,
        scores.scorecard_version,
        months.vintage
    from months
    inner join {{ ref('dim_teams') }} as teams on months.team_id = teams.team_id
    left join {{ ref('int_teams__capacity') }} as capacity
        on months.team_id = capacity.team_id and months.period_month = capacity.period_month
    left join opened
        on months.team_id = opened.team_id and months.period_month = opened.period_month
    left join solved
        on months.team_id = solved.team_id and months.period_month = solved.period_month
    left join {{ ref('int_teams__backlog') }} as backlog
        on months.team_id = backlog.team_id and months.period_month = backlog.period_month
    left join {{ ref('int_teams__volumes') }} as volumes
        on months.team_id = volumes.team_id and months.period_month = volumes.period_month
    left join {{ ref('int_teams__csat_changes') }} as csat
        on months.team_id = csat.team_id and months.period_month = csat.period_month
    left join leavers
        on months.team_id = leavers.team_id and months.period_month = leavers.period_month
    left join {{ ref('int_teams__development') }} as development
        on
            months.team_id = development.team_id
            and months.period_month = development.period_month
    left join {{ ref('int_teams__scores') }} as scores
        on months.team_id = scores.team_id and months.period_month = scores.period_month

)

select
    measured.team_id,
    measured.period_month,
    measured.team_name,
    measured.scheduled_hours,
    measured.productive_hours,
    measured.handling_hours,
    {{ rounded_ratio('measured.handling_hours', 'measured.productive_hours') }} as occupancy,
    {{ rounded_ratio('measured.productive_hours', 'measured.scheduled_hours') }} as coverage,
    measured.opened,
    measured.solved,
    measured.backlog_end,
    measured.backlog_over_7_days,
    measured.volume_handled,
    measured.volume_forecast,
    measured.forecast_days,
    measured.forecast_error,
    measured.csat,
    measured.csat_change,
    measured.headcount,
    measured.voluntary_leavers,
    {{ published(ratio(
        'measured.voluntary_leavers * 365', 'measured.headcount * measured.day_count'
    )) }} as voluntary_attrition_annualised,
    measured.unplanned_absence_hours,
    {{ rounded_ratio('measured.unplanned_absence_hours', 'measured.scheduled_hours') }}
        as unplanned_absence_rate,
    measured.coaching_sessions,
    measured.one_on_ones,
    measured.development_conversations,
    measured.trainings_completed,
    {{ rounded_ratio('measured.coaching_sessions', 'measured.headcount') }} as coaching_per_agent,
    measured.overall_score,
    measured.score_coverage,
    measured.scorecard_version,
    measured.vintage,
    runs.as_of,
    runs.release_id
from measured
cross join {{ ref('stg_landing__runs') }} as runs
