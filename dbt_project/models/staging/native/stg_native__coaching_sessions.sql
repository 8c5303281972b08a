-- One row per landed row of coaching_sessions, typed, with its disposition.
{{ typed_rows('coaching_sessions', rules=[
    ('self_coaching', 'coach_id = agent_id'),
]) }}
