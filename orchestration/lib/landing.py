"""Ingest: raw files become landing Parquet, an inventory of files and the facts of the run.

Belongs here: which files are new, that every check comes before anything is written, what as_of is.
Does not belong here: how one file is read (raw_files.py), the manifest (manifest.py), what the run
makes of it (run_plan.py), and what a cell means (staging models): cells are landed as they stand.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.lib.contract import LOADED_AT, Table, load_contract
from orchestration.lib.errors import BadInput, Fault, one_per_line
from orchestration.lib.files import hash_file
from orchestration.lib.manifest import MANIFEST_NAME, Entry, check_files, check_rows, read_manifest
from orchestration.lib.raw_files import (
    SUFFIXES,
    LoadedRange,
    RawFile,
    check_text,
    read_header,
    read_rows,
    text_schema,
)
from orchestration.lib.run_plan import (
    Restatement,
    RunPlan,
    files_to_read,
    history_from,
    plan_run,
)
from orchestration.lib.servicenow import (
    FILLED_TABLES,
    LOG_LOADED_AT,
    LOG_LOADED_AT_FORMAT,
    LOG_TABLE,
    find_log,
    log_table,
)
from orchestration.lib.settings import Settings, make_private
from orchestration.lib.vintages import Vintage, write_tables

# Always there, so that a table without files reads as an empty one.
EMPTY_NAME = "0000000000000000.parquet"
# The same text staging accepts for an instant (macro read_instant).
INSTANT_PATTERN = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?"
    "(Z|[+-][0-9]{2}(:?[0-9]{2})?)$"
)
# Metadata of the inventory: the release its files make, and the hash of its rows.
RELEASE_KEY = b"release_id"
ROWS_KEY = b"rows_sha256"
# Folder of links to the landed files that an incremental build reads.
NEW = "_new"
OWN_FOLDERS = ("_files", "_run", NEW)

INVENTORY_SCHEMA = pa.schema(
    [
        ("raw_table", pa.string()),
        ("file", pa.string()),
        ("sha256", pa.string()),
        ("rows", pa.int64()),
        ("batch_id", pa.string()),
        ("first_loaded_at", pa.timestamp("us")),
        ("last_loaded_at", pa.timestamp("us")),
        ("unreadable_loaded_at", pa.int64()),
        ("size", pa.int64()),
        ("modified", pa.int64()),
        ("landed_sha256", pa.string()),
    ]
)
RUN_SCHEMA = pa.schema(
    [
        ("as_of", pa.timestamp("us")),
        ("release_id", pa.string()),
        ("ticketing_source", pa.string()),
        # Figures of the months after this one are built, those up to it stand as published ...
        ("closed_through", pa.date32()),
        # ... but for the one that is restated.
        ("restated_month", pa.date32()),
        ("restated_because", pa.string()),
        # First day whose facts are built; empty = all there are.
        ("history_from", pa.date32()),
    ]
)


class NothingVisible(BadInput):
    """The bound of the run lies before the first raw row."""


@dataclass(frozen=True)
class LandedFile:
    """One distinct raw file as landed: a row of the inventory. Instants are naive UTC.

    `unreadable_loaded_at` counts rows without a readable `_loaded_at`: no as_of hides them. `size`
    (bytes) and `modified` (nanoseconds) are those of the raw file when it was hashed;
    `landed_sha256` is the hash of its landing Parquet.
    """

    raw_table: str
    file: str
    sha256: str
    rows: int
    batch_id: str | None = None
    first_loaded_at: datetime | None = None
    last_loaded_at: datetime | None = None
    unreadable_loaded_at: int = 0
    size: int | None = None
    modified: int | None = None
    landed_sha256: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What makes a landed file one: its table and its content."""
        return (self.raw_table, self.sha256)

    def is_visible_at(self, as_of: datetime) -> bool:
        """True where a run at `as_of` (naive UTC) sees at least one of its rows."""
        is_loaded = self.first_loaded_at is not None and self.first_loaded_at <= as_of
        return is_loaded or self.unreadable_loaded_at > 0


