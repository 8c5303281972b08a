"""The hidden truth of the sample as tables, for tests that ask whether the marts find it.

Here: latent levels per agent and month, planted groups, coaching effects, evaluators, difficulties.
Not here: anything computed from what was drawn; the marts never read these files.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from orchestration.sample.catalogue import (
    ALL_CONTACT_TYPES,
    CSAT_OFFSET,
    EFFORT,
    ESCALATION_OFFSET,
    FAILURE_OFFSET,
    FAMILIES,
    FAMILY_OF,
    IS_HARD,
    SHARES,
    SUB_DIMENSIONS,
    TIERS,
)
from orchestration.sample.development import EFFECT_DAYS, FOCUS, METRIC_CHANGE, Coaching
from orchestration.sample.frames import logistic
from orchestration.sample.quality import Evaluators
from orchestration.sample.tickets import REOPEN_LOGIT, REPEAT_LOGIT
from orchestration.sample.world import NEVER, Latent, Traits, World

MIX = SHARES / SHARES.sum()


def truth_tables(
    world: World,
    traits: Traits,
    latent: Latent,
    evaluators: Evaluators,
    coaching: Coaching,
    session: np.ndarray,
    plan_people: np.ndarray,
) -> dict[str, pd.DataFrame]:
    """All truth tables but the ledger, by name; `session` numbers the planned sessions."""
    months = _agent_months(world, traits, latent)
    return {
        "agents": _agents(world, traits, months, coaching, plan_people),
        "agent_months": months,
        "coaching_effects": _coaching(world, coaching, session),
        "evaluators": pd.DataFrame(
            {
                "evaluator_id": evaluators.ids,
                "severity": evaluators.severity,
                "noise_sd": evaluators.noise,
                "is_rough": evaluators.is_rough,
            }
        ),
        "contact_types": pd.DataFrame(
            {
                "contact_type": ALL_CONTACT_TYPES,
                "contact_family": [(*FAMILIES, ALL_CONTACT_TYPES[-1])[k] for k in FAMILY_OF],
                "handle_factor": EFFORT,
                "csat_logit": CSAT_OFFSET,
                "failure_logit": FAILURE_OFFSET,
                "escalation_logit": ESCALATION_OFFSET,
                "is_hard": IS_HARD,
            }
        ),
    }


def _over_mix(level: np.ndarray, offset: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Probability at the average mix of contact types, same shape as `level`."""
    return sum(
        share * logistic(level + scale * add)
        for share, add in zip(MIX, offset[: len(MIX)], strict=True)
    )


def _agent_months(world: World, traits: Traits, latent: Latent) -> pd.DataFrame:
    """One row per agent and month with an assignment: the mean true levels of its days."""
    clock = world.clock
    months = len(clock.month_starts)
    employed = world.team[:, : clock.days] >= 0
    selector = np.eye(months)[clock.month_of_day[: clock.days]]
    days = employed @ selector
    agent, month = np.nonzero(days)

    def mean(levels: np.ndarray) -> np.ndarray:
        total = np.where(employed, levels[:, : clock.days], 0) @ selector
        return (total / np.maximum(days, 1))[agent, month]

    satisfaction = _over_mix(latent.satisfaction, CSAT_OFFSET)
    reopen = 0.92 * _over_mix(latent.failure + REOPEN_LOGIT, FAILURE_OFFSET, 0.8)
    repeat = _over_mix(latent.failure + REPEAT_LOGIT, FAILURE_OFFSET, 0.7)
    frame = pd.DataFrame(
        {
            "agent_id": np.array(world.agent_ids)[agent],
            "period_month": pd.to_datetime([clock.month_starts[k] for k in month]).date,
            "true_quality": mean(latent.quality),
            "true_critical_error_rate": mean(latent.critical),
            "true_speed": mean(latent.speed),
            "true_adherence": mean(latent.adherence),
            "true_satisfaction": mean(satisfaction),
            "true_first_contact": mean((1 - reopen) * (1 - repeat)),
            "true_repeat_rate": mean(repeat),
            "true_escalation_rate": mean(_over_mix(latent.escalation, ESCALATION_OFFSET)),
            "true_training_on_time": traits.on_time[agent],
            "true_articles": traits.articles[agent],
            "true_quality_noise": np.hypot(traits.quality_noise, 6.0)[agent],
        }
    )
    frame["true_overall"] = _overall(frame)
    return frame


