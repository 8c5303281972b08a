-- One row per month with the vintage of figures that rest on several teams: provisional until the
-- last team's month has closed.
select
    period_month,
    case
        when bool_or(vintage = 'provisional') then 'provisional'
        when bool_or(vintage = 'restated') then 'restated'
        else 'final'
    end as vintage
from {{ ref('dim_team_months') }}
group by period_month
