-- One row per agent, ended month and rated month up to it, as far back as the trajectory looks: the
-- month overall scores that the trend is drawn through.
with months as (

    select
        agent_id,
        period_month,
        month_overall_score
    from {{ ref('int_bands__histories') }}
    where is_rated and month_overall_score is not null

)

select
    subjects.agent_id,
    subjects.period_month,
    months.period_month as score_month,
    {{ months_between_firsts('subjects.period_month', 'months.period_month') }} as month_number,
    months.month_overall_score as score
from {{ ref('int_bands__subjects') }} as subjects
inner join {{ ref('int_scorecard__band_rules') }} as rules
    on subjects.period_month = rules.period_month
inner join months
    on
        subjects.agent_id = months.agent_id
        and months.period_month <= subjects.period_month
        and {{ months_between_firsts('months.period_month', 'subjects.period_month') }}
        < rules.trajectory_months
