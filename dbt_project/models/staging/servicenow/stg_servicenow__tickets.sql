-- One row per incident: the ticket as it was at its first update. The log knows no deletion, spam, test or
-- merge, and every incident was raised for a caller.
select
    incident as ticket_id,
    opened_at as created_at,
    contact_type as channel,
    -- The contract wants a contact type; one of its own keeps incidents without one out of the real ones.
    coalesce(category, 'uncategorised') as contact_type,
    priority as severity,
    caller_id as customer_id,
    'customer' as origin,
    false as is_spam,
    false as is_test,
    cast(null as {{ dbt.type_string() }}) as merged_into_ticket_id,
    _loaded_at,
    false as _deleted,
    cast(null as bigint) as _sequence,
    raw_file,
    raw_row,
    fault_column,
    _loaded_at as first_loaded_at,
    disposition
from {{ ref('stg_servicenow__incident_updates') }}
where update_position = 1
