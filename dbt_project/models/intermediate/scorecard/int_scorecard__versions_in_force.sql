-- One row per month with the scorecard version in force: the latest effective at or before the month.
with months as (

    select distinct period_month from {{ ref('dim_dates') }}

),

candidates as (

    select
        months.period_month,
        versions.version as scorecard_version,
        row_number() over (
            partition by months.period_month order by versions.effective_from desc
        ) as recency
    from months
    inner join {{ ref('scorecard_versions') }} as versions
        on versions.effective_from <= months.period_month

)

select
    period_month,
    scorecard_version
from candidates
where recency = 1
