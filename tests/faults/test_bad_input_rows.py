"""Every case of bad input that concerns single rows, alone and all together.

Belongs here: the table of cases - what is planted, and what must become of it - and what holds for
each of them: its disposition, nothing else disturbed, one disposition for every row, the figures of
an independent reading, and the own values of the other agents unchanged. Does not belong here: the
company (bad_input_world.py) and faults of whole files (test_bad_input.py).

The models run as compiled SQL in memory; that dbt and the jobs run the same is shown by the mixed
case of test_bad_input.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.faults.bad_input_world import AS_OF, SPOILT, World, instant
from tests.faults.counted import count
from tests.integration.in_memory_warehouse import MemoryWarehouse, Project
from tests.reference.comparison import Comparison, compare_rows
from tests.reference.raw_rows import read_seeds, rows_that_count
from tests.reference.scorecard import run_reference

Marts = dict[str, list[dict[str, Any]]]

JUDGED = "int_rows__dispositions"
REFERENCE_MARTS = (
    "agent_scorecard", "agent_scorecard_metrics", "performance_bands", "team_metrics",
)  # fmt: skip
OTHERS = (
    JUDGED, "lost_and_found", "fct_solves", "fct_evaluations", "int_interactions__judged",
    "int_agent_states__spells", "improvement_plan_outcomes", "int_plans__plans",
)  # fmt: skip
OWN_VALUES = ("numerator", "denominator", "sample_size", "value")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Case:
    """A row of bad-input.md: `plant` spoils the world; `affects` names agents whose own values may
    change; `shows` are conditions on the built tables."""

    number: int
    what: str
    plant: Callable[[World], object]
    affects: tuple[str, ...] = (SPOILT,)
    shows: Callable[[Marts], bool] | None = None

    def __str__(self) -> str:
        return f"{self.number} {self.what}"


CASES: list[Case] = []


def case(number: int, what: str, **facts: Any) -> Callable[[Callable], Callable]:
    """Registers the planting function as a case."""

    def register(plant: Callable[[World], object]) -> Callable[[World], object]:
        CASES.append(Case(number, what, plant, **facts))
        return plant

    return register


def rows(marts: Marts, table: str, **wanted: object) -> list[dict[str, Any]]:
    """Rows of a built table with these values."""
    return [
        row for row in marts[table] if all(row[name] == value for name, value in wanted.items())
    ]


def solves(marts: Marts, ticket: str) -> dict[str, str]:
    """Credit of a ticket's solves by kind."""
    return {row["solve_kind"]: row["credit"] for row in rows(marts, "fct_solves", ticket_id=ticket)}


def metric(marts: Marts, name: str, month: str, agent: str = SPOILT) -> Any:
    """Value of an agent's metric in a month."""
    found = [
        row["value"]
        for row in rows(marts, "agent_scorecard_metrics", agent_id=agent, metric=name)
        if row["window"] == "month" and str(row["period_month"])[:7] == month
    ]
    assert len(found) <= 1
    return found[0] if found else None


# --- cells


@case(4, "a percent sign in a number")
def _(world: World) -> None:
    world.load_again("qa_criterion_scores", "quarantined:unparseable", score="85%")


@case(4, "a thousands separator")
def _(world: World) -> None:
    world.load_again("interactions", "quarantined:unparseable", talk_seconds="1,234")


@case(4, "a date of another order")
def _(world: World) -> None:
    world.load_again("surveys", "quarantined:unparseable", sent_at="03/04/2026")


@case(4, "a word that is none of the enum")
def _(world: World) -> None:
    world.plant("ticket_events", "quarantined:unparseable", event_type="teleported")


@case(9, "an exact duplicate")
def _(world: World) -> None:
    row = dict(world.of("interactions"))
    world.tables["interactions"].append(row)
    world.expect("interactions", row, "duplicate")


@case(9, "two payloads of one key and stamp")
def _(world: World) -> None:
    for severity in ("low", "high"):
        world.load_again("tickets", "quarantined:conflicting_version", severity=severity)


@case(10, "not a number, and infinity")
def _(world: World) -> None:
    world.load_again("qa_criterion_scores", "quarantined:not_finite", score="NaN")
    world.load_again("qa_criterion_scores", "quarantined:not_finite", hours=2, weight="-inf")


