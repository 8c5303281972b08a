"""The core marts of random raw data against the reference, cell by cell.

Belongs here: which random data is tried, and what has to agree. Does not belong here: the data
(random_raw.py), how a cell is computed (tests/reference), and how the models are run
(in_memory_warehouse.py).

When it fails, it shows the smallest raw tables it found that still differ. Which of the two numbers
is right is argued from the definitions.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from tests.integration.in_memory_warehouse import MemoryWarehouse, Project, landed, run_row, told
from tests.integration.random_raw import (
    RawTables,
    World,
    as_text,
    moved,
    try_worlds,
    write_out,
)
from tests.reference.comparison import Comparison, compare_rows
from tests.reference.raw_rows import read_seeds, rows_that_count
from tests.reference.scorecard import run_reference

Row = dict[str, Any]
Marts = dict[str, list[Row]]

MARTS = ("agent_scorecard", "agent_scorecard_metrics", "performance_bands", "team_metrics")
WORLDS = 200
WORLDS_THROUGH_DBT = 10
ROUNDS = 22
# What random data must have met for the comparison to be worth something.
WANTED = {
    *(f"band {band}" for band in ("exceptional", "strong", "developing", "not_rated")),
    "band below_expectations",
    *(f"rule {rule}" for rule in ("critical_gate", "trajectory", "exceptional", "strong")),
    *(f"trajectory {course}" for course in ("new", "flat", "declining", "improving")),
    *(f"flag {flag}" for flag in ("not_adjusted", "slow", "rushing")),
    *(f"confidence {grade}" for grade in ("band_grade", "indicative", "insufficient")),
    *(
        f"{share} {metric}"
        for share in ("covered", "partly covered", "not covered")
        for metric in ("aht_index", "csat", "fcr_rate", "escalation_rate", "repeat_contact_rate")
    ),
}


@pytest.fixture(scope="module")
def warehouse(compiled: Project) -> MemoryWarehouse:
    return MemoryWarehouse(compiled.manifest, compiled.seed_root, MARTS)


@pytest.fixture(scope="module")
def seeds(compiled: Project) -> dict[str, list[Row]]:
    return read_seeds(compiled.seed_root)


def reference_marts(raw: RawTables, seeds: dict[str, list[Row]], as_of: datetime) -> Marts:
    states = {row["state"] for row in seeds["agent_state_map"]}
    return run_reference(rows_that_count(raw, states, as_of), seeds, as_of)


def agree(expected: Marts, actual: Marts) -> Comparison:
    """Every cell of `expected` against the same marts of `actual`."""
    result = Comparison()
    for mart in MARTS:
        compare_rows(mart, expected[mart], actual[mart], result)
    return result


def refuse(result: Comparison, raw: RawTables, as_of: datetime) -> None:
    """Fails for a reader: with what differs, and the raw tables it comes from."""
    if result.differences:
        data = f"as_of {as_of:%Y-%m-%dT%H:%M:%SZ}\n{as_text(raw)}"
        raise AssertionError(f"{result.report(at_most=15)}\n\n{data}")


def seen_in(marts: Marts) -> set[str]:
    """Names of the situations that the marts went through."""
    seen = set()
    for row in marts["performance_bands"]:
        seen |= {f"band {row['band']}", f"rule {row['deciding_rule']}"}
        seen |= {f"trajectory {row['trajectory']}"}
        if row["flags"] and "critical_error_watch" in row["flags"]:
            seen |= {"watch", f"watch {row['deciding_rule']}"}
    for row in marts["agent_scorecard_metrics"]:
        seen |= {f"flag {row['flag']}", f"confidence {row['confidence']}"}
        if row["coverage"] is not None:
            share = {0: "not covered", 1: "covered"}.get(row["coverage"], "partly covered")
            seen.add(f"{share} {row['metric']}")
    return seen


@pytest.mark.timeout(1_800)
def test_random_warehouses_agree_with_the_reference(
    warehouse: MemoryWarehouse, seeds: dict[str, list[Row]]
) -> None:
    seen: list[set[str]] = []

    def check(world: World) -> None:
        raw, as_of = write_out(world)
        # The database works on the other core meanwhile.
        actual = beside.submit(warehouse.run, raw, as_of)
        expected = reference_marts(raw, seeds, as_of)
        refuse(agree(expected, actual.result()), raw, as_of)
        seen.append(seen_in(expected))

    with ThreadPoolExecutor(max_workers=1) as beside:
        try_worlds(check, ROUNDS)
    assert len(seen) >= WORLDS
    assert not WANTED - set().union(*seen)


def drawn_worlds(count: int) -> list[World]:
    """Worlds of many rows, no two of the same number."""
    found: dict[int, World] = {}

    def collect(world: World) -> None:
        found[sum(map(len, write_out(world)[0].values()))] = world

    try_worlds(collect, rounds=3)
    return [found[rows] for rows in sorted(found)[-count:]]


def through_dbt(project: Project, raw: RawTables, as_of: datetime) -> Marts:
    """The marts that dbt itself builds of the raw tables."""
    landing = project.state_root / "landing"
    for source in project.manifest["sources"].values():
        table = source["identifier"]
        if source["source_name"] == "raw":
            write_landing(landing / table / "random.parquet", landed(table, raw.get(table, [])))
    write_landing(landing / "_run" / "run.parquet", run_row(as_of))
    for name in ("vintage_scorecards", "vintage_figures"):
        write_landing(landing / "_run" / f"{name}.parquet", told(name).slice(0, 0))
    # Others read what was compiled, so this build writes elsewhere.
    target = project.state_root / "target_of_build"
    shutil.copytree(project.state_root / "target", target)
    project.dbt("build", "--target-path", str(target), "--exclude-resource-type", "test",
                "unit_test", "--select", *(f"+{mart}" for mart in MARTS))  # fmt: skip
    with duckdb.connect(project.environment["CX_WAREHOUSE_PATH"], read_only=True) as connection:
        return {mart: rows_of(connection, mart) for mart in MARTS}


def write_landing(path: Path, rows: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, path)


def rows_of(connection: duckdb.DuckDBPyConnection, mart: str) -> list[Row]:
    found = connection.execute(f"select * from marts.{mart}")
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_random_warehouses_run_by_dbt_itself_are_the_same(
    warehouse: MemoryWarehouse, compiled: Project
) -> None:
    """Ten worlds lie years apart in one warehouse, so that one build makes all of them."""
    apart = {
        f"w{place}-": moved(write_out(world)[0], f"w{place}-", years=2 * place)
        for place, world in enumerate(drawn_worlds(WORLDS_THROUGH_DBT))
    }
    as_of = datetime(2030 + 2 * WORLDS_THROUGH_DBT, 1, 1, tzinfo=UTC)
    together: RawTables = defaultdict(list)
    for raw in apart.values():
        for table, rows in raw.items():
            together[table] += rows

    built = through_dbt(compiled, together, as_of)

    for prefix, raw in apart.items():
        own = {mart: [row for row in rows if is_of(row, prefix)] for mart, rows in built.items()}
        result = agree(warehouse.run(raw, as_of), own)
        assert result.cells > 1_000
        refuse(result, raw, as_of)


def is_of(row: Row, prefix: str) -> bool:
    return row["team_id"].startswith(prefix)
