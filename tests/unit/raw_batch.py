"""A small valid batch of raw files for tests, and ways to spoil it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path

from orchestration.lib.contract import load_contract
from orchestration.lib.settings import Settings

# Stands in cells a message must never repeat.
CANARY = "canary.person@example.invalid"
LOADED_AT = "2026-03-01T06:00:00Z"

Row = dict[str, str]

AGENT: Row = {
    "agent_id": "A1",
    "full_name": "Agent One",
    "email": CANARY,
    "hired_on": "2025-01-01",
    "left_on": "",
    "exit_type": "",
    "is_bot": "false",
}
TEAM: Row = {
    "team_id": "G1",
    "team_name": "Team One",
    "manager_id": "M1",
    "timezone": "Europe/London",
}
ASSIGNMENT: Row = {
    "agent_id": "A1",
    "valid_from": "2025-01-01",
    "valid_to": "",
    "team_id": "G1",
    "tier": "T1",
}
TICKET: Row = {
    "ticket_id": "T1",
    "created_at": "2026-02-01T09:00:00Z",
    "channel": "email",
    "contact_type": "how_to",
    "severity": "normal",
    "customer_id": "C1",
    "origin": "customer",
    "is_spam": "false",
    "is_test": "false",
    "merged_into_ticket_id": "",
}
EVENT: Row = {
    "event_id": "E1",
    "ticket_id": "T1",
    "occurred_at": "2026-02-01T10:00:00Z",
    "event_type": "solved",
    "agent_id": "A1",
    "from_value": "",
    "to_value": "",
}
SURVEY: Row = {
    "survey_id": "V1",
    "ticket_id": "T1",
    "agent_id": "A1",
    "sent_at": "2026-02-01T11:00:00Z",
    "responded_at": "2026-02-01T12:00:00Z",
    "score": "5",
}
REQUIRED: dict[str, Row] = {
    "agents": AGENT,
    "agent_assignments": ASSIGNMENT,
    "teams": TEAM,
    "tickets": TICKET,
    "ticket_events": EVENT,
}


def stamped(row: Row, loaded_at: str = LOADED_AT, **changes: str) -> Row:
    """A row with its load stamp and some cells changed."""
    return {**row, "_loaded_at": loaded_at, **changes}


def csv_text(rows: list[Row]) -> str:
    """Rows as CSV with a header; the first row names the columns."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def write_csv(raw_root: Path, table: str, rows: list[Row], name: str = "1.csv") -> Path:
    """Write rows as `<table>/<name>` below the raw root."""
    return write_bytes(raw_root, table, csv_text(rows).encode(), name)


def write_bytes(raw_root: Path, table: str, content: bytes, name: str = "1.csv") -> Path:
    """Write bytes as `<table>/<name>` below the raw root."""
    path = raw_root / table / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def header_of(table: str) -> str:
    """The header line of a table with all its columns."""
    return ",".join(column.name for column in load_contract().tables[table].all_columns) + "\n"


def write_manifest(raw_root: Path, **changes: object) -> Path:
    """List every raw CSV file truthfully; `changes` replace values in the first line."""
    lines = []
    for path in sorted(raw_root.glob("*/*.csv")):
        content = path.read_bytes()
        rows = max(len(list(csv.reader(io.StringIO(content.decode())))) - 1, 0)
        name = path.relative_to(raw_root).as_posix()
        digest = hashlib.sha256(content).hexdigest()
        lines.append({"path": name, "sha256": digest, "rows": rows, "batch_id": name})
    lines[0] |= changes
    manifest = raw_root / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return manifest


def valid_batch(folder: Path) -> Settings:
    """Settings on a raw root in `folder` with one row in each required table."""
    settings = Settings(
        raw_root=folder / "raw", state_root=folder / "state", ticketing_source="native"
    )
    for table, row in REQUIRED.items():
        write_csv(settings.raw_root, table, [stamped(row)])
    return settings
