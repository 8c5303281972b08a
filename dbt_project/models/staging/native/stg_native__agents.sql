-- One row per landed row of agents, typed, with its disposition.
{{ typed_rows('agents') }}
