-- One row per day from the first scorecard month, or the first day that open months rest on, to the
-- day after as_of: local days run ahead of UTC by up to one.
with digits as (

    {% for digit in range(10) %}
    select {{ digit }} as digit
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

numbers as (

    select ones.digit + 10 * tens.digit + 100 * hundreds.digit + 1000 * thousands.digit as number
    from digits as ones
    cross join digits as tens
    cross join digits as hundreds
    cross join digits as thousands

),

bounds as (

    select
        greatest(
            min(versions.effective_from),
            coalesce(max(runs.history_from), min(versions.effective_from))
        ) as first_day,
        {{ add_days('cast(max(runs.as_of) as date)', 1) }} as last_day
    from {{ ref('scorecard_versions') }} as versions
    cross join {{ ref('stg_landing__runs') }} as runs

),

days as (

    select {{ add_days('bounds.first_day', 'numbers.number') }} as date_day
    from bounds
    inner join numbers on numbers.number <= {{ days_between('bounds.first_day', 'bounds.last_day') }}

)

select
    date_day,
    {{ month_of('date_day') }} as period_month
from days
