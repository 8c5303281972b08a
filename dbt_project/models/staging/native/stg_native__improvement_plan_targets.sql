-- One row per landed row of improvement_plan_targets, typed, with its disposition.
{{ typed_rows(
    'improvement_plan_targets',
    listed={'column': 'metric', 'in': 'scorecard_metrics', 'reason': 'unknown_metric'},
) }}