@dataclass(frozen=True)
class IngestResult:
    """What a run works on.

    `as_of` has the zone UTC. `tables` gives the landed rows of every raw table, whether visible at
    as_of or not; `absent` names the optional tables without a file; `new_files` are paths below the
    raw root. `is_full` says that the warehouse has to be made again from all files; otherwise the
    build reads `files_read` of them.
    """

    as_of: datetime
    plan: RunPlan
    is_full: bool
    files_read: int
    tables: dict[str, int]
    new_files: list[str]
    absent: list[str]
    warnings: list[str] = field(default_factory=list)

    @property
    def release_id(self) -> str:
        """Identifier of the release the run makes."""
        return self.plan.release_id


@dataclass(frozen=True)
class _Batch:
    """Everything found below the raw root, before anything of it is believed."""

    tables: Mapping[str, Table]
    files: Sequence[RawFile]
    hashes: Mapping[str, str]
    manifest: Mapping[str, Entry] | None
    warnings: list[str]

    def batch_id(self, file: RawFile) -> str | None:
        """Batch the manifest names for the file."""
        return self.manifest[file.name].batch if self.manifest else None


def ingest(
    settings: Settings,
    bound: datetime | None = None,
    full: bool = False,
    vintages: Sequence[Vintage] = (),
    published: Sequence[dict[str, Any]] = (),
    restatement: Restatement | None = None,
) -> IngestResult:
    """Land what is new below the raw root and write what the models read of the run.

    `bound` (with a zone) hides rows loaded after it. `full` forgets what was landed before and
    reads every file again. `vintages` are the closed months, `published` the manifests of the kept
    releases. Running again over the same files changes nothing. Raises BadInput, before anything is
    written, for a batch that cannot be accepted.
    """
    if bound is not None and bound.tzinfo is None:
        raise ValueError("bound needs a timezone")
    with _faults_of_the_disk(), _fresh_work(settings) as work:
        known = {} if full else _by_key(read_inventory(inventory_path(settings)))
        batch = _find_batch(settings, known.values())
        _refuse_empty_files(batch)
        _refuse_changed_files(batch, {} if full else _published_inventory(settings))
        distinct = _distinct_files(batch)
        landed, parts = _convert_new(settings, batch, distinct, known, work)
        _warn_of_copies(batch, distinct, landed)
        _warn_of_vanished(batch, known)
        _check_row_counts(batch, distinct, landed)
        inventory = sorted(landed.values(), key=lambda row: (row.raw_table, row.file))
        as_of = _as_of(settings, inventory, bound, parts)
        plan = plan_run(settings, inventory, as_of, vintages, published, restatement)
        to_read = None if full else files_to_read(settings, inventory, as_of)
        _install(settings, inventory, parts)
        _link_new(settings, to_read or [])
        _keep_published_inventory(settings)
        _write_inventory(settings, inventory, plan.release_id)
        _write_run(settings, plan, full)
    return IngestResult(
        as_of=as_of.replace(tzinfo=UTC),
        plan=plan,
        is_full=to_read is None,
        files_read=len(inventory if to_read is None else to_read),
        tables=_rows_by_table(batch, inventory),
        new_files=sorted(landed[key].file for key in parts),
        absent=_absent(batch),
        warnings=batch.warnings,
    )


# ----------------------------------------------------------------------------------- what is there


def source_tables(settings: Settings) -> dict[str, Table]:
    """Raw tables the ticketing source fills, by name."""
    if settings.ticketing_source == "servicenow":
        return {LOG_TABLE: log_table()}
    return dict(load_contract().tables)


def all_tables() -> dict[str, Table]:
    """Every table that has a landing folder, whichever source feeds the warehouse."""
    return {**load_contract().tables, LOG_TABLE: log_table()}


def _find_batch(settings: Settings, known: Iterable[LandedFile]) -> _Batch:
    tables = source_tables(settings)
    warnings: list[str] = []
    if settings.ticketing_source == "servicenow":
        files, manifest = [find_log(settings.raw_root)], None
    else:
        _refuse_absent_root(settings.raw_root)
        files = _find_files(settings.raw_root, tables, warnings)
        manifest = read_manifest(settings.raw_root)
    hashes = _hashes(files, known)
    if manifest is not None:
        check_files(manifest, settings.raw_root, files, hashes)
    _refuse_absent_tables(tables, files)
    return _Batch(tables, files, hashes, manifest, warnings)


