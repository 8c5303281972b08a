{#
    Join that finds a ticket's changed contact type at an instant; `coalesce(<alias>.contact_type, <creation value>)` is then
    the contact type in force. `instant` and `ticket_id` are columns of the query that calls.
#}
{% macro join_contact_type_at(alias, ticket_id, instant) -%}
    left join {{ ref('int_tickets__contact_type_changes') }} as {{ alias }}
        on
            {{ ticket_id }} = {{ alias }}.ticket_id
            and {{ alias }}.changed_at <= {{ instant }}
            and ({{ alias }}.until_at is null or {{ instant }} < {{ alias }}.until_at)
{%- endmacro %}
