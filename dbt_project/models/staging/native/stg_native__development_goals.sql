-- One row per landed row of development_goals, typed, with its disposition.
{{ typed_rows('development_goals', rules=[
    ('target_equals_baseline', 'target = baseline'),
]) }}
