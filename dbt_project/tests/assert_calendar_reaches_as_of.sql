{{ config(meta={"dagster": {"ref": {"name": "dim_dates"}}}) }}
-- The calendar is counted out in 10,000 days. A run beyond them, or a gap, would drop the facts of
-- the days that are missing.
with calendar as (

    select
        min(date_day) as first_day,
        max(date_day) as last_day,
        count(*) as day_count
    from {{ ref('dim_dates') }}

)

select
    calendar.first_day,
    calendar.last_day,
    calendar.day_count
from calendar
cross join {{ ref('stg_landing__runs') }} as runs
where
    coalesce(calendar.last_day, cast('1900-01-01' as date)) <= cast(runs.as_of as date)
    or calendar.day_count <> {{ days_between('calendar.first_day', 'calendar.last_day') }} + 1
