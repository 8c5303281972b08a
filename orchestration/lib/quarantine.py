"""Rows set aside: what is new to a run, what releases before it set aside, and where they stand.

Belongs here: the memory of what published releases took in and set aside, the small tables by which
the models judge a batch, the refusal of a batch over its budget, and the list an operator reads.
Does not belong here: which rows are set aside (staging and int_rows__*), and how much of a table
may be (int_release__budgets). No cell is copied but keys and state codes: cells hold personal data.

    quarantine/<release_id>/  files.parquet (inventory), rows.parquet (file and row of every row set
                              aside), of published releases; readable by the owner alone
    landing/_run/batch_*      files, releases and quarantined_rows, for the models

The memory is copied out of the warehouse when the next run starts: until then nothing overwrites
it, and a run that dies on the way leaves it to the one after.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.lib import releases
from orchestration.lib.errors import BadInput, Fault, one_per_line
from orchestration.lib.files import STAGING_PREFIX, remove_tree
from orchestration.lib.landing import LandedFile, all_tables, query, read_inventory
from orchestration.lib.settings import make_private

if TYPE_CHECKING:
    from orchestration.lib.settings import Settings

FILES, ROWS = "files.parquet", "rows.parquet"
RUN_FOLDER = "_run"
PLACE = [
    ("raw_table", pa.string()),
    ("raw_file", pa.string()),
    ("sha256", pa.string()),
]
FILES_SCHEMA = pa.schema(PLACE)
ROWS_SCHEMA = pa.schema([*PLACE, ("raw_row", pa.int64()), ("reason", pa.string())])
BATCH_FILES_SCHEMA = pa.schema(
    [("raw_table", pa.string()), ("raw_file", pa.string()), ("is_new", pa.bool_())]
)
RELEASES_SCHEMA = pa.schema(
    [
        ("release_id", pa.string()),
        ("as_of", pa.timestamp("us")),
        ("quarantined_count", pa.int64()),
    ]
)
# A name somebody gave a state; what looks otherwise is not repeated.
CODE = re.compile(r"[A-Za-z0-9_.-]{1,40}")
SHOWN_CODES = 10
# The dbt test that fails where a batch is over its budget.
BUDGET_TEST = "assert_quarantine_is_within_budget"


@dataclass(frozen=True)
class QuarantinedRow:
    """One row set aside: where it stands, its key as it came, why, and the column that does not
    read (None where the fault is not one of a single cell)."""

    raw_table: str
    raw_file: str
    raw_row: int
    key: str
    reason: str
    column: str | None

    @property
    def place(self) -> str:
        return f"{self.raw_file} row {self.raw_row}"


# --------------------------------------------------------------------------------------- the memory


def memory_root(settings: Settings) -> Path:
    """Folder of what published releases took in and set aside."""
    return settings.state_root / "quarantine"


def remember(settings: Settings) -> str | None:
    """Keep what the warehouse holds of a published release, where it is not kept yet.

    Returns the release's id. A warehouse without these tables, or whose build was not published, is
    passed over: then there is nothing to remember.
    """
    if not settings.warehouse_path.exists():
        return None
    make_private(memory_root(settings))
    try:
        with _warehouse(settings) as connection:
            release = _one(connection, "select release_id from w.staging.stg_landing__runs")
            folder = memory_root(settings) / release
            if folder.is_dir() or not releases.is_published(settings, release):
                return None
            staging = folder.with_name(f"{STAGING_PREFIX}{release}-{os.getpid()}")
            remove_tree(staging)
            make_private(staging)
            _copy(connection, _FILES_NOW, staging / FILES)
            _copy(connection, _ROWS_NOW, staging / ROWS)
    except duckdb.Error:
        return None
    os.replace(staging, folder)
    _forget(settings)
    return release


_FILES_NOW = """
    select raw_table, raw_file, sha256
    from w.staging.stg_landing__files
    order by raw_table, raw_file
"""
_ROWS_NOW = """
    select raw_table, raw_file, files.sha256, rows.raw_row, rows.reason
    from w.intermediate.int_rows__quarantined as rows
    join w.staging.stg_landing__files as files using (raw_table, raw_file)
    order by raw_table, raw_file, raw_row
