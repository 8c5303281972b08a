"""The reference against the marts of a release, cell by cell.

Belongs here: running the reference on a raw folder, matching rows by key, and telling differences
so that they can be looked up. Does not belong here: any formula.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.reference.raw_rows import latest_load, read_raw, read_seeds, rows_that_count
from tests.reference.scorecard import run_reference

Row = dict[str, Any]

KEYS: dict[str, tuple[str, ...]] = {
    "agent_scorecard_metrics": ("agent_id", "period_month", "window", "metric"),
    "agent_scorecard": ("agent_id", "period_month", "window"),
    "performance_bands": ("agent_id", "period_month"),
    "team_metrics": ("team_id", "period_month", "metric"),
}
# Published numbers have 6 decimals; the second term only absorbs the binary form of the first.
TOLERANCE = 1e-6 + 1e-9


@dataclass
class Comparison:
    """What was compared: number of cells, and a line for each that differs."""

    cells: int = 0
    differences: list[str] = field(default_factory=list)

    def report(self, at_most: int = 40) -> str:
        lines = [f"{len(self.differences)} of {self.cells} cells differ"]
        lines += self.differences[:at_most]
        if len(self.differences) > at_most:
            lines.append(f"... and {len(self.differences) - at_most} more")
        return "\n".join(lines)


def reference_marts(
    raw_root: Path, seed_root: Path, bound: datetime | None = None
) -> tuple[dict[str, list[Row]], datetime]:
    """(marts of the reference, as_of) for a raw folder and a folder of seeds."""
    raw = read_raw(raw_root)
    as_of = latest_load(raw, bound)
    seeds = read_seeds(seed_root)
    state_names = {row["state"] for row in seeds["agent_state_map"]}
    return run_reference(rows_that_count(raw, state_names, as_of), seeds, as_of), as_of


def compare(
    raw_root: Path, seed_root: Path, managers: Path, bound: datetime | None = None
) -> Comparison:
    """Every cell the reference computes against `<managers>/<mart>.parquet`, blind to what was
    loaded after `bound`."""
    marts, as_of = reference_marts(raw_root, seed_root, bound)
    result = Comparison()
    for mart, rows in marts.items():
        path = managers / f"{mart}.parquet"
        if not path.exists():
            result.differences.append(f"{mart}: the release has no such mart")
            continue
        published = pq.read_table(path).to_pylist()
        compare_rows(mart, rows, published, result)
        stamps = {row["as_of"].replace(tzinfo=UTC) for row in published}
        if stamps != {as_of}:
            result.differences.append(f"{mart}: as_of is {stamps}, the reference's {as_of}")
    return result


def compare_rows(mart: str, expected: list[Row], published: list[Row], result: Comparison) -> None:
    """Adds the cells of one mart to the result."""
    key = KEYS[mart]
    by_key = {tuple(row[column] for column in key): row for row in published}
    if len(by_key) != len(published):
        result.differences.append(f"{mart}: a key stands more than once in the mart")
    for row in expected:
        name = f"{mart} [{' '.join(str(row[column]) for column in key)}]"
        actual = by_key.pop(tuple(row[column] for column in key), None)
        if actual is None:
            result.differences.append(f"{name}: the mart has no such row")
            continue
        for column in sorted(row.keys() - set(key)):
            result.cells += 1
            if column not in actual:
                result.differences.append(f"{name} {column}: the mart has no such column")
            elif not is_same(row[column], actual[column]):
                result.differences.append(
                    f"{name} {column}: reference {as_text(row[column])},"
                    f" mart {as_text(actual[column])}"
                )
    for left in by_key:
        name = " ".join(str(part) for part in left)
        result.differences.append(f"{mart} [{name}]: the reference has no such row")


def is_number(cell: Any) -> bool:
    return isinstance(cell, int | float | Fraction) and not isinstance(cell, bool)


def is_same(expected: Any, actual: Any) -> bool:
    if is_number(expected) and is_number(actual):
        return abs(float(expected) - float(actual)) <= TOLERANCE
    return type(expected) is type(actual) and expected == actual


def as_text(cell: Any) -> str:
    return f"{float(cell):.6f}".rstrip("0").rstrip(".") if is_number(cell) else str(cell)
