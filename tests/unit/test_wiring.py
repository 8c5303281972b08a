"""Pins what Dagster is made of: keys, checks, jobs, schedules, partitions, the sensor.

Other systems name these (schedules in production, dashboards on asset keys), so a change is to
be seen here. The models themselves are dbt's; this only pins where they join the rest.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.lib.contract import load_contract
from tests.published import MARTS


@pytest.fixture(scope="module")
def defs(dbt_manifest: dict[str, Any]) -> dg.Definitions:
    from orchestration.definitions import defs

    return defs()


@pytest.fixture(scope="module")
def graph(defs: dg.Definitions) -> Any:
    return defs.resolve_asset_graph()


def key(text: str) -> dg.AssetKey:
    return dg.AssetKey.from_user_string(text)


def parents(graph: Any, text: str) -> set[str]:
    return {parent.to_user_string() for parent in graph.get(key(text)).parent_keys}


# --- assets -----------------------------------------------------------------------------------


def test_every_raw_table_and_the_landing_are_made_by_ingest(graph: Any) -> None:
    ingest = graph.get(key("raw/tickets")).assets_def
    made = {one.to_user_string() for one in ingest.keys}
    contract = {f"raw/{table}" for table in load_contract().tables}
    assert contract | {"landing/files", "landing/run"} <= made
    assert ingest.op.name == "ingest"


def test_models_read_what_ingest_makes(graph: Any) -> None:
    assert parents(graph, "staging/stg_landing__runs") == {"landing/run"}


def test_every_model_is_made_by_one_build(graph: Any) -> None:
    build = graph.get(key("marts/agent_scorecard")).assets_def
    assert build.op.name == "dbt_build"
    assert key("staging/stg_landing__runs") in build.keys


def test_marts_lead_to_candidate_and_release(graph: Any) -> None:
    assert parents(graph, "candidate") == {f"marts/{mart}" for mart in MARTS}
    assert parents(graph, "release") == {"candidate"}


def test_gate_blocks_the_release_with_a_check_for_each_mart(graph: Any) -> None:
    checks = {
        check.name: graph.get_check_spec(check)
        for check in graph.asset_check_keys
        if check.asset_key == key("candidate")
    }
    assert set(checks) == MARTS | {"dbt"}
    assert all(check.blocking for check in checks.values())


def test_freshness_of_tickets_is_a_warning(graph: Any) -> None:
    fresh = dg.AssetCheckKey(key("raw/tickets"), "tickets_are_fresh")
    assert fresh in graph.asset_check_keys
    assert not graph.get_check_spec(fresh).blocking


def test_assets_have_no_partitions(graph: Any) -> None:
    assert all(graph.get(one).partitions_def is None for one in graph.get_all_asset_keys())


# --- jobs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["daily_refresh", "monthly_close"])
def test_jobs_make_everything_in_one_process(defs: dg.Definitions, graph: Any, name: str) -> None:
    job = defs.resolve_job_def(name)
    assert set(job.asset_layer.executable_asset_keys) == set(graph.executable_asset_keys)
    assert job.executor_def.name == "in_process"
    assert job.run_tags["dagster/max_runtime"] == "14400"


def test_jobs_are_all_there_are(defs: dg.Definitions) -> None:
    names = {job.name for job in defs.resolve_all_job_defs() if not job.name.startswith("__")}
    assert names == {"daily_refresh", "monthly_close", "restate_month", "backfill", "rollback"}


def test_crashed_job_starts_again_from_its_beginning(defs: dg.Definitions) -> None:
    for name in ("daily_refresh", "monthly_close", "restate_month", "backfill", "rollback"):
        assert defs.resolve_job_def(name).run_tags["dagster/retry_strategy"] == "ALL_STEPS"


def test_sensors_that_watch_are_on_and_what_starts_runs_is_off(defs: dg.Definitions) -> None:
    running = {
        sensor.name: sensor.default_status.name for sensor in defs.get_repository_def().sensor_defs
    }
    assert running == {
        "landing_sensor": "STOPPED",
        "failure_sensor": "RUNNING",
        "dead_run_sensor": "RUNNING",
        "freshness_sensor": "RUNNING",
    }


def test_release_and_sources_warn_after_26_hours_and_fail_after_50(graph: Any) -> None:
    for text in ("release", "raw/tickets", "raw/surveys"):
        policy = graph.get(key(text)).freshness_policy
        assert policy.warn_window.to_timedelta().total_seconds() == 26 * 3600
        assert policy.fail_window.to_timedelta().total_seconds() == 50 * 3600


@pytest.mark.parametrize(
    ("name", "partition", "as_of"),
    [
        ("daily_refresh", "2026-03-09", "2026-03-10T00:00:00+00:00"),
        ("daily_refresh", "2016-01-01", "2016-01-02T00:00:00+00:00"),
        ("monthly_close", "2026-02-01", "2026-03-10T00:00:00+00:00"),
        ("monthly_close", "2025-12-01", "2026-01-10T00:00:00+00:00"),
    ],
)
def test_bound_comes_from_the_partition(
    defs: dg.Definitions, name: str, partition: str, as_of: str
) -> None:
    job = defs.resolve_job_def(name)
    assert job.partitions_def is not None
    assert job.partitioned_config is not None
    assert job.partitions_def.get_first_partition_key() == "2016-01-01"
    config = job.partitioned_config.get_run_config_for_partition_key(partition)
    given = config["ops"]["ingest"]["config"]
    assert {name: value for name, value in given.items() if value} == {"as_of": as_of}


@pytest.mark.parametrize(
    ("name", "cron", "tick", "partition"),
    [
        ("daily_refresh_schedule", "0 4 * * *", datetime(2026, 3, 10, 4), "2026-03-09"),
        ("monthly_close_schedule", "30 4 10 * *", datetime(2026, 3, 10, 4, 30), "2026-02-01"),
    ],
)
def test_schedule_runs_the_partition_that_ended(
    defs: dg.Definitions, name: str, cron: str, tick: datetime, partition: str
) -> None:
    schedule = defs.resolve_schedule_def(name)
    assert schedule.cron_schedule == cron
    assert schedule.execution_timezone == "UTC"
    context = dg.build_schedule_context(
        scheduled_execution_time=tick.replace(tzinfo=UTC), repository_def=defs.get_repository_def()
    )
    (request,) = schedule.evaluate_tick(context).run_requests or []
    assert request.partition_key == partition


# --- sensor -----------------------------------------------------------------------------------


def look(raw_root: Path, cursor: str | None, monkeypatch: pytest.MonkeyPatch) -> Any:
    from orchestration.defs.jobs import landing_sensor

    monkeypatch.setenv("CX_RAW_ROOT", str(raw_root))
    return landing_sensor(dg.build_sensor_context(cursor=cursor))


def test_sensor_asks_for_one_run_per_delivery(
    dbt_manifest: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(look(tmp_path, None, monkeypatch), dg.SkipReason)
    (tmp_path / "tickets").mkdir()
    (tmp_path / "tickets" / "1.csv").write_text("a\n", encoding="utf-8")
    first = look(tmp_path, None, monkeypatch)
    (request,) = first.run_requests
    assert request.run_key == first.cursor
    assert request.run_config["ops"]["ingest"]["config"]["as_of"] is None
    assert isinstance(look(tmp_path, first.cursor, monkeypatch), dg.SkipReason)
    (tmp_path / "tickets" / "2.csv").write_text("a\n", encoding="utf-8")
    assert look(tmp_path, first.cursor, monkeypatch).cursor != first.cursor


def test_sensor_waits_for_the_manifest_where_there_is_one(
    dbt_manifest: dict, tmp_path: Path
) -> None:
    from orchestration.defs.jobs import landing_state

    (tmp_path / "manifest.jsonl").write_text("{}\n", encoding="utf-8")
    before = landing_state(tmp_path)
    (tmp_path / "half.csv").write_text("a\n", encoding="utf-8")
    assert landing_state(tmp_path) == before
    (tmp_path / "manifest.jsonl").write_text("{}\n{}\n", encoding="utf-8")
    assert landing_state(tmp_path) != before


def test_sensor_does_not_see_files_still_being_written(dbt_manifest: dict, tmp_path: Path) -> None:
    from orchestration.defs.jobs import landing_state

    (tmp_path / "1.csv").write_text("a\n", encoding="utf-8")
    before = landing_state(tmp_path)
    (tmp_path / ".2.csv.part").write_text("a\n", encoding="utf-8")
    assert landing_state(tmp_path) == before


# --- dbt and the instance ---------------------------------------------------------------------


def test_build_that_failed_says_what_and_with_which_code(dbt_manifest: dict) -> None:
    from orchestration.defs.transformation.assets import judge
    from orchestration.lib.dbt_runs import DbtOutcome
    from orchestration.lib.errors import Fault, GateFailed

    judge(DbtOutcome((), (), (), 5, ()), 0, "")
    with pytest.raises(GateFailed, match="2 dbt tests failed"):
        judge(DbtOutcome((), ("unique_x", "unique_y"), ("later",), 5, ()), 1, "")
    with pytest.raises(Fault, match="team_metrics: no table x"):
        judge(DbtOutcome(("team_metrics: no table x",), ("unique_x",), (), 5, ()), 1, "")
    with pytest.raises(Fault, match="exit code 2: profile not found"):
        judge(DbtOutcome((), (), (), 0, ()), 2, "profile not found")


def test_environment_is_as_before_after_dbt_has_started(dbt_manifest: dict) -> None:
    from orchestration.defs.resources import environment

    before = dict(os.environ)
    with environment({"CX_STATE_ROOT": "elsewhere", "CX_OF_A_TEST": "1"}):
        assert os.environ["CX_OF_A_TEST"] == "1"
    assert dict(os.environ) == before


def test_dbt_is_asked_for_nothing_beyond_the_build(dbt_manifest: dict) -> None:
    """`dbt --version` went to the package index in every run."""
    from orchestration.defs.resources import resources

    dbt = resources().resources["dbt"]
    assert dbt._cli_version.major == 1
    assert dbt._initialize_dbt_core_adapter([]) is None
    assert Path(dbt.dbt_executable).is_absolute()


def test_instance_sends_nothing_and_runs_one_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration.lib.dagster_home import prepare_dagster_home
    from orchestration.lib.settings import Settings

    monkeypatch.setenv("DAGSTER_HOME", "")
    home = prepare_dagster_home(Settings(state_root=tmp_path / "state"))
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert not instance.telemetry_enabled
        assert instance.run_monitoring_enabled
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 1
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n", encoding="utf-8")
    prepare_dagster_home(Settings(state_root=tmp_path / "state"))
    assert "concurrency" not in (home / "dagster.yaml").read_text("utf-8")
