{# Schemas are named for their layer (staging, facts, marts), the same for every target: readers and docs rely on it. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name if custom_schema_name else target.schema }}
{%- endmacro %}
