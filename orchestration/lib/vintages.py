"""Vintages: the figures of closed months as they were published, kept for good.

Belongs here: what a month's vintage holds, writing it from a published release, checking that it is
unchanged, and the tables of earlier figures that the models read. Does not belong here: when a
month is final (dim_team_months), how a candidate takes closed months over (releases.py).

    vintages/2026-09/1/manifest.json   as_of, release, reason, rows and hashes of marts, own hash
    vintages/2026-09/1/<mart>.parquet  the mart's rows of that month, as published

A vintage is copied out of a release that stands on disk, under a hidden name that is renamed at the
end: a process that dies leaves the release, and the next run copies what is missing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.lib.errors import BadInput, Fault, one_per_line
from orchestration.lib.files import STAGING_PREFIX, hash_file, hash_json, remove_staging, sync
from orchestration.lib.settings import make_private

if TYPE_CHECKING:
    import duckdb

    from orchestration.lib.dbt_runs import MartSpec
    from orchestration.lib.settings import Settings

MANIFEST_FILE = "manifest.json"
FINAL, RESTATED = "final", "restated"
# What the models read of earlier vintages; the same columns whether there are any or not.
SCORECARDS = {
    "agent_id": "varchar",
    "period_month": "date",
    "vintage_number": "bigint",
    "is_latest": "boolean",
    "tier": "varchar",
    "overall_score": "double",
    "band": "varchar",
    "vintage": "varchar",
    "vintage_as_of": "timestamp",
    "vintage_release_id": "varchar",
    "restated_because": "varchar",
}
FIGURES = {
    "agent_id": "varchar",
    "period_month": "date",
    "metric": "varchar",
    "vintage_number": "bigint",
    "is_latest": "boolean",
    "numerator": "double",
    "denominator": "double",
    "sample_size": "bigint",
    "value": "double",
    "target": "double",
    "weight": "double",
    "points": "double",
    "change_reason": "varchar",
}


@dataclass(frozen=True)
class Vintage:
    """One vintage of one closed month.

    `number` counts from 1 (final); later ones are restated, each with its `reason`. `as_of` is
    naive UTC. `inputs` is the key of what the publishing run was made of (run_plan.inputs_key).
    `marts` maps a mart to {"sha256", "rows"} of its file.
    """

    folder: Path
    period_month: date
    number: int
    label: str
    as_of: datetime
    release_id: str
    inputs: str
    reason: str | None
    marts: Mapping[str, Mapping[str, Any]]
    sha256: str

    @property
    def name(self) -> str:
        """Month and number, as in 2026-09/1."""
        return f"{self.period_month:%Y-%m}/{self.number}"

    @property
    def line(self) -> str:
        """What stands for this vintage wherever vintages are hashed or compared."""
        return f"{self.name} {self.sha256}"


@dataclass(frozen=True)
class Closing:
    """A month that a release closes or restates: what its vintage is going to be."""

    period_month: date
    number: int
    reason: str | None = None

    @property
    def label(self) -> str:
        return FINAL if self.number == 1 else RESTATED


def read_vintages(settings: Settings) -> list[Vintage]:
    """Every vintage kept, by month and number; Fault where a manifest does not read."""
    root = settings.vintages_root
    return sorted(
        (_read(path) for path in root.glob(f"*/*/{MANIFEST_FILE}") if path.parent.name.isdigit()),
        key=lambda vintage: (vintage.period_month, vintage.number),
    )


def latest(vintages: Iterable[Vintage]) -> dict[date, Vintage]:
    """The vintage in force of every closed month."""
    return {
        vintage.period_month: vintage for vintage in sorted(vintages, key=lambda one: one.number)
    }


def versions_of(vintages: Iterable[Vintage]) -> dict[date, str]:
    """The scorecard version under which every closed month was published."""
    import duckdb

    found: dict[date, str] = {}
    with duckdb.connect() as connection:
        for month, vintage in latest(vintages).items():
            path = vintage.folder / "agent_scorecard.parquet"
            [(version,)] = connection.execute(
                "select max(cast(scorecard_version as varchar)) from read_parquet($path)",
                {"path": os.fspath(path)},
            ).fetchall()
            if version is not None:
                found[month] = version
    return found


def verify_vintages(vintages: Iterable[Vintage]) -> int:
    """Check the content of every vintage against its hashes; returns the number of files.

    Raises Fault naming what is missing or changed: figures of a closed month are never made again.
    """
    count, faults = 0, []
    for vintage in vintages:
        for mart, promised in sorted(vintage.marts.items()):
            path = vintage.folder / f"{mart}.parquet"
            count += 1
            if not path.is_file():
                faults.append(f"vintages/{vintage.name}/{path.name}: missing")
            elif hash_file(path) != promised["sha256"]:
                faults.append(
                    f"vintages/{vintage.name}/{path.name}: changed since it was published"
                )
    if faults:
        raise Fault(
            one_per_line(faults) + "\nclosed months are kept as published: put the vintages back "
            "from a backup, or from the release that their manifest names"
        )
    return count


def keep_vintages(settings: Settings, release: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Copy the months that a release closes out of `release`, its folder of marts, unless kept yet.

    `manifest` is that of the release; its `closes` lists the months, its `closing_months` says by
    which SQL expression a row of a mart belongs to a month. Returns the names of what was added.
    """
    added = []
    for entry in manifest.get("closes", []):
        closing = Closing(
            date.fromisoformat(entry["period_month"]), entry["number"], entry["reason"]
        )
        folder = settings.vintages_root / f"{closing.period_month:%Y-%m}" / str(closing.number)
        if (folder / MANIFEST_FILE).exists():
            continue
        _keep(settings, release, manifest, closing, folder)
        added.append(f"{closing.period_month:%Y-%m}/{closing.number}")
    return added


