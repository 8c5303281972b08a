-- One row per raw table and complete UTC day judged: its rows against the median of the eight same
-- weekdays before. A day of three times as much, or of less than a third, is a fault of a feed until
-- somebody who knows says otherwise in gate_overrides.
-- Judged are the days that are new since the release before, and at least the last eight, so that a
-- day that was refused stays refused, and one that was lifted long ago is not asked about again.
-- Nobody needs interactions, surveys or states, so their feeds may come less often: a day of theirs
-- is complete once rows were loaded after its end.
{% set least_median = var('volume_minimum_median') %}
{% set most_days = 40 %}
{% set volumes = {
    'tickets': ('created_at', true),
    'ticket_events': ('occurred_at', true),
    'interactions': ('started_at', false),
    'surveys': ('sent_at', false),
    'agent_states': ('starts_at', false),
} %}
with bounds as (

    select
        max(cast(runs.as_of as date)) as today,
        max(cast(releases.as_of as date)) as today_before
    from {{ ref('stg_landing__runs') }} as runs
    left join {{ ref('stg_batch__releases') }} as releases on 1 = 1

),

digits as (

    {% for digit in range(10) %}
    select {{ digit }} as digit
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

days as (

    select
        {{ add_days('bounds.today', '-1 - ones.digit - 10 * tens.digit') }} as day_utc,
        ones.digit + 10 * tens.digit < {{ most_days }}
        and (
            ones.digit + 10 * tens.digit < 8
            or {{ add_days('bounds.today', '-1 - ones.digit - 10 * tens.digit') }}
            >= bounds.today_before
        ) as is_judged
    from bounds
    cross join digits as ones
    cross join digits as tens

),

counted as (

    {% for table, (instant, is_required) in volumes.items() %}
    select
        '{{ table }}' as raw_table,
        cast(staged.{{ instant }} as date) as day_utc,
        count(*) as row_count
    from {{ contract(table) }} as staged
    cross join bounds
    where
        staged.disposition = 'used'
        and staged.{{ instant }} < cast(bounds.today as timestamp)
        and staged.{{ instant }} >= cast({{ add_days('bounds.today', -100) }} as timestamp)
    group by cast(staged.{{ instant }} as date)
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

loads as (

    select
        raw_table,
        max(last_loaded_at) as last_loaded_at
    from {{ ref('stg_landing__files') }}
    group by raw_table

),

listed as (

    {% for table, (instant, is_required) in volumes.items() %}
    select
        '{{ table }}' as raw_table,
        {{ 'true' if is_required else 'false' }} as is_required
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

feeds as (

    select
        listed.raw_table,
        case
            when listed.is_required then runs.as_of
            when loads.last_loaded_at < runs.as_of then loads.last_loaded_at
            when loads.last_loaded_at is not null then runs.as_of
        end as complete_until
    from listed
    cross join {{ ref('stg_landing__runs') }} as runs
    left join loads on listed.raw_table = loads.raw_table

),

-- Single rows stamped long ago by mistake are no history.
histories as (

    select
        raw_table,
        min(day_utc) as first_day
    from counted
    where row_count >= {{ least_median }}
    group by raw_table

),

filled as (

    select
        feeds.raw_table,
        days.day_utc,
        days.is_judged
        and cast({{ add_days('days.day_utc', 1) }} as timestamp) <= feeds.complete_until
            as is_judged,
        coalesce(counted.row_count, 0) as row_count
    from feeds
    cross join days
    left join counted
        on feeds.raw_table = counted.raw_table and days.day_utc = counted.day_utc

),

medians as (

    select
        judged.raw_table,
        judged.day_utc,
        judged.row_count,
        median(cast(earlier.row_count as double)) as median_before
    from filled as judged
    inner join histories on judged.raw_table = histories.raw_table
    inner join filled as earlier
        on
            judged.raw_table = earlier.raw_table
            and {{ days_between('earlier.day_utc', 'judged.day_utc') }} in (
                7, 14, 21, 28, 35, 42, 49, 56
            )
    where
        judged.is_judged
        and {{ add_days('judged.day_utc', -56) }} >= histories.first_day
    group by judged.raw_table, judged.day_utc, judged.row_count

),

judged_days as (

    select
        *,
        coalesce(
            median_before >= {{ least_median }}
            and (row_count > 3 * median_before or 3 * row_count < median_before),
            false
        ) as is_unusual
    from medians

),

lifted as (

    select
        judged_days.raw_table,
        judged_days.day_utc,
        judged_days.row_count,
        judged_days.median_before,
        judged_days.is_unusual,
        -- Without an override there is nothing to join: some engines make an empty text of that.
        {{ listing(
            "case when overrides.reason is not null "
            ~ "then concat(overrides.approved_by_role, ': ', overrides.reason) end"
        ) }} as lifted_by
    from judged_days
    left join {{ ref('gate_overrides') }} as overrides
        on
            judged_days.is_unusual
            and overrides.{{ adapter.quote('check') }}
            = concat('release_quality.daily_volume:', judged_days.raw_table)
            and judged_days.day_utc between overrides.{{ adapter.quote('from') }}
            and overrides.{{ adapter.quote('to') }}
    group by
        judged_days.raw_table, judged_days.day_utc, judged_days.row_count,
        judged_days.median_before, judged_days.is_unusual

)

select
    raw_table,
    day_utc,
    row_count,
    median_before,
    is_unusual and lifted_by is null as is_blocking,
    case
        when is_unusual
            then concat(
                cast(day_utc as {{ dbt.type_string() }}), ': ',
                cast(row_count as {{ dbt.type_string() }}), ' rows, median ',
                cast(cast(median_before as decimal(18, 1)) as {{ dbt.type_string() }}),
                case when lifted_by is null then '' else concat(', lifted by ', lifted_by) end
            )
    end as finding
from lifted