def _hashes(files: Iterable[RawFile], known: Iterable[LandedFile]) -> dict[str, str]:
    """sha256 of the files by name. One that was landed and still has its size and time is not read
    again: no run takes rows from there any more."""
    before = {row.file: row for row in known}
    found = {}
    for file in files:
        row = before.get(file.name)
        is_as_before = row is not None and (row.size, row.modified) == _stamp(file)
        found[file.name] = row.sha256 if row and is_as_before else file.fingerprint()
    return found


def _stamp(file: RawFile) -> tuple[int, int]:
    stat = file.path.stat()
    return (stat.st_size, stat.st_mtime_ns)


def _refuse_absent_root(raw_root: Path) -> None:
    if not raw_root.is_dir():
        raise BadInput(
            f"CX_RAW_ROOT: the folder {raw_root.name} does not exist; "
            "point it to the raw files, or make sample data"
        )


def _find_files(raw_root: Path, tables: Mapping[str, Table], warnings: list[str]) -> list[RawFile]:
    """Raw files of known tables, sorted by name; what else lies there is named in `warnings`."""
    files = []
    for entry in _visible(raw_root):
        if not entry.is_dir():
            if entry.name != MANIFEST_NAME:
                warnings.append(f"{entry.name}: not in the folder of a table; ignored")
        elif entry.name not in tables:
            warnings.append(f"{entry.name}/: no table of the raw contract; ignored")
        else:
            files += _files_of(entry, warnings)
    return sorted(files, key=lambda file: file.name)


def _files_of(folder: Path, warnings: list[str]) -> list[RawFile]:
    files = []
    for path in _visible(folder):
        name = f"{folder.name}/{path.name}"
        kind = SUFFIXES.get(path.suffix.lower())
        if kind is None or not path.is_file():
            warnings.append(f"{name}: neither a .csv nor a .parquet file; ignored")
        else:
            files.append(RawFile(folder.name, path, name, kind))
    return files


def _visible(folder: Path) -> list[Path]:
    # Loaders write under a leading _ or . until a file is whole.
    return sorted(path for path in folder.iterdir() if not path.name.startswith(("_", ".")))


def _refuse_absent_tables(tables: Mapping[str, Table], files: Sequence[RawFile]) -> None:
    present = {file.table for file in files}
    missing = [name for name, table in tables.items() if table.required and name not in present]
    if missing:
        raise BadInput(
            f"{', '.join(f'{name}/' for name in missing)}: required, but there is no file; "
            "land at least one .csv or .parquet file there"
        )


def _absent(batch: _Batch) -> list[str]:
    present = {file.table for file in batch.files}
    if LOG_TABLE in present:
        present.update(FILLED_TABLES)
    return [name for name in load_contract().tables if name not in present]


# ------------------------------------------------------------------------------- batch-wide checks


def _refuse_empty_files(batch: _Batch) -> None:
    faults = [
        f"{file.name}: the file is empty, and {file.table} is required; "
        f"land it again, or list it with zero rows in {MANIFEST_NAME}"
        for file in batch.files
        if file.is_empty and batch.tables[file.table].required and not _is_listed_empty(batch, file)
    ]
    if faults:
        raise BadInput(one_per_line(faults))


def _is_listed_empty(batch: _Batch, file: RawFile) -> bool:
    return batch.manifest is not None and batch.manifest[file.name].rows == 0


def _refuse_changed_files(batch: _Batch, published: Iterable[LandedFile]) -> None:
    published = list(published)
    landed = {row.file: row for row in published}
    delivered = {(row.raw_table, row.batch_id): row for row in published if row.batch_id}
    faults = []
    for file in batch.files:
        before = landed.get(file.name)
        if before is not None and before.sha256 != batch.hashes[file.name]:
            faults.append(
                f"{file.name}: the content has changed, but a file never changes once landed; "
                "land corrections as a new file, or run `cx run --full` to read all again"
            )
            continue
        same_batch = delivered.get((file.table, batch.batch_id(file)))
        if same_batch is not None and same_batch.sha256 != batch.hashes[file.name]:
            faults.append(
                f"{file.name}: its batch_id is already that of another content of {file.table}; "
                "give every delivery its own batch_id"
            )
    if faults:
        raise BadInput(one_per_line(faults))


