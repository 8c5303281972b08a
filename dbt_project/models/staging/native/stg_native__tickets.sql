-- One row per landed row of tickets, typed, with its disposition.
{{ typed_rows('tickets') }}
