{# Percentile of the non-null values, straight between neighbours; an aggregate over doubles. `share` is 0 to 1. #}
{% macro interpolated_percentile(value, share) -%}
    {{ return(adapter.dispatch('interpolated_percentile')(value, share)) }}
{%- endmacro %}

{% macro default__interpolated_percentile(value, share) -%}
    quantile_cont(cast({{ value }} as double), {{ share }})
{%- endmacro %}

{% macro spark__interpolated_percentile(value, share) -%}
    percentile(cast({{ value }} as double), {{ share }})
{%- endmacro %}
