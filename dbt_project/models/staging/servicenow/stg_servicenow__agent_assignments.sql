-- One row per agent and UTC month in which updates name the agent with a group: the most frequent group, ties
-- by name. Months without a group, until the agent is last seen, carry the one before: its row lasts on.
with updates as (

    select
        *,
        {{ month_of('sys_updated_at') }} as period_month
    from {{ ref('stg_servicenow__incident_updates') }}
    where disposition = 'used' and assigned_to is not null

),

last_seen as (

    select
        assigned_to,
        max(period_month) as last_month
    from updates
    group by assigned_to

),

group_months as (

    select
        *,
        count(*) over (partition by assigned_to, period_month, assignment_group) as update_count,
        max(sys_updated_at) over (
            partition by assigned_to, period_month, assignment_group
        ) as last_updated_at,
        row_number() over (
            partition by assigned_to, period_month, assignment_group
            order by sys_updated_at, raw_file, raw_row
        ) as update_number
    from updates
    where assignment_group is not null

),

ranked as (

    select
        *,
        row_number() over (
            partition by assigned_to, period_month order by update_count desc, assignment_group asc
        ) as group_rank
    from group_months
    where update_number = 1

)

select
    ranked.assigned_to as agent_id,
    ranked.period_month as valid_from,
    coalesce(
        lead(ranked.period_month) over (
            partition by ranked.assigned_to order by ranked.period_month
        ),
        {{ add_months('last_seen.last_month', 1) }}
    ) as valid_to,
    ranked.assignment_group as team_id,
    'T1' as tier,
    ranked.last_updated_at as _loaded_at,
    false as _deleted,
    cast(null as bigint) as _sequence,
    ranked.raw_file,
    ranked.raw_row,
    ranked.fault_column,
    ranked._loaded_at as first_loaded_at,
    ranked.disposition
from ranked
inner join last_seen on ranked.assigned_to = last_seen.assigned_to
where ranked.group_rank = 1
