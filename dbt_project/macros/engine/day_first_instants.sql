{#
    Day-first text without an offset (`29/2/2016 01:23`), taken as UTC; null where it is no such text. The
    pattern stands before the engine's own reading, because engines differ in what else they let pass.
#}
{% macro read_day_first_instant(value) -%}
    {{ return(adapter.dispatch('read_day_first_instant')(value)) }}
{%- endmacro %}

{% macro default__read_day_first_instant(value) -%}
    case
        when {{ matches(value, day_first_pattern()) }} then try_strptime({{ value }}, '%d/%m/%Y %H:%M')
    end
{%- endmacro %}

{% macro spark__read_day_first_instant(value) -%}
    case
        when {{ matches(value, day_first_pattern()) }} then try_to_timestamp({{ value }}, 'd/M/yyyy H:mm')
    end
{%- endmacro %}

{% macro day_first_pattern() -%}
    ^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4} [0-9]{1,2}:[0-9]{2}$
{%- endmacro %}
