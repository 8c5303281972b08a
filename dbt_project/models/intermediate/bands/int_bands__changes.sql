-- One row per agent, ended month and metric that keeps the agent from the band above: the least value that
-- would lift what fails there, in the decimals in which it is told. All rows of an agent and month
-- together are the nearest change; null to_value where it cannot be reached in this quarter.
with decisions as (

    select
        agent_id,
        period_month,
        band,
        is_exceptional or is_strong as is_capped_only,
        case band
            when 'below_expectations' then 'developing'
            when 'developing' then 'strong'
            when 'strong' then 'exceptional'
        end as band_above
    from {{ ref('int_bands__decisions') }}

),

failing as (

    select * from {{ ref('int_bands__conditions') }}
    where not passed

    union all

    select * from {{ ref('int_bands__looking_back') }}
    where not passed

),

-- An agent who is strong in all but critical errors is held by those alone.
holding as (

    select
        failing.agent_id,
        failing.period_month,
        decisions.band_above,
        failing.metric,
        failing.requirement
    from failing
    inner join decisions
        on
            failing.agent_id = decisions.agent_id
            and failing.period_month = decisions.period_month
    where
        (decisions.band = 'below_expectations' and failing.rule = 'critical_gate')
        or (
            decisions.band = 'below_expectations'
            and failing.rule = 'trajectory'
            and not decisions.is_capped_only
        )
        or (decisions.band = 'developing' and failing.rule = 'critical_error_watch')
        or (
            decisions.band = 'developing'
            and failing.rule = 'strong'
            and not decisions.is_capped_only
        )
        or (decisions.band = 'strong' and failing.rule = 'exceptional')

),

measured as (

    select
        holding.agent_id,
        holding.period_month,
        holding.band_above,
        holding.requirement,
        evidence.metric,
        evidence.label,
        evidence.value_unit,
        case
            when holding.requirement = 'range' and evidence.value <= subjects.exceptional_aht_low
                then 'higher'
            when evidence.direction = 'higher' then 'higher'
            else 'lower'
        end as direction,
        evidence.is_eligible,
        evidence.sample_size,
        evidence.minimum_sample,
        evidence.value,
        evidence.adjusted_value,
        evidence.target,
        evidence.is_key,
        evidence.gate_threshold,
        evidence.interval_lower,
        evidence.interval_upper,
        subjects.exceptional_aht_low,
        subjects.exceptional_aht_high,
        rest.rest_of_team_value,
        peers.value_to_reach,
        peers.percentile_then
    from holding
    inner join {{ ref('int_bands__subjects') }} as subjects
        on
            holding.agent_id = subjects.agent_id
            and holding.period_month = subjects.period_month
    -- One accepted contribution is the least of the three ways of developing.
    inner join {{ ref('int_bands__evidence') }} as evidence
        on
            holding.agent_id = evidence.agent_id
            and holding.period_month = evidence.period_month
            and evidence.metric
            = case when holding.requirement = 'any' then 'kb_contributions' else holding.metric end
    left join {{ ref('int_bands__rest_of_team') }} as rest
        on
            holding.agent_id = rest.agent_id
            and holding.period_month = rest.period_month
            and holding.metric = rest.metric
    left join {{ ref('int_bands__peers_to_pass') }} as peers
        on
            holding.agent_id = peers.agent_id
            and holding.period_month = peers.period_month
            and holding.metric = peers.metric

),

-- The least value that lifts each requirement; null where none does.
needed as (

    select
        *,
        case requirement
            when
                'target'
                then case when direction = 'lower' and value_unit = 'index' then 1 else 0 end + target
            when 'team'
                then
                    greatest(
                        coalesce(rest_of_team_value, adjusted_value, target),
                        case when is_key and not is_eligible then target else 0 end
                    )
            when 'above_team'
                then
                    greatest(
                        coalesce(rest_of_team_value + 0.000001, adjusted_value, target),
                        case when is_key and not is_eligible then target else 0 end
                    )
            when 'percentile' then value_to_reach
            when 'any' then 1
            when 'range'
                then
                    case
                        when value <= exceptional_aht_low then exceptional_aht_low + 0.01
                        else exceptional_aht_high
                    end
            -- Whole evaluations: as many may have a critical error without the threshold being passed.
            when 'seen' then floor(sample_size * gate_threshold) / sample_size
            when 'proven'
                then
                    floor(sample_size * {{ wilson_reach('gate_threshold', 'sample_size', '+') }})
                    / sample_size
            else
                case
                    when interval_lower is null then target
                    when metric = 'qa_score'
                        then target - greatest(interval_upper - value, value - interval_lower)
                    when direction = 'higher' then {{ wilson_reach('target', 'sample_size', '-') }}
                    else {{ wilson_reach('target', 'sample_size', '+') }}
                end
        end as needed_value
    from measured

),

