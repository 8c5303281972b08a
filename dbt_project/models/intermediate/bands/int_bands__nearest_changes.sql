-- One row per agent and ended month below exceptional: what would move the agent one band up, or what is
-- missing to be rated. `is_proven` says that the rules, applied to the change, do give a higher band.
with ladder as (

    select
        'below_expectations' as band,
        1 as step
    union all
    select
        'developing' as band,
        2 as step
    union all
    select
        'strong' as band,
        3 as step
    union all
    select
        'exceptional' as band,
        4 as step

),

decisions as (

    select
        decisions.agent_id,
        decisions.period_month,
        decisions.band,
        coalesce(changed_steps.step > steps.step, false) as is_proven
    from {{ ref('int_bands__decisions') }} as decisions
    left join {{ ref('int_bands__changed_decisions') }} as changed
        on
            decisions.agent_id = changed.agent_id
            and decisions.period_month = changed.period_month
    left join ladder as steps on decisions.band = steps.band
    left join ladder as changed_steps on changed.band = changed_steps.band

),

told as (

    select
        agent_id,
        period_month,
        band_above,
        count(value_then) = count(*) as is_reachable,
        {{ listing('change_text') }} as changes_text,
        {{ listing('case when value_then is null then change_text end') }} as obstacles_text
    from {{ ref('int_bands__changes') }}
    group by agent_id, period_month, band_above

),

missing as (

    select
        conditions.agent_id,
        conditions.period_month,
        {{ listing(missing_text('conditions')) }} as text
    from {{ ref('int_bands__conditions') }} as conditions
    where conditions.rule = 'not_rated' and not conditions.passed
    group by conditions.agent_id, conditions.period_month

)

select
    decisions.agent_id,
    decisions.period_month,
    decisions.band,
    told.band_above,
    decisions.is_proven,
    coalesce(told.is_reachable, false) as is_reachable,
    case
        when decisions.band = 'not_rated' then concat('Not yet rated: ', missing.text, '.')
        when decisions.band = 'exceptional' then null
        when told.is_reachable and decisions.is_proven
            then concat('To be ', replace(told.band_above, '_', ' '), ': ', told.changes_text, '.')
        when not told.is_reachable
            then concat(
                'No figure of this quarter alone leads to ', replace(told.band_above, '_', ' '), ': ',
                told.obstacles_text, '.'
            )
    end as nearest_change
from decisions
left join told
    on decisions.agent_id = told.agent_id and decisions.period_month = told.period_month
left join missing
    on decisions.agent_id = missing.agent_id and decisions.period_month = missing.period_month
