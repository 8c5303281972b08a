-- One row per landed row of qa_evaluations, typed, with its disposition.
{{ typed_rows('qa_evaluations') }}
