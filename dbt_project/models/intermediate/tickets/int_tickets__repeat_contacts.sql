-- One row per new ticket and kind of solve that it charges: the customer came back about the same
-- family of issues within the window. It charges the latest solve before it only, whoever made that one.
with solves as (

    select
        solvers.ticket_id,
        solvers.solve_kind,
        solvers.solved_at,
        tickets.customer_id,
        coalesce(families.contact_family, types.contact_type) as contact_family
    from {{ ref('int_tickets__solvers') }} as solvers
    inner join {{ ref('int_tickets__scoped') }} as tickets
        on solvers.ticket_id = tickets.ticket_id
    inner join {{ ref('int_tickets__types_at_solve') }} as types
        on solvers.ticket_id = types.ticket_id and solvers.solve_kind = types.solve_kind
    left join {{ ref('contact_types') }} as families
        on types.contact_type = families.contact_type
    where tickets.customer_id is not null

),

new_tickets as (

    select
        tickets.ticket_id,
        tickets.created_at,
        tickets.customer_id,
        coalesce(families.contact_family, changed.contact_type, tickets.contact_type)
            as contact_family
    from {{ ref('int_tickets__scoped') }} as tickets
    inner join {{ ref('int_tickets__in_view') }} as in_view on tickets.ticket_id = in_view.ticket_id
    {{ join_contact_type_at('changed', 'tickets.ticket_id', 'tickets.created_at') }}
    left join {{ ref('contact_types') }} as families
        on coalesce(changed.contact_type, tickets.contact_type) = families.contact_type
    where
        not tickets.is_in_merge_cycle
        and tickets.customer_id is not null

),

preceding as (

    select
        new_tickets.ticket_id as new_ticket_id,
        new_tickets.created_at,
        solves.solve_kind,
        solves.ticket_id as charged_ticket_id,
        row_number() over (
            partition by new_tickets.ticket_id, solves.solve_kind
            order by solves.solved_at desc, solves.ticket_id desc
        ) as recency
    from new_tickets
    inner join solves
        on
            new_tickets.customer_id = solves.customer_id
            and new_tickets.contact_family = solves.contact_family
            and new_tickets.created_at > solves.solved_at
            and new_tickets.created_at
            <= solves.solved_at + interval '{{ var("repeat_window_days") }}' day

)

select
    new_ticket_id,
    created_at,
    solve_kind,
    charged_ticket_id
from preceding
where recency = 1
