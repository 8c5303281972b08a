"""A small company whose raw data is sound, and the ways single rows of it are spoilt.

Belongs here: the raw rows of four agents over three months, and helpers that add, change or load
again a row of one agent. Does not belong here: which faults are tried and what must come of them
(test_bad_input.py). All rows of a table lie in one file; a cell is text, None where it is empty.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

from orchestration.lib.contract import load_contract

Row = dict[str, str | None]

AS_OF = datetime(2026, 4, 20, 6, tzinfo=UTC)
MONTHS = (date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1))
DAYS = (5, 9, 14, 19)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TEAMS = {"north": "Europe/London", "south": "America/New_York"}
AGENTS = {"ana": "north", "ben": "north", "cleo": "south", "dan": "south"}
BOT = "bot"
# Whose rows are spoilt; the others' own values must stay what they were.
SPOILT = "ana"


def instant(when: datetime) -> str:
    """The instant as a loader writes it."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


class World:
    """Raw tables of the company; `expected` says what planted rows must become."""

    def __init__(self) -> None:
        self.tables: dict[str, list[Row]] = defaultdict(list)
        self.expected: list[tuple[str, Row, str]] = []
        self._numbers = 0
        self._people()
        for agent in AGENTS:
            for month in MONTHS:
                for day in DAYS:
                    self._work_day(agent, datetime(month.year, month.month, day, 14, tzinfo=UTC))
            self._development(agent)
        for agent in ("ana", "ben"):
            self._plan(agent, f"{agent}-plan")

    # --- planting

    def add(self, table: str, loaded_at: datetime | str, **cells: str | None) -> Row:
        """One more row."""
        stamp = loaded_at if isinstance(loaded_at, str) else instant(loaded_at)
        row = {**cells, "_loaded_at": stamp, "_deleted": None, "_sequence": None}
        self.tables[table].append(row)
        return row

    def of(self, table: str, number: int = 0) -> Row:
        """A sound row of the table that belongs to the agent whose rows are spoilt."""
        rows = [row for row in self.tables[table] if self._owner(row) == SPOILT]
        return rows[number]

    def plant(self, table: str, disposition: str, *, like: Row | None = None, **cells: str | None):
        """A row with a key of its own, else like `like` (or the agent's first), that must become
        `disposition`."""
        self._numbers += 1
        key = {load_contract().tables[table].key[-1]: f"planted-{self._numbers}"}
        row = {**(like or self.of(table)), **key, **cells}
        self.tables[table].append(row)
        return self.expect(table, row, disposition)

    def load_again(
        self, table: str, disposition: str, *, like: Row | None = None, hours: float = 1,
        **cells: str | None,
    ) -> Row:  # fmt: skip
        """A later version of `like` (or the agent's first row) with other cells."""
        before = like or self.of(table)
        later = instant(datetime.fromisoformat(str(before["_loaded_at"])) + hours * HOUR)
        row = {**before, "_loaded_at": later, **cells}
        self.tables[table].append(row)
        return self.expect(table, row, disposition)

    def expect(self, table: str, row: Row, disposition: str) -> Row:
        """Note what must become of a row."""
        self.expected.append((table, row, disposition))
        return row

    def drop(self, table: str, row: Row) -> None:
        """Take a row away, as if it had not been loaded yet."""
        self.tables[table] = [other for other in self.tables[table] if other is not row]

    # --- the sound company

    def _owner(self, row: Row) -> str | None:
        if row.get("agent_id") in AGENTS:
            return row["agent_id"]
        key = row.get("ticket_id") or row.get("evaluation_id") or row.get("plan_id") or ""
        return key.split("-")[0]

    def _people(self) -> None:
        start = datetime(2025, 12, 1, tzinfo=UTC)
        for team, zone in TEAMS.items():
            self.add(
                "teams", start, team_id=team, team_name=team.title(), manager_id=f"lead-{team}",
                timezone=zone,
            )  # fmt: skip
        for agent in (*AGENTS, BOT):
            self.add(
                "agents", start, agent_id=agent, full_name=f"Agent {agent}",
                email=f"{agent}@example.invalid", hired_on="2025-06-01", left_on=None,
                exit_type=None, is_bot="true" if agent == BOT else "false",
            )  # fmt: skip
        for agent, team in AGENTS.items():
            self.add(
                "agent_assignments", start, agent_id=agent, valid_from="2025-12-01", valid_to=None,
                team_id=team, tier="T1",
            )  # fmt: skip

    def _work_day(self, agent: str, at: datetime) -> None:
        name = f"{agent}-{at:%m%d}"
        solved = at + 2 * HOUR
        loaded = solved + HOUR
        self.add(
            "tickets", loaded, ticket_id=name, created_at=instant(at), channel="email",
            contact_type="billing" if at.day < 10 else "tech", severity="normal",
            customer_id=f"customer-{name}", origin="customer", is_spam="false", is_test="false",
            merged_into_ticket_id=None,
        )  # fmt: skip
        self.event(name, 1, at, "assigned", None, agent)
        self.event(name, 2, at + HOUR, "replied", agent)
        self.event(name, 3, solved, "solved", agent)
        self.add(
            "interactions", loaded, interaction_id=name, ticket_id=name, agent_id=agent,
            channel="email", started_at=instant(at + HOUR / 2), ended_at=instant(at + HOUR),
            talk_seconds="600", hold_seconds="60", wrap_seconds="120",
        )  # fmt: skip
        self.add(
            "surveys", loaded + DAY, survey_id=name, ticket_id=name, agent_id=agent,
            sent_at=instant(loaded), responded_at=instant(loaded + HOUR),
            score="5" if at.day != 9 else "2", scale_min=None, scale_max=None,
        )  # fmt: skip
        self.add(
            "qa_evaluations", loaded + DAY, evaluation_id=name, ticket_id=name, agent_id=agent,
            evaluator_id="judge", interaction_at=instant(at), evaluated_at=instant(loaded),
            form_version="1", status="final", is_calibration="false",
        )  # fmt: skip
        for criterion, score, most in (("a", "8", "10"), ("b", "5", "5")):
            self.add(
                "qa_criterion_scores", loaded + DAY, evaluation_id=name, criterion=criterion,
                sub_dimension="tone", score=score, max_score=most, weight="1",
                is_applicable="true", is_critical_error="false",
            )  # fmt: skip
        begins, ends = at - HOUR, at + 7 * HOUR
        self.add(
            "schedule_segments", begins - 7 * DAY, segment_id=name, agent_id=agent,
            starts_at=instant(begins), ends_at=instant(ends), activity="contact_handling",
            published_at=instant(begins - 7 * DAY),
        )  # fmt: skip
        self.add(
            "agent_states", ends + HOUR, state_id=name, agent_id=agent, starts_at=instant(begins),
            ends_at=instant(ends), state="handling",
        )  # fmt: skip

    def event(
        self, ticket: str, number: int, at: datetime, kind: str, actor: str | None,
        to_value: str | None = None,
    ) -> Row:  # fmt: skip
        """An event of a ticket, loaded half an hour later."""
        return self.add(
            "ticket_events", at + HOUR / 2, event_id=f"{ticket}-{number}", ticket_id=ticket,
            occurred_at=instant(at), event_type=kind, agent_id=actor, from_value=None,
            to_value=to_value,
        )  # fmt: skip

    def _development(self, agent: str) -> None:
        loaded = datetime(2026, 2, 28, tzinfo=UTC)
        self.add(
            "absences", loaded, absence_id=agent, agent_id=agent, absent_on="2026-02-11",
            hours="4", kind="unplanned",
        )  # fmt: skip
        self.add(
            "training_assignments", loaded, assignment_id=agent, agent_id=agent, module="m",
            assigned_at="2026-01-20T00:00:00Z", due_on="2026-02-10",
            completed_at="2026-02-05T00:00:00Z", is_waived="false",
        )  # fmt: skip
        self.add(
            "kb_contributions", loaded, contribution_id=agent, agent_id=agent, article_id="k",
            action="drafted", occurred_at="2026-02-06T12:00:00Z", is_accepted="true",
        )  # fmt: skip
        self.add(
            "development_goals", loaded, goal_id=agent, agent_id=agent, metric=None,
            description="d", agreed_on="2026-01-10", due_on="2026-03-20", baseline="0",
            target="10", current_value="8", weight="1", status="active",
        )  # fmt: skip
        self.add(
            "coaching_sessions", loaded, session_id=agent, agent_id=agent, coach_id="lead-north",
            held_at="2026-02-12T12:00:00Z", kind="coaching", focus_metric="qa_score",
            minutes="30", is_acknowledged="true",
        )  # fmt: skip
        self.add(
            "volume_forecasts", datetime(2026, 1, 31, tzinfo=UTC), forecast_id=agent,
            team_id=AGENTS[agent], forecast_date=f"2026-02-0{5 + len(self.tables['absences'])}",
            forecast_contacts="2", published_at="2026-01-30T00:00:00Z",
        )  # fmt: skip

    def _plan(self, agent: str, plan: str) -> None:
        loaded = datetime(2026, 3, 18, tzinfo=UTC)
        self.add(
            "improvement_plans", loaded, plan_id=plan, agent_id=agent, opened_on="2026-02-02",
            planned_end_on="2026-03-16", closed_on=None, owner_id="lead-north",
            decided_outcome=None, decided_by=None,
        )  # fmt: skip
        self.add(
            "improvement_plan_targets", loaded, plan_id=plan, metric="csat", target="0.9",
            minimum_sample="2",
        )  # fmt: skip
        self.add(
            "improvement_plan_check_ins", loaded, check_in_id=plan, plan_id=plan,
            due_on="2026-02-20", held_on="2026-02-20", progress_note="n", next_step="s",
        )  # fmt: skip
        self.add(
            "improvement_plan_support", loaded, support_id=plan, plan_id=plan, kind="training",
            planned_on="2026-02-10", delivered_on="2026-02-12",
        )  # fmt: skip
