-- One row per agent and local day with a schedule or any activity: what the day was, and whether it
-- stands out from the agent's own last four weeks. Nobody is scored by it.
with figures as (

    select * from {{ ref('int_pulse__agent_days') }}

),

charts as (

    select * from {{ ref('int_pulse__day_charts') }}

)

select
    figures.agent_id,
    figures.local_date,
    figures.period_month,
    figures.team_id,
    figures.tier,
    figures.is_complete,
    figures.contacts_handled,
    figures.timed_contacts,
    figures.handle_seconds,
    figures.scheduled_hours,
    figures.present_scheduled_hours,
    figures.adherent_hours,
    figures.productive_hours,
    figures.handling_hours,
    figures.solved,
    figures.escalations,
    figures.csat_responses,
    figures.csat_positive,
    figures.qa_evaluations,
    figures.contacts_per_productive_hour,
    figures.average_handle_seconds,
    figures.schedule_adherence,
    figures.occupancy,
    figures.csat,
    charts.contacts_per_productive_hour_centre,
    charts.contacts_per_productive_hour_lower,
    charts.contacts_per_productive_hour_upper,
    charts.average_handle_seconds_centre,
    charts.average_handle_seconds_lower,
    charts.average_handle_seconds_upper,
    charts.schedule_adherence_centre,
    charts.schedule_adherence_lower,
    charts.schedule_adherence_upper,
    coalesce(
        charts.contacts_per_productive_hour_signal,
        charts.average_handle_seconds_signal,
        charts.schedule_adherence_signal
    ) is not null as is_signal,
    nullif(concat_ws(
        ';',
        charts.contacts_per_productive_hour_signal,
        charts.average_handle_seconds_signal,
        charts.schedule_adherence_signal
    ), '') as signal_rule,
    months.vintage,
    runs.as_of,
    runs.release_id
from figures
cross join {{ ref('stg_landing__runs') }} as runs
inner join charts
    on figures.agent_id = charts.agent_id and figures.local_date = charts.local_date
inner join {{ ref('dim_agent_months') }} as months
    on figures.agent_id = months.agent_id and figures.period_month = months.period_month
