"""Who is credited, where and on which local day: roster, assignments, months, home teams.

Belongs here: everything that turns an agent and an instant into a team, a tier and a period. Does
not belong here: any metric.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

Row = dict[str, Any]

ONE_DAY = timedelta(days=1)
END_OF_TIME = datetime.max.replace(tzinfo=UTC)


class Assignment(NamedTuple):
    """An agent's time in a team, from the first instant of `valid_from` in the team's timezone."""

    agent_id: str
    team_id: str
    tier: str
    valid_from: date
    valid_to: date | None
    zone: ZoneInfo


class Piece(NamedTuple):
    """The part of a spell that lies in one local day of one assignment."""

    assignment: Assignment
    day: date
    start: datetime
    end: datetime


def first_instant(day: date, zone: ZoneInfo) -> datetime:
    """UTC instant at which a local day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def month_of(day: date) -> date:
    return day.replace(day=1)


def next_month(month: date) -> date:
    return (month + 31 * ONE_DAY).replace(day=1)


def previous_month(month: date) -> date:
    return (month - ONE_DAY).replace(day=1)


class People:
    """The roster and its assignments; bots are in the roster, but have no assignments here."""

    def __init__(
        self, agents: list[Row], assignments: list[Row], teams: list[Row], as_of: datetime
    ):
        self.as_of = as_of
        self.teams = {team["team_id"]: team for team in teams}
        self.agents = {agent["agent_id"]: agent for agent in agents}
        self.humans = {agent["agent_id"] for agent in agents if not agent["is_bot"]}
        self.assignments: dict[str, list[Assignment]] = defaultdict(list)
        for row in sorted(assignments, key=lambda row: (row["agent_id"], row["valid_from"])):
            if row["agent_id"] in self.humans:
                zone = ZoneInfo(self.teams[row["team_id"]]["timezone"])
                self.assignments[row["agent_id"]].append(
                    Assignment(
                        row["agent_id"],
                        row["team_id"],
                        row["tier"],
                        row["valid_from"],
                        row["valid_to"],
                        zone,
                    )
                )
        self.spells = {agent: covered_spells(rows) for agent, rows in self.assignments.items()}

    def at(self, agent_id: str | None, instant: datetime) -> Assignment | None:
        """The assignment that covers the instant; None for bots, strangers and gaps."""
        for start, end, assignment in self.spells.get(agent_id, []):
            if start <= instant < end:
                return assignment
        return None

    def on(self, agent_id: str, day: date) -> Assignment | None:
        """The assignment of a local date."""
        for assignment in reversed(self.assignments.get(agent_id, [])):
            if assignment.valid_from <= day and is_before_end(day, assignment):
                return assignment
        return None

    def pieces(self, agent_id: str, start: datetime, end: datetime) -> Iterator[Piece]:
        """The spell from start to end, as_of at the latest, cut at local midnights and at changes
        of assignment; time without an assignment is left out."""
        for covered_from, covered_to, assignment in self.spells.get(agent_id, []):
            cursor = max(start, covered_from)
            last = min(end, covered_to, self.as_of)
            while cursor < last:
                day = cursor.astimezone(assignment.zone).date()
                midnight = first_instant(day + ONE_DAY, assignment.zone)
                yield Piece(assignment, day, cursor, min(last, midnight))
                cursor = midnight

    def agent_months(self, first_month: date) -> dict[tuple[str, date], list[Assignment]]:
        """(agent, month) -> the assignments that meet the month up to as_of, by valid_from."""
        met: dict[tuple[str, date], list[Assignment]] = defaultdict(list)
        for agent_id, assignments in self.assignments.items():
            for assignment in assignments:
                day = max(assignment.valid_from, first_month)
                while (
                    is_before_end(day, assignment)
                    and first_instant(day, assignment.zone) <= self.as_of
                ):
                    met[agent_id, month_of(day)].append(assignment)
                    day = next_month(month_of(day))
        return met


def is_before_end(day: date, assignment: Assignment) -> bool:
    return assignment.valid_to is None or day < assignment.valid_to


def covered_spells(assignments: list[Assignment]) -> list[tuple[datetime, datetime, Assignment]]:
    """UTC spells of one agent's assignments (by valid_from); where the timezones of two teams make
    them overlap, the later one begins and the earlier one is over."""
    spells = []
    for assignment, following in zip(assignments, [*assignments[1:], None], strict=True):
        start = first_instant(assignment.valid_from, assignment.zone)
        end = END_OF_TIME
        if assignment.valid_to is not None:
            end = first_instant(assignment.valid_to, assignment.zone)
        if following is not None:
            end = min(end, first_instant(following.valid_from, following.zone))
        spells.append((start, end, assignment))
    return spells


def home_assignment(assignments: list[Assignment], scheduled: dict[str, timedelta]) -> Assignment:
    """The latest assignment in the home team of an agent-month: the team with most scheduled
    contact handling (`scheduled`, by team), ties by later valid_from."""
    return max(
        assignments, key=lambda one: (scheduled.get(one.team_id, timedelta(0)), one.valid_from)
    )
