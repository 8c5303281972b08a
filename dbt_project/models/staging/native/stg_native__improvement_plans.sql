-- One row per landed row of improvement_plans, typed, with its disposition.
{{ typed_rows('improvement_plans') }}
