-- One row per contact type that the business listed or a ticket ever had; an unlisted one is its own family.
with seen as (

    select contact_type from {{ ref('int_tickets__scoped') }}

    union distinct

    select contact_type from {{ ref('int_tickets__contact_type_changes') }}

    union distinct

    select contact_type from {{ ref('contact_types') }}

)

select
    seen.contact_type,
    coalesce(listed.contact_family, seen.contact_type) as contact_family,
    coalesce(listed.is_escalation_by_design, false) as is_escalation_by_design,
    listed.contact_type is not null as is_listed
from seen
left join {{ ref('contact_types') }} as listed on seen.contact_type = listed.contact_type
where seen.contact_type is not null
