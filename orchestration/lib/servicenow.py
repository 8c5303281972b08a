"""Where the ServiceNow audit log is and what columns it has.

Belongs here: finding the one log below the raw root and its shape as a raw table. Does not belong
here: what the columns mean; the adapter's staging models turn them into the raw contract.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from orchestration.lib.contract import Column, Table
from orchestration.lib.errors import BadInput
from orchestration.lib.raw_files import RawFile

LOG_TABLE = "servicenow_incident_event_log"
LOG_STEM = "incident_event_log"
# The log has no loader's stamp: the time of the update stands for it, day first and in UTC.
LOG_LOADED_AT = "sys_updated_at"
LOG_LOADED_AT_FORMAT = "%d/%m/%Y %H:%M"

# Tables of the raw contract the adapter derives from the log.
FILLED_TABLES = ("agents", "agent_assignments", "teams", "tickets", "ticket_events")

LOG_COLUMNS = (
    "number",
    "incident_state",
    "active",
    "reassignment_count",
    "reopen_count",
    "sys_mod_count",
    "made_sla",
    "caller_id",
    "opened_by",
    "opened_at",
    "sys_created_by",
    "sys_created_at",
    "sys_updated_by",
    "sys_updated_at",
    "contact_type",
    "location",
    "category",
    "subcategory",
    "u_symptom",
    "cmdb_ci",
    "impact",
    "urgency",
    "priority",
    "assignment_group",
    "assigned_to",
    "knowledge",
    "u_priority_confirmation",
    "notify",
    "problem_id",
    "rfc",
    "vendor",
    "caused_by",
    "closed_code",
    "resolved_by",
    "resolved_at",
    "closed_at",
)


def log_table() -> Table:
    """The log as a raw table: 36 columns of text, in the order of the export."""
    columns = tuple(Column(name=name, type="text") for name in LOG_COLUMNS)
    return Table(name=LOG_TABLE, key=(), required=True, columns=columns, load_columns=())


def find_log(raw_root: Path) -> RawFile:
    """The log at `raw_root`: a .csv or .zip file, or a folder with exactly one incident_event_log
    of either.

    Raises BadInput where there is none, or more than one.
    """
    path = _only_log_in(raw_root) if raw_root.is_dir() else raw_root
    if not path.is_file():
        raise BadInput(f"CX_RAW_ROOT: {raw_root.name} does not exist; {_REMEDY}")
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".zip"):
        raise BadInput(f"CX_RAW_ROOT: {path.name} is neither .csv nor .zip; {_REMEDY}")
    member = _only_csv_in(path) if suffix == ".zip" else None
    return RawFile(table=LOG_TABLE, path=path, name=path.name, kind="csv", member=member)


_REMEDY = f"give {LOG_STEM}.csv, {LOG_STEM}.zip, or a folder with exactly one of them"


def _only_log_in(folder: Path) -> Path:
    found = [folder / f"{LOG_STEM}{suffix}" for suffix in (".csv", ".zip")]
    found = [path for path in found if path.is_file()]
    if len(found) != 1:
        how_many = "no" if not found else "more than one"
        raise BadInput(f"CX_RAW_ROOT: {folder.name} holds {how_many} {LOG_STEM}; {_REMEDY}")
    return found[0]


def _only_csv_in(archive_path: Path) -> str:
    try:
        with zipfile.ZipFile(archive_path) as archive:
            members = [name for name in archive.namelist() if name.lower().endswith(".csv")]
    except (zipfile.BadZipFile, OSError):
        raise BadInput(
            f"{archive_path.name}: the archive is cut or damaged; fetch it again"
        ) from None
    if len(members) != 1:
        raise BadInput(
            f"{archive_path.name}: the archive holds {len(members)} CSV files; "
            "it must hold exactly one"
        )
    return members[0]
