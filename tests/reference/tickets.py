"""What the events of tickets mean: scope, values at an instant, solves, solvers, repeat contacts.

Belongs here: everything that is settled on tickets alone, before anybody's month is asked for. Does
not belong here: sums per agent (facts.py).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tests.reference.people import People

Row = dict[str, Any]

REPEAT_WINDOW = timedelta(days=7)


class Solve(NamedTuple):
    """A first or a final solve of a ticket in scope."""

    ticket: Row
    event: Row
    at: datetime
    family: str
    solver: str | None
    is_mature: bool


def is_in_scope(ticket: Row) -> bool:
    return not (
        ticket["_deleted"]
        or ticket["is_spam"]
        or ticket["is_test"]
        or ticket["merged_into_ticket_id"] is not None
        or ticket["origin"] != "customer"
    )


def can_be_a_contact(ticket: Row) -> bool:
    """Work on these tickets counts as handled, whoever asked for it."""
    return not (ticket["_deleted"] or ticket["is_spam"] or ticket["is_test"])


def place(event: Row) -> tuple[datetime, str]:
    """The order of events: by instant, then by id."""
    return event["occurred_at"], event["event_id"]


class Tickets:
    """Tickets with their events in order, and the families of contact types."""

    def __init__(
        self, tickets: list[Row], events: list[Row], contact_types: list[Row], as_of: datetime
    ):
        self.as_of = as_of
        self.by_id = {ticket["ticket_id"]: ticket for ticket in tickets}
        self.in_scope = [ticket for ticket in tickets if is_in_scope(ticket)]
        self.events: dict[str, list[Row]] = defaultdict(list)
        for event in sorted(events, key=place):
            self.events[event["ticket_id"]].append(event)
        self.families = {row["contact_type"]: row["contact_family"] for row in contact_types}
        self.by_design = {
            row["contact_type"] for row in contact_types if row["is_escalation_by_design"]
        }

    def last_value(self, ticket_id: str, event_type: str, instant: datetime) -> Row | None:
        """The last event of a type at or before the instant."""
        found = None
        for event in self.events.get(ticket_id, []):
            if event["event_type"] == event_type and event["occurred_at"] <= instant:
                found = event
        return found

    def contact_type(self, ticket_id: str, instant: datetime) -> str:
        change = self.last_value(ticket_id, "contact_type_changed", instant)
        return change["to_value"] if change else self.by_id[ticket_id]["contact_type"]

    def family(self, ticket_id: str, instant: datetime) -> str:
        return self.family_of(self.contact_type(ticket_id, instant))

    def family_of(self, contact_type: str) -> str:
        """Contact family; a contact type the business has not listed is its own."""
        return self.families.get(contact_type, contact_type)

    def case(self, ticket_id: str, instant: datetime) -> dict[str, str]:
        """What kind of case the ticket was at the instant."""
        contact_type = self.contact_type(ticket_id, instant)
        return {"contact_type": contact_type, "contact_family": self.family_of(contact_type)}

    def assignee(self, ticket_id: str, instant: datetime) -> str | None:
        assigned = self.last_value(ticket_id, "assigned", instant)
        return assigned["to_value"] if assigned else None

    def solve_events(self, ticket_id: str) -> list[Row]:
        """Up to as_of: `solved`, and `closed` with no solve since creation or the last reopen."""
        solves = []
        is_solved = False
        for event in self.events.get(ticket_id, []):
            if event["occurred_at"] > self.as_of:
                break
            if event["event_type"] == "reopened":
                is_solved = False
            elif event["event_type"] == "solved" or (
                event["event_type"] == "closed" and not is_solved
            ):
                is_solved = True
                solves.append(event)
        return solves

    def has_reopening(self, ticket_id: str, is_meant: Callable[[Row], bool]) -> bool:
        return any(
            event["event_type"] == "reopened" and is_meant(event)
            for event in self.events.get(ticket_id, [])
        )

    def is_open_again(self, ticket_id: str, solve: Row) -> bool:
        """Whether a reopening follows the solve in the order of events, up to as_of."""
        return self.has_reopening(
            ticket_id,
            lambda event: place(event) > place(solve) and event["occurred_at"] <= self.as_of,
        )

    def is_reopened_in_window(self, ticket_id: str, solved_at: datetime) -> bool:
        """Whether the ticket was reopened after the instant of the solve, within the window."""
        return self.has_reopening(
            ticket_id,
            lambda event: solved_at < event["occurred_at"] <= solved_at + REPEAT_WINDOW,
        )

    def first_solves(self, people: People) -> list[Solve]:
        found = []
        for ticket in self.in_scope:
            events = self.solve_events(ticket["ticket_id"])
            if events:
                found.append(self.as_solve(ticket, events[0], people))
        return found

    def final_solves(self, people: People) -> list[Solve]:
        found = []
        for ticket in self.in_scope:
            events = self.solve_events(ticket["ticket_id"])
            if events and not self.is_open_again(ticket["ticket_id"], events[-1]):
                found.append(self.as_solve(ticket, events[-1], people))
        return found

    def as_solve(self, ticket: Row, event: Row, people: People) -> Solve:
        at = event["occurred_at"]
        return Solve(
            ticket=ticket,
            event=event,
            at=at,
            family=self.family(ticket["ticket_id"], at),
            solver=solver(self.assignee(ticket["ticket_id"], at), event["agent_id"], people),
            is_mature=at + REPEAT_WINDOW <= self.as_of,
        )

    def repeated(self, solves: list[Solve]) -> set[str]:
        """Ids of the solved tickets that were followed by a repeat contact.

        A new ticket charges only the latest of the solves of its customer and family before it.
        """
        before: dict[tuple[str, str], list[tuple[datetime, str]]] = defaultdict(list)
        for solve in solves:
            if solve.ticket["customer_id"] is not None:
                about = (solve.ticket["customer_id"], solve.family)
                before[about].append((solve.at, solve.ticket["ticket_id"]))
        for candidates in before.values():
            candidates.sort()
        charged = set()
        for new in self.in_scope:
            created = new["created_at"]
            about = (new["customer_id"], self.family(new["ticket_id"], created))
            candidates = before.get(about, [])
            earlier = bisect_left(candidates, (created, ""))
            if earlier:
                solved_at, ticket_id = candidates[earlier - 1]
                if created <= solved_at + REPEAT_WINDOW:
                    charged.add(ticket_id)
        return charged


def solver(assignee: str | None, actor: str | None, people: People) -> str | None:
    """The assignee if a human of the roster, else the actor if such, else nobody."""
    for candidate in (assignee, actor):
        if candidate in people.humans:
            return candidate
    return None
