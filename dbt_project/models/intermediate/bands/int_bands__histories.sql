-- One row per agent and ended month: what later months look back on. Closed months count as published,
-- whatever has become known since: a course can be followed on the published scorecards.
select
    subjects.agent_id,
    subjects.period_month,
    standing.is_rated,
    standing.is_strong,
    subjects.month_overall_score
from {{ ref('int_bands__subjects') }} as subjects
inner join {{ ref('int_bands__standing') }} as standing
    on
        subjects.agent_id = standing.agent_id
        and subjects.period_month = standing.period_month

union all

select
    agent_id,
    period_month,
    band <> 'not_rated' as is_rated,
    band in ('strong', 'exceptional') as is_strong,
    overall_score as month_overall_score
from {{ ref('stg_landing__vintage_scorecards') }}
where is_in_force and band is not null
