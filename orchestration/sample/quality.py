"""What evaluators made of the work: evaluations, their criteria, and the evaluators' own truth.

Here: which interactions were looked at, by whom, and how they scored. Not here: coaching on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestration.sample.catalogue import CHAT, EFFORT, PHONE, SUB_DIMENSIONS
from orchestration.sample.frames import (
    DAY,
    HOUR,
    NULL,
    Frame,
    booleans,
    coded,
    identifiers,
    loaded_after,
    numbers,
    stack,
    take,
    times,
)
from orchestration.sample.tickets import Service
from orchestration.sample.world import Latent, Traits, World


@dataclass(frozen=True)
class Criterion:
    """One line of a form; `sub` is a position in SUB_DIMENSIONS."""

    name: str
    sub: int
    weight: float
    maximum: float


CRITERIA = (
    Criterion("correct_answer", 0, 3.0, 10.0),
    Criterion("empathy", 1, 2.0, 10.0),
    Criterion("policy_followed", 2, 2.0, 10.0),
    Criterion("complete_resolution", 3, 3.0, 10.0),
    Criterion("notes_written", 4, 1.0, 5.0),
    Criterion("identity_verified", 2, 1.5, 5.0),
    Criterion("correct_data", 0, 2.0, 10.0),
    Criterion("greeting", 1, 1.0, 5.0),
)
# Number of leading criteria a form has, by name; voice and written forms, each revised once.
FORMS = {"written-1": 5, "voice-1": 6, "written-2": 7, "voice-2": 8}
CRITICAL_CRITERION = 2
STATUSES = ("draft", "final", "disputed", "void")
DRAFT, FINAL, DISPUTED, VOID = range(4)
FAILED_CONDITIONS = ("draft", "void", "calibration", "self_evaluation", "nothing_applicable")


@dataclass(frozen=True)
class Evaluators:
    """Shape (evaluators,) each: points added to every score, and noise in points."""

    ids: tuple[str, ...]
    severity: np.ndarray
    noise: np.ndarray
    is_rough: np.ndarray


def draw_evaluators(world: World) -> Evaluators:
    """About one evaluator per ten agents; two are rough and erratic: one harsh, one lenient."""
    rng = world.rng("evaluators")
    count = max(4, round(world.agents / 10))
    severity = rng.normal(0.3, 1.1, count)
    noise = np.full(count, 1.5)
    rough = np.arange(count) < 2
    severity[rough], noise[rough] = (-8.5, 9.0), (5.0, 5.0)
    ids = tuple(f"Q{k + 1:02d}" for k in range(count))
    return Evaluators(ids, severity, noise, rough)


@dataclass(frozen=True)
class QualityFrames:
    """Both frames, the dispositions they add and the counts of what was planted."""

    evaluations: Frame
    criteria: Frame
    dispositions: dict[str, int]
    features: dict[str, int]


def quality_frames(
    world: World, traits: Traits, latent: Latent, service: Service, evaluators: Evaluators
) -> QualityFrames:
    """qa_evaluations and qa_criterion_scores: seven to ten a month and agent, two for some."""
    rng = world.rng("quality")
    picked, is_extra = _sample_interactions(world, rng, service)
    ticket, agent, channel, start, seconds = (column[picked] for column in service.interactions)
    count = len(ticket)
    day = world.clock.day_index(start)
    evaluated = start + seconds + rng.gamma(2.2, 1.4 * DAY, count).astype(np.int64) + HOUR
    order = np.lexsort((ticket, evaluated))
    ticket, agent, channel, start, day, evaluated, is_extra = (
        column[order] for column in (ticket, agent, channel, start, day, evaluated, is_extra)
    )
    evaluator = _pick_evaluators(rng, evaluators, count)
    form, size = _forms(world, channel, day)
    fate = _draw_fates(rng, is_extra)
    status = np.full(count, FINAL)
    status[fate == 1], status[fate == 2] = DRAFT, VOID
    disputed = (fate == 0) & (rng.random(count) < 0.045)
    disputed[np.flatnonzero(fate == 0)[[3, 9]]] = True
    status[disputed] = DISPUTED
    kind = service.tickets.kind[ticket]
    level = (
        latent.quality[agent, day]
        - 2.0 * (EFFORT[kind] - 1)
        + evaluators.severity[evaluator]
        + evaluators.noise[evaluator] * rng.normal(0, 1, count)
        + traits.quality_noise[agent] * rng.normal(0, 1, count)
    )
    vocabulary = (*evaluators.ids, *world.people)
    is_self = fate == 4
    evaluations: Frame = {
        "evaluation_id": identifiers("Q", np.arange(1, count + 1), 7),
        "ticket_id": identifiers("T", ticket + 1, 7),
        "agent_id": coded(agent, world.people),
        "evaluator_id": coded(
            np.where(is_self, len(evaluators.ids) + agent, evaluator), vocabulary
        ),
        "interaction_at": times(start),
        "evaluated_at": times(evaluated),
        "form_version": coded(form, tuple(FORMS)),
        "status": coded(status, STATUSES),
        "is_calibration": booleans(fate == 3),
        "_loaded_at": times(loaded_after(rng, evaluated, 60, 0.02)),
        "_deleted": booleans(np.zeros(count)),
    }
    critical = rng.random(count) < latent.critical[agent, day]
    criteria, row = _criterion_frame(rng, traits, agent, size, level, critical, fate == 5)
    stamp = evaluations["_loaded_at"].values
    criteria["_loaded_at"] = times(stamp[row])
    # Drafts are finished and some disputes end with better marks; both are later versions.
    finished = (fate == 1) & (rng.random(count) < 0.5)
    settled = disputed & (rng.random(count) < 0.5)
    settled[np.flatnonzero(disputed)[:1]] = True
    changed = np.flatnonzero(finished | settled)
    after = stamp[changed] + rng.integers(20, 300, len(changed)) * HOUR
    second = take(evaluations, changed)
    second["status"] = coded(np.full(len(changed), FINAL), STATUSES)
    second["_loaded_at"] = times(after)
    overturned = np.flatnonzero(np.isin(row, np.flatnonzero(settled)))
    overturned = overturned[~np.isnan(criteria["score"].values[overturned])]
    better = take(criteria, overturned)
    top = better["max_score"].values
    better["score"] = numbers(np.minimum(better["score"].values + np.where(top > 5, 2, 1), top))
    position = np.searchsorted(changed, row[overturned])
    better["_loaded_at"] = times(after[position])
    seen = stamp <= world.clock.cutoff
    known = after <= world.clock.cutoff
    still_draft = (fate == 1) & seen
    still_draft[changed[known]] = False
    counts = [still_draft] + [(fate == code) & seen for code in (2, 3, 4, 5)]
    return QualityFrames(
        evaluations=stack([evaluations, second]),
        criteria=stack([criteria, better]),
        dispositions={
            f"out_of_scope:{name}": int(mask.sum())
            for name, mask in zip(FAILED_CONDITIONS, counts, strict=True)
        },
        features={
            "evaluations_disputed": int((disputed & seen).sum()),
            "disputes_overturned": int((settled[changed] & known).sum()),
            "critical_errors": int((critical & seen).sum()),
        },
    )


def _sample_interactions(
    world: World, rng: np.random.Generator, service: Service
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of interactions to evaluate, and which of them will not be scored.

    Seven to nine of each agent and month, one or two of those with small samples, more of those
    who fall, fewer where there are fewer; some get one more that ends as a draft, as a calibration
    and the like.
    """
    _, agent, _, start, seconds = service.interactions
    done = start + seconds < world.clock.cutoff - DAY
    month = world.clock.month_of_day[world.clock.day_index(start)]
    months = int(month.max()) + 1
    group = np.where(done, agent * months + month, world.agents * months)
    order = np.lexsort((rng.random(len(group)), group))
    ordered = group[order]
    rank = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    groups = world.agents * months + 1
    scored = rng.choice((7, 8, 9), size=groups, p=(0.1, 0.5, 0.4))
    # Whose work falls off is looked at more often; who works two days a week, hardly ever.
    watched = np.append(np.repeat(world.groups.strong_decliner, months), False)
    scored = np.where(watched, scored + 6, scored)
    is_small = np.append(np.repeat(world.groups.small_sample, months), False)
    scored = np.where(is_small, rng.integers(1, 3, groups), scored)
    # The running month is nine days old: a share of its evaluations has been made.
    running = np.arange(groups) % months == months - 1
    scored = np.where(running, rng.integers(1, 3, groups), scored)
    wanted = scored + (rng.random(groups) < np.where(running, 0.1, 0.4))
    wanted[-1] = 0
    chosen = np.flatnonzero(rank < wanted[ordered])
    rows = order[chosen]
    is_extra = rank[chosen] >= scored[ordered[chosen]]
    by_row = np.argsort(rows)
    return rows[by_row], is_extra[by_row]


