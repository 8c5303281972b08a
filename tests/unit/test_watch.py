"""The sensors that watch: failures are told, dead runs end, old figures are noticed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange
from dagster._core.events import DagsterEvent, DagsterEventType, RunFailureReason
from dagster._core.execution.retries import auto_reexecution_should_retry_run
from dagster._core.test_utils import create_run_for_test

from orchestration.lib import dead_runs
from orchestration.lib.dagster_home import prepare_dagster_home
from orchestration.lib.errors import GateFailed, LockHeld
from orchestration.lib.lock import run_lock
from orchestration.lib.settings import Settings
from tests.unit.webhook import Webhook, webhook


@pytest.fixture
def settings(
    dbt_manifest: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    # Loaded on the session's state first: the test's own has no parsed dbt project.
    import orchestration.defs.watch  # noqa: F401

    made = Settings(state_root=tmp_path / "state")
    monkeypatch.setenv("CX_STATE_ROOT", str(made.state_root))
    return made


@pytest.fixture
def instance(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", "")
    with dg.DagsterInstance.from_config(str(prepare_dagster_home(settings))) as made:
        yield made


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with webhook() as listening:
        monkeypatch.setenv("CX_FAILURE_WEBHOOK", listening.url)
        yield listening


# --- failures ---------------------------------------------------------------------------------


def fail(instance: dg.DagsterInstance, error: Exception) -> dg.ExecuteInProcessResult:
    @dg.op
    def step() -> None:
        raise error

    @dg.job
    def daily_refresh() -> None:
        step()

    return daily_refresh.execute_in_process(
        instance=instance, raise_on_error=False, tags={"dagster/partition": "2026-03-09"}
    )


def look_at_failure(instance: dg.DagsterInstance, run: dg.DagsterRun, event: DagsterEvent) -> None:
    from orchestration.defs.watch import failure_sensor

    context = dg.build_run_status_sensor_context(
        "failure_sensor", event, instance, run
    ).for_run_failure()
    failure_sensor(context)


def test_failed_step_is_told_with_its_reason(instance: dg.DagsterInstance, hook: Webhook) -> None:
    result = fail(instance, GateFailed("gate: people.key (saw 2, wants 1)"))
    event = next(one for one in result.all_events if one.event_type_value == "PIPELINE_FAILURE")
    look_at_failure(instance, result.dagster_run, event)
    assert hook.posted == [
        {
            "job": "daily_refresh",
            "run_id": result.run_id,
            "partition": "2026-03-09",
            "reason": "gate: people.key (saw 2, wants 1)",
        }
    ]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (dead_runs.DIED, dead_runs.DIED),
        (None, dead_runs.DIED),
        ("Exceeded maximum runtime of 14400 seconds.", "Exceeded maximum runtime"),
    ],
)
def test_run_that_was_ended_from_outside_is_told_so(
    instance: dg.DagsterInstance, hook: Webhook, said: str | None, told: str
) -> None:
    run = started_run(instance)
    event = instance.report_run_failed(run, said)
    look_at_failure(instance, run, event)
    assert hook.posted[0]["reason"].startswith(told)


# --- dead runs --------------------------------------------------------------------------------


def started_run(instance: dg.DagsterInstance, tags: dict[str, str] | None = None) -> dg.DagsterRun:
    """A run that Dagster believes to be at work."""
    run_id = str(uuid4())
    tags = {dead_runs.LOCK_TAG: run_id} | (tags or {})
    run = create_run_for_test(instance, job_name="daily_refresh", tags=tags, run_id=run_id)
    started = DagsterEvent(DagsterEventType.RUN_START.value, job_name=run.job_name)
    instance.report_dagster_event(started, run.run_id)
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found


def look_for_the_dead(instance: dg.DagsterInstance, times: int) -> None:
    from orchestration.defs.watch import dead_run_sensor

    cursor: str | None = None
    for _ in range(times):
        context = dg.build_sensor_context(instance=instance, cursor=cursor)
        dead_run_sensor(context)
        cursor = context.cursor


def status_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


@pytest.fixture
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_runs, "GRACE_SECONDS", -60.0)


@pytest.mark.usefixtures("no_grace")
def test_run_without_a_process_ends_at_the_second_look(instance: dg.DagsterInstance) -> None:
    run = started_run(instance)
    look_for_the_dead(instance, 1)
    assert status_of(instance, run) is dg.DagsterRunStatus.STARTED
    look_for_the_dead(instance, 2)
    assert status_of(instance, run) is dg.DagsterRunStatus.FAILURE


@pytest.mark.usefixtures("no_grace")
def test_run_at_work_is_left_alone(instance: dg.DagsterInstance, settings: Settings) -> None:
    run, dead = started_run(instance), started_run(instance)
    with run_lock(settings), run_lock(settings, run.run_id):
        look_for_the_dead(instance, 2)
    assert status_of(instance, run) is dg.DagsterRunStatus.STARTED
    assert status_of(instance, dead) is dg.DagsterRunStatus.FAILURE


@pytest.mark.usefixtures("no_grace")
def test_run_that_never_takes_the_lock_is_left_alone(instance: dg.DagsterInstance) -> None:
    """A run that only starts others."""
    run = started_run(instance, {dead_runs.LOCK_TAG: "another run"})
    look_for_the_dead(instance, 2)
    assert status_of(instance, run) is dg.DagsterRunStatus.STARTED


@pytest.mark.usefixtures("no_grace")
def test_note_of_a_killed_process_keeps_nobody_alive(
    instance: dg.DagsterInstance, settings: Settings
) -> None:
    """After a restart of the machine its number is that of another process."""
    run = started_run(instance)
    with run_lock(settings, run.run_id):
        note = (settings.state_root / "run.holder").read_bytes()
    (settings.state_root / "run.holder").write_bytes(note)
    look_for_the_dead(instance, 2)
    assert status_of(instance, run) is dg.DagsterRunStatus.FAILURE


def test_run_that_just_started_is_left_alone(instance: dg.DagsterInstance) -> None:
    run = started_run(instance)
    look_for_the_dead(instance, 3)
    assert status_of(instance, run) is dg.DagsterRunStatus.STARTED


@pytest.mark.usefixtures("no_grace")
def test_dead_run_of_the_command_line_is_told(instance: dg.DagsterInstance, hook: Webhook) -> None:
    run = started_run(instance, {dead_runs.CLI_TAG: "cx run"})
    look_for_the_dead(instance, 2)
    assert [posted["run_id"] for posted in hook.posted] == [run.run_id]


def test_next_run_of_the_command_line_ends_the_dead_ones(instance: dg.DagsterInstance) -> None:
    dead = started_run(instance, {dead_runs.CLI_TAG: "cx run"})
    other = started_run(instance)
    dead_runs.end(instance, dead_runs.of_command_line(instance))
    assert status_of(instance, dead) is dg.DagsterRunStatus.FAILURE
    assert status_of(instance, other) is dg.DagsterRunStatus.STARTED


# --- what starts again ------------------------------------------------------------------------


def test_crash_starts_again_once_and_what_was_explained_does_not(
    instance: dg.DagsterInstance,
) -> None:
    crashed = started_run(instance)
    instance.report_run_failed(crashed, dead_runs.DIED)
    found = instance.get_run_by_id(crashed.run_id)
    assert found is not None
    assert auto_reexecution_should_retry_run(instance, found, RunFailureReason.UNKNOWN)
    refused = fail(instance, GateFailed("gate: no"))
    found = instance.get_run_by_id(refused.run_id)
    assert found is not None
    assert found.tags["dagster/failure_reason"] == RunFailureReason.STEP_FAILURE.value
    assert not auto_reexecution_should_retry_run(instance, found, RunFailureReason.STEP_FAILURE)


def test_run_that_found_the_lock_taken_does_not_start_again(
    instance: dg.DagsterInstance, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails before its first step, which Dagster would take for a crash."""
    from orchestration.defs import resources
    from orchestration.defs.rollback import rollback

    def taken(*_: object) -> None:
        raise LockHeld("another run works on this state folder (process 17)")

    monkeypatch.setattr(resources, "run_lock", taken)
    result = rollback.execute_in_process(
        instance=instance,
        raise_on_error=False,
        resources={"warehouse": resources.Warehouse()},
        run_config={"ops": {"roll_back": {"config": {"undo": True}}}},
    )
    assert not result.success
    found = instance.get_run_by_id(result.run_id)
    assert found is not None
    assert not auto_reexecution_should_retry_run(instance, found, RunFailureReason.UNKNOWN)