def clean_vintages(settings: Settings) -> None:
    """Remove what a process that died left under a hidden name."""
    for month in settings.vintages_root.glob("*"):
        remove_staging(month)


def published_rows(
    mart: MartSpec,
    source: str,
    columns: Mapping[str, str],
    vintages: Iterable[Vintage],
    built: str,
    stamps: Mapping[str, str],
) -> str:
    """SQL of a mart's rows as they are published: closed months from `vintages`, the rest from
    the relation `source`.

    `columns` maps the mart's columns to their types, in order. `built` is an SQL condition with
    `{month}` for the months that the run makes. `stamps` maps the columns that name the release to
    SQL literals. A column that a vintage does not know yet is null in its months.
    """
    listed = ", ".join(quoted_name(column) for column in columns)
    if mart.closes_by is None:
        return f"select {listed} from {source}"
    files = [vintage.folder / f"{mart.name}.parquet" for vintage in vintages]
    files = [path for path in files if path.exists()]
    month = f"date_trunc('month', {mart.closes_by})"
    kept = built.format(month=month)
    if not files:
        return f"select {listed} from {source} where {kept}"
    known = _columns_of(files)
    closed = ", ".join(_closed_column(mart, column, columns, known, stamps) for column in columns)
    frozen = (
        f"read_parquet([{', '.join(quoted_path(path) for path in files)}], union_by_name = true)"
    )
    if not mart.settles_by:
        return (
            f"select {listed} from {source} where {kept} "
            f"union all by name select {closed} from {frozen} as closed"
        )
    same = " and ".join(
        f"closed.{quoted_name(column)} = built.{quoted_name(column)}" for column in mart.settles_by
    )
    whole = " and ".join(
        f"closed.{quoted_name(column)} = built.{quoted_name(column)}" for column in mart.key
    )
    return (
        f"select {listed} from {source} as built "
        f"where not exists (select 1 from {frozen} as closed where {same}) "
        f"union all by name select {closed} from {frozen} as closed "
        f"left join {source} as built on {whole}"
    )


def _closed_column(
    mart: MartSpec,
    column: str,
    columns: Mapping[str, str],
    known: set[str],
    stamps: Mapping[str, str],
) -> str:
    name = quoted_name(column)
    if column in stamps:
        return f"{stamps[column]} as {name}"
    if column not in known:
        return f"cast(null as {columns[column]}) as {name}"
    if column in mart.live_columns:
        key = quoted_name(mart.key[0])
        return f"case when built.{key} is null then closed.{name} else built.{name} end as {name}"
    return f"closed.{name} as {name}"


def _columns_of(files: Sequence[Path]) -> set[str]:
    import pyarrow.parquet as pq

    return {name for path in files for name in pq.read_schema(path).names}


def parse_month(text: str) -> date:
    """First day of a month given as YYYY-MM; BadInput for anything else."""
    try:
        return datetime.strptime(text, "%Y-%m").date()
    except ValueError:
        raise BadInput(f"month {text!r}: give it as YYYY-MM, such as 2026-09") from None


