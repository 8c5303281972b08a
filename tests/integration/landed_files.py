"""Raw files as ingest lands them, made in memory.

Belongs here: rows of text with the file they stand in, what ingest notes of a file, and all that
the models read of a set of files. Does not belong here: which rows (random_raw.py), and running the
models (in_memory_warehouse.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from orchestration.lib.landing import INVENTORY_SCHEMA
from tests.integration.in_memory_warehouse import landed, run_row

RawRow = dict[str, str | None]


@dataclass(frozen=True)
class LandedFile:
    """One file of one raw table, with what ingest notes of its load stamps (naive UTC)."""

    raw_table: str
    name: str
    rows: pa.Table
    first: datetime | None
    last: datetime | None
    unreadable: int

    @property
    def note(self) -> dict[str, Any]:
        """Its row of the inventory."""
        return {
            "raw_table": self.raw_table,
            "file": self.rows["_file"][0].as_py(),
            "sha256": self.name,
            "rows": self.rows.num_rows,
            "batch_id": None,
            "first_loaded_at": self.first,
            "last_loaded_at": self.last,
            "unreadable_loaded_at": self.unreadable,
        }

    def is_new_since(self, good_as_of: datetime, as_of: datetime) -> bool:
        """True where rows that were not visible before may be now."""
        before, now = good_as_of.replace(tzinfo=None), as_of.replace(tzinfo=None)
        return self.last is not None and self.last > before and self.first <= now


def landed_file(table: str, rows: list[RawRow], name: str) -> LandedFile:
    stamps = [
        datetime.fromisoformat(row["_loaded_at"]).replace(tzinfo=None)
        for row in rows
        if row["_loaded_at"][0] == "2"
    ]
    return LandedFile(
        table,
        name,
        landed(table, rows, name),
        min(stamps, default=None),
        max(stamps, default=None),
        len(rows) - len(stamps),
    )


def landing_of(
    found: Iterable[LandedFile], as_of: datetime, **told: date | None
) -> dict[str, pa.Table]:
    """All that models read of these files; `told` is what else ingest says of the run."""
    found = list(found)
    tables: dict[str, list[pa.Table]] = defaultdict(list)
    for file in found:
        tables[file.raw_table].append(file.rows)
    return {name: pa.concat_tables(parts) for name, parts in tables.items()} | {
        "files": pa.Table.from_pylist([file.note for file in found], schema=INVENTORY_SCHEMA),
        "run": run_row(as_of, **told),
    }


def unread(
    there: Iterable[LandedFile], good: set[tuple[str, str]], good_as_of: datetime, as_of: datetime
) -> list[LandedFile]:
    """Files that a run at `as_of` reads after a good one over the files `good`."""
    return [
        file
        for file in there
        if (file.raw_table, file.name) not in good or file.is_new_since(good_as_of, as_of)
    ]
