-- One row per landed row of schedule_segments, typed, with its disposition.
{{ typed_rows('schedule_segments', rules=[
    ('ends_before_start', 'ends_at < starts_at'),
]) }}