def _distinct_files(batch: _Batch) -> dict[tuple[str, str], RawFile]:
    """Files by table and content; of several with the same content, the first by name."""
    distinct: dict[tuple[str, str], RawFile] = {}
    for file in batch.files:
        distinct.setdefault((file.table, batch.hashes[file.name]), file)
    return distinct


def _warn_of_copies(
    batch: _Batch,
    distinct: Mapping[tuple[str, str], RawFile],
    landed: Mapping[tuple[str, str], LandedFile],
) -> None:
    for file in batch.files:
        key = (file.table, batch.hashes[file.name])
        first = distinct[key]
        # Deliveries without rows are alike by nature.
        if first.name != file.name and landed[key].rows > 0:
            batch.warnings.append(f"{file.name}: the same content as {first.name}; read once")


def _warn_of_vanished(batch: _Batch, known: Mapping[tuple[str, str], LandedFile]) -> None:
    present = {file.name for file in batch.files}
    vanished = [
        row.file
        for row in known.values()
        if row.raw_table in batch.tables and row.file not in present
    ]
    if vanished:
        batch.warnings.append(
            f"{min(vanished)}: landed before and gone now ({_files(len(vanished))} in all); "
            "the rows count no longer"
        )


def _check_row_counts(
    batch: _Batch,
    distinct: Mapping[tuple[str, str], RawFile],
    landed: Mapping[tuple[str, str], LandedFile],
) -> None:
    rows = {file.name: landed[(file.table, batch.hashes[file.name])].rows for file in batch.files}
    if batch.manifest is not None:
        check_rows(batch.manifest, rows)
        return
    total: dict[str, int] = defaultdict(int)
    for file in distinct.values():
        total[file.table] += rows[file.name]
    without = [name for name, table in batch.tables.items() if table.required and not total[name]]
    if without:
        raise BadInput(
            f"{', '.join(f'{name}/' for name in without)}: required, but the files hold no row; "
            f"land the rows, or list the files with zero rows in {MANIFEST_NAME}"
        )


# -------------------------------------------------------------------------------- files to Parquet


def _convert_new(
    settings: Settings,
    batch: _Batch,
    distinct: Mapping[tuple[str, str], RawFile],
    known: Mapping[tuple[str, str], LandedFile],
    work: Path,
) -> tuple[dict[tuple[str, str], LandedFile], dict[tuple[str, str], Path]]:
    """The inventory of all distinct files, and where the Parquet of the new ones waits to be
    installed."""
    new = {
        key: file
        for key, file in distinct.items()
        if not _is_landed(settings, known.get(key), file, batch.tables[file.table])
    }
    _check_new(batch, list(new.values()))
    landed = {
        key: replace(
            known[key],
            batch_id=batch.batch_id(file),
            size=_stamp(file)[0],
            modified=_stamp(file)[1],
        )
        for key, file in distinct.items()
        if key not in new
    }
    parts: dict[tuple[str, str], Path] = {}
    for key, file in new.items():
        part = work / file.table / _landing_name(key[1])
        part.parent.mkdir(exist_ok=True)
        rows, loaded = _convert(file, batch.tables[file.table], part)
        landed[key] = LandedFile(
            raw_table=file.table,
            file=file.name,
            sha256=key[1],
            rows=rows,
            batch_id=batch.batch_id(file),
            first_loaded_at=loaded.first,
            last_loaded_at=loaded.last,
            unreadable_loaded_at=loaded.unreadable,
            size=_stamp(file)[0],
            modified=_stamp(file)[1],
            landed_sha256=hash_file(part),
        )
        parts[key] = part
    return landed, parts


