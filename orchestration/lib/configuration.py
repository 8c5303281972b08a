"""Checks of the reference data the business edits (seeds/*.csv), before anything is built.

Belongs here: every rule under which the nine seeds are accepted, and which of their contents earn a
warning. Does not belong here: how the figures use them (models) and raw data (landing.py,
people_checks.py). All faults are collected, each with file, line, reason and remedy: whoever edits
a seed mends it in one go.
"""

from __future__ import annotations

import csv
import difflib
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from orchestration.lib.errors import BadInput
from orchestration.lib.settings import Settings

DIMENSIONS = ("quality", "efficiency", "customer_impact", "development")
DIRECTIONS = ("higher", "lower", "band")
METRICS = (
    "qa_score",
    "qa_consistency",
    "critical_error_rate",
    "aht_index",
    "contacts_per_productive_hour",
    "schedule_adherence",
    "csat",
    "fcr_rate",
    "escalation_rate",
    "repeat_contact_rate",
    "training_completion_rate",
    "kb_contributions",
    "goal_progress",
)
# What people are busy with, not what comes of it. Shown as context or by team; points for it would
# pay for being busy.
ACTIVITY_METRICS = (
    "average_handle_seconds",
    "backlog",
    "contacts_handled",
    "handle_seconds",
    "hours_worked",
    "occupancy",
    "productive_hours",
    "scheduled_hours",
    "tickets_closed",
    "tickets_solved",
    "volume_handled",
)
# aht_index is judged by its distance from the expected time; no other metric has such a middle.
BAND_METRIC = "aht_index"
GATE_METRIC = "critical_error_rate"
RATE = (Decimal(0), Decimal(1))
COUNT = (Decimal(0), Decimal(1000))
SLOPE = (Decimal(-100), Decimal(100))
# Parameters of the bands with the least and greatest value that makes sense.
BAND_PARAMETERS = {
    "min_coverage": RATE,
    "min_tenure_days": COUNT,
    "min_productive_days": COUNT,
    "exceptional_percentile": RATE,
    "exceptional_aht_low": COUNT,
    "exceptional_aht_high": COUNT,
    "clearly_missed_months": COUNT,
    "trajectory_months": COUNT,
    "trajectory_min_months": COUNT,
    "improving_slope": SLOPE,
    "declining_slope": SLOPE,
    "declining_p": RATE,
    "declining_lookback": COUNT,
    "confidence_band_grade": RATE,
    "confidence_indicative": RATE,
}
WEIGHTS_SUM_TO = Decimal(1)
REVIEW_MONTHS = 12


@dataclass(frozen=True)
class Cell:
    """How one column of a seed reads: `parse` raises ValueError with the reason it does not."""

    parse: Callable[[str], Any]
    may_be_empty: bool = False


@dataclass
class Row:
    """One row of a seed: its line in the file and its cells, typed; a cell that did not read is
    absent."""

    line: int
    cells: dict[str, Any]

    def __getitem__(self, column: str) -> Any:
        return self.cells.get(column)

    def has(self, *columns: str) -> bool:
        """True where all these cells were read and are not empty."""
        return all(self.cells.get(column) is not None for column in columns)


@dataclass
class Findings:
    """Faults and warnings in the order they were found.

    `unread` names the seeds that could not be read at all: what others say about them is not
    judged.
    """

    folder: str
    unread: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def fault(self, file: str, line: int | None, reason: str) -> None:
        """Note a fault; `reason` ends with the remedy after a semicolon."""
        self.faults.append(f"{self._place(file, line)}: {reason}")

    def warn(self, file: str, line: int | None, reason: str) -> None:
        """Note something that does not stop the run but is shown with the release."""
        self.warnings.append(f"{self._place(file, line)}: {reason}")

    def _place(self, file: str, line: int | None) -> str:
        place = f"{self.folder}/{file}.csv"
        return place if line is None else f"{place} line {line}"


Seeds = Mapping[str, list[Row]]


def check_configuration(
    settings: Settings,
    as_of: datetime | None = None,
    closed_months: Mapping[date, str] | None = None,
) -> list[str]:
    """Check the nine seeds of the settings; returns warnings.

    `as_of`: the run's instant; without it, no version is called overdue for review.
    `closed_months`: the scorecard version under which each closed month (its first day) was
    published. Raises BadInput with one line per fault.
    """
    seed_root = settings.seed_root
    findings = Findings(seed_root.name)
    seeds = {file: _read_seed(seed_root, file, findings) for file in SEED_COLUMNS}
    for check in CHECKS:
        check(seeds, findings)
    _check_closed_months(seeds, closed_months or {}, findings)
    if as_of is not None:
        _check_review(seeds, as_of.date(), findings)
    if findings.faults:
        raise BadInput("\n".join(findings.faults))
    return findings.warnings


