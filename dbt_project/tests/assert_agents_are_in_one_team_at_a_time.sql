-- Facts find their team by the instant. Where two spells of an agent cover it, the fact counts twice.
with spells as (

    select
        agent_id,
        valid_from,
        ends_at,
        lead(starts_at) over (partition by agent_id order by starts_at, valid_from) as next_starts_at
    from {{ ref('dim_agent_assignments') }}
    where ends_at is null or starts_at < ends_at

)

select
    agent_id,
    valid_from,
    ends_at,
    next_starts_at
from spells
where next_starts_at is not null and (ends_at is null or next_starts_at < ends_at)
