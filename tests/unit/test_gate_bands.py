"""The suites of the band marts find what they are there for, each fault by its name."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from expectations.gate import run_gate
from tests.unit import mart_frames
from tests.unit.mart_frames_bands import bands_marts
from tests.unit.test_gate import LAST, Fault, check, failing, one_value

MARTS = ["band_reasons", "performance_bands"]


def all_of_last_month(column: str, value: object) -> Fault:
    def fault(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.copy()
        frame.loc[frame["period_month"] == frame["period_month"].max(), column] = value
        return frame

    return fault


def doubled(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame], ignore_index=True)


def rows_of_more_metrics(frame: pd.DataFrame) -> pd.DataFrame:
    last = frame[frame["period_month"] == frame["period_month"].max()]
    return pd.concat([frame, last.assign(metric=last["metric"] + "_again")], ignore_index=True)


def without_a_month(frame: pd.DataFrame) -> pd.DataFrame:
    months = sorted(frame["period_month"].unique())
    return frame[frame["period_month"] != months[2]]


def without_a_rule(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["rule"] != "strong"]


FAULTS: list[tuple[str, Fault, str]] = [
    ("performance_bands", doubled, "key_is_unique"),
    ("performance_bands", without_a_month, "no_month_is_missing"),
    (
        "performance_bands",
        all_of_last_month("band", "below_expectations"),
        "share_below_expectations_against_history",
    ),
    (
        "performance_bands",
        all_of_last_month("band", "exceptional"),
        "share_strong_or_better_against_history",
    ),
    (
        "performance_bands",
        all_of_last_month("band", "not_rated"),
        "share_rated_against_history",
    ),
    ("band_reasons", doubled, "key_is_unique"),
    ("band_reasons", rows_of_more_metrics, "row_count_against_history"),
    ("band_reasons", without_a_month, "no_month_is_missing"),
    ("band_reasons", without_a_rule, "all_rules_appear"),
    ("band_reasons", all_of_last_month("passed", False), "share_passed_against_history"),
]
CELLS: dict[str, list[tuple[Fault, str]]] = {
    "performance_bands": [
        (one_value("band", "great"), "band_is_known"),
        (one_value("previous_band", "great"), "previous_band_is_known"),
        (one_value("deciding_rule", "mood"), "deciding_rule_is_known"),
        (one_value("trajectory", "sideways"), "trajectory_is_known"),
        (one_value("confidence", "sure"), "confidence_is_known"),
        (one_value("slope", -26.0), "slope_between_minus_25_and_25"),
        (one_value("mann_kendall_p", 1.2), "mann_kendall_p_between_0_and_1"),
        (one_value("months_in_band", 0), "months_in_band_from_1"),
        (one_value("explanation", "No."), "explanation_is_a_sentence"),
        (one_value("release_id", "another"), "one_release"),
    ],
    "band_reasons": [
        (one_value("rule", "mood"), "rule_is_known"),
        (one_value("observed", None), "observed_is_there"),
        (one_value("required", None), "required_is_there"),
        (one_value("vintage", "corked"), "vintage_is_known"),
        (one_value("release_id", "another"), "one_release"),
    ],
}


@pytest.fixture(scope="module")
def frames() -> dict[str, pd.DataFrame]:
    return bands_marts()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mart_frames.write_run_results(tmp_path_factory.mktemp("dbt") / "run_results.json")


def test_clean_bands_pass(frames: dict[str, pd.DataFrame], tmp_path: Path, results: Path) -> None:
    candidate = mart_frames.write_marts(frames, tmp_path / "candidate")
    verdicts = failing(run_gate(candidate, MARTS, results))
    assert [name for name in verdicts if name.split(".")[0] in MARTS] == []


@pytest.mark.parametrize(("mart", "fault", "name"), FAULTS)
def test_a_planted_fault_of_the_bands_fails(
    mart: str,
    fault: Fault,
    name: str,
    frames: dict[str, pd.DataFrame],
    tmp_path: Path,
    results: Path,
) -> None:
    broken = {mart: fault(frames[mart])}
    candidate = mart_frames.write_marts(broken, tmp_path / "candidate")
    result = run_gate(candidate, [mart], results)
    assert not check(result, mart, name).passed
    assert not result.passed


@pytest.mark.parametrize("mart", MARTS)
def test_a_single_wrong_cell_of_the_bands_fails(
    mart: str, frames: dict[str, pd.DataFrame], tmp_path: Path, results: Path
) -> None:
    broken = frames[mart]
    for fault, _ in CELLS[mart]:
        broken = fault(broken)
    candidate = mart_frames.write_marts({mart: broken}, tmp_path / "candidate")
    result = run_gate(candidate, [mart], results, [LAST])
    unnoticed = [name for _, name in CELLS[mart] if check(result, mart, name).passed]
    assert unnoticed == []
