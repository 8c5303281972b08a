-- One row per focus metric, day on which somebody was coached on it, and agent in service that day
-- with facts around it: the metric before and after, of the coached and of everybody they may be
-- compared with.
--   *_variance   of the value. Shares: of (successes + 1) of (n + 2), after Agresti and Caffo
--                (2000), so that 0 of 3 and 3 of 3 are not held for certain. Others: the spread of
--                single facts pooled over the tier in the same spans, as a handful says little of
--                its own spread; for a ratio of sums by its linear approximation.
with focus_days as (

    select distinct
        focus_metric,
        held_on,
        before_from,
        before_to,
        after_from,
        after_to
    from {{ ref('int_people__coaching_sessions') }}
    where is_dated

),

spans as (

    select
        focus_days.focus_metric,
        focus_days.held_on,
        dates.date_day as local_date,
        dates.date_day >= focus_days.after_from as is_after
    from focus_days
    inner join {{ ref('dim_dates') }} as dates
        on
            (dates.date_day >= focus_days.before_from and dates.date_day <= focus_days.before_to)
            or (dates.date_day >= focus_days.after_from and dates.date_day <= focus_days.after_to)

),

sides as (

    select
        spans.focus_metric,
        spans.held_on,
        facts.agent_id,
        spans.is_after,
        cast(sum(facts.fact_count) as bigint) as fact_count,
        sum(facts.value_sum) as value_sum,
        sum(facts.base_sum) as base_sum,
        sum(facts.value_squares) as value_squares,
        sum(facts.product_sum) as product_sum,
        sum(facts.base_squares) as base_squares
    from spans
    inner join {{ ref('int_people__dated_facts') }} as facts
        on spans.focus_metric = facts.metric and spans.local_date = facts.local_date
    group by spans.focus_metric, spans.held_on, facts.agent_id, spans.is_after

),

divided as (

    select
        *,
        {{ ratio('value_sum', 'base_sum') }} as quotient,
        focus_metric in (
            'csat', 'fcr_rate', 'critical_error_rate', 'repeat_contact_rate', 'escalation_rate'
        ) as is_share,
        -- Sums of time are in seconds, the metric is told by the hour.
        case when focus_metric = 'contacts_per_productive_hour' then 3600 else 1 end as unit
    from sides

),

-- Back to fixed decimals, so that the sum over agents is the same in any order.
spread as (

    select
        *,
        cast(
            greatest(
                0,
                cast(value_squares as double)
                - 2 * quotient * cast(product_sum as double)
                + quotient * quotient * cast(base_squares as double)
            ) as decimal(28, 6)
        ) as residual_squares
    from divided

),

in_service as (

    select
        spread.*,
        assignments.tier
    from spread
    inner join {{ ref('dim_agents') }} as agents
        on spread.agent_id = agents.agent_id and not agents.is_bot
    inner join {{ ref('dim_agent_assignments') }} as assignments
        on
            spread.agent_id = assignments.agent_id
            and spread.held_on >= assignments.valid_from
            and (assignments.valid_to is null or spread.held_on < assignments.valid_to)

),

pooled as (

    select
        focus_metric,
        held_on,
        tier,
        {{ ratio('sum(residual_squares)', 'sum(fact_count - 1)') }} as fact_variance
    from in_service
    where quotient is not null
    group by focus_metric, held_on, tier

),

judged as (

    select
        in_service.focus_metric,
        in_service.held_on,
        in_service.agent_id,
        in_service.tier,
        in_service.is_after,
        in_service.fact_count,
        {{ published('in_service.unit * in_service.quotient') }} as value,
        case
            when in_service.quotient is null then null
            when in_service.is_share
                then
                    cast(in_service.value_sum + 1 as double)
                    * cast(in_service.fact_count - in_service.value_sum + 1 as double)
                    / power(cast(in_service.fact_count + 2 as double), 3)
            else
                in_service.fact_count * pooled.fact_variance
                * in_service.unit * in_service.unit / power(cast(in_service.base_sum as double), 2)
        end as variance
    from in_service
    left join pooled
        on
            in_service.focus_metric = pooled.focus_metric
            and in_service.held_on = pooled.held_on
            and in_service.tier = pooled.tier

)

select
    focus_metric,
    held_on,
    agent_id,
    tier,
    max(case when not is_after then value end) as before_value,
    coalesce(max(case when not is_after then fact_count end), 0) as before_count,
    max(case when not is_after then variance end) as before_variance,
    max(case when is_after then value end) as after_value,
    coalesce(max(case when is_after then fact_count end), 0) as after_count,
    max(case when is_after then variance end) as after_variance
from judged
group by focus_metric, held_on, agent_id, tier
