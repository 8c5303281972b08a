"""Who was scheduled, present and logged in: schedules, agent states, absences, forecasts.

Here: working days, shifts of several segments, what agents did with them, the slots of working time
that tickets are handed out on. Not here: the tickets themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestration.sample.catalogue import ACTIVITIES, ACTIVITY, STATE, STATES
from orchestration.sample.frames import (
    DAY,
    HOUR,
    NULL,
    Frame,
    booleans,
    coded,
    dates,
    identifiers,
    integers,
    loaded_after,
    numbers,
    on_grid,
    stack,
    take,
    times,
)
from orchestration.sample.world import Latent, Traits, World

# Minutes from the start of the shift at a load of 1; the fourth part varies by day.
PARTS = ((0, 90), (90, 105), (105, 165), (165, 195), (195, 225))
VARIABLE_PART = 3
SLOT_SECONDS = 900


@dataclass(frozen=True)
class Presence:
    """Shape (agents, horizon) each: due to work, on leave, ill, and the shift's local minute.

    `present` is due to work and neither on leave nor ill.
    """

    due: np.ndarray
    leave: np.ndarray
    ill: np.ndarray
    start_minute: np.ndarray

    @property
    def present(self) -> np.ndarray:
        return self.due & ~self.leave & ~self.ill


def build_presence(world: World) -> Presence:
    """Five-day weeks on staggered weekdays, leave in blocks, short illness."""
    clock, groups = world.clock, world.groups
    rng = world.rng("presence")
    shape = (world.agents, clock.horizon)
    # Most rest at the weekend, the others on two days in a row somewhere else.
    rest = np.where(rng.random(world.agents) < 0.66, 5, rng.integers(0, 7, world.agents))
    since_rest = (clock.weekday[None, :] - rest[:, None]) % 7
    due = since_rest >= 2
    due &= ~(groups.part_time[:, None] & np.isin(since_rest, (3, 5)))
    due &= ~(groups.small_sample[:, None] & np.isin(since_rest, (2, 4, 6)))
    due &= world.team >= 0
    # A change of team may move the clock by hours: a day off on both sides keeps shifts apart.
    changed = np.zeros(shape, dtype=bool)
    changed[:, 1:] = world.team[:, 1:] != world.team[:, :-1]
    due &= ~changed
    due[:, :-1] &= ~changed[:, 1:]
    leave = _blocks(rng, shape, 0.013, 2, 9)
    if groups.long_leave.any():
        away = clock.month_of_day == len(clock.month_starts) // 2
        leave |= groups.long_leave[:, None] & away[None, :]
    ill = _blocks(rng, shape, 0.011, 1, 3) & ~leave
    base = 60 * 8 + 30 * rng.integers(0, 13, world.agents)
    # Everybody's start moves by an hour every second week.
    swing = 60 * ((np.arange(clock.horizon) // 7 + rng.integers(0, 2, world.agents)[:, None]) % 2)
    overnight = world.team == world.overnight_team
    start = np.where(overnight, 20 * 60 + base[:, None] % 180, base[:, None]) + swing
    return Presence(due, due & leave, due & ill, start)


def _blocks(
    rng: np.random.Generator, shape: tuple[int, int], chance: float, least: int, most: int
) -> np.ndarray:
    """Runs of consecutive days that begin with the given daily chance."""
    begins = rng.random(shape) < chance
    length = rng.integers(least, most + 1, shape)
    result = np.zeros(shape, dtype=bool)
    for ahead in range(most):
        result[:, ahead:] |= (begins & (length > ahead))[:, : shape[1] - ahead]
    return result


@dataclass(frozen=True)
class Segments:
    """Segments as first published, (rows,) each, ordered by agent and start; seconds UTC."""

    agent: np.ndarray
    day: np.ndarray
    start: np.ndarray
    end: np.ndarray
    activity: np.ndarray
    part: np.ndarray
    ill: np.ndarray


def build_segments(world: World, presence: Presence) -> Segments:
    """Every scheduled day cut into its parts; a day of leave keeps the shape of its shift."""
    clock = world.clock
    rng = world.rng("segments")
    agent, day = np.nonzero(presence.due)
    zone = world.zone(agent, day)
    minute = presence.start_minute[agent, day]
    # Wall-clock start: the offset of the shift's own hour, whatever happened at night before.
    midnight = clock.midnight[zone, day]
    following = clock.midnight[zone, day + 1]
    begin = np.where(
        following - midnight == DAY, midnight + minute * 60, following - DAY + minute * 60
    )
    variable = rng.choice(
        [
            ACTIVITY["contact_handling"],
            ACTIVITY["meeting"],
            ACTIVITY["training"],
            ACTIVITY["coaching"],
        ],
        size=len(agent),
        p=[0.45, 0.33, 0.15, 0.07],
    )
    on_leave = presence.leave[agent, day]
    columns = []
    for part, (opens, closes) in enumerate(PARTS):
        activity = np.full(len(agent), ACTIVITY["break" if part == 1 else "contact_handling"])
        if part == VARIABLE_PART:
            activity = variable
        activity = np.where(on_leave, ACTIVITY["leave"], activity)
        columns.append(
            (
                begin + _minutes(opens, world.load) * 60,
                begin + _minutes(closes, world.load) * 60,
                activity,
                np.full(len(agent), part),
            )
        )
    start, end, activity, part = (
        np.stack(values, axis=1).ravel() for values in zip(*columns, strict=True)
    )
    agent, day = np.repeat(agent, len(PARTS)), np.repeat(day, len(PARTS))
    return Segments(agent, day, start, end, activity, part, presence.ill[agent, day])


def _minutes(template: int, load: float) -> int:
    """The template's minute stretched to the load, on a grid of five minutes."""
    return round(template * load / 5) * 5


