-- One row per ticket that was merged, through others, into itself: nobody can say which of them is
-- the contact.
-- Pointers are doubled instead of followed: what is still reached after 2^12 steps stands in a
-- cycle, whatever its length.
{% set doublings = 12 %}
with pointers_0 as (

    select
        ticket_id,
        merged_into_ticket_id as target_id
    from {{ contract('tickets') }}
    where disposition = 'used' and merged_into_ticket_id is not null

),
{% for step in range(1, doublings + 1) %}
pointers_{{ step }} as (

    select
        pointers.ticket_id,
        onward.target_id
    from pointers_{{ step - 1 }} as pointers
    inner join pointers_{{ step - 1 }} as onward on pointers.target_id = onward.ticket_id

),
{% endfor %}
reached as (

    select distinct target_id as ticket_id
    from pointers_{{ doublings }}

)

select reached.ticket_id
from reached
inner join pointers_0 on reached.ticket_id = pointers_0.ticket_id
