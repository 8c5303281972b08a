"""How many runs Dagster remembers.

Belongs here: forgetting old runs, which Dagster never does by itself. Does not belong here:
releases and work files (retention.py), and the ticks of schedules and sensors (dagster.yaml).

A run leaves some 10 MB of events, and what is asked of them gets slower with each.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from orchestration.lib.settings import Settings

KEPT_RUNS = 100
# A history that was never pruned is caught up with over several runs.
FORGOTTEN_AT_ONCE = 10


def prune(instance: DagsterInstance, settings: Settings) -> list[str]:
    """Forget the oldest finished runs beyond the newest KEPT_RUNS; returns their ids."""
    from dagster import DagsterRunStatus, RunsFilter

    from orchestration.lib.event_log import OpenSqliteEventLog

    finished = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
    newest = instance.get_run_records(limit=KEPT_RUNS)
    if len(newest) < KEPT_RUNS:
        return []
    old = instance.get_run_records(
        filters=RunsFilter(statuses=finished, created_before=newest[-1].create_timestamp),
        limit=FORGOTTEN_AT_ONCE,
        ascending=True,
    )
    for record in old:
        run_id = record.dagster_run.run_id
        instance.delete_run(run_id)
        if isinstance(instance.event_log_storage, OpenSqliteEventLog):
            instance.event_log_storage.remove_file(run_id)
        shutil.rmtree(settings.dagster_home / "storage" / run_id, ignore_errors=True)
    return [record.dagster_run.run_id for record in old]