def segment_frame(world: World, segments: Segments) -> tuple[Frame, dict[str, int]]:
    """schedule_segments with its versions, and the dispositions these must get.

    A week is published on the Monday before. Later versions: changes in time, leave entered after
    an illness (counts), meetings entered after the fact (do not count), deletions.
    """
    clock = world.clock
    rng = world.rng("segment versions")
    count = len(segments.agent)
    monday = segments.day - clock.weekday[segments.day]
    # The team's planner publishes a week at once: one stamp per team and week.
    team = np.maximum(world.team[segments.agent, segments.day], 0)
    spread = rng.integers(8 * HOUR, 16 * HOUR, (world.teams, clock.horizon))
    published = (clock.first_day + monday - 7) * DAY + spread[team, np.maximum(monday, 0)]
    first: Frame = {
        "segment_id": identifiers("W", np.arange(count), 7),
        "agent_id": coded(segments.agent, world.people),
        "starts_at": times(segments.start),
        "ends_at": times(segments.end),
        "activity": coded(segments.activity, ACTIVITIES),
        "published_at": times(published),
        "_loaded_at": times(on_grid(published + 1)),
        "_deleted": booleans(np.zeros(count)),
    }
    handling = segments.activity == ACTIVITY["contact_handling"]
    draw = rng.random(count)

    def version(rows: np.ndarray, at: np.ndarray, activity: str | None, deleted: bool) -> Frame:
        frame = take(first, rows)
        if activity:
            frame["activity"] = coded(np.full(len(rows), ACTIVITY[activity]), ACTIVITIES)
        frame["published_at"] = times(at)
        frame["_loaded_at"] = times(on_grid(at + 1))
        frame["_deleted"] = booleans(np.full(len(rows), deleted))
        return frame

    in_time = np.flatnonzero(handling & (draw < 0.004))
    early = segments.start[in_time] - rng.integers(6 * HOUR, 60 * HOUR, len(in_time))
    ill_days = rng.random((world.agents, clock.horizon)) < 0.4
    excused = np.flatnonzero(segments.ill & ill_days[segments.agent, segments.day])
    ended = segments.end[excused] + rng.integers(1, 72, len(excused)) * HOUR
    hidden = np.flatnonzero(handling & ~segments.ill & (draw > 0.997))
    after = segments.end[hidden] + rng.integers(1, 30, len(hidden)) * HOUR
    dropped = np.flatnonzero(handling & ~segments.ill & (draw > 0.9955) & (draw < 0.996))
    gone = segments.end[dropped] + rng.integers(1, 30, len(dropped)) * HOUR
    # Extra hours written down only after they were worked: hours before any shift of that day.
    extra = np.flatnonzero((segments.part == 0) & ~segments.ill & (draw > 0.9905) & (draw < 0.9925))
    extra = extra if len(extra) > 1 else np.flatnonzero(segments.part == 0)[5:7]
    late = take(first, extra)
    late["segment_id"] = identifiers("W", count + np.arange(len(extra)), 7)
    late["starts_at"] = times(segments.start[extra] - 3 * HOUR)
    late["ends_at"] = times(segments.start[extra] - 2 * HOUR)
    late["activity"] = coded(np.full(len(extra), ACTIVITY["contact_handling"]), ACTIVITIES)
    late["published_at"] = times(segments.start[extra] + 5 * HOUR)
    late["_loaded_at"] = times(on_grid(segments.start[extra] + 5 * HOUR + 1))
    changed = version(in_time, early, "meeting", False)
    on_leave = version(excused, ended, "leave", False)
    relabelled = version(hidden, after, "meeting", False)
    removed = version(dropped, gone, None, True)

    def arrived(*frames: Frame) -> int:
        return sum(int((one["_loaded_at"].values <= clock.cutoff).sum()) for one in frames)

    return stack([first, changed, on_leave, relabelled, removed, late]), {
        "superseded": arrived(changed, on_leave, removed),
        "deleted": arrived(removed),
        "out_of_scope:not_published_in_time": arrived(relabelled, late),
    }


