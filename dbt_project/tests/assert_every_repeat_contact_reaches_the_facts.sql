{{ config(meta={"dagster": {"ref": {"name": "fct_repeat_contacts"}}}) }}
-- Two sides of one event: the new ticket that charges a solve, and the solve that is marked as
-- followed by a repeat.
with charged as (

    select distinct
        charged_ticket_id as ticket_id,
        solve_kind
    from {{ ref('fct_repeat_contacts') }}

),

followed as (

    select
        ticket_id,
        solve_kind
    from {{ ref('fct_solves') }}
    where is_followed_by_repeat

)

select
    coalesce(charged.ticket_id, followed.ticket_id) as ticket_id,
    coalesce(charged.solve_kind, followed.solve_kind) as solve_kind,
    charged.ticket_id is not null as is_charged
from charged
full outer join followed
    on charged.ticket_id = followed.ticket_id and charged.solve_kind = followed.solve_kind
where charged.ticket_id is null or followed.ticket_id is null
