"""Columns of the sample before they are files: numpy values with a rendering, and nothing else.

Here: the `Column` and its Arrow and text forms, identifiers, loading stamps, named random streams.
Not here: what the columns mean (the topic modules) and where they are written (`write`).

Times are int64 seconds since 1970 UTC, dates int64 days since 1970, both with `NULL` for null.
Coded columns hold int positions in a vocabulary, negative for null; numbers are float64 with NaN
for null.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NULL = int(np.iinfo(np.int64).min)
DAY = 86_400
HOUR = 3_600
# Loaders run on a schedule, so stamps fall on a grid and several rows share one.
LOADER_GRID = 900


@dataclass(frozen=True)
class Column:
    """One column: `values` of shape (rows,) and how they are rendered."""

    kind: str
    values: np.ndarray
    vocabulary: tuple[str, ...] = ()
    width: int = 0

    def take(self, rows: np.ndarray | slice) -> Column:
        """The same column for the given row positions, boolean mask or slice."""
        return replace(self, values=self.values[rows])

    def arrow(self) -> pa.Array:
        """Typed Arrow array; the values of an identifier and of a coded column become strings."""
        values = self.values
        if self.kind == "time":
            return pa.array(values * 1_000_000, mask=values == NULL).cast(
                pa.timestamp("us", tz="UTC")
            )
        if self.kind == "date":
            empty = values == NULL
            return pa.array(np.where(empty, 0, values).astype(np.int32), mask=empty).cast(
                pa.date32()
            )
        if self.kind == "integer":
            return pa.array(values, mask=values == NULL)
        if self.kind == "number":
            return pa.array(values, from_pandas=True)
        if self.kind == "boolean":
            return pa.array(values.astype(bool))
        if self.kind == "coded":
            codes = pa.array(values.astype(np.int32), mask=values < 0)
            return pa.DictionaryArray.from_arrays(codes, pa.array(self.vocabulary, pa.string()))
        if self.kind == "identifier":
            digits = pc.utf8_lpad(pa.array(values).cast(pa.string()), self.width, "0")
            named = pc.binary_join_element_wise(self.vocabulary[0], digits, "")
            return pc.if_else(pa.array(values >= 0), named, pa.scalar(None, pa.string()))
        raise ValueError(f"unknown kind of column: {self.kind}")

    def text(self) -> pa.Array:
        """The cells as a CSV holds them: ISO 8601 with Z, true/false, null left null."""
        typed = self.arrow()
        if self.kind == "time":
            whole = typed.cast(pa.timestamp("s", tz="UTC")).cast(pa.timestamp("s"))
            return pc.strftime(whole, format="%Y-%m-%dT%H:%M:%SZ")
        return typed.cast(pa.string())


Frame = dict[str, Column]


def times(seconds: np.ndarray) -> Column:
    return Column("time", np.asarray(seconds, dtype=np.int64))


def dates(days: np.ndarray) -> Column:
    return Column("date", np.asarray(days, dtype=np.int64))


def integers(values: np.ndarray) -> Column:
    return Column("integer", np.asarray(values, dtype=np.int64))


def numbers(values: np.ndarray) -> Column:
    return Column("number", np.asarray(values, dtype=np.float64))


def booleans(values: np.ndarray) -> Column:
    return Column("boolean", np.asarray(values, dtype=bool))


def coded(codes: np.ndarray, vocabulary: Sequence[str]) -> Column:
    return Column("coded", np.asarray(codes, dtype=np.int64), tuple(vocabulary))


def texts(values: Sequence[str | None]) -> Column:
    """Free text; meant for small tables, as it looks at each value."""
    vocabulary = list(dict.fromkeys(value for value in values if value is not None))
    position = {value: code for code, value in enumerate(vocabulary)}
    return coded(np.array([-1 if v is None else position[v] for v in values], int), vocabulary)


def identifiers(prefix: str, numbers_: np.ndarray, width: int) -> Column:
    """Ids such as T0000042; a negative number is null."""
    return Column("identifier", np.asarray(numbers_, dtype=np.int64), (prefix,), width)


def row_count(frame: Frame) -> int:
    return len(next(iter(frame.values())).values)


def take(frame: Frame, rows: np.ndarray | slice) -> Frame:
    return {name: column.take(rows) for name, column in frame.items()}


def stack(frames: Sequence[Frame]) -> Frame:
    """One frame after the other.

    Raises ValueError where they differ in columns or a column differs in its vocabulary.
    """
    first = frames[0]
    for other in frames[1:]:
        if list(other) != list(first):
            raise ValueError(f"frames differ in columns: {list(first)} and {list(other)}")
        for name, column in other.items():
            if (column.kind, column.vocabulary) != (first[name].kind, first[name].vocabulary):
                raise ValueError(f"column {name} is not the same in all frames")
    return {
        name: replace(column, values=np.concatenate([frame[name].values for frame in frames]))
        for name, column in first.items()
    }


def stream(seed: int, name: str) -> np.random.Generator:
    """An independent random stream per name.

    A stream of its own for each topic keeps every other topic's data as it was when one changes.
    """
    return np.random.default_rng(
        np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()),))
    )


def loaded_after(
    rng: np.random.Generator, happened: np.ndarray, minutes: float, late_share: float = 0.01
) -> np.ndarray:
    """Loading stamps in seconds: some `minutes` after the event, `late_share` of them days."""
    delay = rng.exponential(minutes * 60, happened.shape)
    late = rng.random(happened.shape) < late_share
    delay += np.where(late, rng.uniform(DAY, 6 * DAY, happened.shape), 0)
    return on_grid(happened + delay.astype(np.int64) + 1)


def on_grid(seconds: np.ndarray) -> np.ndarray:
    """The next run of the loader at or after the instant."""
    return -(-np.asarray(seconds, dtype=np.int64) // LOADER_GRID) * LOADER_GRID


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))
