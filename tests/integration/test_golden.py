"""Compares a release of the golden raw data with the cells typed by hand in tests/golden/expected.

Belongs here: reading the expected files and telling every difference in one message. Does not
belong here: building the release (fixture `golden_release`: folder with one `<mart>.parquet` per
mart) and any formula; a number that is wrong in the expected files has to be argued from the
definitions.
"""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.published import MARTS

EXPECTED = Path(__file__).resolve().parents[1] / "golden" / "expected"
# The marts that have expected files, and the columns that identify a row in them.
KEYS: dict[str, tuple[str, ...]] = {
    "agent_context_metrics": ("agent_id", "period_month", "metric"),
    "agent_daily_pulse": ("agent_id", "local_date"),
    "agent_scorecard": ("agent_id", "period_month", "window"),
    "agent_scorecard_metrics": ("agent_id", "period_month", "window", "metric"),
    "agent_weekly_pulse": ("agent_id", "iso_week_start"),
    "band_reasons": ("agent_id", "period_month", "rule", "metric"),
    "coaching_effect": ("session_id",),
    "development_focus": ("agent_id", "period_month", "rank"),
    "evaluator_alignment": ("evaluator_id", "period_month"),
    "feedback_latency": ("team_id", "period_month"),
    "high_performer_watch": ("agent_id", "period_month"),
    "improvement_plan_candidates": ("agent_id", "period_month"),
    "improvement_plan_outcomes": ("plan_id",),
    "improvement_plan_progress": ("plan_id", "metric", "check_in_id"),
    "lost_and_found": ("raw_table", "reason", "period_month"),
    "metric_catalog": ("version", "metric"),
    "metric_validity": ("metric_pair", "tier", "period_month"),
    "people": ("agent_id",),
    "performance_bands": ("agent_id", "period_month"),
    "release_quality": ("check",),
    "scorecard_vintages": ("agent_id", "period_month", "metric", "vintage_number"),
    "team_csat_drivers": ("team_id", "period_month", "driver_kind", "driver"),
    "team_leverage": ("team_id", "period_month"),
    "team_metrics": ("team_id", "period_month", "metric"),
    "team_qa_distribution": ("team_id", "period_month"),
    "team_scorecard": ("team_id", "period_month"),
    "team_sla": ("team_id", "period_month", "severity", "target_kind"),
}
# Rows and columns that have a typed cell, at least: fewer would say that a file lost some.
LEAST: dict[str, tuple[int, int]] = {
    "agent_scorecard_metrics": (169, 27),
    "agent_daily_pulse": (5, 20),
    "agent_weekly_pulse": (2, 20),
    "band_reasons": (16, 3),
    "coaching_effect": (3, 20),
    "development_focus": (10, 10),
    "evaluator_alignment": (4, 15),
    "feedback_latency": (4, 9),
    "high_performer_watch": (1, 15),
    "improvement_plan_candidates": (1, 25),
    "improvement_plan_outcomes": (3, 15),
    "improvement_plan_progress": (9, 20),
    "metric_catalog": (4, 10),
    "metric_validity": (4, 6),
    "people": (4, 2),
    "performance_bands": (8, 10),
    "release_quality": (12, 4),
    "team_csat_drivers": (7, 6),
    "team_leverage": (3, 9),
    "team_qa_distribution": (3, 12),
    "team_scorecard": (5, 25),
    "team_sla": (7, 6),
}
# What a row of an expected file says about itself.
NOTES = ("arithmetic", "_file", "_line")
# Published numbers have 6 decimals; the second term only absorbs the binary form of the first.
TOLERANCE = 1e-6 + 1e-10
NOT_COMPARED = ""
NULL = "null"

Row = dict[str, Any]
Key = tuple[str, ...]


