"""Runs that Dagster believes to be at work though their process is gone.

Belongs here: finding and ending them. Does not belong here: the lock that tells who is at work
(lock.py), and starting anything again, which Dagster does by itself (run_retries).

Dagster's launcher does not watch the processes it starts: a run that was killed stays STARTED until
its longest time is over, and with one run at a time all others wait behind it. But whoever works
holds the lock, the lock dies with its process, and beside it stands which run that is.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import TYPE_CHECKING

from orchestration.lib.lock import runs_at_work

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

    from orchestration.lib.settings import Settings

CLI_TAG = "cx/started_by"
# Names the run itself, as a run that starts again takes over the tags of the one that died.
LOCK_TAG = "cx/took_the_lock"
# Nobody is in a hurry to call a run dead.
GRACE_SECONDS = 60.0
DIED = "the process of this run ended without a word"


def without_lock(instance: DagsterInstance, settings: Settings) -> list[DagsterRun]:
    """Runs that took the lock, are at work in Dagster's eyes, and hold it no more.

    Each is dead, or has let the lock go a moment ago and is about to end: look twice.
    """
    from dagster import DagsterRunStatus, RunsFilter

    records = instance.get_run_records(filters=RunsFilter(statuses=[DagsterRunStatus.STARTED]))
    started_before = time.time() - GRACE_SECONDS
    found = [
        record.dagster_run
        for record in records
        if record.dagster_run.tags.get(LOCK_TAG) == record.dagster_run.run_id
        and record.start_time is not None
        and record.start_time < started_before
    ]
    # Asked after the runs, so that one that ends meanwhile is no longer among them next time.
    at_work = runs_at_work(settings) if found else set()
    return [run for run in found if run.run_id not in at_work]


def end(instance: DagsterInstance, runs: Collection[DagsterRun]) -> None:
    """Mark runs as failed."""
    for run in runs:
        instance.report_run_failed(run, DIED)


def of_command_line(instance: DagsterInstance) -> list[DagsterRun]:
    """Unfinished runs of `cx run`. Who holds the lock knows that none of them can be alive.

    Also those that were killed before Dagster called them started, which nobody else would end.
    """
    from dagster import DagsterRunStatus, RunsFilter

    statuses = [
        DagsterRunStatus.NOT_STARTED,
        DagsterRunStatus.STARTING,
        DagsterRunStatus.STARTED,
    ]
    return list(instance.get_runs(filters=RunsFilter(statuses=statuses, tags={CLI_TAG: "cx run"})))
