"""The gate: every planted fault fails the check that is meant to find it, and stops the publish."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from expectations import (
    agent_scorecard,
    agent_scorecard_metrics,
    judging,
    metric_catalog,
    team_metrics,
)
from expectations.context import Between, NotAssessed, SuiteContext, SuiteDraft, Summary
from expectations.gate import CheckResult, GateResult, run_gate
from tests.unit import mart_frames

Fault = Callable[[pd.DataFrame], pd.DataFrame]

FIRST, LAST = date(2026, 5, 1), date(2026, 10, 1)
PERIOD_MARTS = [
    "agent_scorecard",
    "agent_scorecard_metrics",
    "agent_context_metrics",
    "team_metrics",
]


@pytest.fixture(scope="module")
def frames() -> dict[str, pd.DataFrame]:
    return mart_frames.plausible_marts()


@pytest.fixture(scope="module")
def clean(frames: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mart_frames.write_marts(frames, tmp_path_factory.mktemp("clean") / "managers")


@pytest.fixture(scope="module")
def run_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mart_frames.write_run_results(tmp_path_factory.mktemp("dbt") / "run_results.json")


@pytest.fixture(scope="module")
def clean_verdict(clean: Path, run_results: Path) -> GateResult:
    """The gate on every clean mart and month."""
    return run_gate(clean, mart_frames.MARTS, run_results)


@pytest.fixture(scope="module")
def planted(
    frames: dict[str, pd.DataFrame],
    clean: Path,
    run_results: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, Fault], GateResult]:
    """The gate on the last month of a mart with a fault; asked again, it answers the same."""

    @cache
    def judge(mart: str, fault: Fault) -> GateResult:
        broken = Path(shutil.copytree(clean, tmp_path_factory.mktemp("planted") / "managers"))
        mart_frames.write_marts({mart: fault(frames[mart])}, broken)
        return run_gate(broken, [mart], run_results, months_changed=[LAST])

    return judge


@pytest.fixture
def candidate(clean: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(clean, tmp_path / "managers"))


def check(result: GateResult, mart: str | None, name: str) -> CheckResult:
    """The one verdict of this mart and name."""
    (found,) = [item for item in result.checks if (item.mart, item.name) == (mart, name)]
    return found


def failing(result: GateResult) -> list[str]:
    return [f"{item.mart}.{item.name}" for item in result.failed("critical")]


# The faults. Each takes the frame of a mart and breaks its last month.


def in_last_month(frame: pd.DataFrame) -> pd.Series:
    return frame["period_month"] == LAST


def of_metric(frame: pd.DataFrame, metric: str) -> pd.Series:
    return in_last_month(frame) & (frame["metric"] == metric)


def dropped_team(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[~(in_last_month(frame) & (frame["team_id"] == "team-02"))]


def dropped_agents_of_a_team(frame: pd.DataFrame) -> pd.DataFrame:
    team = [f"agent-{number:04d}" for number in range(6, 12)]
    return frame[~(in_last_month(frame) & frame["agent_id"].isin(team))]


def doubled_rows(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame[in_last_month(frame)]])


def doubled_table(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame])


def doubled_agents(frame: pd.DataFrame) -> pd.DataFrame:
    """A fan-out that gives the copies keys of their own."""
    copies = frame[in_last_month(frame)]
    return pd.concat([frame, copies.assign(agent_id=copies["agent_id"] + "x")])


def doubled_teams(frame: pd.DataFrame) -> pd.DataFrame:
    copies = frame[in_last_month(frame)]
    return pd.concat([frame, copies.assign(team_id=copies["team_id"] + "x")])


def half_of_the_agents(frame: pd.DataFrame) -> pd.DataFrame:
    kept = frame["agent_id"].str[-1].astype(int) % 2 == 0
    return frame[~in_last_month(frame) | kept]


def dropped_month(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["period_month"] != date(2026, 7, 1)]


def dropped_metric(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[~of_metric(frame, "csat")]


def shifted(column: str, by: float, metric: str | None = None) -> Fault:
    def fault(frame: pd.DataFrame) -> pd.DataFrame:
        rows = of_metric(frame, metric) if metric else in_last_month(frame)
        moved = (frame[column] + by).clip(lower=0)
        return frame.assign(**{column: frame[column].mask(rows, moved)})

    return fault


def scaled(column: str, by: float, metric: str) -> Fault:
    def fault(frame: pd.DataFrame) -> pd.DataFrame:
        rows = of_metric(frame, metric)
        return frame.assign(**{column: frame[column].mask(rows, frame[column] * by)})

    return fault


def one_value(column: str, value: object, metric: str | None = None) -> Fault:
    """One row of the last month (or of a table without months) gets the value."""

    def fault(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.copy()
        rows = frame.index
        if "period_month" in frame:
            rows = frame.index[of_metric(frame, metric) if metric else in_last_month(frame)]
        if isinstance(value, float):
            frame[column] = frame[column].astype("float64")
        elif value is None:
            frame[column] = frame[column].astype("object")
        frame.loc[rows[0], column] = value
        return frame

    return fault


def unmeasured(frame: pd.DataFrame) -> pd.DataFrame:
    """Nobody has an overall score in the last month."""
    return frame.assign(overall_score=frame["overall_score"].mask(in_last_month(frame)))


def shifted_metrics(frame: pd.DataFrame) -> pd.DataFrame:
    """A bad month for everybody: 15 points of a score, .15 of a share."""
    for metric, by in (("qa_score", -15), ("csat", -0.15), ("fcr_rate", -0.15)):
        frame = shifted("value", by, metric)(frame)
    return frame


def without_first_row(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[1:]


def two_rows_only(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[:2]


def no_critical_rows(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(severity="warning")


def undated_rows_used(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(reason=frame["reason"].mask(frame["period_month"].isna(), "used"))


def quarantined(frame: pd.DataFrame) -> pd.DataFrame:
    rows = in_last_month(frame) & (frame["reason"] == "quarantined:orphan")
    return frame.assign(rows=frame["rows"].mask(rows, 400))


# One fault at a time, because each of them breaks several expectations.
PLANTED: list[tuple[str, Fault, str]] = [
    ("agent_scorecard", dropped_team, "every_large_team_appears"),
    ("agent_scorecard", doubled_rows, "key_is_unique"),
    ("agent_scorecard", doubled_agents, "row_count_against_history"),
    ("agent_scorecard", half_of_the_agents, "row_count_against_history"),
    ("agent_scorecard", dropped_month, "no_month_is_missing"),
    ("agent_scorecard", shifted("overall_score", -15), "mean_overall_score_against_history"),
    ("agent_scorecard", shifted("overall_score", 15), "mean_overall_score_against_history"),
    ("agent_scorecard", unmeasured, "rated_agents_against_history"),
    ("agent_scorecard_metrics", dropped_team, "every_large_team_appears"),
    ("agent_scorecard_metrics", doubled_rows, "key_is_unique"),
    ("agent_scorecard_metrics", doubled_agents, "row_count_against_history"),
    ("agent_scorecard_metrics", dropped_metric, "all_13_metrics_of_every_agent"),
    ("agent_scorecard_metrics", dropped_metric, "csat_sample_not_lost"),
    ("agent_scorecard_metrics", dropped_month, "no_month_is_missing"),
    ("agent_scorecard_metrics", shifted_metrics, "mean_qa_score_against_history"),
    ("agent_scorecard_metrics", shifted_metrics, "mean_csat_against_history"),
    ("agent_scorecard_metrics", shifted_metrics, "mean_fcr_rate_against_history"),
    ("agent_scorecard_metrics", scaled("value", 1.4, "aht_index"), "aht_index_is_centred"),
    ("agent_context_metrics", dropped_agents_of_a_team, "every_agent_of_the_scorecard_appears"),
    ("agent_context_metrics", doubled_rows, "key_is_unique"),
    ("agent_context_metrics", doubled_agents, "row_count_against_history"),
    ("agent_context_metrics", dropped_month, "no_month_is_missing"),
    (
        "agent_context_metrics",
        scaled("value", 1.6, "average_handle_seconds"),
        "mean_handle_seconds_against_history",
    ),
    ("team_metrics", dropped_team, "every_large_team_appears"),
    ("team_metrics", doubled_rows, "key_is_unique"),
    ("team_metrics", doubled_teams, "row_count_against_history"),
    ("team_metrics", dropped_metric, "all_13_metrics_of_every_team"),
    ("team_metrics", dropped_month, "no_month_is_missing"),
    ("team_metrics", shifted_metrics, "mean_qa_score_against_history"),
    ("team_metrics", shifted_metrics, "mean_csat_against_history"),
    ("team_metrics", shifted_metrics, "mean_fcr_rate_against_history"),
    ("metric_catalog", doubled_table, "key_is_unique"),
    ("metric_catalog", doubled_table, "weights_sum_to_1_per_version"),
    ("metric_catalog", without_first_row, "every_metric_is_explained"),
    ("lost_and_found", doubled_rows, "key_is_unique"),
    ("lost_and_found", quarantined, "quarantined_share_below_5_percent"),
    ("release_quality", doubled_table, "key_is_unique"),
    ("release_quality", two_rows_only, "number_of_checks"),
    ("release_quality", two_rows_only, "equations_are_there"),
    ("release_quality", no_critical_rows, "has_critical_checks"),
]

# Single cells, planted together: each is the business of one expectation.
CELLS: dict[str, list[tuple[Fault, str]]] = {
    "agent_scorecard": [
        (one_value("coverage", 1.2), "coverage_between_0_and_1"),
        (one_value("efficiency_score", 104.0), "efficiency_score_between_0_and_100"),
        (one_value("overall_score", -1.0), "overall_score_between_0_and_100"),
        (one_value("quality_score", None), "overall_score_only_with_quality"),
        (one_value("tier", "T9"), "tier_is_known"),
        (one_value("window", "week"), "window_is_known"),
        (one_value("vintage", "corked"), "vintage_is_known"),
        (one_value("release_id", "another"), "one_release"),
    ],
    "agent_scorecard_metrics": [
        (one_value("metric", "charm"), "metric_is_known"),
        (one_value("dimension", "charm"), "dimension_is_known"),
        (one_value("confidence", "sure"), "confidence_is_known"),
        (one_value("value", 60.0, "aht_index"), "aht_index_between_0.2_and_5"),
        (one_value("value", 101.0, "qa_score"), "qa_score_between_0_and_100"),
        (one_value("value", 72.0, "qa_consistency"), "qa_consistency_between_0_and_71"),
        (one_value("value", 1.2, "escalation_rate"), "shares_between_0_and_1_in_value"),
        (one_value("adjusted_value", 1.2, "csat"), "shares_between_0_and_1_in_adjusted_value"),
        (one_value("team_value", -0.1, "csat"), "shares_between_0_and_1_in_team_value"),
        (
            one_value("value", 61.0, "contacts_per_productive_hour"),
            "contacts_per_hour_between_0_and_60",
        ),
        (one_value("value", None, "goal_progress"), "value_is_there_when_measurable"),
        (one_value("value", None, "goal_progress"), "points_are_null_without_value"),
        (one_value("denominator", 0.0, "fcr_rate"), "value_is_null_when_not_measurable"),
        (one_value("numerator", -1.0), "numerator_not_negative"),
        (one_value("points", -1.0), "points_between_0_and_100"),
        (one_value("attainment", 101.0), "attainment_between_0_and_100"),
        (one_value("weight", 1.1), "weight_between_0_and_1"),
        (one_value("percentile", 1.1), "percentile_between_0_and_1"),
        (one_value("interval_lower", 0.999999, "fcr_rate"), "interval_reaches_down_to_the_value"),
        (one_value("interval_upper", 0.0, "qa_score"), "interval_reaches_up_to_the_value"),
        (one_value("interval_lower", None, "csat"), "interval_of_every_measured_csat"),
        (one_value("release_id", "another"), "one_release"),
    ],
    "agent_context_metrics": [
        (one_value("metric", "charm"), "metric_is_known"),
        (one_value("value", 1.2, "occupancy"), "shares_between_0_and_1"),
        (one_value("value", 5.1, "csat_average"), "csat_average_between_0_and_5"),
        (one_value("value", 20_000.0, "contacts_handled"), "contacts_handled_below_10000"),
        (
            one_value("value", 15_000.0, "average_handle_seconds"),
            "average_handle_seconds_within_the_cap",
        ),
        (one_value("value", -1.0, "training_late"), "value_not_negative"),
        (one_value("value", None, "conformance"), "value_is_there_when_measurable"),
        (one_value("denominator", 0.0, "reopen_rate"), "value_is_null_when_not_measurable"),
    ],
    "team_metrics": [
        (one_value("metric", "charm"), "metric_is_known"),
        (one_value("value", 1.2, "csat"), "shares_between_0_and_1"),
        (one_value("value", 4.0, "aht_index"), "aht_index_between_0.33_and_3"),
        (one_value("value", -1.0, "qa_score"), "qa_score_between_0_and_100"),
        (one_value("value", None, "goal_progress"), "value_is_there_when_measurable"),
        (one_value("denominator", 0.0, "fcr_rate"), "value_is_null_when_not_measurable"),
        (one_value("sample_size", -1), "sample_size_not_negative"),
    ],
    "metric_catalog": [
        (one_value("weight", 1.2), "weight_between_0_and_1"),
        (one_value("owner", None), "owner_is_written"),
        (one_value("decision", ""), "decision_is_written"),
        (one_value("direction", "sideways"), "direction_is_known"),
        (one_value("dimension", "charm"), "dimension_is_known"),
    ],
    "lost_and_found": [
        (one_value("reason", "misplaced"), "reason_is_a_disposition"),
        (one_value("rows", -1), "rows_not_negative"),
        (one_value("raw_table", None), "raw_table_is_not_null"),
        (undated_rows_used, "undated_rows_are_not_used"),
    ],
    "release_quality": [
        (one_value("severity", "dire"), "severity_is_known"),
        (one_value("passed", None), "passed_is_not_null"),
        (one_value("observed", None), "observed_is_not_null"),
        (one_value("release_id", "another"), "one_release"),
    ],
}


def test_a_clean_candidate_passes(clean_verdict: GateResult) -> None:
    assert clean_verdict.passed
    assert [item for item in clean_verdict.checks if not item.passed] == []
    assert {item.mart for item in clean_verdict.checks} == {None, *mart_frames.MARTS}


@pytest.mark.parametrize(
    ("mart", "fault", "name"), PLANTED, ids=[f"{mart}-{name}" for mart, _, name in PLANTED]
)
def test_a_planted_fault_fails_its_critical_expectation(
    planted: Callable[[str, Fault], GateResult], mart: str, fault: Fault, name: str
) -> None:
    result = planted(mart, fault)

    found = check(result, mart, name)
    assert (found.passed, found.severity) == (False, "critical")
    assert not result.passed


@pytest.mark.parametrize("mart", CELLS)
def test_a_single_wrong_cell_fails_its_critical_expectation(
    frames: dict[str, pd.DataFrame], candidate: Path, run_results: Path, mart: str
) -> None:
    broken = frames[mart]
    for fault, _ in CELLS[mart]:
        broken = fault(broken)
    mart_frames.write_marts({mart: broken}, candidate)

    result = run_gate(candidate, [mart], run_results, months_changed=[LAST])

    assert {f"{mart}.{name}" for _, name in CELLS[mart]} <= set(failing(result))


def test_texts_of_a_verdict_name_months_and_teams_but_no_person(
    frames: dict[str, pd.DataFrame], candidate: Path, run_results: Path
) -> None:
    broken = {
        "agent_scorecard": dropped_team(shifted("overall_score", -15)(frames["agent_scorecard"])),
        "agent_scorecard_metrics": one_value("value", 1.2345, "csat")(
            frames["agent_scorecard_metrics"]
        ),
    }
    mart_frames.write_marts(broken, candidate)

    result = run_gate(candidate, list(broken), run_results)

    assert check(result, "agent_scorecard", "every_large_team_appears").observed == (
        "2026-10: missing team-02"
    )
    shares = check(result, "agent_scorecard_metrics", "shares_between_0_and_1_in_value")
    assert shares.observed.startswith("2026-10: 1 of ")
    drift = check(result, "agent_scorecard", "mean_overall_score_against_history")
    assert drift.observed.startswith("2026-10: ") and " is not in " in drift.observed
    assert drift.required.endswith("(each month's own limits)")
    texts = " ".join(item.observed + item.required for item in result.checks)
    assert "agent-0" not in texts
    assert "1.2345" not in texts


# Volume and drift look back


def test_a_warning_does_not_stop_the_publish(
    frames: dict[str, pd.DataFrame], candidate: Path, run_results: Path
) -> None:
    mart = "agent_scorecard"
    mart_frames.write_marts(
        {
            mart: shifted("tenure_days", -9_999)(frames[mart]).assign(
                tenure_days=lambda frame: frame["tenure_days"].where(~in_last_month(frame), -1)
            )
        },
        candidate,
    )

    result = run_gate(candidate, [mart], run_results, months_changed=[LAST])

    assert result.passed
    assert [item.name for item in result.failed("warning")] == ["tenure_is_plausible"]


def test_without_history_comparisons_say_so_instead_of_vanishing(
    tmp_path: Path, run_results: Path
) -> None:
    young = mart_frames.write_marts(mart_frames.plausible_marts(months=2), tmp_path / "managers")

    result = run_gate(young, ["agent_scorecard"], run_results)

    assert result.passed
    for name in ("row_count_against_history", "mean_overall_score_against_history"):
        found = check(result, "agent_scorecard", name)
        assert (found.severity, found.passed) == ("info", True)
        assert "not enough history" in found.observed
    found = check(result, "agent_scorecard", "published_months_are_kept")
    assert (found.severity, "no previous release" in found.observed) == ("info", True)


def test_only_changed_months_are_judged_but_all_serve_as_history(
    frames: dict[str, pd.DataFrame], candidate: Path, run_results: Path
) -> None:
    mart = "agent_scorecard"
    early = frames[mart].assign(
        quality_score=frames[mart]["quality_score"].mask(frames[mart]["period_month"] == FIRST, 120)
    )
    mart_frames.write_marts({mart: early}, candidate)

    last = run_gate(candidate, [mart], run_results, months_changed=[LAST])
    assert last.passed
    assert check(last, mart, "mean_overall_score_against_history").severity == "critical"
    assert not run_gate(candidate, [mart], run_results, months_changed=[FIRST, LAST]).passed


def test_a_team_whose_people_moved_on_is_not_missed(
    frames: dict[str, pd.DataFrame], candidate: Path, run_results: Path
) -> None:
    moved = {
        mart: frames[mart].assign(
            team_id=frames[mart]["team_id"].mask(
                in_last_month(frames[mart]) & (frames[mart]["team_id"] == "team-02"), "team-01"
            )
        )
        for mart in ("agent_scorecard", "agent_scorecard_metrics")
    }
    mart_frames.write_marts(moved, candidate)

    result = run_gate(candidate, list(moved), run_results, months_changed=[LAST])

    assert result.passed


def test_a_team_that_vanishes_with_its_people_from_every_mart_is_missed(
    frames: dict[str, pd.DataFrame], candidate: Path, run_results: Path
) -> None:
    marts = ["agent_scorecard", "agent_scorecard_metrics", "team_metrics"]
    mart_frames.write_marts({mart: dropped_team(frames[mart]) for mart in marts}, candidate)

    result = run_gate(candidate, marts, run_results, months_changed=[LAST])

    assert {f"{mart}.every_large_team_appears" for mart in marts} <= set(failing(result))


def test_a_small_team_that_vanishes_is_a_warning(tmp_path: Path, run_results: Path) -> None:
    frames = mart_frames.plausible_marts(teams=6, agents_per_team=3)
    frames["team_metrics"] = dropped_team(frames["team_metrics"])
    candidate = mart_frames.write_marts(frames, tmp_path / "managers")

    result = run_gate(candidate, ["team_metrics"], run_results, months_changed=[LAST])

    assert "every_small_team_appears" in [item.name for item in result.failed("warning")]
    assert result.passed


def test_the_volume_of_a_running_month_is_not_compared() -> None:
    months = [date(2026, month, 1) for month in range(5, 10)]
    summaries = {"contacts": {month: Summary(18, 90, 10, 1620) for month in months}}
    context = SuiteContext(
        "m", month=months[-1], as_of=date(2026, 9, 3), summaries=summaries, rows={}
    )

    assert isinstance(context.total_between("contacts", 0.5, 2), NotAssessed)
    ended = SuiteContext("m", month=months[-1], as_of=date(2026, 10, 1), summaries=summaries)
    assert ended.total_between("contacts", 0.5, 2) == Between(810, 3240)


def test_the_tolerance_of_a_mean_stays_between_floor_and_cap() -> None:
    months = [date(2026, month, 1) for month in range(1, 8)]

    def limits(means: list[float], stdev: float) -> Between | NotAssessed:
        summaries = {
            "score": {
                month: Summary(100, mean, stdev, 100 * mean)
                for month, mean in zip(months, means, strict=True)
            }
        }
        context = SuiteContext("m", month=months[-1], summaries=summaries)
        return context.mean_between("score", spreads=6, floor=4, cap=12)

    # No spread at all: the floor. A spread of 10 times 1.4826 times 6 is far over the cap.
    assert limits([70] * 7, 0) == Between(66, 74)
    assert limits([60, 80, 60, 80, 60, 80, 70], 5) == Between(58, 82)
    # Equal months, agents that scatter by 10: 6 x 10 / sqrt(100) = 6.
    assert limits([70] * 7, 10) == Between(64, 76)


# The release published before


def test_a_month_lost_against_the_previous_release_fails(
    frames: dict[str, pd.DataFrame], clean: Path, candidate: Path, run_results: Path
) -> None:
    later = {mart: frames[mart][frames[mart]["period_month"] > FIRST] for mart in PERIOD_MARTS}
    mart_frames.write_marts(later, candidate)

    result = run_gate(candidate, PERIOD_MARTS, run_results, [LAST], previous=clean)

    for mart in PERIOD_MARTS:
        found = check(result, mart, "published_months_are_kept")
        assert (found.passed, found.severity) == (False, "critical")
        assert found.observed == "2026-05: 0"


def test_all_months_shifted_alike_fail_against_the_previous_release(
    frames: dict[str, pd.DataFrame], clean: Path, candidate: Path, run_results: Path
) -> None:
    """No comparison inside the candidate can see a formula that changed for every month."""
    mart = "agent_scorecard"
    shifted_by_8 = frames[mart].assign(overall_score=frames[mart]["overall_score"] - 8)
    mart_frames.write_marts({mart: shifted_by_8}, candidate)

    assert run_gate(candidate, [mart], run_results).passed
    result = run_gate(candidate, [mart], run_results, previous=clean)
    assert failing(result) == [f"{mart}.published_scores_are_kept"]


def test_the_same_release_again_passes_against_itself(clean: Path, run_results: Path) -> None:
    result = run_gate(clean, mart_frames.MARTS, run_results, [LAST], previous=clean)

    assert result.passed
    assert check(result, "agent_scorecard", "published_scores_are_kept").severity == "critical"


# Overrides


def overrides_file(folder: Path, check_name: str, first: str, last: str) -> Path:
    path = folder / "gate_overrides.csv"
    path.write_text(
        "check,from,to,reason,approved_by_role\n"
        f"{check_name},{first},{last},company merged,head of service\n",
        encoding="utf-8",
    )
    return path


def test_an_override_turns_a_comparison_into_a_warning_with_its_reason(
    frames: dict[str, pd.DataFrame], candidate: Path, run_results: Path, tmp_path: Path
) -> None:
    mart, name = "agent_scorecard", "row_count_against_history"
    mart_frames.write_marts({mart: half_of_the_agents(frames[mart])}, candidate)
    lifted = overrides_file(tmp_path, f"{mart}.{name}", "2026-10-05", "2026-10-06")

    result = run_gate(candidate, [mart], run_results, [LAST], overrides=lifted)

    found = check(result, mart, name)
    assert (found.severity, found.passed) == ("warning", False)
    assert "lifted by head of service: company merged" in found.observed


def test_an_override_of_another_month_or_of_a_plain_range_lifts_nothing(
    frames: dict[str, pd.DataFrame], candidate: Path, run_results: Path, tmp_path: Path
) -> None:
    mart = "agent_scorecard"
    broken = one_value("coverage", 1.2)(half_of_the_agents(frames[mart]))
    mart_frames.write_marts({mart: broken}, candidate)

    for name, day in (
        ("row_count_against_history", "2026-09-30"),
        ("coverage_between_0_and_1", "2026-10-05"),
    ):
        lifted = overrides_file(tmp_path, f"{mart}.{name}", day, day)
        result = run_gate(candidate, [mart], run_results, [LAST], overrides=lifted)
        assert f"{mart}.{name}" in failing(result)


def test_overrides_that_cannot_be_read_fail(clean: Path, run_results: Path, tmp_path: Path) -> None:
    broken = overrides_file(tmp_path, "a.b", "05/10/2026", "06/10/2026")

    result = run_gate(clean, ["metric_catalog"], run_results, overrides=broken)

    assert failing(result) == ["None.gate_overrides"]


# No verdict is a negative verdict


def raising_suite(context: SuiteContext) -> object:
    raise ZeroDivisionError("agent-0001 has none")


def empty_suite(context: SuiteContext) -> object:
    return SuiteDraft(context).finish()


def suite_on_a_missing_column(context: SuiteContext) -> object:
    from great_expectations import expectations as gxe

    draft = SuiteDraft(context)
    draft.add("sees", "info", gxe.ExpectColumnMeanToBeBetween, column="nowhere", min_value=0)
    draft.add("compares", "warning", gxe.ExpectColumnValuesToBeBetween, column="tier", min_value=0)
    return draft.finish()


def suite_of_an_unknown_scope(context: SuiteContext) -> object:
    from great_expectations import expectations as gxe

    draft = SuiteDraft(context)
    draft.add("year", "warning", gxe.ExpectTableRowCountToBeBetween, scope="year", min_value=1)
    return draft.finish()


def unnamed_suite(context: SuiteContext) -> object:
    import great_expectations as gx

    return gx.ExpectationSuite(
        name="unnamed",
        expectations=[gx.expectations.ExpectTableRowCountToBeBetween(min_value=1)],
    )


@pytest.mark.parametrize("broken", [raising_suite, empty_suite, unnamed_suite])
def test_a_suite_without_verdicts_fails(
    clean: Path, run_results: Path, monkeypatch: pytest.MonkeyPatch, broken: Callable
) -> None:
    monkeypatch.setattr(agent_scorecard, "suite", broken)

    result = run_gate(clean, ["agent_scorecard"], run_results, [LAST])

    assert failing(result) == ["agent_scorecard.suite_is_sound"]
    assert "agent-0001" not in check(result, "agent_scorecard", "suite_is_sound").observed


def test_an_expectation_that_raises_inside_great_expectations_fails_as_critical(
    clean: Path, run_results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_scorecard, "suite", suite_on_a_missing_column)

    result = run_gate(clean, ["agent_scorecard"], run_results, [LAST])

    for name in ("sees", "compares"):
        found = check(result, "agent_scorecard", name)
        assert (found.severity, found.passed) == ("critical", False)
        assert found.observed.startswith("raised")


def test_an_expectation_nobody_runs_fails(
    clean: Path, run_results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_scorecard, "suite", suite_of_an_unknown_scope)

    result = run_gate(clean, ["agent_scorecard"], run_results, [LAST])

    assert failing(result) == ["agent_scorecard.year"]


def test_great_expectations_breaking_as_a_whole_fails(
    clean: Path, run_results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object, **options: object) -> list:
        raise RuntimeError

    monkeypatch.setattr(judging, "evaluate", broken)

    result = run_gate(clean, ["metric_catalog"], run_results)

    assert check(result, "metric_catalog", "key_is_unique").observed == "raised RuntimeError"
    assert not result.passed


def test_a_lost_result_fails(
    clean: Path, run_results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = judging.evaluate

    def lossy(*arguments: object, **options: object) -> list:
        return [
            result
            for result in complete(*arguments, **options)
            if result.expectation_config.meta["name"] != "key_is_unique"
        ]

    monkeypatch.setattr(judging, "evaluate", lossy)

    result = run_gate(clean, ["metric_catalog"], run_results)

    assert failing(result) == ["metric_catalog.key_is_unique"]


@pytest.mark.parametrize("mart", ["charm_index", "context"])
def test_a_mart_without_a_suite_fails(clean: Path, run_results: Path, mart: str) -> None:
    result = run_gate(clean, [mart], run_results)

    assert failing(result) == [f"{mart}.suite_is_sound"]


def test_no_mart_at_all_fails(clean: Path, run_results: Path) -> None:
    assert failing(run_gate(clean, [], run_results)) == ["None.marts_are_listed"]


@pytest.mark.parametrize("mart", mart_frames.MARTS)
def test_a_missing_file_fails(candidate: Path, run_results: Path, mart: str) -> None:
    (candidate / f"{mart}.parquet").unlink()

    result = run_gate(candidate, [mart], run_results, [LAST])

    assert f"{mart}.file_is_readable" in failing(result)


def test_a_torn_file_and_a_missing_column_fail(
    frames: dict[str, pd.DataFrame], candidate: Path, run_results: Path
) -> None:
    torn = candidate / "team_metrics.parquet"
    torn.write_bytes(torn.read_bytes()[:-20])
    mart_frames.write_marts(
        {"metric_catalog": frames["metric_catalog"].drop(columns="owner")}, candidate
    )

    result = run_gate(candidate, ["team_metrics", "metric_catalog"], run_results)

    assert failing(result) == ["team_metrics.file_is_readable", "metric_catalog.file_is_readable"]
    found = check(result, "metric_catalog", "file_is_readable")
    assert found.observed == "missing columns: owner"


@pytest.mark.parametrize("mart", mart_frames.MARTS)
def test_an_empty_mart_fails(
    frames: dict[str, pd.DataFrame], candidate: Path, run_results: Path, mart: str
) -> None:
    mart_frames.write_marts({mart: frames[mart].iloc[:0]}, candidate)

    assert f"{mart}.has_rows" in failing(run_gate(candidate, [mart], run_results))


def test_a_changed_month_without_rows_fails(
    frames: dict[str, pd.DataFrame], candidate: Path, run_results: Path
) -> None:
    mart = "team_metrics"
    mart_frames.write_marts({mart: frames[mart][~in_last_month(frames[mart])]}, candidate)

    result = run_gate(candidate, [mart], run_results, months_changed=[LAST])

    assert "no rows in 2026-10" in check(result, mart, "has_rows").observed
    assert not result.passed


def test_rows_without_a_month_fail_where_a_month_is_due(
    frames: dict[str, pd.DataFrame], candidate: Path, run_results: Path
) -> None:
    mart = "agent_scorecard"
    mart_frames.write_marts({mart: one_value("period_month", None)(frames[mart])}, candidate)

    assert f"{mart}.every_row_has_a_month" in failing(run_gate(candidate, [mart], run_results))


# dbt and the candidate's own checks


def dbt_build(run_results: Path | None, candidate: Path) -> GateResult:
    return run_gate(candidate, ["metric_catalog"], run_results)


@pytest.mark.parametrize(
    "text",
    [
        '{"results": []}',
        "{}",
        "not json",
        '{"results": [{"unique_id": "model.cx.a", "status": "success"}]}',
        '{"results": [{"unique_id": "test.cx.a", "status": "skipped"}]}',
        '{"results": [{"unique_id": "test.cx.a", "status": "no-op"}]}',
    ],
    ids=["empty", "no-results", "not-json", "no-test", "skipped", "test-not-run"],
)
def test_results_of_no_complete_build_fail(clean: Path, tmp_path: Path, text: str) -> None:
    path = tmp_path / "run_results.json"
    path.write_text(text, encoding="utf-8")

    assert failing(dbt_build(path, clean)) == ["None.dbt_build"]


def test_missing_run_results_fail(clean: Path, tmp_path: Path) -> None:
    assert failing(dbt_build(None, clean)) == ["None.dbt_build"]
    assert failing(dbt_build(tmp_path / "run_results.json", clean)) == ["None.dbt_build"]


@pytest.mark.parametrize("state", ["error", "fail", "skipped", "runtime error"])
def test_a_failed_dbt_node_fails_by_name(clean: Path, tmp_path: Path, state: str) -> None:
    path = mart_frames.write_run_results(tmp_path / "run_results.json", sums_agree=state)

    result = dbt_build(path, clean)

    assert failing(result) == ["None.dbt_build"]
    assert "test.cx.sums_agree" in check(result, None, "dbt_build").observed


def test_a_dbt_warning_is_listed_and_does_not_stop(clean: Path, tmp_path: Path) -> None:
    path = mart_frames.write_run_results(tmp_path / "run_results.json", odd_types="warn")

    result = dbt_build(path, clean)

    assert result.passed
    assert [item.name for item in result.failed("warning")] == ["dbt_build:test.cx.odd_types"]


@pytest.mark.parametrize(
    ("severity", "stops"), [("critical", True), ("warning", False), ("unheard of", True)]
)
def test_a_failed_row_of_release_quality_counts_by_its_severity(
    frames: dict[str, pd.DataFrame],
    candidate: Path,
    run_results: Path,
    severity: str,
    stops: bool,
) -> None:
    rows = frames["release_quality"].copy()
    rows.loc[0, ["severity", "observed"]] = [severity, "99"]
    rows["passed"] = rows.index != 0
    mart_frames.write_marts({"release_quality": rows}, candidate)

    result = run_gate(candidate, ["metric_catalog"], run_results)

    found = check(result, "release_quality", "release_quality:final_solves_conserved")
    assert (found.passed, found.observed) == (False, "99")
    assert result.passed is not stops


def test_release_quality_without_its_verdicts_fails(
    frames: dict[str, pd.DataFrame], candidate: Path, run_results: Path
) -> None:
    without = frames["release_quality"].drop(columns="passed")
    mart_frames.write_marts({"release_quality": without}, candidate)

    result = run_gate(candidate, ["metric_catalog"], run_results)

    assert failing(result) == ["release_quality.release_quality_checks"]


# What the receipt may rely on


def test_nothing_is_written(
    clean: Path, run_results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    before = sorted(path.name for path in clean.iterdir())

    assert run_gate(clean, ["metric_catalog"], run_results).passed

    assert list(tmp_path.iterdir()) == []
    assert sorted(path.name for path in clean.iterdir()) == before


def test_names_are_unique_and_verdicts_repeat_exactly(
    clean: Path, run_results: Path, clean_verdict: GateResult
) -> None:
    names = [(item.mart, item.name) for item in clean_verdict.checks]
    assert len(names) == len(set(names))
    assert clean_verdict == run_gate(clean, mart_frames.MARTS, run_results)


def test_many_rows_are_judged_in_several_batches(
    frames: dict[str, pd.DataFrame],
    candidate: Path,
    run_results: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(judging, "MAX_ROWS_PER_BATCH", 1_000)
    mart = "agent_scorecard_metrics"
    mart_frames.write_marts(
        {mart: one_value("value", 1.2, "schedule_adherence")(frames[mart])}, candidate
    )

    result = run_gate(candidate, [mart], run_results)

    assert failing(result) == [f"{mart}.shares_between_0_and_1_in_value"]


def test_two_expectations_of_one_name_are_refused() -> None:
    from great_expectations import expectations as gxe

    draft = SuiteDraft(SuiteContext("m"))
    draft.add("rows", "critical", gxe.ExpectTableRowCountToBeBetween, min_value=1)

    with pytest.raises(ValueError, match="two expectations named rows"):
        draft.compare("rows", "info", gxe.ExpectTableRowCountToBeBetween, NotAssessed("no"))


@pytest.mark.parametrize("module", [agent_scorecard, agent_scorecard_metrics, team_metrics])
def test_every_expectation_has_a_name_a_scope_and_a_severity(module: object) -> None:
    month = date(2026, 10, 1)
    context = SuiteContext(
        "m", month=month, summaries={name: {} for name in module.READING.statistics}
    )

    for item in module.suite(context).expectations:
        assert item.meta["name"]
        assert item.meta["scope"] in ("rows", "month", "calendar")
        assert item.severity.value in ("critical", "warning", "info")


def test_the_catalog_has_no_months() -> None:
    assert metric_catalog.READING.period is None