def read_expected(mart: str) -> list[dict[str, str]]:
    """All rows of the CSV files of one mart, cells as typed; ``_file`` and ``_line`` say where."""
    rows = []
    for path in sorted((EXPECTED / mart).glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            for row in reader:
                if None in row or None in row.values():
                    raise ValueError(f"{path.name} line {reader.line_num}: wrong number of cells")
                rows.append({**row, "_file": path.name, "_line": str(reader.line_num)})
    return rows


def as_text(value: Any) -> str:
    """A published cell in the spelling of the expected files."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def is_same(expected: str, actual: Any) -> bool:
    """Equal within the tolerance for two numbers, else equal in spelling; null is only null."""
    if expected == NULL or actual is None or isinstance(actual, bool):
        return expected == as_text(actual)
    if isinstance(actual, int | float):
        try:
            return abs(float(expected) - actual) <= TOLERANCE
        except ValueError:
            return False
    return expected == as_text(actual)


def compared_cells(mart: str, row: dict[str, str]) -> set[str]:
    """Columns of an expected row that have a cell to compare with."""
    left_out = {*KEYS[mart], *NOTES}
    return {name for name, cell in row.items() if name not in left_out and cell != NOT_COMPARED}


def published_rows(release: Path, mart: str) -> dict[Key, list[Row]]:
    """Rows of a mart by their key as text; more than one row under a key is a fault told below."""
    rows: dict[Key, list[Row]] = {}
    for row in pq.read_table(release / f"{mart}.parquet").to_pylist():
        rows.setdefault(tuple(as_text(row[column]) for column in KEYS[mart]), []).append(row)
    return rows


def differences(release: Path, mart: str) -> list[str]:
    """One line for each expected cell that is not published as expected."""
    published = published_rows(release, mart)
    lines = []
    for expected in read_expected(mart):
        key = tuple(expected[column] for column in KEYS[mart])
        name = f"{mart} [{' '.join(key)}]"
        found = published.get(key, [])
        if len(found) != 1:
            lines.append(f"{name}: expected 1 row, actual {len(found)} | {expected['arithmetic']}")
            continue
        for column, cell in expected.items():
            if column in KEYS[mart] or column in NOTES:
                continue
            if cell == NOT_COMPARED:
                continue
            if column not in found[0]:
                lines.append(f"{name} {column}: the mart has no such column")
            elif not is_same(cell, found[0][column]):
                actual = as_text(found[0][column])
                lines.append(
                    f"{name} {column}: expected {cell}, actual {actual} | {expected['arithmetic']}"
                )
    return lines


def rows_too_many(release: Path) -> list[str]:
    """Rows that must not be published: agents without an assignment, bots, other dispositions."""
    lines = []
    with (EXPECTED / "absent_rows.csv").open(encoding="utf-8", newline="") as file:
        absent = list(csv.DictReader(file, strict=True))
    for rule in absent:
        count = sum(
            len(rows)
            for key, rows in published_rows(release, rule["mart"]).items()
            if key[0] == rule["agent_id"] and rule["period_month"] in (NOT_COMPARED, *key[1:2])
        )
        if count:
            name = f"{rule['mart']} [{rule['agent_id']} {rule['period_month'] or 'any month'}]"
            lines.append(f"{name}: expected no row, actual {count} | {rule['arithmetic']}")
    known = {
        tuple(row[column] for column in KEYS["lost_and_found"])
        for row in read_expected("lost_and_found")
    }
    for key, rows in published_rows(release, "lost_and_found").items():
        count = sum(row["rows"] for row in rows)
        if key not in known and count:
            lines.append(f"lost_and_found [{' '.join(key)}]: expected no row, actual {count} rows")
    return lines


def test_golden_cells_are_published_as_computed_by_hand(golden_release: Path) -> None:
    lines = [line for mart in KEYS for line in differences(golden_release, mart)]
    lines += rows_too_many(golden_release)
    assert not lines, f"{len(lines)} golden cells differ:\n" + "\n".join(lines)


def test_expected_files_are_complete() -> None:
    """A golden file that lost rows would pass for want of anything to compare."""
    blocks = Counter(
        (row["agent_id"], row["period_month"], row["window"])
        for row in read_expected("agent_scorecard_metrics")
    )
    scorecards = {
        (row["agent_id"], row["period_month"], row["window"])
        for row in read_expected("agent_scorecard")
    }
    assert len(scorecards) == 13
    assert set(blocks) == scorecards and set(blocks.values()) == {13}
    teams = Counter((r["team_id"], r["period_month"]) for r in read_expected("team_metrics"))
    assert len(teams) == 5 and set(teams.values()) == {13}
    context = Counter(
        (row["agent_id"], row["period_month"]) for row in read_expected("agent_context_metrics")
    )
    assert len(context) == 8 and set(context.values()) == {10}
    for mart, columns in KEYS.items():
        rows = read_expected(mart)
        keys = Counter(tuple(row[column] for column in columns) for row in rows)
        assert rows and max(keys.values()) == 1, f"{mart}: a key stands twice"
        unexplained = [f"{r['_file']}:{r['_line']}" for r in rows if not r["arithmetic"].strip()]
        assert not unexplained, f"{mart}: no arithmetic beside {unexplained}"
        unread = [row for row in rows if not compared_cells(mart, row)]
        assert not unread, f"{mart}: nothing is compared in {unread[0]['_file']}"
    for mart, (row_count, column_count) in LEAST.items():
        rows = read_expected(mart)
        columns = {column for row in rows for column in compared_cells(mart, row)}
        assert len(rows) >= row_count and len(columns) >= column_count, f"{mart}: cells are missing"


def test_every_mart_has_expected_cells() -> None:
    assert set(KEYS) == MARTS
    folders = {path.name for path in EXPECTED.iterdir() if path.is_dir()}
    assert folders == MARTS
    assert all(read_expected(mart) for mart in MARTS)
