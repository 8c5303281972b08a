{# Whole division of integers that fit 64 bits, towards zero. #}
{% macro divide_whole(numerator, denominator) -%}
    {{ return(adapter.dispatch('divide_whole')(numerator, denominator)) }}
{%- endmacro %}

{% macro default__divide_whole(numerator, denominator) -%}
    (({{ numerator }}) // ({{ denominator }}))
{%- endmacro %}

{% macro spark__divide_whole(numerator, denominator) -%}
    (({{ numerator }}) div ({{ denominator }}))
{%- endmacro %}

{# The one division of a metric: sums are exact, so the quotient is the same in every order; 0 below is null. #}
{% macro ratio(numerator, denominator) -%}
    (cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0))
{%- endmacro %}

{# How every published number leaves: a double of 6 decimals, half away from zero. #}
{% macro published(value) -%}
    round(cast({{ value }} as double), 6)
{%- endmacro %}

{# Whole microseconds as exact decimal seconds. #}
{% macro seconds_of(microseconds) -%}
    (cast({{ microseconds }} as decimal(20, 0)) * cast(0.000001 as decimal(7, 6)))
{%- endmacro %}

{#
    Quotient of two published numbers (not negative, 6 decimals), rounded half away from zero to 6 decimals, in whole
    millionths: in binary a tie such as 0.7555555 falls to the wrong side. 0 below is null.
#}
{% macro rounded_ratio(numerator, denominator) -%}
    {{ return(adapter.dispatch('rounded_ratio')(numerator, denominator)) }}
{%- endmacro %}

{% macro default__rounded_ratio(numerator, denominator) -%}
    (cast(
        (2000000 * cast(round({{ numerator }} * 1000000) as hugeint) + cast(round({{ denominator }} * 1000000) as hugeint))
        // nullif(2 * cast(round({{ denominator }} * 1000000) as hugeint), 0)
    as double) / 1000000)
{%- endmacro %}

{% macro spark__rounded_ratio(numerator, denominator) -%}
    (cast(
        (cast(2000000 as decimal(7, 0)) * cast(round({{ numerator }} * 1000000) as decimal(25, 0)) + cast(round({{ denominator }} * 1000000) as decimal(25, 0)))
        div nullif(2 * cast(round({{ denominator }} * 1000000) as decimal(25, 0)), 0)
    as double) / 1000000)
{%- endmacro %}

{# A number to so many decimals, towards the greater or the lesser; exact in decimals, where binary would go one too far. #}
{% macro rounded_up(value, decimals) -%}
    (cast(ceil(cast(round({{ value }}, 6) as decimal(18, 6)) * {{ 10 ** decimals }}) as double) / {{ 10 ** decimals }})
{%- endmacro %}

{% macro rounded_down(value, decimals) -%}
    (cast(floor(cast(round({{ value }}, 6) as decimal(18, 6)) * {{ 10 ** decimals }}) as double) / {{ 10 ** decimals }})
{%- endmacro %}
