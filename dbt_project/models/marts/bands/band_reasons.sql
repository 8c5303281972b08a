-- One row per agent, ended month, rule and metric the rule looks at, whether it fired or not: what was
-- seen, what is required, and whether it passed (null: too few to judge, which counts neither way).
with conditions as (

    select * from {{ ref('int_bands__conditions') }}

    union all

    select * from {{ ref('int_bands__looking_back') }}

),

decisions as (

    select * from {{ ref('int_bands__decisions') }}

),

reasons as (

    select
        agent_id,
        period_month,
        rule,
        metric,
        {{ listing('observed') }} as observed,
        {{ listing('required') }} as required,
        bool_and(passed) as passed
    from conditions
    group by agent_id, period_month, rule, metric

    union all

    select
        agent_id,
        period_month,
        'developing' as rule,
        'all_rules' as metric,
        case
            when deciding_rule = 'developing' then 'no other rule applies'
            else concat('rule ', deciding_rule, ' applies')
        end as observed,
        'no other rule applies' as required,
        deciding_rule = 'developing' as passed
    from decisions

)

select
    reasons.agent_id,
    reasons.period_month,
    reasons.rule,
    reasons.metric,
    reasons.observed,
    reasons.required,
    reasons.passed,
    case reasons.rule
        when 'not_rated' then decisions.is_not_rated
        when 'critical_gate' then decisions.is_gated
        when 'critical_error_watch' then decisions.is_watched
        when 'exceptional' then decisions.is_exceptional
        when 'strong' then decisions.is_strong
        when 'trajectory' then decisions.is_on_a_bad_course
        else decisions.deciding_rule = 'developing'
    end as has_fired,
    -- A watch decides where it keeps an agent who is strong in all else from the band.
    decisions.deciding_rule
    = case
        when reasons.rule = 'critical_error_watch' and not decisions.is_gated then 'critical_gate'
        when reasons.rule = 'critical_gate' and not decisions.is_gated then 'none'
        else reasons.rule
    end as is_deciding,
    months.vintage,
    runs.as_of,
    runs.release_id
from reasons
cross join {{ ref('stg_landing__runs') }} as runs
inner join decisions
    on reasons.agent_id = decisions.agent_id and reasons.period_month = decisions.period_month
inner join {{ ref('dim_agent_months') }} as months
    on reasons.agent_id = months.agent_id and reasons.period_month = months.period_month
