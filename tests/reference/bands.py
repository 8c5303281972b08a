"""Bands: the rules of a month applied to an agent's quarter, and the trajectory behind them.

Belongs here: rules, trajectory, and how bands follow each other. Does not belong here: any number
of a metric or score (fairness.py, scorecard.py); rules read the published columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import combinations
from math import erfc, sqrt
from statistics import median
from typing import Any

from tests.reference.peers import round6
from tests.reference.people import previous_month

Row = dict[str, Any]
Parameters = dict[str, Fraction]

STRONG_OR_BETTER = ("exceptional", "strong")
CONFIDENCES = ("insufficient", "indicative", "band_grade")


@dataclass(frozen=True)
class AgentMonth:
    """What the rules see of an agent and month.

    `scores`, `metrics`: the rows of agent_scorecard, and by metric of agent_scorecard_metrics, of
    window quarter. `months`: by metric the rows of window month of the quarter's months, earliest
    first. `overall`: the month's own overall score. `productive_days`: days of the quarter with
    productive time. `rules`: by metric the row of the scorecard version.
    """

    agent_id: str
    month: date
    scores: Row
    metrics: dict[str, Row]
    months: dict[str, list[Row]]
    overall: Fraction | None
    productive_days: int
    rules: dict[str, Row]
    parameters: Parameters
    vintage: str


def months_before(month: date, count: int) -> list[date]:
    """The `count` calendar months before a month, latest first."""
    found = [month]
    for _ in range(count):
        found.append(previous_month(found[-1]))
    return found[1:]


# Trajectory


def theil_sen(points: list[tuple[int, Fraction]]) -> Fraction:
    """Median of the slopes of all pairs of (month number, score)."""
    return Fraction(median((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2)))


def mann_kendall_p(scores: list[Fraction]) -> float:
    """Two-sided p of the Mann-Kendall test: normal approximation, corrected for continuity and
    ties."""
    n = len(scores)
    s = sum((later > earlier) - (later < earlier) for earlier, later in combinations(scores, 2))
    groups = [scores.count(score) for score in set(scores)]
    ties = sum(t * (t - 1) * (2 * t + 5) for t in groups)
    variance = Fraction(n * (n - 1) * (2 * n + 5) - ties, 18)
    if s == 0:
        return 1.0
    z = (abs(s) - 1) / sqrt(variance)
    return erfc(z / sqrt(2))


def trajectory(
    seen: AgentMonth, rated: dict[date, Fraction]
) -> tuple[str, Fraction | None, Fraction | None]:
    """(trajectory, slope, p). `rated`: overall scores of the agent's rated months, up to this."""
    length = int(seen.parameters["trajectory_months"])
    months = [*reversed(months_before(seen.month, length - 1)), seen.month]
    points = [(place, rated[month]) for place, month in enumerate(months) if month in rated]
    if len(points) < seen.parameters["trajectory_min_months"]:
        return "new", None, None
    slope = round6(theil_sen(points))
    p = round6(Fraction(mann_kendall_p([score for _, score in points])))
    if slope <= seen.parameters["declining_slope"] and p < seen.parameters["declining_p"]:
        return "declining", slope, p
    return "improving" if slope >= seen.parameters["improving_slope"] else "flat", slope, p


# Rules


def key_rows(seen: AgentMonth) -> list[Row]:
    """The quarter's eligible key metrics."""
    return [
        row for metric, row in seen.metrics.items()
        if seen.rules[metric]["is_key"] and row["is_eligible"]
    ]  # fmt: skip


def is_not_rated(seen: AgentMonth) -> bool:
    return (
        seen.scores["overall_score"] is None
        or seen.scores["tenure_days"] < seen.parameters["min_tenure_days"]
        or seen.productive_days < seen.parameters["min_productive_days"]
        or not key_rows(seen)
    )


def gate(seen: AgentMonth) -> str | None:
    """`closed` where critical errors are too many beyond doubt, `watch` where they only look it."""
    row = seen.metrics["critical_error_rate"]
    threshold = seen.rules["critical_error_rate"]["gate_threshold"]
    if threshold is None or not row["is_eligible"]:
        return None
    if row["interval_lower"] > threshold:
        return "closed"
    return "watch" if row["value"] > threshold else None


def meets_all_keys(seen: AgentMonth) -> bool:
    return all(row["meets_target"] for row in key_rows(seen))


def is_met(row: Row) -> bool:
    return row["is_eligible"] and row["meets_target"]


