"""Tickets and what happened to them: events, interactions, surveys.

Here: a small simulation in waves. A wave of tickets is handed out on slots of working time, touched,
perhaps escalated, solved, perhaps reopened; some customers come back and make the next wave.
Not here: the quality of the work as evaluators saw it (quality) and planted faults (dirt).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestration.sample.catalogue import (
    ALL_CONTACT_TYPES,
    CHANNEL_EFFORT,
    CHANNEL_SHARES,
    CHANNELS,
    CHAT,
    CONTACT_TYPE_NAMES,
    CSAT_OFFSET,
    EFFORT,
    EMAIL,
    ESCALATION_OFFSET,
    EVENT,
    EVENT_TYPES,
    FAILURE_OFFSET,
    FAMILY_OF,
    IS_HARD,
    ORIGINS,
    PHONE,
    SEVERITIES,
    SEVERITY_SHARES,
    SHARES,
    TIER_EFFORT,
    TIERS,
)
from orchestration.sample.frames import (
    DAY,
    HOUR,
    LOADER_GRID,
    NULL,
    Frame,
    booleans,
    coded,
    identifiers,
    integers,
    loaded_after,
    logistic,
    on_grid,
    stack,
    take,
    times,
)
from orchestration.sample.workforce import Slots
from orchestration.sample.world import BOTS, NEVER, Latent, World

WEEK = 7 * DAY
# Room for one agent's or pool's instants in a combined sort key.
SPAN = 1 << 34
SECONDS_PER_TOUCH = 500.0
KEPT, SPAM, MERGED, LINKED, DELETED, REVIVED = range(6)
DIRECT_TIER = (0.745, 0.175, 0.08)
REOPEN_LOGIT = -1.72
REPEAT_LOGIT = -2.58


@dataclass(frozen=True)
class Desk:
    """Working time, searchable by pool and by agent.

    A pool is one team's tier (the third tier is one pool for the company), once for easy and once
    for hard contact types, so that a few people can be given nearly only hard ones.
    """

    pool_key: np.ndarray
    pool_weight: np.ndarray
    pool_slot: np.ndarray
    pool_end: np.ndarray
    pool_daily: np.ndarray
    own_key: np.ndarray
    slots: Slots
    origin: int

    def next_in_pool(
        self, rng: np.random.Generator, pool: np.ndarray, at: np.ndarray, reach: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """An agent and an instant for each ticket: a slot among those coming next in its pool.

        `reach` is how far to look, in working days of the pool. The agent is -1 and the instant
        far away where the pool has no working time left.
        """
        first = np.searchsorted(self.pool_key, pool * SPAN + (at - self.origin) - 300)
        count = np.maximum(3, (self.pool_daily[pool] * reach).astype(np.int64))
        end = np.minimum(first + count, self.pool_end[pool])
        valid = end > first
        end = np.where(valid, end, first)
        low, high = self.pool_weight[first], self.pool_weight[end]
        wanted = low + rng.random(len(pool)) * (high - low)
        chosen = np.clip(np.searchsorted(self.pool_weight, wanted, "right") - 1, first, end - 1)
        slot = self.pool_slot[np.minimum(chosen, len(self.pool_slot) - 1)]
        return self._place(rng, slot, at, valid)

    def next_of_agent(
        self, rng: np.random.Generator, agent: np.ndarray, at: np.ndarray
    ) -> np.ndarray:
        """The instant the agent is next at work at or after `at`; far away where never again."""
        key = np.maximum(agent, 0) * SPAN + (at - self.origin) - 300
        slot = np.minimum(np.searchsorted(self.own_key, key), len(self.own_key) - 1)
        valid = (self.slots.agent[slot] == agent) & (agent >= 0)
        return self._place(rng, slot, at, valid)[1]

    def _place(
        self, rng: np.random.Generator, slot: np.ndarray, at: np.ndarray, valid: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        inside = (rng.random(len(slot)) * self.slots.length[slot]).astype(np.int64)
        when = self.slots.start[slot] + inside
        when = np.where(when <= at + 10, at + 11 + inside % 50, when)
        far = np.int64(self.origin + NEVER * HOUR)
        return np.where(valid, self.slots.agent[slot], -1), np.where(valid, when, far)


def build_desk(world: World, latent: Latent, slots: Slots) -> Desk:
    """Order the slots by pool and by agent; faster agents are offered more."""
    rng = world.rng("desk")
    team = world.team[slots.agent, slots.day]
    tier = world.tier[slots.agent, slots.day]
    origin = int(slots.start.min()) - DAY
    pool = np.where(tier == 2, 2 * 2 * world.teams, (team * 2 + tier) * 2)
    weight = slots.length * latent.speed[slots.agent, slots.day] ** -0.8
    # Queues are never even: some days an agent gets more of the offers.
    daily = rng.lognormal(0, 0.15, latent.speed.shape)
    weight = weight * daily[slots.agent, slots.day]
    trapped = world.groups.case_mix_trap[slots.agent]
    weights = np.concatenate(
        [np.where(trapped, 0.1, 1.0) * weight, np.where(trapped, 3.2, 1.0) * weight]
    )
    pools = np.concatenate([pool, pool + 1])
    starts = np.concatenate([slots.start, slots.start])
    key = pools * SPAN + (starts - origin)
    order = np.argsort(key, kind="stable")
    count = 2 * 2 * world.teams + 2
    sizes = np.bincount(pools, minlength=count)
    own = slots.agent * SPAN + (slots.start - origin)
    return Desk(
        pool_key=key[order],
        pool_weight=np.concatenate([[0.0], np.cumsum(weights[order])]),
        pool_slot=np.concatenate([np.arange(len(pool)), np.arange(len(pool))])[order],
        pool_end=np.cumsum(sizes),
        pool_daily=sizes / world.clock.days,
        own_key=own,
        slots=slots,
        origin=origin,
    )


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
    desk = build_desk(world, latent, slots)
    journal = Journal()
    rng = world.rng("tickets")
    waves: list[Tickets] = []
    outcomes: list[Outcome] = []
    planted: dict[str, int] = {}
    # Repeats take a good tenth; what they leave over is filled with tickets nobody came back for.
    wave = _roots(world, rng, slots, int(tickets * 0.91))
    made = 0
    while len(wave):
        numbers_ = made + np.arange(len(wave))
        outcome = _run_wave(world, latent, desk, rng, wave, numbers_, journal)
        waves.append(wave)
        outcomes.append(outcome)
        made += len(wave)
        wave, exact = _repeats(world, latent, rng, wave, outcome, tickets - made)
        if exact and not planted:
            planted = {"repeat_at_seven_days": 1, "repeat_a_second_later": 1}
    if made < tickets:
        wave = _roots(world, rng, slots, tickets - made)
        numbers_ = made + np.arange(len(wave))
        outcomes.append(_run_wave(world, latent, desk, rng, wave, numbers_, journal))
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
    hour = np.where(
        live, rng.normal(13.2, 2.7, len(cell)), rng.normal(14.0, 4.6, len(cell))
    )
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


def _run_wave(
    world: World,
    latent: Latent,
    desk: Desk,
    rng: np.random.Generator,
    wave: Tickets,
    number: np.ndarray,
    journal: Journal,
) -> Outcome:
    """Hand out, touch, escalate, solve, reopen, close; returns the outcomes of the wave."""
    count = len(wave)
    far = np.full(count, np.int64(desk.origin + NEVER * HOUR))
    draw = rng.random((8, count))
    tier = rng.choice(3, size=count, p=DIRECT_TIER)
    human = ~wave.by_bot
    live = np.isin(wave.channel, (PHONE, CHAT))
    reach = np.where(live, 0.2, 1.0)

    def pool_of(rows: np.ndarray, level: np.ndarray) -> np.ndarray:
        base = np.where(level == 2, 4 * world.teams, (wave.team[rows] * 2 + level) * 2)
        return base + IS_HARD[wave.kind[rows]]

    agent, at = np.full(count, -1), far.copy()
    rows = np.flatnonzero(human)
    agent[rows], at[rows] = desk.next_in_pool(
        rng, pool_of(rows, tier[rows]), wave.created[rows], reach[rows]
    )
    active = agent >= 0
    routed = wave.created + 1 + ((at - wave.created - 2) * draw[0] * 0.8).astype(np.int64)
    bounced = active & (draw[1] < 0.005)
    journal.event("assigned", number[bounced], wave.created[bounced])
    journal.event("assigned", number[active], routed[active], after=agent[active])

    def touch(rows: np.ndarray, level: np.ndarray) -> None:
        """One piece of work by the current agent; moves `at` to its end."""
        who, when = agent[rows], at[rows]
        day = world.clock.day_index(when)
        seconds = (
            SECONDS_PER_TOUCH
            * EFFORT[wave.kind[rows]]
            * CHANNEL_EFFORT[wave.channel[rows]]
            * TIER_EFFORT[level]
            * latent.speed[who, day]
            * rng.lognormal(-0.1, 0.45, len(rows))
        )
        seconds = np.clip(seconds, 25, 9_000).astype(np.int64)
        journal.interaction(number[rows], who, wave.channel[rows], when, seconds)
        at[rows] = when + seconds
        journal.event("replied", number[rows], at[rows], actor=who)

    def hand_over(rows: np.ndarray, level: np.ndarray) -> None:
        """Somebody else of the pool takes over: the agent will not be at work for days."""
        before = agent[rows]
        moved = at[rows]
        agent[rows], at[rows] = desk.next_in_pool(rng, pool_of(rows, level), moved, reach[rows])
        done = agent[rows] >= 0
        journal.event(
            "assigned", number[rows[done]], moved[done], before=before[done], after=agent[rows][done]
        )

    def wait(rows: np.ndarray, customer_writes: bool) -> np.ndarray:
        """Let the customer answer, then bring the agent back; returns rows still being worked."""
        pause = np.where(live[rows], 1_500.0, 4.0 * HOUR) * rng.lognormal(0, 0.7, len(rows))
        at[rows] += pause.astype(np.int64) + 60
        if customer_writes:
            journal.event("customer_replied", number[rows], at[rows])
        back = desk.next_of_agent(rng, agent[rows], at[rows])
        absent = back - at[rows] > 4 * DAY
        at[rows] = np.where(absent, at[rows], back)
        gone = rows[absent]
        if len(gone):
            hand_over(gone, tier[gone])
        return rows[agent[rows] >= 0]

    rows = np.flatnonzero(active)
    touch(rows, tier[rows])
    relabel = rows[draw[2][rows] < 0.03]
    _relabel(rng, wave, number, agent, at, relabel, journal)
    touches = np.minimum(rng.poisson(0.34 * EFFORT[wave.kind] * np.where(live, 0.7, 1.3)), 3)
    for step in range(1, 4):
        rows = wait(np.flatnonzero((agent >= 0) & (touches >= step)), customer_writes=True)
        touch(rows, tier[rows])

    rows = np.flatnonzero((agent >= 0) & (tier < 2))
    level = latent.escalation[agent[rows], world.clock.day_index(at[rows])]
    chance = logistic(level + ESCALATION_OFFSET[wave.kind[rows]] - 0.6 * (tier[rows] == 1))
    rows = rows[rng.random(len(rows)) < chance]
    at[rows] += 60
    holder, since = agent[rows], at[rows]
    journal.event(
        "escalated",
        number[rows],
        since,
        actor=holder,
        before=_tier_code(world, tier[rows]),
        after=_tier_code(world, tier[rows] + 1),
    )
    tier[rows] += 1
    agent[rows], at[rows] = desk.next_in_pool(rng, pool_of(rows, tier[rows]), since, reach[rows])
    taken = rows[agent[rows] >= 0]
    journal.event(
        "assigned",
        number[taken],
        since[agent[rows] >= 0],
        actor=holder[agent[rows] >= 0],
        before=holder[agent[rows] >= 0],
        after=agent[taken],
    )
    touch(taken, tier[taken])
    again = taken[rng.random(len(taken)) < 0.3]
    again = wait(again, customer_writes=True)
    touch(again, tier[again])

    left_open = (agent >= 0) & (draw[3] < 0.01)
    unsolved = (agent >= 0) & (draw[3] >= 0.01) & (draw[3] < 0.016)
    solved = (agent >= 0) & ~left_open & ~unsolved
    first_solve = np.where(solved, at + 20 + (draw[4] * 600).astype(np.int64), NULL)
    solver = np.where(solved, agent, -1)
    actor = np.where(draw[5] < 0.01, -1, np.where(draw[5] < 0.015, world.agents, agent))
    journal.event("solved", number[solved], first_solve[solved], actor=actor[solved])
    # Whoever leaves hands the old tickets on; the credit must stay with the solver.
    moved = np.flatnonzero(solved & (draw[6] < 0.003))
    journal.event(
        "assigned",
        number[moved],
        first_solve[moved] + DAY,
        after=rng.integers(0, world.agents, len(moved)),
    )
    closing = np.where(solved, first_solve + 5 * DAY, NULL)
    closing[unsolved] = at[unsolved] + 14 * DAY

    level = latent.failure[np.maximum(agent, 0), world.clock.day_index(at)]
    chance = logistic(REOPEN_LOGIT + level + 0.8 * FAILURE_OFFSET[wave.kind])
    reopened = solved & (rng.random(count) < chance)
    rows = np.flatnonzero(reopened)
    gap = (rng.random(len(rows)) ** 1.5 * 6.8 * DAY).astype(np.int64) + 300
    gap += np.where(rng.random(len(rows)) < 0.08, WEEK, 0)
    reopen_at = first_solve[rows] + gap
    at[rows] = reopen_at
    journal.event("customer_replied", number[rows], reopen_at)
    journal.event("reopened", number[rows], reopen_at)
    late = rows[gap > 5 * DAY]
    journal.event("closed", number[late], closing[late])
    closing[rows] = NULL
    final_solve, final_solver = first_solve.copy(), solver.copy()
    final_solve[rows], final_solver[rows] = NULL, -1
    stuck = reopened & (draw[7] < 0.02)
    rows = np.flatnonzero(reopened & ~stuck)
    other = rng.random(len(rows)) < 0.2
    hand_over(rows[other], tier[rows[other]])
    at[rows[~other]] -= 60
    rows = np.concatenate([rows[other], wait(rows[~other], customer_writes=False)])
    rows = np.sort(rows[agent[rows] >= 0])
    touch(rows, tier[rows])
    final_solve[rows] = at[rows] + 30 + (draw[4][rows] * 600).astype(np.int64)
    final_solver[rows] = agent[rows]
    journal.event("solved", number[rows], final_solve[rows], actor=agent[rows])
    closing[rows] = final_solve[rows] + 5 * DAY

    rows = np.flatnonzero(wave.by_bot)
    bot = world.agents + rows % len(BOTS)
    journal.event("assigned", number[rows], wave.created[rows] + 2, after=bot)
    journal.event("replied", number[rows], wave.created[rows] + 20, actor=bot)
    bot_solve = wave.created[rows] + 600 + (draw[4][rows] * 3_000).astype(np.int64)
    journal.event("solved", number[rows], bot_solve, actor=bot)
    first_solve[rows] = final_solve[rows] = bot_solve
    closing[rows] = bot_solve + 5 * DAY
    rows = np.flatnonzero(closing != NULL)
    journal.event("closed", number[rows], closing[rows])
    return Outcome(
        solver, first_solve, final_solver, final_solve, reopened, stuck | left_open, unsolved
    )


def _vocabulary(world: World) -> tuple[str, ...]:
    """What from_value and to_value can hold: people first, so that their codes are the same."""
    return (*world.people, *TIERS, *SEVERITIES, *ALL_CONTACT_TYPES)


def _tier_code(world: World, tier: np.ndarray) -> np.ndarray:
    return len(world.people) + tier


def _relabel(
    rng: np.random.Generator,
    wave: Tickets,
    number: np.ndarray,
    agent: np.ndarray,
    at: np.ndarray,
    rows: np.ndarray,
    journal: Journal,
) -> None:
    """Change severity (half of them down) and contact type of some tickets by the first agent.

    Values are recorded as negative placeholders and resolved with the vocabulary later.
    """
    new = np.clip(wave.severity[rows] + rng.choice((-1, 1), len(rows)), 0, 3)
    changed = new != wave.severity[rows]
    picked = rows[changed]
    journal.event(
        "severity_changed",
        number[picked],
        at[picked] - 15,
        actor=agent[picked],
        before=_PLACE_SEVERITY - wave.severity[picked],
        after=_PLACE_SEVERITY - new[changed],
    )
    kinds = rows[rng.random(len(rows)) < 0.8]
    to = (wave.kind[kinds] + rng.integers(1, len(SHARES), len(kinds))) % len(SHARES)
    journal.event(
        "contact_type_changed",
        number[kinds],
        at[kinds] - 10,
        actor=agent[kinds],
        before=_PLACE_KIND - wave.kind[kinds],
        after=_PLACE_KIND - to,
    )


_PLACE_SEVERITY = -100
_PLACE_KIND = -200


def _resolve(world: World, values: np.ndarray) -> np.ndarray:
    """Placeholders of severities and contact types as positions in the vocabulary."""
    severity = len(world.people) + len(TIERS)
    kind = severity + len(SEVERITIES)
    result = np.where(values <= _PLACE_KIND, kind + _PLACE_KIND - values, values)
    is_severity = (values <= _PLACE_SEVERITY) & (values > _PLACE_KIND)
    return np.where(is_severity, severity + _PLACE_SEVERITY - values, result)


@dataclass(frozen=True)
class ServiceFrames:
    """The frames of the ticketing tables and the counts of what was planted in them."""

    tickets: Frame
    events: Frame
    interactions: Frame
    dispositions: dict[str, int]
    features: dict[str, int]
    implausible: int


def service_frames(world: World, service: Service) -> ServiceFrames:
    """tickets, ticket_events and interactions, with replaced actors and later versions."""
    rng = world.rng("service frames")
    count = len(service.tickets)
    replaced = _replaced_actors(world, rng, service)
    bare = np.zeros(count, dtype=bool)
    bare[rng.choice(count, size=max(2, count // 1_000), replace=False)] = True
    bare &= replaced < 0
    tickets, dispositions, features = _ticket_frame(world, rng, service)
    events = _event_frame(world, rng, service, replaced, bare)
    interactions, odd = _interaction_frame(world, rng, service, replaced, bare)
    names = {world.agents + len(BOTS) + k for k in range(3)}
    features |= service.planted
    features |= {
        "tickets_of_unknown_agents": int(np.isin(replaced, list(names)).sum()),
        "tickets_worked_after_leaving": int(
            ((replaced >= 0) & (replaced < world.agents)).sum()
        ),
        "tickets_without_events": int(bare.sum()),
        "reopened_still_open": int((service.outcome.is_reopened & service.outcome.is_left_open).sum()),
        "closed_never_solved": int(service.outcome.is_closed_unsolved.sum()),
        "solved_by_bot": int(service.tickets.by_bot.sum()),
    }
    return ServiceFrames(tickets, events, interactions, dispositions, features, odd)


def _replaced_actors(world: World, rng: np.random.Generator, service: Service) -> np.ndarray:
    """Per ticket the person whose id stands for every human on it, -1 for most.

    Some are people the roster does not know, a few are somebody who had already left.
    """
    count = len(service.tickets)
    result = np.full(count, -1)
    human = np.flatnonzero(~service.tickets.by_bot)
    unknown = rng.choice(human, size=max(3, count // 400), replace=False)
    result[unknown] = world.agents + len(BOTS) + rng.integers(0, 3, len(unknown))
    leaver = int(np.flatnonzero(world.groups.leaver)[0])
    gone_at = (world.clock.first_day + world.left[leaver] + 2) * DAY
    later = human[service.tickets.created[human] > gone_at]
    result[later[:3]] = leaver
    return result


def _ticket_frame(
    world: World, rng: np.random.Generator, service: Service
) -> tuple[Frame, dict[str, int], dict[str, int]]:
    """First versions, and later ones that mark spam, merge, link a customer, delete, undelete."""
    tickets = service.tickets
    count = len(tickets)
    kind = tickets.kind.copy()
    kind[rng.choice(count, size=4, replace=False)] = len(CONTACT_TYPE_NAMES)
    origin = rng.choice(3, size=count, p=(0.965, 0.02, 0.015))
    is_test = rng.random(count) < 0.002
    before = _previous_of_customer(tickets)
    fate = _draw_fates(rng, before)
    no_customer = (rng.random(count) < 0.02) & (fate != LINKED)
    customer = np.where(no_customer | (fate == LINKED), -1, tickets.customer)
    loaded = np.minimum(loaded_after(rng, tickets.created, 10, 0.004), world.clock.cutoff)
    base: Frame = {
        "ticket_id": identifiers("T", np.arange(1, count + 1), 7),
        "created_at": times(tickets.created),
        "channel": coded(tickets.channel, CHANNELS),
        "contact_type": coded(kind, ALL_CONTACT_TYPES),
        "severity": coded(tickets.severity, SEVERITIES),
        "customer_id": identifiers("C", customer, 6),
        "origin": coded(origin, ORIGINS),
        "is_spam": booleans(np.zeros(count)),
        "is_test": booleans(is_test),
        "merged_into_ticket_id": identifiers("T", np.full(count, -1), 7),
        "_loaded_at": times(loaded),
        "_deleted": booleans(np.zeros(count)),
    }
    changed = np.flatnonzero(fate != KEPT)
    became = fate[changed]
    delay = on_grid(rng.exponential(8 * HOUR, len(changed)).astype(np.int64))
    stamp = loaded[changed] + LOADER_GRID + delay
    second = take(base, changed)
    second["customer_id"] = identifiers(
        "C", np.where(no_customer[changed], -1, tickets.customer[changed]), 6
    )
    second["is_spam"] = booleans(became == SPAM)
    second["merged_into_ticket_id"] = identifiers(
        "T", np.where(became == MERGED, before[changed] + 1, -1), 7
    )
    second["_deleted"] = booleans(np.isin(became, (DELETED, REVIVED)))
    second["_loaded_at"] = times(stamp)
    back = became == REVIVED
    third = take(base, changed[back])
    third["_loaded_at"] = times(stamp[back] + 6 * HOUR)
    frame = stack([base, second, third])
    # Changes that have not arrived by the end of the data have not happened yet.
    arrived = np.full(count, KEPT)
    known = stamp <= world.clock.cutoff
    arrived[changed[known]] = became[known]
    undeleted = changed[back][stamp[back] + 6 * HOUR <= world.clock.cutoff]
    gone = np.isin(arrived, (DELETED, REVIVED))
    gone[undeleted] = False
    # The first reason counts: deleted, spam, test, merged, not a customer's.
    reason = np.select(
        [gone, arrived == SPAM, is_test, arrived == MERGED, origin != 0],
        ["deleted", "spam", "test", "merged", "not_customer"],
        "",
    )
    dispositions = {
        "deleted" if name == "deleted" else f"out_of_scope:{name}": int((reason == name).sum())
        for name in ("deleted", "spam", "test", "merged", "not_customer")
    }
    into = before[arrived == MERGED]
    features = {
        "tickets_without_customer": int(no_customer.sum()),
        "tickets_of_an_unlisted_contact_type": 4,
        "tickets_undeleted": len(undeleted),
        "merge_chains": int((arrived[into] == MERGED).sum()),
    }
    return frame, dispositions, features


def _draw_fates(rng: np.random.Generator, before: np.ndarray) -> np.ndarray:
    """What happens to each ticket's record later; every fate falls on two tickets at least.

    `before` is the customer's ticket before, which a merged one is merged into: always an older
    one, so there is no cycle, and one chain of two merges is certain.
    """
    count = len(before)
    shares = np.array([0.006, 0.012, 0.012, 0.0012, 0.0005])
    codes = np.arange(1, len(shares) + 1)
    fate = rng.choice(len(shares) + 1, size=count, p=[1 - shares.sum(), *shares])
    early = rng.choice(count // 2, size=2 * len(codes), replace=False)
    fate[early] = np.repeat(codes, 2)
    fate[(fate == MERGED) & (before < 0)] = KEPT
    # In the first half of the data, so that all of it has been loaded by the end.
    middle = np.flatnonzero((before >= 0) & (before[np.maximum(before, 0)] >= 0))
    chained = middle[middle < max(count // 2, middle[0] + 1)][-1]
    fate[[chained, before[chained]]] = MERGED
    return fate


def _previous_of_customer(tickets: Tickets) -> np.ndarray:
    """For each ticket the customer's ticket before it, -1 where there is none."""
    order = np.lexsort((tickets.created, tickets.customer))
    same = np.zeros(len(order), dtype=bool)
    same[1:] = tickets.customer[order[1:]] == tickets.customer[order[:-1]]
    result = np.full(len(order), -1)
    result[order[1:]] = np.where(same[1:], order[:-1], -1)
    return result


