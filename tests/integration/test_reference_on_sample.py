"""The marts against the second implementation in `tests/reference`, cell by cell.

Belongs here: which runs are compared. Does not belong here: how a cell is computed, and which of
two differing numbers is right; that is argued from the definitions.
"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.conftest import FIRST_BOUND, GOLDEN_ROOT, PROJECT_ROOT, Workspace
from tests.reference.comparison import compare


def test_the_marts_of_the_golden_data_agree_with_the_reference(golden: Workspace) -> None:
    result = compare(golden.raw_root, GOLDEN_ROOT / "seeds", golden.managers)

    assert result.cells > 15_000
    assert not result.differences, result.report()


def test_the_marts_of_the_sample_agree_with_the_reference(
    small_sample: Workspace, small_sample_releases: tuple[Path, Path]
) -> None:
    """The first release: in the second, months stand as they were known when they closed."""
    result = compare(
        small_sample.raw_root,
        PROJECT_ROOT / "seeds",
        small_sample_releases[0],
        datetime.fromisoformat(FIRST_BOUND),
    )

    assert result.cells > 100_000
    assert not result.differences, result.report()


def test_a_cell_or_a_row_that_differs_is_told(golden: Workspace, tmp_path: Path) -> None:
    """A comparison that finds nothing is worth something only if it would find this."""
    for path in golden.managers.glob("*.parquet"):
        shutil.copy(path, tmp_path / path.name)
    path = tmp_path / "team_metrics.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    dropped, changed = rows[0], rows[1]
    changed["sample_size"] += 1
    pq.write_table(pa.Table.from_pylist(rows[1:], table.schema), path)

    result = compare(golden.raw_root, GOLDEN_ROOT / "seeds", tmp_path)

    key = ("team_id", "period_month", "metric")
    told = [" ".join(str(row[column]) for column in key) for row in (changed, dropped)]
    assert [line.startswith("team_metrics [") for line in result.differences] == [True, True]
    assert {line.partition("[")[2].partition("]")[0] for line in result.differences} == set(told)
