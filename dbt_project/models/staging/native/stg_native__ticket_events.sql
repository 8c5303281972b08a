-- One row per landed row of ticket_events, typed, with its disposition.
{{ typed_rows('ticket_events') }}