"""


def _forget(settings: Settings) -> None:
    """Remove what is kept of releases that are no longer there, and what a killed run left."""
    for folder in memory_root(settings).iterdir():
        if folder.name.startswith(STAGING_PREFIX) or not releases.is_published(
            settings, folder.name
        ):
            remove_tree(folder)


def accepted_until(settings: Settings) -> dict[tuple[str, str], datetime]:
    """For every file a published release rests on, by table and sha256: the latest as_of (naive
    UTC) at which one did. Its rows loaded until then were judged with that release's batch.
    """
    known: dict[tuple[str, str], datetime] = {}
    for release in releases.list_releases(settings):
        path = memory_root(settings) / release.release_id / FILES
        for row in _read(path, FILES_SCHEMA):
            key = (row["raw_table"], row["sha256"])
            known[key] = max(known.get(key, release.as_of), release.as_of)
    return known


# ---------------------------------------------------------------------------------------- the batch


def write_batch(settings: Settings) -> None:
    """Write what the models judge the batch of the run by, as prepared in the run table.

    A file is new where no published release rests on it, or where it holds rows loaded after every
    one that does. What the release before set aside is handed on with its count as published.
    """
    remember(settings)
    inventory = read_inventory(settings.landing_root / "_files" / FILES)
    before = releases.release_before(settings, releases.read_run(settings))
    opening: list[dict] = []
    facts: list[dict] = []
    if before is not None:
        rows = memory_root(settings) / before.release_id / ROWS
        opening = _read(rows, ROWS_SCHEMA)
        # Without the list nobody can say which of its rows have healed.
        count = _published_count(before) if rows.exists() else None
        facts = [
            {"release_id": before.release_id, "as_of": before.as_of, "quarantined_count": count}
        ]
    accepted = accepted_until(settings)
    files = [
        {"raw_table": row.raw_table, "raw_file": row.file, "is_new": is_new(row, accepted)}
        for row in inventory
    ]
    _write(settings, "files", BATCH_FILES_SCHEMA, files)
    _write(settings, "releases", RELEASES_SCHEMA, facts)
    _write(settings, "quarantined_rows", ROWS_SCHEMA, opening)


def is_new(file: LandedFile, accepted: Mapping[tuple[str, str], datetime]) -> bool:
    """Whether rows of the file have not been judged with a published release yet."""
    until = accepted.get(file.key)
    return until is None or (file.last_loaded_at is not None and file.last_loaded_at > until)


def new_files(settings: Settings) -> list[tuple[str, str]]:
    """Table and landed Parquet of every file that is new to the run, in the inventory's order."""
    accepted = accepted_until(settings)
    return [
        (row.raw_table, str(settings.landing_root / row.raw_table / f"{row.sha256[:16]}.parquet"))
        for row in read_inventory(settings.landing_root / "_files" / FILES)
        if is_new(row, accepted)
    ]


def _published_count(release: releases.Release) -> int:
    by_table = releases.read_manifest(release.folder)["rows_by_disposition"]
    return sum(
        count
        for dispositions in by_table.values()
        for disposition, count in dispositions.items()
        if disposition.startswith("quarantined:")
    )


# --------------------------------------------------------------------------------------- the budget


def refuse_over_budget(settings: Settings) -> None:
    """Raise BadInput where the build found more rows of a batch set aside than its budget allows.

    The message names every table, its reasons by column, and the first row of each. Reads the
    warehouse as built; without the budgets there is nothing to say.
    """
    try:
        with _warehouse(settings) as connection:
            over = connection.execute(
                "select raw_table, batch_rows, counted_rows, allowed_rows"
                " from w.intermediate.int_release__budgets where not is_within order by raw_table"
            ).fetchall()
            lines = [line for table in over for line in _explained(connection, settings, *table)]
    except duckdb.Error:
        return
    if lines:
        raise BadInput(one_per_line(lines))


def _explained(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    table: str,
    rows: int,
    counted: int,
    allowed: int,
) -> Iterator[str]:
    yield (
        f"{table}: {counted} of {rows} new rows cannot be used, and {allowed} may be set aside; "
        "take the files below away or replace them by corrected ones, then run again "
        "(docs/operations.md, rows set aside)"
    )
    reasons = connection.execute(
        """
        select reason, fault_column, count(*), min(raw_file),
            arg_min(raw_row, (raw_file, raw_row)), count(distinct raw_file)
        from w.intermediate.int_rows__quarantined
        join w.staging.stg_batch__files as files using (raw_table, raw_file)
        where raw_table = $table and files.is_new
        group by reason, fault_column order by count(*) desc, reason, fault_column nulls first
        """,
        {"table": table},
    ).fetchall()
    for reason, column, count, file, row, files in reasons:
        cell = "" if column is None else f" column {column},"
        more = "" if count == 1 else f" and {count - 1} more row{'s' if count > 2 else ''}"
        spread = f"{more} in {files} files" if files > 1 else more
        codes = _codes(connection, settings) if reason == "unknown_state" else ""
        yield f"  {file} row {row}:{cell} {reason}{spread}{codes}"