@case(11, "a key with blanks around it")
def _(world: World) -> None:
    before = world.of("tickets")
    world.expect("tickets", before, "superseded")
    world.load_again("tickets", "used", ticket_id=f"  {before['ticket_id']} ")


@case(11, "keys that differ in leading zeros or in case")
def _(world: World) -> None:
    for key in ("007", "7", "Seven", "seven"):
        world.plant("tickets", "used", ticket_id=key)


@case(12, "an instant without offset")
def _(world: World) -> None:
    world.plant("ticket_events", "quarantined:naive_timestamp", occurred_at="2026-02-05T14:00:00")


@case(12, "an event over five minutes after its own load")
def _(world: World) -> None:
    loaded = datetime.fromisoformat(str(world.of("ticket_events")["_loaded_at"]))
    late, just = loaded + timedelta(minutes=5, seconds=1), loaded + timedelta(minutes=5)
    world.plant(
        "ticket_events", "quarantined:future", event_type="replied", occurred_at=instant(late)
    )
    world.plant("ticket_events", "used", event_type="replied", occurred_at=instant(just))


@case(14, "deleted, later undeleted")
def _(world: World) -> None:
    world.expect("surveys", world.of("surveys"), "superseded")
    world.load_again("surveys", "superseded", hours=1, _deleted="true", score=None)
    world.load_again("surveys", "used", hours=2, score="4")


@case(14, "deleted for good")
def _(world: World) -> None:
    world.expect("surveys", world.of("surveys"), "superseded")
    world.load_again("surveys", "deleted", _deleted="1", sent_at=None)


@case(15, "text that a spreadsheet would run")
def _(world: World) -> None:
    for number, text in enumerate(("=1+1", "+1", "-1", "@x")):
        world.plant("tickets", "used", like=world.of("tickets", number), customer_id=text)


# --- tickets


@case(20, "solved before created")
def _(world: World) -> None:
    world.plant(
        "ticket_events", "quarantined:solved_before_created", event_type="solved",
        occurred_at="2025-12-24T12:00:00Z",
    )  # fmt: skip


@case(
    21,
    "closed, never solved",
    shows=lambda marts: solves(marts, "ana-0105") == {"first": "agent", "final": "agent"},
)
def _(world: World) -> None:
    solved = next(row for row in world.tables["ticket_events"] if row["event_id"] == "ana-0105-3")
    solved["event_type"] = "closed"


@case(
    22,
    "reopened and still open",
    shows=lambda marts: solves(marts, "ana-0105") == {"first": "agent"},
)
def _(world: World) -> None:
    world.plant(
        "ticket_events", "used", event_type="reopened", agent_id=None,
        occurred_at="2026-01-06T08:00:00Z", _loaded_at="2026-01-06T09:00:00Z",
    )  # fmt: skip


@case(23, "merged over two steps")
def _(world: World) -> None:
    last = world.of("tickets", 3)
    middle = world.plant("tickets", "out_of_scope:merged", merged_into_ticket_id=last["ticket_id"])
    world.plant("tickets", "out_of_scope:merged", merged_into_ticket_id=middle["ticket_id"])


@case(23, "merged in a circle, with what hangs on it")
def _(world: World) -> None:
    one = world.plant("tickets", "quarantined:merge_cycle")
    two = world.plant("tickets", "quarantined:merge_cycle", merged_into_ticket_id=one["ticket_id"])
    one["merged_into_ticket_id"] = two["ticket_id"]
    for table in ("ticket_events", "interactions", "surveys"):
        world.plant(table, "quarantined:orphan", ticket_id=one["ticket_id"])


def _employ_ghost(world: World) -> None:
    later = AS_OF - HOUR
    world.add(
        "agents", later, agent_id="ghost", full_name="Agent ghost", email="ghost@example.invalid",
        hired_on="2025-06-01", left_on=None, exit_type=None, is_bot="false",
    )  # fmt: skip
    world.add(
        "agent_assignments", later, agent_id="ghost", valid_from="2025-12-01", valid_to=None,
        team_id="north", tier="T1",
    )  # fmt: skip


