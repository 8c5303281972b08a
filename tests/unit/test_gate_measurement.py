"""The suites of the pulse and measurement marts find what they are there for, each by its name."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from expectations.gate import run_gate
from tests.unit import mart_frames
from tests.unit.mart_frames_measurement import measurement_marts
from tests.unit.test_gate import (
    LAST,
    Fault,
    check,
    doubled_agents,
    doubled_rows,
    dropped_month,
    dropped_team,
    failing,
    half_of_the_agents,
    in_last_month,
    one_value,
    shifted,
)

PULSES = ("agent_daily_pulse", "agent_weekly_pulse")
MARTS = (*PULSES, "evaluator_alignment", "metric_validity")


def moved(column: str, factor: float) -> Fault:
    """All values of the last month, times a factor."""

    def fault(frame: pd.DataFrame) -> pd.DataFrame:
        values = frame[column].mask(in_last_month(frame), frame[column] * factor)
        return frame.assign(**{column: values})

    return fault


def every_row(column: str, value: object) -> Fault:
    """All values of the last month."""

    def fault(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(**{column: frame[column].mask(in_last_month(frame), value)})

    return fault


def in_one_row(**values: object) -> Fault:
    """One row of the last month gets the values."""

    def fault(frame: pd.DataFrame) -> pd.DataFrame:
        for column, value in values.items():
            frame = one_value(column, value)(frame)
        return frame

    return fault


def third_of_the_agents(frame: pd.DataFrame) -> pd.DataFrame:
    kept = frame["agent_id"].str[-1].astype(int) % 3 == 0
    return frame[~in_last_month(frame) | kept]


def half_of_the_evaluators(frame: pd.DataFrame) -> pd.DataFrame:
    kept = frame["evaluator_id"].str[-1].astype(int) % 2 == 0
    return frame[~in_last_month(frame) | kept]


def doubled_evaluators(frame: pd.DataFrame) -> pd.DataFrame:
    copies = frame[in_last_month(frame)]
    return pd.concat([frame, copies.assign(evaluator_id=copies["evaluator_id"] + "x")])


def without_pair(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[~(in_last_month(frame) & (frame["metric_pair"] == "qa_score:csat"))]


def on_another_day(column: str, days: int) -> Fault:
    """One date of the last month, moved by days."""

    def fault(frame: pd.DataFrame) -> pd.DataFrame:
        first = frame.index[in_last_month(frame)][0]
        dates = frame[column].copy()
        dates.loc[first] = dates.loc[first] + timedelta(days=days)
        return frame.assign(**{column: dates})

    return fault


PULSE_FAULTS: list[tuple[Fault, str]] = [
    (doubled_rows, "key_is_unique"),
    (doubled_agents, "row_count_against_history"),
    (half_of_the_agents, "row_count_against_history"),
    (third_of_the_agents, "agents_of_the_scorecard_appear"),
    (doubled_agents, "agents_of_the_scorecard_appear"),
    (dropped_team, "every_large_team_appears"),
    (moved("average_handle_seconds", 1.6), "mean_handle_seconds_against_history"),
    (moved("productive_hours", 0.5), "mean_productive_hours_against_history"),
    (shifted("schedule_adherence", -0.15), "mean_adherence_against_history"),
    (every_row("scheduled_hours", 0.0), "schedules_not_lost"),
    (dropped_month, "no_month_is_missing"),
]
FAULTS: list[tuple[str, Fault, str]] = [
    *((mart, fault, name) for mart in PULSES for fault, name in PULSE_FAULTS),
    ("agent_daily_pulse", every_row("is_signal", True), "less_than_40_percent_signal"),
    ("evaluator_alignment", doubled_rows, "key_is_unique"),
    ("evaluator_alignment", half_of_the_evaluators, "row_count_against_history"),
    ("evaluator_alignment", doubled_evaluators, "row_count_against_history"),
    ("evaluator_alignment", half_of_the_evaluators, "evaluations_not_lost"),
    ("evaluator_alignment", every_row("severity", -9.0), "severities_are_centred"),
    ("metric_validity", doubled_rows, "key_is_unique"),
    ("metric_validity", without_pair, "all_pairs_of_every_tier"),
    ("metric_validity", moved("n", 0.5), "agents_not_lost"),
    ("metric_validity", dropped_month, "no_month_is_missing"),
]
PULSE_CELLS: list[tuple[Fault, str]] = [
    (one_value("tier", "T9"), "tier_is_known"),
    (one_value("vintage", "corked"), "vintage_is_known"),
    (one_value("release_id", "another"), "one_release"),
    (one_value("solved", -1), "solved_not_negative"),
    (one_value("handle_seconds", -1.0), "handle_seconds_not_negative"),
    (one_value("timed_contacts", 999), "timed_contacts_within_contacts_handled"),
    (one_value("csat_positive", 3), "csat_positive_within_csat_responses"),
    (one_value("adherent_hours", 170.0), "adherent_hours_within_present_scheduled_hours"),
    (one_value("handling_hours", 171.0), "handling_hours_within_productive_hours"),
    (one_value("productive_hours", 170.0), "productive_hours_within_the_calendar"),
    (one_value("scheduled_hours", 170.0), "scheduled_hours_within_the_calendar"),
    (one_value("schedule_adherence", 1.1), "schedule_adherence_between_0_and_1"),
    (one_value("occupancy", 1.1), "occupancy_between_0_and_1"),
    (one_value("csat", None), "csat_is_there_when_measurable"),
    (one_value("contacts_per_productive_hour", 121.0), "contacts_per_hour_below_120"),
    (one_value("average_handle_seconds", 15_000.0), "average_handle_seconds_within_the_cap"),
    (one_value("schedule_adherence_lower", 0.99), "schedule_adherence_limit_below_its_centre"),
    (
        one_value("average_handle_seconds_upper", 1.0),
        "average_handle_seconds_limit_above_its_centre",
    ),
    (in_one_row(is_signal=True, is_complete=False), "nothing_running_signals"),
]
CELLS: list[tuple[str, list[tuple[Fault, str]]]] = [
    ("agent_daily_pulse", PULSE_CELLS),
    ("agent_weekly_pulse", PULSE_CELLS),
    (
        "agent_daily_pulse",
        [
            (on_another_day("local_date", 31), "local_date_is_in_its_month"),
            (one_value("csat_responses", 0), "csat_is_null_when_not_measurable"),
            (
                one_value("present_scheduled_hours", 99.0),
                "present_scheduled_hours_within_scheduled_hours",
            ),
        ],
    ),
    (
        "agent_weekly_pulse",
        [
            (on_another_day("iso_week_start", 36), "week_meets_its_month"),
            (on_another_day("iso_week_start", 1), "week_starts_on_monday"),
            (one_value("iso_week", 54), "iso_week_between_1_and_53"),
        ],
    ),
    (
        "evaluator_alignment",
        [
            (one_value("vintage", "corked"), "vintage_is_known"),
            (one_value("release_id", "another"), "one_release"),
            (one_value("voided_count", -1), "voided_count_not_negative"),
            (one_value("compared_n", 9_999), "compared_n_within_n"),
            (one_value("overturned_count", 99), "overturned_count_within_disputed_count"),
            (one_value("dispute_rate", 1.1), "dispute_rate_between_0_and_1"),
            (one_value("severity", -51.0), "severity_within_50_points"),
            (one_value("severity", -51.0), "severity_above_lower"),
            (one_value("severity_spread", 143.0), "severity_spread_between_0_and_142"),
            (one_value("calibration_alpha", 1.1), "calibration_alpha_between_minus_1_and_1"),
            (one_value("calibration_alpha", 1.1), "calibration_alpha_below_upper"),
        ],
    ),
    (
        "evaluator_alignment",
        [
            (one_value("severity", None), "severity_is_there_when_measurable"),
            (one_value("disputed_count", 0), "overturn_rate_is_null_without_disputes"),
        ],
    ),
    ("evaluator_alignment", [(one_value("compared_n", 0), "severity_is_null_when_not_measurable")]),
    (
        "metric_validity",
        [
            (one_value("metric_pair", "qa_score:charm"), "metric_pair_is_known"),
            (one_value("tier", "T9"), "tier_is_known"),
            (one_value("interpretation", "so_so"), "interpretation_is_known"),
            (one_value("expected_relation", "none"), "expected_relation_is_known"),
            (one_value("vintage", "corked"), "vintage_is_known"),
            (one_value("release_id", "another"), "one_release"),
            (one_value("rank_correlation", 1.1), "rank_correlation_between_minus_1_and_1"),
            (one_value("rank_correlation", 1.1), "correlation_below_upper"),
            (one_value("interval_lower", -1.1), "interval_lower_between_minus_1_and_1"),
            (one_value("n", -1), "n_not_negative"),
            (one_value("n", -1), "correlation_is_null_for_few_agents"),
        ],
    ),
    (
        "metric_validity",
        [
            (one_value("rank_correlation", None), "correlation_is_there_for_many_agents"),
        ],
    ),
]


@pytest.fixture(scope="module")
def frames() -> dict[str, pd.DataFrame]:
    return measurement_marts()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mart_frames.write_run_results(tmp_path_factory.mktemp("dbt") / "run_results.json")


@pytest.fixture(scope="module")
def roster() -> dict[str, pd.DataFrame]:
    """The marts that say which agents and teams there are."""
    plausible = mart_frames.plausible_marts()
    return {mart: plausible[mart] for mart in ("agent_scorecard", "agent_scorecard_metrics")}


def test_clean_pulse_and_measurement_marts_pass(
    frames: dict[str, pd.DataFrame],
    roster: dict[str, pd.DataFrame],
    tmp_path: Path,
    results: Path,
) -> None:
    candidate = mart_frames.write_marts({**roster, **frames}, tmp_path / "candidate")

    verdicts = run_gate(candidate, list(MARTS), results).checks

    mine = [item for item in verdicts if item.mart in MARTS]
    assert [f"{item.mart}.{item.name}" for item in mine if not item.passed] == []
    assert {item.mart for item in mine} == set(MARTS)


@pytest.mark.parametrize(
    ("mart", "fault", "name"), FAULTS, ids=[f"{mart}-{name}" for mart, _, name in FAULTS]
)
def test_a_planted_fault_of_a_measurement_mart_fails(
    mart: str,
    fault: Fault,
    name: str,
    frames: dict[str, pd.DataFrame],
    roster: dict[str, pd.DataFrame],
    tmp_path: Path,
    results: Path,
) -> None:
    broken = {**roster, mart: fault(frames[mart])}
    candidate = mart_frames.write_marts(broken, tmp_path / "candidate")

    result = run_gate(candidate, [mart], results, [LAST])

    found = check(result, mart, name)
    assert (found.passed, found.severity) == (False, "critical")
    assert not result.passed


@pytest.mark.parametrize(("mart", "cells"), CELLS)
def test_a_single_wrong_cell_of_a_measurement_mart_fails(
    mart: str,
    cells: list[tuple[Fault, str]],
    frames: dict[str, pd.DataFrame],
    tmp_path: Path,
    results: Path,
) -> None:
    broken = frames[mart]
    for fault, _ in cells:
        broken = fault(broken)
    candidate = mart_frames.write_marts({mart: broken}, tmp_path / "candidate")

    result = run_gate(candidate, [mart], results, [LAST])

    assert {f"{mart}.{name}" for _, name in cells} <= set(failing(result))


@pytest.mark.parametrize("mart", MARTS)
def test_a_month_lost_against_the_previous_release_of_a_measurement_mart_fails(
    mart: str, frames: dict[str, pd.DataFrame], tmp_path: Path, results: Path
) -> None:
    frame = frames[mart]
    previous = mart_frames.write_marts({mart: frame}, tmp_path / "previous")
    later = frame[frame["period_month"] > frame["period_month"].min()]
    candidate = mart_frames.write_marts({mart: later}, tmp_path / "candidate")

    result = run_gate(candidate, [mart], results, [LAST], previous=previous)

    assert not check(result, mart, "published_months_are_kept").passed


@pytest.mark.parametrize(
    ("mart", "fault", "name"),
    [
        ("agent_daily_pulse", every_row("is_signal", False), "something_signals"),
        ("evaluator_alignment", every_row("is_outlier", True), "less_than_half_are_outliers"),
        ("evaluator_alignment", every_row("dispute_rate", 0.3), "disputes_below_20_percent"),
        ("evaluator_alignment", dropped_month, "no_month_is_missing"),
        ("metric_validity", every_row("interpretation", "contradicts"), "no_pair_contradicts"),
    ],
)
def test_what_readers_of_a_measurement_mart_should_know_is_a_warning(
    mart: str,
    fault: Fault,
    name: str,
    frames: dict[str, pd.DataFrame],
    tmp_path: Path,
    results: Path,
) -> None:
    candidate = mart_frames.write_marts({mart: fault(frames[mart])}, tmp_path / "candidate")

    result = run_gate(candidate, [mart], results, [LAST])

    assert [item.name for item in result.failed("warning")] == [name]


@pytest.mark.parametrize("mart", PULSES)
def test_a_month_that_has_just_begun_has_few_pulses_and_passes(
    mart: str,
    frames: dict[str, pd.DataFrame],
    roster: dict[str, pd.DataFrame],
    tmp_path: Path,
    results: Path,
) -> None:
    """On its first day a month has one agent at work, whose day or week is running."""
    young = frames[mart].assign(as_of=pd.Timestamp(datetime(2026, 10, 1, 6)))
    is_new = in_last_month(young)
    young = young[~is_new | ~is_new.duplicated()]
    is_new = in_last_month(young)
    young = young.assign(
        is_complete=~is_new,
        is_signal=young["is_signal"] & ~is_new,
        productive_hours=young["productive_hours"].mask(is_new, 5.5),
        handling_hours=young["handling_hours"].mask(is_new, 1.0),
        schedule_adherence=young["schedule_adherence"].mask(is_new, 0.1),
    )
    candidate = mart_frames.write_marts({**roster, mart: young}, tmp_path / "candidate")

    verdicts = run_gate(candidate, [mart], results, [LAST]).checks

    assert [item.name for item in verdicts if item.mart == mart and not item.passed] == []


@pytest.mark.parametrize("mart", PULSES)
def test_pulses_without_schedules_are_not_counted_against_history(
    mart: str,
    frames: dict[str, pd.DataFrame],
    roster: dict[str, pd.DataFrame],
    tmp_path: Path,
    results: Path,
) -> None:
    """A ticketing log alone has a row where a ticket was solved: one agent in six, one team."""
    kept = frames[mart]["agent_id"].isin(["agent-0000", "agent-0006", "agent-0007"])
    sparse = frames[mart][~in_last_month(frames[mart]) | kept]
    hours = ("scheduled_hours", "present_scheduled_hours", "adherent_hours")
    charts = [name for name in sparse.columns if name.startswith("schedule_adherence")]
    sparse = sparse.assign(**dict.fromkeys(hours, 0.0), **dict.fromkeys(charts, float("nan")))
    candidate = mart_frames.write_marts({**roster, mart: sparse}, tmp_path / "candidate")

    verdicts = run_gate(candidate, [mart], results, [LAST]).checks

    assert [item.name for item in verdicts if item.mart == mart and not item.passed] == []
