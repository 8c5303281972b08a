{{ config(meta={"dagster": {"ref": {"name": "team_csat_drivers"}}}) }}
-- What moved a team's satisfaction adds up to how far it moved, by agent as by contact type, and each
-- part is its two effects. A change without drivers would be unexplained, drivers without a change
-- invented.
with driver_kinds as (

    select 'agent' as driver_kind
    union all
    select 'contact_type' as driver_kind

),

changes as (

    select
        scorecard.team_id,
        scorecard.period_month,
        driver_kinds.driver_kind,
        scorecard.csat_change
    from {{ ref('team_scorecard') }} as scorecard
    cross join driver_kinds
    where scorecard.csat_change is not null

),

summed as (

    select
        team_id,
        period_month,
        driver_kind,
        sum(cast(contribution as decimal(18, 6))) as contribution,
        max(abs(
            cast(contribution as decimal(18, 6))
            - cast(rate_effect as decimal(18, 6))
            - cast(mix_effect as decimal(18, 6))
        )) as unexplained
    from {{ ref('team_csat_drivers') }}
    group by team_id, period_month, driver_kind

)

select
    coalesce(changes.team_id, summed.team_id) as team_id,
    coalesce(changes.period_month, summed.period_month) as period_month,
    coalesce(changes.driver_kind, summed.driver_kind) as driver_kind,
    changes.csat_change,
    summed.contribution,
    summed.unexplained
from changes
full outer join summed
    on
        changes.team_id = summed.team_id
        and changes.period_month = summed.period_month
        and changes.driver_kind = summed.driver_kind
where
    changes.team_id is null
    or summed.team_id is null
    or abs(cast(changes.csat_change as decimal(18, 6)) - summed.contribution) > 0.000001
    or summed.unexplained > 0.000001
