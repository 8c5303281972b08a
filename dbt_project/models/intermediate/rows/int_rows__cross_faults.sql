{{ config(materialized='view') }}
-- One row per current raw row that other rows rule out, or that counts but lies outside the scope:
-- what overrides its staged disposition.
-- A view: what it reads is kept up to date, and few rows of it are asked for at a time.
select
    'tickets' as raw_table,
    raw_file,
    raw_row,
    'quarantined:merge_cycle' as disposition
from {{ ref('int_tickets__scoped') }}
where is_in_merge_cycle

union all

select
    'tickets' as raw_table,
    raw_file,
    raw_row,
    concat('out_of_scope:', scope) as disposition
from {{ ref('int_tickets__scoped') }}
where not is_in_merge_cycle and scope not in ('in_scope', 'deleted')

union all

select
    'ticket_events' as raw_table,
    raw_file,
    raw_row,
    concat('quarantined:', fault) as disposition
from {{ ref('int_ticket_events__judged') }}
where fault is not null

union all

select
    'interactions' as raw_table,
    raw_file,
    raw_row,
    concat('quarantined:', fault) as disposition
from {{ ref('int_interactions__judged') }}
where fault is not null

union all

select
    'surveys' as raw_table,
    raw_file,
    raw_row,
    concat('quarantined:', fault) as disposition
from {{ ref('int_surveys__judged') }}
where fault is not null

union all

select
    'qa_evaluations' as raw_table,
    raw_file,
    raw_row,
    concat('quarantined:', fault) as disposition
from {{ ref('int_evaluations__judged') }}
where fault is not null

union all

select
    'qa_evaluations' as raw_table,
    evaluations.raw_file,
    evaluations.raw_row,
    concat('out_of_scope:', facts.exclusion) as disposition
from {{ ref('int_evaluations__excluded') }} as facts
inner join {{ ref('int_evaluations__judged') }} as evaluations
    on facts.evaluation_id = evaluations.evaluation_id
where facts.exclusion is not null

union all

select
    'qa_criterion_scores' as raw_table,
    raw_file,
    raw_row,
    concat('quarantined:', fault) as disposition
from {{ ref('int_evaluation_criteria__judged') }}
where fault is not null

union all

select
    'agent_states' as raw_table,
    states.raw_file,
    states.raw_row,
    'quarantined:overlap' as disposition
from {{ ref('int_agent_states__spells') }} as states
inner join {{ ref('int_agent_states__overlaps') }} as set_aside
    on states.state_id = set_aside.state_id
where set_aside.is_overlapping

union all

select
    raw_table,
    raw_file,
    raw_row,
    disposition
from {{ ref('int_schedule_segments__dispositions') }}

union all

select
    raw_table,
    raw_file,
    raw_row,
    disposition
from {{ ref('int_improvement_plans__faults') }}
