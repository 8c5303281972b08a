-- One row per landed row of absences, typed, with its disposition.
{{ typed_rows('absences') }}
