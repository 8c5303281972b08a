"""The core marts of random raw data against the reference, cell by cell.

Belongs here: which random data is tried, and what has to agree. Does not belong here: the data
(random_raw.py), how a cell is computed (tests/reference), and how the models are run
(in_memory_warehouse.py).

When it fails, it shows the smallest raw tables it found that still differ. Which of the two numbers
is right is argued from the definitions.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest

from tests.integration.in_memory_warehouse import MemoryWarehouse, Project
from tests.integration.random_raw import RawTables, World, as_text, try_worlds, write_out
from tests.reference.comparison import Comparison, compare_rows
from tests.reference.raw_rows import read_seeds, rows_that_count
from tests.reference.scorecard import run_reference

Row = dict[str, Any]
Marts = dict[str, list[Row]]

MARTS = ("agent_scorecard", "agent_scorecard_metrics", "performance_bands", "team_metrics")
WORLDS = 200
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
