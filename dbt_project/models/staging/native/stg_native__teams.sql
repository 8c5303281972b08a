-- One row per landed row of teams, typed, with its disposition.
{{ typed_rows('teams') }}
