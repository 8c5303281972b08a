"""Sensors that watch the runs instead of starting them; they are on from the start.

Belongs here: telling of failed runs and of figures that grow old, and ending runs whose process is
gone. Does not belong here: what is told and where (orchestration/lib/failures.py), how old figures
may be (project.py), and the failures of `cx run`, which tells of them itself.
"""

import json
import logging

import dagster as dg

from orchestration.defs.project import RELEASE, source_specs
from orchestration.lib import dead_runs
from orchestration.lib.failures import Failure, reason_of_recorded, tell
from orchestration.lib.settings import load_settings

PARTITION_TAG = "dagster/partition"
RUNNING = dg.DefaultSensorStatus.RUNNING
# Dagster's words where it ends a run without giving a reason: its process is gone.
NOTHING_SAID = "This run has been marked as failed from outside"
LAPSED = {"WARN", "FAIL"}


@dg.run_failure_sensor(name="failure_sensor", minimum_interval_seconds=30, default_status=RUNNING)
def failure_sensor(context: dg.RunFailureSensorContext) -> None:
    """Write why a run failed to the log, and post it to CX_FAILURE_WEBHOOK."""
    run = context.dagster_run
    ended = context.failure_event
    errors = [event.step_failure_data.error for event in context.get_step_failure_events()]
    # Before its first step a run fails as a whole.
    errors.append(getattr(ended.event_specific_data, "error", None))
    recorded = next((error for error in errors if error is not None), None)
    if recorded:
        reason = reason_of_recorded(recorded)
    elif ended.message and not ended.message.startswith(NOTHING_SAID):
        reason = ended.message
    else:
        reason = dead_runs.DIED
    _tell(context.log, Failure(run.job_name, run.run_id, run.tags.get(PARTITION_TAG), reason))


@dg.sensor(name="dead_run_sensor", minimum_interval_seconds=60, default_status=RUNNING)
def dead_run_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """End the runs whose process was killed, so that the next one can start."""
    settings = load_settings()
    suspects = {run.run_id: run for run in dead_runs.without_lock(context.instance, settings)}
    seen_before = set(json.loads(context.cursor or "[]"))
    dead = [run for run_id, run in suspects.items() if run_id in seen_before]
    dead_runs.end(context.instance, dead)
    for run in dead:
        if dead_runs.CLI_TAG in run.tags:
            # No code location started it, so failure_sensor will not hear of it.
            _tell(context.log, Failure(run.job_name, run.run_id, None, dead_runs.DIED))
    context.update_cursor(json.dumps(sorted(set(suspects) - {run.run_id for run in dead})))
    return dg.SkipReason(f"ended {len(dead)} of {len(suspects)} runs without a process")


@dg.sensor(name="freshness_sensor", minimum_interval_seconds=300, default_status=RUNNING)
def freshness_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Tell once when Dagster calls the release or a source too old, and once more when worse."""
    keys = [RELEASE, *(spec.key for spec in source_specs() if spec.freshness_policy)]
    states = {
        key.to_user_string(): record.freshness_state.value
        for key, record in context.instance.get_freshness_state_records(keys).items()
    }
    before = json.loads(context.cursor or "{}")
    lapsed = {
        name: state
        for name, state in states.items()
        if state in LAPSED and before.get(name) != state
    }
    if lapsed:
        _tell(context.log, Failure("freshness", None, None, describe_lapses(lapsed)))
    context.update_cursor(json.dumps(states, sort_keys=True))
    return dg.SkipReason(f"{len(lapsed)} of {len(keys)} assets grew old")


def describe_lapses(lapsed: dict[str, str]) -> str:
    """One line of the assets that grew old, by how bad it is."""
    worded = {"FAIL": "older than allowed", "WARN": "growing old"}
    parts = []
    for state, words in worded.items():
        names = sorted(name for name, found in lapsed.items() if found == state)
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            parts.append(f"{words}: {', '.join(names[:3])}{more}")
    return "no new data was published lately; " + "; ".join(parts)


def _tell(log: logging.Logger, failure: Failure) -> None:
    log.error(f"{failure.job} {failure.run_id or ''}: {failure.reason}")
    fault = tell(load_settings(), failure)
    if fault:
        log.warning(fault)
