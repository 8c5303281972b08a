-- One row per agent and ended month in which the band gives reason to think of an improvement plan and
-- none is running: the evidence, and what such a plan could ask for. Advice; a person decides.
with plans as (

    select * from {{ ref('int_plans__plans') }}

),

bands as (

    select
        bands.agent_id,
        bands.period_month,
        bands.team_id,
        bands.tier,
        bands.band,
        bands.months_in_band,
        bands.trajectory,
        bands.deciding_rule,
        bands.vintage,
        {{ add_days(add_months('bands.period_month', 1), -1) }} as last_day_on,
        rules.trajectory_months
    from {{ ref('performance_bands') }} as bands
    inner join {{ ref('int_scorecard__band_rules') }} as rules
        on bands.period_month = rules.period_month
    where bands.band in ('below_expectations', 'developing')

),

planned as (

    select distinct
        bands.agent_id,
        bands.period_month
    from bands
    inner join plans
        on
            bands.agent_id = plans.agent_id
            and plans.opened_on <= bands.last_day_on
            and plans.end_on > bands.last_day_on

),

proposals as (

    select
        *,
        concat(
            label, ' ', {{ shown('adjusted_value', 'value_unit') }}, ' against ',
            {{ shown('scorecard_target', 'value_unit') }}
        ) as miss,
        case
            when is_attainable
                then concat(
                    label, ' from ', {{ shown('value', 'value_unit') }}, ' to ',
                    {{ shown('proposed_target', 'value_unit') }}, ' on a sample of at least ',
                    cast(minimum_sample as {{ dbt.type_string() }}), ' in ',
                    cast(weeks as {{ dbt.type_string() }}), ' weeks'
                )
            else concat(
                label, ' from ', {{ shown('value', 'value_unit') }}, ' to ',
                {{ shown('proposed_target', 'value_unit') }}, ' would take a sample of ',
                cast(minimum_sample as {{ dbt.type_string() }}), ', 8 weeks bring about ',
                cast(sample_of_8_weeks as {{ dbt.type_string() }})
            )
        end as proposal
    from {{ ref('int_plans__proposals') }}

),

gathered as (

    select
        agent_id,
        period_month,
        count(proposal_rank) as missed_metrics,
        count(case when is_key then proposal_rank end) as missed_key_metrics,
        count(case when is_attainable and proposal_rank <= 3 then 1 end) as proposed_metrics,
        max(case when proposal_rank <= 3 then weeks end) as weeks,
        case
            when count(case when is_key then 1 end) > 0
                then {{ listing('case when is_key then miss end') }}
            else {{ listing('miss') }}
        end as misses
    from proposals
    group by agent_id, period_month

),

reasoned as (

    select
        bands.*,
        case
            when bands.band = 'below_expectations' then 'below_expectations'
            when bands.trajectory = 'declining' then 'declining'
            -- As long as the trajectory looks back: any shorter, standing still is mostly noise.
            when
                bands.trajectory = 'flat'
                and bands.months_in_band >= bands.trajectory_months
                and gathered.missed_key_metrics > 0
                then 'not_moving'
        end as reason,
        coalesce(gathered.missed_metrics, 0) as missed_metrics,
        coalesce(gathered.proposed_metrics, 0) as proposed_metrics,
        gathered.weeks,
        gathered.misses
    from bands
    left join gathered
        on bands.agent_id = gathered.agent_id and bands.period_month = gathered.period_month
    left join planned
        on bands.agent_id = planned.agent_id and bands.period_month = planned.period_month
    left join {{ ref('dim_agents') }} as agents on bands.agent_id = agents.agent_id
    where
        planned.agent_id is null
        and (agents.left_on is null or agents.left_on > bands.last_day_on)

)

select
    reasoned.agent_id,
    reasoned.period_month,
    reasoned.team_id,
    reasoned.tier,
    reasoned.band,
    reasoned.months_in_band,
    reasoned.trajectory,
    reasoned.reason,
    concat(
        case reasoned.reason
            when 'below_expectations' then 'Below expectations'
            else 'Developing'
        end,
        ' for ', cast(reasoned.months_in_band as {{ dbt.type_string() }}),
        case when reasoned.months_in_band = 1 then ' month' else ' months in a row' end,
        case
            when reasoned.deciding_rule = 'critical_gate' then ', decided by critical errors'
            else concat(', with a ', coalesce(reasoned.trajectory, 'new'), ' trajectory')
        end,
        case
            when reasoned.misses is null then ''
            else concat('; under target in the quarter: ', reasoned.misses)
        end,
        '.'
    ) as evidence,
    case when reasoned.proposed_metrics > 0 then 'attainable' else 'not_attainable' end as status,
    cast(reasoned.missed_metrics as bigint) as missed_metrics,
    cast(reasoned.proposed_metrics as bigint) as proposed_metrics,
    cast(reasoned.weeks as bigint) as weeks,
    first_proposal.metric as metric_1,
    first_proposal.value as current_1,
    first_proposal.proposed_target as target_1,
    first_proposal.minimum_sample as minimum_sample_1,
    first_proposal.weeks as weeks_1,
    first_proposal.is_attainable as is_attainable_1,
    second_proposal.metric as metric_2,
    second_proposal.value as current_2,
    second_proposal.proposed_target as target_2,
    second_proposal.minimum_sample as minimum_sample_2,
    second_proposal.weeks as weeks_2,
    second_proposal.is_attainable as is_attainable_2,
    third_proposal.metric as metric_3,
    third_proposal.value as current_3,
    third_proposal.proposed_target as target_3,
    third_proposal.minimum_sample as minimum_sample_3,
    third_proposal.weeks as weeks_3,
    third_proposal.is_attainable as is_attainable_3,
    case
        when first_proposal.metric is null then 'No target is missed by enough for a plan.'
        else concat(
            first_proposal.proposal,
            case
                when second_proposal.metric is null then ''
                else concat('; ', second_proposal.proposal)
            end,
            case
                when third_proposal.metric is null then ''
                else concat('; ', third_proposal.proposal)
            end,
            '.'
        )
    end as proposal,
    reasoned.vintage,
    runs.as_of,
    runs.release_id
from reasoned
cross join {{ ref('stg_landing__runs') }} as runs
left join proposals as first_proposal
    on
        reasoned.agent_id = first_proposal.agent_id
        and reasoned.period_month = first_proposal.period_month
        and first_proposal.proposal_rank = 1
left join proposals as second_proposal
    on
        reasoned.agent_id = second_proposal.agent_id
        and reasoned.period_month = second_proposal.period_month
        and second_proposal.proposal_rank = 2
left join proposals as third_proposal
    on
        reasoned.agent_id = third_proposal.agent_id
        and reasoned.period_month = third_proposal.period_month
        and third_proposal.proposal_rank = 3
where reasoned.reason is not null
