{# Reading opening hours and the clock that runs only while a calendar is open (int_service__business_clock). #}

{# What a local clock shows on a date at a time of day such as 09:00; 24:00 is the midnight that ends the date. #}
{% macro time_on_day(day, time) -%}
    {{ add_microseconds(
        "cast(" ~ day ~ " as timestamp)",
        "60000000 * (60 * cast(split_part(" ~ time ~ ", ':', 1) as bigint) + cast(split_part(" ~ time ~ ", ':', 2) as bigint))"
    ) }}
{%- endmacro %}

{#
    local_to_utc for a time that the clock may show twice (the hour is set back): the first of both, as calendars read it (RFC
    5545). Engines differ there. With the offset of the day before the local time is either reached the first time, or not at all.
#}
{% macro local_to_first_utc(local_timestamp, zone) -%}
    {%- set instant = local_to_utc(local_timestamp, zone) -%}
    {%- set day_before = "(" ~ instant ~ " - interval '1' day)" -%}
    {%- set with_offset_before = add_microseconds(
        local_timestamp, microseconds_between(utc_to_local(day_before, zone), day_before)
    ) -%}
    case
        when {{ utc_to_local(with_offset_before, zone) }} = {{ local_timestamp }} then {{ with_offset_before }}
        else {{ instant }}
    end
{%- endmacro %}

{# Join to the one stretch of the calendar's clock that an instant lies in: equal calendar and UTC date first. #}
{% macro join_business_clock(alias, calendar, instant) -%}
    left join {{ ref('int_service__business_clock') }} as {{ alias }}
        on
            {{ calendar }} = {{ alias }}.calendar
            and cast({{ instant }} as date) = {{ alias }}.clock_date
            and {{ instant }} >= {{ alias }}.starts_at
            and {{ instant }} < {{ alias }}.ends_at
{%- endmacro %}

{# What the clock of a joined stretch shows at an instant in it: open time since the clock began. #}
{% macro business_clock_at(alias, instant) -%}
    ({{ alias }}.microseconds_before
    + least({{ microseconds_between(alias ~ '.starts_at', instant) }}, {{ alias }}.open_microseconds))
{%- endmacro %}
