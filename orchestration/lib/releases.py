"""Candidates, receipts and releases: the way from the private warehouse to what readers see.

Belongs here: copying the marts out, hashing them, the receipt of the gate, the immutable release
folders and the symlink `current`.
Does not belong here: building marts (dbt), judging them (expectations), the lock that keeps
runs apart (lock.py), the pointer and rollbacks (current.py, rollback.py), how long a release is
kept (retention.py), and anything of Dagster.

    warehouse -> work/candidates/<id>/ -> receipt.json -> releases/<id>/ -> releases/current

A release is written under a hidden name, flushed to disk and renamed, then `current` is replaced
by a rename: a process that dies at any moment leaves either the state before or the state after.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from orchestration.lib import audit
from orchestration.lib.current import (
    CURRENT,
    MANIFEST_FILE,
    PIN_FILE,
    current_id,
    is_published,
    make_current,
    read_pin,
)
from orchestration.lib.errors import Fault, GateFailed
from orchestration.lib.files import STAGING_PREFIX, hash_file, remove_drafts, remove_staging
from orchestration.lib.files import remove_tree as _remove_tree
from orchestration.lib.files import sync as _sync
from orchestration.lib.files import write_json as _write_json
from orchestration.lib.settings import make_private
from orchestration.lib.vintages import (
    FINAL,
    Closing,
    Vintage,
    clean_vintages,
    keep_vintages,
    latest,
    published_rows,
    quoted_name,
    quoted_path,
    read_vintages,
    to_json,
)

if TYPE_CHECKING:
    import duckdb

    from orchestration.lib.dbt_runs import MartSpec
    from orchestration.lib.settings import Settings

AUDIENCE = "managers"
CANDIDATE_FILE = "candidate.json"
RECEIPT_FILE = "receipt.json"
RUN_RESULTS_FILE = "run_results.json"
DATABASE_FILE = "marts.duckdb"
MANIFEST_FORMAT = 1

# What BI tools read everywhere; anything else in a mart is a model without its cast.
PUBLISHED_TYPES = {"VARCHAR", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "BOOLEAN"}
# Columns that differ between any two releases, so they say nothing about a month having changed.
RELEASE_COLUMNS = {"release_id", "as_of", "vintage"}
SOFTWARE = ("cx-performance", "dagster", "dbt-core", "dbt-duckdb", "duckdb", "great-expectations")

Severity = Literal["critical", "warning", "info"]


@dataclass(frozen=True)
class Run:
    """The run whose marts are published: as ingest wrote it into the run table, and its notes
    beside it.

    `as_of` is naive UTC. `seeds` maps a seed file to its sha256; `absent_inputs` names the raw
    tables without a file; `warnings` are sentences for the reader of the release. `bound` is the
    instant (ISO 8601) the run was told not to look beyond; it is no part of a release, as two
    bounds can mean the same as_of. `inputs` is the key of what the run is made of (run_plan),
    `vintages` names those it rests on, `restates` is the closed month it publishes anew (a Closing
    as JSON).
    """

    release_id: str
    as_of: datetime
    ticketing_source: str
    seeds: dict[str, str] = field(default_factory=dict)
    absent_inputs: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    bound: str | None = None
    inputs: str = ""
    vintages: list[str] = field(default_factory=list)
    restates: dict[str, Any] | None = None


@dataclass(frozen=True)
class Candidate:
    """Marts copied out of the warehouse and hashed, not yet judged.

    `rows` maps a mart to its rows, `files` a file name to its sha256; `candidate_hash` covers the
    Parquet files. `closing_months` maps a mart to the expression by whose month its rows are
    closed.
    """

    folder: Path
    run: Run
    marts: dict[str, tuple[str, ...]]
    rows: dict[str, int]
    files: dict[str, str]
    candidate_hash: str
    closing_months: dict[str, str] = field(default_factory=dict)

    @property
    def release_id(self) -> str:
        return self.run.release_id

    @property
    def run_results(self) -> Path:
        """The results of the dbt build behind this candidate; absent when it was built without
        one.
        """
        return self.folder / RUN_RESULTS_FILE


@dataclass(frozen=True)
class Check:
    """One judgement of the gate over a mart, or over the dbt build (mart `dbt`)."""

    name: str
    mart: str
    severity: Severity
    passed: bool
    observed: str
    required: str


@dataclass(frozen=True)
class Receipt:
    """The gate's word on exactly one candidate, known by its hashes."""

    release_id: str
    candidate_hash: str
    files: dict[str, str]
    passed: bool
    checks: list[Check]
    dbt_tests: dict[str, int]

    def failed(self, severity: Severity) -> list[Check]:
        """Checks of that severity that did not pass."""
        return [check for check in self.checks if check.severity == severity and not check.passed]


