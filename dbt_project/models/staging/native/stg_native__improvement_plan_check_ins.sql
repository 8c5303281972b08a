-- One row per landed row of improvement_plan_check_ins, typed, with its disposition.
{{ typed_rows('improvement_plan_check_ins') }}