def _of_ghost(world: World) -> None:
    for event in world.tables["ticket_events"]:
        if event["ticket_id"] == "ana-0105":
            event["agent_id"] = event["agent_id"] and "ghost"
            event["to_value"] = event["to_value"] and "ghost"
            world.expect("ticket_events", event, "used")


case(
    24,
    "assignee and actor not in the roster",
    shows=lambda marts: solves(marts, "ana-0105") == {"first": "unknown", "final": "unknown"},
)(_of_ghost)


@case(
    24,
    "and in it with the next batch",
    shows=lambda marts: solves(marts, "ana-0105") == {"first": "agent", "final": "agent"},
)
def _(world: World) -> None:
    _of_ghost(world)
    _employ_ghost(world)


@case(
    25,
    "reassigned after the solve, as the agent left",
    shows=lambda marts: [
        row["agent_id"] for row in rows(marts, "fct_solves", ticket_id="ana-0105")
    ] == [SPOILT, SPOILT],
)  # fmt: skip
def _(world: World) -> None:
    world.plant(
        "ticket_events", "used", event_type="assigned", agent_id=None, to_value="ben",
        occurred_at="2026-01-07T08:00:00Z", _loaded_at="2026-01-07T09:00:00Z",
    )  # fmt: skip


@case(
    26,
    "solved by a bot for a human, and for nobody",
    shows=lambda marts: (
        solves(marts, "ana-0105")["first"] == "agent" and solves(marts, "ana-0109")["first"]
        == "system"
    ),
)  # fmt: skip
def _(world: World) -> None:
    for event in world.tables["ticket_events"]:
        if event["event_id"] in ("ana-0105-3", "ana-0109-3"):
            event["agent_id"] = "bot"
        if event["event_id"] == "ana-0109-1":
            event["to_value"] = "bot"


@case(27, "created by an agent or a system, spam, a test")
def _(world: World) -> None:
    world.plant("tickets", "out_of_scope:not_customer", origin="agent")
    world.plant("tickets", "out_of_scope:not_customer", origin="system")
    world.plant("tickets", "out_of_scope:spam", is_spam="TRUE")
    world.plant("tickets", "out_of_scope:test", is_test="1")


@case(28, "no customer")
def _(world: World) -> None:
    world.of("tickets")["customer_id"] = "N/A"
    world.expect("tickets", world.of("tickets"), "used")


def _repeat(world: World, seconds: int) -> None:
    """Two tickets of one customer, the second so many seconds after the first one's solve."""
    first, second = world.of("tickets", 1), world.of("tickets", 2)
    solved = datetime.fromisoformat(str(first["created_at"])) + 2 * HOUR
    second["customer_id"] = first["customer_id"]
    second["contact_type"] = first["contact_type"]
    second["created_at"] = instant(solved + 7 * DAY + timedelta(seconds=seconds))
    second["_loaded_at"] = instant(solved + 8 * DAY)
    name = second["ticket_id"]
    for table in ("ticket_events", "interactions", "surveys", "qa_evaluations"):
        world.tables[table] = [r for r in world.tables[table] if r["ticket_id"] != name]
    world.tables["qa_criterion_scores"] = [
        row for row in world.tables["qa_criterion_scores"] if row["evaluation_id"] != name
    ]
    world.expect("tickets", second, "used")


@case(
    29,
    "a repeat exactly seven days later",
    shows=lambda marts: metric(marts, "repeat_contact_rate", "2026-01") == 0.333333,
)
def _(world: World) -> None:
    _repeat(world, 0)


@case(
    29,
    "no repeat one second later",
    shows=lambda marts: metric(marts, "repeat_contact_rate", "2026-01") == 0,
)
def _(world: World) -> None:
    _repeat(world, 1)


@case(30, "a window that is still open")
def _(world: World) -> None:
    world._work_day(SPOILT, AS_OF - 3 * DAY)