def _check_new(batch: _Batch, files: Sequence[RawFile]) -> None:
    """Check text and header of files without reading their rows; columns that are extra become
    warnings of the batch. Raises BadInput for all faults."""
    faults: list[str] = []
    extra: dict[tuple[str, str], int] = defaultdict(int)
    for file in files:
        if file.is_empty:
            continue
        try:
            check_text(file, is_vouched=batch.manifest is not None)
            header = read_header(file, batch.tables[file.table])
        except BadInput as error:
            faults.append(error.message)
            continue
        for name in header.extra:
            extra[(file.table, name)] += 1
    if faults:
        raise BadInput(one_per_line(faults))
    for (table, name), count in sorted(extra.items()):
        shown = repr(name) if name else "without a name"
        batch.warnings.append(
            f"{table}: column {shown} is not in the raw contract; ignored ({_files(count)})"
        )


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _landing_name(sha256: str) -> str:
    return f"{sha256[:16]}.parquet"


def landing_schema(table: Table) -> pa.Schema:
    """Columns of a landed table: its own as text, then the file and the row (1-based) they stand
    in."""
    places = [pa.field("_file", pa.string()), pa.field("_row", pa.int64())]
    return pa.schema([*text_schema(table), *places])


def _is_landed(settings: Settings, known: LandedFile | None, file: RawFile, table: Table) -> bool:
    """True where the landing holds this file as it was landed, under this name and in today's
    columns."""
    if known is None or known.file != file.name:
        return False
    path = settings.landing_root / file.table / _landing_name(known.sha256)
    try:
        # A flipped bit may well decode, to other cells.
        if hash_file(path) != known.landed_sha256:
            return False
        with pq.ParquetFile(path) as landed:
            is_whole = landed.metadata.num_rows == known.rows
            return is_whole and landed.schema_arrow.equals(landing_schema(table))
    except (pa.ArrowException, OSError):
        return False


def _convert(file: RawFile, table: Table, target: Path) -> tuple[int, LoadedRange]:
    """Write `file` as landing Parquet; returns its rows and the range of its load stamps. Raises
    BadInput."""
    schema = landing_schema(table)
    text = read_rows(file, table)
    count = 0
    with pq.ParquetWriter(
        target,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=_repeating_columns(table),
        write_statistics=False,
    ) as writer:
        for batch in text.batches:
            rows = batch.num_rows
            names = pa.repeat(pa.scalar(file.name, pa.string()), rows)
            numbers = pa.array(np.arange(count + 1, count + rows + 1, dtype=np.int64))
            writer.write_batch(
                pa.RecordBatch.from_arrays([*batch.columns, names, numbers], schema=schema)
            )
            count += rows
    return count, text.loaded or _loaded_range(target, table)


def _repeating_columns(table: Table) -> list[str]:
    """Columns whose values repeat; a dictionary of the others costs half of the writing time and is
    dropped."""
    own = {*table.key, *([table.parent.column] if table.parent else [])}
    return [
        column.name
        for column in table.all_columns
        if column.type != "timestamp" and column.name not in own
    ] + ["_file"]


def _loaded_range(path: Path, table: Table) -> LoadedRange:
    """Range of the load stamps in landed text."""
    found = query(
        f"select min(instant), max(instant), count(*) - count(instant) "
        f"from (select {loaded_at_expression(table)} as instant from read_parquet($path))",
        {"path": str(path)},
    )[0]
    return LoadedRange(*found)


def loaded_at_expression(table: Table) -> str:
    """SQL that reads a landed row's load stamp as naive UTC, null where it does not read."""
    if not table.load_columns:
        return f"try_strptime({LOG_LOADED_AT}, '{LOG_LOADED_AT_FORMAT}')"
    return (
        f"case when regexp_matches(trim({LOADED_AT}), '{INSTANT_PATTERN}') "
        f"then timezone('UTC', try_cast(trim({LOADED_AT}) as timestamp with time zone)) end"
    )


