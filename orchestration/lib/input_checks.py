"""Checks of landed rows that stop a run before anything is built.

Belongs here: faults after which no figure would be right - of agents, their assignments and teams,
severities without a target, scores on another scale. Does not belong here: rows that can be
quarantined one by one (staging models) and how many may be (quarantine.py), the reference data by
itself (configuration.py), files (landing.py). Messages name file and row, never the contents of a
cell.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from orchestration.lib.configuration import (
    check_severities,
    known_severities,
    known_timezones,
)
from orchestration.lib.contract import Column, Table, load_contract
from orchestration.lib.errors import BadInput, one_per_line
from orchestration.lib.landing import all_tables, loaded_at_expression, query
from orchestration.lib.quarantine import new_files, write_batch
from orchestration.lib.servicenow import LOG_TABLE
from orchestration.lib.settings import Settings

# What a cell may hold to say nothing (raw contract, spelling).
NOTHING = ("", "N/A", "NULL", "-")
DATE_PATTERN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
INTEGER_PATTERN = re.compile(r"[+-]?[0-9]+([.]0+)?")
# Fewer marks than this may all be low; a form that goes up to less may have marks of 0 and 1 alone.
LEAST_MARKS = 20
LEAST_SCALE = 5


@dataclass(frozen=True)
class LandedRow:
    """One visible row of a strict table: cleaned cells (None = empty) and where it stands."""

    place: str
    cells: Mapping[str, str | None]
    loaded_at: datetime | None

    def __getitem__(self, column: str) -> str | None:
        return self.cells[column]

    @property
    def is_deleted(self) -> bool:
        """True for a tombstone."""
        return (self["_deleted"] or "").lower() in ("true", "1")

    @property
    def version(self) -> tuple[datetime, int]:
        """What orders the versions of a key: load stamp, then sequence, none first."""
        sequence = self["_sequence"]
        return (self.loaded_at or datetime.min, -1 if sequence is None else int(float(sequence)))


def check_inputs(settings: Settings, as_of: datetime) -> list[str]:
    """Check what is landed and visible at `as_of` (with a zone); returns warnings.

    What passed is written down as the batch that the models judge. Raises BadInput listing the
    faults.
    """
    instant = as_of.astimezone(UTC).replace(tzinfo=None)
    warnings = check_people(settings, instant)
    check_scales(settings)
    check_severities(settings.seed_root, severities_without_target(settings, instant))
    write_batch(settings)
    return warnings


# ------------------------------------------------------------------------------------------ people


def check_people(settings: Settings, as_of: datetime) -> list[str]:
    """Refuse faults in agents, agent_assignments and teams visible at `as_of` (naive UTC).

    These tables have no quarantine: without an agent's team no fact of theirs has a place. Returns
    warnings; raises BadInput.
    """
    if settings.ticketing_source != "native":
        return []
    contract = load_contract()
    strict = [table for table in contract.tables.values() if table.strict]
    rows = {table.name: _visible_rows(settings, table, as_of) for table in strict}
    faults = [fault for table in strict for fault in _cell_faults(table, rows[table.name])]
    if not faults:
        faults = [fault for table in strict for fault in _conflicts(table, rows[table.name])]
    if faults:
        raise BadInput(one_per_line(faults))
    current = {table.name: _current(table, rows[table.name]) for table in strict}
    agents, teams = current["agents"], current["teams"]
    assignments = current["agent_assignments"]
    faults = [
        *_employment_faults(agents),
        *_timezone_faults(teams),
        *_team_faults(assignments, teams),
        *_assignment_faults(assignments),
    ]
    if faults:
        raise BadInput(one_per_line(faults))
    return _strangers(assignments, agents)


def _visible_rows(settings: Settings, table: Table, as_of: datetime) -> list[LandedRow]:
    names = [column.name for column in table.all_columns]
    found = query(
        f"select {', '.join(names)}, _file, _row, instant "
        f"from (select *, {loaded_at_expression(table)} as instant from read_parquet($files)) "
        "where instant is null or instant <= $as_of order by _file, _row",
        {"files": _landed(settings, table.name), "as_of": as_of},
    )
    return [
        LandedRow(
            place=f"{row[-3]} row {row[-2]}",
            cells={name: _cleaned(cell) for name, cell in zip(names, row, strict=False)},
            loaded_at=row[-1],
        )
        for row in found
    ]


def _landed(settings: Settings, table: str) -> str:
    return str(settings.landing_root / table / "*.parquet")


def _cleaned(cell: str | None) -> str | None:
    text = (cell or "").strip(" ")
    return None if text in NOTHING else text


# --- cells


def _cell_faults(table: Table, rows: Iterable[LandedRow]) -> list[str]:
    return [
        f"{row.place}: column {column.name} {reason}; land a corrected row"
        for row in rows
        for column in table.all_columns
        if (reason := _cell_fault(table, row, column))
    ]


def _cell_fault(table: Table, row: LandedRow, column: Column) -> str | None:
    is_needed_of_tombstone = column.name in table.key or column in table.load_columns
    if row.is_deleted and not is_needed_of_tombstone:
        return None
    cell = row[column.name]
    if cell is None:
        return None if column.nullable else "is empty"
    if column in table.load_columns and column.type == "timestamp":
        return None if row.loaded_at else "is no instant in ISO 8601 with an offset"
    expected = _unread(column, cell)
    return f"does not read as {expected}" if expected else None


def _unread(column: Column, cell: str) -> str | None:
    """What the cell should be, where it is not."""
    if column.type == "enum":
        return None if cell in column.values else f"one of {', '.join(column.values)}"
    reads, expected = _READERS[column.type]
    return None if reads(cell) else expected


def _is_date(cell: str) -> bool:
    if not DATE_PATTERN.fullmatch(cell):
        return False
    try:
        date.fromisoformat(cell)
    except ValueError:
        return False
    return True


# The types the three tables use; a new one fails loudly here.
_READERS: dict[str, tuple[Callable[[str], bool], str]] = {
    "id": (bool, "text"),
    "text": (bool, "text"),
    "date": (_is_date, "a date like 2026-01-31"),
    "boolean": (lambda cell: cell.lower() in ("true", "false", "1", "0"), "true or false"),
    "integer": (lambda cell: INTEGER_PATTERN.fullmatch(cell) is not None, "a whole number"),
}


# --- versions


def _key(table: Table, row: LandedRow) -> tuple[str | None, ...]:
    return tuple(row[column] for column in table.key)


def _payload(table: Table, row: LandedRow) -> tuple[object, ...]:
    return (row.is_deleted, *(_value(column, row[column.name]) for column in table.columns))


def _value(column: Column, cell: str | None) -> object:
    """The cell in its type: true and 1 are the same payload."""
    return cell if cell is None or column.type != "boolean" else cell.lower() in ("true", "1")


def _conflicts(table: Table, rows: Iterable[LandedRow]) -> list[str]:
    first: dict[tuple, LandedRow] = {}
    faults = []
    for row in rows:
        before = first.setdefault((_key(table, row), row.version), row)
        if _payload(table, before) != _payload(table, row):
            faults.append(
                f"{row.place}: another content than {before.place} under the same key, _loaded_at "
                "and _sequence; land one row with a later _loaded_at"
            )
    return faults


def _current(table: Table, rows: Iterable[LandedRow]) -> list[LandedRow]:
    """The latest version of every key, tombstones left out."""
    latest: dict[tuple, LandedRow] = {}
    for row in rows:
        before = latest.setdefault(_key(table, row), row)
        if row.version > before.version:
            latest[_key(table, row)] = row
    return [row for row in latest.values() if not row.is_deleted]


# --- rows against each other


def _employment_faults(agents: Iterable[LandedRow]) -> list[str]:
    return [
        f"{row.place}: left_on is before hired_on; land a corrected row"
        for row in agents
        if row["left_on"] is not None and row["left_on"] < row["hired_on"]
    ]


def _timezone_faults(teams: Iterable[LandedRow]) -> list[str]:
    known = known_timezones()
    return [
        f"{row.place}: column timezone is no IANA timezone, such as Europe/London; "
        "land a corrected row"
        for row in teams
        if row["timezone"] not in known
    ]


def _team_faults(assignments: Iterable[LandedRow], teams: Iterable[LandedRow]) -> list[str]:
    known = {row["team_id"] for row in teams}
    return [
        f"{row.place}: column team_id names no row of teams; land the team or correct the row"
        for row in assignments
        if row["team_id"] not in known
    ]


def _assignment_faults(assignments: Iterable[LandedRow]) -> list[str]:
    """Assignments that end before they begin, or overlap another of the same agent by date."""
    faults = []
    by_agent: dict[str | None, list[LandedRow]] = defaultdict(list)
    for row in assignments:
        if row["valid_to"] is not None and row["valid_to"] < row["valid_from"]:
            faults.append(f"{row.place}: valid_to is before valid_from; land a corrected row")
        elif row["valid_to"] != row["valid_from"]:
            by_agent[row["agent_id"]].append(row)
    for rows in by_agent.values():
        rows.sort(key=lambda row: row["valid_from"] or "")
        lasting = rows[0]
        for row in rows[1:]:
            if lasting["valid_to"] is None or row["valid_from"] < lasting["valid_to"]:
                faults.append(
                    f"{row.place}: overlaps the assignment of {lasting.place}; "
                    "end the earlier one on the day the later one begins"
                )
            if _end(row) > _end(lasting):
                lasting = row
    return faults


def _end(row: LandedRow) -> str:
    return row["valid_to"] or "9999-12-31"


def _strangers(assignments: Iterable[LandedRow], agents: Iterable[LandedRow]) -> list[str]:
    known = {row["agent_id"] for row in agents}
    unknown = [row for row in assignments if row["agent_id"] not in known]
    if not unknown:
        return []
    warning = (
        f"{unknown[0].place}: the agent is not in agents ({len(unknown)} such rows); "
        "nothing is credited to them until they are"
    )
    return [warning]


# ------------------------------------------------------------------------------------------ scales

# Tables with a mark and the column that says how far it can go, with its default.
SCALES = {"qa_criterion_scores": ("max_score", None), "surveys": ("scale_max", 5)}


def check_scales(settings: Settings) -> None:
    """Refuse files new to the run in which every mark is a share of 1, on scales that go further.

    Each mark by itself is possible, so no row could be set aside for it; all of them would count
    as failures. Raises BadInput.
    """
    faults = [
        fault
        for table, landed in new_files(settings)
        if table in SCALES and (fault := _scale_fault(landed, *SCALES[table]))
    ]
    if faults:
        raise BadInput(one_per_line(faults))


def _scale_fault(landed: str, limit: str, default: int | None) -> str | None:
    file, marks, highest, has_shares = query(
        f"""
        with marks as (
            select _file, try_cast(trim(score) as double) as mark,
                coalesce(try_cast(trim({limit}) as double), $default) as highest
            from read_parquet($landed)
        )
        select min(_file), count(*), max(mark), coalesce(bool_or(mark > 0 and mark < 1), false)
        from marks
        where isfinite(mark) and highest >= $least
        """,
        {"landed": landed, "default": default, "least": LEAST_SCALE},
    )[0]
    if marks < LEAST_MARKS or highest > 1 or not has_shares:
        return None
    return (
        f"{file}: column score holds shares from 0 to 1 in all of {marks} rows, but {limit} says "
        f"that marks go up to {LEAST_SCALE} and more; land the file again with scores on that scale"
    )


# -------------------------------------------------------------------------------------- severities


@dataclass(frozen=True)
class _Severities:
    """Where severities stand: a landed table, its key (none = no versions), column and
    condition."""

    table: str
    key: str | None
    column: str
    condition: str = "true"


NATIVE_SEVERITIES = (
    _Severities("tickets", "ticket_id", "severity"),
    _Severities("ticket_events", "event_id", "to_value", "event_type = 'severity_changed'"),
)
LOG_SEVERITIES = (_Severities(LOG_TABLE, None, "priority", "priority <> '?'"),)


def severities_without_target(settings: Settings, as_of: datetime) -> set[str]:
    """Severities of current rows visible at `as_of` (naive UTC) that sla_targets does not know."""
    known = sorted(known_severities(settings.seed_root))
    places = NATIVE_SEVERITIES if settings.ticketing_source == "native" else LOG_SEVERITIES
    return {name for place in places for name in _unknown_values(settings, place, known, as_of)}


def _unknown_values(
    settings: Settings, place: _Severities, known: list[str], as_of: datetime
) -> list[str]:
    """Only keys that ever had an unknown value are looked at version by version: mostly none."""
    files = _landed(settings, place.table)
    value = f"trim({place.column})"
    odd = (
        f"{place.condition} and {value} not in (select unnest($known)) "
        f"and {value} not in (select unnest($nothing))"
    )
    parameters = {"files": files, "known": known, "nothing": list(NOTHING)}
    if place.key is None:
        sql = f"select distinct {value} from read_parquet($files) where {odd}"
        return [row[0] for row in query(sql, parameters)]
    key = f"trim({place.key})"
    suspects = query(f"select distinct {key} from read_parquet($files) where {odd}", parameters)
    if not suspects:
        return []
    instant = loaded_at_expression(all_tables()[place.table])
    found = query(
        f"""
        with versions as (
            select {key} as key, {value} as value, {instant} as instant,
                coalesce(try_cast(_sequence as bigint), -1) as sequence,
                lower(coalesce(trim(_deleted), '')) in ('true', '1') as is_deleted,
                {place.condition} as has_severity
            from read_parquet($files)
            where {key} in (select unnest($suspects))
        )
        select distinct value from (
            select * from versions
            where instant <= $as_of
            qualify row_number() over (partition by key order by instant desc, sequence desc) = 1
        )
        where has_severity and not is_deleted and value not in (select unnest($known))
            and value not in (select unnest($nothing))
        """,
        {**parameters, "suspects": [row[0] for row in suspects], "as_of": as_of},
    )
    return [row[0] for row in found]