@case(31, "escalated, returned, escalated again; escalated by tier 2")
def _(world: World) -> None:
    for minutes, tiers in ((10, ("T1", "T2")), (20, ("T2", "T1")), (30, ("T1", "T2"))):
        at = datetime.fromisoformat(str(world.of("tickets")["created_at"]))
        world.plant(
            "ticket_events", "used", event_type="escalated", agent_id=SPOILT,
            occurred_at=instant(at + timedelta(minutes=minutes)), from_value=tiers[0],
            to_value=tiers[1], _loaded_at=instant(at + HOUR),
        )  # fmt: skip


@case(32, "events out of order, and of one instant")
def _(world: World) -> None:
    world.tables["ticket_events"].reverse()
    at = datetime.fromisoformat(str(world.of("tickets", 5)["created_at"])) + 2 * HOUR
    for kind in ("reopened", "solved"):
        world.plant(
            "ticket_events", "used", like=world.of("ticket_events"), event_type=kind,
            occurred_at=instant(at), ticket_id=world.of("tickets", 5)["ticket_id"],
            _loaded_at=instant(at + HOUR),
        )  # fmt: skip


def _parent_comes(world: World) -> None:
    world.plant("tickets", "used", ticket_id="late-parent")


@case(33, "rows of an unknown ticket")
def _(world: World) -> None:
    for table in ("ticket_events", "interactions", "surveys", "qa_evaluations"):
        world.plant(table, "quarantined:orphan", ticket_id="late-parent")
    world.plant("qa_criterion_scores", "quarantined:orphan", evaluation_id="nothing")


@case(33, "and the ticket with the next batch")
def _(world: World) -> None:
    for table in ("ticket_events", "interactions", "surveys"):
        world.plant(table, "used", ticket_id="late-parent")
    evaluation = world.plant("qa_evaluations", "used", ticket_id="late-parent")
    world.plant("qa_criterion_scores", "used", evaluation_id=evaluation["evaluation_id"])
    _parent_comes(world)


@case(33, "a ticket without events")
def _(world: World) -> None:
    world.plant("tickets", "used")


@case(34, "severity and type changed midway")
def _(world: World) -> None:
    at = datetime.fromisoformat(str(world.of("tickets")["created_at"])) + HOUR
    for kind, value in (("severity_changed", "high"), ("contact_type_changed", "tech")):
        world.plant(
            "ticket_events", "used", event_type=kind, occurred_at=instant(at), to_value=value,
            _loaded_at=instant(at + HOUR),
        )  # fmt: skip


@case(
    35,
    "handle time of nothing, less, over a day; an end before the start",
    shows=lambda marts: Counter(
        row["is_plausible"]
        for row in marts["int_interactions__judged"]
        if row["interaction_id"].startswith("planted")
    ) == {False: 4},
)  # fmt: skip
def _(world: World) -> None:
    none = {"talk_seconds": "0", "hold_seconds": "0", "wrap_seconds": "0"}
    world.plant("interactions", "used", **none)
    world.plant("interactions", "used", talk_seconds="-4000")
    world.plant("interactions", "used", talk_seconds="86401")
    world.plant("interactions", "used", ended_at="2026-01-05T14:00:00Z")


# --- quality


@case(40, "a score beyond the scale: the version before counts")
def _(world: World) -> None:
    world.load_again("qa_criterion_scores", "quarantined:off_scale", score="11")
    world.load_again("qa_criterion_scores", "quarantined:off_scale", hours=2, score="-1")


@case(40, "a criterion without any good version")
def _(world: World) -> None:
    world.of("qa_criterion_scores")["score"] = "11"
    world.expect("qa_criterion_scores", world.of("qa_criterion_scores"), "quarantined:off_scale")
    world.expect("qa_evaluations", world.of("qa_evaluations"), "out_of_scope:invalid_criterion")


@case(41, "no criterion applies")
def _(world: World) -> None:
    for number in (0, 1):
        row = world.of("qa_criterion_scores", number)
        row.update(is_applicable="false", score=None)
        world.expect("qa_criterion_scores", row, "used")
    world.expect("qa_evaluations", world.of("qa_evaluations"), "out_of_scope:nothing_applicable")


@case(
    41,
    "a critical error with full marks",
    shows=lambda marts: metric(marts, "critical_error_rate", "2026-01") == 1 / 4,
)
def _(world: World) -> None:
    world.of("qa_criterion_scores", 1)["is_critical_error"] = "true"


