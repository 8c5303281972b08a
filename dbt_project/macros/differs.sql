{# True where two values differ; null is a value of its own here. #}
{% macro differs(one, other) -%}
    coalesce({{ one }} <> {{ other }}, ({{ one }} is null) <> ({{ other }} is null))
{%- endmacro %}
