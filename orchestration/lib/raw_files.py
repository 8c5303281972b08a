"""Reading one raw file: what it is, whether it is whole, and its rows as text.

Belongs here: finding raw files, their fingerprints, headers, and the way from CSV or Parquet to
record batches in which every cell is text. Does not belong here: which files belong together
(manifest.py, landing.py) and what a cell means (staging models). No message repeats the contents of
a cell: cells hold personal data.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from orchestration.lib.contract import LOADED_AT, Column, Table
from orchestration.lib.errors import BadInput

SUFFIXES = {".csv": "csv", ".parquet": "parquet"}
BATCH_ROWS = 122_880
CSV_BLOCK_BYTES = 16 * 1024 * 1024
TEXT_CHUNK_BYTES = 1024 * 1024
MICROSECONDS = pa.timestamp("us")
INSTANT_WIDTH = len("2026-01-31T23:59:59.000000")
# A raw file with a NUL byte is refused, so a row of NULs cannot be one of its own.
SENTINEL = "\0"


@dataclass(frozen=True)
class RawFile:
    """One raw file: its table, where it is, and its name in messages (below the raw root, forward
    slashes).

    `member` is the file inside a zip archive; the fingerprint is that of the archive.
    """

    table: str
    path: Path
    name: str
    kind: str
    member: str | None = None

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The bytes of the file; raises BadInput where an archive is damaged."""
        if self.member is None:
            with self.path.open("rb") as stream:
                yield stream
            return
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as stream:
                yield stream  # type: ignore[misc]
        except (zipfile.BadZipFile, zlib.error, EOFError):
            raise BadInput(f"{self.name}: the archive is damaged; fetch the file again") from None

    def fingerprint(self) -> str:
        """SHA-256 of the file's bytes, lower-case hexadecimal."""
        with self.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    @property
    def is_empty(self) -> bool:
        """True for a file without a single byte of content (a byte-order mark is none)."""
        if self.path.stat().st_size > 16:
            return False
        content = self.path.read_bytes()
        return not content.removeprefix(codecs.BOM_UTF8).strip()


@dataclass
class LoadedRange:
    """Earliest and latest readable `_loaded_at` (naive UTC) of some rows, and the rows without
    one."""

    first: datetime | None = None
    last: datetime | None = None
    unreadable: int = 0

    def include(self, instants: pa.Array) -> None:
        """Widen the range by an array of timestamps in microseconds."""
        found = pc.min_max(instants)
        self.unreadable += instants.null_count
        if found["min"].is_valid:
            first, last = found["min"].as_py(), found["max"].as_py()
            self.first = first if self.first is None else min(self.first, first)
            self.last = last if self.last is None else max(self.last, last)


@dataclass
class TextRows:
    """Rows of one file as text: `batches` holds the columns of the table in order, missing ones
    null.

    `loaded` is complete once the batches are used up, and None where `_loaded_at` is text in the
    file itself.
    """

    batches: Iterator[pa.RecordBatch]
    loaded: LoadedRange | None = None


@dataclass(frozen=True)
class Header:
    """Column names of a file as they stand there, and those the contract does not know."""

    names: list[str]
    extra: list[str] = field(default_factory=list)


def text_schema(table: Table) -> pa.Schema:
    """Schema of `table` with every column as text."""
    return pa.schema([(column.name, pa.string()) for column in table.all_columns])


# ----------------------------------------------------------------------------------------- headers


def read_header(file: RawFile, table: Table) -> Header:
    """Column names of `file`, checked against the contract.

    Raises BadInput for a file that does not read, a name that stands twice, or a missing required
    column.
    """
    names = _csv_header(file) if file.kind == "csv" else _parquet_schema(file).names
    _refuse_duplicates(file, names)
    known = {column.name for column in table.all_columns}
    extra = [name for name in names if name not in known]
    _refuse_missing(file, [name for name in table.needed_names if name not in names], extra)
    return Header(names, extra)


def _refuse_duplicates(file: RawFile, names: list[str]) -> None:
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise BadInput(
            f"{file.name}: column {', '.join(twice)} stands twice in the header; "
            "rename or drop one of them"
        )