@case(42, "disputed; a calibration; of oneself; a draft; void")
def _(world: World) -> None:
    for number, (reason, cells) in enumerate(
        {
            "used": {"status": "disputed"},
            "out_of_scope:calibration": {"is_calibration": "true"},
            "out_of_scope:self_evaluation": {"evaluator_id": SPOILT},
            "out_of_scope:draft": {"status": "draft"},
            "out_of_scope:void": {"status": "void"},
        }.items()
    ):
        row = world.of("qa_evaluations", number)
        row.update(cells)
        world.expect("qa_evaluations", row, reason)


def _keep_evaluations(world: World, kept: int) -> None:
    names = [row["evaluation_id"] for row in world.tables["qa_evaluations"]
             if row["agent_id"] == SPOILT][kept:]  # fmt: skip
    for table in ("qa_evaluations", "qa_criterion_scores"):
        world.tables[table] = [r for r in world.tables[table] if r["evaluation_id"] not in names]


@case(
    43,
    "one evaluation",
    shows=lambda marts: metric(marts, "qa_consistency", "2026-01") is None,
)
def _(world: World) -> None:
    _keep_evaluations(world, 1)


@case(
    43, "no evaluation", shows=lambda marts: metric(marts, "qa_consistency", "2026-01") is None
)  # fmt: skip
def _(world: World) -> None:
    _keep_evaluations(world, 0)


# --- surveys


@case(50, "a rating changed, and one cleared")
def _(world: World) -> None:
    for number, score in ((0, "1"), (1, None)):
        before = world.of("surveys", number)
        world.expect("surveys", before, "superseded")
        world.load_again("surveys", "used", like=before, score=score)


@case(
    51,
    "reassigned after the rating",
    shows=lambda marts: metric(marts, "csat", "2026-01") == 3 / 4,
)
def _(world: World) -> None:
    world.plant(
        "ticket_events", "used", event_type="assigned", agent_id=None, to_value="ben",
        occurred_at="2026-01-08T08:00:00Z", _loaded_at="2026-01-08T09:00:00Z",
    )  # fmt: skip


@case(52, "off the scale; answered before it was sent; of an unknown ticket")
def _(world: World) -> None:
    world.plant("surveys", "quarantined:off_scale", score="7")
    world.plant("surveys", "quarantined:off_scale", score="0", scale_min="1", scale_max="10")
    world.plant("surveys", "used", score="0", scale_min="0", scale_max="10")
    world.plant("surveys", "quarantined:answered_before_sent", responded_at="2026-01-01T00:00:00Z")
    world.plant("surveys", "quarantined:orphan", ticket_id="unknown")


@case(53, "no survey at all", shows=lambda marts: metric(marts, "csat", "2026-01") is None)
def _(world: World) -> None:
    world.tables["surveys"] = [r for r in world.tables["surveys"] if r["agent_id"] != SPOILT]


# --- time


@case(60, "overlapping states: the first loaded stays, and what overlaps only the other")
def _(world: World) -> None:
    kept = world.expect("agent_states", world.of("agent_states"), "used")
    loaded = datetime.fromisoformat(str(kept["_loaded_at"]))
    starts = datetime.fromisoformat(str(kept["starts_at"]))
    for hours, length, disposition in ((7, 4, "quarantined:overlap"), (9, 3, "used")):
        begins = starts + hours * HOUR
        world.plant(
            "agent_states", disposition, starts_at=instant(begins),
            ends_at=instant(begins + length * HOUR), _loaded_at=instant(loaded + hours * HOUR),
        )  # fmt: skip


@case(60, "overlapping segments: ties by id")
def _(world: World) -> None:
    kept = world.of("schedule_segments")
    world.plant("schedule_segments", "quarantined:overlap", segment_id="z")
    world.expect("schedule_segments", kept, "used")


@case(
    61,
    "never logged out",
    shows=lambda marts: [
        (row["is_open"], row["ends_at"] - row["starts_at"])
        for row in rows(marts, "int_agent_states__spells", state_id="ana-0319")
    ] == [(True, timedelta(hours=12))],
)  # fmt: skip
def _(world: World) -> None:
    world.of("agent_states", 11)["ends_at"] = None


