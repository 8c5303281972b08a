-- One row per team and local day of its months that has begun by as_of, with the instant it begins:
-- the days that forecasts, headcount and attrition are counted over.
select
    months.team_id,
    months.period_month,
    dates.date_day as local_date,
    {{ local_to_utc('dates.date_day', 'months.timezone') }} as starts_at
from {{ ref('dim_team_months') }} as months
cross join {{ ref('stg_landing__runs') }} as runs
inner join {{ ref('dim_dates') }} as dates on months.period_month = dates.period_month
where {{ local_to_utc('dates.date_day', 'months.timezone') }} <= runs.as_of
