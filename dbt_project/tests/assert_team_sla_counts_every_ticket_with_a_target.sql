{{ config(meta={"dagster": {"ref": {"name": "team_sla"}}}) }}
-- Each in-scope ticket is met, breached or running once per kind of target: credited to a team and
-- then in the mart, or kept apart with its reason. One lost on the way would only look like another rate.
with tickets as (

    select count(*) as ticket_count
    from {{ ref('int_tickets__scoped') }}
    where scope = 'in_scope'

),

credited as (

    select
        target_kind,
        count(*) as ticket_count,
        count(case when credit <> 'no_target' then 1 end) as with_target,
        count(case when outcome in ('met', 'breached', 'running') then 1 end) as with_outcome,
        count(case when credit = 'team' then 1 end) as with_team
    from {{ ref('int_service__tickets_credited') }}
    group by target_kind

),

published as (

    select
        target_kind,
        sum(met + breached + running) as ticket_count
    from {{ ref('team_sla') }}
    group by target_kind

)

select
    credited.target_kind,
    tickets.ticket_count as in_scope,
    credited.ticket_count as judged,
    credited.with_target,
    credited.with_outcome,
    credited.with_team,
    coalesce(published.ticket_count, 0) as published
from credited
cross join tickets
left join published on credited.target_kind = published.target_kind
where
    credited.ticket_count <> tickets.ticket_count
    or credited.with_target <> credited.with_outcome
    or credited.with_team <> coalesce(published.ticket_count, 0)

union all

-- Without a single row nothing above would be compared.
select
    'none' as target_kind,
    tickets.ticket_count as in_scope,
    0 as judged,
    0 as with_target,
    0 as with_outcome,
    0 as with_team,
    0 as published
from tickets
where tickets.ticket_count > 0 and not exists (select 1 from credited)
