"""The row layer kept from run to run against full builds, on random deliveries of raw files.

Belongs here: files that land in random batches (late, corrected, deleted, copied, children before
their parents, loaded after as_of), runs that are killed half-way, and that every table of the row
layer then holds what a full build of the same files gives. Does not belong here: what a disposition
should be (dbt unit tests, test_dispositions.py), and how the models are run
(in_memory_warehouse.py).

Raw rows are drawn of so few keys that most of them meet. When it fails, it shows what differs and
the smallest deliveries it found that leave a difference.
"""

from __future__ import annotations

import os
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestration.lib.contract import load_contract
from tests.integration.in_memory_warehouse import (
    MemoryWarehouse,
    Project,
)
from tests.integration.landed_files import LandedFile, landed_file, landing_of, unread
from tests.integration.random_raw import CHANGED_CELLS, instant, yes

RawRow = dict[str, str | None]

SEQUENCES = int(os.environ.get("CX_FAULT_SEQUENCES", "25"))
# Runs spent on making the deliveries of a failure smaller.
SHRINKING_RUNS = 150
# What hangs on the row layer as a whole: all its models are among their ancestors.
ENDS = ("int_rows__quarantined", "int_rows__not_yet_visible")
# Tells a run what to make anew, so it is another one in a full build.
OF_THE_RUN = "int_rows__touched"
# What random deliveries must have met for the comparison to be worth something.
WANTED = {
    *(f"quarantined:{reason}" for reason in (
        "missing_value", "unparseable", "conflicting_version", "orphan", "merge_cycle", "overlap",
        "solved_before_created", "overlapping_plan", "off_scale", "future", "unknown_metric",
    )),
    *(f"out_of_scope:{reason}" for reason in (
        "merged", "not_customer", "unknown", "self_evaluation",
        "invalid_criterion", "not_published_in_time",
    )),
    "used", "superseded", "duplicate", "deleted", "changed afterwards", "killed", "later rows",
}  # fmt: skip

