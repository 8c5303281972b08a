"""The dbt project without dbt: its compiled SQL, run in manifest order in a database in memory.

Belongs here: compiling once, putting tables of the memory in place of files, and running the models
that some marts need on given raw tables. Does not belong here: what the marts should say.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.lib.contract import load_contract
from orchestration.lib.dbt_runs import dbt_executable
from orchestration.lib.landing import RUN_SCHEMA, landing_schema
from tests.conftest import PROJECT_ROOT

Row = dict[str, Any]
RawTables = dict[str, list[dict[str, str | None]]]

LANDING_SCHEMA = "landing"
RELEASE_ID = "random"
RELATION = re.compile(r'"\w+"\."\w+"\."\w+"')


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
        return json.loads((self.state_root / "target" / "manifest.json").read_bytes())

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


def compile_project(root: Path, seeds: dict[str, str], marts: Iterable[str]) -> Project:
    """The project compiled below `root` with these seeds (CSV text by name)."""
    project = Project(root / "state", root / "seeds")
    (project.state_root / "warehouse").mkdir(parents=True)
    project.seed_root.mkdir()
    for name, text in seeds.items():
        (project.seed_root / f"{name}.csv").write_text(text, encoding="utf-8")
    project.dbt("compile", "--select", *(f"+{mart}" for mart in marts))
    return project


def landed(table: str, rows: list[dict[str, str | None]]) -> pa.Table:
    """Raw rows as ingest lands them: every cell as text, with the file and the row it stands in."""
    schema = landing_schema(load_contract().tables[table])
    columns = {
        name: [row.get(name) for row in rows]
        for name in schema.names
        if name[:2] not in ("_f", "_r")
    }
    columns["_file"] = [f"{table}/random.csv"] * len(rows)
    columns["_row"] = list(range(1, len(rows) + 1))
    return pa.table(columns, schema=schema)


def run_row(as_of: datetime) -> pa.Table:
    """The one row about a run."""
    row = {
        "as_of": as_of.astimezone(UTC).replace(tzinfo=None),
        "release_id": RELEASE_ID,
        "ticketing_source": "native",
    }
    return pa.Table.from_pylist([row], schema=RUN_SCHEMA)


class MemoryWarehouse:
    """The models that `marts` need, in a database of their own in memory."""

    def __init__(self, manifest: dict[str, Any], seed_root: Path, marts: Iterable[str]):
        self.marts = {mart: _model(manifest, mart)["relation_name"] for mart in marts}
        self.sources: dict[str, str] = {}
        self.models: list[tuple[str, str]] = []
        self.connection = duckdb.connect(":memory:", config={"threads": "1"})
        self.connection.execute("set TimeZone = 'UTC'")
        self.connection.execute("set preserve_insertion_order = false")
        self._create(manifest, seed_root)
        # Plans as written: to look for better ones takes longer than these few rows do.
        self.connection.execute("pragma disable_optimizer")
        self._prepare()

    def _create(self, manifest: dict[str, Any], seed_root: Path) -> None:
        """Every table, still without rows but for the seeds."""
        nodes = [
            manifest["nodes"].get(unique_id) or manifest["sources"][unique_id]
            for unique_id in ancestors(manifest, self.marts)
        ]
        database = next(node["database"] for node in nodes)
        self.connection.execute(f"attach ':memory:' as \"{database}\"")
        for schema in sorted({node["schema"] for node in nodes} | {LANDING_SCHEMA}):
            self.connection.execute(f'create schema if not exists "{database}"."{schema}"')
        known: set[str] = set()
        for node in nodes:
            relation = node["relation_name"]
            if node["resource_type"] == "source":
                relation = f'"{database}"."{LANDING_SCHEMA}"."{node["identifier"]}"'
                self._create_source(node, relation)
            elif node["resource_type"] == "seed":
                self._create_seed(node, seed_root)
            else:
                sql = self._on_memory(node, manifest)
                strangers = set(RELATION.findall(sql)) - known
                assert not strangers, f"{node['name']} reads {strangers} before it is made"
                self.connection.execute(f"create table {relation} as {sql}\nwith no data")
                self.models.append((relation, sql))
            known.add(relation)

    def _create_source(self, node: dict[str, Any], relation: str) -> None:
        name = node["identifier"]
        empty = run_row(datetime.now(UTC)).slice(0, 0) if name == "run" else landed(name, [])
        self.connection.register("empty", empty)
        self.connection.execute(f"create table {relation} as select * from empty")
        self.connection.unregister("empty")
        self.sources[name] = relation

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
        sql = node["compiled_code"]
        for unique_id in node["depends_on"]["nodes"]:
            source = manifest["sources"].get(unique_id)
            if source:
                files = source["relation_name"]
                assert files in sql, f"{node['name']} does not read {files}"
                sql = sql.replace(files, self.sources[source["identifier"]])
        assert "read_parquet" not in sql, f"{node['name']} reads a file that is not its source"
        return sql

    def _prepare(self) -> None:
        """Statements are parsed once; DuckDB plans them again each time."""
        for place, (relation, sql) in enumerate(self.models):
            self.connection.execute(f"prepare model_{place} as insert into {relation} {sql}")

    def run(self, raw: RawTables, as_of: datetime) -> dict[str, list[Row]]:
        """Rows of the marts for these raw tables."""
        self.connection.execute("begin")
        try:
            for name, relation in self.sources.items():
                if name == "run":
                    self._insert(relation, run_row(as_of))
                elif raw.get(name):
                    self._insert(relation, landed(name, raw[name]))
            for place in range(len(self.models)):
                self.connection.execute(f"execute model_{place}")
            return {mart: self._rows(relation) for mart, relation in self.marts.items()}
        finally:
            self.connection.execute("rollback")

    def _insert(self, relation: str, rows: pa.Table) -> None:
        self.connection.register("landed_rows", rows)
        self.connection.execute(f"insert into {relation} select * from landed_rows")
        self.connection.unregister("landed_rows")

    def _rows(self, relation: str) -> list[Row]:
        found = self.connection.execute(f"select * from {relation}")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


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
