-- One row per landed row of interactions, typed, with its disposition.
{{ typed_rows('interactions') }}
