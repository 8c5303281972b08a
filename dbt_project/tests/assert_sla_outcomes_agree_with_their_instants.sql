{{ config(meta={"dagster": {"ref": {"name": "int_service__tickets_measured"}}}) }}
-- The outcome is read from the clock forwards, the due instant backwards: a breach has one, after
-- creation and before the fulfilment or as_of, and nothing else has one.
select
    measured.ticket_id,
    measured.target_kind,
    measured.outcome,
    measured.due_at
from {{ ref('int_service__tickets_measured') }} as measured
cross join {{ ref('stg_landing__runs') }} as runs
where
    (measured.outcome = 'breached') <> (measured.due_at is not null)
    or measured.due_at <= measured.created_at
    or measured.due_at >= coalesce(measured.fulfilled_at, runs.as_of)
    or (measured.outcome = 'running' and measured.fulfilled_at is not null)
    or (measured.outcome = 'met' and measured.fulfilled_at is null)
    or measured.open_microseconds < 0
    or measured.credited_at is null
