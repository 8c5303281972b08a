-- One row per landed row of qa_criterion_scores, typed, with its disposition.
{{ typed_rows('qa_criterion_scores', rules=[
    ('missing_value', 'is_applicable and (score is null or max_score is null)'),
    ('off_scale', 'score < 0 or score > max_score or (is_applicable and max_score <= 0)'),
]) }}