def _pick_evaluators(rng: np.random.Generator, evaluators: Evaluators, count: int) -> np.ndarray:
    """Mostly at random; the rough ones do less than their share."""
    share = np.where(evaluators.is_rough, 0.6, 1.0)
    return rng.choice(len(share), size=count, p=share / share.sum())


def _forms(world: World, channel: np.ndarray, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Form of each evaluation and its number of criteria; forms are revised half-way."""
    revised = world.clock.month_of_day[day] >= len(world.clock.month_starts) // 2
    form = 2 * revised + np.isin(channel, (PHONE, CHAT))
    return form, np.array(list(FORMS.values()))[form]


def _draw_fates(rng: np.random.Generator, is_extra: np.ndarray) -> np.ndarray:
    """0 scored, else one more than the position in FAILED_CONDITIONS; each at least twice."""
    count = len(is_extra)
    drawn = rng.choice(5, size=count, p=(0.28, 0.22, 0.26, 0.17, 0.07)) + 1
    fate = np.where(is_extra, drawn, 0)
    certain = rng.choice(count // 2, size=10, replace=False)
    fate[certain] = np.repeat(np.arange(1, 6), 2)
    return fate


def _criterion_frame(
    rng: np.random.Generator,
    traits: Traits,
    agent: np.ndarray,
    size: np.ndarray,
    level: np.ndarray,
    critical: np.ndarray,
    nothing: np.ndarray,
) -> tuple[Frame, np.ndarray]:
    """Criterion rows without stamps, and the evaluation each belongs to."""
    row = np.repeat(np.arange(len(size)), size)
    place = np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size)
    sub = np.array([criterion.sub for criterion in CRITERIA])[place]
    weight = np.array([criterion.weight for criterion in CRITERIA])[place]
    maximum = np.array([criterion.maximum for criterion in CRITERIA])[place]
    points = level[row] + traits.profile[agent[row], sub] + rng.normal(0, 7.5, len(row))
    step = np.where(maximum > 5, 1.0, 0.5)
    score = np.clip(np.rint(points / 100 * maximum / step) * step, 0, maximum)
    # The first criterion always applies, so that only the planted evaluations have none.
    applicable = (rng.random(len(row)) > 0.05) | (place == 0)
    applicable &= ~nothing[row]
    count = len(row)
    frame: Frame = {
        "evaluation_id": identifiers("Q", row + 1, 7),
        "criterion": coded(place, tuple(criterion.name for criterion in CRITERIA)),
        "sub_dimension": coded(sub, SUB_DIMENSIONS),
        "score": numbers(np.where(applicable, score, np.nan)),
        "max_score": numbers(np.where(applicable, maximum, np.nan)),
        "weight": numbers(weight),
        "is_applicable": booleans(applicable),
        "is_critical_error": booleans(critical[row] & (place == CRITICAL_CRITERION) & applicable),
        "_loaded_at": times(np.full(count, NULL)),
        "_deleted": booleans(np.zeros(count)),
    }
    return frame, row