@case(62, "a state nobody has mapped")
def _(world: World) -> None:
    world.plant("agent_states", "quarantined:unknown_state", state="aux_7")


@case(63, "a shift over midnight, in the night the clocks change")
def _(world: World) -> None:
    for table in ("schedule_segments", "agent_states"):
        world.plant(
            table, "used", starts_at="2026-03-28T20:00:00Z", ends_at="2026-03-29T06:00:00Z",
            **({"published_at": "2026-03-20T00:00:00Z"} if table == "schedule_segments" else {}),
            _loaded_at="2026-03-29T07:00:00Z",
        )  # fmt: skip


@case(64, "a schedule edited after the fact")
def _(world: World) -> None:
    kept = world.of("schedule_segments")
    world.expect("schedule_segments", kept, "used")
    world.load_again(
        "schedule_segments", "out_of_scope:not_published_in_time", hours=400, activity="meeting",
        published_at="2026-01-06T00:00:00Z",
    )  # fmt: skip


@case(
    65,
    "contacts without productive time",
    shows=lambda marts: metric(marts, "contacts_per_productive_hour", "2026-01") is None,
)
def _(world: World) -> None:
    world.tables["agent_states"] = [
        row for row in world.tables["agent_states"] if row["agent_id"] != SPOILT
    ]


@case(66, "leave, training and meetings")
def _(world: World) -> None:
    for number, activity in enumerate(("leave", "training", "meeting")):
        world.of("schedule_segments", number)["activity"] = activity
        world.expect("schedule_segments", world.of("schedule_segments", number), "used")


# --- development and plans


@case(70, "training completed before it was assigned")
def _(world: World) -> None:
    world.plant(
        "training_assignments", "quarantined:completed_before_assigned",
        completed_at="2026-01-01T00:00:00Z",
    )  # fmt: skip


@case(
    70,
    "no training due",
    shows=lambda marts: metric(marts, "training_completion_rate", "2026-02") is None,
)
def _(world: World) -> None:
    world.drop("training_assignments", world.of("training_assignments"))


@case(71, "coaching in the future; the coach is the agent")
def _(world: World) -> None:
    world.plant("coaching_sessions", "quarantined:future", held_at="2026-03-01T00:00:00Z")
    world.plant("coaching_sessions", "quarantined:self_coaching", coach_id=SPOILT)


@case(
    72,
    "a plan of two weeks; one for an unknown metric; overlapping plans",
    shows=lambda marts: [
        row["is_length_unusual"] for row in rows(marts, "int_plans__plans", plan_id="short")
    ] == [True],
)  # fmt: skip
def _(world: World) -> None:
    world.plant(
        "improvement_plans", "used", plan_id="short", opened_on="2026-03-17",
        planned_end_on="2026-03-31",
    )  # fmt: skip
    world.plant("improvement_plan_targets", "quarantined:unknown_metric", metric="charm")
    late = world.plant(
        "improvement_plans", "quarantined:overlapping_plan", opened_on="2026-02-10",
        planned_end_on="2026-03-10",
    )  # fmt: skip
    for table in ("improvement_plan_check_ins", "improvement_plan_support"):
        world.plant(table, "quarantined:orphan", plan_id=late["plan_id"])
    world.plant(
        "improvement_plan_targets", "quarantined:orphan", plan_id=late["plan_id"], metric="csat"
    )


def _plan_evidence(marts: Marts, plan: str) -> set[str]:
    return {
        row["evidence_outcome"] for row in rows(marts, "improvement_plan_outcomes", plan_id=plan)
    }


@case(
    73,
    "the agent of a plan leaves",
    shows=lambda marts: _plan_evidence(marts, "ana-plan") == {"left"},
)
def _(world: World) -> None:
    agent = world.of("agents")
    agent.update(left_on="2026-02-20", exit_type="voluntary", _loaded_at="2026-02-21T00:00:00Z")


@case(
    73,
    "too few facts for a plan",
    shows=lambda marts: _plan_evidence(marts, "ana-plan") == {"not_assessable"},
)
def _(world: World) -> None:
    world.of("improvement_plan_targets")["minimum_sample"] = "500"


