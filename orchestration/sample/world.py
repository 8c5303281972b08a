"""Calendar, teams and people of the sample, and the hidden truth about each person.

Here: who works where and when, how good each person really is on each day, the people tables.
Not here: what they did (workforce, tickets, quality, development). The truth is an input to
everything drawn, never an estimate from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import NormalDist

import numpy as np
import pandas as pd

from orchestration.sample.catalogue import (
    LAST_LOADED_AT,
    LAST_MONTH_END,
    SUB_DIMENSIONS,
    TIERS,
    TIMEZONES,
)
from orchestration.sample.expected import (
    escalated_rate,
    expected_overall,
    first_contact_rate,
    positive_rate,
    repeat_rate,
    scorecard_of,
)
from orchestration.sample.frames import (
    DAY,
    HOUR,
    NULL,
    Frame,
    booleans,
    coded,
    dates,
    logistic,
    stack,
    stream,
    take,
    texts,
    times,
)

EPOCH = date(1970, 1, 1)
NEVER = 1_000_000
# Schedules are known two weeks past the end of the data.
HORIZON_DAYS = 14
TREND_MONTHS = 6
# What a strong decliner loses each month, in points of the expected overall score.
FALL_PER_MONTH = 4.0
AGENTS_PER_TEAM = 12
UNKNOWN_PEOPLE = ("Z001", "Z002", "Z003")
BOTS = ("B001", "B002")


@dataclass(frozen=True)
class Clock:
    """The calendar. Day d is the local date `first_day + d`, whatever the zone.

    `days` local dates carry data, `horizon` adds those already scheduled. `month_of_day` has
    shape (horizon,); `midnight` (zones, horizon + 1) is each local midnight in UTC seconds.
    """

    first_day: int
    days: int
    horizon: int
    cutoff: int
    month_starts: tuple[date, ...]
    month_of_day: np.ndarray
    weekday: np.ndarray
    midnight: np.ndarray

    @property
    def start(self) -> int:
        """First instant of the first local date in the westernmost zone's terms, UTC seconds."""
        return self.first_day * DAY

    def day_index(self, seconds: np.ndarray) -> np.ndarray:
        """Index of the UTC day, clipped to the calendar; good enough to look up slow trends."""
        return np.clip(np.asarray(seconds) // DAY - self.first_day, 0, self.horizon - 1)

    def local_day(self, zone: np.ndarray, seconds: np.ndarray) -> np.ndarray:
        """Index of the local date of each instant in its zone (positions in TIMEZONES)."""
        result = np.empty(len(seconds), dtype=np.int64)
        for position in range(len(TIMEZONES)):
            rows = zone == position
            result[rows] = np.searchsorted(self.midnight[position], seconds[rows], "right") - 1
        return result


def build_clock(months: int) -> Clock:
    """The calendar of the given number of full months, all ending with October 2026."""
    first = _add_months(LAST_MONTH_END, -months)
    cutoff = int(LAST_LOADED_AT.timestamp())
    first_day = (first - EPOCH).days
    # One more local date than the UTC date of the cutoff: it has begun in Sydney.
    days = cutoff // DAY - first_day + 2
    horizon = days + HORIZON_DAYS
    all_dates = [first + timedelta(days=k) for k in range(horizon)]
    midnight = np.stack(
        [
            pd.date_range(first, periods=horizon + 1, freq="D")
            .tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
            .tz_convert("UTC")
            .tz_localize(None)
            .to_numpy()
            .astype("datetime64[s]")
            .astype(np.int64)
            for zone in TIMEZONES
        ]
    )
    return Clock(
        first_day=first_day,
        days=days,
        horizon=horizon,
        cutoff=cutoff,
        month_starts=tuple(_add_months(first, k) for k in range(months + 1)),
        month_of_day=np.array(
            [(d.year - first.year) * 12 + d.month - first.month for d in all_dates]
        ),
        weekday=np.array([d.weekday() for d in all_dates]),
        midnight=midnight,
    )


def _add_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)


