{{ config(**kept_by('key_id', touched='all')) }}
-- One row per raw table and key (the first column of it) of which this run may change a row: keys
-- of the files to be read, and what hangs on them. A full build makes everything, so it has none.
-- Rather one too many than one too few: a ticket whose versions could ever have stood in a cycle of
-- merges counts as touched, as others decide whether it does.
{% if is_update() or not execute -%}
with
{% for table in raw_tables() %}
{%- set key = contract_of(table)['key'][0] %}
arrived_{{ table }} as (

    select distinct {{ cleaned_cell(key) }} as key_id
    from {{ landed_rows(table) }}

),

{% endfor %}
pointers as (

    select
        ticket_id,
        merged_into_ticket_id
    from {{ contract('tickets') }}
    where merged_into_ticket_id is not null

),

pointers_onward as (

    select *
    from pointers
    where merged_into_ticket_id in (select merged.ticket_id from pointers as merged)

),

touched_tickets as (

    select key_id
    from arrived_tickets

    union

    select ticket_id as key_id
    from pointers_onward
    where
        merged_into_ticket_id in (select merged.ticket_id from pointers_onward as merged)

),

{% for table, key in {
    'ticket_events': 'event_id', 'interactions': 'interaction_id',
    'surveys': 'survey_id', 'qa_evaluations': 'evaluation_id',
}.items() %}
touched_{{ table }} as (

    select key_id
    from arrived_{{ table }}

    union

    select {{ key }} as key_id
    from {{ contract(table) }}
    where ticket_id in (select touched_tickets.key_id from touched_tickets)

),

{% endfor %}
touched_qa_criterion_scores as (

    select key_id
    from arrived_qa_criterion_scores

    union

    select key_id
    from touched_qa_evaluations

),

-- An open state ends with the next one, within twelve hours.
days_of_states as (

    select
        agent_id,
        cast(starts_at as date) as start_date
    from {{ ref('stg_native__agent_states') }}
    where state_id in (select arrived.key_id from arrived_agent_states as arrived)

    union

    select
        agent_id,
        {{ add_days('cast(starts_at as date)', -1) }} as start_date
    from {{ ref('stg_native__agent_states') }}
    where state_id in (select arrived.key_id from arrived_agent_states as arrived)

),

touched_agent_states as (

    select key_id
    from arrived_agent_states

    union

    select states.state_id as key_id
    from {{ ref('stg_native__agent_states') }} as states
    inner join days_of_states
        on
            states.agent_id = days_of_states.agent_id
            and cast(states.starts_at as date) = days_of_states.start_date

)

{% for table in raw_tables() %}
{%- set with_dependents = [
    'tickets', 'ticket_events', 'interactions', 'surveys', 'qa_evaluations',
    'qa_criterion_scores', 'agent_states',
] %}
select
    '{{ table }}' as raw_table,
    key_id
from {{ 'touched' if table in with_dependents else 'arrived' }}_{{ table }}
where key_id is not null
{{ 'union all' if not loop.last }}
{% endfor %}
{%- else -%}
select
    cast(null as {{ dbt.type_string() }}) as raw_table,
    cast(null as {{ dbt.type_string() }}) as key_id
where false
{%- endif %}