def _refuse_missing(file: RawFile, missing: list[str], extra: list[str]) -> None:
    if not missing:
        return
    hints = [_likely_rename(name, extra) for name in missing]
    separator = _other_separator(extra)
    if separator:
        hints = [f" (the header is separated by {separator}; separate columns by commas)"]
    raise BadInput(
        f"{file.name}: required column {', '.join(missing)} is missing{''.join(hints)}; "
        "name the columns as in docs/raw-contract.md"
    )


def _likely_rename(missing: str, extra: list[str]) -> str:
    near = difflib.get_close_matches(missing, [name.strip().lower() for name in extra], 1, 0.6)
    found = next((name for name in extra if near and name.strip().lower() == near[0]), None)
    return f" (is {found!r} the renamed {missing}?)" if found else ""


def _other_separator(extra: list[str]) -> str | None:
    separators = {";": "semicolons", "\t": "tabs", "|": "bars"}
    if len(extra) != 1:
        return None
    return next((name for sign, name in separators.items() if sign in extra[0]), None)


def _csv_header(file: RawFile) -> list[str]:
    names, _ = _csv_header_rows(file)
    return names


def _csv_header_rows(file: RawFile) -> tuple[list[str], int]:
    """Names in the first row that is not blank, and the number of rows up to it."""
    with file.open() as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        try:
            for number, names in enumerate(csv.reader(text), start=1):
                if names:
                    return names, number
        except (csv.Error, UnicodeDecodeError):
            raise BadInput(
                f"{file.name}: the header does not read as CSV in UTF-8; save it so"
            ) from None
    raise BadInput(f"{file.name}: the file has no header; write at least the header row")


def _parquet_schema(file: RawFile) -> pa.Schema:
    try:
        return pq.read_schema(file.path)
    except (pa.ArrowException, OSError, ValueError):
        raise _damaged_parquet(file) from None


def _damaged_parquet(file: RawFile) -> BadInput:
    return BadInput(
        f"{file.name}: the file is cut or damaged and does not read as Parquet; land it again"
    )


# ------------------------------------------------------------------------------------- whole files


def check_text(file: RawFile, is_vouched: bool = False) -> None:
    """Check that a CSV file is UTF-8 without NUL bytes and ends with a line break; other kinds are
    passed.

    A file cut inside its last cell has a last row that looks whole, so a last line without an end
    is refused, unless `is_vouched`: a manifest has told the hash of the whole file. Raises
    BadInput.
    """
    if file.kind != "csv":
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, last = 1, b""
    with file.open() as stream:
        while chunk := stream.read(TEXT_CHUNK_BYTES):
            if b"\0" in chunk and not _is_utf16(file):
                line = lines + chunk[: chunk.index(b"\0")].count(b"\n")
                raise BadInput(
                    f"{file.name}: line {line} has a NUL byte; the file is damaged, land it again"
                )
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                raise _not_utf8(file, lines + chunk[: error.start].count(b"\n")) from None
            lines += chunk.count(b"\n")
            last = chunk
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise _not_utf8(file, lines) from None
    if not is_vouched and not last.endswith((b"\n", b"\r")):
        raise BadInput(
            f"{file.name}: line {lines} does not end with a line break, so the file may be cut; "
            "land it whole, or list it in manifest.jsonl"
        )


def _is_utf16(file: RawFile) -> bool:
    with file.open() as stream:
        return stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _not_utf8(file: RawFile, line: int) -> BadInput:
    return BadInput(f"{file.name}: line {line} is not UTF-8; save the file in UTF-8")


# -------------------------------------------------------------------------------------------- rows


def read_rows(file: RawFile, table: Table) -> TextRows:
    """Rows of `file` as text, batch by batch, so that memory does not grow with the file.

    The header must have been checked. The batches raise BadInput for a row that does not fit the
    header, a quotation that never ends, a damaged page, or a column that has no text form.
    """
    if file.is_empty:
        return TextRows(iter(()))
    if file.kind == "csv":
        return TextRows(_csv_batches(file, table))
    return _parquet_rows(file, table)


