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
# Files that begin with a byte-order mark, and that have a column nobody asked for.
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
    begins = np.flatnonzero(np.append(True, month[1:] != month[:-1]))
    ends = np.append(begins[1:], len(month))
    for position, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        value, part = month[begin], take(frame, slice(begin, end))
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
    pq.write_table(pa.table(arrays, names=names), sink, compression="snappy", store_schema=False)
    return sink.getvalue().to_pybytes()


def _csv(table: Table, frame: Frame, turned: bool, as_text: bool) -> bytes:
    del as_text  # a CSV is text anyway
    names = list(reversed(frame)) if turned else list(frame)
    cells = []
    # By row content and not by position: a row delivered twice must be the same twice.
    salt = np.abs(sum(frame[name].values.astype(np.int64) for name in (table.key[0], "_loaded_at")))
    for place, name in enumerate(sorted(names)):
        column = frame[name]
        values = column.text().to_pylist()
        if column.kind == "boolean":
            yes, no = table.booleans
            values = [yes if value == "true" else no for value in values]
        words = [table.null_words[k] for k in (salt // 900 + place) % len(table.null_words)]
        pairs = zip(values, words, strict=True)
        cells.append([word if value is None else value for value, word in pairs])
    by_name = dict(zip(sorted(names), cells, strict=True))
    return _csv_bytes(names, zip(*(by_name[name] for name in names), strict=True))


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
