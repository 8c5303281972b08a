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

EXPECTED = Path(__file__).resolve().parents[1] / "golden" / "expected"
# The marts that have expected files, and the columns that identify a row in them.
KEYS: dict[str, tuple[str, ...]] = {
    "agent_scorecard": ("agent_id", "period_month", "window"),
    "agent_scorecard_metrics": ("agent_id", "period_month", "window", "metric"),
    "agent_context_metrics": ("agent_id", "period_month", "metric"),
    "team_metrics": ("team_id", "period_month", "metric"),
    "lost_and_found": ("raw_table", "reason", "period_month"),
}
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
            if column in KEYS[mart] or column in ("arithmetic", "_file", "_line"):
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
            if key[0] == rule["agent_id"] and rule["period_month"] in (NOT_COMPARED, key[1])
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
