-- One row per agent, month and metric: the sums that figures over several months are made of. Of closed
-- months as published, of open ones as known.
with built as (

    select
        parts.agent_id,
        parts.period_month,
        parts.metric,
        cast(sum(parts.numerator) as decimal(28, 6)) as numerator,
        cast(sum(parts.denominator) as decimal(28, 6)) as denominator,
        cast(sum(parts.sample_count) as bigint) as sample_count
    from {{ ref('int_scorecard__metric_parts') }} as parts
    inner join {{ ref('dim_agent_months') }} as months
        on
            parts.agent_id = months.agent_id
            and parts.period_month = months.period_month
            and months.is_built
    group by parts.agent_id, parts.period_month, parts.metric

)

select * from built

union all

select
    agent_id,
    period_month,
    metric,
    cast(numerator as decimal(28, 6)) as numerator,
    cast(denominator as decimal(28, 6)) as denominator,
    sample_size as sample_count
from {{ ref('stg_landing__vintage_figures') }}
where is_in_force
