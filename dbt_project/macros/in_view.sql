{# True for an instant that the days to be built can tell of; `runs` is the alias of stg_landing__runs. #}
{% macro in_view(instant, runs) -%}
    ({{ runs }}.facts_from is null or {{ instant }} >= {{ runs }}.facts_from)
{%- endmacro %}
