-- One row per landed row of improvement_plan_support, typed, with its disposition.
{{ typed_rows('improvement_plan_support') }}
