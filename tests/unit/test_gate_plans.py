"""The suites of the plan marts find what they are there for: a planted fault fails by its name."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from expectations.gate import run_gate
from tests.unit import mart_frames
from tests.unit.mart_frames_plans import plans_marts
from tests.unit.test_gate import LAST, Fault, check, doubled_rows, failing, one_value

MARTS = [
    "improvement_plan_candidates",
    "improvement_plan_outcomes",
    "improvement_plan_progress",
]


def all_of_last_month(**columns: object) -> Fault:
    """The columns get these values in every row of the last month."""

    def fault(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.copy()
        frame.loc[frame["period_month"] == LAST, list(columns)] = list(columns.values())
        return frame

    return fault


def one_where(column: str, value: object, **conditions: object) -> Fault:
    """The first row that meets the conditions gets the value."""

    def fault(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.copy()
        rows = pd.Series(True, index=frame.index)
        for name, wanted in conditions.items():
            rows &= frame[name] == wanted
        if value is None:
            frame[column] = frame[column].astype("object")
        frame.loc[frame.index[rows][0], column] = value
        return frame

    return fault


def twice(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame.iloc[:1]])


def fourfold(frame: pd.DataFrame) -> pd.DataFrame:
    """A fan-out that gives the copies keys of their own."""
    rows = frame[frame["period_month"] == LAST]
    copies = [rows.assign(agent_id=rows["agent_id"] + mark) for mark in "xyz"]
    return pd.concat([frame, *copies])


def few_of_last_month(frame: pd.DataFrame) -> pd.DataFrame:
    rows = frame[frame["period_month"] == LAST]
    return pd.concat([frame[frame["period_month"] != LAST], rows.iloc[:2]])


def without_an_end(frame: pd.DataFrame) -> pd.DataFrame:
    ends = frame.index[frame["check_in_id"] == "end_of_plan"]
    return frame.drop(index=ends[0])


def without_facts(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(
        sample_size=0, observed_value=None, status="not_assessable", status_reason="no_value"
    ).astype({"observed_value": "float64"})


FAULTS: list[tuple[str, Fault, str]] = [
    ("improvement_plan_progress", twice, "key_is_unique"),
    ("improvement_plan_progress", without_an_end, "every_target_has_its_end"),
    ("improvement_plan_progress", without_facts, "ended_plans_have_facts"),
    (
        "improvement_plan_progress",
        one_where("sample_size", 14, status="off_track"),
        "nothing_is_judged_on_too_little",
    ),
    (
        "improvement_plan_progress",
        one_where("observed_value", None, status="met"),
        "every_verdict_has_its_value",
    ),
    ("improvement_plan_outcomes", twice, "key_is_unique"),
    (
        "improvement_plan_outcomes",
        one_where("evidence_outcome", "met", is_running=True),
        "no_evidence_while_it_runs",
    ),
    (
        "improvement_plan_outcomes",
        one_where("evidence_outcome", None, is_running=False),
        "every_ended_plan_has_evidence",
    ),
    (
        "improvement_plan_outcomes",
        one_where("evidence_outcome", "not_met", evidence_outcome="not_assessable"),
        "not_met_only_with_every_target_assessed",
    ),
    (
        "improvement_plan_outcomes",
        one_where("evidence_outcome", "met", evidence_outcome="partially_met"),
        "met_only_with_nothing_missed",
    ),
    ("improvement_plan_candidates", doubled_rows, "key_is_unique"),
    ("improvement_plan_candidates", fourfold, "row_count_against_history"),
    ("improvement_plan_candidates", few_of_last_month, "row_count_against_history"),
    (
        "improvement_plan_candidates",
        all_of_last_month(status="not_attainable", proposed_metrics=0),
        "share_attainable_against_history",
    ),
    (
        "improvement_plan_candidates",
        all_of_last_month(status="not_attainable"),
        "status_fits_the_proposals",
    ),
    (
        "improvement_plan_candidates",
        all_of_last_month(status="not_attainable", proposed_metrics=0),
        "no_weeks_without_a_proposal",
    ),
]
CELLS: dict[str, list[tuple[Fault, str]]] = {
    "improvement_plan_progress": [
        (one_value("metric", "charm"), "metric_is_known"),
        (one_value("status", "failed"), "status_is_known"),
        (one_value("status_reason", "mood"), "status_reason_is_known"),
        (
            one_where("observed_value", 1.2, metric="csat"),
            "shares_between_0_and_1_in_observed_value",
        ),
        (
            one_where("baseline_value", -0.1, metric="csat"),
            "shares_between_0_and_1_in_baseline_value",
        ),
        (
            one_where("observed_value", 101.0, metric="qa_score"),
            "qa_score_between_0_and_100_in_observed_value",
        ),
        (
            one_where("baseline_value", -1.0, metric="qa_score"),
            "qa_score_between_0_and_100_in_baseline_value",
        ),
        (one_value("elapsed_share", 1.2), "elapsed_share_between_0_and_1"),
        (one_value("sample_size", -1), "sample_size_not_negative"),
        (one_value("minimum_sample", -1), "minimum_sample_not_negative"),
        (one_value("week_number", -1), "week_number_not_negative"),
        (one_value("support_planned", -1), "support_planned_not_negative"),
        (one_value("support_delivered", -1), "support_delivered_not_negative"),
        (one_value("overdue_check_ins", -1), "overdue_check_ins_not_negative"),
        (one_value("release_id", "another"), "one_release"),
    ],
    "improvement_plan_outcomes": [
        (one_value("evidence_outcome", "failed"), "evidence_outcome_is_known"),
        (one_value("decided_outcome", "failed"), "decided_outcome_is_known"),
        (one_value("days", -1), "days_not_negative"),
        (one_value("metrics_total", 1), "not_assessed_not_negative"),
        (one_value("metrics_met", 3), "missed_not_negative"),
        (one_value("overdue_check_ins", -1), "overdue_check_ins_not_negative"),
        (one_value("release_id", "another"), "one_release"),
    ],
    "improvement_plan_candidates": [
        (one_value("band", "strong"), "band_is_known"),
        (one_value("reason", "mood"), "reason_is_known"),
        (one_value("status", "certain"), "status_is_known"),
        (one_value("tier", "T9"), "tier_is_known"),
        (one_value("vintage", "corked"), "vintage_is_known"),
        (one_value("metric_1", "goal_progress"), "metric_1_is_known"),
        (one_value("evidence", "No."), "evidence_is_a_sentence"),
        (one_value("proposal", None), "proposal_is_there"),
        (one_value("weeks", 9.0), "weeks_between_4_and_8"),
        (one_value("weeks_2", 3.0), "weeks_2_between_4_and_8"),
        (one_value("target_2", 1.2), "share_target_2_between_0_and_1"),
        (one_value("minimum_sample_3", 0), "minimum_sample_3_from_1"),
        (one_value("months_in_band", 0), "months_in_band_from_1"),
        (one_value("proposed_metrics", 4), "proposed_metrics_between_0_and_3"),
        (one_value("missed_metrics", 11), "missed_metrics_between_0_and_10"),
        (one_value("release_id", "another"), "one_release"),
    ],
}


@pytest.fixture(scope="module")
def frames() -> dict[str, pd.DataFrame]:
    return plans_marts()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mart_frames.write_run_results(tmp_path_factory.mktemp("dbt") / "run_results.json")


def test_clean_plan_marts_pass(
    frames: dict[str, pd.DataFrame], tmp_path: Path, results: Path
) -> None:
    candidate = mart_frames.write_marts(frames, tmp_path / "candidate")
    result = run_gate(candidate, MARTS, results)
    found = [item for item in result.checks if not item.passed and item.mart in MARTS]
    assert found == []


@pytest.mark.parametrize(("mart", "fault", "name"), FAULTS)
def test_a_planted_fault_of_the_plan_marts_fails(
    mart: str,
    fault: Fault,
    name: str,
    frames: dict[str, pd.DataFrame],
    tmp_path: Path,
    results: Path,
) -> None:
    candidate = mart_frames.write_marts({mart: fault(frames[mart])}, tmp_path / "candidate")
    found = check(run_gate(candidate, [mart], results), mart, name)
    assert (found.passed, found.severity) == (False, "critical")


@pytest.mark.parametrize("mart", MARTS)
def test_a_single_wrong_cell_of_the_plan_marts_fails(
    mart: str, frames: dict[str, pd.DataFrame], tmp_path: Path, results: Path
) -> None:
    broken = frames[mart]
    for fault, _ in CELLS[mart]:
        broken = fault(broken)
    candidate = mart_frames.write_marts({mart: broken}, tmp_path / "candidate")
    result = run_gate(candidate, [mart], results, [LAST])
    unnoticed = [name for _, name in CELLS[mart] if check(result, mart, name).passed]
    assert unnoticed == []


def test_a_list_of_nearly_everybody_is_no_advice(
    frames: dict[str, pd.DataFrame], tmp_path: Path, results: Path
) -> None:
    mart = "improvement_plan_candidates"
    roster = mart_frames.plausible_marts(agents_per_team=12)["agent_scorecard"]
    candidate = mart_frames.write_marts(
        {"agent_scorecard": roster, mart: fourfold(frames[mart])}, tmp_path / "candidate"
    )
    failed = failing(run_gate(candidate, [mart], results))
    assert f"{mart}.at_most_three_quarters_of_the_agents" in failed


@pytest.mark.parametrize("mart", ["improvement_plan_outcomes", "improvement_plan_progress"])
def test_plans_that_vanish_are_noticed(
    mart: str, frames: dict[str, pd.DataFrame], tmp_path: Path, results: Path
) -> None:
    previous = mart_frames.write_marts({mart: frames[mart]}, tmp_path / "previous")
    few = frames[mart][frames[mart]["plan_id"] < "plan-003"]
    candidate = mart_frames.write_marts({mart: few}, tmp_path / "candidate")
    result = run_gate(candidate, [mart], results, previous=previous)
    failed = [name for name in failing(result) if name.startswith(mart)]
    assert failed == [f"{mart}.published_plans_are_kept"]


def test_a_target_on_the_wrong_scale_is_a_warning(
    frames: dict[str, pd.DataFrame], tmp_path: Path, results: Path
) -> None:
    mart = "improvement_plan_progress"
    broken = one_where("target", 85.0, metric="csat")(frames[mart])
    broken = one_where("target", 0.85, metric="qa_score")(broken)
    candidate = mart_frames.write_marts({mart: broken}, tmp_path / "candidate")
    result = run_gate(candidate, [mart], results)
    assert [name for name in failing(result) if name.startswith(mart)] == []
    assert [item.name for item in result.failed("warning")] == [
        "target_of_a_share_between_0_and_1",
        "target_of_qa_score_above_1",
    ]
