-- One row per spell of a ticket's contact type after a change; few tickets ever change, so look-ups
-- start here.
-- Instants are half open: from changed_at until the next change. Of changes at one instant the
-- greater event_id holds.
with changes as (

    select
        ticket_id,
        occurred_at as changed_at,
        to_value as contact_type,
        row_number() over (
            partition by ticket_id, occurred_at order by event_id desc
        ) as recency
    from {{ ref('int_ticket_events__judged') }}
    where fault is null and event_type = 'contact_type_changed' and to_value is not null

)

select
    ticket_id,
    contact_type,
    changed_at,
    lead(changed_at) over (partition by ticket_id order by changed_at) as until_at
from changes
where recency = 1
