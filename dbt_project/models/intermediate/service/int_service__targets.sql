-- One row per severity, target kind and spell in which a row of sla_targets is in force, by the UTC
-- date on which a ticket was created. Without minutes there is no target of that kind: it does not
-- fall back on the row before.
with spells as (

    select
        severity,
        calendar,
        effective_from as valid_from,
        lead(effective_from) over (partition by severity order by effective_from) as valid_to,
        first_reply_minutes,
        resolution_minutes
    from {{ ref('sla_targets') }}

),

-- A source that reports no replies at all cannot tell late ones from early ones.
replies as (

    select count(*) as reply_count
    from {{ ref('int_ticket_events__judged') }} as events
    cross join {{ ref('stg_landing__runs') }} as runs
    where
        events.fault is null
        and events.ticket_scope = 'in_scope'
        and events.event_type = 'replied'
        and events.occurred_at <= runs.as_of

),

kinds as (

    select
        severity,
        'first_reply' as target_kind,
        calendar,
        valid_from,
        valid_to,
        first_reply_minutes as target_minutes
    from spells

    union all

    select
        severity,
        'resolution' as target_kind,
        calendar,
        valid_from,
        valid_to,
        resolution_minutes as target_minutes
    from spells

)

select
    kinds.*,
    kinds.target_minutes * 60000000 as target_microseconds
from kinds
cross join replies
where
    kinds.target_minutes is not null
    and (kinds.target_kind <> 'first_reply' or replies.reply_count > 0)
