"""Raw files in, typed rows out: cells read, faulty rows set aside, one version of each key chosen.

Belongs here: the raw contract as the reference understands it (types, keys, faults, versions, rows
that hang on others). Does not belong here: what rows mean for a metric. Quarantined rows are left
out without a trace, because their counts are no part of the reference.

A row is a dict of column -> value (str, bool, int, Fraction, date, UTC datetime or None), plus
`_loaded_at` (UTC datetime), `_sequence` (int; -1 where absent) and `_deleted` (bool).
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.reference.workforce import governing_version, with_ends, without_overlaps

Row = dict[str, Any]
Tables = dict[str, list[Row]]

NULLS = {"", "N/A", "NULL", "-"}
FUTURE_TOLERANCE = timedelta(minutes=5)
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
INTEGER = re.compile(r"[+-]?\d+")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

# table -> (key, {column: type}). A type with `?` may be null; `!` marks the times of events, which
# cannot lie after the row was loaded. Enums list their values.
CONTRACT: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "agents": (("agent_id",), {"agent_id": "id", "hired_on": "date", "is_bot": "boolean"}),
    "agent_assignments": (
        ("agent_id", "valid_from"),
        {
            "agent_id": "id",
            "valid_from": "date",
            "valid_to": "date?",
            "team_id": "id",
            "tier": "T1|T2|T3",
        },
    ),
    "teams": (
        ("team_id",),
        {"team_id": "id", "team_name": "text", "manager_id": "id", "timezone": "text"},
    ),
    "tickets": (
        ("ticket_id",),
        {
            "ticket_id": "id",
            "created_at": "time!",
            "channel": "text",
            "contact_type": "text",
            "severity": "text",
            "customer_id": "id?",
            "origin": "customer|agent|system",
            "is_spam": "boolean",
            "is_test": "boolean",
            "merged_into_ticket_id": "id?",
        },
    ),
    "ticket_events": (
        ("event_id",),
        {
            "event_id": "id",
            "ticket_id": "id",
            "occurred_at": "time!",
            "event_type": (
                "assigned|replied|customer_replied|escalated|solved|reopened|closed"
                "|severity_changed|contact_type_changed"
            ),
            "agent_id": "id?",
            "from_value": "id?",
            "to_value": "id?",
        },
    ),
    "interactions": (
        ("interaction_id",),
        {
            "interaction_id": "id",
            "ticket_id": "id",
            "agent_id": "id",
            "channel": "text",
            "started_at": "time!",
            "ended_at": "time!",
            "talk_seconds": "integer",
            "hold_seconds": "integer",
            "wrap_seconds": "integer",
        },
    ),
    "qa_evaluations": (
        ("evaluation_id",),
        {
            "evaluation_id": "id",
            "ticket_id": "id",
            "agent_id": "id",
            "evaluator_id": "id",
            "interaction_at": "time!",
            "evaluated_at": "time!",
            "form_version": "text",
            "status": "draft|final|disputed|void",
            "is_calibration": "boolean",
        },
    ),
    "qa_criterion_scores": (
        ("evaluation_id", "criterion"),
        {
            "evaluation_id": "id",
            "criterion": "id",
            "sub_dimension": (
                "accuracy|tone|process_adherence|resolution_completeness|documentation"
            ),
            "score": "number?",
            "max_score": "number?",
            "weight": "number",
            "is_applicable": "boolean",
            "is_critical_error": "boolean",
        },
    ),
    "surveys": (
        ("survey_id",),
        {
            "survey_id": "id",
            "ticket_id": "id",
            "agent_id": "id?",
            "sent_at": "time!",
            "responded_at": "time?!",
            "score": "number?",
            "scale_min": "number?",
            "scale_max": "number?",
        },
    ),
    "schedule_segments": (
        ("segment_id",),
        {
            "segment_id": "id",
            "agent_id": "id",
            "starts_at": "time",
            "ends_at": "time",
            "activity": "contact_handling|meeting|training|coaching|break|leave",
            "published_at": "time",
        },
    ),
    "agent_states": (
        ("state_id",),
        {
            "state_id": "id",
            "agent_id": "id",
            "starts_at": "time!",
            "ends_at": "time?!",
            "state": "text",
        },
    ),
    "absences": (
        ("absence_id",),
        {
            "absence_id": "id",
            "agent_id": "id",
            "absent_on": "date",
            "hours": "number",
            "kind": "planned|unplanned",
        },
    ),
    "training_assignments": (
        ("assignment_id",),
        {
            "assignment_id": "id",
            "agent_id": "id",
            "module": "text",
            "assigned_at": "time",
            "due_on": "date",
            "completed_at": "time?!",
            "is_waived": "boolean",
        },
    ),
    "kb_contributions": (
        ("contribution_id",),
        {
            "contribution_id": "id",
            "agent_id": "id",
            "article_id": "id",
            "action": "drafted|reviewed|flagged",
            "occurred_at": "time!",
            "is_accepted": "boolean",
        },
    ),
    "development_goals": (
        ("goal_id",),
        {
            "goal_id": "id",
            "agent_id": "id",
            "metric": "text?",
            "description": "text",
            "agreed_on": "date",
            "due_on": "date",
            "baseline": "number",
            "target": "number",
            "current_value": "number",
            "weight": "number",
            "status": "active|met|cancelled",
        },
    ),
}


class FaultyRowError(Exception):
    """A row with a cell that cannot count; the message is the reason it is set aside for."""


# Files and cells


def read_files(folder: Path) -> list[dict[str, Any]]:
    """All rows of the CSV and Parquet files of one table, cells as found; no folder, no rows."""
    rows: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows += csv.DictReader(file)
    for path in sorted(folder.glob("*.parquet")):
        rows += pq.read_table(path).to_pylist()
    return rows


def read_time(cell: Any) -> datetime:
    if not isinstance(cell, datetime):
        try:
            cell = datetime.fromisoformat(cell)
        except ValueError:
            raise FaultyRowError("unparseable") from None
    if cell.tzinfo is None:
        raise FaultyRowError("naive_timestamp")
    return cell.astimezone(UTC)


def read_date(cell: Any) -> date:
    if isinstance(cell, date):
        return cell
    try:
        if not DAY.fullmatch(cell):
            raise ValueError
        return date.fromisoformat(cell)
    except ValueError:
        raise FaultyRowError("unparseable") from None


def read_number(cell: Any) -> Fraction:
    text = str(cell)
    if re.fullmatch(r"[+-]?(nan|inf|infinity)", text, re.IGNORECASE):
        raise FaultyRowError("not_finite")
    if not NUMBER.fullmatch(text):
        raise FaultyRowError("unparseable")
    return Fraction(text)


def read_integer(cell: Any) -> int:
    number = read_number(cell)
    if number.denominator != 1:
        raise FaultyRowError("unparseable")
    return int(number)


def read_boolean(cell: Any) -> bool:
    try:
        return {"true": True, "1": True, "false": False, "0": False}[str(cell).lower()]
    except KeyError:
        raise FaultyRowError("unparseable") from None


READERS: dict[str, Callable[[Any], Any]] = {
    "id": str,
    "text": str,
    "time": read_time,
    "date": read_date,
    "number": read_number,
    "integer": read_integer,
    "boolean": read_boolean,
}


def read_text(cell: Any) -> Any:
    """The cell without blanks around it, None where it is empty."""
    if isinstance(cell, str):
        cell = cell.strip()
    return None if cell is None or cell in NULLS else cell


def read_cell(cell: Any, kind: str) -> Any:
    """The value of a cell of the type `kind` of `CONTRACT`; FaultyRowError where it has none."""
    cell = read_text(cell)
    if cell is None:
        if "?" in kind:
            return None
        raise FaultyRowError("missing_value")
    kind = kind.rstrip("?!")
    if kind in READERS:
        return READERS[kind](cell)
    if cell not in kind.split("|"):
        raise FaultyRowError("unparseable")
    return cell


# Faults of a row's own cells


def is_later(one: Any, other: Any) -> bool:
    return one is not None and other is not None and one > other


def own_fault(table: str, row: Row) -> str | None:
    """What is wrong with a row whose cells could all be read, judged on the row alone."""
    for column, kind in CONTRACT[table][1].items():
        if "!" in kind and is_later(row[column], row["_loaded_at"] + FUTURE_TOLERANCE):
            return "future"
    if table == "surveys":
        low = Fraction(1) if row["scale_min"] is None else row["scale_min"]
        high = Fraction(5) if row["scale_max"] is None else row["scale_max"]
        row["scale_max"] = high
        if row["score"] is not None and not low <= row["score"] <= high:
            return "off_scale"
        if is_later(row["sent_at"], row["responded_at"]):
            return "answered_before_sent"
    if table == "qa_criterion_scores" and row["is_applicable"]:
        if row["score"] is None or row["max_score"] is None:
            return "missing_value"
        if not 0 <= row["score"] <= row["max_score"]:
            return "off_scale"
    if table == "training_assignments" and is_later(row["assigned_at"], row["completed_at"]):
        return "completed_before_assigned"
    if table == "development_goals" and row["target"] == row["baseline"]:
        return "target_equals_baseline"
    spells = ("agent_states", "schedule_segments")
    if table in spells and is_later(row["starts_at"], row["ends_at"]):
        return "ends_before_start"
    return None


def typed_row(table: str, raw: dict[str, Any]) -> Row:
    """The raw row with its cells read; FaultyRowError where the row cannot count."""
    key, columns = CONTRACT[table]
    row: Row = {
        "_loaded_at": read_cell(raw.get("_loaded_at"), "time"),
        "_deleted": bool(read_cell(raw.get("_deleted"), "boolean?")),
        "_sequence": read_cell(raw.get("_sequence"), "integer?"),
    }
    if row["_sequence"] is None:
        row["_sequence"] = -1
    # A tombstone needs no more than its key.
    wanted = {column: columns[column] for column in key} if row["_deleted"] else columns
    row |= {column: read_cell(raw.get(column), kind) for column, kind in wanted.items()}
    if row["_deleted"]:
        # Its other cells count for nothing, but two tombstones may contradict each other in them.
        row["_cells"] = tuple(read_text(raw.get(column)) for column in columns)
    reason = None if row["_deleted"] else own_fault(table, row)
    if reason:
        raise FaultyRowError(reason)
    return row


# Versions


def key_of(table: str, row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(row[column] for column in CONTRACT[table][0])


def without_conflicts(versions: Iterable[Row]) -> list[Row]:
    """Versions of one key, oldest first: exact repeats once, contradicting ones not at all."""
    by_stamp: dict[tuple[datetime, int], list[Row]] = defaultdict(list)
    for row in versions:
        by_stamp[row["_loaded_at"], row["_sequence"]].append(row)
    return [
        by_stamp[stamp][0]
        for stamp in sorted(by_stamp)
        if all(row == by_stamp[stamp][0] for row in by_stamp[stamp])
    ]


def good_versions(
    table: str, raws: Iterable[dict[str, Any]], as_of: datetime, state_names: set[str]
) -> tuple[dict[tuple, list[Row]], set[tuple]]:
    """(key -> its good versions, oldest first; the keys that have a row but no good version)."""
    by_key: dict[tuple, list[Row]] = defaultdict(list)
    seen: set[tuple] = set()
    for raw in raws:
        try:
            seen.add(tuple(read_cell(raw[column], "id") for column in CONTRACT[table][0]))
            row = typed_row(table, raw)
            if table == "agent_states" and row.get("state", "") not in {*state_names, ""}:
                raise FaultyRowError("unknown_state")
        except FaultyRowError:
            continue
        if row["_loaded_at"] <= as_of:
            by_key[key_of(table, row)].append(row)
    versions = {key: without_conflicts(rows) for key, rows in by_key.items()}
    versions = {key: rows for key, rows in versions.items() if rows}
    return versions, {key for key in seen if key not in versions}


def in_merge_cycle(ticket_id: str, merged_into: dict[str, str | None]) -> bool:
    """Whether following the merges from a ticket leads back to it."""
    passed = set()
    following = merged_into.get(ticket_id)
    while following is not None and following not in passed:
        if following == ticket_id:
            return True
        passed.add(following)
        following = merged_into.get(following)
    return False


def read_raw(raw_root: Path) -> dict[str, list[dict[str, Any]]]:
    """All raw rows by table, cells as found."""
    folders = sorted(path for path in raw_root.iterdir() if path.is_dir())
    return {folder.name: read_files(folder) for folder in folders}


def latest_load(raw: dict[str, list[dict[str, Any]]], bound: datetime | None = None) -> datetime:
    """The greatest `_loaded_at` of all raw rows, of those at or before `bound` where one is given:
    as_of of a run."""
    stamps = []
    for rows in raw.values():
        for cell in {row["_loaded_at"] for row in rows}:
            try:
                stamps.append(read_cell(cell, "time"))
            except FaultyRowError:
                continue
    return max(stamp for stamp in stamps if bound is None or stamp <= bound)


def rows_that_count(
    raw: dict[str, list[dict[str, Any]]], state_names: set[str], as_of: datetime
) -> Tables:
    """The rows that count, by table. `state_names`: the states of the seed agent_state_map.

    One row per key, deleted keys left out, with two exceptions: tickets that are deleted stay (with
    `_deleted`), so that rows on them are known; development_goals keeps every version.
    """
    versions: dict[str, dict[tuple, list[Row]]] = {}
    without_good_version: dict[str, set[tuple]] = {}
    for table in CONTRACT:
        versions[table], without_good_version[table] = good_versions(
            table, raw.get(table, []), as_of, state_names
        )
    current = {table: [rows[-1] for rows in by_key.values()] for table, by_key in versions.items()}
    tables = {
        table: [row for row in rows if not row["_deleted"]] for table, rows in current.items()
    }

    merged_into = {row["ticket_id"]: row["merged_into_ticket_id"] for row in tables["tickets"]}
    tables["tickets"] = [
        row for row in current["tickets"] if not in_merge_cycle(row["ticket_id"], merged_into)
    ]
    tickets = {row["ticket_id"]: row for row in tables["tickets"]}
    for table in ("ticket_events", "interactions", "qa_evaluations", "surveys"):
        tables[table] = [row for row in tables[table] if row["ticket_id"] in tickets]
    tables["ticket_events"] = [
        row for row in tables["ticket_events"] if not before_creation(row, tickets)
    ]

    spoiled = {key[0] for key in without_good_version["qa_criterion_scores"]}
    tables["qa_evaluations"] = [
        row for row in tables["qa_evaluations"] if row["evaluation_id"] not in spoiled
    ]

    first_load = {
        table: {key[0]: rows[0]["_loaded_at"] for key, rows in versions[table].items()}
        for table in ("agent_states", "schedule_segments")
    }
    tables["agent_states"] = without_overlaps(
        with_ends(tables["agent_states"]), "state_id", first_load["agent_states"]
    )
    governing = [governing_version(rows) for rows in versions["schedule_segments"].values()]
    tables["schedule_segments"] = without_overlaps(
        [row for row in governing if row is not None],
        "segment_id",
        first_load["schedule_segments"],
    )
    tables["development_goals"] = [
        row for rows in versions["development_goals"].values() for row in rows
    ]
    return tables


def before_creation(event: Row, tickets: dict[str, Row]) -> bool:
    """A solve, or a close that may act as one, of a ticket that did not exist yet."""
    ticket = tickets[event["ticket_id"]]
    return (
        event["event_type"] in ("solved", "closed")
        and not ticket["_deleted"]
        and event["occurred_at"] < ticket["created_at"]
    )


# Seeds


def read_seed(seed_root: Path, name: str) -> list[dict[str, str]]:
    with (seed_root / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def read_seeds(seed_root: Path) -> Tables:
    """The seeds the scorecards need, typed."""
    return {
        "scorecard_versions": [
            {"version": row["version"], "effective_from": read_date(row["effective_from"])}
            for row in read_seed(seed_root, "scorecard_versions")
        ],
        "scorecard_metrics": [
            {
                "version": row["version"],
                "metric": row["metric"],
                "dimension": row["dimension"],
                "weight": read_number(row["weight"]),
                "target": read_number(row["target"]),
                "floor": read_number(row["floor"]),
                "direction": row["direction"],
                "minimum_sample": read_integer(row["minimum_sample"]),
                "is_key": read_boolean(row["is_key"]),
                "gate_threshold": (
                    read_number(row["gate_threshold"]) if row["gate_threshold"].strip() else None
                ),
            }
            for row in read_seed(seed_root, "scorecard_metrics")
        ],
        "band_rules": [
            {
                "version": row["version"],
                "parameter": row["parameter"],
                "value": read_number(row["value"]),
            }
            for row in read_seed(seed_root, "band_rules")
        ],
        "contact_types": [
            {
                "contact_type": row["contact_type"],
                "contact_family": row["contact_family"],
                "is_escalation_by_design": read_boolean(row["is_escalation_by_design"]),
            }
            for row in read_seed(seed_root, "contact_types")
        ],
        "agent_state_map": [
            {
                "state": row["state"],
                "is_productive": read_boolean(row["is_available"])
                or read_boolean(row["is_handling"]),
            }
            for row in read_seed(seed_root, "agent_state_map")
        ],
    }
