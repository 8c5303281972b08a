{{ config(**kept_by('state_id', touched='all')) }}
-- One row per agent state that overlaps another of the same agent: set aside or kept.
{{ overlap_faults(ref('int_agent_states__spells'), 'state_id', touched='agent_states') }}
