-- One row per metric the scorecard can hold: what it is, in words, and how often it is looked at.
-- What the business decides (weight, target, owner, decision) stands in the seeds instead.
{% set metrics = [
    (
        'qa_score',
        'Mean score of the evaluations of the agent\'s contacts, 0 to 100.',
        'sum of evaluation scores / evaluations',
        'monthly',
    ),
    (
        'qa_consistency',
        'Spread of the agent\'s evaluation scores, in points; lower is steadier.',
        'square root of (sum of squared deviations / (evaluations - 1))',
        'monthly',
    ),
    (
        'critical_error_rate',
        'Share of evaluations with a critical error, counted apart from the score.',
        'evaluations with a critical error / evaluations',
        'weekly',
    ),
    (
        'aht_index',
        'Handle time against what peers needed for the same contacts; 1 is as peers, neither slow nor rushed.',
        'handle seconds / expected handle seconds',
        'weekly',
    ),
    (
        'contacts_per_productive_hour',
        'Contacts handled for each hour available or handling.',
        'contacts handled / productive hours',
        'weekly',
    ),
    (
        'schedule_adherence',
        'Share of scheduled contact-handling time that was available or handling, days of absence left out.',
        'adherent seconds / scheduled contact-handling seconds',
        'daily',
    ),
    (
        'csat',
        'Share of answered surveys with a positive rating.',
        'positive responses / responses to in-scope tickets',
        'weekly',
    ),
    (
        'fcr_rate',
        'Share of first solves that held for the repeat window: not reopened, no repeat contact.',
        'first-contact resolutions / mature first-solved tickets',
        'weekly',
    ),
    (
        'escalation_rate',
        'Share of T1 contacts handed off, types escalated by design left out.',
        'escalated T1 contacts / T1 contacts',
        'weekly',
    ),
    (
        'repeat_contact_rate',
        'Share of final solves after which the customer came back about the same family of issues.',
        'tickets followed by a repeat / mature final-solved tickets with a customer',
        'weekly',
    ),
    (
        'training_completion_rate',
        'Share of training due that was completed on or before its due day, waived left out.',
        'completed on or before due day / due in the month',
        'monthly',
    ),
    (
        'kb_contributions',
        'Accepted knowledge base contributions a month.',
        'accepted contributions / months employed',
        'monthly',
    ),
    (
        'goal_progress',
        'Weighted progress towards agreed development goals.',
        'weighted progress / weight',
        'monthly',
    ),
] %}
{% for metric, definition, formula, cadence in metrics %}
select
    '{{ metric }}' as metric,
    '{{ dbt.escape_single_quotes(definition) }}' as definition,
    '{{ formula }}' as formula,
    '{{ cadence }}' as cadence
{{ 'union all' if not loop.last }}
{% endfor %}
