{# The tables of the raw contract, in its order: the one list that models loop over. #}
{% macro raw_tables() -%}
    {{ return([
        'agents', 'agent_assignments', 'teams', 'tickets', 'ticket_events', 'interactions',
        'qa_evaluations', 'qa_criterion_scores', 'surveys', 'schedule_segments', 'agent_states',
        'absences', 'volume_forecasts', 'training_assignments', 'kb_contributions',
        'development_goals', 'coaching_sessions', 'improvement_plans', 'improvement_plan_targets',
        'improvement_plan_check_ins', 'improvement_plan_support',
    ]) }}
{%- endmacro %}

{# Query with one row per raw table that this run expects files of. #}
{% macro raw_table_names() -%}
    {%- set derived = ['agents', 'agent_assignments', 'teams', 'tickets', 'ticket_events'] if ticketing_source() != 'native' else [] -%}
    {%- for table in raw_tables() if table not in derived %}
    select '{{ table }}' as raw_table
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