class _WithSentinel(io.RawIOBase):
    """A byte stream followed by one more line; a file that ends inside a quotation swallows it."""

    def __init__(self, stream: BinaryIO, line: bytes) -> None:
        self._stream = stream
        self._line = io.BytesIO(line)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self._stream.read(len(buffer)) or self._line.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _csv_batches(file: RawFile, table: Table) -> Iterator[pa.RecordBatch]:
    names, header_rows = _csv_header_rows(file)
    schema = text_schema(table)
    ragged: list[tuple[int | None, int, int]] = []

    def note(row: pacsv.InvalidRow) -> str:
        # pyarrow's own message repeats the row, so the row is noted and skipped, and refused below.
        ragged.append((row.number, row.expected_columns, row.actual_columns))
        return "skip"

    sentinel = b"\n" + ",".join([SENTINEL] * len(names)).encode() + b"\n"
    pending: pa.RecordBatch | None = None
    with file.open() as stream:
        whole = io.BufferedReader(_WithSentinel(stream, sentinel), TEXT_CHUNK_BYTES)
        try:
            reader = pacsv.open_csv(
                whole,
                read_options=pacsv.ReadOptions(
                    use_threads=False,
                    block_size=CSV_BLOCK_BYTES,
                    column_names=_distinct(names),
                    skip_rows_after_names=header_rows,
                ),
                parse_options=pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=note),
                convert_options=pacsv.ConvertOptions(
                    column_types=schema,
                    include_columns=schema.names,
                    include_missing_columns=True,
                    strings_can_be_null=False,
                ),
            )
            for batch in reader:
                _refuse_ragged(file, ragged, header_rows)
                if batch.num_rows == 0:
                    continue
                if pending is not None:
                    yield pending
                pending = batch
        except pa.ArrowInvalid:
            _refuse_ragged(file, ragged, header_rows)
            raise BadInput(
                f"{file.name}: a row is longer than {CSV_BLOCK_BYTES // 2**20} MiB; "
                "a quotation mark may be missing at its end"
            ) from None
    _refuse_ragged(file, ragged, header_rows)
    if pending is None or not _is_sentinel(pending):
        raise BadInput(
            f"{file.name}: the file ends inside a quoted cell; "
            "it is cut, or a quotation mark is missing"
        )
    if pending.num_rows > 1:
        yield pending.slice(0, pending.num_rows - 1)


def _distinct(names: list[str]) -> list[str]:
    # Nameless columns (an index somebody wrote) may stand more than once; they are never read.
    return [name or f"\0{place}" for place, name in enumerate(names)]


def _is_sentinel(batch: pa.RecordBatch) -> bool:
    last = batch.slice(batch.num_rows - 1, 1).to_pylist()[0]
    return all(cell is None or cell == SENTINEL for cell in last.values())


def _refuse_ragged(
    file: RawFile, ragged: list[tuple[int | None, int, int]], header_rows: int
) -> None:
    if not ragged:
        return
    number, expected, actual = ragged[0]
    where = f"data row {number - header_rows}" if number is not None else "a row"
    raise BadInput(
        f"{file.name}: {where} has {actual} cell{'' if actual == 1 else 's'} where the header has "
        f"{expected} columns; the file is cut, or a comma in a cell is not quoted"
    )


def _parquet_rows(file: RawFile, table: Table) -> TextRows:
    loaded_type = _parquet_schema(file).field(LOADED_AT).type if table.load_columns else None
    is_typed = pa.types.is_timestamp(loaded_type) and loaded_type.tz is not None
    loaded = LoadedRange() if is_typed else None
    return TextRows(_parquet_batches(file, table, loaded), loaded)


def _parquet_batches(
    file: RawFile, table: Table, loaded: LoadedRange | None
) -> Iterator[pa.RecordBatch]:
    schema = text_schema(table)
    rows = 0
    try:
        with pq.ParquetFile(file.path, page_checksum_verification=True) as parquet:
            present = set(parquet.schema_arrow.names)
            columns = [column.name for column in table.all_columns if column.name in present]
            for batch in parquet.iter_batches(batch_size=BATCH_ROWS, columns=columns):
                rows += batch.num_rows
                if loaded is not None:
                    loaded.include(_microseconds(batch[LOADED_AT]))
                yield pa.RecordBatch.from_arrays(
                    [
                        _text_column(file, batch, column)
                        if column.name in present
                        else pa.nulls(batch.num_rows, pa.string())
                        for column in table.all_columns
                    ],
                    schema=schema,
                )
            promised = parquet.metadata.num_rows
    except (pa.ArrowException, OSError, MemoryError):
        raise _damaged_parquet(file) from None
    if rows != promised:
        raise _damaged_parquet(file)