def first_scorecard_month(settings: Settings) -> date:
    """First of the first month that a scorecard version is in force for; BadInput without one."""
    rows = _read_seed(settings.seed_root, "scorecard_versions", Findings(settings.seed_root.name))
    months = [row["effective_from"] for row in rows if row.has("effective_from")]
    if not months:
        raise BadInput("scorecard_versions.csv: no version, so no month has a scorecard")
    return min(months)


def known_severities(seed_root: Path) -> set[str]:
    """Severities with a target in sla_targets.csv."""
    rows = _read_seed(seed_root, "sla_targets", Findings(seed_root.name))
    return {row["severity"] for row in rows if row.has("severity")}


def check_severities(seed_root: Path, severities: Iterable[str]) -> None:
    """Refuse severities of tickets without a row in sla_targets. Raises BadInput naming them."""
    missing = sorted(set(severities) - known_severities(seed_root))
    if missing:
        raise BadInput(
            f"{seed_root.name}/sla_targets.csv: severity {', '.join(map(repr, missing))} occurs in "
            "the tickets but has no target; add a row for it"
        )


# ------------------------------------------------------------------------------------------- cells


def _text(cell: str) -> str:
    return cell


def _one_of(*allowed: str) -> Callable[[str], str]:
    def parse(cell: str) -> str:
        if cell not in allowed:
            near = difflib.get_close_matches(cell, allowed, 1)
            hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(allowed)}"
            raise ValueError(f"{cell!r} is not known; {hint}")
        return cell

    return parse


def _number(cell: str) -> Decimal:
    try:
        number = Decimal(cell)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise ValueError(f"{cell!r} is not a number; write it like 0.85")
    return number


def _number_between(least: Decimal, greatest: Decimal) -> Callable[[str], Decimal]:
    def parse(cell: str) -> Decimal:
        number = _number(cell)
        if not least <= number <= greatest:
            raise ValueError(f"{cell} is not between {least} and {greatest}; correct it")
        return number

    return parse


def _whole_from(least: int) -> Callable[[str], int]:
    def parse(cell: str) -> int:
        if not (cell.isascii() and cell.isdigit()) or int(cell) < least:
            raise ValueError(f"{cell!r} is not a whole number of at least {least}; correct it")
        return int(cell)

    return parse


def _boolean(cell: str) -> bool:
    if cell.lower() not in ("true", "false"):
        raise ValueError(f"{cell!r} is neither true nor false; write one of them")
    return cell.lower() == "true"


def _date(cell: str) -> date:
    try:
        read = date.fromisoformat(cell)
    except ValueError:
        read = None
    if read is None or read.isoformat() != cell:
        raise ValueError(f"{cell!r} is not a date; write it like 2026-01-31")
    return read


def _first_of_month(cell: str) -> date:
    read = _date(cell)
    if read.day != 1:
        raise ValueError(f"{cell} is not the first of a month; scores change with a month")
    return read


def _minute(cell: str) -> int:
    """Minutes since midnight; 24:00 is the end of the day."""
    if cell == "24:00":
        return 24 * 60
    try:
        read = time.fromisoformat(cell) if len(cell) == 5 else None
    except ValueError:
        read = None
    if read is None:
        raise ValueError(f"{cell!r} is not a time of day; write it like 09:00, at most 24:00")
    return read.hour * 60 + read.minute


@cache
def known_timezones() -> frozenset[str]:
    """Names of the IANA timezones of this machine; listing them takes a moment."""
    return frozenset(available_timezones())


def _timezone(cell: str) -> str:
    if cell not in known_timezones():
        raise ValueError(f"{cell!r} is not an IANA timezone; write it like Europe/London")
    return cell


def _scored_metric(cell: str) -> str:
    if cell in ACTIVITY_METRICS:
        raise ValueError(
            f"{cell!r} measures activity (volume or hours), not outcome, and may not be scored; "
            "take the row out"
        )
    return _one_of(*METRICS)(cell)


# ------------------------------------------------------------------------------------------- files

