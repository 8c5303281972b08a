{#
    Body of a query that makes the published figures of a pulse from its sums: the same formulas for a day and for a week.

    sums       CTE with period_sums() and the keys
    keys       columns to carry
    Result: the keys, then counts as they are, hours and rates; each rate is the quotient of two published columns.
#}
{% macro pulse_figures(sums, keys) -%}
    published as (

        select
            {{ keys | join(', ') }},
            contacts_handled,
            timed_contacts,
            {{ published('handle_seconds') }} as handle_seconds,
            {{ hours_of('scheduled_microseconds') }} as scheduled_hours,
            {{ hours_of('present_microseconds') }} as present_scheduled_hours,
            {{ hours_of('adherent_microseconds') }} as adherent_hours,
            {{ hours_of('productive_microseconds') }} as productive_hours,
            {{ hours_of('handling_microseconds') }} as handling_hours,
            solved,
            escalations,
            csat_responses,
            csat_positive,
            qa_evaluations
        from {{ sums }}

    )

    select
        *,
        {{ rounded_ratio('handle_seconds', 'timed_contacts') }} as average_handle_seconds,
        {{ rounded_ratio('adherent_hours', 'present_scheduled_hours') }} as schedule_adherence,
        {{ rounded_ratio('handling_hours', 'productive_hours') }} as occupancy,
        {{ rounded_ratio('contacts_handled', 'productive_hours') }} as contacts_per_productive_hour,
        {{ rounded_ratio('csat_positive', 'csat_responses') }} as csat
    from published
{%- endmacro %}

{# Whole microseconds as published hours. #}
{% macro hours_of(microseconds) -%}
    {{ published(ratio(microseconds, 3600000000)) }}
{%- endmacro %}

{#
    What is charted of a pulse. A point counts where its base is large enough that one contact or ten minutes more could not
    make a signal of it.

    minimum_hours      productive hours for the rate of contacts, scheduled hours of days without absence for adherence
    minimum_contacts   timed contacts for the mean handle time
#}
{% macro pulse_measures(minimum_hours, minimum_contacts) -%}
    {{ return([
        {'name': 'contacts_per_productive_hour', 'base': 'productive_hours', 'minimum': minimum_hours},
        {'name': 'average_handle_seconds', 'base': 'timed_contacts', 'minimum': minimum_contacts},
        {'name': 'schedule_adherence', 'base': 'present_scheduled_hours', 'minimum': minimum_hours, 'ceiling': 1},
    ]) }}
{%- endmacro %}
