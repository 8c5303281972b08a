{# Reading text cells. A cell that does not read is null; typed_rows() names the reason. #}

{% macro matches(value, pattern) -%}
    {{ return(adapter.dispatch('matches')(value, pattern)) }}
{%- endmacro %}

{% macro default__matches(value, pattern) -%}
    regexp_matches({{ value }}, '{{ pattern }}')
{%- endmacro %}

{% macro spark__matches(value, pattern) -%}
    ({{ value }} rlike r'{{ pattern }}')
{%- endmacro %}

{# ISO 8601 text with an offset, as a UTC instant; null where it is no such text. #}
{% macro read_instant(value) -%}
    {{ return(adapter.dispatch('read_instant')(value)) }}
{%- endmacro %}

{% macro default__read_instant(value) -%}
    case
        when {{ matches(value, instant_pattern() ~ offset_pattern()) }}
            then timezone('UTC', try_cast({{ value }} as timestamp with time zone))
    end
{%- endmacro %}

{% macro spark__read_instant(value) -%}
    case
        when {{ matches(value, instant_pattern() ~ offset_pattern()) }}
            then try_cast({{ value }} as timestamp)
    end
{%- endmacro %}

{% macro instant_pattern() -%}
    ^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?
{%- endmacro %}

{% macro offset_pattern() -%}
    (Z|[+-][0-9]{2}(:?[0-9]{2})?)$
{%- endmacro %}

{# The distinct values of a column as one text, in order; an aggregate. #}
{% macro listing(value) -%}
    {{ return(adapter.dispatch('listing')(value)) }}
{%- endmacro %}

{% macro default__listing(value) -%}
    string_agg(distinct {{ value }}, ', ' order by {{ value }})
{%- endmacro %}

{% macro spark__listing(value) -%}
    array_join(array_sort(collect_set({{ value }})), ', ')
{%- endmacro %}