# --- people


@case(81, "a change of team in mid-month, and a return")
def _(world: World) -> None:
    first = world.of("agent_assignments")
    world.expect("agent_assignments", first, "superseded")
    world.load_again("agent_assignments", "used", valid_to="2026-02-12")
    for start, end, team in (("2026-02-12", "2026-03-02", "south"), ("2026-03-10", None, "north")):
        row = {**first, "valid_from": start, "valid_to": end, "team_id": team}
        world.tables["agent_assignments"].append(row)
        world.expect("agent_assignments", row, "used")


@case(82, "active after leaving")
def _(world: World) -> None:
    agent = world.of("agents")
    agent.update(left_on="2026-03-10", exit_type="voluntary", _loaded_at="2026-03-11T00:00:00Z")
    world.expect("interactions", world.of("interactions", 11), "used")


@case(84, "a name changed, and shared with another agent")
def _(world: World) -> None:
    world.expect("agents", world.of("agents"), "superseded")
    world.load_again("agents", "used", full_name="Agent ben", email="ben@example.invalid")


@case(91, "a forecast of nothing; one made after the day began")
def _(world: World) -> None:
    like = world.tables["volume_forecasts"][0]
    world.plant("volume_forecasts", "used", like=like, forecast_contacts="0")
    world.plant(
        "volume_forecasts", "used", like=like, forecast_contacts="90",
        published_at="2026-02-05T18:00:00Z", _loaded_at="2026-02-06T00:00:00Z",
    )  # fmt: skip


@case(92, "a team of one", affects=(SPOILT, "ben"))
def _(world: World) -> None:
    world.tables["agents"] = [r for r in world.tables["agents"] if r["agent_id"] != "ben"]
    world.tables["agent_assignments"] = [
        row for row in world.tables["agent_assignments"] if row["agent_id"] != "ben"
    ]
    world.tables["improvement_plans"] = [
        row for row in world.tables["improvement_plans"] if row["agent_id"] != "ben"
    ]
    for table in ("improvement_plan_targets", "improvement_plan_check_ins",
                  "improvement_plan_support"):  # fmt: skip
        world.tables[table] = [r for r in world.tables[table] if r["plan_id"] != "ben-plan"]


# --- the tests


@pytest.fixture(scope="module")
def warehouse(compiled: Project) -> MemoryWarehouse:
    return MemoryWarehouse(compiled.manifest, compiled.seed_root, (*REFERENCE_MARTS, *OTHERS))


@pytest.fixture(scope="module")
def seeds(compiled: Project) -> dict[str, list[dict[str, Any]]]:
    return read_seeds(compiled.seed_root)


@pytest.fixture(scope="module")
def sound(warehouse: MemoryWarehouse) -> Marts:
    """The company without any fault."""
    return warehouse.run(World().tables, AS_OF)


def dispositions(marts: Marts) -> dict[tuple[str, int], str]:
    """What became of every row, by table and row; each row has one."""
    found = marts[JUDGED]
    places = Counter((row["raw_table"], row["raw_row"]) for row in found)
    assert max(places.values()) == 1
    return {(row["raw_table"], row["raw_row"]): row["disposition"] for row in found}


def places_of(world: World) -> Iterator[tuple[str, int, dict]]:
    for table, planted in world.tables.items():
        for number, row in enumerate(planted, start=1):
            yield table, number, row


def refuse_lost_rows(world: World, marts: Marts) -> None:
    """Every row of the files has a disposition, and the mart counts each once."""
    judged = dispositions(marts)
    landed = {(table, number) for table, number, _ in places_of(world)}
    assert set(judged) == landed
    counted = Counter()
    for row in marts["lost_and_found"]:
        counted[row["raw_table"], row["reason"]] += row["rows"]
    assert counted == Counter((table, judged[table, number]) for table, number in judged)


