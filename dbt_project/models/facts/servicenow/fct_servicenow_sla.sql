-- One row per month of resolution, group and assignee at that time: how many resolved incidents met their SLA
-- by the log's own verdict. A null group or assignee is the share nobody can be credited with.
select
    {{ month_of('resolved_at') }} as period_month,
    assignment_group,
    assigned_to,
    count(case when made_sla then 1 end) as met,
    count(case when not made_sla then 1 end) as missed,
    count(*) as n
from {{ ref('fct_servicenow_incidents') }}
where resolved_at is not null
group by {{ month_of('resolved_at') }}, assignment_group, assigned_to
