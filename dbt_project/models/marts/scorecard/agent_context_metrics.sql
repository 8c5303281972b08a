-- One row per agent, period month and context metric, measured or not. Counts are 0 where nothing
-- happened; a rate of nothing is null.
{% set rates = [
    'csat_average', 'response_rate', 'reopen_rate', 'occupancy', 'conformance', 'average_handle_seconds',
] %}
{% set counts = ['contacts_handled', 'tenure_days', 'training_late', 'disputed_evaluations'] %}
with metrics as (

    {% for metric in rates + counts %}
    select '{{ metric }}' as metric, {{ 1 if metric in counts else 0 }} as default_denominator
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select
    months.agent_id,
    months.period_month,
    metrics.metric,
    {{ published('coalesce(parts.numerator, 0)') }} as numerator,
    {{ published('coalesce(parts.denominator, metrics.default_denominator)') }} as denominator,
    {{ published(ratio(
        'coalesce(parts.numerator, 0)', 'coalesce(parts.denominator, metrics.default_denominator)'
    )) }} as value,
    months.vintage,
    runs.as_of,
    runs.release_id
from {{ ref('dim_agent_months') }} as months
cross join metrics
cross join {{ ref('stg_landing__runs') }} as runs
left join {{ ref('int_scorecard__context_parts') }} as parts
    on
        months.agent_id = parts.agent_id
        and months.period_month = parts.period_month
        and metrics.metric = parts.metric
