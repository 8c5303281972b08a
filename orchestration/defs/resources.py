"""Resources of every job: the warehouse under its lock, and dbt.

Belongs here: what assets need and tests replace. Does not belong here: assets and jobs.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource
from packaging.version import Version
from pydantic import PrivateAttr

from orchestration.lib import audit, releases, run_history, steps
from orchestration.lib.dbt_runs import dbt_executable
from orchestration.lib.dead_runs import LOCK_TAG
from orchestration.lib.errors import CxError
from orchestration.lib.failures import reason_of
from orchestration.lib.lock import end_orphaned_build, run_lock
from orchestration.lib.settings import Settings, load_settings

MAX_RETRIES_TAG = "dagster/max_retries"


class Warehouse(dg.ConfigurableResource):
    """The state folder of the settings, locked for as long as a run lasts.

    The in-process executor makes a resource once for all steps of a run, so the lock spans them. A
    run that finds it taken fails with LockHeld, which names the other process.
    """

    _settings: Settings | None = PrivateAttr(default=None)

    @property
    def settings(self) -> Settings:
        """Settings as they were when the run began."""
        if self._settings is None:
            raise RuntimeError("the warehouse is only there while a run lasts")
        return self._settings

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Warehouse"]:
        """Take the lock, clean what a dead run left behind, and let go at the end of the run."""
        self._settings = load_settings()
        run = context.run
        with (
            _explained_to_dagster(context),
            run_lock(self._settings, None if run is None else run.run_id),
        ):
            if context.instance is not None and run is not None:
                context.instance.add_run_tags(run.run_id, {LOCK_TAG: run.run_id})
                run_history.prune(context.instance, self._settings)
            end_orphaned_build(self._settings)
            releases.clean_leftovers(self._settings)
            with _on_record(self._settings, run):
                try:
                    yield self
                finally:
                    steps.forget_costs()


@contextmanager
def _explained_to_dagster(context: dg.InitResourceContext) -> Iterator[None]:
    """Have Dagster not start a run again that has said why it cannot work.

    What a step raises is never tried again (dagster.yaml); of what a resource raises Dagster
    cannot tell whether it was a crash.
    """
    try:
        yield
    except CxError:
        if context.instance is not None and context.run is not None:
            context.instance.add_run_tags(context.run.run_id, {MAX_RETRIES_TAG: "0"})
        raise


@contextmanager
def _on_record(settings: Settings, run: dg.DagsterRun | None) -> Iterator[None]:
    """Have the audit log say that a run began, and how it ended, unless it is killed."""
    facts: dict[str, Any] = {} if run is None else {"job": run.job_name, "run_id": run.run_id}
    ended: list[steps.StepEvent] = []
    stop = steps.listen(ended.append)
    audit.append(settings, "run", state="started", **facts)
    try:
        yield
    finally:
        stop()
        errors = [event.error for event in ended if event.error is not None]
        release = releases.read_run(settings).release_id if _finished(ended, "ingest") else None
        if errors:
            facts |= {"state": "failed", "reason": reason_of(errors[0])}
        else:
            facts |= {"state": "ended", "published": _finished(ended, "publish")}
        audit.append(settings, "run", release, **facts)


def _finished(events: list[steps.StepEvent], step: str) -> bool:
    return any(event.step == step and event.state == "finished" for event in events)


class LocalDbt(DbtCliResource):
    """dbt as installed beside this Python, started without the two detours dagster-dbt makes first.

    Left alone it runs `dbt --version`, which asks the package index for news, and opens an adapter
    of its own, which is only of use for fetching row counts and columns.
    """

    @property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: object) -> None:
        return None


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables for the body; dagster-dbt hands its own environment to dbt."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@dg.definitions
def resources() -> dg.Definitions:
    """Resources by key, and the executor of ad-hoc runs from the UI: one process, as one run holds
    the lock.
    """
    settings = load_settings()
    return dg.Definitions(
        resources={
            "warehouse": Warehouse(),
            "dbt": LocalDbt(
                project_dir=os.fspath(settings.dbt_project_root),
                profiles_dir=os.fspath(settings.profiles_root),
                dbt_executable=os.fspath(dbt_executable()),
            ),
        },
        executor=dg.in_process_executor,
    )
