"""A model that loses a row, doubles one or gives it to somebody else is found by some test.

Belongs here: spoiling one model after the other in one warehouse in memory, built of the golden raw
data, and asking what dbt's data tests and the cells computed by hand say of it; of a fault that
shows in none of these few rows, what the model's own unit tests say. Does not belong here: those
tests themselves (dbt_project, test_golden.py).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from orchestration.lib.dbt_runs import dbt_executable
from orchestration.lib.input_checks import check_inputs
from orchestration.lib.landing import ingest, inventory_path
from orchestration.lib.settings import Settings
from tests.conftest import GOLDEN_ROOT, PROJECT_ROOT, Workspace
from tests.faults.counted import count
from tests.integration.in_memory_warehouse import (
    Landing,
    MemoryWarehouse,
    Project,
    compile_project,
)
from tests.integration.test_golden import KEYS, differences
from tests.published import MARTS

# Models that no other model reads.
ENDS = (*sorted(MARTS), "fct_repeat_contacts")
# Whom a row is credited to, the first of these columns that a model has.
CREDITED = ("agent_id", "team_id", "evaluator_id", "ticket_id")
# Faults that other tests show, on data in which they matter.
FOUND_ELSEWHERE: set[str] = set()
# The row that is spoilt is the first of this order; where nothing shows, one of the next.
ROWS_TRIED = 5
ORDER = "order by md5(row_::varchar)"


@dataclass(frozen=True)
class Fault:
    """A way to spoil a row of a model; `sql` takes its SQL, the column of the credit and the place
    of the row."""

    name: str
    sql: str
    needs_credit: bool = False

    def of(self, model: str, credit: str | None, place: int) -> str:
        """SQL of a model, spoilt."""
        return self.sql.format(sql=model, credit=credit, place=place)


FAULTS = (
    Fault(
        "drops a row",
        f"select * from ({{sql}}\n) as row_ qualify row_number() over ({ORDER}) <> {{place}}",
    ),
    Fault(
        "doubles a row",
        "with rows_ as ({sql}\n) select * from rows_ union all "
        f"(select * from rows_ as row_ {ORDER} limit 1 offset {{place}} - 1)",
    ),
    Fault(
        "gives a row to another",
        f"select * replace (case when row_number() over ({ORDER}) <> {{place}} then {{credit}} "
        "when {credit} = max({credit}) over () then min({credit}) over () "
        "else max({credit}) over () end as {credit}) from ({sql}\n) as row_",
        needs_credit=True,
    ),
)


class GoldenWarehouse:
    """The golden raw data as built, and what the tests say of it."""

    def __init__(self, project: Project, landing: Landing, folder: Path) -> None:
        self.warehouse = MemoryWarehouse(project.manifest, project.seed_root, ENDS)
        self.warehouse.build(landing)
        self.folder = folder
        self.models = {model.name: model for model in self.warehouse.models}
        nodes = project.manifest["nodes"]
        self._names = {unique_id: node["name"] for unique_id, node in nodes.items()}
        self._readers = defaultdict(set)
        for unique_id, node in nodes.items():
            for read in node["depends_on"].get("nodes", []):
                self._readers[self._names.get(read)].add(self._names[unique_id])
        self._tests = {
            node["name"]: self.warehouse._on_memory(node, project.manifest)
            for node in nodes.values()
            if node["resource_type"] == "test" and node.get("compiled_code")
        }

    def below(self, name: str) -> set[str]:
        """The model and all models and tests that rest on it."""
        found, left = set(), [name]
        while left:
            one = left.pop()
            if one not in found:
                found.add(one)
                left += self._readers[one]
        return found

    def rows(self, name: str) -> int:
        """Number of rows of a model."""
        return self._one(f"select count(*) from {self.models[name].relation}")

    def credit(self, name: str) -> str | None:
        """The column that says whose the rows are, where there are several to choose from."""
        relation = self.models[name].relation
        found = self.warehouse.connection.execute(f"describe {relation}").fetchall()
        columns = {column[0] for column in found}
        for credit in CREDITED:
            if credit in columns and self._one(f"select count(distinct {credit}) from {relation}"):
                return credit
        return None

    @contextmanager
    def spoilt(self, name: str, sql: str) -> Iterator[None]:
        """One model made by other SQL, and all that rest on it made anew; afterwards all is as it
        was."""
        below = self.below(name)
        connection = self.warehouse.connection
        connection.execute("begin")
        try:
            for model in self.warehouse.models:
                if model.name not in below:
                    continue
                connection.execute(f"execute empty_{model.name}")
                if model.name == name:
                    connection.execute(f"insert into {model.relation} {sql}")
                else:
                    connection.execute(f"execute make_{model.name}")
            yield
        finally:
            connection.execute("rollback")

    def complaints(self, name: str | None = None) -> list[str]:
        """Tests that fail and golden cells that differ, of what rests on a model or of all."""
        below = set(self._tests) | MARTS if name is None else self.below(name)
        failed = [
            test
            for test, sql in self._tests.items()
            if test in below and self._one(f"select count(*) from ({sql})")
        ]
        marts = sorted(MARTS & below)
        for mart in marts:
            relation = self.models[mart].relation
            path = self.folder / f"{mart}.parquet"
            self.warehouse.connection.execute(
                f"copy (select * from {relation}) to '{path}' (format parquet)"
            )
        assert set(KEYS) == MARTS
        return failed + [line for mart in marts for line in differences(self.folder, mart)]

    def _one(self, sql: str) -> Any:
        return self.warehouse.connection.execute(sql).fetchall()[0][0]


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> GoldenWarehouse:
    root = tmp_path_factory.mktemp("mutations")
    seeds = {path.stem: path.read_text("utf-8") for path in (GOLDEN_ROOT / "seeds").glob("*.csv")}
    project = compile_project(root, seeds)
    settings = Settings(
        raw_root=GOLDEN_ROOT / "raw", state_root=root / "landed", seed_root=GOLDEN_ROOT / "seeds"
    )
    check_inputs(settings, ingest(settings).as_of)
    (root / "marts").mkdir()
    return GoldenWarehouse(project, landing_of(settings), root / "marts")


def landing_of(settings: Settings) -> Landing:
    """What ingest left for the models, by the name of the source."""
    told = (settings.landing_root / "_run").glob("*.parquet")
    landing = {path.stem: pq.read_table(path) for path in told}
    landing["files"] = pq.read_table(inventory_path(settings))
    for folder in settings.landing_root.iterdir():
        if not folder.name.startswith("_"):
            landing[folder.name] = pq.read_table(folder)
    return landing


def fault_of(model: str, credit: str | None) -> Fault:
    """The fault a model is tried with: always the same, whatever other models there are."""
    drawn = int(hashlib.sha256(model.encode()).hexdigest(), 16)
    choice = [fault for fault in FAULTS if credit or not fault.needs_credit]
    return choice[drawn % len(choice)]


@pytest.mark.slow_fault
@pytest.mark.timeout(3600)
def test_every_model_that_is_spoilt_is_found(
    tested: GoldenWarehouse, small_sample: Workspace, tmp_path: Path
) -> None:
    """Each model with rows is spoilt in one of three ways; that one row of five shows is enough."""
    assert tested.complaints() == []
    filled = [model for model in tested.models.values() if tested.rows(model.name)]
    assert len(filled) > 150
    unfound: dict[str, str] = {}
    for model in filled:
        credit = tested.credit(model.name)
        fault = fault_of(model.name, credit)
        for place in range(1, min(ROWS_TRIED, tested.rows(model.name)) + 1):
            try:
                with tested.spoilt(model.name, fault.of(model.sql, credit, place)):
                    if tested.complaints(model.name):
                        break
            except duckdb.Error:
                # A build that breaks publishes nothing either.
                break
        else:
            unfound[model.name] = fault.name
    unfound = without_found_by_unit_tests(unfound, tested, small_sample, tmp_path)
    count("mutations", len(filled))
    assert set(unfound) <= FOUND_ELSEWHERE, f"of {len(filled)} mutations were not found: {unfound}"


def without_found_by_unit_tests(
    unfound: dict[str, str], tested: GoldenWarehouse, small_sample: Workspace, folder: Path
) -> dict[str, str]:
    """The models of which no unit test of dbt fails either, where their first row is spoilt."""
    project = folder / "project"
    written = shutil.ignore_patterns("target", "logs")
    shutil.copytree(PROJECT_ROOT / "dbt_project", project / "dbt_project", ignore=written)
    shutil.copytree(PROJECT_ROOT / "seeds", project / "seeds")
    for name in unfound:
        [path] = (project / "dbt_project" / "models").rglob(f"{name}.sql")
        credit = tested.credit(name)
        path.write_text(fault_of(name, credit).of(path.read_text("utf-8"), credit, 1), "utf-8")
    target = folder / "target"
    subprocess.run(
        [
            str(dbt_executable()), "--quiet", "test", "--select",
            *(f"{name},test_type:unit" for name in unfound),
            "--project-dir", str(project / "dbt_project"),
            "--profiles-dir", str(PROJECT_ROOT / "profiles"),
        ],
        env=small_sample.environment | {
            "CX_WAREHOUSE_PATH": str(small_sample.warehouse), "DBT_TARGET_PATH": str(target),
            "DBT_LOG_PATH": str(folder / "logs"),
        },
        cwd=project, capture_output=True, check=False,
    )  # fmt: skip
    tests = json.loads((target / "manifest.json").read_bytes())["unit_tests"]
    results = json.loads((target / "run_results.json").read_bytes())["results"]
    assert results
    found = {
        tests[result["unique_id"]]["model"] for result in results if result["status"] == "fail"
    }
    return {name: fault for name, fault in unfound.items() if name not in found}
