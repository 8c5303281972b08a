-- One row per landed row of kb_contributions, typed, with its disposition.
{{ typed_rows('kb_contributions') }}
