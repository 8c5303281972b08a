{{ config(meta={"dagster": {"ref": {"name": "fct_solves"}}}) }}
-- Credit without a month is right before the first scorecard month only. Later it means that the
-- spells by local month leave a gap which the assignments do not have, and the fact is lost to
-- every month. A day of tolerance covers the zones.
with undated as (

    select
        'fct_solves' as fact,
        ticket_id as fact_id,
        solved_at as happened_at
    from {{ ref('fct_solves') }}
    where credit = 'agent' and period_month is null

    union all

    select
        'fct_evaluations' as fact,
        evaluation_id as fact_id,
        interaction_at as happened_at
    from {{ ref('fct_evaluations') }}
    where exclusion = 'before_first_month'

    union all

    select
        'fct_survey_responses' as fact,
        survey_id as fact_id,
        responded_at as happened_at
    from {{ ref('fct_survey_responses') }}
    where exclusion = 'before_first_month'

),

first_days as (

    select min(date_day) as first_day from {{ ref('dim_dates') }}

)

select undated.*
from undated
cross join first_days
where undated.happened_at >= cast({{ add_days('first_days.first_day', 1) }} as timestamp)
