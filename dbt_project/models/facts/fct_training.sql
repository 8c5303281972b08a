-- One row per training assignment with the credit of its due day: team and tier of that date, in
-- the team's own calendar.
select
    training.assignment_id,
    training.agent_id,
    training.module,
    training.assigned_at,
    training.due_on,
    training.completed_at,
    training.is_waived,
    assignments.team_id,
    assignments.tier,
    {{ month_of('training.due_on') }} as period_month,
    {{ local_to_utc(add_days('training.due_on', 1), 'assignments.timezone') }} <= runs.as_of
        as is_due_day_over,
    cast({{ utc_to_local('training.completed_at', 'assignments.timezone') }} as date) as completed_on,
    coalesce(
        cast({{ utc_to_local('training.completed_at', 'assignments.timezone') }} as date)
        <= training.due_on,
        false
    ) as is_completed_in_time,
    dates.date_day is not null as is_scorecard_month
from {{ ref('stg_native__training_assignments') }} as training
cross join {{ ref('stg_landing__runs') }} as runs
inner join {{ ref('dim_agents') }} as agents
    on training.agent_id = agents.agent_id and not agents.is_bot
inner join {{ ref('dim_agent_assignments') }} as assignments
    on
        training.agent_id = assignments.agent_id
        and training.due_on >= assignments.valid_from
        and (assignments.valid_to is null or training.due_on < assignments.valid_to)
left join {{ ref('dim_dates') }} as dates on training.due_on = dates.date_day
where training.disposition = 'used'