def _event_frame(
    world: World,
    rng: np.random.Generator,
    service: Service,
    replaced: np.ndarray,
    bare: np.ndarray,
) -> Frame:
    """ticket_events numbered by (occurred_at, order of the types at one instant)."""
    ticket, at, kind, actor, before, after = service.events
    before, after = _resolve(world, before), _resolve(world, after)
    stand_in = replaced[ticket]
    swapped = stand_in >= 0

    def person(values: np.ndarray) -> np.ndarray:
        return np.where(swapped & (values >= 0) & (values < world.agents), stand_in, values)

    keep = np.flatnonzero((at <= world.clock.cutoff) & ~bare[ticket])
    keep = keep[np.lexsort((kind[keep], at[keep]))]
    ticket, at, kind = ticket[keep], at[keep], kind[keep]
    actor, before, after = (person(values)[keep] for values in (actor, before, after))
    return {
        "event_id": identifiers("E", np.arange(1, len(keep) + 1), 8),
        "ticket_id": identifiers("T", ticket + 1, 7),
        "occurred_at": times(at),
        "event_type": coded(kind, EVENT_TYPES),
        "agent_id": coded(actor, world.people),
        "from_value": coded(before, _vocabulary(world)),
        "to_value": coded(after, _vocabulary(world)),
        "_loaded_at": times(loaded_after(rng, at, 12, 0.006)),
        "_deleted": booleans(np.zeros(len(keep))),
    }


