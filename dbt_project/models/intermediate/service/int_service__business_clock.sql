-- One row per calendar, UTC date and stretch of it: some open time, then closed until the stretch
-- ends. The stretches of a date follow on one another from midnight to midnight, so every instant
-- lies in exactly one, and the open time between two instants is the difference of two look-ups.
with digits as (

    {% for digit in range(10) %}
    select {{ digit }} as digit
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

numbers as (

    select
        ones.digit + 10 * tens.digit + 100 * hundreds.digit + 1000 * thousands.digit
        + 10000 * myriads.digit as number
    from digits as ones
    cross join digits as tens
    cross join digits as hundreds
    cross join digits as thousands
    cross join digits as myriads

),

-- From the first ticket that can have a target to the day after as_of, as a ticket may be stamped
-- some minutes ahead. No later: a target is overdue or not at as_of.
first_tickets as (

    select min(cast(created_at as date)) as created_on
    from {{ ref('int_tickets__scoped') }}
    where scope = 'in_scope'

),

first_targets as (

    select min(valid_from) as valid_from
    from {{ ref('int_service__targets') }}

),

bounds as (

    select
        greatest(first_tickets.created_on, first_targets.valid_from) as first_day,
        {{ add_days('cast(runs.as_of as date)', 1) }} as last_day
    from {{ ref('stg_landing__runs') }} as runs
    cross join first_tickets
    cross join first_targets

),

-- A local day begins or ends up to a day apart from the UTC date.
days as (

    select
        {{ add_days('bounds.first_day', 'numbers.number - 1') }} as date_day,
        numbers.number > 0 and numbers.number < {{ days_between('bounds.first_day', 'bounds.last_day') }} + 2
            as is_on_the_clock
    from bounds
    inner join numbers
        on numbers.number <= {{ days_between('bounds.first_day', 'bounds.last_day') }} + 2

),

calendars as (

    select distinct calendar from {{ ref('int_service__targets') }}

),

-- A day without opening has no row here: closed. 1900-01-01 was a Monday.
local_openings as (

    select
        hours.calendar,
        hours.timezone,
        {{ time_on_day('days.date_day', 'hours.opens_at') }} as opens_at,
        {{ time_on_day('days.date_day', 'hours.closes_at') }} as closes_at
    from {{ ref('business_hours') }} as hours
    inner join calendars on hours.calendar = calendars.calendar
    inner join days
        on hours.weekday = 1 + {{ days_between("cast('1900-01-01' as date)", 'days.date_day') }} % 7
    left join {{ ref('holidays') }} as holidays
        on hours.calendar = holidays.calendar and days.date_day = holidays.holiday_on
    where holidays.calendar is null

),

openings as (

    select
        calendar,
        {{ local_to_first_utc('opens_at', 'timezone') }} as starts_at,
        {{ local_to_first_utc('closes_at', 'timezone') }} as ends_at
    from local_openings

),

-- Where the hour is set forward, two openings can fall on the same instants: counted once.
parted as (

    select
        calendar,
        greatest(
            starts_at,
            coalesce(
                max(ends_at) over (
                    partition by calendar order by starts_at, ends_at
                    rows between unbounded preceding and 1 preceding
                ),
                starts_at
            )
        ) as starts_at,
        ends_at
    from openings

),

-- No zone has a local day that meets three UTC dates, so no opening does.
spread as (

    {% for days_after in range(2) %}
    select {{ days_after }} as days_after
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

pieces as (

    select
        parted.calendar,
        days.date_day as clock_date,
        greatest(parted.starts_at, cast(days.date_day as timestamp)) as starts_at,
        least(parted.ends_at, cast({{ add_days('days.date_day', 1) }} as timestamp)) as open_until
    from parted
    cross join spread
    inner join days
        on
            {{ add_days('cast(parted.starts_at as date)', 'spread.days_after') }} = days.date_day
            and days.is_on_the_clock
    where
        parted.starts_at < parted.ends_at
        and cast(days.date_day as timestamp) < parted.ends_at

),

-- Each date begins a stretch at midnight, if only a closed one: also on calendars that never open.
beginnings as (

    select
        calendar,
        clock_date,
        starts_at,
        open_until
    from pieces

    union all

    select
        calendars.calendar,
        days.date_day as clock_date,
        cast(days.date_day as timestamp) as starts_at,
        cast(days.date_day as timestamp) as open_until
    from calendars
    cross join days
    where days.is_on_the_clock

),

stretches as (

    select
        calendar,
        clock_date,
        starts_at,
        coalesce(
            lead(starts_at) over (partition by calendar, clock_date order by starts_at, open_until),
            cast({{ add_days('clock_date', 1) }} as timestamp)
        ) as ends_at,
        {{ microseconds_between('starts_at', 'open_until') }} as open_microseconds
    from beginnings

)

select
    calendar,
    clock_date,
    starts_at,
    ends_at,
    open_microseconds,
    cast(coalesce(
        sum(open_microseconds) over (
            partition by calendar order by starts_at
            rows between unbounded preceding and 1 preceding
        ),
        0
    ) as bigint) as microseconds_before
from stretches
where starts_at < ends_at
