"""How sure a metric's value is, and where it stands among peers.

Belongs here: intervals, case-mix adjustment, stabilised values, confidence, percentiles. Does not
belong here: sums of facts and scores (scorecard.py), bands (bands.py). Square roots have 50 digits,
everything else is an exact fraction; columns are rounded to 6 decimals where they are published.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from tests.reference.facts import clamp
from tests.reference.peers import round6

Row = dict[str, Any]

Z = Fraction("1.959964")
RATES = (
    "critical_error_rate",
    "csat",
    "fcr_rate",
    "escalation_rate",
    "repeat_contact_rate",
    "training_completion_rate",
)
CASE_MIX = ("csat", "fcr_rate", "escalation_rate", "repeat_contact_rate")
FEWEST_TO_SHRINK = 3
TEAM_OF_PEERS = 10
SLOW = Fraction("1.30")
RUSHING = Fraction("0.70")


def square_root(number: Fraction) -> Fraction:
    with localcontext() as context:
        context.prec = 50
        return Fraction((Decimal(number.numerator) / Decimal(number.denominator)).sqrt())


# One row


def wilson(rate: Fraction, n: int) -> tuple[Fraction, Fraction]:
    """Wilson score interval of a rate of n."""
    centre = rate + Z**2 / (2 * n)
    half = Z * square_root(rate * (1 - rate) / n + Z**2 / (4 * n**2))
    share = 1 + Z**2 / n
    return clamp((centre - half) / share), clamp((centre + half) / share)


def mean_interval(mean: Fraction, variance: Fraction, n: int) -> tuple[Fraction, Fraction]:
    """Normal interval of a score of 0 to 100."""
    half = Z * square_root(variance / n)
    return max(mean - half, Fraction(0)), min(mean + half, Fraction(100))


def adjusted(tier_rate: Fraction | None, sums: Row) -> Fraction | None:
    """The rate of the tier moved by observed over expected; None where one of them is missing."""
    if tier_rate is None or not sums["expected"]:
        return None
    return round6(clamp(tier_rate * sums["observed"] / sums["expected"]))


def flag_of(row: Row, is_adjusted: bool) -> str | None:
    """Name of what is to be known of a row; no metric can have two."""
    if row["value"] is None:
        return None
    if row["metric"] in CASE_MIX and not is_adjusted:
        return "not_adjusted"
    if row["metric"] == "aht_index" and row["value"] >= SLOW:
        return "slow"
    if row["metric"] == "aht_index" and row["value"] <= RUSHING:
        return "rushing"
    return None


# The rows of a tier, month and window


def spread_of(rows: list[Row]) -> Fraction | None:
    """Variance of evaluation scores within agents (s_w squared), pooled over the rows of
    qa_consistency of a tier."""
    freedom = sum(row["denominator"] for row in rows if row["denominator"] >= 1)
    squares = sum(row["numerator"] for row in rows if row["denominator"] >= 1)
    return squares / freedom if freedom else None


def set_intervals(rows: list[Row], spread: Fraction | None) -> None:
    """interval_lower and interval_upper of the rows of one metric; None for those without one."""
    for row in rows:
        bounds = None
        if row["value"] is not None and row["metric"] in RATES:
            bounds = wilson(row["value"], row["sample_size"])
        elif row["value"] is not None and row["metric"] == "qa_score" and spread is not None:
            bounds = mean_interval(row["value"], spread, row["sample_size"])
        row["interval_lower"], row["interval_upper"] = (
            map(round6, bounds) if bounds else (None,) * 2
        )


def set_stabilised(rows: list[Row], spread: Fraction | None) -> None:
    """stabilised_value and reliability of the rows of one metric: drawn to the tier's mean, the
    more so the smaller the sample."""
    for row in rows:
        row["stabilised_value"] = row["reliability"] = None
    metric = rows[0]["metric"]
    if metric not in RATES and metric != "qa_score":
        return
    sampled = [row for row in rows if row["sample_size"] > 0]
    if not sampled:
        return
    pairs = [(row["sample_size"], row["adjusted_value"]) for row in sampled]
    total = sum(n for n, _ in pairs)
    mean = sum(n * x for n, x in pairs) / total
    within = mean * (1 - mean) if metric in RATES else spread
    between = between_agents(pairs, mean, within)
    for row, (n, x) in zip(sampled, pairs, strict=True):
        if between == 0:
            share = Fraction(0)
        elif metric in RATES:
            share = n / (n + max(within / between - 1, Fraction(0)))
        else:
            share = between / (between + within / n)
        row["stabilised_value"] = round6(mean + share * (x - mean))
        row["reliability"] = round6(share)


def between_agents(
    pairs: list[tuple[int, Fraction]], mean: Fraction, within: Fraction | None
) -> Fraction:
    """Variance between agents (tau squared) of (n, x); 0 where agents are too few to tell, or
    nothing is known of the variance within them."""
    if len(pairs) < FEWEST_TO_SHRINK or within is None:
        return Fraction(0)
    total = sum(n for n, _ in pairs)
    deviations = sum(n * (x - mean) ** 2 for n, x in pairs)
    scale = total - Fraction(sum(n**2 for n, _ in pairs), total)
    return max((deviations - (len(pairs) - 1) * within) / scale, Fraction(0))


def confidence(reliability: Fraction | None, band_rules: dict[str, Fraction]) -> str:
    if reliability is not None and reliability >= band_rules["confidence_band_grade"]:
        return "band_grade"
    if reliability is not None and reliability >= band_rules["confidence_indicative"]:
        return "indicative"
    return "insufficient"


# The rows of a month and window


def goodness(row: Row, judged: Fraction, direction: str) -> Fraction:
    """What agents are ranked by, greater is better. `judged`: adjusted_value as it is held against
    the target."""
    ranked = row["stabilised_value"] if row["reliability"] else judged
    return ranked if direction == "higher" else -ranked


def set_percentiles(rows: list[Row], goods: list[Fraction | None]) -> None:
    """Percentile of each eligible row of one metric among its peers; `goods`: goodness by row."""
    for row in rows:
        row["percentile"] = None
    eligible = [(row, good) for row, good in zip(rows, goods, strict=True) if row["is_eligible"]]
    for row, good in eligible:
        peers = [other for one, other in eligible if one["team_id"] == row["team_id"]]
        if len(peers) < TEAM_OF_PEERS:
            peers = [other for one, other in eligible if one["tier"] == row["tier"]]
        worse = sum(other < good for other in peers)
        ties = sum(other == good for other in peers)
        row["percentile"] = round6((worse + Fraction(ties, 2)) / len(peers))
