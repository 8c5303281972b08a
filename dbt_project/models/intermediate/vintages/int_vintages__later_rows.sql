-- One row per raw table, key, agent it names and kind: what became known of a closed month that is restated
-- after it was published last. Nothing while no month is restated.
-- A row counts where any version of its key lies in the month, or in the days after it in which a contact
-- can still be repeated; the agent is null where the table names none.
{% set tables = {
    'agents': ('null', 'versions.agent_id'),
    'agent_assignments': ('null', 'versions.agent_id'),
    'teams': ('null', none),
    'tickets': ('created_at', none),
    'ticket_events': ('occurred_at', none),
    'interactions': ('started_at', 'versions.agent_id'),
    'qa_evaluations': ('interaction_at', 'versions.agent_id'),
    'surveys': ('coalesce(responded_at, sent_at)', 'versions.agent_id'),
    'schedule_segments': ('starts_at', 'versions.agent_id'),
    'agent_states': ('starts_at', 'versions.agent_id'),
    'absences': ('absent_on', 'versions.agent_id'),
    'training_assignments': ('due_on', 'versions.agent_id'),
    'kb_contributions': ('occurred_at', 'versions.agent_id'),
    'development_goals': ('null', 'versions.agent_id'),
} %}
with restated as (

    select
        runs.restated_month,
        max(scorecards.vintage_as_of) as known_until
    from {{ ref('stg_landing__runs') }} as runs
    inner join {{ ref('stg_landing__vintage_scorecards') }} as scorecards
        on runs.restated_month = scorecards.period_month
    group by runs.restated_month

),

{% for table, columns in tables.items() %}
{% set key = contract_of(table)['key'] or ['raw_file'] %}
{% set same = [] %}
{% for column in key %}
{% do same.append('changed.' ~ column ~ ' = versions.' ~ column) %}
{% endfor %}
{{ table }}_changed as (

    select
        {{ 'staged.' ~ key | join(', staged.') }},
        restated.restated_month,
        -- All versions of a schedule are kept, so several rows of a key can count.
        case
            when bool_or(staged.disposition = 'deleted') then 'deleted'
            when min(staged.first_loaded_at) > max(restated.known_until) then 'late'
            else 'corrected'
        end as kind
    from {{ ref('stg_native__' ~ table) }} as staged
    inner join restated on staged._loaded_at > restated.known_until
    where staged.disposition in ('used', 'deleted')
    group by {{ 'staged.' ~ key | join(', staged.') }}, restated.restated_month

),

{{ table }}_later as (

    select distinct
        '{{ table }}' as raw_table,
        cast({{ columns[1] or 'null' }} as {{ dbt.type_string() }}) as agent_id,
        changed.kind
    from {{ table }}_changed as changed
    inner join {{ ref('stg_native__' ~ table) }} as versions
        on {{ same | join(' and ') }}
    where
        versions.disposition in ('used', 'superseded', 'deleted')
        {%- if columns[0] != 'null' %}
        and cast({{ columns[0] }} as date) >= {{ add_days('changed.restated_month', -1) }}
        and cast({{ columns[0] }} as date)
        <= {{ add_days(add_months('changed.restated_month', 1), var('close_after_days')) }}
        {%- endif %}

),

{% endfor %}

-- Criteria have no time or agent of their own.
criteria_changed as (

    select
        staged.evaluation_id,
        restated.restated_month,
        case
            when staged.disposition = 'deleted' then 'deleted'
            when staged.first_loaded_at > restated.known_until then 'late'
            else 'corrected'
        end as kind
    from {{ ref('stg_native__qa_criterion_scores') }} as staged
    inner join restated on staged._loaded_at > restated.known_until
    where staged.disposition in ('used', 'deleted')

),

criteria_later as (

    select distinct
        'qa_criterion_scores' as raw_table,
        evaluations.agent_id,
        changed.kind
    from criteria_changed as changed
    inner join {{ ref('stg_native__qa_evaluations') }} as evaluations
        on changed.evaluation_id = evaluations.evaluation_id
    where
        evaluations.disposition in ('used', 'superseded', 'deleted')
        and {{ month_of('evaluations.interaction_at') }} = changed.restated_month

)

{% for table in tables %}
select * from {{ table }}_later
union all
{% endfor %}
select * from criteria_later