def write_tables(vintages: Sequence[Vintage], folder: Path) -> None:
    """Write what the models read of `vintages` into `folder`: scorecards.parquet with one row per
    agent, closed month and vintage, figures.parquet with one per metric as well."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        _create(connection, "scorecards", SCORECARDS)
        _create(connection, "figures", FIGURES)
        in_force = latest(vintages)
        for vintage in vintages:
            is_latest = in_force[vintage.period_month] is vintage
            _insert(connection, vintage, is_latest)
        for name, columns in (("scorecards", SCORECARDS), ("figures", FIGURES)):
            order = ", ".join(list(columns)[: 4 if name == "figures" else 3])
            connection.execute(
                f"copy (select * from {name} order by {order}) "
                f"to {quoted_path(folder / f'{name}.parquet')} (format parquet, compression zstd)"
            )


def _create(connection: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str]) -> None:
    listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    connection.execute(f"create table {name} ({listed})")


def _insert(connection: duckdb.DuckDBPyConnection, vintage: Vintage, is_latest: bool) -> None:
    facts = {
        "number": vintage.number,
        "is_latest": is_latest,
        "as_of": vintage.as_of,
        "release_id": vintage.release_id,
        "label": vintage.label,
        "reason": vintage.reason,
    }

    def of(mart: str) -> str:
        return f"read_parquet({quoted_path(vintage.folder / f'{mart}.parquet')})"

    connection.execute(f"insert into scorecards {scorecards_of(of)}", facts)
    connection.execute(
        f"insert into figures {figures_of(of)}", {"number": vintage.number, "is_latest": is_latest}
    )


def scorecards_of(relation: Callable[[str], str]) -> str:
    """Query for the rows of SCORECARDS in a vintage whose marts are `relation` of their names; with
    the parameters number, is_latest, label, as_of, release_id and reason."""
    return f"""
        select scores.agent_id, scores.period_month, $number, $is_latest, scores.tier,
            scores.overall_score, bands.band, $label, $as_of, $release_id, $reason
        from {relation("agent_scorecard")} as scores
        left join {relation("performance_bands")} as bands using (agent_id, period_month)
        where scores.window = 'month'
    """


def figures_of(relation: Callable[[str], str]) -> str:
    """Query for the rows of FIGURES in such a vintage; with the parameters number and is_latest."""
    return f"""
        select agent_id, period_month, metric, vintage_number, $is_latest, numerator, denominator,
            sample_size, value, target, weight, points, change_reason
        from {relation("scorecard_vintages")}
        where vintage_number = $number
    """


# ------------------------------------------------------------------------------------------ folders


def _keep(
    settings: Settings,
    release: Path,
    manifest: Mapping[str, Any],
    closing: Closing,
    folder: Path,
) -> None:
    import duckdb

    make_private(settings.vintages_root)
    make_private(folder.parent)
    staging = folder.with_name(f"{STAGING_PREFIX}{folder.name}-{os.getpid()}")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        marts = {}
        with duckdb.connect() as connection:
            connection.execute("set threads = 1")
            connection.execute("set TimeZone = 'UTC'")
            for mart, expression in sorted(manifest["closing_months"].items()):
                path = staging / f"{mart}.parquet"
                rows = connection.execute(
                    f"copy (select * from read_parquet({quoted_path(release / f'{mart}.parquet')}) "
                    f"where date_trunc('month', {expression}) = date '{closing.period_month}') "
                    f"to {quoted_path(path)} (format parquet, compression zstd)"
                ).fetchall()[0][0]
                marts[mart] = {"sha256": hash_file(path), "rows": rows}
        content = {
            "period_month": closing.period_month.isoformat(),
            "number": closing.number,
            "label": closing.label,
            "as_of": manifest["as_of"],
            "release_id": manifest["release_id"],
            "inputs": manifest["inputs"],
            "reason": closing.reason,
            "marts": marts,
        }
        content["sha256"] = hash_json(content)
        (staging / MANIFEST_FILE).write_text(json.dumps(content, indent=2) + "\n", "utf-8")
        for path in staging.iterdir():
            path.chmod(0o400)
            sync(path)
        sync(staging)
        os.replace(staging, folder)
        sync(folder.parent)
        sync(settings.vintages_root)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _read(path: Path) -> Vintage:
    try:
        raw = path.read_bytes()
        content = json.loads(raw)
        if content.pop("sha256") != hash_json(content):
            raise ValueError("changed since it was written")
        return Vintage(
            folder=path.parent,
            period_month=date.fromisoformat(content["period_month"]),
            number=content["number"],
            label=content["label"],
            as_of=datetime.fromisoformat(content["as_of"]).replace(tzinfo=None),
            release_id=content["release_id"],
            inputs=content["inputs"],
            reason=content["reason"],
            marts=content["marts"],
            sha256=hashlib.sha256(raw).hexdigest(),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        where = "/".join(path.parts[-4:])
        raise Fault(
            f"{where}: is not the manifest that was written with the vintage; put it back from a "
            "backup, or from the release of that month"
        ) from error


def to_json(closings: Iterable[Closing]) -> list[dict[str, Any]]:
    """Closings as a release's manifest holds them."""
    return [
        asdict(closing) | {"period_month": closing.period_month.isoformat()} for closing in closings
    ]


def quoted_path(path: Path) -> str:
    """The path as an SQL text."""
    return "'" + os.fspath(path).replace("'", "''") + "'"


def quoted_name(identifier: str) -> str:
    """The identifier as SQL reads it, whatever characters it has."""
    return '"' + identifier.replace('"', '""') + '"'
