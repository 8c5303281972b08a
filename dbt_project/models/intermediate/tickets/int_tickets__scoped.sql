{{ config(**kept_by('ticket_id', touched='tickets')) }}
-- One row per ticket that has a current version: its creation values, and the first reason why it
-- is out of scope.
-- A deleted ticket keeps its row, so that what hangs on it is out of scope and not orphaned.
with current_versions as (

    select *
    from {{ contract('tickets') }}
    where
        disposition in ('used', 'deleted')
        {{ and_touched('ticket_id', 'tickets') }}

)

select
    current_versions.ticket_id,
    current_versions.created_at,
    current_versions.channel,
    current_versions.contact_type,
    current_versions.severity,
    current_versions.customer_id,
    case
        when current_versions.disposition = 'deleted' then 'deleted'
        when current_versions.is_spam then 'spam'
        when current_versions.is_test then 'test'
        when current_versions.merged_into_ticket_id is not null then 'merged'
        when current_versions.origin <> 'customer' then 'not_customer'
        else 'in_scope'
    end as scope,
    cycles.ticket_id is not null as is_in_merge_cycle,
    current_versions.raw_file,
    current_versions.raw_row
from current_versions
left join {{ ref('int_tickets__merge_cycles') }} as cycles
    on current_versions.ticket_id = cycles.ticket_id