def absence_frame(world: World, presence: Presence) -> Frame:
    """One row per absent day; ids are digits with leading zeros, as some payrolls have them."""
    rng = world.rng("absences")
    agent, day = np.nonzero(presence.leave | presence.ill)
    ill = presence.ill[agent, day]
    noon = (world.clock.first_day + day) * DAY + 12 * HOUR
    known = np.where(ill, loaded_after(rng, noon, 300), on_grid(noon - 21 * DAY))
    start = (world.clock.first_day - 6) * DAY
    return {
        "absence_id": identifiers("0", np.arange(1, len(agent) + 1), 6),
        "agent_id": coded(agent, world.people),
        "absent_on": dates(world.clock.first_day + day),
        "hours": numbers(np.where(world.groups.part_time[agent], 6.0, 8.0)),
        "kind": coded(ill.astype(int), ("planned", "unplanned")),
        "_loaded_at": times(np.maximum(known, start)),
    }


def state_frame(
    world: World, traits: Traits, latent: Latent, segments: Segments
) -> tuple[Frame, dict[str, int]]:
    """agent_states of everybody present, and how many shifts were never logged out of.

    A handling segment begins with a stretch away from work whose mean is 1 - adherence, then
    handling and waiting take turns. Nothing overlaps by construction.
    """
    clock = world.clock
    rng = world.rng("states")
    counted = (segments.day < clock.days) & ~segments.ill
    counted &= segments.activity != ACTIVITY["leave"]
    agent, day, start = (x[counted] for x in (segments.agent, segments.day, segments.start))
    length = (segments.end - segments.start)[counted]
    activity, part = segments.activity[counted], segments.part[counted]
    count = len(agent)
    handling = activity == ACTIVITY["contact_handling"]
    busy = np.clip(traits.occupancy[agent] + rng.normal(0, 0.05, count), 0.3, 0.95)
    away = (1 - latent.adherence[agent, day]) * rng.gamma(1.3, 1 / 1.3, count)
    away = np.minimum(away, 0.9)
    long = handling & (part != VARIABLE_PART) & (part != len(PARTS) - 1)
    shares = np.zeros((count, 6))
    jitter = rng.uniform(0.5, 1.5, (count, 5))
    shares[:, 1] = busy * 0.45 * jitter[:, 0]
    shares[:, 2] = (1 - busy) * 0.55 * jitter[:, 1]
    shares[:, 3] = np.where(long, busy * 0.40 * jitter[:, 2], 0)
    shares[:, 4] = np.where(long, busy * 0.15 * jitter[:, 3], 0)
    shares[:, 5] = np.where(long, (1 - busy) * 0.45 * jitter[:, 4], 0)
    short = handling & ~long
    shares[short, 1] = busy[short] * jitter[short, 0]
    shares[short, 2] = (1 - busy[short]) * jitter[short, 1]
    shares *= ((1 - away) / shares.sum(axis=1))[:, None]
    shares[:, 0] = away
    shares[~handling] = 0
    shares[~handling, 1] = 1
    edges = np.rint(np.cumsum(shares, axis=1) * length[:, None]).astype(np.int64)
    begins = np.concatenate([np.zeros((count, 1), np.int64), edges[:, :-1]], axis=1)
    excuses = (STATE["offline"], STATE["break"], STATE["meeting"])
    codes = np.empty((count, 6), dtype=np.int64)
    codes[:, 0] = rng.choice(excuses, size=count, p=(0.6, 0.25, 0.15))
    codes[:, 1:] = [
        STATE["handling"],
        STATE["available"],
        STATE["handling"],
        STATE["after_contact_work"],
        STATE["available"],
    ]
    other = {"meeting": "meeting", "training": "training", "coaching": "meeting", "break": "break"}
    for name, state in other.items():
        codes[activity == ACTIVITY[name], 1] = STATE[state]
    # Short stretches do not show in a phone system; the next block simply begins later.
    keep = (edges - begins) >= np.where(np.arange(6) == 0, 20, 1)
    # Some stay on after the shift; the block grows before the closing row is placed.
    last = part == len(PARTS) - 1
    overtime = np.where(last & (rng.random(count) < 0.08), rng.integers(300, 1800, count), 0)
    final = 5 - np.argmax(keep[:, ::-1], axis=1)
    rows = np.arange(count)
    edges[rows, final] += overtime
    ends = start[:, None] + edges
    begin_at = start[:, None] + begins
    forgot = last & (rng.random(count) < 0.002)
    forgot[np.flatnonzero(last)[3::400][:2]] = True
    ends[rows[forgot], final[forgot]] = NULL
    signs_off = np.flatnonzero(last & ~forgot)
    off_at = ends[signs_off, final[signs_off]]
    cells = np.nonzero(keep)
    started = np.concatenate([begin_at[cells], off_at])
    ended = np.concatenate([ends[cells], off_at + 60])
    who = np.concatenate([agent[cells[0]], agent[signs_off]])
    state = np.concatenate([codes[cells], np.full(len(signs_off), STATE["offline"])])
    order = np.lexsort((who, started))
    started, ended, who, state = started[order], ended[order], who[order], state[order]
    seen = np.where(ended == NULL, started + HOUR, ended)
    frame: Frame = {
        "state_id": identifiers("S", np.arange(len(who)), 8),
        "agent_id": coded(who, world.people),
        "starts_at": times(started),
        "ends_at": times(ended),
        "state": coded(state, STATES),
        "_loaded_at": times(loaded_after(rng, seen, 12, 0.004)),
        "_deleted": booleans(np.zeros(len(who))),
    }
    # Some rows were first seen while the state was still running.
    running = np.flatnonzero((rng.random(len(who)) < 0.004) & (ended != NULL))
    early = take(frame, running)
    early["ends_at"] = times(np.full(len(running), NULL))
    early["_loaded_at"] = times(
        np.minimum(on_grid(started[running] + 1), early["_loaded_at"].values - 900)
    )
    valid = early["_loaded_at"].values >= started[running]
    frame = stack([frame, take(early, valid)])
    forgotten = int((forgot & (start < clock.cutoff)).sum())
    return frame, {"never_logged_out": forgotten}