def _text_column(file: RawFile, batch: pa.RecordBatch, column: Column) -> pa.Array:
    cells = batch[column.name]
    try:
        text = as_text(cells, column.type == "date")
    except (pa.ArrowNotImplementedError, pa.ArrowTypeError):
        raise BadInput(
            f"{file.name}: column {column.name} is of the Parquet type {cells.type}; "
            "write it as text or in the type of the raw contract"
        ) from None
    except pa.ArrowInvalid:
        raise BadInput(f"{file.name}: column {column.name} has text that is not UTF-8") from None
    if _holds_nul(text):
        raise BadInput(
            f"{file.name}: column {column.name} has a NUL byte; the file is damaged, land it again"
        )
    return text


# ----------------------------------------------------------------------------------- cells to text


def as_text(cells: pa.Array, is_date: bool = False) -> pa.Array:
    """Cells of a Parquet column as the text a CSV file would hold; nulls stay null.

    Instants become ISO 8601 with microseconds, with `Z` where the column has a zone and without an
    offset where it has none. `is_date`: an instant at midnight becomes a date. Raises pyarrow's
    errors for types that have no text form and for text that is not UTF-8.
    """
    if isinstance(cells, pa.ExtensionArray):
        cells = cells.storage
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    kind = cells.type
    if pa.types.is_timestamp(kind):
        return _instants_as_text(cells, is_date)
    if pa.types.is_floating(kind):
        return _floats_as_text(cells)
    if pa.types.is_decimal(kind):
        return _decimals_as_text(cells)
    if pa.types.is_nested(kind) or pa.types.is_fixed_size_binary(kind):
        raise pa.ArrowNotImplementedError("no text form")
    text = pc.cast(cells, pa.string())
    text.validate(full=True)
    return text


def _microseconds(instants: pa.Array) -> pa.Array:
    """Timestamps of any unit and zone as naive UTC microseconds."""
    zone = instants.type.tz
    exact = pc.cast(instants, pa.timestamp("us", tz=zone), safe=False)
    return pc.cast(exact, MICROSECONDS)


def _instants_as_text(instants: pa.Array, is_date: bool) -> pa.Array:
    # Casting a naive column is ten times faster than casting one with a zone or strftime.
    naive = _microseconds(instants)
    text = pc.binary_replace_slice(pc.cast(naive, pa.string()), 10, 11, "T")
    if instants.type.tz is not None:
        text = pc.binary_replace_slice(text, INSTANT_WIDTH, INSTANT_WIDTH, "Z")
    if not is_date:
        return text
    days = pc.cast(naive, pa.date32(), safe=False)
    is_midnight = pc.equal(pc.cast(days, MICROSECONDS), naive)
    return pc.if_else(is_midnight, pc.cast(days, pa.string()), text)


def _floats_as_text(numbers: pa.Array) -> pa.Array:
    wide = pc.cast(numbers, pa.float64())
    text = pc.cast(numbers, pa.string())
    # A whole number reads as one: 300 and 1000000000000000, not 1e+15.
    is_whole = pc.and_(pc.equal(pc.floor(wide), wide), pc.less(pc.abs(wide), 9e18))
    whole = pc.cast(pc.if_else(is_whole, wide, 0.0), pa.int64())
    return pc.if_else(pc.fill_null(is_whole, False), pc.cast(whole, pa.string()), text)


def _decimals_as_text(numbers: pa.Array) -> pa.Array:
    text = pc.cast(numbers, pa.string())
    if not pc.any(pc.match_substring(text, "E")).as_py():
        return text
    plain = [None if cell is None else format(Decimal(cell), "f") for cell in text.to_pylist()]
    return pa.array(plain, pa.string())


def _holds_nul(text: pa.Array) -> bool:
    data = text.buffers()[2]
    if data is None or len(text) == 0:
        return False
    offsets = np.frombuffer(text.buffers()[1], dtype=np.int32)
    start, end = offsets[text.offset], offsets[text.offset + len(text)]
    return bool((np.frombuffer(data, dtype=np.uint8)[start:end] == 0).any())
