"""The suite of the service mart finds what it is there for, each fault by its name."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from expectations.gate import run_gate
from tests.unit import mart_frames
from tests.unit.mart_frames_service import service_marts
from tests.unit.test_gate import (
    LAST,
    Fault,
    check,
    doubled_rows,
    doubled_teams,
    dropped_month,
    dropped_team,
    failing,
    in_last_month,
    one_value,
)

MART = "team_sla"


def without_kind(kind: str) -> Fault:
    def fault(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[~(in_last_month(frame) & (frame["target_kind"] == kind))]

    return fault


def all_running(kind: str) -> Fault:
    """No ticket was ever judged: the events that fulfil the target went missing."""

    def fault(frame: pd.DataFrame) -> pd.DataFrame:
        rows = in_last_month(frame) & (frame["target_kind"] == kind)
        tickets = frame["met"] + frame["breached"]
        return frame.assign(
            running=frame["running"].mask(rows, tickets),
            met=frame["met"].mask(rows, 0),
            breached=frame["breached"].mask(rows, 0),
            attainment=frame["attainment"].mask(rows),
        )

    return fault


def moved_attainment(kind: str, factor: float) -> Fault:
    """A share of what was met is broken (or, above 1, the other way round)."""

    def fault(frame: pd.DataFrame) -> pd.DataFrame:
        rows = in_last_month(frame) & (frame["target_kind"] == kind)
        tickets = frame["met"] + frame["breached"]
        met = (frame["met"] * factor).round().astype("int64").clip(upper=tickets)
        return frame.assign(
            met=frame["met"].mask(rows, met),
            breached=frame["breached"].mask(rows, tickets - met),
            attainment=frame["attainment"].mask(rows, (met / tickets).round(6)),
        )

    return fault


def nothing_judged(frame: pd.DataFrame) -> pd.DataFrame:
    """One row of the last month has no tickets at all, and still an attainment."""
    frame = frame.copy()
    row = frame.index[in_last_month(frame)][1]
    frame.loc[row, ["met", "breached", "running", "severity_lowered"]] = 0
    return frame


FAULTS: list[tuple[Fault, str]] = [
    (dropped_team, "every_large_team_appears"),
    (doubled_rows, "key_is_unique"),
    (without_kind("first_reply"), "first_reply_not_lost"),
    (without_kind("resolution"), "resolution_not_lost"),
    (all_running("first_reply"), "first_reply_not_lost"),
    (all_running("resolution"), "nothing_runs_in_ended_months"),
    (moved_attainment("first_reply", 0.8), "first_reply_attainment_against_history"),
    (moved_attainment("resolution", 0.8), "resolution_attainment_against_history"),
    (moved_attainment("resolution", 1.4), "resolution_attainment_against_history"),
    (dropped_month, "no_month_is_missing"),
]
# Single cells, planted together: each is the business of one expectation.
CELLS: list[tuple[Fault, str]] = [
    (nothing_judged, "every_row_has_tickets"),
    (nothing_judged, "attainment_is_null_when_nothing_is_judged"),
    (one_value("target_kind", "charm"), "target_kind_is_known"),
    (one_value("vintage", "corked"), "vintage_is_known"),
    (one_value("release_id", "another"), "one_release"),
    (one_value("met", -1), "met_not_negative"),
    (one_value("breached", -1), "breached_not_negative"),
    (one_value("running", -1), "running_not_negative"),
    (one_value("severity_lowered", -1), "severity_lowered_not_negative"),
    (one_value("attainment", 1.1), "attainment_between_0_and_1"),
]
MORE_CELLS: list[tuple[Fault, str]] = [
    (one_value("attainment", None), "attainment_is_there_when_judged"),
    (one_value("severity_lowered", 9_999), "no_more_lowered_than_tickets"),
    (one_value("running", 1), "nothing_runs_in_ended_months"),
]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return service_marts()[MART]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mart_frames.write_run_results(tmp_path_factory.mktemp("dbt") / "run_results.json")


@pytest.fixture(scope="module")
def roster() -> dict[str, pd.DataFrame]:
    """The marts that say which teams there are."""
    frames = mart_frames.plausible_marts()
    return {mart: frames[mart] for mart in ("agent_scorecard", "agent_scorecard_metrics")}


def test_a_clean_service_mart_passes(
    frame: pd.DataFrame, roster: dict[str, pd.DataFrame], tmp_path: Path, results: Path
) -> None:
    candidate = mart_frames.write_marts({**roster, MART: frame}, tmp_path / "candidate")

    verdicts = run_gate(candidate, [MART], results).checks

    assert [item.name for item in verdicts if item.mart == MART and not item.passed] == []


@pytest.mark.parametrize(("fault", "name"), FAULTS)
def test_a_planted_fault_of_the_service_mart_fails(
    fault: Fault,
    name: str,
    frame: pd.DataFrame,
    roster: dict[str, pd.DataFrame],
    tmp_path: Path,
    results: Path,
) -> None:
    candidate = mart_frames.write_marts({**roster, MART: fault(frame)}, tmp_path / "candidate")

    result = run_gate(candidate, [MART], results, [LAST])

    found = check(result, MART, name)
    assert (found.passed, found.severity) == (False, "critical")
    assert not result.passed


@pytest.mark.parametrize("cells", [CELLS, MORE_CELLS])
def test_a_single_wrong_cell_of_the_service_mart_fails(
    cells: list[tuple[Fault, str]], frame: pd.DataFrame, tmp_path: Path, results: Path
) -> None:
    broken = frame
    for fault, _ in cells:
        broken = fault(broken)
    candidate = mart_frames.write_marts({MART: broken}, tmp_path / "candidate")

    result = run_gate(candidate, [MART], results, [LAST])

    assert {f"{MART}.{name}" for _, name in cells} <= set(failing(result))


def test_a_month_lost_against_the_previous_release_of_the_service_mart_fails(
    frame: pd.DataFrame, tmp_path: Path, results: Path
) -> None:
    previous = mart_frames.write_marts({MART: frame}, tmp_path / "previous")
    later = frame[frame["period_month"] > frame["period_month"].min()]
    candidate = mart_frames.write_marts({MART: later}, tmp_path / "candidate")

    result = run_gate(candidate, [MART], results, [LAST], previous=previous)

    assert not check(result, MART, "published_months_are_kept").passed


def test_half_of_a_team_moved_to_a_slower_target_is_told(
    frame: pd.DataFrame, tmp_path: Path, results: Path
) -> None:
    tickets = frame["met"] + frame["breached"]
    rows = in_last_month(frame) & (frame["severity"] == "low")
    broken = frame.assign(severity_lowered=frame["severity_lowered"].mask(rows, tickets))
    candidate = mart_frames.write_marts({MART: broken}, tmp_path / "candidate")

    result = run_gate(candidate, [MART], results, [LAST])

    names = [item.name for item in result.failed("warning")]
    assert names == ["severity_lowered_for_less_than_half"]


def test_twice_the_rows_of_a_usual_month_are_told(
    frame: pd.DataFrame, tmp_path: Path, results: Path
) -> None:
    candidate = mart_frames.write_marts({MART: doubled_teams(frame)}, tmp_path / "candidate")

    result = run_gate(candidate, [MART], results, [LAST])

    names = [item.name for item in result.failed("warning")]
    assert names == ["row_count_against_history"]


def test_few_tickets_for_many_teams_leave_some_teams_without_any(
    frame: pd.DataFrame, roster: dict[str, pd.DataFrame], tmp_path: Path, results: Path
) -> None:
    quiet = frame[~in_last_month(frame) | (frame["severity"] == "urgent")]
    quiet = quiet[~in_last_month(quiet) | (quiet["team_id"] != "team-02")]
    candidate = mart_frames.write_marts({**roster, MART: quiet}, tmp_path / "candidate")

    result = run_gate(candidate, [MART], results, [LAST])

    assert [item.name for item in result.failed("critical") if item.mart == MART] == []


def test_a_month_that_has_just_begun_is_not_held_against_full_ones(
    frame: pd.DataFrame, roster: dict[str, pd.DataFrame], tmp_path: Path, results: Path
) -> None:
    """On its first day a month has few rows, some teams none, and what is met is what was fast."""
    first_day = pd.Timestamp(datetime(2026, 10, 1, 6))
    young = frame[~in_last_month(frame) | (frame["team_id"] == "team-01")].assign(as_of=first_day)
    young = young[~in_last_month(young) | (young["severity"] == "urgent")]
    young = young.assign(
        running=young["running"].mask(in_last_month(young), 3),
        met=young["met"].mask(in_last_month(young), 0),
        breached=young["breached"].mask(in_last_month(young), 0),
        attainment=young["attainment"].mask(in_last_month(young)),
    )
    candidate = mart_frames.write_marts({**roster, MART: young}, tmp_path / "candidate")

    verdicts = run_gate(candidate, [MART], results, [LAST]).checks

    assert [item.name for item in verdicts if item.mart == MART and not item.passed] == []