@dataclass(frozen=True)
class Slots:
    """Quarter hours of contact handling by somebody present, (rows,) each, by agent and start."""

    agent: np.ndarray
    day: np.ndarray
    start: np.ndarray
    length: np.ndarray


def build_slots(world: World, segments: Segments) -> Slots:
    """The working time that tickets are handed out on."""
    handling = segments.activity == ACTIVITY["contact_handling"]
    rows = np.flatnonzero(handling & ~segments.ill & (segments.day < world.clock.days))
    seconds = (segments.end - segments.start)[rows]
    pieces = np.maximum(1, -(-seconds // SLOT_SECONDS))
    row = np.repeat(rows, pieces)
    within = np.arange(len(row)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    length = np.repeat(seconds // pieces, pieces)
    return Slots(
        segments.agent[row], segments.day[row], segments.start[row] + within * length, length
    )


def forecast_frame(
    world: World, team: np.ndarray, local_day: np.ndarray
) -> tuple[Frame, dict[str, int]]:
    """volume_forecasts from the contacts that came, smoothed by weekday, and what was planted.

    `team` and `local_day` have one entry per first contact. Planned two weeks ahead, some days
    planned anew before the day, some only after it began, some never, some as zero.
    """
    clock = world.clock
    rng = world.rng("forecasts")
    known = (team >= 0) & (local_day >= 0) & (local_day < clock.days)
    actual = np.zeros((world.teams, clock.horizon))
    np.add.at(actual, (team[known], local_day[known]), 1)
    block = np.minimum(np.arange(clock.horizon) // 28, max(0, (clock.days - 8) // 28 - 1))
    cell = block * 7 + clock.weekday
    days_in = np.bincount(cell[: clock.days - 1], minlength=cell.max() + 1)
    expected = np.stack(
        [
            np.bincount(cell[: clock.days - 1], row[: clock.days - 1], cell.max() + 1)
            / np.maximum(days_in, 1)
            for row in actual
        ]
    )[:, cell]
    forecast = np.rint(expected * np.exp(rng.normal(0, 0.08, expected.shape)))
    missing = rng.random(expected.shape) < 0.01
    zero = rng.random(expected.shape) < 0.004
    missing[0, 3], zero[0, 4], missing[0, 4] = True, True, False
    forecast[zero] = 0
    teams, day = np.nonzero(~missing)
    published = (clock.first_day + day - 14) * DAY + 9 * HOUR
    first: Frame = {
        "forecast_id": identifiers("F", np.arange(len(day)), 6),
        "team_id": coded(teams, world.team_ids),
        "forecast_date": dates(clock.first_day + day),
        "forecast_contacts": integers(forecast[teams, day]),
        "published_at": times(published),
        "_loaded_at": times(on_grid(published + 1)),
    }
    draw = rng.random(len(day))

    def again(rows: np.ndarray, hours: int, noise: float) -> Frame:
        frame = take(first, rows)
        at = clock.midnight[world.zone_of_team[teams[rows]], day[rows]] + hours * HOUR
        value = np.rint(expected[teams, day][rows] * np.exp(rng.normal(0, noise, len(rows))))
        frame["forecast_contacts"] = integers(value)
        frame["published_at"] = times(at)
        frame["_loaded_at"] = times(on_grid(at + 1))
        return frame

    after = np.flatnonzero(draw > 0.98)
    after = after if len(after) else np.array([7])
    return (
        stack([first, again(np.flatnonzero(draw < 0.08), -30, 0.04), again(after, 14, 0.01)]),
        {
            "forecast_zero": int(zero[teams, day].sum()),
            "forecast_missing": int(missing[:, : clock.days].sum()),
            "forecast_after_the_day_began": len(after),
        },
    )
