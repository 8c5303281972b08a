{{ config(meta={"dagster": {"ref": {"name": "int_teams__backlog"}}}) }}
-- At as_of, every team's backlog consists of in-scope tickets without a final solve, each in one team at
-- most: what the running months count can never be more than what is open.
with running as (

    select sum(backlog.backlog_end) as backlog_end
    from {{ ref('int_teams__backlog') }} as backlog
    inner join {{ ref('dim_team_months') }} as months
        on backlog.team_id = months.team_id and backlog.period_month = months.period_month
    where not months.is_ended

),

tickets as (

    select count(*) as open_tickets
    from {{ ref('int_tickets__scoped') }} as tickets
    left join {{ ref('int_tickets__solves') }} as solves
        on tickets.ticket_id = solves.ticket_id and solves.solve_kind = 'final'
    where tickets.scope = 'in_scope' and solves.ticket_id is null

)

select
    running.backlog_end,
    tickets.open_tickets
from running
cross join tickets
where running.backlog_end > tickets.open_tickets
