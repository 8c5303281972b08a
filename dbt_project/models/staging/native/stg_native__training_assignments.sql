-- One row per landed row of training_assignments, typed, with its disposition.
{{ typed_rows('training_assignments', rules=[
    ('completed_before_assigned', 'completed_at < assigned_at'),
]) }}
