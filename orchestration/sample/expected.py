"""What score a month is to be expected to give at known true levels.

Here: rates at the average mix of contacts, and the expected overall score under the scorecard in
force. Not here: anything drawn. The scorecards are written out again: the generator reads nothing,
and a test holds them against the seeds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from orchestration.sample.catalogue import (
    CSAT_OFFSET,
    ESCALATION_OFFSET,
    FAILURE_OFFSET,
    REOPEN_LOGIT,
    REPEAT_LOGIT,
    SHARES,
)
from orchestration.sample.frames import logistic

MIX = SHARES / SHARES.sum()
# Reopens after the repeat window do not count against the first contact.
REOPENED_IN_TIME = 0.92
# Evaluations, answers and other facts of an average month; a month's score is as noisy as these.
EVALUATIONS, ANSWERS, SOLVES, CONTACTS = 8.0, 22, 85, 100


@dataclass(frozen=True)
class Scorecard:
    """Weight, floor and target of each metric from the month `effective_from` on."""

    effective_from: date
    weights: Mapping[str, float]
    limits: Mapping[str, tuple[float, float]]


_LIMITS = {
    "qa_score": (60.0, 85.0),
    "qa_consistency": (20.0, 8.0),
    "critical_error_rate": (0.15, 0.02),
    "aht_index": (0.40, 0.10),
    "contacts_per_productive_hour": (1.0, 3.0),
    "schedule_adherence": (0.75, 0.92),
    "csat": (0.60, 0.85),
    "fcr_rate": (0.45, 0.75),
    "escalation_rate": (0.30, 0.10),
    "repeat_contact_rate": (0.25, 0.08),
    "training_completion_rate": (0.5, 1.0),
    "kb_contributions": (0.0, 2.0),
    "goal_progress": (0.2, 0.8),
}
_WEIGHTS = {
    "qa_score": 0.20,
    "qa_consistency": 0.05,
    "critical_error_rate": 0.10,
    "aht_index": 0.08,
    "contacts_per_productive_hour": 0.05,
    "schedule_adherence": 0.07,
    "csat": 0.12,
    "fcr_rate": 0.12,
    "escalation_rate": 0.04,
    "repeat_contact_rate": 0.07,
    "training_completion_rate": 0.05,
    "kb_contributions": 0.02,
    "goal_progress": 0.03,
}
SCORECARDS = (
    Scorecard(date(2025, 10, 1), _WEIGHTS, _LIMITS),
    Scorecard(
        date(2026, 4, 1),
        {
            **_WEIGHTS,
            "contacts_per_productive_hour": 0.03,
            "csat": 0.13,
            "fcr_rate": 0.14,
            "kb_contributions": 0.01,
        },
        {**_LIMITS, "fcr_rate": (0.45, 0.77)},
    ),
)


def scorecard_of(month: date) -> Scorecard:
    """The scorecard in force; the first one also for months before it."""
    known = [card for card in SCORECARDS if card.effective_from <= month]
    return (known or SCORECARDS[:1])[-1]


def over_mix(level: np.ndarray, offset: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Probability at the average mix of contact types, same shape as `level` (logits)."""
    return sum(
        share * logistic(level + scale * add)
        for share, add in zip(MIX, offset[: len(MIX)], strict=True)
    )


def positive_rate(satisfaction: np.ndarray) -> np.ndarray:
    """Share of positive answers at the average mix."""
    return over_mix(satisfaction, CSAT_OFFSET)


def repeat_rate(failure: np.ndarray) -> np.ndarray:
    """Share of final solves after which the customer comes back, at the average mix."""
    return over_mix(failure + REPEAT_LOGIT, FAILURE_OFFSET, 0.7)


def first_contact_rate(failure: np.ndarray) -> np.ndarray:
    """Share of first solves that hold, at the average mix."""
    reopened = REOPENED_IN_TIME * over_mix(failure + REOPEN_LOGIT, FAILURE_OFFSET, 0.8)
    return (1 - reopened) * (1 - repeat_rate(failure))


def escalated_rate(escalation: np.ndarray) -> np.ndarray:
    """Share of first-tier contacts handed off, at the average mix."""
    return over_mix(escalation, ESCALATION_OFFSET)


def expected_overall(levels: Mapping[str, np.ndarray], card: Scorecard) -> np.ndarray:
    """The month's overall score to be expected, shape of the levels (one dimension).

    `levels` by the names of the truth tables: true_quality, true_quality_noise,
    true_critical_error_rate, true_speed, true_adherence, true_satisfaction, true_first_contact,
    true_repeat_rate, true_escalation_rate, true_training_on_time, true_articles.

    A month's sample is small and attainment stops at the target, so even a perfect agent expects
    less than all of it; without that, everybody above the targets would be tied.
    """

    def reached(metric: str, level: np.ndarray, sd: np.ndarray | float) -> np.ndarray:
        floor, target = card.limits[metric]
        scale = target - floor
        share = _mean_within_limits((level - floor) / scale, sd / abs(scale))
        return card.weights[metric] * share

    def of_rate(metric: str, level: np.ndarray, sample: int) -> np.ndarray:
        return reached(metric, level, np.sqrt(level * (1 - level) / sample))

    speed, noise = levels["true_speed"], levels["true_quality_noise"]
    # Handle time is compared with that of peers, who are a little slower than the middle.
    index = speed / 1.02
    off_band = np.maximum(np.maximum(index - 1, 0.85 - index), 0)
    # Who is away from the desk has less time for the same contacts.
    pace = 1.8 * speed**-0.8 * 0.94 / levels["true_adherence"]
    # One critical error among a month's evaluations costs nearly all of it.
    spotless = (1 - levels["true_critical_error_rate"]) ** EVALUATIONS
    parts = (
        reached("qa_score", levels["true_quality"], noise / np.sqrt(EVALUATIONS)),
        reached("qa_consistency", noise, 0.25 * noise),
        card.weights["critical_error_rate"] * spotless,
        reached("aht_index", off_band, 0.05),
        reached("contacts_per_productive_hour", pace, 0.4),
        reached("schedule_adherence", levels["true_adherence"], 0.012),
        of_rate("csat", levels["true_satisfaction"], ANSWERS),
        of_rate("fcr_rate", levels["true_first_contact"], SOLVES),
        of_rate("escalation_rate", levels["true_escalation_rate"], CONTACTS),
        of_rate("repeat_contact_rate", levels["true_repeat_rate"], SOLVES),
        reached("training_completion_rate", levels["true_training_on_time"], 0.2),
        reached("kb_contributions", levels["true_articles"], 1.4),
    )
    # Goals are agreed one by one; their progress is the same for all as far as can be expected.
    goals = 0.7 * card.weights["goal_progress"]
    return 100 * (sum(parts) + goals)


def _mean_within_limits(mean: np.ndarray, sd: np.ndarray | float) -> np.ndarray:
    """Mean of a normal variable held to 0..1, same shape as `mean`."""
    mean = np.asarray(mean, dtype=float)

    def below(limit: float) -> np.ndarray:
        """Mean of min(x, limit)."""
        z = (limit - mean) / sd
        share = np.array([0.5 * (1 + math.erf(value / math.sqrt(2))) for value in z])
        density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
        return mean * share - sd * density + limit * (1 - share)

    return below(1.0) - below(0.0)
