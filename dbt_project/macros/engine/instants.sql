{# Instants are timestamps without zone that hold UTC, on every engine. What differs between engines stands here. #}

{# Whole microseconds from one instant to another: integers add up the same in any order. #}
{% macro microseconds_between(earlier, later) -%}
    {{ return(adapter.dispatch('microseconds_between')(earlier, later)) }}
{%- endmacro %}

{% macro default__microseconds_between(earlier, later) -%}
    (epoch_us({{ later }}) - epoch_us({{ earlier }}))
{%- endmacro %}

{% macro spark__microseconds_between(earlier, later) -%}
    (unix_micros({{ later }}) - unix_micros({{ earlier }}))
{%- endmacro %}

{# The UTC instant at which a local clock of an IANA zone shows this local timestamp. #}
{% macro local_to_utc(local_timestamp, zone) -%}
    {{ return(adapter.dispatch('local_to_utc')(local_timestamp, zone)) }}
{%- endmacro %}

{% macro default__local_to_utc(local_timestamp, zone) -%}
    timezone('UTC', timezone({{ zone }}, cast({{ local_timestamp }} as timestamp)))
{%- endmacro %}

{% macro spark__local_to_utc(local_timestamp, zone) -%}
    to_utc_timestamp(cast({{ local_timestamp }} as timestamp), {{ zone }})
{%- endmacro %}

{# What a local clock of an IANA zone shows at a UTC instant. #}
{% macro utc_to_local(instant, zone) -%}
    {{ return(adapter.dispatch('utc_to_local')(instant, zone)) }}
{%- endmacro %}

{% macro default__utc_to_local(instant, zone) -%}
    timezone({{ zone }}, timezone('UTC', {{ instant }}))
{%- endmacro %}

{% macro spark__utc_to_local(instant, zone) -%}
    from_utc_timestamp({{ instant }}, {{ zone }})
{%- endmacro %}
