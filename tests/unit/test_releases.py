"""Candidates, receipts and releases: nothing unaudited is published, and nothing half is seen."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.lib import releases
from orchestration.lib.errors import Fault, GateFailed
from orchestration.lib.settings import Settings
from tests.unit.release_world import (
    MARTS,
    NEWER,
    OLDER,
    RUN,
    build_warehouse,
    candidate_of,
    judge,
    judged_candidate,
    settings_of,
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path)


def flip_byte(path: Path, position: int = 100) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


# --- candidate --------------------------------------------------------------------------------


def test_candidate_files_are_ordered_by_key(settings: Settings) -> None:
    candidate = candidate_of(settings)
    rows = duckdb.sql(
        f"select agent_id, period_month from '{candidate.folder / 'agent_scorecard.parquet'}'"
    ).fetchall()
    assert rows == sorted(rows)
    assert candidate.rows == {"agent_scorecard": 20, "lost_and_found": 2}


def test_candidate_hash_is_that_of_the_marts_alone(settings: Settings, tmp_path: Path) -> None:
    first = candidate_of(settings)
    second = candidate_of(settings_of(tmp_path / "elsewhere"))
    assert first.candidate_hash == second.candidate_hash
    assert first.candidate_hash == releases.hash_of_marts(
        dict(reversed(list(second.files.items())))
    )


def test_candidate_hash_changes_with_a_single_value(settings: Settings) -> None:
    before = candidate_of(settings).candidate_hash
    assert candidate_of(settings, score=50.5).candidate_hash != before


def test_database_of_the_candidate_holds_the_same_rows(settings: Settings) -> None:
    candidate = candidate_of(settings)
    with duckdb.connect(str(candidate.folder / "marts.duckdb"), read_only=True) as connection:
        assert connection.execute("select count(*) from agent_scorecard").fetchone() == (20,)


def test_candidate_reads_back_as_it_was_built(settings: Settings) -> None:
    candidate = candidate_of(settings)
    assert releases.load_candidate(settings, RUN.release_id) == candidate


def test_marts_of_another_run_make_no_candidate(settings: Settings) -> None:
    build_warehouse(settings, OLDER)
    with pytest.raises(GateFailed, match=r"agent_scorecard holds 20 rows of another run"):
        releases.build_candidate(settings, MARTS, RUN)
    assert not (releases.candidates_root(settings) / RUN.release_id).exists()


def test_mart_without_rows_makes_no_candidate_unless_it_may_be_empty(settings: Settings) -> None:
    build_warehouse(settings, RUN)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("delete from marts.lost_and_found")
    with pytest.raises(GateFailed, match="lost_and_found has no rows"):
        releases.build_candidate(settings, MARTS, RUN)
    lenient = [MARTS[0], replace(MARTS[1], may_be_empty=True)]
    assert releases.build_candidate(settings, lenient, RUN).rows["lost_and_found"] == 0


def test_mart_that_was_not_built_makes_no_candidate(settings: Settings) -> None:
    build_warehouse(settings, RUN)
    missing = replace(MARTS[0], name="team_metrics", table="team_metrics")
    with pytest.raises(GateFailed, match="team_metrics was not built"):
        releases.build_candidate(settings, [missing], RUN)


def test_column_of_an_unpublished_type_is_named(settings: Settings) -> None:
    build_warehouse(settings, RUN)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("alter table marts.agent_scorecard alter overall_score type decimal")
    with pytest.raises(Fault, match="agent_scorecard, column overall_score: type DECIMAL"):
        releases.build_candidate(settings, MARTS, RUN)


def test_damaged_warehouse_is_a_fault_that_names_the_way_out(settings: Settings) -> None:
    settings.warehouse_path.parent.mkdir(parents=True)
    settings.warehouse_path.write_bytes(b"no database" * 1000)
    with pytest.raises(Fault, match="cx run --full"):
        releases.build_candidate(settings, MARTS, RUN)


# --- receipt ----------------------------------------------------------------------------------


def test_candidate_without_receipt_is_refused(settings: Settings) -> None:
    candidate = candidate_of(settings)
    with pytest.raises(GateFailed, match="never judged"):
        releases.publish(settings, candidate)
    assert releases.list_releases(settings) == []


def test_failed_receipt_is_refused_and_names_the_check(settings: Settings) -> None:
    candidate = candidate_of(settings)
    judge(candidate, passed=False)
    with pytest.raises(GateFailed, match=r"agent_scorecard.mean_is_plausible \(saw 0.5"):
        releases.publish(settings, candidate)


def test_receipt_of_other_marts_is_refused(settings: Settings) -> None:
    judged = judged_candidate(settings)
    receipt = (judged.folder / "receipt.json").read_bytes()
    rebuilt = candidate_of(settings, score=51.0)
    (rebuilt.folder / "receipt.json").write_bytes(receipt)
    with pytest.raises(GateFailed, match="that of other marts"):
        releases.publish(settings, rebuilt)


def test_building_a_candidate_again_withdraws_its_receipt(settings: Settings) -> None:
    judged_candidate(settings)
    assert releases.read_receipt(candidate_of(settings)) is None


@pytest.mark.parametrize("name", ["agent_scorecard.parquet", "marts.duckdb"])
def test_flipped_byte_in_the_candidate_is_refused(settings: Settings, name: str) -> None:
    candidate = judged_candidate(settings)
    flip_byte(candidate.folder / name)
    with pytest.raises(GateFailed, match=f"{name} changed after the gate judged it"):
        releases.publish(settings, candidate)
    assert releases.list_releases(settings) == []
    assert not list(settings.releases_root.glob(".staging-*"))


def test_file_added_after_the_gate_is_refused(settings: Settings) -> None:
    candidate = judged_candidate(settings)
    (candidate.folder / "people.parquet").write_bytes(b"x")
    with pytest.raises(GateFailed, match=r"people.parquet was never judged"):
        releases.publish(settings, candidate)


def test_receipt_without_checks_for_a_mart_does_not_pass(settings: Settings) -> None:
    candidate = candidate_of(settings)
    one = releases.Check("mean", "agent_scorecard", "critical", True, "1", "1")
    receipt = releases.write_receipt(candidate, [one], {})
    assert not receipt.passed
    assert [check.mart for check in receipt.failed("critical")] == ["lost_and_found"]


def test_failed_warning_lets_the_candidate_pass(settings: Settings) -> None:
    candidate = candidate_of(settings)
    checks = [releases.Check("drift", mart, "warning", False, "2", "1") for mart in candidate.marts]
    assert releases.write_receipt(candidate, checks, {}).passed


# --- publish ----------------------------------------------------------------------------------


def test_published_release_is_complete_and_current(settings: Settings) -> None:
    release = releases.publish(settings, judged_candidate(settings))
    assert release.is_new
    assert release.is_current
    assert releases.verify_release(release.folder) == []
    assert sorted(path.name for path in release.managers.iterdir()) == [
        "agent_scorecard.parquet",
        "lost_and_found.parquet",
        "marts.duckdb",
    ]
    current = settings.releases_root / "current"
    assert os.readlink(current) == RUN.release_id


def test_manifest_tells_what_the_release_holds(settings: Settings) -> None:
    manifest = releases.read_manifest(releases.publish(settings, judged_candidate(settings)).folder)
    assert manifest["as_of"] == "2026-03-10T06:00:00Z"
    assert manifest["months"] == {"first": "2026-01-01", "last": "2026-02-01", "count": 2}
    assert manifest["configuration"]["scorecard_versions"] == ["1"]
    assert manifest["marts"]["agent_scorecard"]["rows"] == 20
    assert manifest["rows_by_disposition"] == {"tickets": {"used": 7, "quarantined:orphan": 2}}
    assert manifest["warnings"] == ["a column is extra"]
    assert manifest["gate"]["dbt_tests"]["passed"] == 3


def test_manifest_of_equal_inputs_is_equal_but_for_the_database(
    settings: Settings, tmp_path: Path
) -> None:
    manifests = []
    for other in (settings, settings_of(tmp_path / "elsewhere")):
        release = releases.publish(other, judged_candidate(other))
        manifest = releases.read_manifest(release.folder)
        manifest["files"].pop("managers/marts.duckdb")
        manifests.append(json.dumps(manifest))
    assert manifests[0] == manifests[1]


def test_released_files_are_read_only(settings: Settings) -> None:
    release = releases.publish(settings, judged_candidate(settings))
    for path in [release.folder, *release.folder.rglob("*")]:
        assert not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)


def test_publishing_again_verifies_and_changes_nothing(settings: Settings) -> None:
    candidate = judged_candidate(settings)
    first = releases.publish(settings, candidate)
    before = {path: path.stat().st_mtime_ns for path in first.folder.rglob("*")}
    again = releases.publish(settings, candidate)
    assert not again.is_new
    assert again.is_current
    assert {path: path.stat().st_mtime_ns for path in first.folder.rglob("*")} == before


def test_release_damaged_on_disk_is_replaced(settings: Settings) -> None:
    candidate = judged_candidate(settings)
    release = releases.publish(settings, candidate)
    release.managers.chmod(0o755)
    flip_byte(release.managers / "agent_scorecard.parquet")
    assert releases.verify_release(release.folder) == ["managers/agent_scorecard.parquet"]
    again = releases.publish(settings, candidate)
    assert again.is_new
    assert "damaged" in again.note
    assert releases.verify_release(again.folder) == []


@pytest.mark.parametrize("content", ["{", "[]"])
def test_release_with_a_damaged_manifest_is_replaced(settings: Settings, content: str) -> None:
    """No run got as far as that: each stopped at the manifest."""
    candidate = judged_candidate(settings)
    folder = releases.publish(settings, candidate).folder
    (folder / "manifest.json").chmod(0o644)
    (folder / "manifest.json").write_text(content, encoding="utf-8")
    assert releases.manifests(settings) == []
    assert releases.release_before(settings, NEWER) is None
    assert releases.publish(settings, candidate).is_new
    assert releases.verify_release(folder) == []


def test_same_release_id_with_other_marts_is_a_fault(settings: Settings) -> None:
    releases.publish(settings, judged_candidate(settings))
    with pytest.raises(Fault, match="other marts from the same inputs"):
        releases.publish(settings, judged_candidate(settings, score=51.0))


def test_current_moves_forward_only(settings: Settings) -> None:
    releases.publish(settings, judged_candidate(settings, NEWER))
    older = releases.publish(settings, judged_candidate(settings, OLDER))
    assert older.is_new
    assert not older.is_current
    assert NEWER.release_id in older.note
    current = releases.current_release(settings)
    assert current is not None
    assert current.release_id == NEWER.release_id
    assert [release.release_id for release in releases.list_releases(settings)] == [
        OLDER.release_id,
        NEWER.release_id,
    ]


def test_other_configuration_of_the_same_instant_becomes_current(settings: Settings) -> None:
    releases.publish(settings, judged_candidate(settings))
    changed = replace(RUN, release_id="20260310T060000Z-000000000000")
    assert releases.publish(settings, judged_candidate(settings, changed)).is_current


def test_pointer_left_behind_by_a_dead_run_is_moved(settings: Settings) -> None:
    releases.publish(settings, judged_candidate(settings, OLDER))
    releases.publish(settings, judged_candidate(settings, NEWER))
    current = settings.releases_root / "current"
    current.unlink()
    current.symlink_to(OLDER.release_id)
    assert releases.make_current(settings, NEWER.release_id)
    assert os.readlink(current) == NEWER.release_id


def test_leftovers_of_dead_runs_are_removed(settings: Settings) -> None:
    half = settings.releases_root / f".staging-{OLDER.release_id}-1" / "managers"
    half.mkdir(parents=True)
    (half / "agent_scorecard.parquet").write_bytes(b"half")
    half.chmod(0o555)
    (settings.releases_root / ".staging-current-1").symlink_to("nowhere")
    releases.publish(settings, judged_candidate(settings))
    assert sorted(path.name for path in settings.releases_root.iterdir()) == [
        RUN.release_id,
        "current",
    ]


def test_candidates_of_before_are_removed_after_a_publish(settings: Settings) -> None:
    candidate_of(settings, OLDER)
    releases.publish(settings, judged_candidate(settings))
    assert [path.name for path in releases.candidates_root(settings).iterdir()] == [RUN.release_id]


def test_folder_without_manifest_is_no_release(settings: Settings) -> None:
    (settings.releases_root / "20260101T000000Z-half").mkdir(parents=True)
    assert releases.list_releases(settings) == []
    assert releases.current_release(settings) is None


# --- comparing --------------------------------------------------------------------------------


def test_changed_months_are_those_whose_rows_differ(settings: Settings) -> None:
    previous = releases.publish(settings, judged_candidate(settings))
    build_warehouse(settings, NEWER)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(
            "update marts.agent_scorecard set overall_score = 1 where agent_id = 'agent 3'"
        )
    candidate = releases.build_candidate(settings, MARTS, NEWER)
    assert releases.changed_months(candidate, previous.managers) == [date(2026, 2, 1)]


def test_every_month_counts_as_changed_without_a_release_before(settings: Settings) -> None:
    assert releases.changed_months(candidate_of(settings), None) is None


def test_every_month_counts_as_changed_when_none_did(settings: Settings) -> None:
    """A new suite over equal rows would otherwise be judged on nothing."""
    previous = releases.publish(settings, judged_candidate(settings))
    candidate = candidate_of(settings, NEWER)
    assert releases.changed_months(candidate, previous.managers) is None


def test_release_before_is_the_newest_of_the_source_that_knows_no_more(settings: Settings) -> None:
    for run in (OLDER, NEWER):
        releases.publish(settings, judged_candidate(settings, run))
    before = releases.release_before(settings, RUN)
    assert before is not None
    assert before.release_id == OLDER.release_id
    other_source = replace(RUN, ticketing_source="servicenow")
    assert releases.release_before(settings, other_source) is None


# --- run --------------------------------------------------------------------------------------


def test_run_reads_back_with_its_notes(settings: Settings) -> None:
    build_warehouse(settings, RUN)
    releases.write_run_notes(settings, RUN)
    assert releases.read_run(settings) == RUN


def test_nothing_ingested_is_nothing_to_publish(settings: Settings) -> None:
    with pytest.raises(GateFailed, match="nothing was ingested"):
        releases.read_run(settings)