def query(sql: str, parameters: Mapping[str, object]) -> list[tuple]:
    """Rows of one SQL query over landed Parquet, by a DuckDB of its own in the timezone UTC."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        return connection.execute(sql, dict(parameters)).fetchall()


# ------------------------------------------------------------------------------------------- as_of


def _as_of(
    settings: Settings,
    inventory: Iterable[LandedFile],
    bound: datetime | None,
    parts: Mapping[tuple[str, str], Path],
) -> datetime:
    """Greatest readable load stamp at or before `bound`, naive UTC. Raises BadInput where no row is
    visible."""
    limit = None if bound is None else bound.astimezone(UTC).replace(tzinfo=None)
    candidates = []
    for row in inventory:
        if row.last_loaded_at is None or row.first_loaded_at is None:
            continue
        if limit is None or row.last_loaded_at <= limit:
            candidates.append(row.last_loaded_at)
        elif row.first_loaded_at <= limit:
            path = parts.get(row.key) or _landing_path(settings, row)
            candidates.append(_last_before(path, all_tables()[row.raw_table], limit))
    if candidates:
        return max(candidates)
    if bound is None:
        raise BadInput(f"{LOADED_AT}: no row has a readable one; write UTC ISO 8601 with an offset")
    raise NothingVisible(
        f"no raw row was loaded at or before {bound.isoformat()}; choose a later day"
    )


def _last_before(path: Path, table: Table, limit: datetime) -> datetime:
    return query(
        f"select max(instant) from (select {loaded_at_expression(table)} as instant "
        "from read_parquet($path)) where instant <= $limit",
        {"path": str(path), "limit": limit},
    )[0][0]


# -------------------------------------------------------------------------------- the state folder


def read_inventory(path: Path) -> list[LandedFile]:
    """Landed files; empty where the inventory is missing, does not read or was changed."""
    try:
        rows = pq.read_table(path, schema=INVENTORY_SCHEMA).to_pylist()
        promised = pq.read_schema(path).metadata[ROWS_KEY].decode()
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError):
        # Then every file counts as new: the raw files are the truth, the landing is made from them.
        return []
    files = [LandedFile(**row) for row in rows]
    return files if _hash_of_rows(files) == promised else []


def _hash_of_rows(files: Sequence[LandedFile]) -> str:
    return hashlib.sha256("\n".join(map(repr, files)).encode()).hexdigest()


def inventory_path(settings: Settings) -> Path:
    return settings.landing_root / "_files" / "files.parquet"


def _published_inventory_path(settings: Settings) -> Path:
    return settings.landing_root / "_files" / "published.parquet"


def _published_inventory(settings: Settings) -> list[LandedFile]:
    """Files with rows in the release published last: these may not change any more.

    What was landed but refused later (by other checks, by the gate), or lies beyond the bound of
    that release, may still be mended in place.
    """
    path = inventory_path(settings)
    if not _is_published(settings, path):
        path = _published_inventory_path(settings)
    rows = read_inventory(path)
    if not rows:
        return []
    release = pq.read_schema(path).metadata[RELEASE_KEY].decode()
    # The id has whole seconds; as_of may have more.
    until = datetime.strptime(release.split("-")[0], "%Y%m%dT%H%M%SZ") + timedelta(seconds=1)
    return [row for row in rows if row.is_visible_at(until)]


def _keep_published_inventory(settings: Settings) -> None:
    """Keep the inventory that is about to be replaced, where its release was published."""
    files, kept = inventory_path(settings), _published_inventory_path(settings)
    if _is_published(settings, files):
        part = settings.work_root / "landing" / kept.name
        shutil.copyfile(files, part)
        os.replace(part, kept)


def _is_published(settings: Settings, inventory_path: Path) -> bool:
    try:
        release = pq.read_schema(inventory_path).metadata[RELEASE_KEY].decode()
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError):
        return False
    return (settings.releases_root / release).is_dir()


def _landing_path(settings: Settings, row: LandedFile) -> Path:
    return settings.landing_root / row.raw_table / _landing_name(row.sha256)


@contextmanager
def _fresh_work(settings: Settings) -> Iterator[Path]:
    """A private folder for files in the making, on the landing's disk; gone afterwards."""
    work = make_private(settings.work_root) / "landing"
    # A killed run leaves its own behind.
    shutil.rmtree(work, ignore_errors=True)
    try:
        yield make_private(work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _faults_of_the_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = error.filename or "CX_STATE_ROOT"
        reason = error.strerror or "reading or writing failed"
        raise Fault(f"{place}: {reason}; make room or give access, then run again") from error


def _install(
    settings: Settings, inventory: Sequence[LandedFile], parts: Mapping[tuple[str, str], Path]
) -> None:
    """Make the landing folder hold exactly the inventory: move new files in, take strangers
    away."""
    root = make_private(settings.landing_root)
    wanted = {_landing_path(settings, row) for row in inventory}
    for name, table in all_tables().items():
        folder = make_private(root / name)
        empty = folder / EMPTY_NAME
        _write_atomically(settings, empty, landing_schema(table).empty_table())
        wanted.add(empty)
    for (table_name, sha256), part in parts.items():
        os.replace(part, root / table_name / _landing_name(sha256))
    for folder in root.iterdir():
        if folder.name in OWN_FOLDERS:
            continue
        _remove_strangers(folder, wanted)


def _remove_strangers(folder: Path, wanted: set[Path]) -> None:
    if not folder.is_dir():
        folder.unlink()
        return
    for path in folder.iterdir():
        if path not in wanted:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()


def _by_key(inventory: Iterable[LandedFile]) -> dict[tuple[str, str], LandedFile]:
    return {row.key: row for row in inventory}


def _write_inventory(settings: Settings, inventory: Sequence[LandedFile], release: str) -> None:
    rows = [vars(row) for row in inventory]
    facts = {RELEASE_KEY: release, ROWS_KEY: _hash_of_rows(inventory)}
    schema = INVENTORY_SCHEMA.with_metadata(facts)
    table = pa.Table.from_pylist(rows, schema=schema)
    _write_atomically(settings, inventory_path(settings), table)


def _link_new(settings: Settings, files: Iterable[LandedFile]) -> None:
    """Make the folder of links hold exactly these landed files, and every table's empty one."""
    root = make_private(settings.landing_root / NEW)
    wanted = {root / name / EMPTY_NAME: EMPTY_NAME for name in all_tables()}
    for row in files:
        name = _landing_name(row.sha256)
        wanted[root / row.raw_table / name] = name
    for folder in root.iterdir():
        _remove_strangers(folder, set(wanted))
    for link, name in wanted.items():
        make_private(link.parent)
        # Relative, so that a state folder can be moved; anew, so that none is broken.
        link.unlink(missing_ok=True)
        link.symlink_to(Path("..") / ".." / link.parent.name / name)


def _write_run(settings: Settings, plan: RunPlan, full: bool) -> None:
    row = {
        "as_of": plan.as_of,
        "release_id": plan.release_id,
        "ticketing_source": settings.ticketing_source,
        "closed_through": plan.closed_through,
        "restated_month": plan.restates.period_month if plan.restates else None,
        "restated_because": plan.restates.reason if plan.restates else None,
        "history_from": history_from(plan, _open_plans_from(settings, plan), full),
    }
    table = pa.Table.from_pylist([row], schema=RUN_SCHEMA)
    _write_atomically(settings, settings.landing_root / "_run" / "run.parquet", table)
    work = make_private(settings.work_root / "landing" / "vintages")
    write_tables(plan.vintages, work)
    for path in sorted(work.iterdir()):
        os.replace(path, settings.landing_root / "_run" / f"vintage_{path.name}")


def _open_plans_from(settings: Settings, plan: RunPlan) -> date | None:
    """First opening day of the improvement plans whose outcome no closed month has settled."""
    if plan.first_built is None or settings.ticketing_source != "native":
        return None
    settled = [
        os.fspath(vintage.folder / "improvement_plan_outcomes.parquet") for vintage in plan.in_force
    ]
    return query(
        "select min(try_cast(trim(opened_on) as date)) from read_parquet($plans) "
        "where trim(plan_id) not in (select plan_id from read_parquet($settled))",
        {
            "plans": str(settings.landing_root / "improvement_plans" / "*.parquet"),
            "settled": settled,
        },
    )[0][0]


def _write_atomically(settings: Settings, target: Path, table: pa.Table) -> None:
    """Write a small table so that a reader finds the old file or the new one, never a part."""
    make_private(target.parent)
    part = settings.work_root / "landing" / f"{target.parent.name}-{target.name}"
    pq.write_table(table, part, compression="zstd")
    os.replace(part, target)


def _rows_by_table(batch: _Batch, inventory: Iterable[LandedFile]) -> dict[str, int]:
    rows = dict.fromkeys({**load_contract().tables, **batch.tables}, 0)
    for row in inventory:
        rows[row.raw_table] += row.rows
    return rows
