"""Every mart of a warehouse kept from run to run against full builds, on random deliveries.

Belongs here: random companies whose raw rows land in random batches (late, corrected, deleted,
copied), months that close between the runs, and that every mart of the open months is then what
a full build gives of the same files and the same vintages. Does not belong here: rows judged by
rows, which test_incremental_rows.py tries harder, and what the figures should be
(test_random_warehouses.py).

Two companies lie a year apart, so that the last run has a history to leave out.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from orchestration.lib.dbt_runs import MartSpec, mart_specs
from orchestration.lib.run_plan import HISTORY_DAYS, add_months
from orchestration.lib.vintages import FIGURES, SCORECARDS, figures_of, scorecards_of
from tests.integration.in_memory_warehouse import RELEASE_ID, MemoryWarehouse, Project
from tests.integration.landed_files import LandedFile, RawRow, landed_file, landing_of, unread
from tests.integration.random_raw import (
    CHANGED_CELLS,
    WORLDS_A_ROUND,
    RawTables,
    World,
    instant,
    moved,
    try_worlds,
    write_out,
)

SEQUENCES = int(os.environ.get("CX_FAULT_SEQUENCES", "25"))
# What the sequences together must have met for the comparison to be worth something.
WANTED = {
    "late", "corrected", "deleted", "copied", "months closed", "tickets left out",
    "figures of a closed month changed", "open months with values", "a month restated",
}  # fmt: skip


@dataclass
class Books:
    """What is closed: rows of earlier vintages as the models read them, and the last month."""

    scorecards: list[dict[str, Any]] = field(default_factory=list)
    figures: list[dict[str, Any]] = field(default_factory=list)
    through: date | None = None

    def landing(self) -> dict[str, pa.Table]:
        """The tables by which ingest tells the models of vintages."""
        return {
            "vintage_scorecards": _table(SCORECARDS, self.scorecards),
            "vintage_figures": _table(FIGURES, self.figures),
        }

    def close(self, warehouse: MemoryWarehouse, as_of: datetime) -> bool:
        """Takes over the months that the warehouse has final and that are open yet; true if any."""
        through = self.through or date.min
        final = [
            month
            for (month,) in warehouse.connection.execute(
                f"select period_month from {warehouse.marts['agent_scorecard']} "
                "where period_month > $through group by period_month "
                "having bool_and(vintage = 'final') order by period_month",
                {"through": through},
            ).fetchall()
        ]
        if not final:
            return False

        def of(mart: str) -> str:
            months = ", ".join(f"date '{month}'" for month in final)
            return f"(from {warehouse.marts[mart]} where period_month in ({months}))"

        facts = {"number": 1, "is_latest": True}
        told = {"label": "final", "as_of": as_of.replace(tzinfo=None), "release_id": RELEASE_ID}
        self.scorecards += _rows(
            warehouse, scorecards_of(of), SCORECARDS, facts | told | {"reason": None}
        )
        self.figures += _rows(warehouse, figures_of(of), FIGURES, facts)
        self.through = final[-1]
        return True


def _rows(
    warehouse: MemoryWarehouse, sql: str, columns: Iterable[str], facts: dict[str, Any]
) -> list[dict[str, Any]]:
    found = warehouse.connection.execute(sql, facts).fetchall()
    return [dict(zip(columns, row, strict=True)) for row in found]


TYPES = {
    "varchar": pa.string(), "date": pa.date32(), "bigint": pa.int64(), "boolean": pa.bool_(),
    "double": pa.float64(), "timestamp": pa.timestamp("us"),
}  # fmt: skip


def _table(columns: dict[str, str], rows: list[dict[str, Any]]) -> pa.Table:
    schema = pa.schema([(name, TYPES[kind]) for name, kind in columns.items()])
    return pa.Table.from_pylist(rows, schema=schema)


# ----------------------------------------------------------------------------------- what is landed


@dataclass(frozen=True)
class Run:
    """A run: the files that land before it, and its as_of."""

    files: list[LandedFile]
    as_of: datetime


def drawn_runs(number: int, first: World, second: World, seen: set[str]) -> list[Run]:
    """Three runs over two companies a year apart; the same for the same number and companies."""
    draw = random.Random(number)
    old, _ = write_out(first)
    new, _ = write_out(second)
    old, new = moved(old, "old-", years=0), moved(new, "new-", years=1)
    for company in (old, new):
        company.setdefault("ticket_events", []).extend(replies(draw, company))
    as_ofs = [
        datetime(2026, 6, 25, tzinfo=UTC),
        datetime(2027, 3, draw.randint(11, 31), 12, tzinfo=UTC),
        datetime(2027, draw.choice((4, 5, 6)), draw.randint(1, 28), 6, tzinfo=UTC),
    ]
    batches: list[RawTables] = [{}, {}, {}]
    for company, arrives in ((old, 0), (new, 1)):
        for table, rows in company.items():
            for row in rows:
                late = draw.random() < 0.08 and table in CHANGED_CELLS
                # What happens after the second run cannot be loaded before it.
                place = 2 if late or (arrives and happens_after(row, as_ofs[1])) else arrives
                seen |= {"late"} if late else set()
                batches[place].setdefault(table, []).append(stamped(row, as_ofs[place]))
    for place in (1, 2):
        for table, row in changed_rows(draw, batches[:place], as_ofs[place], seen):
            batches[place].setdefault(table, []).append(row)
    return [
        Run(list(files_of(draw, batch, place)), as_of)
        for place, (batch, as_of) in enumerate(zip(batches, as_ofs, strict=True))
    ]


def replies(draw: random.Random, company: RawTables) -> Iterable[RawRow]:
    """Replies to most tickets: one that nobody answered never leaves the view."""
    agents = [row["agent_id"] for row in company["agents"]]
    for number, ticket in enumerate(company.get("tickets", [])):
        if draw.random() < 0.7:
            yield {
                "event_id": f"{ticket['ticket_id']}-reply-{number}",
                "ticket_id": ticket["ticket_id"],
                "occurred_at": ticket["created_at"],
                "event_type": "replied",
                "agent_id": draw.choice(agents),
                "from_value": None,
                "to_value": None,
                "_loaded_at": ticket["_loaded_at"],
                "_deleted": None,
                "_sequence": None,
            }


INSTANTS = ("created_at", "occurred_at", "started_at", "starts_at", "interaction_at", "sent_at",
            "evaluated_at", "responded_at", "ended_at", "ends_at", "held_at")  # fmt: skip


def happens_after(row: RawRow, bound: datetime) -> bool:
    latest = max((row[name] for name in INSTANTS if row.get(name)), default="")
    return latest > instant(bound)


def stamped(row: RawRow, as_of: datetime) -> RawRow:
    """The row as loaded a day before a run; what the drawing loaded earlier stays earlier."""
    loaded = as_of - timedelta(days=1)
    return row | {"_loaded_at": instant(loaded)}


def changed_rows(
    draw: random.Random, landed_before: list[RawTables], as_of: datetime, seen: set[str]
) -> Iterable[tuple[str, RawRow]]:
    """Rows landed before that come again: with another cell, deleted, or as they were."""
    there = [
        (table, row)
        for batch in landed_before
        for table, rows in batch.items()
        if table in CHANGED_CELLS
        for row in rows
    ]
    for table, row in draw.sample(there, min(len(there), draw.randint(2, 12))):
        kind = draw.choice(("corrected", "deleted", "copied"))
        seen.add(kind)
        if kind == "copied":
            yield table, row
            continue
        column, cell = CHANGED_CELLS[table]
        change = {column: cell} if kind == "corrected" else {"_deleted": "true"}
        yield table, stamped(row | change, as_of)


def files_of(draw: random.Random, batch: RawTables, place: int) -> Iterable[LandedFile]:
    """The rows of a batch in files of random sizes, in random order."""
    for table, rows in batch.items():
        shuffled = draw.sample(rows, len(rows))
        cut = draw.randint(1, len(rows))
        for number, part in enumerate((shuffled[:cut], shuffled[cut:])):
            if part:
                yield landed_file(table, part, f"b{place}-{number}.csv")


# ----------------------------------------------------------------------------------------- the test


@pytest.fixture(scope="module")
def marts(compiled: Project) -> list[MartSpec]:
    return mart_specs(compiled.manifest)


@pytest.fixture(scope="module")
def kept(compiled: Project, marts: list[MartSpec]) -> MemoryWarehouse:
    """The warehouse that is brought up to date run by run."""
    names = [mart.name for mart in marts]
    return MemoryWarehouse(
        compiled.manifest, compiled.seed_root, names, compiled.manifest_of_updates
    )


@pytest.fixture(scope="module")
def fresh(compiled: Project, marts: list[MartSpec]) -> MemoryWarehouse:
    """The warehouse that is built in full each time."""
    return MemoryWarehouse(compiled.manifest, compiled.seed_root, [mart.name for mart in marts])


@pytest.mark.timeout(3_600)
def test_every_mart_of_open_months_is_that_of_a_full_build(
    kept: MemoryWarehouse, fresh: MemoryWarehouse, marts: list[MartSpec]
) -> None:
    seen: set[str] = set()
    for number, (first, second) in enumerate(pairs_of_worlds(SEQUENCES)):
        runs = drawn_runs(number, first, second, seen)
        found = differences_after(number, runs, kept, fresh, marts, seen)
        assert not found, "\n".join([f"number {number}", *found[:12]])
    assert not (WANTED - seen), sorted(WANTED - seen)


def pairs_of_worlds(count: int) -> list[tuple[World, World]]:
    found: list[World] = []
    try_worlds(found.append, rounds=2 * count // (WORLDS_A_ROUND - 2) + 1)
    assert len(found) >= 2 * count
    return list(zip(found[:count], found[count : 2 * count], strict=True))


def differences_after(
    number: int,
    runs: list[Run],
    kept: MemoryWarehouse,
    fresh: MemoryWarehouse,
    marts: list[MartSpec],
    seen: set[str],
) -> list[str]:
    """What differs after the last of `runs`, a line a row; adds to `seen` what they met."""
    books = Books()
    there: list[LandedFile] = []
    good: set[tuple[str, str]] = set()
    good_as_of: datetime | None = None
    for run in runs[:-1]:
        there += run.files
        bring_up_to_date(kept, there, good, good_as_of, run.as_of, books)
        if books.close(kept, run.as_of):
            seen.add("months closed")
        good, good_as_of = {(file.raw_table, file.name) for file in there}, run.as_of
    last = runs[-1]
    there += last.files
    restated = books.through if number % 3 == 0 else None
    if restated:
        seen.add("a month restated")
    with ThreadPoolExecutor(max_workers=1) as beside:
        full = beside.submit(build, fresh, there, last.as_of, books, restated)
        bring_up_to_date(kept, there, good, good_as_of, last.as_of, books, restated)
        full.result()
    seen |= what_was_met(kept, fresh, books)
    return [line for mart in marts for line in differences(mart, kept, fresh, books, restated)]


def told_of(
    books: Books, restated: date | None, history_from: date | None
) -> dict[str, date | str | None]:
    return {
        "closed_through": books.through,
        "restated_month": restated,
        "restated_because": "reason" if restated else None,
        "history_from": history_from,
    }


def build(
    fresh: MemoryWarehouse,
    there: list[LandedFile],
    as_of: datetime,
    books: Books,
    restated: date | None,
) -> None:
    """A full build: of all files, and of the whole history."""
    fresh.build(landing_of(there, as_of, **told_of(books, restated, None)) | books.landing())


def bring_up_to_date(
    kept: MemoryWarehouse,
    there: list[LandedFile],
    good: set[tuple[str, str]],
    good_as_of: datetime | None,
    as_of: datetime,
    books: Books,
    restated: date | None = None,
) -> None:
    """A run as `cx run` plans it: new files, and as much history as the open months rest on."""
    first_built = restated or (add_months(books.through, 1) if books.through else None)
    history_from = first_built - timedelta(days=HISTORY_DAYS) if first_built else None
    told = told_of(books, restated, history_from)
    landing = landing_of(there, as_of, **told) | books.landing()
    if good_as_of is None:
        kept.build(landing)
    else:
        kept.update(landing, landing_of(unread(there, good, good_as_of, as_of), as_of))


def differences(
    mart: MartSpec,
    kept: MemoryWarehouse,
    fresh: MemoryWarehouse,
    books: Books,
    restated: date | None,
) -> list[str]:
    """Rows of the months that are built which two warehouses do not share."""
    condition = "true"
    if mart.closes_by and books.through:
        month = f"date_trunc('month', {mart.closes_by})"
        condition = f"coalesce({month} > date '{books.through}', true)"
        if restated:
            condition = f"({condition} or {month} = date '{restated}')"
    actual, expected = (
        Counter(
            map(
                repr,
                warehouse.connection.execute(
                    f"select * from {warehouse.marts[mart.name]} where {condition}"
                ).fetchall(),
            )
        )
        for warehouse in (kept, fresh)
    )
    found = [f"{mart.name}: {row} is not there" for row in (expected - actual).elements()]
    return found + [
        f"{mart.name}: {row} should not be there" for row in (actual - expected).elements()
    ]


def what_was_met(kept: MemoryWarehouse, fresh: MemoryWarehouse, books: Books) -> set[str]:
    def one(warehouse: MemoryWarehouse, sql: str) -> Any:
        return warehouse.connection.execute(sql).fetchall()[0][0]

    def relation(warehouse: MemoryWarehouse, name: str) -> str:
        return next(model.relation for model in warehouse.models if model.name == name)

    in_view = [
        one(warehouse, f"select count(*) from {relation(warehouse, 'int_tickets__in_view')}")
        for warehouse in (kept, fresh)
    ]
    through = books.through or date.min
    metrics = kept.marts["agent_scorecard_metrics"]
    values = one(
        kept,
        f"select count(*) from {metrics} where value is not null "
        f"and period_month > date '{through}'",
    )
    closed = {
        (row["agent_id"], row["period_month"], row["metric"]): row["value"] for row in books.figures
    }
    now = fresh.connection.execute(
        "select agent_id, period_month, metric, value "
        f"from {fresh.marts['agent_scorecard_metrics']} where \"window\" = 'month'"
    ).fetchall()
    changed = any(closed.get((*key,), value) != value for *key, value in now)
    met = {
        "tickets left out": in_view[0] < in_view[1],
        "open months with values": values > 0,
        "figures of a closed month changed": changed,
    }
    return {name for name, is_met in met.items() if is_met}
