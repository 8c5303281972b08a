-- One row per team and month: satisfaction as published, and its change since the calendar month before.
-- Null where either month has no answer.
with rates as (

    select
        team_id,
        period_month,
        value as csat
    from {{ ref('int_scorecard__team_metrics') }}
    where metric = 'csat'

)

select
    rates.team_id,
    rates.period_month,
    rates.csat,
    earlier.csat as csat_before,
    {{ published('rates.csat - earlier.csat') }} as csat_change
from rates
left join rates as earlier
    on
        rates.team_id = earlier.team_id
        and earlier.period_month = {{ add_months('rates.period_month', -1) }}
