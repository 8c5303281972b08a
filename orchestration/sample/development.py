"""How people are developed: coaching and its planted effect, training, articles, goals, plans.

Here: what was agreed and held, and how much a session truly changes. The effect of a session is
drawn before any ticket, so that the work after it really is better. Not here: the traits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from orchestration.sample.expected import first_contact_rate, positive_rate
from orchestration.sample.frames import (
    DAY,
    HOUR,
    NULL,
    Column,
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
    texts,
    times,
)
from orchestration.sample.workforce import Presence
from orchestration.sample.world import NEVER, Effects, Latent, Traits, World

FOCUS = ("qa_score", "csat", "fcr_rate", "schedule_adherence")
FOCUS_LEVELS = ("quality", "satisfaction", "failure", "adherence")
EFFECT_DAYS = 45
# Change of the latent level while a session works: points, logits, logits of failing, share.
STRENGTH = (5.5, 0.55, -0.45, 0.035)
SESSION_KINDS = ("coaching", "one_on_one", "development_conversation")


@dataclass(frozen=True)
class Coaching:
    """Sessions with a focus, shape (sessions,) each; strength 0 is a session without effect."""

    agent: np.ndarray
    day: np.ndarray
    focus: np.ndarray
    strength: np.ndarray


def plan_coaching(world: World, traits: Traits, presence: Presence) -> Coaching:
    """Two to eight sessions a year, far enough apart that their effects do not add up.

    A quarter of them has no effect, nor has any with a strong decliner: their fall is not a matter
    of skill. Sessions fall on days the agent is at work.
    """
    rng = world.rng("coaching")
    clock = world.clock
    most = clock.days // 55 + 2
    gaps = rng.integers(55, 150, (world.agents, most))
    gaps[:, 0] = rng.integers(10, 90, world.agents)
    agent = np.repeat(np.arange(world.agents), most)
    day = np.cumsum(gaps, axis=1).ravel()
    inside = day < clock.days - 3
    agent, day = agent[inside], day[inside]
    following = np.where(presence.present, np.arange(clock.horizon)[None, :], clock.horizon)
    following = np.minimum.accumulate(following[:, ::-1], axis=1)[:, ::-1]
    day = following[agent, day]
    inside = day < clock.days - 2
    agent, day = agent[inside], day[inside]
    need = np.stack(
        [
            (88 - traits.quality) / 6.6,
            (2.2 - traits.satisfaction) / 0.5,
            (traits.failure + 0.1) / 0.4,
            (0.94 - traits.adherence) / 0.024,
        ],
        axis=1,
    )
    focus = (need[agent] + rng.gumbel(0, 1, (len(agent), len(FOCUS)))).argmax(axis=1)
    works = rng.random(len(agent)) < 0.75
    works &= ~(world.groups.strong_decliner | world.groups.exceptional)[agent]
    strength = np.where(works, np.clip(rng.normal(1, 0.25, len(agent)), 0.4, 1.6), 0.0)
    return Coaching(agent, day, focus, strength)


def coaching_effects(world: World, coaching: Coaching) -> Effects:
    """The change of each latent level by agent and day."""
    levels = np.zeros((len(FOCUS), world.agents, world.clock.horizon))
    for ahead in range(1, EFFECT_DAYS + 1):
        day = coaching.day + ahead
        inside = day < world.clock.horizon
        change = coaching.strength * np.array(STRENGTH)[coaching.focus]
        where = (coaching.focus[inside], coaching.agent[inside], day[inside])
        np.add.at(levels, where, change[inside])
    return Effects(*levels)


def true_effects(world: World, coaching: Coaching, latent: Latent) -> np.ndarray:
    """What each session changes in the unit of its metric, at the agent's own level then."""
    amid = np.minimum(coaching.day + EFFECT_DAYS // 2, world.clock.horizon - 1)

    def change(name: str, rate: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        level = getattr(latent, name)[coaching.agent, amid]
        shift = coaching.strength * STRENGTH[FOCUS_LEVELS.index(name)]
        return rate(level) - rate(level - shift)

    changes = (
        change("quality", np.asarray),
        change("satisfaction", positive_rate),
        change("failure", first_contact_rate),
        change("adherence", np.asarray),
    )
    return np.choose(coaching.focus, changes)


def coaching_frame(
    world: World, coaching: Coaching, presence: Presence
) -> tuple[Frame, np.ndarray]:
    """coaching_sessions, and the position of each planned session in it.

    Adds a one-on-one about every month and a development conversation every half-year.
    """
    rng = world.rng("coaching sessions")
    clock = world.clock
    present = presence.present[:, : clock.days - 2]
    draw = rng.random(present.shape)
    talk_agent, talk_day = np.nonzero(present & (draw < 0.05))
    review_agent, review_day = np.nonzero(present & (draw > 0.9925))
    agent = np.concatenate([coaching.agent, talk_agent, review_agent])
    day = np.concatenate([coaching.day, talk_day, review_day])
    kind = np.repeat([0, 1, 2], [len(coaching.agent), len(talk_agent), len(review_agent)])
    focus = np.concatenate([coaching.focus, np.full(len(agent) - len(coaching.focus), -1)])
    held = clock.midnight[world.zone(agent, day), day] + rng.integers(20, 34, len(agent)) * 1800
    order = np.argsort(held, kind="stable")
    team = np.maximum(world.team[agent, day], 0)
    minutes = np.array([30, 30, 60])[kind] + 15 * rng.integers(0, 2, len(agent))
    frame: Frame = {
        "session_id": identifiers("K", np.arange(1, len(agent) + 1), 5),
        "agent_id": coded(agent[order], world.people),
        "coach_id": coded(team[order], world.managers),
        "held_at": times(held[order]),
        "kind": coded(kind[order], SESSION_KINDS),
        "focus_metric": coded(focus[order], FOCUS),
        "minutes": integers(minutes[order]),
        "is_acknowledged": booleans(rng.random(len(agent)) < 0.9),
        "_loaded_at": times(loaded_after(rng, held[order] + 2 * HOUR, 300, 0.02)),
    }
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return frame, place[: len(coaching.agent)]


def training_frame(world: World, traits: Traits) -> Frame:
    """training_assignments: a module a month for all, a second for some; done, late or waived."""
    rng = world.rng("training")
    clock = world.clock
    rows = []
    for month, first in enumerate(clock.month_starts):
        day = (first - clock.month_starts[0]).days
        if day >= clock.days - 2:
            continue
        employed = np.flatnonzero(world.team[:, day] >= 0)
        second = employed[rng.random(len(employed)) < 0.4]
        for module, people in ((2 * month, employed), (2 * month + 1, second)):
            rows.append((people, np.full(len(people), day), np.full(len(people), module)))
    agent, day, module = (np.concatenate(column) for column in zip(*rows, strict=True))
    count = len(agent)
    assigned = clock.midnight[world.zone(agent, day), day] + 9 * HOUR
    due = day + rng.integers(18, 28, count)
    fate = rng.random(count)
    on_time = fate < traits.on_time[agent]
    never = fate > 0.985
    lead = (rng.random(count) ** 0.6 * (due - day - 1) * DAY).astype(np.int64) + HOUR
    late = (due - day) * DAY + (rng.random(count) * 18 * DAY).astype(np.int64) + 16 * HOUR
    completed = assigned + np.where(on_time, lead, late)
    waived = rng.random(count) < 0.03
    first: Frame = {
        "assignment_id": identifiers("R", np.arange(1, count + 1), 5),
        "agent_id": coded(agent, world.people),
        "module": coded(module, tuple(f"module-{k + 1:02d}" for k in range(module.max() + 1))),
        "assigned_at": times(assigned),
        "due_on": dates(clock.first_day + due),
        "completed_at": times(np.full(count, NULL)),
        "is_waived": booleans(waived),
        "_loaded_at": times(loaded_after(rng, assigned, 30, 0.0)),
    }
    done = np.flatnonzero(~never & ~waived)
    second = take(first, done)
    second["completed_at"] = times(completed[done])
    second["_loaded_at"] = times(
        np.maximum(
            loaded_after(rng, completed[done], 60, 0.02), first["_loaded_at"].values[done] + 900
        )
    )
    return stack([first, second])


def article_frame(world: World, traits: Traits) -> Frame:
    """kb_contributions: a Poisson number a month and agent, most of them accepted."""
    rng = world.rng("articles")
    clock = world.clock
    employed = world.team[:, : clock.days - 1] >= 0
    rate = np.where(employed, traits.articles[:, None] / 30.4, 0)
    agent, day = np.nonzero(rng.poisson(rate))
    at = clock.midnight[world.zone(agent, day), day] + rng.integers(18, 38, len(agent)) * 1800
    order = np.argsort(at, kind="stable")
    agent, at = agent[order], at[order]
    count = len(agent)
    return {
        "contribution_id": identifiers("N", np.arange(1, count + 1), 6),
        "agent_id": coded(agent, world.people),
        "article_id": identifiers("KB", rng.integers(1, 400, count), 4),
        "action": coded(
            rng.choice(3, size=count, p=(0.35, 0.45, 0.2)), ("drafted", "reviewed", "flagged")
        ),
        "occurred_at": times(at),
        "is_accepted": booleans(rng.random(count) < 0.86),
        "_loaded_at": times(loaded_after(rng, at, 45)),
    }


GOALS = (
    # metric, description, baseline, target
    ("qa_score", "Raise the mean evaluation", 80.0, 88.0),
    ("csat", "More positive answers to surveys", 0.8, 0.9),
    ("fcr_rate", "Solve more at the first contact", 0.68, 0.8),
    ("schedule_adherence", "Keep to the schedule", 0.88, 0.94),
    ("aht_index", "Bring handle time closer to that of peers", 1.25, 1.05),
    (None, "Write articles on the new product", 0.0, 6.0),
    (None, "Shadow the second tier for ten hours", 0.0, 10.0),
)


def goal_frame(world: World, traits: Traits) -> tuple[Frame, dict[str, int]]:
    """development_goals: one about every quarter, its value moving month by month in versions."""
    rng = world.rng("goals")
    clock = world.clock
    starts = np.arange(-20, clock.days - 12, 90)
    agent = np.repeat(np.arange(world.agents), len(starts))
    day = np.tile(starts, world.agents) + rng.integers(0, 12, len(agent))
    employed = world.team[agent, np.clip(day, 0, clock.horizon - 1)] >= 0
    agent, day = agent[employed], day[employed]
    count = len(agent)
    choice = rng.integers(0, len(GOALS), count)
    baseline = np.array([goal[2] for goal in GOALS])[choice]
    target = np.array([goal[3] for goal in GOALS])[choice]
    cancelled = rng.random(count) < 0.04
    deleted = rng.random(count) < 0.01
    cancelled[1], deleted[3] = True, True
    weight = rng.integers(1, 4, count).astype(float)
    frames = []
    for step in range(5):
        elapsed = 22 * step
        reach = traits.pace[agent] * (elapsed / 88) ** 0.6 * rng.uniform(0.85, 1.15, count)
        share = np.clip(reach, 0, 1)
        last = step == 4
        status = np.where(share >= 1, 1, 0)
        if step >= 2:
            status = np.where(cancelled, 2, status)
        loaded = on_grid((clock.first_day + day + elapsed) * DAY + 10 * HOUR)
        frames.append(
            {
                "goal_id": identifiers("G", np.arange(1, count + 1), 5),
                "agent_id": coded(agent, world.people),
                "metric": texts([GOALS[k][0] for k in choice]),
                "description": texts([GOALS[k][1] for k in choice]),
                "agreed_on": dates(clock.first_day + day),
                "due_on": dates(clock.first_day + day + 92),
                "baseline": numbers(baseline),
                "target": numbers(target),
                "current_value": numbers(np.round(baseline + share * (target - baseline), 4)),
                "weight": numbers(weight),
                "status": coded(status, ("active", "met", "cancelled")),
                "_loaded_at": times(loaded),
                "_deleted": booleans(deleted & last),
            }
        )
    frame = stack(frames)
    gone = frames[-1]["_deleted"].values & (frames[-1]["_loaded_at"].values <= clock.cutoff)
    return frame, {"deleted": int(gone.sum())}


@dataclass(frozen=True)
class PlanFrames:
    """Improvement plans and what hangs on them.

    `people` are the positions of their agents, `intents` what each plan was made to come to; both
    have one entry per plan, plans being numbered from 1.
    """

    frames: dict[str, Frame]
    people: np.ndarray
    intents: tuple[str, ...]


PLAN_METRICS = ("qa_score", "csat", "schedule_adherence")
SUPPORT_KINDS = ("coaching", "training", "buddy", "reduced_volume")
# How far the target lies below the true level of the weeks of the plan: reached or missed for all
# but rare chance. A target that is part of the plan may be reached while another is missed.
MARGINS = {"met": (4.0, 0.12, 0.012), "not_met": (-6.0, -0.12, -0.02)}
PLAN_SAMPLES = (6, 12, 25)
# More than any agent gets in eight weeks.
UNREACHABLE_SAMPLES = (40, 120, 25)
# What people decide follows the evidence most of the time.
DECISIONS = {
    "met": "met",
    "partially_met": "extended",
    "not_met": "escalated",
    "not_assessable": "extended",
    "left": "withdrawn",
}


def plan_frames(world: World, latent: Latent) -> PlanFrames:
    """improvement_plans of every outcome for weak, falling and rising agents, and for a leaver.

    Plans run four to eight weeks but for one shorter and one longer; two are still running, one of
    them with a check-in that is overdue. Targets are set from the true level of those weeks.
    """
    rng = world.rng("plans")
    clock = world.clock
    people, intents = _plan_people(world, latent)
    count = len(people)
    last = clock.days - 1
    weeks = rng.integers(5, 9, count)
    # Ended, and with its last answers in, when the data ends.
    opened = rng.integers(clock.days // 4, np.maximum(last - 7 * weeks - 12, clock.days // 4 + 1))
    weeks[2], weeks[3] = 3, 10
    is_running = np.array([intent == "running" for intent in intents])
    opened[is_running] = last - np.array([15, 24])[: is_running.sum()]
    opened[3] = min(opened[3], last - 76) if last > 80 else opened[3]
    opened[0] = max(world.left[people[0]] - 20, 0)
    ends = opened + 7 * weeks
    closed = np.where(ends < last - 3, ends + rng.integers(0, 4, count), NEVER_CLOSED)
    closed[0] = world.left[people[0]] + 1
    is_closed = closed < last
    decided = np.array([OUTCOMES.index(DECISIONS.get(intent, "met")) for intent in intents])
    # One was let go although the evidence says otherwise.
    decided[np.flatnonzero([intent == "not_met" for intent in intents])[1:2]] = 0
    decided = np.where(is_closed, decided, -1)
    team = np.maximum(world.team[people, np.minimum(opened, clock.horizon - 1)], 0)
    at_opening = (clock.first_day + opened) * DAY + 12 * HOUR
    plans: Frame = {
        "plan_id": identifiers("P", np.arange(1, count + 1), 3),
        "agent_id": coded(people, world.people),
        "opened_on": dates(clock.first_day + opened),
        "planned_end_on": dates(clock.first_day + ends),
        "closed_on": dates(np.full(count, NULL)),
        "owner_id": coded(team, world.managers),
        "decided_outcome": coded(np.full(count, -1), OUTCOMES),
        "decided_by": coded(np.full(count, -1), world.managers),
        "_loaded_at": times(at_opening),
    }
    done = np.flatnonzero(is_closed)
    final = take(plans, done)
    final["closed_on"] = dates(clock.first_day + closed[done])
    final["decided_outcome"] = coded(decided[done], OUTCOMES)
    final["decided_by"] = coded(team[done], world.managers)
    final["_loaded_at"] = times((clock.first_day + closed[done] + 1) * DAY + 12 * HOUR)
    plan = np.repeat(np.arange(count), len(PLAN_METRICS))
    index = np.tile(np.arange(len(PLAN_METRICS)), count)
    target, sample = _plan_targets(latent, people, intents, opened, ends)
    targets: Frame = {
        "plan_id": identifiers("P", plan + 1, 3),
        "metric": coded(index, PLAN_METRICS),
        "target": numbers(target.ravel()),
        "minimum_sample": integers(sample.ravel()),
        "_loaded_at": times(at_opening[plan]),
    }
    number = np.maximum(weeks // 2, 1)
    plan = np.repeat(np.arange(count), number)
    turn = np.arange(len(plan)) - np.repeat(np.cumsum(number) - number, number)
    due = opened[plan] + 14 * (turn + 1)
    held = np.where(rng.random(len(plan)) < 0.85, due + rng.integers(0, 3, len(plan)), NEVER_CLOSED)
    held = np.where(held <= np.minimum(last - 2, closed[plan]), held, NEVER_CLOSED)
    held[(turn == 0) & (plan == np.flatnonzero(is_running)[-1])] = NEVER_CLOSED
    checks: Frame = {
        "check_in_id": identifiers("H", np.arange(1, len(plan) + 1), 4),
        "plan_id": identifiers("P", plan + 1, 3),
        "due_on": dates(clock.first_day + due),
        "held_on": dates(np.full(len(plan), NULL)),
        "progress_note": texts(["agreed at the opening"] * len(plan)),
        "next_step": texts(["work on the targets"] * len(plan)),
        "_loaded_at": times(at_opening[plan]),
    }
    later = np.flatnonzero(held < NEVER_CLOSED)
    kept = take(checks, later)
    kept["held_on"] = dates(clock.first_day + held[later])
    notes = ("Scores moving up, one call reviewed", 'Said "better", agreed', "=no change yet")
    kept["progress_note"] = texts([notes[k % 3] for k in range(len(later))])
    kept["_loaded_at"] = times((clock.first_day + held[later]) * DAY + 20 * HOUR)
    checks["progress_note"], kept["progress_note"] = _shared(
        checks["progress_note"], kept["progress_note"]
    )
    support_plan = np.repeat(np.arange(count), 2)
    planned = opened[support_plan] + rng.integers(2, 20, len(support_plan))
    delivered = planned + rng.integers(0, 6, len(support_plan))
    arrived = (delivered < last - 2) & (rng.random(len(support_plan)) < 0.85)
    support: Frame = {
        "support_id": identifiers("U", np.arange(1, len(support_plan) + 1), 4),
        "plan_id": identifiers("P", support_plan + 1, 3),
        "kind": coded(rng.integers(0, 4, len(support_plan)), SUPPORT_KINDS),
        "planned_on": dates(clock.first_day + planned),
        "delivered_on": dates(np.full(len(support_plan), NULL)),
        "_loaded_at": times(at_opening[support_plan]),
    }
    given = take(support, np.flatnonzero(arrived))
    given["delivered_on"] = dates(clock.first_day + delivered[arrived])
    given["_loaded_at"] = times((clock.first_day + delivered[arrived]) * DAY + 20 * HOUR)
    frames = {
        "improvement_plans": stack([plans, final]),
        "improvement_plan_targets": targets,
        "improvement_plan_check_ins": stack([checks, kept]),
        "improvement_plan_support": stack([support, given]),
    }
    return PlanFrames(frames, people, intents)


def _plan_people(world: World, latent: Latent) -> tuple[np.ndarray, tuple[str, ...]]:
    """Positions of the agents on a plan, each once, and what each plan is to come to.

    The first belongs to somebody who then left, the second is still running.
    """
    groups = world.groups
    quality = latent.quality[:, world.clock.days - 1]
    stays = (world.left == NEVER) & ~groups.joiner
    weakest = [int(agent) for agent in np.argsort(quality, kind="stable") if stays[agent]]
    order = {name: [int(agent) for agent in np.flatnonzero(mask & stays)] for name, mask in (
        ("falling", groups.strong_decliner),
        ("weak", groups.weak | groups.careless | groups.easy_mix),
        ("rising", groups.improver),
        ("small", groups.small_sample),
    )}  # fmt: skip
    most = max(6, world.agents // 7)
    wishes = [
        ("falling", "running"),
        ("weak", "not_met"),
        ("rising", "met"),
        ("falling", "running"),
        ("small", "not_assessable"),
    ]
    cycle = [
        ("weak", "partially_met"),
        ("rising", "met"),
        ("falling", "not_met"),
        ("weak", "not_met"),
        ("rising", "partially_met"),
        ("small", "not_assessable"),
    ]
    wishes += [cycle[k % len(cycle)] for k in range(most - 1 - len(wishes))]
    people, intents = [int(np.flatnonzero(groups.leaver)[0])], ["left"]
    for group, intent in wishes:
        free = [agent for agent in order[group] + weakest if agent not in people]
        people.append(free[0])
        intents.append(intent)
    return np.array(people), tuple(intents)


def _plan_targets(
    latent: Latent,
    people: np.ndarray,
    intents: tuple[str, ...],
    opened: np.ndarray,
    ends: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Targets and minimum samples, shape (plans, metrics) each."""
    satisfied = positive_rate(latent.satisfaction[people])
    levels = (latent.quality[people], satisfied, latent.adherence[people])
    target = np.empty((len(people), len(PLAN_METRICS)))
    sample = np.tile(PLAN_SAMPLES, (len(people), 1))
    for plan, intent in enumerate(intents):
        during = slice(opened[plan], ends[plan] + 1)
        true = np.array([level[plan, during].mean() for level in levels])
        reached = np.array([intent in ("met", "partially_met"), intent == "met", intent == "met"])
        margin = np.where(reached, MARGINS["met"], MARGINS["not_met"])
        target[plan] = np.minimum(true - margin, (97, 0.97, 0.99))
        if intent == "not_assessable":
            sample[plan] = UNREACHABLE_SAMPLES
    places = np.array([1, 100, 200])
    return np.rint(target * places) / places, sample


OUTCOMES = ("met", "extended", "escalated", "withdrawn")
NEVER_CLOSED = 1_000_000


def _shared(first: Column, second: Column) -> tuple[Column, Column]:
    """Two text columns over one vocabulary, so that they can be stacked."""
    vocabulary = tuple(dict.fromkeys((*first.vocabulary, *second.vocabulary)))
    position = {value: code for code, value in enumerate(vocabulary)}

    def moved(column: Column) -> Column:
        codes = np.array([position[value] for value in column.vocabulary])
        return coded(np.where(column.values < 0, -1, codes[column.values]), vocabulary)

    return moved(first), moved(second)
