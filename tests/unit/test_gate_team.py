"""The suites of the team marts find what they are there for, each fault by its name."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from expectations.gate import run_gate
from tests.unit import mart_frames
from tests.unit.mart_frames_team import team_marts
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
    shifted,
)

MARTS = ["team_csat_drivers", "team_leverage", "team_qa_distribution", "team_scorecard"]


def scaled_down(by: float, *columns: str) -> Fault:
    """All values of the last month times so much."""

    def fault(frame: pd.DataFrame) -> pd.DataFrame:
        rows = in_last_month(frame)
        return frame.assign(
            **{name: frame[name].mask(rows, frame[name].astype("float64") * by) for name in columns}
        )

    return fault


def half_of_the_teams(frame: pd.DataFrame) -> pd.DataFrame:
    kept = frame["team_id"].isin(["team-01", "team-03", "team-05", "team-07", "team-09"])
    return frame[~in_last_month(frame) | kept]


def dropped_driver(frame: pd.DataFrame) -> pd.DataFrame:
    """One agent's row gets lost between warehouse and file."""
    rows = frame.index[in_last_month(frame) & (frame["contribution"] != 0)]
    return frame.drop(index=rows[0])


def dropped_kind(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[~(in_last_month(frame) & (frame["driver_kind"] == "contact_type"))]


def doubled_drivers(frame: pd.DataFrame) -> pd.DataFrame:
    """A fan-out that gives the copies keys of their own."""
    copies = frame[in_last_month(frame)]
    more = [copies.assign(driver=copies["driver"] + end) for end in ("x", "y")]
    return pd.concat([frame, *more])


FAULTS: list[tuple[str, Fault, str]] = [
    ("team_scorecard", doubled_rows, "key_is_unique"),
    ("team_scorecard", dropped_team, "every_large_team_appears"),
    ("team_scorecard", doubled_teams, "row_count_against_history"),
    ("team_scorecard", half_of_the_teams, "row_count_against_history"),
    ("team_scorecard", dropped_month, "no_month_is_missing"),
    ("team_scorecard", scaled_down(0, "scheduled_hours"), "scheduled_hours_not_lost"),
    ("team_scorecard", scaled_down(0, "productive_hours"), "productive_hours_not_lost"),
    ("team_scorecard", scaled_down(0, "volume_handled"), "volume_handled_not_lost"),
    ("team_scorecard", scaled_down(0, "solved"), "solved_not_lost"),
    ("team_scorecard", scaled_down(0, "opened"), "opened_not_lost"),
    ("team_scorecard", scaled_down(2, "headcount"), "headcount_against_history"),
    ("team_scorecard", shifted("occupancy", -0.2), "mean_occupancy_against_history"),
    ("team_scorecard", shifted("overall_score", -15), "mean_overall_score_against_history"),
    ("team_qa_distribution", doubled_rows, "key_is_unique"),
    ("team_qa_distribution", doubled_teams, "row_count_against_history"),
    ("team_qa_distribution", half_of_the_teams, "row_count_against_history"),
    ("team_qa_distribution", shifted("median", -15), "mean_median_against_history"),
    ("team_qa_distribution", scaled_down(0.1, "sd"), "mean_spread_against_history"),
    ("team_csat_drivers", doubled_rows, "key_is_unique"),
    ("team_csat_drivers", doubled_drivers, "row_count_against_history"),
    ("team_csat_drivers", dropped_driver, "contributions_sum_to_the_change"),
    ("team_csat_drivers", dropped_kind, "both_kinds_of_driver_appear"),
    ("team_csat_drivers", scaled_down(0, "responses"), "answers_not_lost"),
    (
        "team_csat_drivers",
        scaled_down(5, "contribution", "csat_change"),
        "size_of_contributions_against_history",
    ),
    ("team_leverage", doubled_rows, "key_is_unique"),
    ("team_leverage", dropped_team, "every_large_team_appears"),
    ("team_leverage", doubled_teams, "row_count_against_history"),
    ("team_leverage", dropped_month, "no_month_is_missing"),
    ("team_leverage", scaled_down(0.4, "agents"), "rated_agents_against_history"),
    ("team_leverage", shifted("mean_overall_score", -15), "mean_score_against_history"),
]
CELLS: dict[str, list[tuple[Fault, str]]] = {
    "team_scorecard": [
        (one_value("occupancy", 1.2), "occupancy_between_0_and_1"),
        (one_value("csat", 1.2), "csat_between_0_and_1"),
        (one_value("csat_change", -1.2), "csat_change_between_minus_1_and_1"),
        (one_value("overall_score", 101.0), "overall_score_between_0_and_100"),
        (one_value("opened", -1), "opened_not_negative"),
        (one_value("backlog_over_7_days", 9_999), "old_backlog_within_the_backlog"),
        (one_value("headcount", 0.0), "headcount_above_0_and_below_500"),
        (one_value("forecast_days", 32), "forecast_days_fit_a_month"),
        (one_value("forecast_error", 30.0), "forecast_error_between_minus_1_and_5"),
        (one_value("unplanned_absence_rate", -0.1), "unplanned_absence_rate_not_negative"),
        (one_value("vintage", "corked"), "vintage_is_known"),
        (one_value("release_id", "another"), "one_release"),
    ],
    "team_qa_distribution": [
        (one_value("mean", 104.0), "mean_between_0_and_100"),
        (one_value("p10", 99.0), "p10_up_to_p25"),
        (one_value("max", 60.0), "p90_up_to_max"),
        (one_value("sd", 72.0), "sd_between_0_and_71"),
        (one_value("share_below_target", 1.1), "share_below_target_between_0_and_1"),
        (one_value("evaluations", 2), "evaluations_from_one_per_agent"),
        (one_value("release_id", "another"), "one_release"),
    ],
    "team_csat_drivers": [
        (one_value("driver_kind", "weather"), "driver_kind_is_known"),
        (one_value("rate_effect", 1.2), "rate_effect_between_minus_1_and_1"),
        (one_value("contribution", -1.2), "contribution_between_minus_1_and_1"),
        (one_value("contribution", -1.2), "contributions_sum_to_the_change"),
        (one_value("responses", -13), "responses_not_negative"),
        (one_value("responses", -13), "every_driver_has_an_answer"),
        (one_value("release_id", "another"), "one_release"),
    ],
    "team_leverage": [
        (one_value("mean_overall_score", 104.0), "mean_overall_score_between_0_and_100"),
        (
            one_value("change_if_middle_moves_up", 60.0),
            "score_after_change_if_middle_moves_up_between_0_and_100",
        ),
        (
            one_value("change_if_lowest_two_reach_target", -1.0),
            "change_if_lowest_two_reach_target_not_negative",
        ),
        (one_value("lowest_agents", 3), "lowest_agents_are_two_at_most"),
        (one_value("middle_agents", 7), "middle_within_the_agents"),
        (one_value("release_id", "another"), "one_release"),
    ],
}
# A cell that is filled where it must be empty, or the other way round.
EMPTY: list[tuple[str, Fault, str]] = [
    (
        "team_leverage",
        one_value("change_if_middle_moves_up", None),
        "change_if_middle_moves_up_is_there_with_agents",
    ),
    ("team_leverage", one_value("agents", 0), "change_if_middle_moves_up_is_null_without_agents"),
    ("team_qa_distribution", one_value("agents", 1), "sd_is_null_for_a_single_agent"),
    ("team_qa_distribution", one_value("sd", None), "sd_is_there_for_two_agents"),
]


@pytest.fixture(scope="module")
def frames() -> dict[str, pd.DataFrame]:
    # Ten teams: fewer have no row count that could be compared with history.
    return team_marts(teams=10)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mart_frames.write_run_results(tmp_path_factory.mktemp("dbt") / "run_results.json")


@pytest.fixture(scope="module")
def roster() -> dict[str, pd.DataFrame]:
    """The scorecard says which teams are due."""
    return {"agent_scorecard": mart_frames.plausible_marts(teams=10)["agent_scorecard"]}


def test_clean_team_marts_pass(
    frames: dict[str, pd.DataFrame],
    roster: dict[str, pd.DataFrame],
    tmp_path: Path,
    results: Path,
) -> None:
    candidate = mart_frames.write_marts(frames | roster, tmp_path / "candidate")
    checks = run_gate(candidate, MARTS, results).checks
    assert [
        (item.mart, item.name) for item in checks if not item.passed and item.mart in MARTS
    ] == []


@pytest.mark.parametrize(("mart", "fault", "name"), [*FAULTS, *EMPTY])
def test_a_planted_fault_of_the_team_marts_fails(
    mart: str,
    fault: Fault,
    name: str,
    frames: dict[str, pd.DataFrame],
    roster: dict[str, pd.DataFrame],
    tmp_path: Path,
    results: Path,
) -> None:
    candidate = mart_frames.write_marts(
        {mart: fault(frames[mart])} | roster, tmp_path / "candidate"
    )
    result = run_gate(candidate, [mart], results)
    found = check(result, mart, name)
    assert (found.passed, found.severity) == (False, "critical")
    assert not result.passed


@pytest.mark.parametrize("mart", MARTS)
def test_a_single_wrong_cell_of_the_team_marts_fails(
    mart: str, frames: dict[str, pd.DataFrame], tmp_path: Path, results: Path
) -> None:
    broken = frames[mart]
    for fault, _ in CELLS[mart]:
        broken = fault(broken)
    candidate = mart_frames.write_marts({mart: broken}, tmp_path / "candidate")
    found = failing(run_gate(candidate, [mart], results, [LAST]))
    assert [name for _, name in CELLS[mart] if f"{mart}.{name}" not in found] == []
