{{ config(**kept_by('interaction_id', touched='interactions')) }}
-- One row per current interaction, with the fault that other rows reveal, or null, and whether its
-- handle time is plausible.
-- An implausible one is still a contact: only its time is left out.
select
    interactions.interaction_id,
    interactions.ticket_id,
    interactions.agent_id,
    interactions.channel,
    interactions.started_at,
    interactions.talk_seconds + interactions.hold_seconds + interactions.wrap_seconds
        as handle_seconds,
    interactions.talk_seconds + interactions.hold_seconds + interactions.wrap_seconds > 0
    and interactions.talk_seconds + interactions.hold_seconds + interactions.wrap_seconds <= 86400
    and interactions.ended_at >= interactions.started_at as is_plausible,
    case when tickets.ticket_id is null or tickets.is_in_merge_cycle then 'orphan' end as fault,
    tickets.scope as ticket_scope,
    interactions.raw_file,
    interactions.raw_row
from {{ ref('stg_native__interactions') }} as interactions
left join {{ ref('int_tickets__scoped') }} as tickets
    on interactions.ticket_id = tickets.ticket_id
where
    interactions.disposition = 'used'
    {{ and_touched('interactions.interaction_id', 'interactions') }}
