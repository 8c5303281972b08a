"""The hidden truth of the sample as tables, for tests that ask whether the marts find it.

Here: latent levels per agent and month, planted groups and declines, effects of coaching, intended
outcomes of plans, evaluators, difficulties.
Not here: anything computed from what was drawn; the marts never read these files.
"""

from __future__ import annotations

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
    SUB_DIMENSIONS,
    TIERS,
)
from orchestration.sample.development import (
    EFFECT_DAYS,
    FOCUS,
    Coaching,
    PlanFrames,
    true_effects,
)
from orchestration.sample.expected import (
    escalated_rate,
    expected_overall,
    first_contact_rate,
    positive_rate,
    repeat_rate,
    scorecard_of,
)
from orchestration.sample.quality import Evaluators
from orchestration.sample.world import (
    FALL_PER_MONTH,
    NEVER,
    Latent,
    Traits,
    World,
    fall_months,
    quality_noise,
)


def truth_tables(
    world: World,
    traits: Traits,
    latent: Latent,
    evaluators: Evaluators,
    coaching: Coaching,
    session: np.ndarray,
    plans: PlanFrames,
) -> dict[str, pd.DataFrame]:
    """All truth tables but the ledger, by name; `session` numbers the planned sessions."""
    months = _agent_months(world, traits, latent)
    return {
        "agents": _agents(world, traits, months, coaching, plans.people),
        "agent_months": months,
        "coaching_effects": _coaching(world, coaching, session, latent),
        "declines": _declines(world),
        "improvement_plans": _plans(world, plans),
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

    frame = pd.DataFrame(
        {
            "agent_id": np.array(world.agent_ids)[agent],
            "period_month": pd.to_datetime([clock.month_starts[k] for k in month]).date,
            "true_quality": mean(latent.quality),
            "true_critical_error_rate": mean(latent.critical),
            "true_speed": mean(latent.speed),
            "true_adherence": mean(latent.adherence),
            "true_satisfaction": mean(positive_rate(latent.satisfaction)),
            "true_first_contact": mean(first_contact_rate(latent.failure)),
            "true_repeat_rate": mean(repeat_rate(latent.failure)),
            "true_escalation_rate": mean(escalated_rate(latent.escalation)),
            "true_training_on_time": traits.on_time[agent],
            "true_articles": traits.articles[agent],
            "true_quality_noise": quality_noise(traits)[agent],
        }
    )
    frame["true_overall"] = _overall(frame)
    return frame


def _overall(frame: pd.DataFrame) -> np.ndarray:
    """The month's score to be expected at the true levels under the scorecard in force."""
    result = np.empty(len(frame))
    for month in frame["period_month"].unique():
        rows = np.flatnonzero(frame["period_month"] == month)
        levels = {
            name: frame[name].to_numpy()[rows] for name in frame.columns if name.startswith("true_")
        }
        result[rows] = expected_overall(levels, scorecard_of(month))
    return result


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
        is_unchanged=groups.unchanged,
        is_late_in_roster=numbers_ == np.flatnonzero(groups.joiner)[0],
        has_left=world.left < NEVER,
        is_on_plan=np.isin(numbers_, plan_people),
        coaching_sessions=np.bincount(coaching.agent, minlength=world.agents),
        weak_sub_dimension=np.array(SUB_DIMENSIONS)[traits.profile.argmin(axis=1)],
        strong_sub_dimension=np.array(SUB_DIMENSIONS)[traits.profile.argmax(axis=1)],
    )


def _coaching(
    world: World, coaching: Coaching, session: np.ndarray, latent: Latent
) -> pd.DataFrame:
    """One row per session with a focus; the effect is in the unit of its metric."""
    held = world.clock.first_day + coaching.day
    frame = pd.DataFrame(
        {
            "session_id": [f"K{number + 1:05d}" for number in session],
            "agent_id": np.array(world.agent_ids)[coaching.agent],
            "focus_metric": np.array(FOCUS)[coaching.focus],
            "held_on": pd.to_datetime(held, unit="D").date,
            "true_effect": true_effects(world, coaching, latent),
            "effect_days": EFFECT_DAYS,
        }
    )
    return frame.sort_values("session_id", ignore_index=True)


def _declines(world: World) -> pd.DataFrame:
    """One row per strong decliner and month of the fall: points lost so far, to be expected."""
    who = np.flatnonzero(world.groups.strong_decliner)
    months = fall_months(world.clock)
    step = np.tile(np.arange(1, len(months) + 1), len(who))
    return pd.DataFrame(
        {
            "agent_id": np.repeat(np.array(world.agent_ids)[who], len(months)),
            "period_month": np.tile(np.array(months), len(who)),
            "step": step,
            "true_fall": FALL_PER_MONTH * step,
        }
    )


def _plans(world: World, plans: PlanFrames) -> pd.DataFrame:
    """One row per improvement plan with what it was made to come to."""
    return pd.DataFrame(
        {
            "plan_id": [f"P{number + 1:03d}" for number in range(len(plans.people))],
            "agent_id": np.array(world.agent_ids)[plans.people],
            "intended_outcome": plans.intents,
        }
    )
