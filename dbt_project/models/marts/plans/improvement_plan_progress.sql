-- One row per improvement plan, metric it sets a target for and check-in, and one for its end (so far,
-- while it runs): what was observed in the plan's window, on how much, against target and pace.
with looked_at as (

    select
        targets.plan_id,
        targets.metric,
        assessments.check_in_id,
        assessments.agent_id,
        assessments.opened_on,
        assessments.due_on,
        assessments.held_on,
        assessments.window_end_on,
        assessments.end_on,
        assessments.vintage,
        assessments.week_number,
        assessments.weeks,
        assessments.elapsed_share,
        assessments.support_planned,
        assessments.support_delivered,
        assessments.overdue_check_ins,
        assessments.is_overdue,
        targets.direction,
        targets.target,
        targets.compared_target,
        targets.minimum_sample
    from {{ ref('int_plans__targets') }} as targets
    inner join {{ ref('int_plans__assessments') }} as assessments
        on targets.plan_id = assessments.plan_id

),

observed as (

    select
        looked_at.*,
        coalesce(observed.numerator, 0) as numerator,
        coalesce(observed.denominator, 0) as denominator,
        observed.value as observed_value,
        coalesce(observed.sample_size, 0) as sample_size,
        {{ compared_value('observed.value', 'looked_at.direction') }} as compared_observed,
        baselines.value as baseline_value,
        baselines.sample_size as baseline_sample_size,
        baselines.starts_on as baseline_from,
        baselines.compared_value as compared_baseline
    from looked_at
    inner join {{ ref('int_plans__baselines') }} as baselines
        on looked_at.plan_id = baselines.plan_id and looked_at.metric = baselines.metric
    left join {{ ref('int_plans__window_values') }} as observed
        on
            looked_at.plan_id = observed.plan_id
            and looked_at.metric = observed.metric
            and looked_at.opened_on = observed.starts_on
            and looked_at.window_end_on = observed.ends_on

),

-- The way from the baseline to the target, as far as the plan has gone.
paced as (

    select
        *,
        {{ published('compared_baseline + elapsed_share * (compared_target - compared_baseline)') }}
            as pace_value
    from observed

),

judged as (

    select
        *,
        case
            when observed_value is null then 'no_value'
            when sample_size < minimum_sample then 'sample_short'
            when {{ meets_target('compared_observed', 'direction', 'compared_target') }} then 'at_target'
            when elapsed_share >= 1 then 'time_is_over'
            when compared_baseline is null then 'no_baseline'
            when {{ meets_target('compared_baseline', 'direction', 'compared_target') }}
                then 'below_its_start'
            when {{ meets_target('compared_observed', 'direction', 'pace_value') }} then 'at_pace'
            else 'behind_pace'
        end as status_reason
    from paced

)

select
    judged.plan_id,
    judged.metric,
    judged.check_in_id,
    judged.agent_id,
    judged.opened_on,
    judged.due_on,
    judged.held_on,
    judged.window_end_on,
    cast(judged.week_number as bigint) as week_number,
    cast(judged.weeks as bigint) as weeks,
    judged.direction,
    judged.target,
    judged.minimum_sample,
    judged.numerator,
    judged.denominator,
    judged.observed_value,
    cast(judged.sample_size as bigint) as sample_size,
    judged.baseline_value,
    cast(judged.baseline_sample_size as bigint) as baseline_sample_size,
    judged.baseline_from,
    {{ published('judged.elapsed_share') }} as elapsed_share,
    judged.pace_value,
    case
        when judged.status_reason = 'at_target' then 'met'
        when judged.status_reason = 'at_pace' then 'on_track'
        when judged.status_reason in ('no_value', 'sample_short', 'no_baseline') then 'not_assessable'
        else 'off_track'
    end as status,
    judged.status_reason,
    cast(judged.support_planned as bigint) as support_planned,
    cast(judged.support_delivered as bigint) as support_delivered,
    cast(judged.overdue_check_ins as bigint) as overdue_check_ins,
    judged.is_overdue,
    judged.end_on,
    judged.vintage,
    runs.as_of,
    runs.release_id
from judged
cross join {{ ref('stg_landing__runs') }} as runs