SEED_COLUMNS: dict[str, dict[str, Cell]] = {
    "scorecard_versions": {
        "version": Cell(_text),
        "effective_from": Cell(_first_of_month),
        "reviewed_on": Cell(_date),
        "approved_by_role": Cell(_text),
    },
    "scorecard_metrics": {
        "version": Cell(_text),
        "metric": Cell(_scored_metric),
        "dimension": Cell(_one_of(*DIMENSIONS)),
        "weight": Cell(_number_between(*RATE)),
        "target": Cell(_number),
        "floor": Cell(_number),
        "direction": Cell(_one_of(*DIRECTIONS)),
        "minimum_sample": Cell(_whole_from(0)),
        "is_key": Cell(_boolean),
        "gate_threshold": Cell(_number_between(*RATE), may_be_empty=True),
        "owner": Cell(_text),
        "decision": Cell(_text),
    },
    "band_rules": {
        "version": Cell(_text),
        "parameter": Cell(_one_of(*BAND_PARAMETERS)),
        "value": Cell(_number),
    },
    "sla_targets": {
        "severity": Cell(_text),
        "effective_from": Cell(_date),
        "first_reply_minutes": Cell(_whole_from(1)),
        "resolution_minutes": Cell(_whole_from(1)),
        "calendar": Cell(_text),
    },
    "business_hours": {
        "calendar": Cell(_text),
        "weekday": Cell(_one_of("1", "2", "3", "4", "5", "6", "7")),
        "opens_at": Cell(_minute),
        "closes_at": Cell(_minute),
        "timezone": Cell(_timezone),
    },
    "holidays": {"calendar": Cell(_text), "holiday_on": Cell(_date)},
    "contact_types": {
        "contact_type": Cell(_text),
        "contact_family": Cell(_text),
        "is_escalation_by_design": Cell(_boolean),
    },
    "agent_state_map": {
        "state": Cell(_text),
        "is_available": Cell(_boolean),
        "is_handling": Cell(_boolean),
    },
    "gate_overrides": {
        "check": Cell(_text),
        "from": Cell(_date),
        "to": Cell(_date),
        "reason": Cell(_text),
        "approved_by_role": Cell(_text),
    },
}
# What makes a row one of its seed.
SEED_KEYS = {
    "scorecard_versions": ("version",),
    "scorecard_metrics": ("version", "metric"),
    "band_rules": ("version", "parameter"),
    "sla_targets": ("severity", "effective_from"),
    "business_hours": ("calendar", "weekday", "opens_at"),
    "holidays": ("calendar", "holiday_on"),
    "contact_types": ("contact_type",),
    "agent_state_map": ("state",),
    "gate_overrides": ("check", "from"),
}


def _read_seed(seed_root: Path, file: str, findings: Findings) -> list[Row]:
    """Rows of one seed; whatever does not read is noted as a fault and left out."""
    text = _seed_text(seed_root, file, findings)
    rows = None if text is None else _rows(file, text, findings)
    if rows is None:
        findings.unread.add(file)
    return rows or []


def _seed_text(seed_root: Path, file: str, findings: Findings) -> str | None:
    try:
        content = (seed_root / f"{file}.csv").read_bytes()
    except FileNotFoundError:
        findings.fault(file, None, "the file is missing; put it there, a header alone may do")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        findings.fault(file, None, "not UTF-8; save the file in UTF-8")
        return None
    if "\0" in text:
        findings.fault(file, None, "the file has a NUL byte and is damaged; restore it")
        return None
    return text


def _rows(file: str, text: str, findings: Findings) -> list[Row] | None:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns = SEED_COLUMNS[file]
    try:
        header = next(reader, [])
        if not _has_columns(file, header, list(columns), findings):
            return None
        return list(_typed_rows(file, header, reader, findings))
    except csv.Error:
        findings.fault(
            file, reader.line_num, "a quotation mark is missing or misplaced; correct it"
        )
        return None


def _has_columns(file: str, header: list[str], columns: list[str], findings: Findings) -> bool:
    twice = sorted(name for name, count in Counter(header).items() if count > 1)
    missing = [name for name in columns if name not in header]
    extra = [name for name in header if name not in columns]
    if twice:
        findings.fault(file, 1, f"column {', '.join(twice)} stands twice; drop one of them")
    for name in missing:
        near = difflib.get_close_matches(name, extra, 1)
        hint = f" (is {near[0]!r} the renamed one?)" if near else ""
        findings.fault(file, 1, f"column {name} is missing{hint}; add it")
    if extra and not missing:
        findings.warn(file, 1, f"column {', '.join(map(repr, extra))} is not used")
    return not twice and not missing


def _typed_rows(file: str, header: list[str], reader: Any, findings: Findings) -> Iterator[Row]:
    start = reader.line_num + 1
    for record in reader:
        line, start = start, reader.line_num + 1
        if not record:
            continue
        if len(record) != len(header):
            findings.fault(
                file, line, f"{len(record)} cells for {len(header)} columns; quote commas in a cell"
            )
            continue
        yield Row(line, _typed(file, line, dict(zip(header, record, strict=True)), findings))


