{{ config(meta={"dagster": {"ref": {"name": "agent_weekly_pulse"}}}) }}
-- Hours and single facts of a week are those of its days, but for what rounding to 6 decimals adds;
-- a ticket worked on for several days is one contact of the week, so contacts are at most the days'.
with days as (

    select
        agent_id,
        {{ iso_week_start('local_date') }} as iso_week_start,
        sum(contacts_handled) as contacts_handled,
        max(contacts_handled) as greatest_day,
        sum(solved) as solved,
        sum(csat_responses) as csat_responses,
        sum(qa_evaluations) as qa_evaluations,
        sum(escalations) as escalations,
        sum(cast(scheduled_hours as decimal(18, 6))) as scheduled_hours,
        sum(cast(productive_hours as decimal(18, 6))) as productive_hours
    from {{ ref('agent_daily_pulse') }}
    group by agent_id, {{ iso_week_start('local_date') }}

)

select
    coalesce(weeks.agent_id, days.agent_id) as agent_id,
    coalesce(weeks.iso_week_start, days.iso_week_start) as iso_week_start
from {{ ref('agent_weekly_pulse') }} as weeks
full outer join days
    on weeks.agent_id = days.agent_id and weeks.iso_week_start = days.iso_week_start
where
    weeks.agent_id is null
    or days.agent_id is null
    or weeks.contacts_handled > days.contacts_handled
    or weeks.contacts_handled < days.greatest_day
    or weeks.solved <> days.solved
    or weeks.csat_responses <> days.csat_responses
    or weeks.qa_evaluations <> days.qa_evaluations
    or weeks.escalations <> days.escalations
    or abs(weeks.scheduled_hours - days.scheduled_hours) > 0.00001
    or abs(weeks.productive_hours - days.productive_hours) > 0.00001
