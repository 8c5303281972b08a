{{ config(meta={"dagster": {"ref": {"name": "int_agent_states__overlaps"}}}) }}
-- The order in which overlapping spells are set aside is unrolled in a fixed number of rounds
-- (macro overlap_faults). A chain of overlaps longer than that stays undecided: raise the rounds,
-- rather than count its time twice.
select
    'agent_states' as raw_table,
    state_id as spell_id
from {{ ref('int_agent_states__overlaps') }}
where is_overlapping is null

union all

select
    'schedule_segments' as raw_table,
    segment_id as spell_id
from {{ ref('int_schedule_segments__overlaps') }}
where is_overlapping is null

union all

select
    'improvement_plans' as raw_table,
    plan_id as spell_id
from {{ ref('int_improvement_plans__overlaps') }}
where is_overlapping is null
