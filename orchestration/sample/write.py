"""Frames and sheets to files: Parquet by month, CSV, the manifest, the hidden truth.

Here: bytes and paths. Not here: what is in them. The same frames give the same bytes.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.sample.dirt import Sheet
from orchestration.sample.frames import Frame, row_count, take
from orchestration.sample.tables import TABLES, Table

# A file in another column order and one that holds everything as text, as feeds do now and then.
REVERSED = {"interactions": 1, "surveys": 1}
AS_TEXT = {"qa_criterion_scores": 1}
# Tables whose main file has no tombstones and leaves the column out.
BYTE_ORDER_MARK = "kb_contributions"
EXTRA_COLUMN = "volume_forecasts"


@dataclass(frozen=True)
class WrittenFile:
    """One line of the manifest."""

    path: str
    sha256: str
    rows: int
    batch_id: str


def write_raw(
    out: Path, frames: dict[str, Frame], sheets: dict[str, Sheet]
) -> tuple[WrittenFile, ...]:
    """Write all raw files below `out` and the manifest last; returns its lines in order."""
    tasks: list[tuple[str, int, Callable[[], bytes]]] = []
    for name, frame in frames.items():
        tasks += _table_tasks(name, TABLES[name], frame)
    for name, sheet in sheets.items():
        tasks.append((f"{name}/dirt.csv", len(sheet.rows), _sheet_task(sheet)))

    def write(task: tuple[str, int, Callable[[], bytes]]) -> WrittenFile:
        path, rows, render = task
        content = render()
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        batch = path.rsplit(".", 1)[0].replace("/", "-")
        return WrittenFile(path, hashlib.sha256(content).hexdigest(), rows, batch)

    with ThreadPoolExecutor(max_workers=2) as pool:
        written = tuple(sorted(pool.map(write, tasks), key=lambda one: one.path))
    lines = [json.dumps(vars(one), sort_keys=True) + "\n" for one in written]
    (out / "manifest.jsonl").write_text("".join(lines), encoding="utf-8")
    return written


def _table_tasks(
    name: str, table: Table, frame: Frame
) -> Iterable[tuple[str, int, Callable[[], bytes]]]:
    """One task per file of the table; the frame must be ordered by _loaded_at."""
    render = _parquet if table.form == "parquet" else _csv
    if not table.is_monthly:
        yield (
            f"{name}/{name}.{table.form}",
            row_count(frame),
            lambda: render(table, frame, False, False),
        )
        return
    month = frame["_loaded_at"].values.astype("datetime64[s]").astype("datetime64[M]")
    for position, value in enumerate(np.unique(month)):
        rows = slice(np.searchsorted(month, value), np.searchsorted(month, value, "right"))
        part = take(frame, rows)
        turned, as_text = REVERSED.get(name) == position, AS_TEXT.get(name) == position
        yield (
            f"{name}/{value}.{table.form}",
            row_count(part),
            lambda part=part, turned=turned, as_text=as_text: render(table, part, turned, as_text),
        )


def _parquet(table: Table, frame: Frame, turned: bool, as_text: bool) -> bytes:
    names = list(reversed(frame)) if turned else list(frame)
    arrays = [frame[name].text() if as_text else frame[name].arrow() for name in names]
    sink = pa.BufferOutputStream()
    # Without the stored Arrow schema a coded column is plain text to every reader.
    pq.write_table(
        pa.table(arrays, names=names), sink, compression="snappy", store_schema=False
    )
    return sink.getvalue().to_pybytes()


def _csv(table: Table, frame: Frame, turned: bool, as_text: bool) -> bytes:
    del as_text  # a CSV is text anyway
    names = list(reversed(frame)) if turned else list(frame)
    cells = []
    for name in names:
        column = frame[name]
        values = column.text().to_pylist()
        if column.kind == "boolean":
            values = [table.booleans[0] if value == "true" else table.booleans[1] for value in values]
        words = table.null_words
        cells.append(
            [words[k % len(words)] if value is None else value for k, value in enumerate(values)]
        )
    return _csv_bytes(names, zip(*cells, strict=True))


def _sheet_task(sheet: Sheet) -> Callable[[], bytes]:
    """The file of planted rows: its columns stand in reverse order."""
    names = list(reversed(sheet.header))
    rows = [[row[name] or "" for name in names] for row in sheet.rows]
    if sheet.table == EXTRA_COLUMN:
        names = [*names, "planner_note"]
        rows = [[*row, "as agreed"] for row in rows]
    mark = b"\xef\xbb\xbf" if sheet.table == BYTE_ORDER_MARK else b""
    return lambda: mark + _csv_bytes(names, rows)


def _csv_bytes(names: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue().encode()


def write_truth(folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    """One Parquet file per table of the hidden truth."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        content = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata()
        pq.write_table(content, folder / f"{name}.parquet", compression="snappy")
