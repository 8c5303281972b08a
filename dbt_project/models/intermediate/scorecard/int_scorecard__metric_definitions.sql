-- One row per metric the scorecard can hold: what it is, in words, how its values are shown (unit:
-- points, share, index, number), and how often it is looked at.
-- What the business decides (weight, target, owner, decision) stands in the seeds instead.
{% set metrics = [
    (
        'qa_score',
        'QA score',
        'points',
        'Mean score of the evaluations of the agent\'s contacts, 0 to 100.',
        'sum of evaluation scores / evaluations',
        'monthly',
    ),
    (
        'qa_consistency',
        'QA consistency',
        'points',
        'Spread of the agent\'s evaluation scores, in points; lower is steadier.',
        'square root of (sum of squared deviations / (evaluations - 1))',
        'monthly',
    ),
    (
        'critical_error_rate',
        'critical error rate',
        'share',
        'Share of evaluations with a critical error, counted apart from the score.',
        'evaluations with a critical error / evaluations',
        'weekly',
    ),
    (
        'aht_index',
        'handle time index',
        'index',
        'Handle time against what peers needed for the same contacts; 1 is as peers, neither slow nor rushed.',
        'handle seconds / expected handle seconds',
        'weekly',
    ),
    (
        'contacts_per_productive_hour',
        'contacts per productive hour',
        'number',
        'Contacts handled for each hour available or handling.',
        'contacts handled / productive hours',
        'weekly',
    ),
    (
        'schedule_adherence',
        'schedule adherence',
        'share',
        'Share of scheduled contact-handling time that was available or handling, days of absence left out.',
        'adherent seconds / scheduled contact-handling seconds',
        'daily',
    ),
    (
        'csat',
        'customer satisfaction',
        'share',
        'Share of answered surveys with a positive rating.',
        'positive responses / responses to in-scope tickets',
        'weekly',
    ),
    (
        'fcr_rate',
        'first-contact resolution',
        'share',
        'Share of first solves that held for the repeat window: not reopened, no repeat contact.',
        'first-contact resolutions / mature first-solved tickets',
        'weekly',
    ),
    (
        'escalation_rate',
        'escalation rate',
        'share',
        'Share of T1 contacts handed off, types escalated by design left out.',
        'escalated T1 contacts / T1 contacts',
        'weekly',
    ),
    (
        'repeat_contact_rate',
        'repeat contact rate',
        'share',
        'Share of final solves after which the customer came back about the same family of issues.',
        'tickets followed by a repeat / mature final-solved tickets with a customer',
        'weekly',
    ),
    (
        'training_completion_rate',
        'training completion',
        'share',
        'Share of training due that was completed on or before its due day, waived left out.',
        'completed on or before due day / due in the month',
        'monthly',
    ),
    (
        'kb_contributions',
        'knowledge contributions',
        'number',
        'Accepted knowledge base contributions a month.',
        'accepted contributions / months employed',
        'monthly',
    ),
    (
        'goal_progress',
        'goal progress',
        'share',
        'Weighted progress towards agreed development goals.',
        'weighted progress / weight',
        'monthly',
    ),
] %}
{% for metric, label, value_unit, definition, formula, cadence in metrics %}
select
    '{{ metric }}' as metric,
    '{{ label }}' as label,
    '{{ value_unit }}' as value_unit,
    '{{ dbt.escape_single_quotes(definition) }}' as definition,
    '{{ formula }}' as formula,
    '{{ cadence }}' as cadence
{{ 'union all' if not loop.last }}
{% endfor %}
