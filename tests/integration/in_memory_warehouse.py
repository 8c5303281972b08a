"""The dbt project without dbt: its compiled SQL, run in manifest order in a database in memory.

Belongs here: compiling once, for full builds and for updates; putting tables of the memory in place
of files; running the models that some marts need on given raw tables, as a full build or as an
update of what an earlier run left. Does not belong here: what the marts should say.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.lib.contract import load_contract
from orchestration.lib.dbt_runs import dbt_executable
from orchestration.lib.landing import INVENTORY_SCHEMA, RUN_SCHEMA, landing_schema
from orchestration.lib.quarantine import BATCH_FILES_SCHEMA, RELEASES_SCHEMA, ROWS_SCHEMA
from orchestration.lib.vintages import FIGURES, SCORECARDS
from tests.conftest import PROJECT_ROOT

Row = dict[str, Any]
RawTables = dict[str, list[dict[str, str | None]]]
# Rows as ingest lands them, by the name of the source: a raw table, `files` or `run`.
Landing = Mapping[str, pa.Table]

LANDING_SCHEMA = "landing"
# Rows of the files that an update reads.
NEW_SCHEMA = "landing_new"
RELEASE_ID = "random"
RELATION = re.compile(r'"\w+"\."\w+"\."\w+"')
ONLY_MODELS = ("--select", "resource_type:model")
NEW_FILES = re.compile(r"read_parquet\('[^']*/landing/_new/(\w+)/\*\.parquet'\)")


@dataclass(frozen=True)
class Project:
    """A state root to compile on, the seeds, and dbt's environment and arguments for both."""

    state_root: Path
    seed_root: Path

    @property
    def environment(self) -> dict[str, str]:
        given = {name: value for name, value in os.environ.items() if not name.startswith("CX_")}
        return given | {
            "CX_STATE_ROOT": str(self.state_root),
            "CX_SEED_ROOT": str(self.seed_root),
            "CX_WAREHOUSE_PATH": str(self.state_root / "warehouse" / "warehouse.duckdb"),
            "CX_TICKETING_SOURCE": "native",
            "CX_THREADS": "2",
            "DBT_TARGET_PATH": str(self.state_root / "target"),
            "DBT_LOG_PATH": str(self.state_root / "logs"),
            "DO_NOT_TRACK": "1",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }

    @property
    def arguments(self) -> list[str]:
        return [
            "--project-dir", str(PROJECT_ROOT / "dbt_project"),
            "--profiles-dir", str(PROJECT_ROOT / "profiles"),
        ]  # fmt: skip

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest of full builds."""
        return json.loads((self.state_root / "target" / "manifest.json").read_bytes())

    @property
    def manifest_of_updates(self) -> dict[str, Any]:
        """The manifest with the SQL that dbt runs where the tables of an earlier run are there."""
        return json.loads((self.state_root / "target_of_updates" / "manifest.json").read_bytes())

    def compile(self) -> None:
        """Compile every model, for full builds and for updates, and every data test."""
        self.dbt("compile", *ONLY_MODELS, "resource_type:test")
        target = self.state_root / "target_of_updates"
        # What is parsed need not be parsed again.
        shutil.copytree(self.state_root / "target", target)
        warehouse = Path(self.environment["CX_WAREHOUSE_PATH"])
        self._pretend_tables(warehouse)
        try:
            self.dbt("compile", "--target-path", str(target), *ONLY_MODELS)
        finally:
            warehouse.unlink()

    def _pretend_tables(self, warehouse: Path) -> None:
        """Tables of no use; fails where real ones are."""
        with duckdb.connect(str(warehouse)) as connection:
            for node in self.manifest["nodes"].values():
                if node["config"].get("materialized") == "incremental":
                    connection.execute(f'create schema if not exists "{node["schema"]}"')
                    connection.execute(f"create table {node['relation_name']} (pretended int)")

    def dbt(self, *command: str) -> None:
        """Run dbt, which has to succeed."""
        done = subprocess.run(
            [str(dbt_executable()), "--quiet", "--no-use-colors", *command, *self.arguments],
            cwd=PROJECT_ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"dbt {command[0]} failed:\n{done.stdout}\n{done.stderr}"


def compile_project(root: Path, seeds: dict[str, str]) -> Project:
    """The project compiled below `root` with these seeds (CSV text by name)."""
    project = Project(root / "state", root / "seeds")
    (project.state_root / "warehouse").mkdir(parents=True, exist_ok=True)
    project.seed_root.mkdir(exist_ok=True)
    for name, text in seeds.items():
        (project.seed_root / f"{name}.csv").write_text(text, encoding="utf-8")
    project.compile()
    return project


def landed(
    table: str, rows: list[dict[str, str | None]], file: str = "random.csv", first_row: int = 1
) -> pa.Table:
    """Raw rows as ingest lands them: every cell as text, with the file and the row it stands in."""
    schema = landing_schema(load_contract().tables[table])
    columns = {
        name: [row.get(name) for row in rows]
        for name in schema.names
        if name[:2] not in ("_f", "_r")
    }
    columns["_file"] = [f"{table}/{file}"] * len(rows)
    columns["_row"] = list(range(first_row, first_row + len(rows)))
    return pa.table(columns, schema=schema)


def source_name(source: dict[str, Any]) -> str:
    """Name of the table that stands for a source: two sources have tables of one name."""
    name = source["identifier"]
    return f"batch_{name}" if source["source_name"] == "batch" else name


def told(name: str) -> pa.Table:
    """An empty table of those by which ingest tells the models of the run."""
    tables = {
        "run": RUN_SCHEMA,
        "files": INVENTORY_SCHEMA,
        "batch_files": BATCH_FILES_SCHEMA,
        "batch_releases": RELEASES_SCHEMA,
        "batch_quarantined_rows": ROWS_SCHEMA,
    }
    if name in tables:
        return tables[name].empty_table()
    columns = {"vintage_scorecards": SCORECARDS, "vintage_figures": FIGURES}[name]
    casts = ", ".join(f"cast(null as {kind}) as {column}" for column, kind in columns.items())
    return duckdb.sql(f"select {casts}").to_arrow_table()


def run_row(as_of: datetime, **told: date | None) -> pa.Table:
    """The one row about a run; what is not `told` of it is empty."""
    row = {
        "as_of": as_of.astimezone(UTC).replace(tzinfo=None),
        "release_id": RELEASE_ID,
        "ticketing_source": "native",
        **told,
    }
    return pa.Table.from_pylist([row], schema=RUN_SCHEMA)


@dataclass(frozen=True)
class Model:
    """A model with its SQL for full builds; `update` is none where every run makes it whole.

    `sources` are the raw tables it reads itself.
    """

    name: str
    relation: str
    sql: str
    update: Update | None
    sources: frozenset[str]


@dataclass(frozen=True)
class Update:
    """What dbt does to a table that is there: rows to come, and which go before they do."""

    sql: str
    deletes: str


class MemoryWarehouse:
    """The models that `marts` need, in a database of their own in memory.

    With the manifest of updates it can be kept from run to run: `build` makes everything of the
    landing, `update` brings what is there up to date, as dbt would.
    """

    def __init__(
        self,
        manifest: dict[str, Any],
        seed_root: Path,
        marts: Iterable[str],
        updates: dict[str, Any] | None = None,
    ):
        self.marts = {mart: _model(manifest, mart)["relation_name"] for mart in marts}
        self.sources: dict[str, str] = {}
        self.new_rows: dict[str, str] = {}
        self.models: list[Model] = []
        self.filled: set[str] = set()
        self.connection = duckdb.connect(":memory:", config={"threads": "1"})
        self.connection.execute("set TimeZone = 'UTC'")
        self.connection.execute("set preserve_insertion_order = false")
        self._create(manifest, seed_root, updates)
        # Plans as written: to look for better ones takes longer than these few rows do.
        self.connection.execute("pragma disable_optimizer")
        self._prepare()

    def _create(
        self, manifest: dict[str, Any], seed_root: Path, updates: dict[str, Any] | None
    ) -> None:
        """Every table, still without rows but for the seeds."""
        nodes = [
            manifest["nodes"].get(unique_id) or manifest["sources"][unique_id]
            for unique_id in ancestors(manifest, self.marts)
        ]
        database = next(node["database"] for node in nodes)
        self.connection.execute(f"attach ':memory:' as \"{database}\"")
        schemas = {node["schema"] for node in nodes} | {LANDING_SCHEMA, NEW_SCHEMA}
        for schema in sorted(schemas):
            self.connection.execute(f'create schema if not exists "{database}"."{schema}"')
        known: set[str] = set()
        for node in nodes:
            relation = node["relation_name"]
            if node["resource_type"] == "source":
                relation = f'"{database}"."{LANDING_SCHEMA}"."{source_name(node)}"'
                self._create_source(node, relation)
            elif node["resource_type"] == "seed":
                self._create_seed(node, seed_root)
            else:
                sql = self._on_memory(node, manifest)
                _refuse_strangers(node, sql, known)
                self.connection.execute(f"create table {relation} as {sql}\nwith no data")
                update = self._update_of(updates, node, known | {relation}) if updates else None
                sources = (manifest["sources"].get(one) for one in node["depends_on"]["nodes"])
                raw = frozenset(
                    one["identifier"] for one in sources if one and one["source_name"] == "raw"
                )
                self.models.append(Model(node["name"], relation, sql, update, raw))
            known.add(relation)

    def _create_source(self, node: dict[str, Any], relation: str) -> None:
        name = source_name(node)
        empty = landed(name, []) if node["source_name"] == "raw" else told(name).slice(0, 0)
        places = {relation: self.sources}
        if node["source_name"] == "raw":
            places[relation.replace(LANDING_SCHEMA, NEW_SCHEMA)] = self.new_rows
        self.connection.register("empty", empty)
        for place, known in places.items():
            self.connection.execute(f"create table {place} as select * from empty")
            known[name] = place
        self.connection.unregister("empty")

    def _create_seed(self, node: dict[str, Any], seed_root: Path) -> None:
        types = node["config"]["column_types"]
        columns = ", ".join(f'cast("{name}" as {kind}) as "{name}"' for name, kind in types.items())
        path = seed_root / f"{node['name']}.csv"
        self.connection.execute(
            f"create table {node['relation_name']} as select {columns}"
            f" from read_csv('{path}', header = true, all_varchar = true)"
        )

    def _on_memory(self, node: dict[str, Any], manifest: dict[str, Any]) -> str:
        """The compiled SQL of a model, reading tables where dbt reads landed files."""
        sql = NEW_FILES.sub(lambda match: self.new_rows[match[1]], node["compiled_code"])
        for unique_id in node["depends_on"]["nodes"]:
            source = manifest["sources"].get(unique_id)
            if source:
                sql = sql.replace(source["relation_name"], self.sources[source_name(source)])
        assert "read_parquet" not in sql, f"{node['name']} reads a file that is not its source"
        return sql

    def _update_of(
        self, manifest: dict[str, Any], node: dict[str, Any], known: set[str]
    ) -> Update | None:
        """How dbt updates a model, by its strategy (dbt-duckdb's, and macros/row_layer.sql)."""
        node = manifest["nodes"][node["unique_id"]]
        config = node["config"]
        if config["materialized"] != "incremental":
            return None
        sql = self._on_memory(node, manifest)
        _refuse_strangers(node, sql, known | set(self.new_rows.values()))
        relation, key = node["relation_name"], config["unique_key"]
        rows = _rows_to_come(node["name"])
        if config["incremental_strategy"] == "replace_touched":
            touched = config["meta"]["touched"]
            deletes = f"delete from {relation}"
            if touched != "all":
                keys = _model(manifest, "int_rows__touched")["relation_name"]
                deletes += (
                    f" where {key} in (select key_id from {keys} where raw_table = '{touched}'"
                    f" union all select {key} from {rows})"
                )
        else:
            assert config["incremental_strategy"] == "delete+insert", node["name"]
            columns = [key] if isinstance(key, str) else key
            same = " and ".join(f"{rows}.{column} = gone.{column}" for column in columns)
            deletes = f"delete from {relation} as gone using {rows} where {same}"
        self.connection.execute(f"create table {rows} as from {relation} with no data")
        return Update(sql, deletes)

    def _prepare(self) -> None:
        """Statements are parsed once; DuckDB plans them again each time."""
        for model in self.models:
            name, relation = model.name, model.relation
            self.connection.execute(f"prepare make_{name} as insert into {relation} {model.sql}")
            self.connection.execute(f"prepare empty_{name} as delete from {relation}")
            if model.update:
                rows = _rows_to_come(name)
                for step, sql in (
                    ("find", f"insert into {rows} by name {model.update.sql}"),
                    ("delete", model.update.deletes),
                    ("insert", f"insert into {relation} from {rows}"),
                    ("forget", f"delete from {rows}"),
                ):
                    self.connection.execute(f"prepare {step}_{name} as {sql}")

    def run(self, raw: RawTables, as_of: datetime) -> dict[str, list[Row]]:
        """Rows of the marts for these raw tables, which are forgotten again."""
        self.connection.execute("begin")
        try:
            tables = {name: landed(name, rows) for name, rows in raw.items() if rows}
            self._land(self.sources, tables | {"run": run_row(as_of)})
            for model in self.models:
                self.connection.execute(f"execute make_{model.name}")
            return {mart: self.rows(mart) for mart in self.marts}
        finally:
            self.connection.execute("rollback")
            self.filled.clear()

    def build(self, landing: Landing) -> None:
        """Makes every model of all landed rows, whatever was there before."""
        self._land(self.sources, landing)
        for model in self.models:
            self._make_whole(model, landing)

    def update(self, landing: Landing, new: Landing, steps: int | None = None) -> None:
        """Brings every model up to date, reading the rows of the `new` files only.

        With `steps`, only so many models, as a run does that is killed.
        """
        self._land(self.sources, landing)
        self._land(self.new_rows, new)
        for model in self.models[:steps]:
            if model.update is None:
                self._make_whole(model, landing)
            elif not _is_idle(model, landing):
                for step in ("find", "delete", "insert", "forget"):
                    self.connection.execute(f"execute {step}_{model.name}")

    def _make_whole(self, model: Model, landing: Landing) -> None:
        self.connection.execute(f"execute empty_{model.name}")
        if not _is_idle(model, landing):
            self.connection.execute(f"execute make_{model.name}")

    def _land(self, places: Mapping[str, str], landing: Landing) -> None:
        for name, place in places.items():
            if place in self.filled:
                self.connection.execute(f"delete from {place}")
                self.filled.remove(place)
            if landing.get(name):
                self.filled.add(place)
                # DuckDB finds the variable. To register it would change the catalog, after which
                # every prepared statement is bound anew.
                landed_rows = landing[name]  # noqa: F841
                self.connection.execute(f"insert into {place} select * from landed_rows")

    def rows(self, name: str) -> list[Row]:
        """Rows of a model, in no order."""
        relation = next(model.relation for model in self.models if model.name == name)
        found = self.connection.execute(f"select * from {relation}")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _is_idle(model: Model, landing: Landing) -> bool:
    """True for the staging of a raw table of which no file ever landed; to run it takes time."""
    return len(model.sources) == 1 and not any(landing.get(name) for name in model.sources)


def _rows_to_come(name: str) -> str:
    """The table that stands for the temporary one of dbt."""
    return f"memory.main.to_come_{name}"


def _refuse_strangers(node: dict[str, Any], sql: str, known: set[str]) -> None:
    strangers = set(RELATION.findall(sql)) - known
    assert not strangers, f"{node['name']} reads {strangers} before it is made"


def ancestors(manifest: dict[str, Any], marts: Iterable[str]) -> list[str]:
    """Ids of the marts and of all they need, each after what it needs."""
    found: dict[str, None] = {}

    def visit(unique_id: str) -> None:
        if unique_id not in found:
            for needed in (
                manifest["nodes"].get(unique_id, {}).get("depends_on", {}).get("nodes", [])
            ):
                visit(needed)
            found[unique_id] = None

    for mart in marts:
        visit(_model(manifest, mart)["unique_id"])
    return list(found)


def _model(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    return next(
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["name"] == name
    )
