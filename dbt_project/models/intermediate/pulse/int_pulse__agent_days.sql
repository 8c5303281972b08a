-- One row per agent and local day with a schedule or any activity: counts, hours and rates of the day.
-- The day is complete once it is over for the agent; a running one is shown and judged by nobody.
{{ pulse_sums('local_date') }},

completed as (

    select
        summed.*,
        summed.last_ends_at <= runs.as_of as is_complete
    from summed
    cross join {{ ref('stg_landing__runs') }} as runs

),

{{ pulse_figures(
    'completed', ['agent_id', 'local_date', 'period_month', 'team_id', 'tier', 'is_complete']
) }}