def _codes(connection: duckdb.DuckDBPyConnection, settings: Settings) -> str:
    """The state codes that agent_state_map does not list: a gap of the configuration."""
    places = connection.execute(
        """
        select raw_file, raw_row from w.intermediate.int_rows__quarantined
        join w.staging.stg_batch__files as files using (raw_table, raw_file)
        where raw_table = 'agent_states' and reason = 'unknown_state' and files.is_new
        """
    ).fetchall()
    found = _landed_text(settings, "agent_states", "trim(state)", places)
    codes = sorted({code for code in found.values() if CODE.fullmatch(code)})
    if not codes:
        return ""
    more = f" and {len(codes) - SHOWN_CODES} more" if len(codes) > SHOWN_CODES else ""
    return f"; add {', '.join(codes[:SHOWN_CODES])}{more} to agent_state_map.csv"


# ----------------------------------------------------------------------------------------- the list


def quarantined_rows(settings: Settings, table: str | None = None) -> list[QuarantinedRow]:
    """Rows the last build set aside, of one raw table or of all, with the key each came with.

    Raises Fault where the warehouse has not been built, BadInput for an unknown table.
    """
    tables = all_tables()
    if table is not None and table not in tables:
        raise BadInput(f"{table}: no table of the raw contract; choose one of {', '.join(tables)}")
    try:
        with _warehouse(settings) as connection:
            found = connection.execute(
                "select raw_table, raw_file, raw_row, reason, fault_column"
                " from w.intermediate.int_rows__quarantined"
                " where raw_table = coalesce($table, raw_table)"
                " order by raw_table, raw_file, raw_row",
                {"table": table},
            ).fetchall()
    except duckdb.Error:
        raise Fault("the warehouse was not built yet, or is in use: run `cx run` first") from None
    keys = {name: _keys(settings, name, found) for name in sorted({row[0] for row in found})}
    return [
        QuarantinedRow(name, file, row, keys[name].get((file, row), ""), reason, column)
        for name, file, row, reason, column in found
    ]


def _keys(settings: Settings, table: str, rows: Iterable[Sequence]) -> dict[tuple[str, int], str]:
    """Keys by file and row, as they stand in the landed text."""
    columns = all_tables()[table].key
    if not columns:
        return {}
    key = " || ' ' || ".join(f"coalesce(trim({column}), '')" for column in columns)
    return _landed_text(settings, table, key, [(row[1], row[2]) for row in rows if row[0] == table])


def _landed_text(
    settings: Settings, table: str, text: str, places: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], str]:
    """What the SQL expression `text` says of some landed rows, by file and row."""
    found = query(
        f"select _file, _row, coalesce({text}, '') from read_parquet($landed)"
        " where _file in (select unnest($files)) and _row in (select unnest($rows))",
        {
            "landed": str(settings.landing_root / table / "*.parquet"),
            "files": sorted({file for file, _ in places}),
            "rows": sorted({row for _, row in places}),
        },
    )
    wanted = set(places)
    return {(file, row): said for file, row, said in found if (file, row) in wanted}


# ------------------------------------------------------------------------------------------- small


@contextmanager
def _warehouse(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own with the warehouse attached as `w`, read only."""
    path = str(settings.warehouse_path).replace("'", "''")
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach '{path}' as w (read_only)")
        yield connection


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    rows = connection.execute(sql).fetchall()
    return rows[0][0] if rows else ""


def _copy(connection: duckdb.DuckDBPyConnection, sql: str, path: Path) -> None:
    target = str(path).replace("'", "''")
    connection.execute(f"copy ({sql}) to '{target}' (format parquet, compression zstd)")


def _read(path: Path, schema: pa.Schema) -> list[dict]:
    try:
        return pq.read_table(path, schema=schema).to_pylist()
    except (pa.ArrowException, OSError):
        # Then the release counts as one whose rows are not known: more is judged, never less.
        return []


def _write(settings: Settings, name: str, schema: pa.Schema, rows: list[dict]) -> None:
    folder = make_private(settings.landing_root / RUN_FOLDER)
    part = folder / f".{name}.{os.getpid()}"
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), part)
    os.replace(part, folder / f"batch_{name}.parquet")