@dataclass(frozen=True)
class Release:
    """A published release folder. `note` says what publishing did, for the log."""

    release_id: str
    folder: Path
    is_current: bool
    is_new: bool = False
    note: str = ""

    @property
    def as_of(self) -> datetime:
        """Instant (naive UTC) up to which the release knows the world, read from its id."""
        return datetime.strptime(self.release_id.split("-", 1)[0], "%Y%m%dT%H%M%SZ")

    @property
    def managers(self) -> Path:
        return self.folder / AUDIENCE


# --- the run ---------------------------------------------------------------------------------


def notes_path(settings: Settings, release_id: str) -> Path:
    """Where the notes of a run (seeds, absent inputs, warnings) are kept until it is published."""
    return settings.work_root / "runs" / f"{release_id}.json"


def write_run_notes(settings: Settings, run: Run) -> Path:
    """Keep what the run table has no column for; read back by `read_run`."""
    path = notes_path(settings, run.release_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    in_run_table = {"release_id", "as_of", "ticketing_source"}
    _write_json(path, {key: value for key, value in asdict(run).items() if key not in in_run_table})
    return path


def read_run(settings: Settings) -> Run:
    """The run that ingest prepared last, from the run table; GateFailed when nothing was ingested
    yet.
    """
    import pyarrow.parquet as pq

    path = settings.landing_root / "_run" / "run.parquet"
    if not path.exists():
        raise GateFailed("nothing was ingested yet, so there is nothing to publish: run `cx run`")
    row = pq.read_table(path).to_pylist()[0]
    notes_file = notes_path(settings, row["release_id"])
    notes = _read_json(notes_file) if notes_file.exists() else {}
    return Run(row["release_id"], row["as_of"], row["ticketing_source"], **notes)


# --- candidate -------------------------------------------------------------------------------


def candidates_root(settings: Settings) -> Path:
    return settings.work_root / "candidates"


def build_candidate(
    settings: Settings, marts: Sequence[MartSpec], run: Run, run_results: Path | None = None
) -> Candidate:
    """Copy `marts` out of the warehouse into the candidate of `run`, replacing one built before.

    Each mart becomes a Parquet file ordered by its key and a table of marts.duckdb. `run_results`
    is the run_results.json of the build, kept beside the marts as the evidence of its tests.
    Raises GateFailed when a mart is missing, empty without leave, or of another run; Fault when a
    column has a type that is not published, or the warehouse cannot be opened.
    """
    folder = candidates_root(settings) / run.release_id
    building = folder.with_name(f"{STAGING_PREFIX}{run.release_id}-{os.getpid()}")
    _remove_tree(building)
    make_private(candidates_root(settings))
    building.mkdir()
    try:
        rows = _copy_marts(settings, building, marts, run)
        if run_results is not None and run_results.exists():
            shutil.copyfile(run_results, building / RUN_RESULTS_FILE)
        files = {
            path.name: hash_file(path) for path in sorted(building.iterdir()) if _is_published(path)
        }
        candidate = Candidate(
            folder,
            run,
            {mart.name: mart.key for mart in marts},
            rows,
            files,
            hash_of_marts(files),
            {mart.name: mart.closes_by for mart in marts if mart.closes_by},
        )
        _write_json(building / CANDIDATE_FILE, _candidate_to_json(candidate))
        _remove_tree(folder)
        os.replace(building, folder)
    finally:
        _remove_tree(building)
    return candidate


def load_candidate(settings: Settings, release_id: str) -> Candidate:
    """The candidate built for `release_id`; GateFailed when there is none."""
    folder = candidates_root(settings) / release_id
    path = folder / CANDIDATE_FILE
    if not path.exists():
        raise GateFailed(
            f"release {release_id} has no candidate: publishing needs a whole run, start `cx run`"
        )
    content = _read_json(path)
    run = content["run"]
    run["as_of"] = datetime.fromisoformat(run["as_of"])
    return Candidate(
        folder,
        Run(**run),
        {mart: tuple(key) for mart, key in content["marts"].items()},
        content["rows"],
        content["files"],
        content["candidate_hash"],
        content["closing_months"],
    )


def hash_of_marts(files: Mapping[str, str]) -> str:
    """sha256 over the sorted lines "name sha256" of the Parquet files: equal for equal marts on
    any machine.

    marts.duckdb is left out, as DuckDB does not promise equal bytes for equal tables.
    """
    lines = sorted(
        f"{name} {digest}\n" for name, digest in files.items() if name.endswith(".parquet")
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def changed_months(candidate: Candidate, previous: Path | None) -> list[date] | None:
    """First days of the months whose published rows differ from the release folder `previous` (its
    managers/).

    None means every month: there is no release before, its columns differ, or no month changed at
    all.
    """
    import duckdb

    if previous is None or not previous.exists():
        return None
    changed: set[date] = set()
    with duckdb.connect() as connection:
        for mart in candidate.marts:
            before, after = previous / f"{mart}.parquet", candidate.folder / f"{mart}.parquet"
            if not before.exists():
                return None
            columns = _columns(connection, after)
            if columns != _columns(connection, before):
                return None
            if "period_month" not in columns:
                continue
            facts = ", ".join(
                quoted_name(column) for column in columns if column not in RELEASE_COLUMNS
            )
            months = connection.execute(
                f"""
                with digests as (
                    select period_month, sum(hash({facts})::hugeint) as digest, side
                    from (
                        select *, 'before' as side from read_parquet({quoted_path(before)})
                        union all
                        select *, 'after' as side from read_parquet({quoted_path(after)})
                    )
                    where period_month is not null
                    group by period_month, side
                )
                select period_month from digests
                group by period_month
                having count(*) = 1 or min(digest) <> max(digest)
                """
            ).fetchall()
            changed.update(month for (month,) in months)
    return sorted(changed) or None


def _copy_marts(
    settings: Settings, folder: Path, marts: Sequence[MartSpec], run: Run
) -> dict[str, int]:
    import duckdb

    warehouse = settings.warehouse_path
    closed = ClosedMonths.of(settings, run)

    if not marts:
        raise GateFailed("the dbt project has no marts, so there is nothing to publish")
    if not warehouse.exists():
        raise GateFailed(
            "the warehouse was not built yet, so there is nothing to publish: run `cx run`"
        )
    rows = {}
    with duckdb.connect() as connection:
        # One thread, so that the bytes of a file do not depend on the machine.
        connection.execute("set threads = 1")
        connection.execute("set preserve_insertion_order = true")
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"set memory_limit = '{settings.memory_limit}'")
        connection.execute(f"set temp_directory = {quoted_path(settings.spill_root)}")
        try:
            connection.execute(f"attach {quoted_path(warehouse)} as warehouse (read_only)")
        except duckdb.Error as error:
            raise Fault(
                f"{warehouse.name}: the warehouse cannot be read ({_line(error)}); "
                "close the program that uses it, or rebuild it with `cx run --full`"
            ) from error
        connection.execute(f"attach {quoted_path(folder / DATABASE_FILE)} as published")
        for mart in marts:
            rows[mart.name] = _copy_mart(connection, folder, mart, run, closed)
        connection.execute("detach published")
        connection.execute("detach warehouse")
    return rows


def _copy_mart(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    mart: MartSpec,
    run: Run,
    closed: ClosedMonths,
) -> int:
    import duckdb

    source = f"warehouse.{quoted_name(mart.schema)}.{quoted_name(mart.table)}"
    try:
        columns = {row[0]: row[1] for row in connection.execute(f"describe {source}").fetchall()}
    except duckdb.CatalogException as error:
        raise GateFailed(f"mart {mart.name} was not built: run `cx run`") from error
    _check_columns(mart, columns)
    found, of_run = connection.execute(
        f"select count(*), count(*) filter (release_id = ? and as_of = ?) from {source}",
        [run.release_id, run.as_of],
    ).fetchall()[0]
    if found != of_run:
        raise GateFailed(
            f"mart {mart.name} holds {found - of_run} rows of another run than "
            f"{run.release_id}: run `cx run`"
        )
    path = folder / f"{mart.name}.parquet"
    order = ", ".join(f"{quoted_name(column)} asc nulls last" for column in mart.key)
    rows = closed.rows_of(mart, source, columns, run)
    total = connection.execute(
        f"copy (select * from ({rows}) order by {order}) to {quoted_path(path)} "
        "(format parquet, compression zstd)"
    ).fetchall()[0][0]
    if total == 0 and not mart.may_be_empty:
        raise GateFailed(
            f"mart {mart.name} has no rows where rows are due: check its input with `cx status`"
        )
    connection.execute(
        f"create table published.main.{quoted_name(mart.name)} as "
        f"select * from read_parquet({quoted_path(path)})"
    )
    return total


@dataclass(frozen=True)
class ClosedMonths:
    """The vintages that a candidate takes over, and which months its run made itself."""

    vintages: list[Vintage]
    built: str

    @classmethod
    def of(cls, settings: Settings, run: Run) -> ClosedMonths:
        """Those that the run rests on, in force; raises Fault where one is missing."""
        if not run.vintages:
            return cls([], "true")
        kept = {vintage.name: vintage for vintage in read_vintages(settings)}
        missing = sorted(set(run.vintages) - set(kept))
        if missing:
            raise Fault(f"vintages/{missing[0]}: missing; put it back from a backup")
        rested_on = [kept[name] for name in run.vintages]
        restated = run.restates["period_month"] if run.restates else None
        in_force = [
            vintage
            for vintage in latest(rested_on).values()
            if vintage.period_month.isoformat() != restated
        ]
        last = max(vintage.period_month for vintage in rested_on)
        built = f"({{month}} is null or {{month}} > date '{last}'"
        built += f" or {{month}} = date '{restated}')" if restated else ")"
        return cls(in_force, built)

    def rows_of(self, mart: MartSpec, source: str, columns: Mapping[str, str], run: Run) -> str:
        """SQL of the mart's rows as published."""
        stamps = {
            "release_id": f"'{run.release_id}'",
            "as_of": f"timestamp '{run.as_of.isoformat(sep=' ')}'",
        }
        return published_rows(mart, source, columns, self.vintages, self.built, stamps)


def _check_columns(mart: MartSpec, columns: Mapping[str, str]) -> None:
    missing = [name for name in (*mart.key, "release_id", "as_of") if name not in columns]
    if missing:
        raise Fault(
            f"mart {mart.name} lacks the column {missing[0]}: add it to the model and its contract"
        )
    for name, kind in columns.items():
        if kind not in PUBLISHED_TYPES:
            raise Fault(
                f"mart {mart.name}, column {name}: type {kind} is not published; "
                f"cast it to one of {', '.join(sorted(PUBLISHED_TYPES))}"
            )


def _columns(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    rows = connection.execute(
        f"describe select * from read_parquet({quoted_path(path)})"
    ).fetchall()
    return [row[0] for row in rows]


def _candidate_to_json(candidate: Candidate) -> dict[str, Any]:
    run = asdict(candidate.run)
    run["as_of"] = candidate.run.as_of.isoformat()
    return {
        "candidate_hash": candidate.candidate_hash,
        "run": run,
        "marts": {mart: list(key) for mart, key in candidate.marts.items()},
        "rows": candidate.rows,
        "files": candidate.files,
        "closing_months": candidate.closing_months,
    }


def _is_published(path: Path) -> bool:
    return path.suffix == ".parquet" or path.name == DATABASE_FILE


# --- receipt -----------------------------------------------------------------------------------


def write_receipt(
    candidate: Candidate, checks: Sequence[Check], dbt_tests: Mapping[str, int]
) -> Receipt:
    """Write the gate's receipt into the candidate's folder.

    It passes when there is at least one check for every mart and no critical one failed: a suite
    that is empty or was not run is not a pass.
    """
    unjudged = sorted(set(candidate.marts) - {check.mart for check in checks})
    all_checks = [
        *checks,
        *(
            Check("suite_present", mart, "critical", False, "no check", "at least one check")
            for mart in unjudged
        ),
    ]
    passed = bool(all_checks) and all(
        check.passed for check in all_checks if check.severity == "critical"
    )
    receipt = Receipt(
        candidate.release_id,
        candidate.candidate_hash,
        dict(candidate.files),
        passed,
        all_checks,
        dict(dbt_tests),
    )
    _write_json(candidate.folder / RECEIPT_FILE, asdict(receipt))
    return receipt


def read_receipt(candidate: Candidate) -> Receipt | None:
    """The receipt in the candidate's folder, None when the gate has not judged it."""
    path = candidate.folder / RECEIPT_FILE
    if not path.exists():
        return None
    content = _read_json(path)
    content["checks"] = [Check(**check) for check in content["checks"]]
    return Receipt(**content)


def withdraw_receipt(candidate: Candidate) -> None:
    """Take back the receipt before judging again, so that a gate that dies leaves none."""
    (candidate.folder / RECEIPT_FILE).unlink(missing_ok=True)


def describe_failures(receipt: Receipt) -> str:
    """One line that names the failed critical checks with what was seen and what was asked."""
    failed = receipt.failed("critical")
    told = "; ".join(
        f"{check.mart}.{check.name} (saw {check.observed}, wants {check.required})"
        for check in failed[:5]
    )
    more = f"; and {len(failed) - 5} more" if len(failed) > 5 else ""
    return f"{len(failed)} critical check{'s' if len(failed) != 1 else ''} failed: {told}{more}"


def _require_receipt(candidate: Candidate) -> Receipt:
    receipt = read_receipt(candidate)
    name = candidate.release_id
    if receipt is None:
        raise GateFailed(
            f"candidate {name} was never judged by the gate, so it is not published: run `cx run`"
        )
    if not receipt.passed:
        raise GateFailed(f"candidate {name} is not published: {describe_failures(receipt)}")
    if receipt.candidate_hash != candidate.candidate_hash or receipt.release_id != name:
        raise GateFailed(f"the receipt of candidate {name} is that of other marts: run `cx run`")
    return receipt


# --- publish ---------------------------------------------------------------------------------


def publish(settings: Settings, candidate: Candidate) -> Release:
    """Publish a candidate that the gate let pass, and point `current` at it if it is not older
    than `current` and no rollback has pinned another.

    The files are hashed again as they will be published; without a passed receipt for exactly
    these bytes GateFailed is raised and nothing changes. Publishing a release again verifies it
    and changes nothing; one that was damaged on disk is replaced. Call it under `run_lock`. Raises
    Fault when the same release id already stands for other marts.
    """
    root = settings.releases_root
    root.mkdir(parents=True, exist_ok=True)
    clean_leftovers(settings)
    receipt = _require_receipt(candidate)
    folder = root / candidate.release_id
    staging = root / f"{STAGING_PREFIX}{candidate.release_id}-{os.getpid()}"
    try:
        _stage(candidate, receipt, staging)
        is_new, note = _settle(settings, candidate, staging, folder)
    finally:
        _remove_tree(staging)
    is_current = make_current(settings, candidate.release_id)
    if not is_current:
        note = f"{note}; {why_not_current(settings)}"
    keep_closed_months(settings)
    _remove_candidates_but(settings, candidate.release_id)
    return Release(candidate.release_id, folder, is_current, is_new, note)


def keep_closed_months(settings: Settings) -> list[str]:
    """Keep the vintages of months that published releases closed, where a process died before it
    did; returns their names. Call it under `run_lock`.
    """
    added = []
    for release, manifest in _readable(settings):
        added += keep_vintages(settings, release.managers, manifest)
    return added


def why_not_current(settings: Settings) -> str:
    """Why readers do not see a release that was just published, in one line."""
    pin = read_pin(settings)
    if pin is not None and is_published(settings, pin.release_id):
        return (
            f"current stays {pin.release_id}, pinned by a rollback: "
            "`cx rollback --undo` moves on to the newest"
        )
    return f"current stays {current_id(settings)}, which knows more"


def clean_leftovers(settings: Settings) -> None:
    """Remove what a process that died left under a hidden name. Call it under `run_lock`."""
    candidates = candidates_root(settings)
    clean_vintages(settings)
    state = settings.state_root
    for root in (settings.releases_root, candidates, state / "quarantine"):
        remove_staging(root)
    roots = (state, *state.glob("*"), *candidates.glob("*"), *settings.work_root.glob("*"))
    for root in (*roots, settings.landing_root / "_run"):
        remove_drafts(root)


def _stage(candidate: Candidate, receipt: Receipt, staging: Path) -> None:
    _remove_tree(staging)
    target = staging / AUDIENCE
    target.mkdir(parents=True)
    files = {}
    for name, promised in sorted(receipt.files.items()):
        try:
            shutil.copyfile(candidate.folder / name, target / name)
        except FileNotFoundError as error:
            raise GateFailed(
                f"candidate {candidate.release_id} lost its file {name}: run `cx run`"
            ) from error
        # Hashed where it will be read, so that the gated bytes are the published bytes.
        if hash_file(target / name) != promised:
            raise GateFailed(
                f"candidate {candidate.release_id}: {name} changed after the gate judged it, "
                "so it is not published: run `cx run`"
            )
        files[f"{AUDIENCE}/{name}"] = {"sha256": promised, "bytes": (target / name).stat().st_size}
    extra = {path.name for path in candidate.folder.iterdir() if _is_published(path)} - set(
        receipt.files
    )
    if extra:
        raise GateFailed(
            f"candidate {candidate.release_id}: {min(extra)} was never judged by the gate: "
            "run `cx run`"
        )
    _write_json(staging / MANIFEST_FILE, _manifest(candidate, receipt, files))
    for path in sorted(staging.rglob("*"), reverse=True):
        if path.is_file():
            path.chmod(0o444)
            _sync(path)
        else:
            path.chmod(0o555)
            _sync(path)
    staging.chmod(0o555)
    _sync(staging)


def _settle(
    settings: Settings, candidate: Candidate, staging: Path, folder: Path
) -> tuple[bool, str]:
    if not folder.exists():
        _log_publish(settings, candidate, staging, "new")
        os.replace(staging, folder)
        _sync(folder.parent)
        return True, "published"
    damaged = verify_release(folder)
    if not damaged:
        if read_manifest(folder)["candidate_hash"] != candidate.candidate_hash:
            raise Fault(
                f"release {candidate.release_id} is already published with other marts from the "
                "same inputs; report it with both folders: two builds of one set of inputs must "
                "be equal"
            )
        return False, "already published, verified"
    _log_publish(settings, candidate, staging, "replaces a damaged copy")
    aside = folder.with_name(f"{STAGING_PREFIX}damaged-{folder.name}-{os.getpid()}")
    os.replace(folder, aside)
    os.replace(staging, folder)
    _sync(folder.parent)
    _remove_tree(aside)
    return True, f"replaced a copy that was damaged on disk ({', '.join(damaged)})"


def _log_publish(settings: Settings, candidate: Candidate, staging: Path, state: str) -> None:
    # Before the release gets its name: what readers can see always stands in the log.
    audit.append(
        settings,
        "publish",
        candidate.release_id,
        state=state,
        candidate_hash=candidate.candidate_hash,
        manifest=hash_file(staging / MANIFEST_FILE),
        marts=len(candidate.marts),
        rows=sum(candidate.rows.values()),
    )


def _manifest(
    candidate: Candidate, receipt: Receipt, files: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    # No clock and no machine in it: the same inputs give the same manifest.
    run = candidate.run
    facts = _facts_of_marts(candidate)
    return {
        "format": MANIFEST_FORMAT,
        "release_id": run.release_id,
        "as_of": f"{run.as_of.isoformat()}Z",
        "ticketing_source": run.ticketing_source,
        "candidate_hash": candidate.candidate_hash,
        "inputs": run.inputs,
        "vintages": run.vintages,
        "restates": run.restates,
        "closes": closes_of(candidate),
        "closing_months": candidate.closing_months,
        "months": facts["months"],
        "configuration": {"scorecard_versions": facts["versions"], "seeds": run.seeds},
        "software": _software(),
        "marts": {
            mart: {"rows": candidate.rows[mart], "key": list(key)}
            for mart, key in candidate.marts.items()
        },
        "rows_by_disposition": facts["dispositions"],
        "absent_inputs": run.absent_inputs,
        "warnings": run.warnings,
        "gate": {
            "passed": receipt.passed,
            "dbt_tests": receipt.dbt_tests,
            "checks": [asdict(check) for check in receipt.checks],
        },
        "files": files,
    }


def closes_of(candidate: Candidate) -> list[dict[str, Any]]:
    """The months that this candidate closes or restates, as its manifest lists them.

    Every final month that has no vintage yet, and the one that the run restates.
    """
    import duckdb

    path = candidate.folder / "agent_scorecard.parquet"
    if not candidate.closing_months or not path.exists():
        return []
    with duckdb.connect() as connection:
        months = connection.execute(
            "select period_month from read_parquet($path) group by period_month "
            f"having bool_and(vintage = '{FINAL}') order by period_month",
            {"path": os.fspath(path)},
        ).fetchall()
    closed = {name.split("/")[0] for name in candidate.run.vintages}
    closings = [Closing(month, 1) for (month,) in months if f"{month:%Y-%m}" not in closed]
    restated = [candidate.run.restates] if candidate.run.restates else []
    return [*to_json(closings), *restated]


def _facts_of_marts(candidate: Candidate) -> dict[str, Any]:
    """Months, scorecard versions and rows by disposition, from whichever marts carry them."""
    import duckdb

    months: set[date] = set()
    versions: set[str] = set()
    dispositions: dict[str, dict[str, int]] = {}
    with duckdb.connect() as connection:
        for mart in candidate.marts:
            path = candidate.folder / f"{mart}.parquet"
            table = f"read_parquet({quoted_path(path)})"
            columns = _columns(connection, path)
            if {"raw_table", "reason", "rows"} <= set(columns):
                counted = connection.execute(
                    "select raw_table, reason, cast(sum(rows) as bigint) "
                    f"from {table} group by all order by all"
                )
                for raw_table, reason, rows in counted.fetchall():
                    dispositions.setdefault(raw_table, {})[reason] = rows
            elif "period_month" in columns:
                found = connection.execute(
                    f"select distinct period_month from {table} where period_month is not null"
                )
                months.update(month for (month,) in found.fetchall())
            if "scorecard_version" in columns:
                found = connection.execute(
                    "select distinct cast(scorecard_version as varchar) "
                    f"from {table} where scorecard_version is not null"
                )
                versions.update(value for (value,) in found.fetchall())
    return {
        "months": {
            "first": min(months).isoformat() if months else None,
            "last": max(months).isoformat() if months else None,
            "count": len(months),
        },
        "versions": sorted(versions),
        "dispositions": dispositions,
    }


def _software() -> dict[str, str]:
    found = {}
    for name in SOFTWARE:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _remove_candidates_but(settings: Settings, release_id: str) -> None:
    for path in candidates_root(settings).iterdir():
        if path.name != release_id:
            _remove_tree(path)


# --- reading ---------------------------------------------------------------------------------


def list_releases(settings: Settings) -> list[Release]:
    """Every published release, oldest as_of first."""
    root = settings.releases_root
    if not root.exists():
        return []
    now = current_id(settings)
    folders = [
        path
        for path in root.iterdir()
        if not path.name.startswith(".") and path.name not in (CURRENT, PIN_FILE)
    ]
    return [
        Release(path.name, path, path.name == now)
        for path in sorted(folders)
        if (path / MANIFEST_FILE).exists()
    ]


def manifests(settings: Settings) -> list[dict[str, Any]]:
    """The manifests of the kept releases, oldest as_of first."""
    return [manifest for _, manifest in _readable(settings)]


def _readable(settings: Settings) -> Iterator[tuple[Release, dict[str, Any]]]:
    """The kept releases whose manifest reads, oldest first. One that was damaged must not stop the
    run that publishes it anew; `cx verify` names it.
    """
    for release in list_releases(settings):
        with suppress(Fault):
            yield release, read_manifest(release.folder)


def current_release(settings: Settings) -> Release | None:
    """The release that readers see, None before the first publish."""
    now = current_id(settings)
    return None if now is None else Release(now, settings.releases_root / now, True)


def refused_candidates(settings: Settings) -> list[tuple[Candidate, Receipt]]:
    """Candidates that the gate did not let pass, with their receipts."""
    refused = []
    for path in sorted(candidates_root(settings).glob(f"*/{RECEIPT_FILE}")):
        candidate = load_candidate(settings, path.parent.name)
        receipt = read_receipt(candidate)
        if receipt is not None and not receipt.passed:
            refused.append((candidate, receipt))
    return refused


def release_before(settings: Settings, run: Run) -> Release | None:
    """The newest release of the same source that knows no more than `run`: what to compare with.

    Not always the current one: a month that is built again long after must not be held against
    figures that were not known then.
    """
    start = run.release_id.split("-")[0]
    earlier = [
        release
        for release, manifest in _readable(settings)
        if release.release_id != run.release_id
        and release.release_id.split("-")[0] <= start
        and manifest.get("ticketing_source") == run.ticketing_source
    ]
    return earlier[-1] if earlier else None


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a release folder; Fault when it is missing or damaged."""
    path = folder / MANIFEST_FILE
    manifest = _read_json(path) if path.exists() else None
    if not isinstance(manifest, dict):
        raise Fault(
            f"release {folder.name} has no {MANIFEST_FILE}: publish it again with `cx run --full`"
        )
    return manifest


def verify_release(folder: Path) -> list[str]:
    """Names of the files of a release that are missing, unlisted or whose bytes differ from its
    manifest.
    """
    try:
        files = {name: file["sha256"] for name, file in read_manifest(folder)["files"].items()}
    except (Fault, KeyError, TypeError, AttributeError):
        return [MANIFEST_FILE]
    wrong = []
    for name, promised in sorted(files.items()):
        path = folder / name
        if not path.is_file() or hash_file(path) != promised:
            wrong.append(name)
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return wrong + sorted(present - set(files) - {MANIFEST_FILE})


# --- files -----------------------------------------------------------------------------------


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Fault(
            f"{path.parent.name}/{path.name} is not readable ({_line(error)}): run `cx run --full`"
        ) from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
