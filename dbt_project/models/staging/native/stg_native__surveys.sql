-- One row per landed row of surveys, typed, with its disposition.
{{ typed_rows('surveys', rules=[
    ('off_scale', 'score is not null and score not between scale_min and scale_max'),
    ('answered_before_sent', 'responded_at < sent_at'),
]) }}
