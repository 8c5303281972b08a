-- One row per spell of an agent in a team and tier, with its UTC bounds. On a change of team across
-- timezones the later spell wins from its own local midnight.
with assignments as (

    select
        assignments.agent_id,
        assignments.valid_from,
        assignments.valid_to,
        assignments.team_id,
        assignments.tier,
        teams.timezone,
        {{ local_to_utc('assignments.valid_from', 'teams.timezone') }} as starts_at,
        case
            when assignments.valid_to is not null
                then {{ local_to_utc('assignments.valid_to', 'teams.timezone') }}
        end as own_ends_at
    from {{ contract('agent_assignments') }} as assignments
    inner join {{ ref('dim_teams') }} as teams on assignments.team_id = teams.team_id
    where
        assignments.disposition = 'used'
        -- An assignment of no length was taken back by its loader; it must not end the one around it.
        and (assignments.valid_to is null or assignments.valid_to > assignments.valid_from)

),

following as (

    select
        *,
        lead(starts_at) over (partition by agent_id order by valid_from) as next_starts_at
    from assignments

)

select
    agent_id,
    valid_from,
    valid_to,
    team_id,
    tier,
    timezone,
    starts_at,
    case
        when own_ends_at is null or next_starts_at < own_ends_at then next_starts_at
        else own_ends_at
    end as ends_at
from following
