{#
    ISO 8601 weeks: they begin on Monday and belong to the year of their Thursday. The number comes from the Thursday's place
    in its year, because engines disagree on what week() of a first of January is.
#}

{% macro iso_week_start(day) -%}
    cast(date_trunc('week', {{ day }}) as date)
{%- endmacro %}

{# Year a week belongs to, by its Monday. #}
{% macro iso_year_of_week(week_start) -%}
    cast(year({{ add_days(week_start, 3) }}) as bigint)
{%- endmacro %}

{# Number of a week in its year, 1 to 53, by its Monday. #}
{% macro iso_week_number(week_start) -%}
    cast({{ divide_whole('dayofyear(' ~ add_days(week_start, 3) ~ ') - 1', '7') }} + 1 as bigint)
{%- endmacro %}