def is_exceptional(seen: AgentMonth) -> bool:
    percentiles = [seen.metrics[metric]["percentile"] for metric in ("qa_score", "csat")]
    fcr, index, articles = (
        seen.metrics[metric] for metric in ("fcr_rate", "aht_index", "kb_contributions")
    )
    return (
        meets_all_keys(seen)
        and all(
            percentile is not None and percentile >= seen.parameters["exceptional_percentile"]
            for percentile in percentiles
        )
        and fcr["is_eligible"]
        and fcr["team_adjusted_value"] is not None
        and fcr["adjusted_value"] > fcr["team_adjusted_value"]
        and index["is_eligible"]
        and index["value"] > seen.parameters["exceptional_aht_low"]
        and index["value"] <= seen.parameters["exceptional_aht_high"]
        and (
            is_met(seen.metrics["training_completion_rate"])
            or (articles["value"] is not None and articles["value"] > 0)
            or is_met(seen.metrics["goal_progress"])
        )
    )


def is_strong(seen: AgentMonth) -> bool:
    return meets_all_keys(seen) and all(
        row["is_eligible"]
        and row["team_adjusted_value"] is not None
        and row["adjusted_value"] >= row["team_adjusted_value"]
        for row in (seen.metrics["qa_score"], seen.metrics["csat"])
    )


def is_clearly_missed(seen: AgentMonth, metric: str) -> bool:
    """Missed in every month that can be judged, and beyond the doubt of the quarter's interval."""
    judged = [row for row in seen.months[metric] if row["is_eligible"]]
    if len(judged) < seen.parameters["clearly_missed_months"]:
        return False
    if any(row["meets_target"] for row in judged):
        return False
    quarter, rule = seen.metrics[metric], seen.rules[metric]
    if quarter["interval_lower"] is None:
        return quarter["meets_target"] is False
    if rule["direction"] == "higher":
        return quarter["interval_upper"] < rule["target"]
    return quarter["interval_lower"] > rule["target"]


def falls_below(seen: AgentMonth, course: str, was_strong: bool) -> bool:
    """Whether the trajectory asks for a closer look at the agent."""
    keys = [metric for metric in seen.metrics if seen.rules[metric]["is_key"]]
    if course in ("flat", "declining") and any(is_clearly_missed(seen, one) for one in keys):
        return True
    return course == "declining" and was_strong


def decide(seen: AgentMonth, course: str, was_strong: bool) -> tuple[str, str]:
    """(band, deciding rule) of a rated month; `was_strong`: strong or better in the lookback."""
    if gate(seen) == "closed":
        return "below_expectations", "critical_gate"
    if is_exceptional(seen):
        band, rule = "exceptional", "exceptional"
    elif is_strong(seen):
        band, rule = "strong", "strong"
    elif falls_below(seen, course, was_strong):
        band, rule = "below_expectations", "trajectory"
    else:
        band, rule = "developing", "developing"
    if gate(seen) == "watch" and band in STRONG_OR_BETTER:
        return "developing", "critical_gate"
    return band, rule


def flags_of(seen: AgentMonth) -> str | None:
    names = {row["flag"] for row in seen.metrics.values()} - {None}
    if gate(seen) == "watch" and not is_not_rated(seen):
        names.add("critical_error_watch")
    return ";".join(sorted(names)) or None


# One agent


def bands_of_agent(months: list[AgentMonth]) -> list[Row]:
    """Rows of performance_bands of one agent from its ended months, earliest first."""
    rows: list[Row] = []
    bands: dict[date, str] = {}
    rated: dict[date, Fraction] = {}
    lengths: dict[date, int] = {}
    for seen in months:
        course = slope = p = None
        if is_not_rated(seen):
            band, rule = "not_rated", "not_rated"
        else:
            if seen.overall is not None:
                rated[seen.month] = seen.overall
            course, slope, p = trajectory(seen, rated)
            lookback = months_before(seen.month, int(seen.parameters["declining_lookback"]))
            was_strong = any(bands.get(month) in STRONG_OR_BETTER for month in lookback)
            band, rule = decide(seen, course, was_strong)
        before = previous_month(seen.month)
        lengths[seen.month] = 1 + (lengths[before] if bands.get(before) == band else 0)
        bands[seen.month] = band
        doubts = [seen.metrics[metric]["confidence"] for metric in ("qa_score", "csat")]
        rows.append(
            {
                "agent_id": seen.agent_id,
                "period_month": seen.month,
                "team_id": seen.scores["team_id"],
                "tier": seen.scores["tier"],
                "band": band,
                "previous_band": bands.get(before),
                "months_in_band": lengths[seen.month],
                "trajectory": course,
                "slope": slope,
                "mann_kendall_p": p,
                "confidence": min(doubts, key=CONFIDENCES.index),
                "deciding_rule": rule,
                "flags": flags_of(seen),
                "scorecard_version": seen.scores["scorecard_version"],
                "vintage": seen.vintage,
            }
        )
    return rows