def _typed(file: str, line: int, record: Mapping[str, str], findings: Findings) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for name, column in SEED_COLUMNS[file].items():
        text = record[name]
        if text != text.strip():
            findings.fault(file, line, f"{name} has blanks around it; take them away")
        elif not text:
            if not column.may_be_empty:
                findings.fault(file, line, f"{name} is empty; fill it in")
        else:
            try:
                cells[name] = column.parse(text)
            except ValueError as error:
                findings.fault(file, line, f"{name} {error}")
    return cells


# ------------------------------------------------------------------------------------------- rules


def _check_duplicates(seeds: Seeds, findings: Findings) -> None:
    for file, key in SEED_KEYS.items():
        first: dict[tuple, int] = {}
        for row in seeds[file]:
            if not row.has(*key):
                continue
            values = tuple(row[column] for column in key)
            line = first.setdefault(values, row.line)
            if line != row.line:
                findings.fault(
                    file, row.line, f"the same {', '.join(key)} as line {line}; keep one of them"
                )


def _check_versions(seeds: Seeds, findings: Findings) -> None:
    file = "scorecard_versions"
    if not seeds[file] and file not in findings.unread:
        findings.fault(file, None, "no version; add the first one")
    months: dict[date, int] = {}
    for row in seeds[file]:
        if not row.has("effective_from"):
            continue
        line = months.setdefault(row["effective_from"], row.line)
        if line != row.line:
            findings.fault(
                file,
                row.line,
                f"effective_from {row['effective_from']} is also that of line {line}; "
                "only one version can start in a month",
            )
    for dependent in ("scorecard_metrics", "band_rules"):
        _refuse_unknown(seeds, dependent, "version", file, "version", findings)


def _refuse_unknown(
    seeds: Seeds, file: str, column: str, of_file: str, of_column: str, findings: Findings
) -> None:
    if of_file in findings.unread:
        return
    known = {row[of_column] for row in seeds[of_file]}
    for row in seeds[file]:
        if row.has(column) and row[column] not in known:
            findings.fault(
                file,
                row.line,
                f"{column} {row[column]!r} is not in {of_file}.csv; add it there or correct it",
            )


def _by_version(seeds: Seeds, file: str) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in seeds[file]:
        if row.has("version"):
            rows[row["version"]].append(row)
    return rows


def _check_metrics(seeds: Seeds, findings: Findings) -> None:
    for row in seeds["scorecard_metrics"]:
        _check_metric(row, findings)
    if "scorecard_metrics" in findings.unread:
        return
    metrics = _by_version(seeds, "scorecard_metrics")
    for version in seeds["scorecard_versions"]:
        if version.has("version"):
            _check_weights(version, metrics[version["version"]], findings)


def _check_metric(row: Row, findings: Findings) -> None:
    file = "scorecard_metrics"
    if row.has("direction", "target", "floor"):
        target, floor, direction = row["target"], row["floor"], row["direction"]
        if target == floor:
            findings.fault(
                file, row.line, f"target equals floor ({target}); no attainment lies between"
            )
        elif (target > floor) != (direction == "higher"):
            better = "above" if direction == "higher" else "below"
            findings.fault(
                file,
                row.line,
                f"direction {direction} wants a target {better} the floor; correct one of them",
            )
    if row.has("metric") and row["direction"] == "band" and row["metric"] != BAND_METRIC:
        findings.fault(
            file, row.line, f"direction band is for {BAND_METRIC} only; use higher or lower"
        )
    if row.has("metric", "gate_threshold") and row["metric"] != GATE_METRIC:
        findings.fault(file, row.line, f"gate_threshold is for {GATE_METRIC} only; leave it empty")


def _check_weights(version: Row, rows: list[Row], findings: Findings) -> None:
    file, name = "scorecard_metrics", version["version"]
    if not rows:
        findings.fault(file, None, f"version {name!r} has no metrics; add its rows")
        return
    if len(rows) > len(METRICS):
        findings.fault(
            file, rows[-1].line, f"version {name!r} scores more than {len(METRICS)} metrics"
        )
    if all(row.has("weight") for row in rows):
        total = sum((row["weight"] for row in rows), Decimal(0))
        if total != WEIGHTS_SUM_TO:
            findings.fault(
                file,
                rows[-1].line,
                f"the weights of version {name!r} sum to {total}; make them sum to 1",
            )


