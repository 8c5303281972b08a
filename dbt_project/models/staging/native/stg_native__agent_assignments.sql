-- One row per landed row of agent_assignments, typed, with its disposition.
{{ typed_rows('agent_assignments') }}
