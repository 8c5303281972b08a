"""The gate on the sample's real marts: they pass, and a fault planted in them stops the publish.

Belongs here: what invented frames cannot show, namely that the ranges fit what the job publishes.
Does not belong here: every rule of the gate (tests/unit/test_gate.py).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from expectations.gate import GateResult, run_gate

Fault = Callable[[pd.DataFrame, date], pd.DataFrame]


@pytest.fixture(scope="module")
def judged_month(sample_release: Path) -> date:
    """The last month that has ended: the running one is judged on less."""
    months = pq.read_table(
        sample_release / "agent_scorecard.parquet", columns=["period_month", "as_of"]
    )
    as_of = pc.max(months["as_of"]).as_py()
    known = sorted(pc.unique(months["period_month"]).to_pylist())
    return max(month for month in known if (month.year, month.month) < (as_of.year, as_of.month))


@pytest.fixture
def candidate(sample_release: Path, tmp_path: Path) -> Path:
    """A copy of the published marts, free to be broken."""
    for path in sample_release.glob("*.parquet"):
        shutil.copy(path, tmp_path / path.name)
    return tmp_path


def marts_of(candidate: Path) -> list[str]:
    return sorted(path.stem for path in candidate.glob("*.parquet"))


def plant(candidate: Path, mart: str, fault: Fault, month: date) -> None:
    """Rewrites the mart with the fault, types unchanged."""
    path = candidate / f"{mart}.parquet"
    table = pq.read_table(path)
    broken = fault(table.to_pandas(), month)
    pq.write_table(pa.Table.from_pandas(broken, table.schema, preserve_index=False), path)


def failed_names(result: GateResult) -> list[str]:
    return [f"{check.mart}.{check.name}" for check in result.failed("critical")]


# The faults


def rows_of(frame: pd.DataFrame, month: date, metric: str | None = None) -> pd.Series:
    chosen = frame["period_month"] == month
    return chosen & (frame["metric"] == metric) if metric else chosen


def dropped_team(frame: pd.DataFrame, month: date) -> pd.DataFrame:
    rows = rows_of(frame, month)
    return frame[~(rows & (frame["team_id"] == frame.loc[rows, "team_id"].min()))]


def dropped_agents(frame: pd.DataFrame, month: date) -> pd.DataFrame:
    """Where the mart has no team: a tenth of the people."""
    rows = rows_of(frame, month)
    people = sorted(frame.loc[rows, "agent_id"].unique())
    return frame[~(rows & frame["agent_id"].isin(people[: len(people) // 10]))]


def doubled_rows(frame: pd.DataFrame, month: date) -> pd.DataFrame:
    again = frame[rows_of(frame, month)] if "period_month" in frame else frame
    return pd.concat([frame, again])


def doubled_agents(frame: pd.DataFrame, month: date) -> pd.DataFrame:
    again = frame[rows_of(frame, month)]
    return pd.concat([frame, again.assign(agent_id=again["agent_id"] + "-2")])


def changed(
    column: str, change: Callable[[pd.Series], pd.Series], metric: str | None = None
) -> Fault:
    def fault(frame: pd.DataFrame, month: date) -> pd.DataFrame:
        rows = rows_of(frame, month, metric)
        return frame.assign(**{column: frame[column].mask(rows, change(frame[column]))})

    return fault


def one_above_1(column: str, metric: str | None = None) -> Fault:
    def fault(frame: pd.DataFrame, month: date) -> pd.DataFrame:
        frame = frame.copy()
        rows = rows_of(frame, month, metric) & frame[column].notna()
        frame.loc[frame.index[rows][0], column] = 1.2
        return frame

    return fault


def without_a_metric(frame: pd.DataFrame, month: date) -> pd.DataFrame:
    """In no version: each version explains the metrics that it scores."""
    return frame[frame["metric"] != frame["metric"].iloc[0]]


def weight_above_1(frame: pd.DataFrame, month: date) -> pd.DataFrame:
    return frame.assign(weight=frame["weight"].mask(frame.index == 0, 1.2))


def a_tenth_quarantined(frame: pd.DataFrame, month: date) -> pd.DataFrame:
    rows = rows_of(frame, month)
    lost = frame.index[rows & frame["reason"].str.startswith("quarantined:")][0]
    tenth = frame.loc[rows, "rows"].sum() // 10
    return frame.assign(rows=frame["rows"].mask(frame.index == lost, tenth))


def a_broken_equation(frame: pd.DataFrame, month: date) -> pd.DataFrame:
    first = frame.index[frame["severity"] == "critical"][0]
    return frame.assign(passed=frame["passed"] & (frame.index != first))


PLANTED: list[tuple[str, Fault, str]] = [
    ("agent_scorecard", dropped_team, "every_large_team_appears"),
    ("agent_scorecard", doubled_rows, "key_is_unique"),
    ("agent_scorecard", doubled_agents, "row_count_against_history"),
    (
        "agent_scorecard",
        changed("overall_score", lambda score: score - 15),
        "mean_overall_score_against_history",
    ),
    ("agent_scorecard", one_above_1("coverage"), "coverage_between_0_and_1"),
    ("agent_scorecard_metrics", dropped_team, "every_large_team_appears"),
    ("agent_scorecard_metrics", doubled_rows, "key_is_unique"),
    ("agent_scorecard_metrics", doubled_agents, "row_count_against_history"),
    (
        "agent_scorecard_metrics",
        changed("value", lambda score: score - 15, "qa_score"),
        "mean_qa_score_against_history",
    ),
    (
        "agent_scorecard_metrics",
        changed("value", lambda share: (share - 0.15).clip(lower=0), "csat"),
        "mean_csat_against_history",
    ),
    (
        "agent_scorecard_metrics",
        changed("value", lambda share: (share - 0.15).clip(lower=0), "fcr_rate"),
        "mean_fcr_rate_against_history",
    ),
    (
        "agent_scorecard_metrics",
        one_above_1("value", "schedule_adherence"),
        "shares_between_0_and_1_in_value",
    ),
    ("agent_context_metrics", dropped_agents, "every_agent_of_the_scorecard_appears"),
    ("agent_context_metrics", doubled_rows, "key_is_unique"),
    ("agent_context_metrics", doubled_agents, "row_count_against_history"),
    (
        "agent_context_metrics",
        changed("value", lambda seconds: seconds * 1.6, "average_handle_seconds"),
        "mean_handle_seconds_against_history",
    ),
    ("agent_context_metrics", one_above_1("value", "occupancy"), "shares_between_0_and_1"),
    ("team_metrics", dropped_team, "every_large_team_appears"),
    ("team_metrics", doubled_rows, "key_is_unique"),
    (
        "team_metrics",
        changed("value", lambda score: score - 15, "qa_score"),
        "mean_qa_score_against_history",
    ),
    ("team_metrics", one_above_1("value", "csat"), "shares_between_0_and_1"),
    ("metric_catalog", doubled_rows, "key_is_unique"),
    ("metric_catalog", without_a_metric, "every_metric_is_explained"),
    ("metric_catalog", weight_above_1, "weight_between_0_and_1"),
    ("lost_and_found", doubled_rows, "key_is_unique"),
    ("lost_and_found", a_tenth_quarantined, "quarantined_share_below_5_percent"),
    ("release_quality", doubled_rows, "key_is_unique"),
    ("release_quality", a_broken_equation, "release_quality_checks"),
]


@pytest.fixture(scope="module")
def verdict(sample_release: Path, sample_run_results: Path) -> GateResult:
    """The gate on every mart and month of the sample."""
    return run_gate(sample_release, marts_of(sample_release), sample_run_results)


def test_the_sample_passes_and_every_published_mart_is_judged(
    verdict: GateResult, sample_release: Path
) -> None:
    assert failed_names(verdict) == []
    assert {check.mart for check in verdict.checks} == {None, *marts_of(sample_release)}


def test_the_sample_raises_no_alarm_about_its_own_months(verdict: GateResult) -> None:
    """Thirteen ordinary months: a warning of volume or drift on them would be a false one."""
    marts = {"agent_scorecard", "agent_scorecard_metrics", "agent_context_metrics", "team_metrics"}

    warned = [
        f"{check.mart}.{check.name}" for check in verdict.failed("warning") if check.mart in marts
    ]
    assert [name for name in warned if "history" in name] == []


@pytest.mark.parametrize(
    ("mart", "fault", "name"), PLANTED, ids=[f"{mart}-{name}" for mart, _, name in PLANTED]
)
def test_a_fault_planted_in_the_sample_fails_its_critical_check(
    candidate: Path,
    sample_run_results: Path,
    judged_month: date,
    mart: str,
    fault: Fault,
    name: str,
) -> None:
    plant(candidate, mart, fault, judged_month)

    result = run_gate(candidate, [mart], sample_run_results, months_changed=[judged_month])

    assert f"{mart}.{name}" in failed_names(result)
    assert not result.passed


def test_the_release_passes_against_itself_as_the_previous_one(
    sample_release: Path, sample_run_results: Path, judged_month: date
) -> None:
    marts = marts_of(sample_release)

    result = run_gate(
        sample_release, marts, sample_run_results, [judged_month], previous=sample_release
    )

    assert failed_names(result) == []
