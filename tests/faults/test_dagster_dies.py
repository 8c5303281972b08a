"""Dagster's processes die by SIGKILL, with runs at work and in the queue.

Belongs here: what Dagster itself makes of it when it is started again. Does not belong here: runs
of `cx` (test_killed_runs.py).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestration.defs.jobs import close_of_month, end_of_day, run_config
from tests.conftest import PROJECT_ROOT, Workspace
from tests.faults.counted import count
from tests.faults.real_reference import Reference, finish, look, make_reference, unfinished_runs
from tests.faults.runs_that_die import processes_of_session, remove

pytestmark = [pytest.mark.slow_fault, pytest.mark.timeout(3600)]

# docs/operations.md: the sensor ends a dead run within some three minutes; a busy machine and the
# start of Dagster's processes come on top.
SECONDS_TO_END_A_DEAD_RUN = 420
SECONDS_FOR_ALL_RUNS = 1500
LAUNCH = """
mutation ($selector: JobOrPipelineSelector!, $config: RunConfigData!, $tags: [ExecutionTag!]) {
  launchPipelineExecution(executionParams: {
    selector: $selector, runConfigData: $config, executionMetadata: {tags: $tags}
  }) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}
"""


class Dagster:
    """`cx dagster` with all processes it starts."""

    def __init__(self, workspace: Workspace, log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "orchestration.cli", "dagster", "--port", str(self._port)],
                cwd=PROJECT_ROOT,
                env=workspace.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Answer of the GraphQL server."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/graphql",
            body,
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["data"]

    def wait_until_loaded(self) -> None:
        """Wait until the jobs can be launched."""

        def is_loaded() -> bool:
            assert self._process.poll() is None, self._log.read_text("utf-8")[-3000:]
            with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                found = self.ask("{repositoriesOrError {... on RepositoryConnection "
                                 "{nodes {jobs {name}}}}}")  # fmt: skip
                return bool(found["repositoriesOrError"].get("nodes"))
            return False

        wait_until(is_loaded, 300, "Dagster loads its jobs")

    def launch(self, job: str, partition: str, config: dict[str, Any]) -> str:
        """Put a run into the queue; returns its id."""
        answer = self.ask(
            LAUNCH,
            selector={
                "repositoryLocationName": "cx_performance",
                "repositoryName": "__repository__",
                "jobName": job,
            },
            config=config,
            tags=[{"key": "dagster/partition", "value": partition}],
        )["launchPipelineExecution"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return answer["run"]["runId"]

    def kill(self) -> int:
        """SIGKILL to the code server, the daemon, the webserver, and whatever else is there;
        returns how many died."""
        killed = 0
        while alive := processes_of_session(self._process.pid):
            for pid in alive:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            killed = max(killed, len(alive))
            self._process.wait(timeout=60)
        return killed


@contextmanager
def dagster_on(workspace: Workspace, log: Path) -> Iterator[Dagster]:
    server = Dagster(workspace, log)
    try:
        server.wait_until_loaded()
        yield server
    finally:
        server.kill()


def wait_until(is_so: Callable[[], bool], seconds: float, what: str) -> None:
    """Ask until it is so: other processes' files and databases tell nobody of a change."""
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, f"not within {seconds} s: {what}"
        time.sleep(0.2)


def statuses(state: Path) -> dict[str, tuple[str, str]]:
    """Job and status of every run, by its id."""
    with sqlite3.connect(state / "dagster" / "history" / "runs.db", timeout=60) as connection:
        rows = connection.execute("select run_id, pipeline_name, status from runs").fetchall()
    return {run_id: (job, status) for run_id, job, status in rows}


def process_at_work(state: Path, run_id: str) -> int | None:
    """The process of a run once it builds the models, None before."""
    try:
        holder = json.loads((state / "run.holder").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    if run_id not in holder["runs"]:
        return None
    since = (state / "run.holder").stat().st_mtime
    parsed = state.glob("work/dbt/*/target/build/partial_parse.msgpack")
    return holder["pid"] if any(path.stat().st_mtime > since for path in parsed) else None


@pytest.fixture(scope="module")
def reference(runs_root: Path) -> Reference:
    return make_reference(runs_root)


@pytest.fixture
def workspace(reference: Reference, tmp_path: Path) -> Iterator[Workspace]:
    """After the first run: September is to be closed."""
    made = Workspace(reference.raw_root, tmp_path / "state")
    shutil.copytree(reference.states[0], made.state_root, symlinks=True)
    yield made
    remove(made.state_root)


def test_daily_monthly_and_backfill_come_through_the_death_of_every_process(
    workspace: Workspace, reference: Reference, tmp_path: Path
) -> None:
    """Launched side by side one works and two wait. Its process is killed, then all others; when
    Dagster is started again no run is stuck, and one release comes of the one set of inputs."""
    state, log = workspace.state_root, tmp_path / "dagster.log"
    before = set(statuses(state))
    with dagster_on(workspace, log) as dagster:
        monthly = dagster.launch(
            "monthly_close", "2026-09-01",
            run_config(close_of_month(datetime(2026, 10, 1, tzinfo=UTC))),
        )  # fmt: skip
        daily = dagster.launch(
            "daily_refresh", "2026-09-19",
            run_config(end_of_day(datetime(2026, 9, 20, tzinfo=UTC))),
        )  # fmt: skip
        backfill = dagster.launch(
            "backfill", "2026-09-01", {"ops": {"close_months": {"config": {"through": "2026-09"}}}}
        )
        wait_until(lambda: process_at_work(state, monthly) is not None, 300, "the run builds")
        found = statuses(state)
        assert found[monthly][1] == "STARTED"
        assert {found[daily][1], found[backfill][1]} == {"QUEUED"}
        worker = process_at_work(state, monthly)
        assert worker is not None
        os.kill(worker, signal.SIGKILL)
        assert look(workspace, reference) == reference.releases[0]
        killed = dagster.kill()
        # dbt of the run, webserver, daemon, code server and what starts them.
        assert killed >= 4
    assert look(workspace, reference) == reference.releases[0]
    count("kills_of_all_of_dagster", 1)

    restarted = time.monotonic()
    with dagster_on(workspace, log):
        wait_until(
            lambda: statuses(state)[monthly][1] == "FAILURE",
            SECONDS_TO_END_A_DEAD_RUN,
            "the run whose process died is ended",
        )
        print(f"ended after {time.monotonic() - restarted:.0f} s")

        def all_ended() -> bool:
            # The daemon starts what crashed once more, a moment after it was ended.
            retried = [
                run for run in statuses(state) if run not in {*before, monthly, daily, backfill}
            ]
            return not unfinished_runs(state) and any(
                statuses(state)[run][0] == "monthly_close" for run in retried
            )

        wait_until(all_ended, SECONDS_FOR_ALL_RUNS, "every run comes to an end")
        ended = statuses(state)
    assert {run: ended[run] for run in set(ended) - before - {monthly}} == {
        run: (ended[run][0], "SUCCESS") for run in set(ended) - before - {monthly}
    }, log.read_text("utf-8")[-3000:]
    assert ended[daily][1] == ended[backfill][1] == "SUCCESS"
    finish(workspace, reference, 1)
