"""Every raw row has one disposition, and the mart counts what an independent reading counts.

Belongs here: comparing ``lost_and_found`` with ``raw_reference``, with the files, and with what the
sample generator says it planted. Does not belong here: the rules (they stand in ``raw_reference``).
"""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.conftest import GOLDEN_ROOT, PROJECT_ROOT, Workspace
from tests.integration.raw_reference import TABLES, count_dispositions, raw_files

CELL = ["raw_table", "reason", "period_month"]
QUARANTINED = {
    f"quarantined:{reason}"
    for reason in (
        "answered_before_sent",
        "completed_before_assigned",
        "conflicting_version",
        "future",
        "merge_cycle",
        "missing_value",
        "naive_timestamp",
        "not_finite",
        "off_scale",
        "orphan",
        "overlap",
        "overlapping_plan",
        "self_coaching",
        "solved_before_created",
        "target_equals_baseline",
        "unknown_metric",
        "unknown_state",
        "unparseable",
    )
}
OUT_OF_SCOPE = {
    "tickets": {"spam", "test", "merged", "not_customer"},
    "qa_evaluations": {
        "draft", "void", "calibration", "self_evaluation", "nothing_applicable",
        "invalid_criterion", "unknown", "system", "no_assignment",
    },
    "schedule_segments": {"not_published_in_time"},
}  # fmt: skip
# The generator counts whole segments that were written down too late; later edits of segments that
# were published in time get the same disposition and come on top.
AT_LEAST = {("schedule_segments", "out_of_scope:not_published_in_time")}


@pytest.fixture(scope="module")
def sample_counts(sample: Workspace) -> pd.Series:
    """Rows of the sample by raw table, reason and month, as the reference counts them."""
    return by_cell(count_dispositions(sample.raw_root, PROJECT_ROOT / "seeds"))


@pytest.fixture(scope="module")
def planted(sample_truth: Path) -> pd.Series:
    """Rows the generator says it planted, by raw table and reason."""
    ledger = pd.read_parquet(sample_truth / "dirt.parquet")
    ledger = ledger[ledger["kind"] == "disposition"]
    return ledger.groupby(["raw_table", "reason"])["rows"].sum()


def by_cell(counts: pd.DataFrame) -> pd.Series:
    """Rows by raw table, reason and month as text, `unread` where _loaded_at cannot be read."""
    month = counts["period_month"].astype("str").str[:10].fillna("unread")
    return counts.assign(period_month=month).groupby(CELL)["rows"].sum()


def published(release: Path) -> pd.Series:
    return by_cell(pd.read_parquet(release / "lost_and_found.parquet"))


def differences(expected: pd.Series, actual: pd.Series) -> list[str]:
    """One line for each cell in which the two disagree; a cell that is absent holds 0 rows."""
    both = pd.concat([expected.rename("expected"), actual.rename("actual")], axis=1)
    both = both.fillna(0).astype(int)
    wrong = both[both["expected"] != both["actual"]].sort_index()
    return [
        f"{' '.join(cell)}: expected {row.expected} rows, published {row.actual}"
        for cell, row in zip(wrong.index, wrong.itertuples(), strict=True)
    ]


def rows_in_files(raw_root: Path, table: str) -> int:
    """Data rows of the files of a table, each file's own count."""
    count = 0
    for path in raw_files(raw_root, table):
        if path.suffix == ".parquet":
            count += pq.read_metadata(path).num_rows
        else:
            with path.open(encoding="utf-8", newline="") as file:
                count += sum(1 for row in csv.reader(file) if row) - 1
    return count


def assert_no_row_is_lost(raw_root: Path, release: Path) -> None:
    rows = published(release).groupby("raw_table").sum()
    lines = [
        f"{table}: {in_files} rows in the files, {rows.get(table, 0)} published"
        for table in TABLES
        if (in_files := rows_in_files(raw_root, table)) != rows.get(table, 0)
    ]
    assert set(rows.index) <= set(TABLES)
    assert not lines, "\n".join(lines)


def test_the_sample_has_the_dispositions_of_an_independent_reading(
    sample_counts: pd.Series, sample_release: Path
):
    lines = differences(sample_counts, published(sample_release))
    assert not lines, f"{len(lines)} cells of lost_and_found differ:\n" + "\n".join(lines)


def test_the_golden_data_has_the_dispositions_of_an_independent_reading(golden_release: Path):
    expected = by_cell(count_dispositions(GOLDEN_ROOT / "raw", GOLDEN_ROOT / "seeds"))
    lines = differences(expected, published(golden_release))
    assert not lines, f"{len(lines)} cells of lost_and_found differ:\n" + "\n".join(lines)


def test_no_row_of_the_sample_is_lost(sample: Workspace, sample_release: Path):
    assert_no_row_is_lost(sample.raw_root, sample_release)


def test_no_row_of_the_golden_data_is_lost(golden_release: Path):
    assert_no_row_is_lost(GOLDEN_ROOT / "raw", golden_release)


def test_every_reason_occurs_in_the_sample(sample_release: Path):
    """A rule that no row of the sample meets would go untested by everything above."""
    found = published(sample_release).groupby(["raw_table", "reason"]).sum()
    reasons = set(found.index.get_level_values("reason"))
    wanted = QUARANTINED | {"used", "duplicate", "superseded", "deleted"}
    assert wanted <= reasons, f"no rows of {sorted(wanted - reasons)}"
    scopes = {
        (table, f"out_of_scope:{reason}")
        for table, outside in OUT_OF_SCOPE.items()
        for reason in outside
    }
    assert scopes <= set(found.index), f"no rows of {sorted(scopes - set(found.index))}"
    others = {reason for reason in reasons if reason.startswith("quarantined:")} - QUARANTINED
    assert not others, f"reasons nobody knows: {sorted(others)}"


def test_the_sample_has_the_quarantine_its_generator_planted(
    planted: pd.Series, sample_release: Path
):
    """Neither a planted fault that passes nor a good row that is set aside."""
    found = published(sample_release).groupby(["raw_table", "reason"]).sum()

    def quarantined(rows: pd.Series) -> pd.Series:
        return rows[rows.index.get_level_values("reason").str.startswith("quarantined:")]

    lines = differences(quarantined(planted), quarantined(found))
    assert not lines, "\n".join(lines)


def test_the_sample_has_the_other_dispositions_its_generator_planted(
    planted: pd.Series, sample_release: Path
):
    found = published(sample_release).groupby(["raw_table", "reason"]).sum()
    actual = found.reindex(planted.index).fillna(0)
    for cell in AT_LEAST & set(planted.index):
        actual[cell] = min(actual[cell], planted[cell])
    lines = differences(planted, actual)
    assert not lines, "\n".join(lines)
