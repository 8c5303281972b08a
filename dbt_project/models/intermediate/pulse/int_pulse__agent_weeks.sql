-- One row per agent and ISO week with a schedule or any activity: counts, hours and rates of the week.
-- The week is complete once its Sunday is over in the team's timezone.
{{ pulse_sums('week_start') }},

completed as (

    select
        summed.*,
        {{ local_to_utc(add_days('summed.week_start', 7), 'teams.timezone') }} <= runs.as_of
            as is_complete
    from summed
    cross join {{ ref('stg_landing__runs') }} as runs
    inner join {{ ref('dim_teams') }} as teams on summed.team_id = teams.team_id

),

{{ pulse_figures(
    'completed', ['agent_id', 'week_start', 'period_month', 'team_id', 'tier', 'is_complete']
) }}
