"""The suites of the people marts: each planted fault fails the expectation that is to find it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from expectations.gate import run_gate
from tests.unit import mart_frames
from tests.unit.mart_frames_people import people_marts
from tests.unit.test_gate import LAST, Fault, check, failing, one_value

MARTS = [
    "coaching_effect",
    "development_focus",
    "feedback_latency",
    "high_performer_watch",
    "people",
]
# A month whose sessions have been over for long.
EARLIER = date(2026, 6, 1)


def in_month(month: date, **columns: object) -> Fault:
    """The columns get these values in every row of the month."""

    def fault(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.copy()
        for column, value in columns.items():
            if value is None:
                frame[column] = frame[column].astype("object")
            frame.loc[frame["period_month"] == month, column] = value
        return frame

    return fault


def changed(column: str, month: date, by: float, plus: float = 0) -> Fault:
    """The column is multiplied and shifted in the month."""

    def fault(frame: pd.DataFrame) -> pd.DataFrame:
        rows = frame["period_month"] == month
        return frame.assign(**{column: frame[column].mask(rows, frame[column] * by + plus)})

    return fault


def shifted_effects(frame: pd.DataFrame) -> pd.DataFrame:
    """Everybody gets two standard errors better: the sides were not measured alike."""
    rows = frame["period_month"] == EARLIER
    better = frame["net_effect"] + 2 * frame["standard_error"]
    return frame.assign(net_effect=frame["net_effect"].mask(rows, better))


def one_of_metric(column: str, value: float, metric: str) -> Fault:
    """The first row of the metric gets the value."""

    def fault(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.astype({column: "float64"})
        rows = frame.index[(frame["focus_metric"] == metric) & frame["after_value"].notna()]
        frame.loc[rows[0], column] = value
        return frame

    return fault


def one_of_status(column: str, value: float | None, status: str) -> Fault:
    """One row of the status gets the value."""

    def fault(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.copy()
        rows = frame.index[frame["status"] == status]
        frame.loc[rows[-1], column] = value
        return frame

    return fault


def second_value(column: str, value: object) -> Fault:
    """The second row of the last month gets the value, where the first has another fault."""

    def fault(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.copy()
        frame.loc[frame.index[frame["period_month"] == LAST][1], column] = value
        return frame

    return fault


def doubled(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame], ignore_index=True)


def more_agents(frame: pd.DataFrame) -> pd.DataFrame:
    """A fan-out that gives the copies keys of their own."""
    last = frame[frame["period_month"] == LAST]
    copies = [last.assign(agent_id=last["agent_id"] + letter) for letter in "xyz"]
    return pd.concat([frame, *copies], ignore_index=True)


def few_agents(frame: pd.DataFrame) -> pd.DataFrame:
    is_kept = frame["agent_id"].str[-2:].astype(int) < 10
    return frame[(frame["period_month"] != LAST) | is_kept]


def without_first_rows(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[(frame["rank"] > 1) | (frame["period_month"] != LAST)]


def without_a_month(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["period_month"] != EARLIER]


FAULTS: list[tuple[str, Fault, str]] = [
    ("coaching_effect", doubled, "key_is_unique"),
    (
        "coaching_effect",
        in_month(EARLIER, status="pending", net_effect=None),
        "nothing_pending_that_is_long_over",
    ),
    ("coaching_effect", shifted_effects, "mean_effect_within_its_uncertainty"),
    (
        "coaching_effect",
        changed("standard_error", EARLIER, 0.1),
        "spread_of_effects_fits_their_errors",
    ),
    (
        "coaching_effect",
        changed("standard_error", EARLIER, 10),
        "spread_of_effects_fits_their_errors",
    ),
    ("feedback_latency", doubled, "key_is_unique"),
    ("feedback_latency", without_a_month, "no_month_is_missing"),
    (
        "feedback_latency",
        changed("median_hours_to_evaluation", LAST, 1 / 60),
        "hours_to_evaluation_against_history",
    ),
    (
        "feedback_latency",
        changed("median_hours_to_evaluation", LAST, 2),
        "hours_to_evaluation_against_history",
    ),
    ("development_focus", doubled, "key_is_unique"),
    ("development_focus", more_agents, "row_count_against_history"),
    ("development_focus", few_agents, "row_count_against_history"),
    ("development_focus", without_first_rows, "every_list_has_a_first"),
    (
        "development_focus",
        changed("points_at_stake", LAST, 1, plus=3),
        "mean_points_at_stake_against_history",
    ),
    ("high_performer_watch", doubled, "key_is_unique"),
    ("high_performer_watch", more_agents, "row_count_against_history"),
    ("high_performer_watch", few_agents, "row_count_against_history"),
    (
        "high_performer_watch",
        changed("retention_signal_count", LAST, 1, plus=1),
        "mean_signals_against_history",
    ),
    ("people", doubled, "key_is_unique"),
]
CELLS: dict[str, list[tuple[Fault, str]]] = {
    "coaching_effect": [
        (one_value("status", "forgotten"), "status_is_known"),
        (one_value("reason", "bad mood"), "reason_is_known"),
        (one_value("confidence", "sure"), "confidence_is_known"),
        (one_value("tier", "T9"), "tier_is_known"),
        (one_value("vintage", "corked"), "vintage_is_known"),
        (one_value("release_id", "another"), "one_release"),
        (one_of_metric("before_value", 1.2, "csat"), "shares_between_0_and_1_in_before_value"),
        (one_of_metric("after_value", -0.1, "fcr_rate"), "shares_between_0_and_1_in_after_value"),
        (
            one_of_metric("before_value", 101.0, "qa_score"),
            "qa_score_between_0_and_100_in_before_value",
        ),
        (
            one_of_metric("after_value", -1.0, "qa_score"),
            "qa_score_between_0_and_100_in_after_value",
        ),
        (
            one_of_metric("before_count", 29.0, "schedule_adherence"),
            "at_most_28_days_in_before_count",
        ),
        (
            one_of_metric("after_count", 56.0, "schedule_adherence"),
            "at_most_28_days_in_after_count",
        ),
        (one_value("control_count", 6), "control_count_between_0_and_3"),
        (one_of_status("net_effect", 0.1, "pending"), "no_effect_unless_assessed"),
        (one_of_status("net_effect", None, "assessed"), "net_effect_of_every_assessed_session"),
        (
            one_of_status("standard_error", None, "assessed"),
            "standard_error_of_every_assessed_session",
        ),
    ],
    "feedback_latency": [
        (one_value("vintage", "corked"), "vintage_is_known"),
        (one_value("release_id", "another"), "one_release"),
        (one_value("uncoached_count", -1), "uncoached_count_not_negative"),
        (second_value("pending_count", 4), "every_need_has_an_outcome"),
        (one_value("median_hours_to_evaluation", -1.0), "hours_to_evaluation_not_negative"),
        (one_value("median_hours_to_coaching", 1441.0), "median_hours_to_coaching_within_60_days"),
        (one_value("p90_hours_to_coaching", 1500.0), "p90_hours_to_coaching_within_60_days"),
        (second_value("p90_hours_to_evaluation", -2.0), "slow_end_above_the_middle_to_evaluation"),
        (second_value("evaluation_count", 5), "needs_among_evaluations"),
    ],
    "development_focus": [
        (one_value("gap_kind", "mood"), "gap_kind_is_known"),
        (one_value("metric", "charm"), "metric_is_known"),
        (one_value("tier", "T9"), "tier_is_known"),
        (one_value("vintage", "corked"), "vintage_is_known"),
        (one_value("release_id", "another"), "one_release"),
        (one_value("rank", 6), "rank_between_1_and_5"),
        (one_value("points_at_stake", 0.0), "points_at_stake_between_0.01_and_100"),
        (one_value("gap", -0.1), "gap_above_0"),
        (one_value("own_value", 1.2, "fcr_rate"), "shares_between_0_and_1_in_own_value"),
        (
            one_value("peer_value", 101.0, "qa_score"),
            "sub_dimension_between_0_and_100_in_peer_value",
        ),
        (one_value("suggested_focus", None, "qa_score"), "suggested_focus_is_there"),
        (one_value("suggested_focus", "Try.", "csat"), "suggested_focus_is_a_sentence"),
    ],
    "high_performer_watch": [
        (one_value("band", "developing"), "band_is_known"),
        (one_value("tier", "T9"), "tier_is_known"),
        (one_value("vintage", "corked"), "vintage_is_known"),
        (one_value("release_id", "another"), "one_release"),
        (one_value("months_exceptional", 13), "months_exceptional_between_0_and_12"),
        (one_value("months_strong_or_better", 0), "months_strong_or_better_between_1_and_6"),
        (second_value("conditions_met_count", 4), "every_condition_is_met_or_open"),
        (one_value("is_ready_for_next_level", True), "ready_means_nothing_open"),
        (one_value("recognition_count", 6), "recognition_count_between_0_and_5"),
        (second_value("recognition_count", 4), "every_ticket_is_named"),
        (one_value("retention_signal_count", 6), "retention_signal_count_between_0_and_5"),
    ],
    "people": [
        (one_value("full_name", "someone@example.invalid"), "no_address_in_full_name"),
        (one_value("manager_id", "someone@example.invalid"), "no_address_in_manager_id"),
        (one_value("vintage", "final"), "vintage_is_null"),
        (one_value("release_id", "another"), "one_release"),
    ],
}


@pytest.fixture(scope="module")
def frames() -> dict[str, pd.DataFrame]:
    return people_marts()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mart_frames.write_run_results(tmp_path_factory.mktemp("dbt") / "run_results.json")


def test_clean_people_marts_pass(
    frames: dict[str, pd.DataFrame], tmp_path: Path, results: Path
) -> None:
    candidate = mart_frames.write_marts(frames, tmp_path / "candidate")
    result = run_gate(candidate, MARTS, results)
    found = [item for item in result.checks if not item.passed and item.mart in MARTS]
    assert found == []


@pytest.mark.parametrize(("mart", "fault", "name"), FAULTS)
def test_a_planted_fault_of_the_people_marts_fails(
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
def test_a_single_wrong_cell_of_the_people_marts_fails(
    mart: str, frames: dict[str, pd.DataFrame], tmp_path: Path, results: Path
) -> None:
    broken = frames[mart]
    for fault, _ in CELLS[mart]:
        broken = fault(broken)
    candidate = mart_frames.write_marts({mart: broken}, tmp_path / "candidate")
    result = run_gate(candidate, [mart], results, [LAST])
    assert {f"{mart}.{name}" for _, name in CELLS[mart]} <= set(failing(result))


def test_a_missing_large_team_is_noticed(
    frames: dict[str, pd.DataFrame], tmp_path: Path, results: Path
) -> None:
    latency = frames["feedback_latency"]
    is_kept = (latency["team_id"] != "team-02") | (latency["period_month"] != LAST)
    roster = mart_frames.plausible_marts(agents_per_team=12)["agent_scorecard"]
    candidate = mart_frames.write_marts(
        {"agent_scorecard": roster, "feedback_latency": latency[is_kept]}, tmp_path / "candidate"
    )
    result = run_gate(candidate, ["feedback_latency"], results, [LAST])
    assert "feedback_latency.every_large_team_appears" in failing(result)


def test_no_verdict_tells_a_name(
    frames: dict[str, pd.DataFrame], tmp_path: Path, results: Path
) -> None:
    broken = doubled(one_value("manager_id", "someone@example.invalid")(frames["people"]))
    candidate = mart_frames.write_marts({"people": broken}, tmp_path / "candidate")
    checks = run_gate(candidate, ["people"], results).checks
    texts = " ".join(item.observed + item.required for item in checks)
    assert "Agent 0" not in texts
    assert "someone" not in texts
