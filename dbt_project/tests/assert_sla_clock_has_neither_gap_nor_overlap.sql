-- Each instant lies in one stretch of a calendar's clock: a gap would lose the tickets of that
-- instant, an overlap count them twice.
with dates as (

    select
        calendar,
        clock_date,
        min(starts_at) as first_start,
        max(ends_at) as last_end,
        sum({{ microseconds_between('starts_at', 'ends_at') }}) as stretch_microseconds,
        max(open_microseconds - {{ microseconds_between('starts_at', 'ends_at') }}) as most_open_beyond
    from {{ ref('int_service__business_clock') }}
    group by calendar, clock_date

)

select
    calendar,
    clock_date,
    first_start,
    last_end
from dates
where
    first_start <> cast(clock_date as timestamp)
    or last_end <> cast({{ add_days('clock_date', 1) }} as timestamp)
    or stretch_microseconds <> {{ 24 * 3600 * 1000000 }}
    or most_open_beyond > 0