joined as (

    select
        agent_id,
        period_month,
        metric,
        band_above,
        label,
        value_unit,
        direction,
        is_eligible,
        sample_size,
        minimum_sample,
        case when max(requirement) = 'clearly_missed' then value else adjusted_value end as value_now,
        value,
        rest_of_team_value,
        max(percentile_then) as percentile_then,
        max(case when requirement in ('seen', 'proven') then 1 else 0 end) = 1 as is_counted,
        case
            when count(needed_value) < count(*) then null
            when direction = 'higher' then max(needed_value)
            else min(needed_value)
        end as needed_value
    from needed
    group by
        agent_id, period_month, metric, band_above, label, value_unit, direction, is_eligible,
        sample_size, minimum_sample, adjusted_value, value, rest_of_team_value

),

-- Told in few decimals, towards the safe side: what is told is what was tried.
told as (

    select
        *,
        case
            when is_counted then needed_value
            when direction = 'higher' and value_unit = 'share' then {{ rounded_up('needed_value', 3) }}
            when direction = 'higher' and value_unit = 'points' then {{ rounded_up('needed_value', 1) }}
            when direction = 'higher' then {{ rounded_up('needed_value', 2) }}
            when value_unit = 'share' then {{ rounded_down('needed_value', 3) }}
            when value_unit = 'points' then {{ rounded_down('needed_value', 1) }}
            else {{ rounded_down('needed_value', 2) }}
        end as value_told
    from joined

),

reachable as (

    select
        *,
        case
            when value_unit = 'share' and value_told > 1 then null
            when metric = 'qa_score' and value_told > 100 then null
            else value_told
        end as value_then
    from told

),

metric_changes as (

    select
        agent_id,
        period_month,
        metric,
        band_above,
        value_now,
        value_then,
        sample_size as sample_now,
        case when is_eligible then sample_size else greatest(sample_size, minimum_sample) end
            as sample_then,
        percentile_then,
        rest_of_team_value,
        case
            when value_then is null then concat(label, ' beyond what this quarter allows')
            when is_counted
                then concat(
                    'critical errors in at most ', {{ shown_number('value_then * sample_size', 0) }},
                    ' of ', cast(sample_size as {{ dbt.type_string() }}), ' evaluations (now ',
                    {{ shown_number('value * sample_size', 0) }}, ')'
                )
            when metric = 'kb_contributions' then 'one accepted knowledge contribution'
            else
                concat(
                    label,
                    case when direction = 'higher' then ' of at least ' else ' of at most ' end,
                    {{ shown('value_then', 'value_unit') }},
                    coalesce(' (now ' || {{ shown('value_now', 'value_unit') }} || ')', ''),
                    case
                        when is_eligible then ''
                        else
                            concat(
                                ' on a sample of at least ',
                                cast(minimum_sample as {{ dbt.type_string() }}), ' (now ',
                                cast(sample_size as {{ dbt.type_string() }}), ')'
                            )
                    end
                )
        end as change_text
    from reachable

),

-- The month's overall score stands for the course of all scores.
score_changes as (

    select
        holding.agent_id,
        holding.period_month,
        holding.metric,
        holding.band_above,
        subjects.month_overall_score as value_now,
        cast(recoveries.month_overall_score as double) as value_then,
        cast(null as bigint) as sample_now,
        cast(null as bigint) as sample_then,
        cast(null as double) as percentile_then,
        cast(null as double) as rest_of_team_value,
        case
            when recoveries.month_overall_score is null
                then 'an overall score beyond what this month allows'
            else
                concat(
                    'an overall score for the month of at least ',
                    cast(recoveries.month_overall_score as {{ dbt.type_string() }}), ' (now ',
                    {{ shown_number('subjects.month_overall_score', 1) }}, ')'
                )
        end as change_text
    from holding
    inner join {{ ref('int_bands__subjects') }} as subjects
        on
            holding.agent_id = subjects.agent_id
            and holding.period_month = subjects.period_month
    left join {{ ref('int_bands__recoveries') }} as recoveries
        on
            holding.agent_id = recoveries.agent_id
            and holding.period_month = recoveries.period_month
    where holding.requirement = 'decline'

)

select * from metric_changes

union all

select * from score_changes
