{# An instant moved by whole microseconds; the count may be a column. #}
{% macro add_microseconds(instant, count) -%}
    {{ return(adapter.dispatch('add_microseconds')(instant, count)) }}
{%- endmacro %}

{% macro default__add_microseconds(instant, count) -%}
    ({{ instant }} + to_microseconds(cast({{ count }} as bigint)))
{%- endmacro %}

{% macro spark__add_microseconds(instant, count) -%}
    timestamp_micros(unix_micros({{ instant }}) + cast({{ count }} as bigint))
{%- endmacro %}
