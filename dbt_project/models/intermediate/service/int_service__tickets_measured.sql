-- One row per in-scope ticket in view and target kind: the open time until it was fulfilled, or until as_of,
-- against the target of the severity in force then. `credited_at` says when it counts: the instant
-- of fulfilment if met, of the breach if not, as_of while it runs.
{% set bucket_microseconds = 24 * 3600 * 1000000 %}
with kinds as (

    select 'first_reply' as target_kind
    union all
    select 'resolution' as target_kind

),

first_replies as (

    select
        events.ticket_id,
        min(events.occurred_at) as fulfilled_at
    from {{ ref('int_ticket_events__ordered') }} as events
    inner join {{ ref('dim_agents') }} as agents
        on events.agent_id = agents.agent_id and not agents.is_bot
    where events.event_type = 'replied'
    group by events.ticket_id

),

final_solves as (

    select
        ticket_id,
        solved_at as fulfilled_at
    from {{ ref('int_tickets__solves') }}
    where solve_kind = 'final'

),

fulfilments as (

    select
        tickets.ticket_id,
        kinds.target_kind,
        tickets.created_at,
        tickets.severity as severity_at_creation,
        case
            when kinds.target_kind = 'first_reply' then first_replies.fulfilled_at
            else final_solves.fulfilled_at
        end as fulfilled_at
    from {{ ref('int_tickets__in_view') }} as in_view
    inner join {{ ref('int_tickets__scoped') }} as tickets
        on in_view.ticket_id = tickets.ticket_id
    left join first_replies on tickets.ticket_id = first_replies.ticket_id
    left join final_solves on tickets.ticket_id = final_solves.ticket_id
    cross join kinds

),

-- A reply stamped before the ticket took no time; so does a ticket stamped after as_of.
observed as (

    select
        fulfilments.*,
        coalesce(fulfilments.fulfilled_at, runs.as_of) as observed_at,
        greatest(coalesce(fulfilments.fulfilled_at, runs.as_of), fulfilments.created_at)
            as measured_until
    from fulfilments
    cross join {{ ref('stg_landing__runs') }} as runs

),

with_severity as (

    select
        observed.ticket_id,
        observed.target_kind,
        observed.created_at,
        observed.fulfilled_at,
        observed.observed_at,
        observed.measured_until,
        coalesce(changes.severity, observed.severity_at_creation) as severity
    from observed
    left join {{ ref('int_service__severity_changes') }} as changes
        on
            observed.ticket_id = changes.ticket_id
            and observed.observed_at >= changes.changed_at
            and (changes.until_at is null or observed.observed_at < changes.until_at)

),

timed as (

    select
        with_severity.ticket_id,
        with_severity.target_kind,
        with_severity.severity,
        with_severity.created_at,
        with_severity.fulfilled_at,
        with_severity.observed_at,
        targets.calendar,
        targets.target_microseconds,
        {{ business_clock_at('at_creation', 'with_severity.created_at') }} as created_on_clock,
        {{ business_clock_at('at_end', 'with_severity.measured_until') }} as ended_on_clock
    from with_severity
    left join {{ ref('int_service__targets') }} as targets
        on
            with_severity.severity = targets.severity
            and with_severity.target_kind = targets.target_kind
            and cast(with_severity.created_at as date) >= targets.valid_from
            and (
                targets.valid_to is null
                or cast(with_severity.created_at as date) < targets.valid_to
            )
    {{ join_business_clock('at_creation', 'targets.calendar', 'with_severity.created_at') }}
    {{ join_business_clock('at_end', 'targets.calendar', 'with_severity.measured_until') }}

),

-- While the calendar is closed no time passes: due at closing is not overdue that night, because a
-- reply then would still meet the target. No `else`: what is not on the clock must not look met.
judged as (

    select
        *,
        ended_on_clock - created_on_clock as open_microseconds,
        created_on_clock + target_microseconds as due_on_clock,
        case
            when target_microseconds is null then 'no_target'
            when ended_on_clock - created_on_clock > target_microseconds then 'breached'
            when fulfilled_at is not null then 'met'
            when ended_on_clock - created_on_clock <= target_microseconds then 'running'
        end as outcome
    from timed

),

-- A stretch is open for 24 hours at most, so it touches two buckets of 24 open hours: the clock is
-- read backwards by equal bucket, then by exact bounds. The earliest instant holds: closing time,
-- not the next opening.
stretch_buckets as (

    select
        calendar,
        starts_at,
        microseconds_before,
        microseconds_before + open_microseconds as microseconds_after,
        {{ divide_whole('microseconds_before', bucket_microseconds) }} as bucket
    from {{ ref('int_service__business_clock') }}
    where open_microseconds > 0

    union all

    select
        calendar,
        starts_at,
        microseconds_before,
        microseconds_before + open_microseconds as microseconds_after,
        {{ divide_whole('microseconds_before', bucket_microseconds) }} + 1 as bucket
    from {{ ref('int_service__business_clock') }}
    where
        {{ divide_whole('microseconds_before + open_microseconds - 1', bucket_microseconds) }}
        > {{ divide_whole('microseconds_before', bucket_microseconds) }}

),

due as (

    select
        judged.*,
        {{ add_microseconds('stretches.starts_at', 'judged.due_on_clock - stretches.microseconds_before') }}
            as due_at
    from judged
    left join stretch_buckets as stretches
        on
            judged.outcome = 'breached'
            and judged.calendar = stretches.calendar
            and {{ divide_whole('judged.due_on_clock - 1', bucket_microseconds) }} = stretches.bucket
            and judged.due_on_clock > stretches.microseconds_before
            and judged.due_on_clock <= stretches.microseconds_after

)

-- A ticket may be moved to a severity that leaves more time; that it was is shown beside. A change in
-- the very second of the fulfilment decides the target, so it counts.
select
    due.ticket_id,
    due.target_kind,
    due.severity,
    due.created_at,
    due.fulfilled_at,
    due.target_microseconds,
    due.open_microseconds,
    due.outcome,
    due.due_at,
    case when due.outcome = 'breached' then due.due_at else due.observed_at end as credited_at,
    coalesce(lowerings.first_lowered_at <= due.observed_at, false) as is_severity_lowered
from due
left join {{ ref('int_service__severity_lowerings') }} as lowerings
    on due.ticket_id = lowerings.ticket_id and due.target_kind = lowerings.target_kind
