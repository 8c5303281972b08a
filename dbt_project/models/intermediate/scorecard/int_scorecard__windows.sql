-- One row per period month, window (month, quarter) and month that the window is made of. A quarter
-- is the month and the two before it, as far as they are scorecard months.
with months as (

    select distinct period_month from {{ ref('dim_dates') }}

)

select
    months.period_month,
    'month' as period_window,
    months.period_month as component_month
from months

union all

select
    months.period_month,
    'quarter' as period_window,
    components.period_month as component_month
from months
inner join months as components
    on
        components.period_month <= months.period_month
        and components.period_month >= {{ add_months('months.period_month', -2) }}
