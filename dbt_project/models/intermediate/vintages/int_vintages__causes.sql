-- One row per metric (null = any) and agent (null = any): the kinds of rows that became known of the month
-- that is restated.
{% set feeds = {
    'qa_score': ['qa_evaluations', 'qa_criterion_scores'],
    'qa_consistency': ['qa_evaluations', 'qa_criterion_scores'],
    'critical_error_rate': ['qa_evaluations', 'qa_criterion_scores'],
    'aht_index': ['interactions', 'tickets', 'ticket_events'],
    'contacts_per_productive_hour': ['interactions', 'tickets', 'ticket_events', 'agent_states'],
    'schedule_adherence': ['schedule_segments', 'agent_states', 'absences'],
    'csat': ['surveys', 'tickets', 'ticket_events'],
    'fcr_rate': ['tickets', 'ticket_events'],
    'escalation_rate': ['interactions', 'tickets', 'ticket_events'],
    'repeat_contact_rate': ['tickets', 'ticket_events'],
    'training_completion_rate': ['training_assignments'],
    'kb_contributions': ['kb_contributions'],
    'goal_progress': ['development_goals'],
} %}
with feeds as (

    {% for metric, tables in feeds.items() %}
    {% for table in tables + ['agents', 'agent_assignments', 'teams'] %}
    select '{{ metric }}' as metric, '{{ table }}' as raw_table
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

later_rows as (

    select
        feeds.metric,
        later.agent_id,
        later.kind
    from {{ ref('int_vintages__later_rows') }} as later
    inner join feeds on later.raw_table = feeds.raw_table

),

scoped as (

    select
        metric,
        agent_id,
        kind
    from later_rows
    where agent_id is not null

    union all

    select
        metric,
        cast(null as {{ dbt.type_string() }}) as agent_id,
        kind
    from later_rows

    union all

    select
        cast(null as {{ dbt.type_string() }}) as metric,
        cast(null as {{ dbt.type_string() }}) as agent_id,
        kind
    from later_rows

),

kinds as (

    select
        metric,
        agent_id,
        max(case when kind = 'late' then 'late' end) as late_rows,
        max(case when kind = 'corrected' then 'corrected' end) as corrected_rows,
        max(case when kind = 'deleted' then 'deleted' end) as deleted_rows
    from scoped
    group by metric, agent_id

)

select
    metric,
    agent_id,
    {{ joined_texts(['late_rows', 'corrected_rows', 'deleted_rows'], ', ') }} as causes
from kinds
