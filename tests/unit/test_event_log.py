"""Dagster's event log with open connections: the same files as Dagster's own, shared by many."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from orchestration.lib import event_log, run_history
from orchestration.lib.dagster_home import prepare_dagster_home
from orchestration.lib.settings import Settings

# Runs a job of its own on the home it is given, event after event beside other processes.
RUN_ELSEWHERE = """
import dagster as dg, sys

@dg.asset
def one():
    for number in range(60):
        yield dg.AssetObservation("one", metadata={"number": number})
    yield dg.Output(1)

with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
    for _ in range(3):
        assert dg.materialize([one], instance=instance).success
"""


@dg.asset
def counted() -> int:
    """An asset to make."""
    return 1


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", "")
    return prepare_dagster_home(Settings(state_root=tmp_path / "state"))


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(home)) as made:
        yield made


def storage_of(instance: dg.DagsterInstance) -> event_log.OpenSqliteEventLog:
    storage = instance.event_log_storage
    assert isinstance(storage, event_log.OpenSqliteEventLog)
    return storage


def types_of(storage: SqliteEventLogStorage, run_id: str) -> list[str]:
    return [
        entry.dagster_event.event_type_value
        for entry in storage.get_logs_for_run(run_id)
        if entry.dagster_event is not None
    ]


def test_events_lie_where_dagster_itself_looks_for_them(
    home: Path, instance: dg.DagsterInstance
) -> None:
    run_id = dg.materialize([counted], instance=instance).run_id
    plain = SqliteEventLogStorage(str(home / "history" / "runs"))
    seen = types_of(plain, run_id)
    assert seen == types_of(storage_of(instance), run_id)
    assert "PIPELINE_START" in seen
    assert seen[-1] == "PIPELINE_SUCCESS"
    assert plain.get_latest_materialization_events([dg.AssetKey("counted")])


def test_home_of_before_is_read_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A history written by Dagster's own class goes on in the same files."""
    home = tmp_path / "state" / "dagster"
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n", encoding="utf-8")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with dg.DagsterInstance.from_config(str(home)) as before:
        assert not isinstance(before.event_log_storage, event_log.OpenSqliteEventLog)
        first = dg.materialize([counted], instance=before).run_id
    (home / "dagster.yaml").unlink()
    prepare_dagster_home(Settings(state_root=tmp_path / "state"))
    with dg.DagsterInstance.from_config(str(home)) as after:
        assert types_of(storage_of(after), first)[-1] == "PIPELINE_SUCCESS"
        second = dg.materialize([counted], instance=after).run_id
        assert {run.run_id for run in after.get_runs()} == {first, second}


def test_several_processes_write_to_one_home(home: Path, instance: dg.DagsterInstance) -> None:
    others = [
        subprocess.Popen(
            [sys.executable, "-c", RUN_ELSEWHERE, str(home)],
            env={**os.environ, "DAGSTER_HOME": str(home)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    runs = [dg.materialize([counted], instance=instance).run_id for _ in range(5)]
    for other in others:
        assert other.wait(120) == 0, other.stderr.read() if other.stderr else ""
    finished = instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))
    assert len(finished) == len(runs) + 2 * 3
    for run in finished:
        assert types_of(storage_of(instance), run.run_id)[-1] == "PIPELINE_SUCCESS"


def test_files_of_old_runs_are_closed(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that had looked at every run of a year had a thousand files open."""
    monkeypatch.setattr(event_log, "KEPT_OPEN", 2)
    runs = [dg.materialize([counted], instance=instance).run_id for _ in range(4)]
    opened = {os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}
    still = [run_id for run_id in runs if any(f"{run_id}.db" in path for path in opened)]
    assert len(still) < 2
    assert types_of(storage_of(instance), runs[0])[-1] == "PIPELINE_SUCCESS"


def test_news_do_not_wait_in_the_journal(home: Path, instance: dg.DagsterInstance) -> None:
    """The UI is told of a change of the file of a run, and of no other."""
    run_id = dg.materialize([counted], instance=instance).run_id
    alone = home / "copy" / f"{run_id}.db"
    alone.parent.mkdir()
    alone.write_bytes((home / "history" / "runs" / f"{run_id}.db").read_bytes())
    assert types_of(SqliteEventLogStorage(str(alone.parent)), run_id)[-1] == "PIPELINE_SUCCESS"


def test_wiped_history_is_written_anew(instance: dg.DagsterInstance) -> None:
    before = dg.materialize([counted], instance=instance).run_id
    storage_of(instance).wipe()
    assert types_of(storage_of(instance), before) == []
    again = dg.materialize([counted], instance=instance).run_id
    assert types_of(storage_of(instance), again)[-1] == "PIPELINE_SUCCESS"


def test_oldest_runs_are_forgotten_with_their_files(
    home: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_history, "KEPT_RUNS", 2)
    settings = Settings(state_root=home.parent)
    runs = [dg.materialize([counted], instance=instance).run_id for _ in range(2)]
    assert run_history.prune(instance, settings) == []
    runs += [dg.materialize([counted], instance=instance).run_id for _ in range(2)]
    assert run_history.prune(instance, settings) == runs[:2]
    assert {run.run_id for run in instance.get_runs()} == set(runs[2:])
    files = {path.name for path in (home / "history" / "runs").iterdir()}
    for run_id in runs[:2]:
        assert not {name for name in files if name.startswith(run_id)}
        assert not (home / "storage" / run_id).exists()
    assert types_of(storage_of(instance), runs[2])[-1] == "PIPELINE_SUCCESS"
    assert instance.get_latest_materialization_event(dg.AssetKey("counted")) is not None


def test_unfinished_run_is_never_forgotten(
    home: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagster._core.test_utils import create_run_for_test

    monkeypatch.setattr(run_history, "KEPT_RUNS", 1)
    at_work = create_run_for_test(instance, status=dg.DagsterRunStatus.STARTED)
    dg.materialize([counted], instance=instance)
    assert run_history.prune(instance, Settings(state_root=home.parent)) == []
    assert instance.get_run_by_id(at_work.run_id) is not None
