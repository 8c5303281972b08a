"""What a dbt build proved, and that dbt never touches the business's own files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestration.lib import dbt_runs
from orchestration.lib.errors import Fault
from orchestration.lib.settings import Settings


def node(kind: str, name: str, folder: str = "marts", **meta: Any) -> dict[str, Any]:
    return {
        "resource_type": kind,
        "name": name,
        "alias": name,
        "schema": folder,
        "fqn": ["cx_performance", folder, name],
        "original_file_path": f"models/{folder}/{name}.sql",
        "config": {"materialized": "table", "meta": meta},
    }


MANIFEST = {
    "nodes": {
        "model.a": node("model", "team_metrics", primary_key=["team_id", "metric"]),
        "model.b": node("model", "agent_scorecard", primary_key=["agent_id"], may_be_empty=True),
        "model.c": node("model", "stg_tickets", "staging"),
        "seed.d": node("seed", "holidays", "seeds"),
        "test.e": node("test", "unique_agent_id"),
        "test.f": node("test", "assert_nothing_is_lost"),
        "unit_test.g": node("unit_test", "test_rule"),
        "test.h": node("test", "not_null_of_another_source"),
    }
}
MANIFEST["nodes"]["test.h"]["config"]["enabled"] = False


def results(folder: Path, **status: str) -> Path:
    """run_results.json with these nodes; a double underscore stands for the dot of a unique id."""
    path = folder / "run_results.json"
    content = [
        {
            "unique_id": name.replace("__", "."),
            "status": given.split("|")[0],
            "failures": 4,
            "message": given.split("|")[-1],
        }
        for name, given in status.items()
    ]
    path.write_text(json.dumps({"results": content}), encoding="utf-8")
    return path


GOOD = {
    "model__a": "success",
    "model__b": "success",
    "model__c": "success",
    "seed__d": "success",
    "test__e": "pass",
    "test__f": "warn",
}


def test_marts_are_the_models_of_their_folder_with_their_keys() -> None:
    assert dbt_runs.mart_specs(MANIFEST) == [
        dbt_runs.MartSpec("agent_scorecard", "marts", "agent_scorecard", ("agent_id",), True),
        dbt_runs.MartSpec("team_metrics", "marts", "team_metrics", ("team_id", "metric")),
    ]


def test_mart_without_key_is_named() -> None:
    with pytest.raises(Fault, match=r"models/marts/x\.sql: mart without"):
        dbt_runs.mart_specs({"nodes": {"model.x": node("model", "x")}})


def test_complete_build_proves_all(tmp_path: Path) -> None:
    outcome = dbt_runs.read_outcome(results(tmp_path, **GOOD), MANIFEST)
    assert outcome.complete
    assert outcome.counts() == {"passed": 1, "warned": 1, "failed": 0, "not_run": 0}
    assert outcome.warned == ("assert_nothing_is_lost (4 rows)",)


def test_failed_test_is_named_with_its_rows(tmp_path: Path) -> None:
    outcome = dbt_runs.read_outcome(results(tmp_path, **GOOD | {"test__e": "fail"}), MANIFEST)
    assert outcome.failed_tests == ("unique_agent_id (4 rows)",)
    assert not outcome.complete


def test_broken_model_is_named_with_the_reason(tmp_path: Path) -> None:
    said = "error|Runtime Error in model team_metrics (models/marts/team_metrics.sql)\n  no table x"
    path = results(tmp_path, **GOOD | {"model__a": said, "test__e": "skipped"})
    outcome = dbt_runs.read_outcome(path, MANIFEST)
    assert outcome.broken == ("team_metrics: no table x",)
    assert outcome.not_run == ("unique_agent_id",)


def test_part_of_a_build_is_no_evidence(tmp_path: Path) -> None:
    outcome = dbt_runs.read_outcome(results(tmp_path, model__a="success"), MANIFEST)
    assert not outcome.complete
    assert "assert_nothing_is_lost" in outcome.not_run


def test_absent_results_are_no_evidence(tmp_path: Path) -> None:
    assert not dbt_runs.read_outcome(tmp_path / "none.json", MANIFEST).complete


def test_damaged_results_are_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "run_results.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(Fault, match=r"run_results\.json"):
        dbt_runs.read_outcome(path, MANIFEST)


def test_dbt_works_on_a_copy_of_the_seeds(tmp_path: Path) -> None:
    """dbt wrote the statement it had run over the business's own CSV files."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "holidays.csv").write_text("calendar,holiday_on\n", encoding="utf-8")
    settings = Settings(state_root=tmp_path / "state", seed_root=seeds)
    frozen = dbt_runs.freeze_seeds(settings)
    assert dbt_runs.dbt_environment(settings)["CX_SEED_ROOT"] == str(frozen)
    assert frozen.is_relative_to(settings.state_root)
    assert dbt_runs.hash_seeds(frozen) == dbt_runs.hash_seeds(seeds)
    (frozen / "old.csv").write_text("", encoding="utf-8")
    assert not (dbt_runs.freeze_seeds(settings) / "old.csv").exists()


def test_fingerprint_follows_the_names_of_the_seeds_but_not_their_contents(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    settings = Settings(state_root=tmp_path / "state", seed_root=seeds)
    before = dbt_runs.fingerprint(settings)
    assert dbt_runs.fingerprint(settings) == before
    (seeds / "holidays.csv").write_text("calendar,holiday_on\n", encoding="utf-8")
    named = dbt_runs.fingerprint(settings)
    assert named != before
    (seeds / "holidays.csv").write_text("calendar,holiday_on\nbusiness,2026-01-01\n", "utf-8")
    assert dbt_runs.fingerprint(settings) == named
