{#
    The staged table of the raw contract, whichever system feeds it. Everything downstream of staging reads the contract
    through here, so that a new source adapter changes no other model.
#}
{% macro contract(table) -%}
    {%- set ticketing = ['agents', 'agent_assignments', 'teams', 'tickets', 'ticket_events'] -%}
    {%- set system = ticketing_source() if table in ticketing else 'native' -%}
    {{ return(ref('stg_' ~ system ~ '__' ~ table)) }}
{%- endmacro %}

{% macro ticketing_source() -%}
    {{ return(env_var('CX_TICKETING_SOURCE', 'native')) }}
{%- endmacro %}
