"""What a run builds: its release id, the months that are open, and which rows are still to read.

Belongs here: the identity of a run's inputs, which vintages it rests on, whether the rows of the
warehouse can be carried on or have to be made again, and the small tables that tell the models so.
Does not belong here: reading files (landing.py), what a vintage holds (vintages.py).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.lib.errors import BadInput
from orchestration.lib.files import hash_json
from orchestration.lib.vintages import Closing, Vintage, latest

if TYPE_CHECKING:
    from orchestration.lib.landing import LandedFile
    from orchestration.lib.settings import Settings

MODEL_SUFFIXES = (".sql", ".yml", ".csv")
NOT_MODELS = ("target", "logs", "dbt_packages")
BUILT_FILE = "built.json"
# Days before the first month that is built on which its figures rest: a quarter takes two months,
# the span before a coaching session that is still judged 70 days, the limits of a week 12 weeks.
HISTORY_DAYS = 98
# An improvement plan is measured against at most this many days before it was opened.
PLAN_BASELINE_DAYS = 91


@dataclass(frozen=True)
class Restatement:
    """The order to publish a closed month anew, with the reason that its vintage will carry."""

    period_month: date
    reason: str


@dataclass(frozen=True)
class RunPlan:
    """What a run is going to do.

    `inputs` is the key of raw files, reference data, models, source and as_of; `release_id` also
    covers the vintages and the restatement. Months up to `closed_through` stand as in `vintages`,
    but for the one that is restated. `is_known` is True where a kept release is just this one.
    """

    as_of: datetime
    inputs: str
    release_id: str
    vintages: tuple[Vintage, ...]
    restates: Closing | None
    is_known: bool = False

    @property
    def closed_through(self) -> date | None:
        """The last month that stands as published; None where none does."""
        return max((vintage.period_month for vintage in self.vintages), default=None)

    @property
    def in_force(self) -> list[Vintage]:
        """The vintage of every closed month that this run does not build again."""
        restated = self.restates.period_month if self.restates else None
        return [vintage for month, vintage in latest(self.vintages).items() if month != restated]

    @property
    def first_built(self) -> date | None:
        """First day of the earliest month whose figures are built; None where all are."""
        if self.closed_through is None:
            return None
        if self.restates:
            return self.restates.period_month
        return add_months(self.closed_through, 1)


def plan_run(
    settings: Settings,
    inventory: Iterable[LandedFile],
    as_of: datetime,
    vintages: Sequence[Vintage],
    published: Sequence[dict[str, Any]],
    restatement: Restatement | None = None,
) -> RunPlan:
    """The plan of a run over `inventory` at `as_of` (naive UTC).

    `vintages` are all that are kept, `published` the manifests of the kept releases, newest last.
    A release that was made of these very inputs, and whose own closings are the only vintages that
    came since, is that run's release. Raises BadInput for a restatement of a month that is open.
    """
    inputs = inputs_key(settings, as_of, inventory)
    known = [vintage for vintage in vintages if vintage.as_of <= as_of]
    restates = None if restatement is None else _closing(restatement, known)
    if restates is None:
        present = {vintage.name for vintage in known}
        for manifest in reversed(published):
            written = {_name(entry) for entry in manifest.get("closes", [])}
            rested_on = set(manifest.get("vintages", []))
            if manifest.get("inputs") == inputs and rested_on | written == present:
                before = tuple(one for one in known if one.name in rested_on)
                again = _restated(manifest)
                return RunPlan(as_of, inputs, manifest["release_id"], before, again, is_known=True)
    return RunPlan(
        as_of, inputs, release_id(as_of, inputs, known, restates), tuple(known), restates
    )


def history_from(plan: RunPlan, plans_from: date | None, full: bool) -> date | None:
    """First day whose facts the run needs; None for all.

    `plans_from` is the first opening day of the improvement plans that are not settled.
    """
    if full or plan.first_built is None:
        return None
    first = plan.first_built - timedelta(days=HISTORY_DAYS)
    if plans_from is None:
        return first
    try:
        return min(first, plans_from - timedelta(days=PLAN_BASELINE_DAYS))
    except OverflowError:
        return None


def _closing(restatement: Restatement, vintages: Sequence[Vintage]) -> Closing:
    in_force = latest(vintages)
    month = restatement.period_month
    if month not in in_force:
        raise BadInput(
            f"month {month:%Y-%m} is not closed, so there is nothing to restate: "
            "its figures follow the data by themselves"
        )
    return Closing(month, in_force[month].number + 1, restatement.reason)


def _restated(manifest: dict[str, Any]) -> Closing | None:
    entry = manifest.get("restates")
    if entry is None:
        return None
    return Closing(date.fromisoformat(entry["period_month"]), entry["number"], entry["reason"])


def _name(entry: dict[str, Any]) -> str:
    return f"{entry['period_month'][:7]}/{entry['number']}"


def add_months(first: date, months: int) -> date:
    """First day of the month `months` after that of `first`."""
    place = first.year * 12 + first.month - 1 + months
    return date(place // 12, place % 12 + 1, 1)


# ---------------------------------------------------------------------------------------- identity


def inputs_key(settings: Settings, as_of: datetime, inventory: Iterable[LandedFile]) -> str:
    """sha256 over what a run at `as_of` (naive UTC) is made of, vintages left out.

    Equal inputs give equal keys: files with a visible row, reference data, models, source, as_of.
    """
    visible = sorted(
        f"{row.raw_table} {row.sha256}" for row in inventory if row.is_visible_at(as_of)
    )
    parts = [
        ["as_of", as_of.isoformat(timespec="microseconds")],
        ["inputs", *visible],
        ["code", code_key(settings)],
    ]
    return _digest(parts)


def code_key(settings: Settings) -> str:
    """sha256 over the models, the reference data and the source that feeds them."""
    return _digest(
        [
            ["source", settings.ticketing_source],
            ["seeds", *_hashed(settings.seed_root, sorted(settings.seed_root.glob("*.csv")))],
            ["models", *_hashed(settings.dbt_project_root, model_files(settings.dbt_project_root))],
        ]
    )


def release_id(
    as_of: datetime, inputs: str, vintages: Iterable[Vintage], restates: Closing | None
) -> str:
    """Identifier of a release: `YYYYMMDDTHHMMSSZ-` of as_of (naive UTC) and 12 hex."""
    order = [str(value) for value in astuple(restates)] if restates else []
    parts = [[inputs], ["vintages", *(one.line for one in vintages)], ["restates", *order]]
    return f"{as_of:%Y%m%dT%H%M%SZ}-{_digest(parts)[:12]}"


def model_files(dbt_project_root: Path) -> list[Path]:
    """Files of the dbt project that decide what the marts hold, without what dbt wrote itself."""
    return [
        path
        for path in sorted(dbt_project_root.rglob("*"))
        if path.is_file()
        and path.suffix in MODEL_SUFFIXES
        and not path.relative_to(dbt_project_root).parts[0].startswith(NOT_MODELS)
    ]


def _digest(parts: Iterable[Sequence[str]]) -> str:
    return hashlib.sha256("\n".join("\n".join(part) for part in parts).encode()).hexdigest()


def _hashed(root: Path, files: Iterable[Path]) -> list[str]:
    return [
        f"{path.relative_to(root).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in files
    ]


# ----------------------------------------------------------------------------------- the warehouse


@dataclass(frozen=True)
class Built:
    """What the warehouse holds the rows of: the files and as_of (naive UTC) of the last build that
    ended well, and of the builds begun since, which may have left rows of theirs."""

    code: str
    as_of: datetime
    files: frozenset[str]
    begun_as_of: datetime
    begun_files: frozenset[str]


def read_built(settings: Settings) -> Built | None:
    """What the warehouse was built of; None where it was not, or nobody knows."""
    if not settings.warehouse_path.exists():
        return None
    try:
        content = json.loads(_built_path(settings).read_bytes())
        # One flipped bit of an instant would leave rows unread for good.
        if content.pop("sha256") != hash_json(content):
            return None
        return Built(
            content["code"],
            datetime.fromisoformat(content["as_of"]),
            frozenset(content["files"]),
            datetime.fromisoformat(content["begun_as_of"]),
            frozenset(content["begun_files"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def files_to_read(
    settings: Settings, inventory: Sequence[LandedFile], as_of: datetime
) -> list[LandedFile] | None:
    """Files whose rows the warehouse lacks: new ones, and those with rows that were not visible at
    the last build. None where the warehouse cannot be carried on and has to be made again."""
    built = read_built(settings)
    names = {_file_name(row) for row in inventory}
    if (
        built is None
        or built.code != _build_key(settings)
        or as_of < built.begun_as_of
        or not built.begun_files <= names
    ):
        return None
    return [
        row
        for row in inventory
        if _file_name(row) not in built.files
        or (row.last_loaded_at is not None and row.last_loaded_at > built.as_of)
    ]


def begin_build(
    settings: Settings, inventory: Sequence[LandedFile], as_of: datetime, is_new: bool
) -> None:
    """Note what is going to be built before the first row is written. `is_new`: the warehouse was
    removed, so nothing is known of it until the build has ended."""
    built = None if is_new else read_built(settings)
    if built is None:
        _built_path(settings).unlink(missing_ok=True)
        return
    names = {_file_name(row) for row in inventory}
    _write_built(
        settings,
        Built(built.code, built.as_of, built.files, as_of, built.begun_files | names),
    )


def end_build(settings: Settings, inventory: Sequence[LandedFile], as_of: datetime) -> None:
    """Note that the warehouse holds the rows of `inventory` visible at `as_of`."""
    names = frozenset(_file_name(row) for row in inventory)
    _write_built(settings, Built(_build_key(settings), as_of, names, as_of, names))


def _build_key(settings: Settings) -> str:
    software = " ".join(version(name) for name in ("dbt-core", "dbt-duckdb", "duckdb"))
    return _digest([[code_key(settings)], [software]])


def _file_name(row: LandedFile) -> str:
    # The name too: rows say which file they stand in.
    return f"{row.raw_table} {row.sha256} {row.file}"


def _built_path(settings: Settings) -> Path:
    return settings.warehouse_path.with_name(BUILT_FILE)


def _write_built(settings: Settings, built: Built) -> None:
    path = _built_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "code": built.code,
        "as_of": built.as_of.isoformat(),
        "files": sorted(built.files),
        "begun_as_of": built.begun_as_of.isoformat(),
        "begun_files": sorted(built.begun_files),
    }
    content["sha256"] = hash_json(content)
    building = path.with_name(f".{path.name}.{os.getpid()}")
    building.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    with building.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(building, path)
