-- One row per team, month with a change of satisfaction, kind of driver and driver: what each agent, and
-- each contact type, contributed to the change since the calendar month before.
-- The published contributions add up to the published change exactly: in whole millionths, the rest that
-- rounding leaves goes where rounding down took most, so no number moves by more than a millionth.
{% set driver_kinds = {'agent': 'agent_id', 'contact_type': 'contact_type'} %}
with changes as (

    select
        team_id,
        period_month,
        csat,
        csat_before,
        csat_change
    from {{ ref('int_teams__csat_changes') }}
    where csat_change is not null

),

answers as (

    select
        team_id,
        period_month,
        agent_id,
        contact_type,
        count(*) as response_count,
        sum(case when is_positive then 1 else 0 end) as positive_count
    from {{ ref('fct_survey_responses') }}
    where is_answered and exclusion is null
    group by team_id, period_month, agent_id, contact_type

),

drivers as (

    {% for kind, column in driver_kinds.items() %}
    select
        team_id,
        period_month,
        '{{ kind }}' as driver_kind,
        {{ column }} as driver,
        sum(response_count) as response_count,
        sum(positive_count) as positive_count,
        sum(sum(response_count)) over (partition by team_id, period_month) as team_response_count
    from answers
    group by team_id, period_month, {{ column }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

shares as (

    select
        team_id,
        period_month,
        driver_kind,
        driver,
        response_count,
        {{ ratio('response_count', 'team_response_count') }} as weight,
        {{ ratio('positive_count', 'response_count') }} as rate
    from drivers

),

-- A driver of one month only is still a driver: its share comes or goes, its rate stays what it was.
sides as (

    select
        changes.team_id,
        changes.period_month,
        shares.driver_kind,
        shares.driver,
        shares.response_count as responses,
        0 as responses_before,
        shares.weight,
        cast(0 as double) as weight_before,
        shares.rate,
        cast(null as double) as rate_before
    from changes
    inner join shares
        on changes.team_id = shares.team_id and changes.period_month = shares.period_month

    union all

    select
        changes.team_id,
        changes.period_month,
        shares.driver_kind,
        shares.driver,
        0 as responses,
        shares.response_count as responses_before,
        cast(0 as double) as weight,
        shares.weight as weight_before,
        cast(null as double) as rate,
        shares.rate as rate_before
    from changes
    inner join shares
        on
            changes.team_id = shares.team_id
            and shares.period_month = {{ add_months('changes.period_month', -1) }}

),

paired as (

    select
        team_id,
        period_month,
        driver_kind,
        driver,
        sum(responses) as responses,
        sum(responses_before) as responses_before,
        -- One row each at most, so max() only puts the two months side by side.
        max(weight) as weight,
        max(weight_before) as weight_before,
        coalesce(max(rate), max(rate_before)) as rate,
        coalesce(max(rate_before), max(rate)) as rate_before
    from sides
    group by team_id, period_month, driver_kind, driver

),

-- In millionths; six more decimals decide which way each is rounded, the rest is noise of doubles.
effects as (

    select
        paired.team_id,
        paired.period_month,
        paired.driver_kind,
        paired.driver,
        paired.responses,
        paired.responses_before,
        changes.csat_change,
        round(1000000 * (
            (paired.weight + paired.weight_before) / 2 * (paired.rate - paired.rate_before)
        ), 6) as rate_effect,
        round(1000000 * (
            (paired.weight - paired.weight_before)
            * ((paired.rate + paired.rate_before) / 2 - (changes.csat + changes.csat_before) / 2)
        ), 6) as mix_effect,
        round(1000000 * (
            (paired.weight + paired.weight_before) / 2 * (paired.rate - paired.rate_before)
            + (paired.weight - paired.weight_before)
            * ((paired.rate + paired.rate_before) / 2 - (changes.csat + changes.csat_before) / 2)
        ), 6) as contribution
    from paired
    inner join changes
        on paired.team_id = changes.team_id and paired.period_month = changes.period_month

),

ranked as (

    select
        *,
        cast(round(1000000 * csat_change) as bigint)
        - sum(cast(floor(contribution) as bigint)) over (
            partition by team_id, period_month, driver_kind
        ) as rest,
        row_number() over (
            partition by team_id, period_month, driver_kind
            order by round(contribution - floor(contribution), 6) desc, driver asc
        ) as rest_rank
    from effects

),

-- Both rates are rounded by half a unit at most, so the rest lies between 0 and the number of drivers.
settled as (

    select
        *,
        cast(floor(contribution) as bigint) + case when rest_rank <= rest then 1 else 0 end
            as contribution_units
    from ranked

),

split as (

    select
        *,
        contribution_units - cast(floor(rate_effect) as bigint) - cast(floor(mix_effect) as bigint)
            as effect_rest
    from settled

),

-- The two effects add up to the contribution in the same way.
divided as (

    select
        *,
        cast(floor(mix_effect) as bigint)
        + case
            when effect_rest > 1 then 1
            when
                effect_rest = 1
                and round(mix_effect - floor(mix_effect), 6) > round(rate_effect - floor(rate_effect), 6)
                then 1
            else 0
        end as mix_units
    from split

)

select
    divided.team_id,
    divided.period_month,
    divided.driver_kind,
    divided.driver,
    cast(divided.responses_before as bigint) as responses_before,
    cast(divided.responses as bigint) as responses,
    {{ published('(divided.contribution_units - divided.mix_units) / cast(1000000 as double)') }}
        as rate_effect,
    {{ published('divided.mix_units / cast(1000000 as double)') }} as mix_effect,
    {{ published('divided.contribution_units / cast(1000000 as double)') }} as contribution,
    divided.csat_change,
    months.vintage,
    runs.as_of,
    runs.release_id
from divided
cross join {{ ref('stg_landing__runs') }} as runs
inner join {{ ref('dim_team_months') }} as months
    on divided.team_id = months.team_id and divided.period_month = months.period_month
