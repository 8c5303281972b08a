{{ config(meta={'dagster': {'ref': {'name': 'band_reasons'}}}) }}
-- Every band shows all rules that were looked at, and exactly one of them decided it.
with reasons as (

    select
        agent_id,
        period_month,
        count(distinct rule) as rules_shown,
        count(distinct case
            when is_deciding and rule = 'critical_error_watch' then 'critical_gate'
            when is_deciding then rule
        end) as rules_deciding
    from {{ ref('band_reasons') }}
    group by agent_id, period_month

)

select
    bands.agent_id,
    bands.period_month,
    reasons.rules_shown,
    reasons.rules_deciding
from {{ ref('performance_bands') }} as bands
left join reasons
    on bands.agent_id = reasons.agent_id and bands.period_month = reasons.period_month
where
    coalesce(reasons.rules_deciding, 0) <> 1
    -- Without a gate on the scorecard its two rules have nothing to look at.
    or coalesce(reasons.rules_shown, 0) < 5