START = datetime(2026, 2, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# Hours of load stamps after START; most events happen before it.
LAST_STAMP = 16


@dataclass(frozen=True)
class Cells:
    """One raw row as drawn: small numbers that its table makes cells of."""

    table: str
    key: int
    parent: int
    who: int
    when: int
    what: int
    stamp: int
    sequence: int
    fault: str


@dataclass(frozen=True)
class File:
    """Rows that land as one file a table. `again` repeats rows landed before: those of even numbers
    as they were, the others with another cell, which contradicts them."""

    rows: list[Cells]
    again: list[int]


@dataclass(frozen=True)
class Batch:
    """What lands before a run: files, how many hours as_of moves on, and where the run is killed.

    `killed` is the share of models made until then, in tenths; none for a run that ends. A killed
    run is followed by the next batch, or at once by another one.
    """

    files: list[File]
    hours: int
    killed: int | None


# Tables whose rows are judged by each other, and the table of their people; of those named often
# there are more rows.
TOPICS = (
    ("tickets", "tickets", "ticket_events", "ticket_events", "interactions", "surveys"),
    ("tickets", "qa_evaluations", "qa_evaluations", "qa_criterion_scores", "qa_criterion_scores",
     "qa_criterion_scores", "agents", "agents", "agent_assignments"),
    ("agent_states", "schedule_segments"),
    ("agent_states", "schedule_segments"),
    ("improvement_plans", "improvement_plans", "improvement_plan_targets",
     "improvement_plan_check_ins", "absences"),
)  # fmt: skip


FAULTS = ("none",) * 12 + ("deleted", "deleted", "cell", "key", "stamp", "type")


def drawn_delivery(number: int) -> list[Batch]:
    """A full first batch, then one to three in which most keys stay as they are; the same for the
    same number."""
    draw = random.Random(number)
    tables = TOPICS[number % len(TOPICS)]
    # Spells have more keys than the rest.
    size = 2 if "agent_states" in tables else 1
    hours = 8
    first = drawn_file(draw, tables, range(hours + 1), draw.randint(60, 90) * size)
    delivery = [Batch([first], hours, None)]
    for _ in range(draw.randint(1, 3)):
        moves = draw.randint(0, 2)
        hours += moves
        # Mostly loaded just before the run, else late.
        stamps = (*[hours] * hours, *range(hours + 1))
        files = [
            drawn_file(draw, tables, stamps, draw.randint(2, 9)) for _ in range(draw.randint(1, 2))
        ]
        killed = draw.choice((None, None, draw.randint(1, 9)))
        delivery.append(Batch(files, moves, killed))
    return delivery


def drawn_file(
    draw: random.Random, tables: tuple[str, ...], stamps: Sequence[int], rows: int
) -> File:
    """A file with rows of these stamps. Of a few files some rows or all are still to come; such a
    file is read again by a later run, and then touches all its keys."""
    lies_ahead = draw.random()
    if lies_ahead < 0.05:
        stamps = range(max(stamps) + 1, LAST_STAMP)
    elif lies_ahead < 0.15:
        stamps = (*stamps, *range(LAST_STAMP))
    return File(
        rows=[drawn_cells(draw, tables, stamps) for _ in range(rows)],
        again=[draw.randrange(120) for _ in range(draw.choice((0, 0, 1, 2)))],
    )


def drawn_cells(draw: random.Random, tables: tuple[str, ...], stamps: Sequence[int]) -> Cells:
    return Cells(
        table=draw.choice(tables),
        key=draw.randrange(10),
        parent=draw.randrange(10),
        who=draw.randrange(4),
        when=draw.randrange(10),
        what=draw.randrange(10),
        stamp=draw.choice(stamps),
        sequence=draw.choice((0, 0, 0, 1, 2)),
        fault=draw.choice(FAULTS),
    )


# ---------------------------------------------------------------------- what the numbers stand for


def raw_row(drawn: Cells) -> tuple[str, RawRow]:
    """(table, row of text cells)."""
    table = drawn.table
    row = {name: None if cell is None else str(cell) for name, cell in CELLS[table](drawn).items()}
    row |= {
        "_loaded_at": instant(START + drawn.stamp * HOUR),
        "_deleted": None,
        "_sequence": str(drawn.sequence) if drawn.sequence else None,
    }
    contract = load_contract().tables[table]
    if drawn.fault == "deleted":
        # A tombstone with the other cells of its row, or without.
        row = {
            name: cell
            for name, cell in row.items()
            if drawn.what % 2 or name in contract.key or name.startswith("_")
        } | {"_deleted": "true"}
    elif drawn.fault == "stamp":
        row["_loaded_at"] = "yesterday"
    elif drawn.fault == "key":
        row[contract.key[drawn.what % len(contract.key)]] = " "
    elif drawn.fault != "none":
        column = next(
            column.name
            for column in contract.columns
            if column.name not in contract.key and not column.nullable
        )
        row[column] = "" if drawn.fault == "cell" else "?"
    return table, row


def ticket(drawn: Cells) -> dict[str, Any]:
    merges = drawn.what < 6
    # Mostly with the one beside it, so that they make a cycle where both are.
    other = drawn.key ^ 1 if drawn.parent < 7 else drawn.who
    return {
        "ticket_id": f"t{drawn.key}",
        "created_at": instant(START - DAY + drawn.when * HOUR),
        "channel": "email",
        "contact_type": "billing",
        "severity": "normal",
        "customer_id": None,
        "origin": "agent" if drawn.what == 8 else "customer",
        "is_spam": yes(drawn.what == 9),
        "is_test": "false",
        "merged_into_ticket_id": f"t{other}" if merges else None,
    }


def event(drawn: Cells) -> dict[str, Any]:
    return {
        "event_id": f"e{drawn.key}",
        "ticket_id": f"t{drawn.parent}",
        "occurred_at": instant(START - DAY + (drawn.when - 2) * HOUR),
        "event_type": ("solved", "closed", "assigned", "replied")[drawn.what % 4],
        "agent_id": agent_id(drawn.who),
        "from_value": None,
        "to_value": None,
    }


def interaction(drawn: Cells) -> dict[str, Any]:
    started = START - DAY + 3 * drawn.when * HOUR
    return {
        "interaction_id": f"i{drawn.key}",
        "ticket_id": f"t{drawn.parent}",
        "agent_id": agent_id(drawn.who),
        "channel": "email",
        "started_at": instant(started),
        "ended_at": instant(started + HOUR / 10),
        "talk_seconds": drawn.what * 60,
        "hold_seconds": 0,
        "wrap_seconds": 0,
    }


def survey(drawn: Cells) -> dict[str, Any]:
    sent = START - DAY + drawn.when * HOUR
    is_answered = drawn.what < 8
    return {
        "survey_id": f"s{drawn.key}",
        "ticket_id": f"t{drawn.parent}",
        "agent_id": agent_id(drawn.who),
        "sent_at": instant(sent),
        "responded_at": instant(sent + HOUR) if is_answered else None,
        "score": drawn.what if is_answered else None,
        "scale_min": None,
        "scale_max": None,
    }


def evaluation(drawn: Cells) -> dict[str, Any]:
    work = START - DAY + drawn.when * HOUR
    return {
        "evaluation_id": f"q{drawn.key}",
        "ticket_id": f"t{drawn.parent}",
        "agent_id": agent_id(drawn.who),
        "evaluator_id": "a1" if drawn.what in (6, 7, 8) else "judge",
        "interaction_at": instant(work),
        "evaluated_at": instant(work + HOUR),
        "form_version": "v",
        "status": "draft" if drawn.what == 9 else "final",
        "is_calibration": "false",
    }


def criterion(drawn: Cells) -> dict[str, Any]:
    return {
        "evaluation_id": f"q{drawn.key}",
        "criterion": f"c{drawn.parent % 2}",
        "sub_dimension": "tone",
        "score": drawn.what,
        "max_score": 7,
        "weight": 1 + drawn.who,
        "is_applicable": "true",
        "is_critical_error": "false",
    }


def start_of_spell(drawn: Cells) -> datetime:
    """Around one of ten midnights: many meet across it, and most lie far from those of others."""
    return START - (5 + 4 * drawn.when) * DAY + (18 + drawn.parent) * HOUR


def state(drawn: Cells) -> dict[str, Any]:
    """Spells around midnights: many open, a few of days."""
    starts = start_of_spell(drawn)
    lasts = (None, None, None, None, HOUR / 2, HOUR, 3 * HOUR, 6 * HOUR, 13 * HOUR, 100 * HOUR)
    length = lasts[drawn.what]
    return {
        "state_id": f"z{drawn.key}{drawn.who}{drawn.parent % 2}",
        "agent_id": agent_id((drawn.who + drawn.sequence) // 4),
        "starts_at": instant(starts),
        "ends_at": None if length is None else instant(starts + length),
        "state": ("handling", "available", "away")[drawn.parent % 3],
    }


def segment(drawn: Cells) -> dict[str, Any]:
    starts = start_of_spell(drawn)
    lasts = (1, 1, 2, 2, 3, 3, 6, 6, 13, 100)[drawn.what] * HOUR
    return {
        "segment_id": f"w{drawn.key}{drawn.who}{drawn.parent % 2}",
        "agent_id": agent_id((drawn.who + drawn.sequence) // 4),
        "starts_at": instant(starts),
        "ends_at": instant(starts + lasts),
        "activity": ("contact_handling", "leave", "meeting")[drawn.parent % 3],
        "published_at": instant(starts + (drawn.what - 7) * HOUR),
    }


def agent(drawn: Cells) -> dict[str, Any]:
    return {
        "agent_id": f"a{drawn.key % 3}",
        "full_name": "n",
        "email": "n@example.invalid",
        "hired_on": "2025-06-01",
        "left_on": None,
        "exit_type": None,
        "is_bot": yes(drawn.what == 9),
    }


def assignment(drawn: Cells) -> dict[str, Any]:
    return {
        "agent_id": f"a{drawn.key % 3}",
        "valid_from": "2025-06-01",
        "valid_to": "2026-02-10" if drawn.what > 5 else None,
        "team_id": "team0",
        "tier": "T1",
    }


def plan(drawn: Cells) -> dict[str, Any]:
    opened = START - 60 * DAY + 10 * drawn.when * DAY
    return {
        "plan_id": f"p{drawn.key}",
        "agent_id": agent_id(drawn.who),
        "opened_on": f"{opened:%Y-%m-%d}",
        "planned_end_on": f"{opened + (10 + drawn.what) * DAY:%Y-%m-%d}",
        "closed_on": None,
        "owner_id": "boss",
        "decided_outcome": None,
        "decided_by": None,
    }


def target(drawn: Cells) -> dict[str, Any]:
    return {
        "plan_id": f"p{drawn.key}",
        "metric": ("csat", "fcr_rate", "no_metric")[drawn.parent % 3],
        "target": "0.9",
        "minimum_sample": drawn.what,
    }


def check_in(drawn: Cells) -> dict[str, Any]:
    return {
        "check_in_id": f"k{drawn.key}",
        "plan_id": f"p{drawn.parent}",
        "due_on": "2026-02-01",
        "held_on": None,
        "progress_note": f"{drawn.what}",
        "next_step": "s",
    }


def absence(drawn: Cells) -> dict[str, Any]:
    return {
        "absence_id": f"b{drawn.key}",
        "agent_id": agent_id(drawn.who),
        "absent_on": "2026-02-01",
        "hours": drawn.what,
        "kind": "planned",
    }


def agent_id(place: int) -> str:
    return f"a{place}"


CELLS: dict[str, Callable[[Cells], dict[str, Any]]] = {
    "tickets": ticket,
    "ticket_events": event,
    "interactions": interaction,
    "surveys": survey,
    "qa_evaluations": evaluation,
    "qa_criterion_scores": criterion,
    "agent_states": state,
    "schedule_segments": segment,
    "agents": agent,
    "agent_assignments": assignment,
    "improvement_plans": plan,
    "improvement_plan_targets": target,
    "improvement_plan_check_ins": check_in,
    "absences": absence,
}


# ---------------------------------------------------------------------------------- files that land


def files_of(batch: Batch, name: str, before: list[tuple[str, RawRow]]) -> Iterable[LandedFile]:
    """The files of a batch, one for each table of each drawn one; adds its rows to `before`."""
    for place, file in enumerate(batch.files):
        rows = [raw_row(drawn) for drawn in file.rows]
        rows += [repeated(before, number) for number in file.again if before]
        before += rows
        by_table: dict[str, list[RawRow]] = defaultdict(list)
        for table, row in rows:
            by_table[table].append(row)
        for table, own in by_table.items():
            yield landed_file(table, own, f"{name}-{place}.csv")


def repeated(before: list[tuple[str, RawRow]], number: int) -> tuple[str, RawRow]:
    table, row = before[number // 2 % len(before)]
    if number % 2 and table in CHANGED_CELLS:
        column, cell = CHANGED_CELLS[table]
        row = row | {column: cell}
    return table, row


def teams() -> LandedFile:
    row = {"team_id": "team0", "team_name": "t", "manager_id": "boss", "timezone": "UTC"}
    return landed_file("teams", [row | {"_loaded_at": instant(START)}], "teams.csv")


# ----------------------------------------------------------------------------------------- the test


@pytest.fixture(scope="module")
def kept(compiled: Project) -> MemoryWarehouse:
    """The warehouse that is brought up to date run by run."""
    return MemoryWarehouse(
        compiled.manifest, compiled.seed_root, ENDS, compiled.manifest_of_updates
    )


@pytest.fixture(scope="module")
def fresh(compiled: Project) -> MemoryWarehouse:
    """The warehouse that is built in full each time."""
    return MemoryWarehouse(compiled.manifest, compiled.seed_root, ENDS)


def test_the_row_layer_brought_up_to_date_is_the_one_built_anew(
    kept: MemoryWarehouse, fresh: MemoryWarehouse
) -> None:
    seen: set[str] = set()
    for number in range(SEQUENCES):
        delivery = drawn_delivery(number)
        if differences_after(delivery, kept, fresh, seen):
            delivery = smallest(
                delivery, lambda tried: differences_after(tried, kept, fresh, set())
            )
            found = differences_after(delivery, kept, fresh, set())
            raise AssertionError("\n".join([f"number {number}", *found[:12], *told(delivery)]))
    assert not (WANTED - seen), sorted(WANTED - seen)


def differences_after(
    delivery: list[Batch], kept: MemoryWarehouse, fresh: MemoryWarehouse, seen: set[str]
) -> list[str]:
    """What differs after the first run of `delivery` that leaves a difference; adds to `seen` what
    the runs met."""
    before: list[tuple[str, RawRow]] = []
    there: list[LandedFile] = [teams()]
    good: set[tuple[str, str]] = set()
    good_as_of: datetime | None = None
    judged: dict[tuple[str, str, int], str] = {}
    hours = 0
    for place, batch in enumerate(delivery):
        there += files_of(batch, f"b{place}", before)
        hours += batch.hours
        as_of = START + hours * HOUR
        landing = landing_of(there, as_of)
        if good_as_of is None:
            kept.build(landing)
        else:
            new = landing_of(unread(there, good, good_as_of, as_of), as_of)
            if batch.killed is not None:
                seen.add("killed")
                kept.update(landing, new, steps=len(kept.models) * batch.killed // 10)
                # A dead run is repeated as it was, or first sees what landed meanwhile.
                if batch.killed % 2 and place + 1 < len(delivery):
                    continue
            kept.update(landing, new)
        fresh.build(landing)
        found = differences(kept, fresh)
        if found:
            return found
        seen |= dispositions_of(fresh)
        judged_before, judged = judged, dispositions_by_row(fresh)
        if any(judged[row] != disposition for row, disposition in judged_before.items()):
            seen.add("changed afterwards")
        good = {(file.raw_table, file.name) for file in there}
        good_as_of = as_of
    return []


def smallest(delivery: list[Batch], fails: Callable[[list[Batch]], Any]) -> list[Batch]:
    """The delivery without all batches, files and rows that it fails without."""
    tries = SHRINKING_RUNS
    size = 32
    while size and tries > 0:
        is_smaller = False
        for smaller in without_some(delivery, size):
            tries -= 1
            if fails(smaller):
                delivery, is_smaller = smaller, True
                break
            if tries <= 0:
                break
        if not is_smaller:
            size //= 2
    return delivery


def without_some(delivery: list[Batch], size: int) -> Iterator[list[Batch]]:
    """The delivery without a batch, and without so many rows of a file in turn."""
    for place in range(1, len(delivery)):
        if size > 1:
            yield [*delivery[:place], *delivery[place + 1 :]]
    for place, batch in enumerate(delivery):
        for number, file in enumerate(batch.files):
            for start in range(0, len(file.rows), size):
                rows = [*file.rows[:start], *file.rows[start + size :]]
                files = [*batch.files]
                files[number] = replace(file, rows=rows)
                yield [*delivery[:place], replace(batch, files=files), *delivery[place + 1 :]]


def differences(kept: MemoryWarehouse, fresh: MemoryWarehouse) -> list[str]:
    """What differs between the tables of two warehouses, a line a row."""
    found = []
    for model in kept.models:
        if model.name == OF_THE_RUN:
            continue
        actual, expected = (
            Counter(repr(row) for row in warehouse.rows(model.name)) for warehouse in (kept, fresh)
        )
        found += [f"{model.name}: {row} is not there" for row in (expected - actual).elements()]
        found += [
            f"{model.name}: {row} should not be there" for row in (actual - expected).elements()
        ]
    return found


def told(delivery: list[Batch]) -> Iterator[str]:
    """The delivery for a reader, a line a row."""
    before: list[tuple[str, RawRow]] = []
    for place, batch in enumerate(delivery):
        yield f"batch {place}: as_of moves on by {batch.hours} h, killed at {batch.killed}"
        for file in files_of(batch, f"b{place}", before):
            yield f"  {file.note['file']}"
            for row in file.rows.to_pylist():
                filled = {name: cell for name, cell in row.items() if cell is not None}
                yield "    " + " ".join(f"{name}={cell}" for name, cell in filled.items())


def dispositions_of(warehouse: MemoryWarehouse) -> set[str]:
    found = {row["disposition"] for row in warehouse.rows("int_rows__dispositions")}
    return found | {"later rows" for _ in warehouse.rows("int_rows__not_yet_visible")}


def dispositions_by_row(warehouse: MemoryWarehouse) -> dict[tuple[str, str, int], str]:
    return {
        (row["raw_table"], row["raw_file"], row["raw_row"]): row["disposition"]
        for row in warehouse.rows("int_rows__dispositions")
    }