# --- freshness --------------------------------------------------------------------------------


def note_freshness(instance: dg.DagsterInstance, key: str, state: FreshnessState) -> None:
    """Leave what Dagster's daemon leaves when an asset grows old."""
    instance._report_runless_asset_event(
        FreshnessStateChange(
            key=dg.AssetKey.from_user_string(key),
            new_state=state,
            previous_state=FreshnessState.PASS,
            state_change_timestamp=1.0,
        )
    )


def test_lapse_is_told_once_and_again_when_it_gets_worse(
    instance: dg.DagsterInstance, hook: Webhook
) -> None:
    from orchestration.defs.watch import freshness_sensor

    cursor: str | None = None

    def look() -> None:
        nonlocal cursor
        context = dg.build_sensor_context(instance=instance, cursor=cursor)
        freshness_sensor(context)
        cursor = context.cursor

    note_freshness(instance, "raw/tickets", FreshnessState.PASS)
    look()
    assert hook.posted == []
    note_freshness(instance, "raw/tickets", FreshnessState.WARN)
    note_freshness(instance, "release", FreshnessState.WARN)
    look()
    look()
    note_freshness(instance, "release", FreshnessState.FAIL)
    look()
    assert [posted["reason"].partition("; ")[2] for posted in hook.posted] == [
        "growing old: raw/tickets, release",
        "older than allowed: release",
    ]
    assert json.loads(cursor or "{}")["release"] == "FAIL"
