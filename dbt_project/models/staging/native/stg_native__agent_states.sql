-- One row per landed row of agent_states, typed, with its disposition.
{{ typed_rows(
    'agent_states',
    rules=[('ends_before_start', 'ends_at < starts_at')],
    listed={'column': 'state', 'in': 'agent_state_map', 'reason': 'unknown_state'},
) }}
