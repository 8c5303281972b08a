{{ config(meta={"dagster": {"ref": {"name": "int_rows__dispositions"}}}) }}
-- What was superseded, deleted or quarantined counts nowhere: behind every fact stands a raw row
-- that is in use.
{% set facts = [
    ('int_interactions__credited', 'interactions', 'interaction_id'),
    ('fct_evaluations', 'qa_evaluations', 'evaluation_id'),
    ('fct_survey_responses', 'surveys', 'survey_id'),
    ('fct_training', 'training_assignments', 'assignment_id'),
    ('fct_coaching', 'coaching_sessions', 'session_id'),
    ('fct_kb_contributions', 'kb_contributions', 'contribution_id'),
] %}
with sound_rows as (

    select
        raw_table,
        raw_file,
        raw_row
    from {{ ref('int_rows__dispositions') }}
    where disposition = 'used' or disposition like 'out_of_scope:%'

),

{% for fact, table, key in facts %}
sound_{{ table }} as (

    select staged.{{ key }} as fact_id
    from {{ ref('stg_native__' ~ table) }} as staged
    inner join sound_rows
        on
            sound_rows.raw_table = '{{ table }}'
            and staged.raw_file = sound_rows.raw_file
            and staged.raw_row = sound_rows.raw_row

),

{% endfor %}
-- Tickets may come from an adapter, which has no raw rows of its own.
sound_tickets as (

    select ticket_id as fact_id
    from {{ contract('tickets') }}
    where disposition = 'used'

)

{% for fact, table, key in facts + [('fct_solves', 'tickets', 'ticket_id')] %}
select
    '{{ fact }}' as fact,
    facts.{{ key }} as fact_id
from {{ ref(fact) }} as facts
left join sound_{{ table }} as sound on facts.{{ key }} = sound.fact_id
where sound.fact_id is null
{{ 'union all' if not loop.last }}
{% endfor %}
