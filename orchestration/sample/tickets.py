"""What happened to the tickets: a small simulation in waves.

Here: tickets are handed out on working time, touched, perhaps escalated, solved, perhaps reopened;
some customers come back and make the next wave. Not here: the raw tables made of it
(ticket_frames) and what evaluators thought (quality).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestration.sample.catalogue import (
    ALL_CONTACT_TYPES,
    CHANNEL_EFFORT,
    CHANNEL_SHARES,
    CHAT,
    CONTACT_TYPE_NAMES,
    EFFORT,
    ESCALATION_OFFSET,
    EVENT,
    FAILURE_OFFSET,
    FAMILY_OF,
    IS_HARD,
    PHONE,
    REOPEN_LOGIT,
    REPEAT_LOGIT,
    SEVERITIES,
    SEVERITY_SHARES,
    SHARES,
    TIER_EFFORT,
    TIERS,
)
from orchestration.sample.desk import Desk, balanced_desk, pool_of
from orchestration.sample.frames import (
    DAY,
    HOUR,
    NULL,
    logistic,
)
from orchestration.sample.workforce import Slots
from orchestration.sample.world import BOTS, Latent, World

WEEK = 7 * DAY
SECONDS_PER_TOUCH = 500.0
DIRECT_TIER = (0.745, 0.175, 0.08)


def _reach(channel: np.ndarray) -> np.ndarray:
    """How far ahead a ticket of each channel looks for an agent, in working days of its pool."""
    return np.where(np.isin(channel, (PHONE, CHAT)), 0.2, 1.0)


@dataclass
class Tickets:
    """Tickets of one wave or of all, shape (tickets,) each; instants in UTC seconds."""

    created: np.ndarray
    team: np.ndarray
    channel: np.ndarray
    kind: np.ndarray
    severity: np.ndarray
    customer: np.ndarray
    by_bot: np.ndarray

    def __len__(self) -> int:
        return len(self.created)


@dataclass
class Outcome:
    """What became of each ticket: solver -1 and instants NULL where there was no solve."""

    first_solver: np.ndarray
    first_solve: np.ndarray
    final_solver: np.ndarray
    final_solve: np.ndarray
    is_reopened: np.ndarray
    is_left_open: np.ndarray
    is_closed_unsolved: np.ndarray


class Journal:
    """Collects events and interactions of all waves as arrays, ticket by its global position."""

    def __init__(self) -> None:
        self.events: list[tuple[np.ndarray, ...]] = []
        self.interactions: list[tuple[np.ndarray, ...]] = []

    def event(
        self,
        name: str,
        ticket: np.ndarray,
        at: np.ndarray,
        actor: np.ndarray | int = -1,
        before: np.ndarray | int = -1,
        after: np.ndarray | int = -1,
    ) -> None:
        shape = np.shape(ticket)
        parts = [
            np.broadcast_to(np.asarray(x), shape) for x in (at, EVENT[name], actor, before, after)
        ]
        self.events.append((ticket, *parts))

    def interaction(self, *columns: np.ndarray) -> None:
        self.interactions.append(columns)

    def all_events(self) -> tuple[np.ndarray, ...]:
        return tuple(np.concatenate(column) for column in zip(*self.events, strict=True))

    def all_interactions(self) -> tuple[np.ndarray, ...]:
        return tuple(np.concatenate(column) for column in zip(*self.interactions, strict=True))


@dataclass(frozen=True)
class Service:
    """All tickets with their outcomes, before they are frames; ordered by creation."""

    tickets: Tickets
    outcome: Outcome
    events: tuple[np.ndarray, ...]
    interactions: tuple[np.ndarray, ...]
    planted: dict[str, int]


def simulate(world: World, latent: Latent, slots: Slots, tickets: int) -> Service:
    """Run the waves until exactly `tickets` exist, and number the tickets by creation."""
    desk = _open_desk(world, latent, slots)
    journal = Journal()
    rng = world.rng("tickets")
    waves: list[Tickets] = []
    outcomes: list[Outcome] = []
    planted: dict[str, int] = {}
    # Repeats take about a tenth; what they leave over is filled with tickets nobody came back for.
    wave = _roots(world, rng, slots, int(tickets * 0.89))
    made = 0
    while len(wave):
        numbers_ = made + np.arange(len(wave))
        outcome = _Wave(world, latent, desk, rng, wave, numbers_, journal).run()
        waves.append(wave)
        outcomes.append(outcome)
        made += len(wave)
        wave, exact = _repeats(world, latent, rng, wave, outcome, tickets - made)
        if exact and not planted:
            planted = {"repeat_at_seven_days": 1, "repeat_a_second_later": 1}
    if made < tickets:
        wave = _roots(world, rng, slots, tickets - made)
        numbers_ = made + np.arange(len(wave))
        outcomes.append(_Wave(world, latent, desk, rng, wave, numbers_, journal).run())
        waves.append(wave)
    merged = Tickets(*(np.concatenate([vars(w)[k] for w in waves]) for k in vars(waves[0])))
    ended = Outcome(*(np.concatenate([vars(o)[k] for o in outcomes]) for k in vars(outcomes[0])))
    order = np.argsort(merged.created, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    events, interactions = journal.all_events(), journal.all_interactions()
    return Service(
        tickets=Tickets(*(column[order] for column in vars(merged).values())),
        outcome=Outcome(*(column[order] for column in vars(ended).values())),
        events=(rank[events[0]], *events[1:]),
        interactions=(rank[interactions[0]], *interactions[1:]),
        planted=planted,
    )


def _open_desk(world: World, latent: Latent, slots: Slots) -> Desk:
    """The desk, balanced for the demand of a trial wave that leaves no trace."""
    rng = world.rng("trial")
    trial = _roots(world, rng, slots, max(3_000, 120 * world.agents))
    tier = rng.choice(3, size=len(trial), p=DIRECT_TIER)
    pool = pool_of(world, trial.team, tier, IS_HARD[trial.kind])
    return balanced_desk(world, latent, slots, pool, trial.created, _reach(trial.channel))


def _roots(world: World, rng: np.random.Generator, slots: Slots, count: int) -> Tickets:
    """Tickets that are no repeat: by team capacity, weekday, season and hour of the local day."""
    clock = world.clock
    team_of_slot = world.team[slots.agent, slots.day]
    month = clock.month_of_day[: clock.days]
    capacity = np.zeros((world.teams, month.max() + 1))
    np.add.at(capacity, (team_of_slot, clock.month_of_day[slots.day]), slots.length)
    capacity /= np.bincount(month)[None, :]
    weekly = np.array([1.22, 1.12, 1.05, 1.02, 1.0, 0.66, 0.58])[clock.weekday[: clock.days]]
    season = 1 + 0.06 * np.sin(2 * np.pi * (np.arange(clock.days) + 40) / 365)
    noise = rng.lognormal(0, 0.05, (world.teams, clock.days))
    intensity = (capacity[:, month] * weekly * season * noise).ravel()
    # The last local date has only begun; it keeps the share that lies before the cutoff.
    cell = rng.choice(len(intensity), size=count + count // 20 + 50, p=intensity / intensity.sum())
    team, day = cell // clock.days, cell % clock.days
    channel = rng.choice(4, size=len(cell), p=CHANNEL_SHARES)
    live = np.isin(channel, (PHONE, CHAT))
    hour = np.where(live, rng.normal(13.2, 2.7, len(cell)), rng.normal(14.0, 4.6, len(cell)))
    hour = hour + np.where(team == world.overnight_team, 9.5, 0)
    seconds = (np.mod(hour, 24) * HOUR).astype(np.int64)
    created = clock.midnight[world.zone_of_team[team], day] + seconds
    inside = np.flatnonzero(created < clock.cutoff - 1800)[:count]
    if len(inside) < count:
        raise RuntimeError("too few instants drawn before the end of the data")
    kind = rng.choice(len(SHARES), size=len(cell), p=SHARES / SHARES.sum())
    severity = rng.choice(4, size=len(cell), p=SEVERITY_SHARES)
    # A few customers write often, most once or twice a year.
    per_team = max(20, int(count / 2.6 / world.teams))
    customer = team * per_team + (rng.random(len(cell)) ** 1.4 * per_team).astype(np.int64)
    simple = np.isin(kind, (2, 4, 7)) & ~live
    by_bot = simple & (rng.random(len(cell)) < 0.22)
    drawn = (created, team, channel, kind, severity, customer, by_bot)
    return Tickets(*(column[inside] for column in drawn))


def _repeats(
    world: World,
    latent: Latent,
    rng: np.random.Generator,
    wave: Tickets,
    outcome: Outcome,
    room: int,
) -> tuple[Tickets, bool]:
    """The tickets of customers who come back within a week, at most `room`.

    Two of them come back after exactly seven days and one second later; the flag says so.
    """
    solved = outcome.final_solve != NULL
    solver = np.maximum(outcome.final_solver, 0)
    level = latent.failure[solver, world.clock.day_index(np.where(solved, outcome.final_solve, 0))]
    chance = logistic(REPEAT_LOGIT + level + 0.7 * FAILURE_OFFSET[wave.kind])
    chance = np.where(outcome.final_solver < 0, 0.1, chance)
    back = np.flatnonzero(solved & (rng.random(len(wave)) < chance))
    gap = (rng.random(len(back)) ** 1.6 * (WEEK - 1200)).astype(np.int64) + 600
    exact = len(back) >= 10
    if exact:
        gap[4], gap[7] = WEEK, WEEK + 1
    created = outcome.final_solve[back] + gap
    inside = created < world.clock.cutoff - 1800
    back, created = back[inside][:room], created[inside][:room]
    same = rng.random(len(back)) < 0.7
    family = FAMILY_OF[wave.kind[back]]
    score = rng.random((len(back), len(CONTACT_TYPE_NAMES)))
    score[FAMILY_OF[None, : len(CONTACT_TYPE_NAMES)] != family[:, None]] = -1
    related = score.argmax(axis=1)
    kind = np.where(same, wave.kind[back], related)
    channel = np.where(
        rng.random(len(back)) < 0.6, wave.channel[back], rng.choice(4, len(back), p=CHANNEL_SHARES)
    )
    severity = np.minimum(wave.severity[back] + (rng.random(len(back)) < 0.2), 3)
    repeats = Tickets(
        created,
        wave.team[back],
        channel,
        kind,
        severity,
        wave.customer[back],
        np.zeros(len(back), dtype=bool),
    )
    return repeats, exact


class _Wave:
    """One wave on its way: who holds each ticket, since when, and what has come of it.

    `agent`, `at` and `tier` have shape (tickets,): the holder (-1 for nobody), the end of the last
    thing done, and the tier it was done at. Methods take `rows`, positions in the wave.
    """

    def __init__(
        self,
        world: World,
        latent: Latent,
        desk: Desk,
        rng: np.random.Generator,
        tickets: Tickets,
        number: np.ndarray,
        journal: Journal,
    ) -> None:
        count = len(tickets)
        self.world, self.latent, self.desk, self.rng = world, latent, desk, rng
        self.tickets, self.number, self.journal = tickets, number, journal
        self.tier = rng.choice(3, size=count, p=DIRECT_TIER)
        self.live = np.isin(tickets.channel, (PHONE, CHAT))
        self.reach = _reach(tickets.channel)
        self.agent = np.full(count, -1)
        self.at = tickets.created.copy()
        self.closing = np.full(count, NULL)
        self.outcome = Outcome(
            first_solver=np.full(count, -1),
            first_solve=np.full(count, NULL),
            final_solver=np.full(count, -1),
            final_solve=np.full(count, NULL),
            is_reopened=np.zeros(count, dtype=bool),
            is_left_open=np.zeros(count, dtype=bool),
            is_closed_unsolved=np.zeros(count, dtype=bool),
        )

    def run(self) -> Outcome:
        """Hand out, work, escalate, solve, reopen, close."""
        self._assign()
        self._work()
        self._escalate()
        self._solve()
        self._reopen()
        self._answer_by_bots()
        rows = np.flatnonzero(self.closing != NULL)
        self.journal.event("closed", self.number[rows], self.closing[rows])
        return self.outcome

    def _happens(self, rows: np.ndarray, chance: np.ndarray | float) -> np.ndarray:
        """Those of the rows that the chance falls on."""
        return rows[self.rng.random(len(rows)) < chance]

    def _hand_out(self, rows: np.ndarray) -> np.ndarray:
        """Give the rows to somebody of their pool; returns those that somebody took."""
        pools = pool_of(
            self.world, self.tickets.team[rows], self.tier[rows], IS_HARD[self.tickets.kind[rows]]
        )
        self.agent[rows], self.at[rows] = self.desk.next_in_pool(
            self.rng, pools, self.at[rows], self.reach[rows]
        )
        return rows[self.agent[rows] >= 0]

    def _touch(self, rows: np.ndarray) -> None:
        """One piece of work by the holder; moves `at` to its end."""
        who, when, tickets = self.agent[rows], self.at[rows], self.tickets
        seconds = (
            SECONDS_PER_TOUCH
            * EFFORT[tickets.kind[rows]]
            * CHANNEL_EFFORT[tickets.channel[rows]]
            * TIER_EFFORT[self.tier[rows]]
            * self.latent.speed[who, self.world.clock.day_index(when)]
            * self.rng.lognormal(-0.1, 0.45, len(rows))
        )
        seconds = np.clip(seconds, 25, 9_000).astype(np.int64)
        self.journal.interaction(self.number[rows], who, tickets.channel[rows], when, seconds)
        self.at[rows] = when + seconds
        self.journal.event("replied", self.number[rows], self.at[rows], actor=who)

    def _hand_over(self, rows: np.ndarray) -> None:
        """Somebody else of the pool takes over."""
        before, since = self.agent[rows], self.at[rows]
        self._hand_out(rows)
        done = self.agent[rows] >= 0
        self.journal.event(
            "assigned",
            self.number[rows[done]],
            since[done],
            before=before[done],
            after=self.agent[rows[done]],
        )

    def _resume(self, rows: np.ndarray) -> np.ndarray:
        """Wait until the holder is back at work, or hand over where that takes days.

        Returns the rows that are still being worked on.
        """
        back = self.desk.next_of_agent(self.rng, self.agent[rows], self.at[rows])
        absent = back - self.at[rows] > 4 * DAY
        self.at[rows] = np.where(absent, self.at[rows], back)
        self._hand_over(rows[absent])
        return rows[self.agent[rows] >= 0]

    def _pause(self, rows: np.ndarray) -> np.ndarray:
        """Seconds until the customer answers: minutes on live channels, hours on the others."""
        typical = np.where(self.live[rows], 1_500.0, 4.0 * HOUR)
        return (typical * self.rng.lognormal(0, 0.7, len(rows))).astype(np.int64) + 60

    def _answered_by_customer(self, rows: np.ndarray) -> np.ndarray:
        self.at[rows] += self._pause(rows)
        self.journal.event("customer_replied", self.number[rows], self.at[rows])
        return self._resume(rows)

    def _assign(self) -> None:
        rows = self._hand_out(np.flatnonzero(~self.tickets.by_bot))
        created = self.tickets.created
        bounced = self._happens(rows, 0.005)
        self.journal.event("assigned", self.number[bounced], created[bounced])
        share = 0.8 * self.rng.random(len(rows))
        routed = created[rows] + 1 + ((self.at - created - 2)[rows] * share).astype(np.int64)
        self.journal.event("assigned", self.number[rows], routed, after=self.agent[rows])

    def _work(self) -> None:
        """First contact and the exchanges that follow it."""
        rows = np.flatnonzero(self.agent >= 0)
        self._touch(rows)
        self._relabel(self._happens(rows, 0.03))
        rate = 0.34 * EFFORT[self.tickets.kind] * np.where(self.live, 0.7, 1.3)
        exchanges = np.minimum(self.rng.poisson(rate), 3)
        for step in range(1, 4):
            rows = np.flatnonzero((self.agent >= 0) & (exchanges >= step))
            self._touch(self._answered_by_customer(rows))

    def _relabel(self, rows: np.ndarray) -> None:
        """The first agent changes severity (half of them down) and contact type."""
        severity, kind = self.tickets.severity, self.tickets.kind
        new = np.clip(severity[rows] + self.rng.choice((-1, 1), len(rows)), 0, 3)
        changed = new != severity[rows]
        picked = rows[changed]
        self.journal.event(
            "severity_changed",
            self.number[picked],
            self.at[picked] - 15,
            actor=self.agent[picked],
            before=_severity_code(self.world, severity[picked]),
            after=_severity_code(self.world, new[changed]),
        )
        picked = self._happens(rows, 0.8)
        other = (kind[picked] + self.rng.integers(1, len(SHARES), len(picked))) % len(SHARES)
        self.journal.event(
            "contact_type_changed",
            self.number[picked],
            self.at[picked] - 10,
            actor=self.agent[picked],
            before=_kind_code(self.world, kind[picked]),
            after=_kind_code(self.world, other),
        )

    def _escalate(self) -> None:
        """The first tier hands off to the second, the second more rarely to the third."""
        rows = np.flatnonzero((self.agent >= 0) & (self.tier < 2))
        level = self.latent.escalation[self.agent[rows], self.world.clock.day_index(self.at[rows])]
        level = level + ESCALATION_OFFSET[self.tickets.kind[rows]] - 0.6 * (self.tier[rows] == 1)
        rows = self._happens(rows, logistic(level))
        self.at[rows] += 60
        self.journal.event(
            "escalated",
            self.number[rows],
            self.at[rows],
            actor=self.agent[rows],
            before=_tier_code(self.world, self.tier[rows]),
            after=_tier_code(self.world, self.tier[rows] + 1),
        )
        self.tier[rows] += 1
        self._hand_over(rows)
        rows = rows[self.agent[rows] >= 0]
        self._touch(rows)
        self._touch(self._answered_by_customer(self._happens(rows, 0.3)))

    def _solve(self) -> None:
        """Most are solved; a few stay open for good, fewer are closed without a solve."""
        outcome, rng, number = self.outcome, self.rng, self.number
        rows = np.flatnonzero(self.agent >= 0)
        end = rng.random(len(rows))
        outcome.is_left_open[rows] = end < 0.01
        outcome.is_closed_unsolved[rows] = (end >= 0.01) & (end < 0.016)
        unsolved = rows[(end >= 0.01) & (end < 0.016)]
        self.closing[unsolved] = self.at[unsolved] + 14 * DAY
        rows = rows[end >= 0.016]
        solved = self.at[rows] + 20 + rng.integers(0, 600, len(rows))
        outcome.first_solve[rows] = outcome.final_solve[rows] = solved
        outcome.first_solver[rows] = outcome.final_solver[rows] = self.agent[rows]
        self.closing[rows] = solved + 5 * DAY
        # The button is sometimes pressed by nobody the log knows, or by a bot.
        pressed = rng.random(len(rows))
        actor = np.select(
            [pressed < 0.01, pressed < 0.015], [-1, self.world.agents], self.agent[rows]
        )
        self.journal.event("solved", number[rows], solved, actor=actor)
        # Whoever leaves hands the old tickets on; the credit must stay with the solver.
        moved = self._happens(rows, 0.003)
        heirs = rng.integers(0, self.world.agents, len(moved))
        self.journal.event("assigned", number[moved], outcome.first_solve[moved] + DAY, after=heirs)

    def _reopen(self) -> None:
        """Unhappy customers come back to the ticket, most within a week; it is solved again."""
        outcome, rng, number = self.outcome, self.rng, self.number
        rows = np.flatnonzero(outcome.first_solve != NULL)
        level = self.latent.failure[
            self.agent[rows], self.world.clock.day_index(outcome.first_solve[rows])
        ]
        offset = 0.8 * FAILURE_OFFSET[self.tickets.kind[rows]]
        rows = self._happens(rows, logistic(REOPEN_LOGIT + level + offset))
        gap = (rng.random(len(rows)) ** 1.5 * 6.8 * DAY).astype(np.int64) + 300
        gap += np.where(rng.random(len(rows)) < 0.08, WEEK, 0)
        self.at[rows] = outcome.first_solve[rows] + gap
        self.journal.event("customer_replied", number[rows], self.at[rows])
        self.journal.event("reopened", number[rows], self.at[rows])
        late = rows[gap > 5 * DAY]
        self.journal.event("closed", number[late], self.closing[late])
        outcome.is_reopened[rows] = True
        self.closing[rows] = outcome.final_solve[rows] = NULL
        outcome.final_solver[rows] = -1
        stuck = rng.random(len(rows)) < 0.02
        outcome.is_left_open[rows[stuck]] = True
        rows = rows[~stuck]
        passed_on = rng.random(len(rows)) < 0.2
        self._hand_over(rows[passed_on])
        kept = rows[~passed_on]
        self.at[kept] += self._pause(kept)
        self._resume(kept)
        rows = rows[self.agent[rows] >= 0]
        self._touch(rows)
        solved = self.at[rows] + 30 + rng.integers(0, 600, len(rows))
        outcome.final_solve[rows], outcome.final_solver[rows] = solved, self.agent[rows]
        self.closing[rows] = solved + 5 * DAY
        self.journal.event("solved", number[rows], solved, actor=self.agent[rows])

    def _answer_by_bots(self) -> None:
        """Simple written questions that no human ever sees."""
        rows = np.flatnonzero(self.tickets.by_bot)
        number, created = self.number[rows], self.tickets.created[rows]
        bot = self.world.agents + rows % len(BOTS)
        self.journal.event("assigned", number, created + 2, after=bot)
        self.journal.event("replied", number, created + 20, actor=bot)
        solved = created + 600 + self.rng.integers(0, 3_000, len(rows))
        self.journal.event("solved", number, solved, actor=bot)
        self.outcome.first_solve[rows] = self.outcome.final_solve[rows] = solved
        self.closing[rows] = solved + 5 * DAY


def value_vocabulary(world: World) -> tuple[str, ...]:
    """What from_value and to_value can hold: people first, so that their codes stay the same."""
    return (*world.people, *TIERS, *SEVERITIES, *ALL_CONTACT_TYPES)


def _tier_code(world: World, tier: np.ndarray) -> np.ndarray:
    return len(world.people) + tier


def _severity_code(world: World, severity: np.ndarray) -> np.ndarray:
    return len(world.people) + len(TIERS) + severity


def _kind_code(world: World, kind: np.ndarray) -> np.ndarray:
    return len(world.people) + len(TIERS) + len(SEVERITIES) + kind


def first_contacts(world: World, service: Service) -> tuple[np.ndarray, np.ndarray]:
    """Team and local day of each ticket's first interaction, for the forecasts."""
    ticket, agent, _, start, _ = service.interactions
    order = np.lexsort((start, ticket))
    ticket, agent, start = ticket[order], agent[order], start[order]
    first = np.ones(len(ticket), dtype=bool)
    first[1:] = ticket[1:] != ticket[:-1]
    agent, start = agent[first], start[first]
    team = world.team[agent, world.clock.day_index(start)]
    local = world.clock.local_day(world.zone_of_team[np.maximum(team, 0)], start)
    return team, local