def refuse_other_dispositions(world: World, marts: Marts) -> None:
    """Planted rows got theirs; a sound row is used unless a case says otherwise."""
    judged = dispositions(marts)
    expected = {id(row): disposition for _, row, disposition in world.expected}
    wrong = [
        f"{table} row {number}: {judged[table, number]}, not {expected[id(row)]}"
        for table, number, row in places_of(world)
        if id(row) in expected and judged[table, number] != expected[id(row)]
    ]
    assert not wrong, "\n".join(wrong)
    planted = {d for _, _, d in world.expected}
    disturbed = [
        f"{table} row {number}: {judged[table, number]}"
        for table, number, row in places_of(world)
        if id(row) not in expected
        and judged[table, number].startswith("quarantined:")
        and judged[table, number] not in planted
    ]
    assert not disturbed, "\n".join(disturbed)


def refuse_other_figures(world: World, marts: Marts, seeds: dict) -> None:
    """The core marts are those of an independent reading of the same raw rows."""
    states = {row["state"] for row in seeds["agent_state_map"]}
    expected = run_reference(rows_that_count(world.tables, states, AS_OF), seeds, AS_OF)
    result = Comparison()
    for mart in REFERENCE_MARTS:
        compare_rows(mart, expected[mart], marts[mart], result)
    assert not result.differences, result.report(at_most=10)


def own_values(marts: Marts, spared: tuple[str, ...]) -> dict[tuple, tuple]:
    """What agents' metrics are made of, without those of `spared`."""
    return {
        (row["agent_id"], row["period_month"], row["window"], row["metric"]): tuple(
            row[column] for column in OWN_VALUES
        )
        for row in marts["agent_scorecard_metrics"]
        # The index is measured against the peers' times, so it is nobody's own.
        if row["agent_id"] not in spared and row["metric"] != "aht_index"
    }


@pytest.mark.slow_fault
@pytest.mark.parametrize("one", CASES, ids=str)
def test_a_bad_row_gets_its_disposition_and_disturbs_nobody(
    one: Case, warehouse: MemoryWarehouse, sound: Marts, seeds: dict
) -> None:
    world = World()
    one.plant(world)

    marts = warehouse.run(world.tables, AS_OF)

    refuse_lost_rows(world, marts)
    refuse_other_dispositions(world, marts)
    refuse_other_figures(world, marts, seeds)
    if one.shows is not None:
        assert one.shows(marts)
    ghosts = (*one.affects, "ghost")
    assert own_values(marts, ghosts) == own_values(sound, ghosts)
    count("bad_inputs", 1)


def test_all_bad_rows_together_get_the_same_dispositions(
    warehouse: MemoryWarehouse, sound: Marts, seeds: dict
) -> None:
    """Companies side by side, each with one of the cases, in one warehouse and one set of files."""
    together = World()
    together.tables.clear()
    for number, one in enumerate(CASES):
        world = World()
        one.plant(world)
        copies = {
            id(row): renamed(row, f"c{number}-")
            for planted in world.tables.values()
            for row in planted
        }
        for table, planted in world.tables.items():
            together.tables[table] += [copies[id(row)] for row in planted]
        together.expected += [
            (table, copies[id(row)], disposition) for table, row, disposition in world.expected
        ]

    marts = warehouse.run(together.tables, AS_OF)

    refuse_lost_rows(together, marts)
    refuse_other_dispositions(together, marts)
    # Each company's others are as they were.
    for number, one in enumerate(CASES):
        prefix = f"c{number}-"
        own = {
            (key[0].removeprefix(prefix), *key[1:]): values
            for key, values in own_values(marts, ()).items()
            if key[0].startswith(prefix)
        }
        spared = (*one.affects, "ghost")
        assert {k: v for k, v in own.items() if k[0] not in spared} == own_values(sound, spared)
    count("bad_inputs", len(CASES))


def renamed(row: dict[str, str | None], prefix: str) -> dict[str, str | None]:
    """The row with every name of its own company, blanks around it kept."""

    def moved(column: str, cell: str | None) -> str | None:
        if cell is None or cell in ("N/A", "", "-", "NULL"):
            return cell
        is_assignee = column == "to_value" and row.get("event_type") == "assigned"
        is_name = column.endswith("_id") or is_assignee
        blanks = len(cell) - len(cell.lstrip())
        return cell[:blanks] + prefix + cell[blanks:] if is_name else cell

    return {column: moved(column, cell) for column, cell in row.items()}