def _overall(frame: pd.DataFrame) -> np.ndarray:
    """The month's score to be expected at the true levels under the default scorecard.

    A month's sample is small and attainment stops at the target, so even a perfect agent expects
    less than all of it; without that, everybody above the targets would be tied.
    """

    def reached(level: pd.Series, floor: float, target: float, sd: pd.Series | float) -> np.ndarray:
        scale = target - floor
        return _mean_within_limits((level - floor) / scale, sd / abs(scale))

    def of_rate(level: pd.Series, floor: float, target: float, sample: int) -> np.ndarray:
        return reached(level, floor, target, np.sqrt(level * (1 - level) / sample))

    speed, noise = frame["true_speed"], frame["true_quality_noise"]
    off_band = np.maximum(np.maximum(speed - 1, 0.85 - speed), 0)
    evaluations = 5.3
    parts = (
        (0.20, reached(frame["true_quality"], 60, 85, noise / np.sqrt(evaluations))),
        (0.05, reached(noise, 20, 8, 0.3 * noise)),
        # One critical error among a month's evaluations already costs all of it.
        (0.10, (1 - frame["true_critical_error_rate"]) ** evaluations),
        (0.08, reached(off_band, 0.40, 0.10, 0.06)),
        (0.05, reached(2.5 * speed**-0.8, 1.0, 3.0, 0.4)),
        (0.07, reached(frame["true_adherence"], 0.75, 0.92, 0.012)),
        (0.12, of_rate(frame["true_satisfaction"], 0.60, 0.85, 11)),
        (0.12, of_rate(frame["true_first_contact"], 0.45, 0.75, 90)),
        (0.04, of_rate(frame["true_escalation_rate"], 0.30, 0.10, 110)),
        (0.07, of_rate(frame["true_repeat_rate"], 0.25, 0.08, 90)),
        (0.05, reached(frame["true_training_on_time"], 0.5, 1.0, 0.2)),
        (0.02, reached(frame["true_articles"], 0.0, 2.0, 1.4)),
    )
    weight = sum(part[0] for part in parts)
    return 100 * np.asarray(sum(part[0] * part[1] for part in parts)) / weight


def _mean_within_limits(mean: pd.Series, sd: pd.Series | float) -> np.ndarray:
    """Mean of a normal variable held to 0..1, same shape as `mean`."""

    def below(limit: float) -> np.ndarray:
        """Mean of min(x, limit)."""
        z = np.asarray((limit - mean) / sd)
        share = np.array([0.5 * (1 + math.erf(value / math.sqrt(2))) for value in z])
        density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
        return np.asarray(mean) * share - np.asarray(sd) * density + limit * (1 - share)

    return below(1.0) - below(0.0)


def _agents(
    world: World,
    traits: Traits,
    months: pd.DataFrame,
    coaching: Coaching,
    plan_people: np.ndarray,
) -> pd.DataFrame:
    """One row per human agent: means of the months, the planted groups, home team, tier."""
    groups = world.groups
    clock = world.clock
    levels = [name for name in months.columns if name.startswith("true_")]
    means = months.groupby("agent_id")[levels].mean().reindex(world.agent_ids).reset_index()
    by_team = np.stack(
        [(world.team[:, : clock.days] == team).sum(axis=1) for team in range(world.teams)], axis=1
    )
    tier = world.tier[:, : clock.days].max(axis=1)
    trend = np.select(
        [groups.strong_decliner, groups.mild_decliner, groups.improver],
        ["strong_declining", "declining", "improving"],
        "stable",
    )
    named = {f"is_{name}": mask for name, mask in vars(groups).items()}
    numbers_ = np.arange(world.agents)
    return means.assign(
        home_team_id=np.array(world.team_ids)[by_team.argmax(axis=1)],
        tier=np.array(TIERS)[tier],
        trend=trend,
        **named,
        is_late_in_roster=numbers_ == np.flatnonzero(groups.joiner)[0],
        has_left=world.left < NEVER,
        is_on_plan=np.isin(numbers_, plan_people),
        coaching_sessions=np.bincount(coaching.agent, minlength=world.agents),
        weak_sub_dimension=np.array(SUB_DIMENSIONS)[traits.profile.argmin(axis=1)],
        strong_sub_dimension=np.array(SUB_DIMENSIONS)[traits.profile.argmax(axis=1)],
    )


def _coaching(world: World, coaching: Coaching, session: np.ndarray) -> pd.DataFrame:
    """One row per session with a focus; the effect is in the unit of its metric."""
    change = np.array(METRIC_CHANGE)[coaching.focus]
    held = world.clock.first_day + coaching.day
    frame = pd.DataFrame(
        {
            "session_id": [f"K{number + 1:05d}" for number in session],
            "agent_id": np.array(world.agent_ids)[coaching.agent],
            "focus_metric": np.array(FOCUS)[coaching.focus],
            "held_on": pd.to_datetime(held, unit="D").date,
            "true_effect": coaching.strength * change,
            "effect_days": EFFECT_DAYS,
        }
    )
    return frame.sort_values("session_id", ignore_index=True)