def _check_bands(seeds: Seeds, findings: Findings) -> None:
    file = "band_rules"
    for row in seeds[file]:
        if row.has("parameter", "value"):
            least, greatest = BAND_PARAMETERS[row["parameter"]]
            if not least <= row["value"] <= greatest:
                findings.fault(
                    file,
                    row.line,
                    f"{row['parameter']} {row['value']} is not between {least} and {greatest}; "
                    "correct it",
                )
    if file in findings.unread:
        return
    bands = _by_version(seeds, file)
    for version in seeds["scorecard_versions"]:
        present = {row["parameter"] for row in bands[version["version"]]}
        missing = [name for name in BAND_PARAMETERS if name not in present]
        if version.has("version") and missing:
            findings.fault(
                file,
                None,
                f"version {version['version']!r} lacks {', '.join(missing)}; add a row for each",
            )


def _check_service_levels(seeds: Seeds, findings: Findings) -> None:
    _refuse_unknown(seeds, "sla_targets", "calendar", "business_hours", "calendar", findings)
    _refuse_unknown(seeds, "holidays", "calendar", "business_hours", "calendar", findings)
    for row in seeds["sla_targets"]:
        first, last = row["first_reply_minutes"], row["resolution_minutes"]
        if row.has("first_reply_minutes", "resolution_minutes") and first > last:
            findings.warn(
                "sla_targets", row.line, "first_reply_minutes are more than resolution_minutes"
            )


def _check_hours(seeds: Seeds, findings: Findings) -> None:
    file = "business_hours"
    zones: dict[str, Row] = {}
    days: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in seeds[file]:
        if row.has("calendar", "timezone"):
            first = zones.setdefault(row["calendar"], row)
            if first["timezone"] != row["timezone"]:
                findings.fault(
                    file,
                    row.line,
                    f"another timezone than line {first.line}; a calendar has one timezone",
                )
        if not row.has("calendar", "weekday", "opens_at", "closes_at"):
            continue
        if row["opens_at"] >= row["closes_at"]:
            findings.fault(
                file, row.line, "closes_at is not after opens_at; split hours at midnight"
            )
        else:
            days[(row["calendar"], row["weekday"])].append(row)
    for rows in days.values():
        rows.sort(key=lambda row: (row["opens_at"], row.line))
        for earlier, later in pairwise(rows):
            if later["opens_at"] < earlier["closes_at"]:
                findings.fault(
                    file, later.line, f"the hours overlap those of line {earlier.line}; part them"
                )


def _check_overrides(seeds: Seeds, findings: Findings) -> None:
    for row in seeds["gate_overrides"]:
        if row.has("from", "to") and row["from"] > row["to"]:
            findings.fault("gate_overrides", row.line, "to is before from; correct one of them")


CHECKS: tuple[Callable[[Seeds, Findings], None], ...] = (
    _check_versions,
    _check_metrics,
    _check_bands,
    _check_service_levels,
    _check_hours,
    _check_overrides,
    _check_duplicates,
)


# --------------------------------------------------------------------------------- rules over time


def _version_of(seeds: Seeds, month: date) -> Row | None:
    """The version in force in the month that begins on `month`."""
    started = [
        row
        for row in seeds["scorecard_versions"]
        if row.has("version", "effective_from") and row["effective_from"] <= month
    ]
    return max(started, key=lambda row: row["effective_from"], default=None)


def _check_closed_months(
    seeds: Seeds, closed_months: Mapping[date, str], findings: Findings
) -> None:
    told: set[int | None] = set()
    for month, version in sorted(closed_months.items()):
        now = _version_of(seeds, month)
        if now is not None and now["version"] == version:
            continue
        line, name = (now.line, now["version"]) if now is not None else (None, None)
        if line not in told:
            told.add(line)
            findings.fault(
                "scorecard_versions",
                line,
                f"{f'version {name!r}' if name else 'no version'} would be in force in the closed "
                f"month {month:%Y-%m}, published under {version!r}; "
                "let a version start after the last closed month",
            )


def _check_review(seeds: Seeds, day: date, findings: Findings) -> None:
    month = day.replace(day=1)
    version = _version_of(seeds, month)
    if version is None or not version.has("reviewed_on"):
        return
    reviewed = version["reviewed_on"]
    age = (month.year - reviewed.year) * 12 + month.month - reviewed.month
    if age > REVIEW_MONTHS or (age == REVIEW_MONTHS and month.day > reviewed.day):
        findings.warn(
            "scorecard_versions",
            version.line,
            f"version {version['version']!r} was last reviewed on {reviewed}, over "
            f"{REVIEW_MONTHS} months before {month:%Y-%m}; review it",
        )