@dataclass(frozen=True)
class Groups:
    """Planted groups, each a boolean array of shape (agents,).

    The case-mix trap are able agents who get hard contacts alone, the easy mix weak ones who get
    easy contacts alone. Small samples work two days a week for customers who are seldom asked.
    """

    strong_decliner: np.ndarray
    exceptional: np.ndarray
    weak: np.ndarray
    case_mix_trap: np.ndarray
    easy_mix: np.ndarray
    careless: np.ndarray
    improver: np.ndarray
    mild_decliner: np.ndarray
    joiner: np.ndarray
    leaver: np.ndarray
    team_changer: np.ndarray
    mid_month_changer: np.ndarray
    promoted: np.ndarray
    returner: np.ndarray
    long_leave: np.ndarray
    part_time: np.ndarray
    small_sample: np.ndarray

    @property
    def unchanged(self) -> np.ndarray:
        """Agents whose ability moves by nothing planted but coaching."""
        return ~(self.strong_decliner | self.mild_decliner | self.improver | self.joiner)


@dataclass(frozen=True)
class Stint:
    """One row of agent_assignments; days are positions in the calendar, `until` exclusive."""

    agent: int
    since: int
    until: int
    team: int
    tier: int


@dataclass(frozen=True)
class World:
    """Everything known about the company before anybody works.

    `team` and `tier` have shape (agents, horizon), -1 where the agent has no assignment.
    """

    seed: int
    clock: Clock
    agents: int
    teams: int
    zone_of_team: np.ndarray
    overnight_team: int
    groups: Groups
    stints: tuple[Stint, ...]
    hired: np.ndarray
    left: np.ndarray
    team: np.ndarray
    tier: np.ndarray
    load: float
    agent_ids: tuple[str, ...] = field(default=())
    team_ids: tuple[str, ...] = field(default=())

    @property
    def people(self) -> tuple[str, ...]:
        """Vocabulary of whoever can act: agents, then bots, then ids not in the roster."""
        return (*self.agent_ids, *BOTS, *UNKNOWN_PEOPLE)

    @property
    def managers(self) -> tuple[str, ...]:
        return tuple(f"M{team + 1:02d}" for team in range(self.teams))

    def rng(self, name: str) -> np.random.Generator:
        return stream(self.seed, name)

    def zone(self, agent: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Position of the time zone the agent works in on that day (the last one known)."""
        return self.zone_of_team[np.maximum(self.team[agent, day], 0)]


def build_world(agents: int, months: int, tickets: int, seed: int) -> World:
    """Draw the company.

    Raises ValueError where a size is too small to plant every group.
    """
    for name, value, least in (
        ("agents", agents, 12),
        ("months", months, 2),
        ("tickets", tickets, 500),
    ):
        if value < least:
            raise ValueError(f"{name} is {value}: the sample needs at least {least}")
    if tickets > 9_000_000 or agents > 9_000:
        raise ValueError("the sample is made for up to 9,000 agents and 9,000,000 tickets")
    clock = build_clock(months)
    rng = stream(seed, "world")
    teams = max(2, round(agents / AGENTS_PER_TEAM))
    home = np.arange(agents) % teams
    seat = (np.arange(agents) // teams) % AGENTS_PER_TEAM
    tier = np.where(np.isin(seat, (1, 4, 8)), 1, np.where(seat == 5, 2, 0))
    groups = _choose_groups(rng, tier)
    full = (LAST_MONTH_END - EPOCH).days - clock.first_day
    hired = -rng.integers(60, 1_500, agents)
    hired[groups.joiner] = rng.integers(int(0.1 * full), int(0.7 * full), groups.joiner.sum())
    # One has just begun when the last full month ends: too new to be rated.
    hired[np.flatnonzero(groups.joiner)[-1]] = full - 20
    left = np.full(agents, NEVER)
    left[groups.leaver] = rng.integers(int(0.35 * full), int(0.9 * full), groups.leaver.sum())
    stints = _stints(rng, clock, groups, home, tier, hired, left, teams)
    team_on = np.full((agents, clock.horizon), -1)
    tier_on = np.full((agents, clock.horizon), -1)
    for stint in stints:
        covered = slice(max(stint.since, 0), max(min(stint.until, clock.horizon), 0))
        team_on[stint.agent, covered] = stint.team
        tier_on[stint.agent, covered] = stint.tier
    # 100 tickets per agent and month would fill 195 scheduled minutes a day.
    load = tickets / (agents * 0.88 * clock.days / 30.4) / 100
    return World(
        seed=seed,
        clock=clock,
        agents=agents,
        teams=teams,
        zone_of_team=np.arange(teams) % len(TIMEZONES),
        overnight_team=len(TIMEZONES) if teams > len(TIMEZONES) else 0,
        groups=groups,
        stints=stints,
        hired=hired,
        left=left,
        team=team_on,
        tier=tier_on,
        load=float(np.clip(load, 0.5, 2.0)),
        agent_ids=tuple(f"A{k + 1:03d}" for k in range(agents)),
        team_ids=tuple(f"TEAM{k + 1:02d}" for k in range(teams)),
    )


def _choose_groups(rng: np.random.Generator, tier: np.ndarray) -> Groups:
    """Disjoint groups; those whose scores are compared among peers come from the first tier."""
    agents = len(tier)
    first = list(rng.permutation(np.flatnonzero(tier == 0)))
    second = list(rng.permutation(np.flatnonzero(tier == 1)))
    third = list(rng.permutation(np.flatnonzero(tier == 2)))

    def members(pool: list[int], share: float, least: int) -> np.ndarray:
        mask = np.zeros(agents, dtype=bool)
        for _ in range(max(least, round(share * agents))):
            if pool:
                mask[pool.pop()] = True
        return mask

    chosen = {
        "strong_decliner": members(first, 0.085, 1),
        "exceptional": members(first, 0.035, 1),
        "case_mix_trap": members(first, 0.017, 1),
        "weak": members(first, 0.035, 1),
        "improver": members(first, 0.06, 1),
        "easy_mix": members(first, 0.017, 0),
        "careless": members(first, 0.017, 0),
        "small_sample": members(first, 0.1, 1),
    }
    rest = third + list(rng.permutation(first + second))
    chosen |= {
        "team_changer": members(rest, 0.05, 1),
        "joiner": members(rest, 0.08, 1),
        "leaver": members(rest, 0.08, 1),
        "mild_decliner": members(rest, 0.04, 0),
        "returner": members(rest, 0.008, 0),
        "long_leave": members(rest, 0.008, 0),
    }
    promotable = [agent for agent in rest if tier[agent] == 0]
    chosen["promoted"] = members(promotable, 0.017, 0)
    rest = [agent for agent in rest if not chosen["promoted"][agent]]
    chosen["part_time"] = members(rest, 0.1, 1)
    changers = np.flatnonzero(chosen["team_changer"])
    chosen["mid_month_changer"] = np.isin(np.arange(agents), changers[:1])
    return Groups(**chosen)


def _stints(
    rng: np.random.Generator,
    clock: Clock,
    groups: Groups,
    home: np.ndarray,
    tier: np.ndarray,
    hired: np.ndarray,
    left: np.ndarray,
    teams: int,
) -> tuple[Stint, ...]:
    """Assignments without overlap; changes fall on the first of a month, one in its middle."""
    firsts = [(day - clock.month_starts[0]).days for day in clock.month_starts]
    result = []
    for agent in range(len(home)):
        since, until = int(hired[agent]), int(left[agent])
        base = (agent, int(home[agent]), int(tier[agent]))
        change = firsts[int(rng.integers(1, len(firsts) - 1))]
        if groups.team_changer[agent]:
            change += 14 if groups.mid_month_changer[agent] else 0
            # Another zone where there is one, so that the change of calendar matters.
            target = (base[1] + (1 if teams > 1 else 0)) % teams
            result.append(Stint(agent, since, change, base[1], base[2]))
            result.append(Stint(agent, change, until, target, base[2]))
        elif groups.promoted[agent]:
            result.append(Stint(agent, since, change, base[1], 0))
            result.append(Stint(agent, change, until, base[1], 1))
        elif groups.returner[agent]:
            result.append(Stint(agent, since, change, base[1], base[2]))
            result.append(Stint(agent, change + 70, until, base[1], base[2]))
        else:
            result.append(Stint(agent, since, until, base[1], base[2]))
    return tuple(result)


@dataclass(frozen=True)
class Traits:
    """What a person is like before trends, shape (agents,) each; profile is (agents, 5)."""

    quality: np.ndarray
    quality_noise: np.ndarray
    critical: np.ndarray
    satisfaction: np.ndarray
    failure: np.ndarray
    escalation: np.ndarray
    speed: np.ndarray
    adherence: np.ndarray
    occupancy: np.ndarray
    on_time: np.ndarray
    articles: np.ndarray
    pace: np.ndarray
    profile: np.ndarray


def draw_traits(world: World) -> Traits:
    """Latent traits: one general ability and a part of its own for each.

    Normal scores are spread evenly and shuffled, so that twelve agents differ as clearly as 120.
    """
    rng = world.rng("traits")
    groups = world.groups
    scores = np.array([NormalDist().inv_cdf((k + 0.5) / world.agents) for k in range(world.agents)])
    general = rng.permutation(scores)

    def trait(shared: float) -> np.ndarray:
        return np.sqrt(shared) * general + np.sqrt(1 - shared) * rng.permutation(scores)

    quality, satisfaction, resolution = (_left_skewed(trait(0.6)) for _ in range(3))
    adherence = _left_skewed(trait(0.4))
    speed = trait(0.1)
    for mask, level, speed_level in (
        (groups.exceptional, 1.85, -0.9),
        (groups.weak, -2.0, 0.9),
        (groups.strong_decliner, 0.75, -0.4),
        (groups.mild_decliner, 0.3, 0.0),
        (groups.improver, -0.9, 0.2),
        (groups.case_mix_trap, 1.6, -0.2),
        (groups.easy_mix, -0.9, 0.2),
    ):
        wobble = rng.normal(0, 0.12, (4, mask.sum()))
        quality[mask] = level + wobble[0]
        satisfaction[mask] = level + wobble[1]
        resolution[mask] = level + wobble[2]
        adherence[mask] = np.clip(level, -1.2, 1.0) + wobble[3]
        speed[mask] = speed_level + wobble[3]
    # Customers of the weak are not the least content of all: those are chance's.
    satisfaction[groups.weak] += 0.4
    # The best of their team in two things at once: by far, or chance puts somebody above them.
    satisfaction[groups.exceptional] += 1.2
    # Able in all before they fall: what chance does to a small sample near a target would blur it.
    satisfaction[groups.strong_decliner] += 1.0
    resolution[groups.strong_decliner] += 1.0
    profile = rng.normal(0, 1.5, (world.agents, len(SUB_DIMENSIONS)))
    rows = np.arange(world.agents)
    weakest = rng.integers(0, len(SUB_DIMENSIONS), world.agents)
    profile[rows, weakest] -= 7
    profile[rows, (weakest + rng.integers(1, 5, world.agents)) % 5] += 4
    profile -= profile.mean(axis=1, keepdims=True)
    development = rng.normal(0, 1, (3, world.agents))
    # Errors are rare but with a careless few, and never what a decliner's fall is made of.
    critical = 0.014 * np.exp(-0.6 * quality)
    critical[groups.careless] = 0.22
    critical[groups.strong_decliner | groups.exceptional] = 0.002
    on_time = logistic(2.0 + 0.5 * development[0])
    on_time[groups.strong_decliner] = 0.99
    own_noise = np.clip(4.6 * np.exp(rng.normal(0, 0.18, world.agents)), 3, 8)
    own_noise[groups.strong_decliner | groups.exceptional] = 3.2
    return Traits(
        quality=np.clip(88.3 + 4.9 * quality, 58, 98),
        quality_noise=own_noise,
        critical=critical,
        satisfaction=2.28 + 0.45 * satisfaction,
        failure=-0.40 * resolution,
        escalation=-1.85 - 0.32 * resolution,
        speed=np.exp(0.20 * speed),
        adherence=np.clip(0.943 + 0.018 * adherence, 0.78, 0.985),
        occupancy=np.clip(0.72 + 0.04 * rng.permutation(scores), 0.55, 0.88),
        on_time=on_time,
        articles=1.25 * np.exp(0.35 * development[1]),
        pace=np.clip(0.92 + 0.3 * development[2], 0.4, 2.2),
        profile=profile,
    )


def _left_skewed(scores: np.ndarray) -> np.ndarray:
    """Unit normal scores bent so that a few are far below and most a little above the mean."""
    bend = 0.3
    spread = np.sqrt((np.exp(bend**2) - 1) * np.exp(bend**2))
    return (np.exp(bend**2 / 2) - np.exp(-bend * scores)) / spread


@dataclass(frozen=True)
class Effects:
    """What coaching adds to the latent levels, shape (agents, horizon) each."""

    quality: np.ndarray
    satisfaction: np.ndarray
    failure: np.ndarray
    adherence: np.ndarray


@dataclass(frozen=True)
class Latent:
    """The true level of every agent on every day, shape (agents, horizon) each.

    quality in points, critical as a probability, satisfaction, failure (reopens and repeats) and
    escalation on the logit scale, speed as a factor on handle time, adherence as a share.
    """

    quality: np.ndarray
    critical: np.ndarray
    satisfaction: np.ndarray
    failure: np.ndarray
    escalation: np.ndarray
    speed: np.ndarray
    adherence: np.ndarray


@dataclass(frozen=True)
class Fall:
    """A strong decliner's change per unit of depth, which is about four points of the score.

    Lost in the quality of work, with customers, in what is handed off, at the clock and in the
    order of the day alike.
    """

    quality: float = -3.1
    satisfaction: float = -0.13
    failure: float = 0.09
    escalation: float = 0.22
    speed: float = 0.025
    adherence: float = -0.02


FALL = Fall()


def build_latent(world: World, traits: Traits, effects: Effects) -> Latent:
    """Traits, trends, the learning of newcomers, month-to-month wobble and coaching together."""
    clock, groups = world.clock, world.groups
    rng = world.rng("latent")
    span = trend_span(clock)
    last_full = (LAST_MONTH_END - EPOCH).days - clock.first_day
    # Months into the trend, 0 before it begins, at most `span` at the end of October.
    progress = np.clip((np.arange(clock.horizon) - last_full) / 30.4 + span, 0, span)
    depth = _fall_depth(world, traits)
    # What is handed up is hard; without more experience everybody there would look poor.
    experience = np.array([0.0, 0.35, 0.5])[np.maximum(world.tier, 0)]
    ramp = np.exp(-np.maximum(np.arange(clock.horizon)[None, :] - world.hired[:, None], 0) / 30)
    ramp = ramp * groups.joiner[:, None]

    def trend(strong: float, mild: float, improving: float) -> np.ndarray:
        slope = mild * groups.mild_decliner + improving * groups.improver
        return strong * depth + slope[:, None] * progress[None, :]

    def wobble(sd: float) -> np.ndarray:
        by_month = rng.normal(0, sd, (world.agents, clock.month_of_day[-1] + 1))
        return by_month[:, clock.month_of_day]

    quality = traits.quality[:, None] + trend(FALL.quality, -0.9, 1.5) - 7 * ramp + wobble(0.9)
    satisfaction = traits.satisfaction[:, None] + experience + trend(FALL.satisfaction, -0.04, 0.1)
    failure = traits.failure[:, None] - 0.4 * experience + trend(FALL.failure, 0.03, -0.07)
    critical = traits.critical[:, None] + trend(0, 0.003, -0.003)
    adherence = traits.adherence[:, None] + trend(FALL.adherence, -0.002, 0.004)
    return Latent(
        quality=np.clip(quality + effects.quality, 40, 99),
        critical=np.clip(critical, 0.002, 0.3),
        satisfaction=satisfaction - 0.3 * ramp + wobble(0.08) + effects.satisfaction,
        failure=failure + 0.3 * ramp + wobble(0.05) + effects.failure,
        escalation=traits.escalation[:, None] + trend(FALL.escalation, 0, 0) + 0.3 * ramp,
        speed=traits.speed[:, None] * (1 + 0.25 * ramp) + trend(FALL.speed, 0, 0),
        adherence=np.clip(adherence + effects.adherence, 0.6, 0.99),
    )


def trend_span(clock: Clock) -> int:
    """Number of full months, the last ones of the data, over which people rise and fall."""
    return min(TREND_MONTHS, len(clock.month_starts) - 2)


def fall_months(clock: Clock) -> tuple[date, ...]:
    """First days of the months of the fall; the one before them is the level it starts from."""
    span = trend_span(clock)
    return clock.month_starts[len(clock.month_starts) - 1 - span : -1]


def _fall_depth(world: World, traits: Traits) -> np.ndarray:
    """How deep each strong decliner has fallen, shape (agents, horizon), 0 for everybody else.

    In each month of the fall the depth is such that the expected score lies FALL_PER_MONTH further
    below that of the same agent unfallen, under the scorecard then in force: attainment stops at
    floors and targets, so even steps of ability would give uneven steps of the score.
    """
    clock = world.clock
    who = np.flatnonzero(world.groups.strong_decliner)
    months = fall_months(clock)
    steps = np.zeros((len(who), len(months) + 1))
    for step, month in enumerate(months, start=1):
        card = scorecard_of(month)

        def score(depth: np.ndarray, card=card) -> np.ndarray:
            return expected_overall(_fallen_levels(traits, who, depth), card)

        wanted = score(np.zeros(len(who))) - FALL_PER_MONTH * step
        low, high = np.zeros(len(who)), np.full(len(who), 4.0 * len(months))
        for _ in range(22):
            middle = (low + high) / 2
            is_above = score(middle) > wanted
            low, high = np.where(is_above, middle, low), np.where(is_above, high, middle)
        steps[:, step] = high
    # Reached in the middle of the month; the last step goes on to the month's end and stays.
    length = 30.4
    last_full = (LAST_MONTH_END - EPOCH).days - clock.first_day
    days = last_full - length * (len(months) + 0.5 - np.arange(len(months) + 1))
    days = np.append(days, last_full)
    steps = np.append(steps, steps[:, -1:] + (steps[:, -1:] - steps[:, -2:-1]) / 2, axis=1)
    depth = np.zeros((world.agents, clock.horizon))
    for position, agent in enumerate(who):
        depth[agent] = np.interp(np.arange(clock.horizon), days, steps[position])
    return depth


def _fallen_levels(traits: Traits, who: np.ndarray, depth: np.ndarray) -> dict[str, np.ndarray]:
    """Levels of the agents at the depth (one each), named as in the truth tables."""
    failure = traits.failure[who] + FALL.failure * depth
    return {
        "true_quality": np.clip(traits.quality[who] + FALL.quality * depth, 40, 99),
        "true_quality_noise": quality_noise(traits)[who],
        "true_critical_error_rate": traits.critical[who],
        "true_speed": traits.speed[who] + FALL.speed * depth,
        "true_adherence": np.clip(traits.adherence[who] + FALL.adherence * depth, 0.6, 0.99),
        "true_satisfaction": positive_rate(traits.satisfaction[who] + FALL.satisfaction * depth),
        "true_first_contact": first_contact_rate(failure),
        "true_repeat_rate": repeat_rate(failure),
        "true_escalation_rate": escalated_rate(traits.escalation[who] + FALL.escalation * depth),
        "true_training_on_time": traits.on_time[who],
        "true_articles": traits.articles[who],
    }


def quality_noise(traits: Traits) -> np.ndarray:
    """Standard deviation of an agent's evaluation scores: their own, evaluators', criteria's."""
    return np.hypot(traits.quality_noise, 6.0)


def people_frames(world: World) -> dict[str, Frame]:
    """agents, agent_assignments and teams, with the later versions that closed or renamed them."""
    clock = world.clock
    rng = world.rng("people")
    before = (clock.first_day - 6) * DAY + 6 * HOUR
    first_day, count = clock.first_day, world.agents + len(BOTS)
    hired = np.concatenate([world.hired, [-900, -400]])
    left = np.concatenate([world.left, [NEVER, NEVER]])
    loaded = np.where(hired > 0, (first_day + hired - 3) * DAY + 6 * HOUR, before)
    # One newcomer reaches the roster only after two weeks of work: unknown until then.
    if world.groups.joiner.any():
        late = int(np.flatnonzero(world.groups.joiner)[0])
        loaded[late] = (first_day + hired[late] + 14) * DAY + 6 * HOUR
    # The rename is of somebody who stays: it must not undo the row that recorded an exit.
    renamed = int(rng.choice(np.flatnonzero(world.left == NEVER)))
    names = [f"Agent {k + 1:03d}" for k in range(world.agents)] + ["Answer Bot", "Routing Bot"]
    known_names = (*names, f"Agent {renamed + 1:03d} Renamed")
    exits = ("voluntary", "involuntary")
    agents: Frame = {
        "agent_id": coded(np.arange(count), world.people),
        "full_name": coded(np.arange(count), known_names),
        "email": texts([f"{agent.lower()}@example.invalid" for agent in (*world.agent_ids, *BOTS)]),
        "hired_on": dates(first_day + hired),
        "left_on": dates(np.full(count, NULL)),
        "exit_type": coded(np.full(count, -1), exits),
        "is_bot": booleans(np.arange(count) >= world.agents),
        "_loaded_at": times(loaded),
        "_deleted": booleans(np.zeros(count)),
    }
    leavers = np.flatnonzero(left < NEVER)
    gone = take(agents, leavers)
    gone["left_on"] = dates(first_day + left[leavers] - 1)
    gone["exit_type"] = coded(np.where(rng.random(len(leavers)) < 0.7, 0, 1), exits)
    gone["_loaded_at"] = times((first_day + left[leavers] + 1) * DAY + 6 * HOUR)
    married = take(agents, np.array([renamed]))
    married["full_name"] = coded(np.array([count]), known_names)
    married["_loaded_at"] = times(
        np.maximum(loaded[renamed], np.array([(first_day + clock.days // 3) * DAY])) + 7 * HOUR
    )
    return {
        "agents": stack([agents, married, gone]),
        "agent_assignments": _assignment_frame(world, before),
        "teams": _team_frame(world, before),
    }


def _assignment_frame(world: World, before: int) -> Frame:
    """Each assignment is open when first loaded and gets its end when the change is known."""
    first_day = world.clock.first_day
    stints = world.stints
    since = np.array([stint.since for stint in stints])
    until = np.array([stint.until for stint in stints])
    opened: Frame = {
        "agent_id": coded(np.array([stint.agent for stint in stints]), world.people),
        "valid_from": dates(first_day + since),
        "valid_to": dates(np.full(len(stints), NULL)),
        "team_id": coded(np.array([stint.team for stint in stints]), world.team_ids),
        "tier": coded(np.array([stint.tier for stint in stints]), TIERS),
        "_loaded_at": times(np.where(since > 0, (first_day + since - 2) * DAY + 6 * HOUR, before)),
        "_deleted": booleans(np.zeros(len(stints))),
    }
    closing = np.flatnonzero(until < NEVER)
    closed = take(opened, closing)
    closed["valid_to"] = dates(first_day + until[closing])
    # Stamped with the successor's row or earlier, so no two assignments ever overlap.
    closed["_loaded_at"] = times(
        np.maximum((first_day + until[closing] - 3) * DAY + 6 * HOUR, before + HOUR)
    )
    return stack([opened, closed])


def _team_frame(world: World, before: int) -> Frame:
    teams = np.arange(world.teams)
    names = [f"Team {k + 1:02d}" for k in range(world.teams)]
    renamed = f"Team {world.teams:02d} Care"
    frame: Frame = {
        "team_id": coded(teams, world.team_ids),
        "team_name": coded(teams, (*names, renamed)),
        "manager_id": coded(teams, world.managers),
        "timezone": coded(world.zone_of_team, TIMEZONES),
        "_loaded_at": times(np.full(world.teams, before)),
        "_deleted": booleans(np.zeros(world.teams)),
    }
    later = take(frame, teams[-1:])
    later["team_name"] = coded(np.array([world.teams]), (*names, renamed))
    later["_loaded_at"] = times(
        np.array([(world.clock.first_day + world.clock.days // 2) * DAY + 6 * HOUR])
    )
    return stack([frame, later])