def _interaction_frame(
    world: World,
    rng: np.random.Generator,
    service: Service,
    replaced: np.ndarray,
    bare: np.ndarray,
) -> tuple[Frame, int]:
    """interactions, a few with durations nobody can believe."""
    ticket, agent, channel, start, seconds = service.interactions
    keep = np.flatnonzero((start + seconds <= world.clock.cutoff) & ~bare[ticket])
    keep = keep[np.argsort(start[keep], kind="stable")]
    ticket, agent, channel, start, seconds = (
        column[keep] for column in (ticket, agent, channel, start, seconds)
    )
    count = len(keep)
    agent = np.where(replaced[ticket] >= 0, replaced[ticket], agent)
    live = np.isin(channel, (PHONE, CHAT))
    hold = np.where(live, seconds * rng.uniform(0, 0.2, count), 0).astype(np.int64)
    wrap = (seconds * rng.uniform(0.08, 0.25, count)).astype(np.int64)
    talk = seconds - hold - wrap
    end = start + np.where(live, seconds, (seconds * rng.uniform(1, 1.6, count)).astype(np.int64))
    end = np.minimum(end, np.maximum(start + seconds, world.clock.cutoff - 60))
    odd = rng.choice(count, size=max(4, count // 2_000), replace=False)
    zero, negative, backwards, endless = (odd[k::4] for k in range(4))
    for values in (talk, hold, wrap):
        values[zero] = 0
    talk[negative] = -talk[negative] - 400
    end[backwards] = start[backwards] - 60
    talk[endless] = 90_000
    frame: Frame = {
        "interaction_id": identifiers("I", np.arange(1, count + 1), 8),
        "ticket_id": identifiers("T", ticket + 1, 7),
        "agent_id": coded(agent, world.people),
        "channel": coded(channel, CHANNELS),
        "started_at": times(start),
        "ended_at": times(end),
        "talk_seconds": integers(talk),
        "hold_seconds": integers(hold),
        "wrap_seconds": integers(wrap),
        "_loaded_at": times(loaded_after(rng, np.maximum(start, end), 12, 0.006)),
        "_deleted": booleans(np.zeros(count)),
    }
    return frame, len(odd)


def survey_frame(
    world: World, latent: Latent, service: Service
) -> tuple[Frame, dict[str, int]]:
    """surveys: sent after a quarter of the solves, answered by a good two in five.

    E-mail asks on a scale of 1 to 10, the phone system sends no scale, the others 1 to 5. Versions:
    as sent, as answered, for some as changed; one change has its answer's stamp and a sequence.
    """
    rng = world.rng("surveys")
    tickets, outcome = service.tickets, service.outcome
    human = np.flatnonzero((outcome.first_solve != NULL) & (outcome.first_solver >= 0))
    rows = human[rng.random(len(human)) < 0.25]
    solver, solve = outcome.first_solver[rows], outcome.first_solve[rows]
    sent = solve + rng.integers(600, 2 * HOUR, len(rows))
    inside = sent < world.clock.cutoff - HOUR
    rows, solver, sent = rows[inside], solver[inside], sent[inside]
    order = np.argsort(sent, kind="stable")
    rows, solver, sent = rows[order], solver[order], sent[order]
    count = len(rows)
    level = latent.satisfaction[solver, world.clock.day_index(sent)]
    level = level + CSAT_OFFSET[tickets.kind[rows]] - 0.35 * outcome.is_reopened[rows]
    positive = rng.random(count) < logistic(level)
    grade = rng.random(count)
    score = np.where(
        positive, np.where(grade < 0.66, 5, 4), np.where(grade < 0.45, 3, np.where(grade < 0.7, 2, 1))
    )
    ten = tickets.channel[rows] == EMAIL
    score = np.where(ten, np.where(positive, 8 + (grade * 3).astype(int), 1 + (grade * 7).astype(int)), score)
    unscaled = tickets.channel[rows] == PHONE
    answered = rng.random(count) < 0.45
    responded = sent + 120 + rng.exponential(11 * HOUR, count).astype(np.int64)
    answered &= responded < world.clock.cutoff - HOUR
    nobody = np.full(count, NULL)
    first: Frame = {
        "survey_id": identifiers("V", np.arange(1, count + 1), 7),
        "ticket_id": identifiers("T", rows + 1, 7),
        "agent_id": coded(np.where(rng.random(count) < 0.1, -1, solver), world.people),
        "sent_at": times(sent),
        "responded_at": times(nobody),
        "score": integers(nobody),
        "scale_min": integers(np.where(unscaled, NULL, 1)),
        "scale_max": integers(np.where(unscaled, NULL, np.where(ten, 10, 5))),
        "_loaded_at": times(loaded_after(rng, sent, 15, 0.0)),
        "_deleted": booleans(np.zeros(count)),
        "_sequence": integers(nobody),
    }
    replies = np.flatnonzero(answered)
    second = take(first, replies)
    second["responded_at"] = times(responded[replies])
    second["score"] = integers(score[replies])
    stamp = np.maximum(
        loaded_after(rng, responded[replies], 40, 0.02), first["_loaded_at"].values[replies] + 900
    )
    second["_loaded_at"] = times(stamp)
    chosen = np.unique(np.append(np.flatnonzero(rng.random(len(replies)) < 0.012), [0, 1]))
    third = take(second, chosen)
    third["score"] = integers(np.where(third["score"].values > 2, 1, 4))
    third["_loaded_at"] = times(stamp[chosen] + 3 * HOUR)
    # The very first change came in the same load as the answer: only the sequence orders them.
    third["_loaded_at"].values[0] = stamp[chosen[0]]
    third["_sequence"] = integers(np.where(np.arange(len(chosen)) == 0, 2, NULL))
    second["_sequence"].values[chosen[0]] = 1
    changed = int((third["_loaded_at"].values <= world.clock.cutoff).sum())
    features = {"ratings_changed": changed, "versions_told_apart_by_sequence": 1}
    return stack([first, second, third]), features


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

