"""The invented sample data: its files, its planted faults and the truth beside it."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.sample import SampleSummary, generate_sample
from orchestration.sample.expected import SCORECARDS
from tests.conftest import PROJECT_ROOT

SIZE = {"agents": 12, "months": 3, "tickets": 2_000}

# The raw contract, written out again: the generator must not be its own judge.
REQUIRED_COLUMNS = {
    "agents": "agent_id full_name email hired_on left_on exit_type is_bot",
    "agent_assignments": "agent_id valid_from valid_to team_id tier",
    "teams": "team_id team_name manager_id timezone",
    "tickets": "ticket_id created_at channel contact_type severity customer_id origin is_spam"
    " is_test merged_into_ticket_id",
    "ticket_events": "event_id ticket_id occurred_at event_type agent_id from_value to_value",
    "interactions": "interaction_id ticket_id agent_id channel started_at ended_at talk_seconds"
    " hold_seconds wrap_seconds",
    "qa_evaluations": "evaluation_id ticket_id agent_id evaluator_id interaction_at evaluated_at"
    " form_version status is_calibration",
    "qa_criterion_scores": "evaluation_id criterion sub_dimension score max_score weight"
    " is_applicable is_critical_error",
    "surveys": "survey_id ticket_id agent_id sent_at responded_at score scale_min scale_max",
    "schedule_segments": "segment_id agent_id starts_at ends_at activity published_at",
    "agent_states": "state_id agent_id starts_at ends_at state",
    "absences": "absence_id agent_id absent_on hours kind",
    "volume_forecasts": "forecast_id team_id forecast_date forecast_contacts published_at",
    "training_assignments": "assignment_id agent_id module assigned_at due_on completed_at"
    " is_waived",
    "kb_contributions": "contribution_id agent_id article_id action occurred_at is_accepted",
    "development_goals": "goal_id agent_id metric description agreed_on due_on baseline target"
    " current_value weight status",
    "coaching_sessions": "session_id agent_id coach_id held_at kind focus_metric minutes"
    " is_acknowledged",
    "improvement_plans": "plan_id agent_id opened_on planned_end_on closed_on owner_id"
    " decided_outcome decided_by",
    "improvement_plan_targets": "plan_id metric target minimum_sample",
    "improvement_plan_check_ins": "check_in_id plan_id due_on held_on progress_note next_step",
    "improvement_plan_support": "support_id plan_id kind planned_on delivered_on",
}
QUARANTINE_REASONS = {
    "missing_value",
    "unparseable",
    "naive_timestamp",
    "not_finite",
    "future",
    "off_scale",
    "answered_before_sent",
    "completed_before_assigned",
    "self_coaching",
    "target_equals_baseline",
    "unknown_metric",
    "unknown_state",
    "conflicting_version",
    "orphan",
    "solved_before_created",
    "merge_cycle",
    "overlap",
    "overlapping_plan",
}
OUT_OF_SCOPE_REASONS = {
    "tickets": {"spam", "test", "merged", "not_customer"},
    "qa_evaluations": {
        "draft",
        "void",
        "calibration",
        "self_evaluation",
        "nothing_applicable",
        "invalid_criterion",
        "unknown",
        "system",
        "no_assignment",
    },
    "schedule_segments": {"not_published_in_time"},
}
CLEAN_TABLES = ("agents", "agent_assignments", "teams")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleSummary:
    return generate_sample(tmp_path_factory.mktemp("sample") / "raw", **SIZE)


@pytest.fixture(scope="module")
def truth(sample: SampleSummary) -> dict[str, pd.DataFrame]:
    return {
        path.stem: pd.read_parquet(path) for path in sorted(sample.truth_root.glob("*.parquet"))
    }


def cells(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Header and rows of a raw file, every cell as text and null as the empty string."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
        return list(reader.fieldnames or []), rows
    table = pq.read_table(path)
    texts = pa.table([column.cast(pa.string()) for column in table.columns], table.column_names)
    rows = [{k: v or "" for k, v in row.items()} for row in texts.to_pylist()]
    return table.column_names, rows


def raw_rows(sample: SampleSummary, table: str, planted: bool = True) -> list[dict[str, str]]:
    files = sorted((sample.raw_root / table).iterdir())
    return [row for f in files if planted or f.name != "dirt.csv" for row in cells(f)[1]]


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_arguments_give_the_same_bytes_in_another_process(
    sample: SampleSummary, tmp_path: Path
) -> None:
    code = (
        "import pathlib, sys; from orchestration.sample import generate_sample;"
        f"generate_sample(pathlib.Path(sys.argv[1]), **{SIZE!r})"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "raw")], check=True)
    assert digests(tmp_path / "raw") == digests(sample.raw_root)
    assert digests(tmp_path / "raw_truth") == digests(sample.truth_root)


def test_another_seed_gives_other_data(sample: SampleSummary, tmp_path: Path) -> None:
    other = generate_sample(tmp_path / "raw", **SIZE, seed=8)
    ours, theirs = digests(sample.raw_root), digests(other.raw_root)
    assert ours["manifest.jsonl"] != theirs["manifest.jsonl"]
    assert set(ours) == set(theirs)


def test_every_file_of_every_table_has_the_columns_of_the_contract(sample: SampleSummary) -> None:
    found = {path.name for path in sample.raw_root.iterdir() if path.is_dir()}
    assert found == set(REQUIRED_COLUMNS)
    for table, names in REQUIRED_COLUMNS.items():
        for path in (sample.raw_root / table).iterdir():
            header, _ = cells(path)
            assert {*names.split(), "_loaded_at"} <= set(header), path.name
            assert len(header) == len(set(header)), path.name


def test_manifest_lists_every_file_with_hash_and_rows(sample: SampleSummary) -> None:
    text = (sample.raw_root / "manifest.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    found = digests(sample.raw_root)
    del found["manifest.jsonl"]
    assert {line["path"]: line["sha256"] for line in lines} == found
    assert [line["path"] for line in lines] == sorted(found)
    assert len({line["batch_id"] for line in lines}) == len(lines) == sample.files
    rows = dict.fromkeys(REQUIRED_COLUMNS, 0)
    for line in lines:
        assert len(cells(sample.raw_root / line["path"])[1]) == line["rows"]
        rows[line["path"].split("/")[0]] += line["rows"]
    assert rows == sample.rows


def test_parquet_files_are_typed_and_split_by_month_of_loading(sample: SampleSummary) -> None:
    paths = sorted((sample.raw_root / "ticket_events").glob("*.parquet"))
    assert [path.stem for path in paths] == ["2026-08", "2026-09", "2026-10", "2026-11"]
    for path in paths:
        table = pq.read_table(path)
        for name in ("occurred_at", "_loaded_at"):
            assert table.schema.field(name).type == pa.timestamp("us", tz="UTC")
        assert table.schema.field("agent_id").type == pa.string()
        months = {str(stamp)[:7] for stamp in table["_loaded_at"].to_pylist()}
        assert months == {path.stem}


def test_sizes_are_as_asked_for(sample: SampleSummary, truth: dict[str, pd.DataFrame]) -> None:
    tickets = {row["ticket_id"] for row in raw_rows(sample, "tickets", planted=False)}
    moved = {row["ticket_id"].strip() for row in cells(sample.raw_root / "tickets/dirt.csv")[1]}
    numbered = {f"T{k:07d}" for k in range(1, SIZE["tickets"] + 1)}
    assert tickets <= numbered <= tickets | moved
    assert len(truth["agents"]) == SIZE["agents"]
    created = min(row["created_at"] for row in raw_rows(sample, "tickets", planted=False))
    assert created.startswith(("2026-07-31", "2026-08-01"))
    assert str(sample.last_loaded_at) <= "2026-11-09 23:45:00+00:00"
    assert str(sample.last_loaded_at) > "2026-11-09 20"


def test_every_quarantine_reason_is_planted_within_the_budget(
    sample: SampleSummary, truth: dict[str, pd.DataFrame]
) -> None:
    dirt = truth["dirt"]
    planted = dirt[dirt["reason"].str.startswith("quarantined:")]
    reasons = set(planted["reason"].str.removeprefix("quarantined:"))
    assert reasons == QUARANTINE_REASONS
    assert (planted["rows"] >= 1).all()
    counted = planted[planted["in_budget"]].groupby("raw_table")["rows"].sum()
    assert counted.max() <= 5
    assert not set(planted["raw_table"]) & set(CLEAN_TABLES)


def test_every_reason_to_be_out_of_scope_is_planted(truth: dict[str, pd.DataFrame]) -> None:
    dirt = truth["dirt"]
    for table, reasons in OUT_OF_SCOPE_REASONS.items():
        found = dirt.loc[(dirt["raw_table"] == table) & (dirt["kind"] == "disposition"), "reason"]
        assert {f"out_of_scope:{reason}" for reason in reasons} <= set(found)
    tickets = set(dirt.loc[dirt["raw_table"] == "tickets", "reason"])
    assert {"deleted", "superseded", "duplicate"} <= tickets
    assert {"merge_chains", "tickets_undeleted", "tickets_of_an_unlisted_contact_type"} <= tickets


@pytest.mark.parametrize("table", sorted(REQUIRED_COLUMNS))
def test_ledger_counts_duplicates_exactly(
    sample: SampleSummary, truth: dict[str, pd.DataFrame], table: str
) -> None:
    rows = raw_rows(sample, table, planted=False)
    names = [*REQUIRED_COLUMNS[table].split(), "_loaded_at", "_deleted", "_sequence"]
    distinct = {tuple(row.get(name, "") for name in names) for row in rows}
    dirt = truth["dirt"].set_index(["raw_table", "reason"])["rows"]
    assert len(rows) - len(distinct) == dirt[table, "duplicate"]


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("agents", "agent_id"),
        ("tickets", "ticket_id"),
        ("surveys", "survey_id"),
        ("agent_states", "state_id"),
        ("development_goals", "goal_id"),
    ],
)
def test_versions_of_a_key_differ_in_stamp_or_sequence(
    sample: SampleSummary, table: str, key: str
) -> None:
    rows = raw_rows(sample, table, planted=False)
    names = REQUIRED_COLUMNS[table].split()
    payloads: dict[tuple[str, str, str], set[tuple[str, ...]]] = {}
    for row in rows:
        version = (row[key], row["_loaded_at"], row.get("_sequence", ""))
        payload = tuple("" if row[n] in ("-", "N/A", "NULL") else row[n] for n in names)
        payloads.setdefault(version, set()).add(payload)
    assert all(len(found) == 1 for found in payloads.values())


def test_typed_files_hold_no_row_that_must_be_quarantined(sample: SampleSummary) -> None:
    """All faults stand in dirt.csv, so that the ledger can be exact."""
    created = {
        row["ticket_id"].strip(): row["created_at"].replace("T", " ")[:19]
        for row in raw_rows(sample, "tickets")
    }
    for table in ("ticket_events", "interactions", "surveys", "qa_evaluations"):
        for row in raw_rows(sample, table, planted=False):
            assert row["ticket_id"] in created
    for row in raw_rows(sample, "ticket_events", planted=False):
        assert row["occurred_at"][:19] >= created[row["ticket_id"]]
        assert row["occurred_at"] <= row["_loaded_at"]
    for row in raw_rows(sample, "surveys", planted=False):
        answer = row["responded_at"]
        assert answer in ("", "-", "N/A", "NULL") or answer >= row["sent_at"]


@pytest.mark.parametrize("table", ["agent_states", "schedule_segments"])
def test_states_and_segments_of_an_agent_do_not_overlap(sample: SampleSummary, table: str) -> None:
    key = REQUIRED_COLUMNS[table].split()[0]
    latest: dict[str, dict[str, str]] = {}
    for row in sorted(raw_rows(sample, table, planted=False), key=lambda row: row["_loaded_at"]):
        latest[row[key]] = row
    ordered = sorted(latest.values(), key=lambda row: (row["agent_id"], row["starts_at"]))
    for before, after in pairwise(ordered):
        if before["agent_id"] == after["agent_id"] and before["ends_at"]:
            assert before["ends_at"] <= after["starts_at"]


def test_assignments_do_not_overlap_and_name_known_teams(sample: SampleSummary) -> None:
    latest: dict[tuple[str, str], dict[str, str]] = {}
    rows = raw_rows(sample, "agent_assignments")
    for row in sorted(rows, key=lambda row: row["_loaded_at"]):
        latest[row["agent_id"], row["valid_from"]] = row
    teams = {row["team_id"] for row in raw_rows(sample, "teams")}
    ordered = [latest[key] for key in sorted(latest)]
    assert {row["team_id"] for row in ordered} == teams
    for before, after in pairwise(ordered):
        if before["agent_id"] == after["agent_id"]:
            assert "" < before["valid_to"] <= after["valid_from"]


def test_oddities_of_files_are_there(sample: SampleSummary) -> None:
    articles = sample.raw_root / "kb_contributions/dirt.csv"
    assert articles.read_bytes().startswith(b"\xef\xbb\xbf")
    header, _ = cells(sample.raw_root / "volume_forecasts/dirt.csv")
    assert "planner_note" in header
    orders = {tuple(cells(path)[0]) for path in (sample.raw_root / "surveys").iterdir()}
    assert len(orders) == 2
    text = "".join(path.read_text() for path in (sample.raw_root / "surveys").glob("2026*.csv"))
    assert all(f",{word}," in text for word in ("N/A", "NULL", "-"))
    notes = [row["progress_note"] for row in raw_rows(sample, "improvement_plan_check_ins")]
    assert any(note.startswith("=") for note in notes)


def test_people_are_plainly_invented(sample: SampleSummary) -> None:
    for row in raw_rows(sample, "agents"):
        assert row["email"].endswith("@example.invalid")
        assert row["full_name"].startswith("Agent ") or row["is_bot"] == "true"


def test_truth_describes_every_agent_and_planted_group(truth: dict[str, pd.DataFrame]) -> None:
    assert set(truth) == {
        "agents",
        "agent_months",
        "coaching_effects",
        "contact_types",
        "declines",
        "dirt",
        "evaluators",
        "improvement_plans",
    }
    agents = truth["agents"]
    assert agents["agent_id"].is_unique
    assert agents["true_quality"].between(40, 100).all()
    for name in ("true_satisfaction", "true_first_contact", "true_adherence"):
        assert agents[name].between(0, 1).all()
    for group in (
        "strong_decliner",
        "exceptional",
        "weak",
        "case_mix_trap",
        "improver",
        "joiner",
        "leaver",
        "mid_month_changer",
        "part_time",
        "small_sample",
        "late_in_roster",
        "on_plan",
    ):
        assert agents[f"is_{group}"].any(), group
    months = truth["agent_months"]
    assert not months.duplicated(["agent_id", "period_month"]).any()
    falling = agents.loc[agents["is_strong_decliner"], "agent_id"]
    quality = months[months["agent_id"].isin(falling)].groupby("period_month")["true_quality"]
    assert (np.diff(quality.mean()) < -2).sum() >= SIZE["months"] - 1
    assert (truth["coaching_effects"]["true_effect"] > 0).any()
    rough = truth["evaluators"].loc[truth["evaluators"]["is_rough"], "severity"]
    assert (rough < -5).sum() == (rough > 5).sum() == 1
    assert truth["evaluators"].loc[~truth["evaluators"]["is_rough"], "severity"].abs().max() < 5


def test_decliners_lose_four_points_of_the_expected_score_a_month(
    truth: dict[str, pd.DataFrame],
) -> None:
    months = truth["agent_months"].set_index(["agent_id", "period_month"])["true_overall"]
    declines = truth["declines"]
    falling = truth["agents"].loc[truth["agents"]["is_strong_decliner"], "agent_id"]
    assert set(declines["agent_id"]) == set(falling)
    assert sorted({str(month) for month in declines["period_month"]}) == [
        "2026-09-01",
        "2026-10-01",
    ]
    for agent, steps in declines.groupby("agent_id"):
        before = months[agent].iloc[0]
        for step in steps.itertuples():
            assert step.true_fall == 4 * step.step
            # The level of a month wobbles by a point or so, on top of the fall.
            assert before - months[agent, step.period_month] == pytest.approx(step.true_fall, abs=3)


def test_scorecards_of_the_generator_are_those_of_the_seeds() -> None:
    """It reads nothing, so it has to write out again what a decline is measured by."""
    seeds = PROJECT_ROOT / "seeds"
    versions = pd.read_csv(seeds / "scorecard_versions.csv", dtype={"version": str})
    metrics = pd.read_csv(seeds / "scorecard_metrics.csv", dtype={"version": str})
    known = {card.effective_from.isoformat(): card for card in SCORECARDS}
    assert set(known) == set(versions["effective_from"])
    for version in versions.itertuples():
        card = known[version.effective_from]
        rows = metrics[metrics["version"] == version.version].set_index("metric")
        assert dict(card.weights) == rows["weight"].to_dict()
        assert {name: limits[0] for name, limits in card.limits.items()} == rows["floor"].to_dict()
        assert {name: limits[1] for name, limits in card.limits.items()} == rows["target"].to_dict()


def test_agents_with_small_samples_are_seldom_asked_about_and_evaluated(
    sample: SampleSummary, truth: dict[str, pd.DataFrame]
) -> None:
    small = set(truth["agents"].loc[truth["agents"]["is_small_sample"], "agent_id"])
    others = set(truth["agents"].loc[truth["agents"]["is_unchanged"], "agent_id"]) - small
    for table, key in (("surveys", "survey_id"), ("qa_evaluations", "evaluation_id")):
        rows = pd.DataFrame(raw_rows(sample, table, planted=False)).drop_duplicates(key)
        count = rows["agent_id"].value_counts()
        assert count.reindex(list(small)).max() < 0.5 * count.reindex(list(others)).median()


def test_plans_of_every_outcome_are_planted(
    sample: SampleSummary, truth: dict[str, pd.DataFrame]
) -> None:
    plans = truth["improvement_plans"].set_index("plan_id")
    assert set(plans["intended_outcome"]) >= {"met", "not_met", "not_assessable", "left", "running"}
    assert plans["agent_id"].is_unique
    closed = {r["plan_id"] for r in raw_rows(sample, "improvement_plans") if r["closed_on"]}
    running = plans.index[plans["intended_outcome"] == "running"]
    assert len(running) == 2
    assert not closed & set(running)
    assert plans.index[plans["intended_outcome"] == "left"][0] in closed
    checks = raw_rows(sample, "improvement_plan_check_ins")
    held = {row["check_in_id"] for row in checks if row["held_on"]}
    overdue = [row for row in checks if row["due_on"] < "2026-11-01"]
    assert any(row["check_in_id"] not in held for row in overdue)


def test_coaching_effects_name_sessions_that_were_held(
    sample: SampleSummary, truth: dict[str, pd.DataFrame]
) -> None:
    sessions = {row["session_id"]: row for row in raw_rows(sample, "coaching_sessions")}
    effects = truth["coaching_effects"].set_index("session_id")
    known = effects.loc[effects.index.intersection(list(sessions))]
    assert len(known) >= 0.8 * len(effects)
    for session, effect in known.iterrows():
        assert sessions[session]["agent_id"] == effect["agent_id"]
        assert sessions[session]["focus_metric"] == effect["focus_metric"]


def test_measured_quality_follows_the_true_one(
    sample: SampleSummary, truth: dict[str, pd.DataFrame]
) -> None:
    marks = pd.DataFrame(raw_rows(sample, "qa_criterion_scores", planted=False))
    marks = marks[marks["score"] != ""].astype({n: float for n in ("score", "max_score", "weight")})
    evaluations = pd.DataFrame(raw_rows(sample, "qa_evaluations", planted=False))
    agent = evaluations.drop_duplicates("evaluation_id").set_index("evaluation_id")["agent_id"]
    marks["got"] = marks["weight"] * marks["score"] / marks["max_score"]
    sums = marks.groupby("evaluation_id")[["got", "weight"]].sum()
    measured = (100 * sums["got"] / sums["weight"]).groupby(agent).mean()
    true = truth["agents"].set_index("agent_id")["true_quality"]
    assert measured.corr(true.reindex(measured.index), method="spearman") > 0.8


def test_a_folder_with_content_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "raw"
    out.mkdir()
    (out / "mine.csv").write_text("kept")
    with pytest.raises(FileExistsError, match="not empty"):
        generate_sample(out, **SIZE)
    assert [path.name for path in tmp_path.rglob("*")] == ["raw", "mine.csv"]


@pytest.mark.parametrize(
    ("size", "name"),
    [({"agents": 3}, "agents"), ({"months": 1}, "months"), ({"tickets": 9}, "tickets")],
)
def test_sizes_too_small_are_refused(tmp_path: Path, size: dict[str, int], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        generate_sample(tmp_path / "raw", **{**SIZE, **size})
