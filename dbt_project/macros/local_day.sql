{# Join of a fact to the local day of the team in charge that covers its instant; no match = no assignment then. #}
{% macro join_local_day(alias, agent_id, instant, kind='left') -%}
    {{ kind }} join {{ ref('int_assignments__utc_days') }} as {{ alias }}
        on
            {{ agent_id }} = {{ alias }}.agent_id
            and cast({{ instant }} as date) = {{ alias }}.utc_date
            and {{ instant }} >= {{ alias }}.starts_at
            and {{ instant }} < {{ alias }}.ends_at
{%- endmacro %}
