"""Facts summed to values, values judged against targets, judgements weighed into scores.

Belongs here: windows, sums, formulas and scores of the scorecards, with the columns of the marts.
Does not belong here: what counts as a fact (facts.py). Numbers are exact fractions, rounded to 6
decimals where a column is published, and later formulas take the published column.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from typing import Any

from tests.reference.facts import (
    all_facts,
    clamp,
    home_assignments,
    round6,
    scheduled_pieces,
)
from tests.reference.people import (
    ONE_DAY,
    Assignment,
    People,
    next_month,
    previous_month,
)
from tests.reference.tickets import Tickets

Row = dict[str, Any]
Fact = dict[str, Any]
Key = tuple[Any, ...]
Marts = dict[str, list[Row]]

METRICS = (
    "qa_score",
    "qa_consistency",
    "critical_error_rate",
    "aht_index",
    "contacts_per_productive_hour",
    "schedule_adherence",
    "csat",
    "fcr_rate",
    "escalation_rate",
    "repeat_contact_rate",
    "training_completion_rate",
    "kb_contributions",
    "goal_progress",
)
DIMENSIONS = ("quality", "efficiency", "customer_impact", "development")
WINDOW_MONTHS = {"month": 1, "quarter": 3}
MINIMUM_HOURS = {"month": 20, "quarter": 60}
MINIMUM_COVERAGE = Fraction(7, 10)
AHT_BAND = (Fraction(85, 100), Fraction(1))


def square_root(number: Fraction) -> Fraction:
    with localcontext() as context:
        context.prec = 50
        return Fraction((Decimal(number.numerator) / Decimal(number.denominator)).sqrt())


def squared_deviations(facts: Iterable[Fact]) -> tuple[Fraction, int]:
    """(sum of squared deviations from the mean, number of facts)."""
    scores = [fact["numerator"] for fact in facts]
    if not scores:
        return Fraction(0), 0
    mean = sum(scores) / len(scores)
    return sum(((score - mean) ** 2 for score in scores), Fraction(0)), len(scores)


def consistency(facts: list[Fact]) -> tuple[Fraction, int]:
    """(squared deviations, n - 1), pooled over the agents of the facts: the spread of a team is
    that of its agents around their own means, not of the agents among each other."""
    parts: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        parts[fact["agent_id"]].append(fact)
    pooled = [squared_deviations(part) for part in parts.values()]
    return sum((squares for squares, _ in pooled), Fraction(0)), sum(n - 1 for _, n in pooled)


class Sums:
    """Facts by metric, month and owner (an agent, a team or a tier), and what they come to."""

    def __init__(
        self,
        facts: list[Fact],
        agent_months: dict[tuple[str, date], list[Assignment]],
        first_month: date,
    ):
        self.first_month = first_month
        self.facts: dict[Key, list[Fact]] = defaultdict(list)
        for fact in facts:
            for owner in ("agent", "team", "tier"):
                owner_id = fact["tier" if owner == "tier" else f"{owner}_id"]
                self.facts[fact["metric"], owner, owner_id, fact["month"]].append(fact)
        # Who could contribute: the denominators of kb_contributions.
        self.employed: dict[Key, set[str]] = defaultdict(set)
        for (agent_id, month), assignments in agent_months.items():
            self.employed["agent", agent_id, month].add(agent_id)
            for assignment in assignments:
                self.employed["team", assignment.team_id, month].add(agent_id)
                self.employed["tier", assignment.tier, month].add(agent_id)
        self.published = cache(self.compute)

    def window(self, month: date, window: str) -> list[date]:
        months = [month]
        while len(months) < WINDOW_MONTHS[window]:
            months.append(previous_month(months[-1]))
        return [one for one in months if one >= self.first_month]

    def compute(self, metric: str, owner: str, owner_id: str, month: date, window: str) -> Row:
        """numerator, denominator, value, sample_size and coverage of one owner and window."""
        months = self.window(month, window)
        source = "qa_score" if metric == "qa_consistency" else metric
        facts = [
            fact for one in months for fact in self.facts.get((source, owner, owner_id, one), [])
        ]
        numerator = sum((fact["numerator"] for fact in facts), Fraction(0))
        denominator = sum((fact["denominator"] for fact in facts), Fraction(0))
        sample = sum(fact["sample"] for fact in facts)
        coverage = None
        if metric == "qa_consistency":
            numerator, freedom = consistency(facts)
            denominator = Fraction(freedom)
        elif metric == "schedule_adherence":
            sample = int(denominator // 3600)
        elif metric == "kb_contributions":
            people = (len(self.employed.get((owner, owner_id, one), ())) for one in months)
            denominator = Fraction(sum(people))
        elif metric == "aht_index":
            offered = sum(fact["offered"] for fact in facts)
            coverage = round6(Fraction(sample, offered)) if offered else None
        numerator, denominator = round6(numerator), round6(denominator)
        value = numerator / denominator if denominator else None
        if metric == "contacts_per_productive_hour" and denominator < MINIMUM_HOURS[window]:
            value = None
        if metric == "qa_consistency" and value is not None:
            value = square_root(value)
        return {
            "numerator": numerator,
            "denominator": denominator,
            "value": None if value is None else round6(value),
            "sample_size": sample,
            "coverage": coverage,
        }


# Judgement of one metric


def judged_value(value: Fraction, direction: str) -> Fraction:
    """What is held against target and floor; a band is missed on either side."""
    if direction == "band":
        return max(value - AHT_BAND[1], AHT_BAND[0] - value, Fraction(0))
    return value


def attainment(x: Fraction, rule: Row) -> Fraction:
    return round6(100 * clamp((x - rule["floor"]) / (rule["target"] - rule["floor"])))


def meets_target(x: Fraction, rule: Row) -> bool:
    return x >= rule["target"] if rule["direction"] == "higher" else x <= rule["target"]


def metric_row(sums: Sums, home: Assignment, month: date, window: str, rule: Row) -> Row:
    """A row of agent_scorecard_metrics; its points are set once the scores are known."""
    metric = rule["metric"]
    row = {
        "agent_id": home.agent_id,
        "period_month": month,
        "window": window,
        "metric": metric,
        "team_id": home.team_id,
        "tier": home.tier,
        "dimension": rule["dimension"],
        **sums.published(metric, "agent", home.agent_id, month, window),
    }
    # Until case mix is adjusted for, the adjusted value is the value.
    row["adjusted_value"] = adjusted = row["value"]
    row["minimum_sample"] = rule["minimum_sample"]
    row["is_eligible"] = row["value"] is not None and row["sample_size"] >= rule["minimum_sample"]
    row["team_value"] = sums.published(metric, "team", home.team_id, month, window)["value"]
    row["tier_value"] = sums.published(metric, "tier", home.tier, month, window)["value"]
    row["target"] = rule["target"]
    row["weight"] = rule["weight"]
    row["meets_target"] = row["attainment"] = row["points"] = None
    if adjusted is not None:
        x = judged_value(adjusted, rule["direction"])
        row["meets_target"] = meets_target(x, rule)
        row["attainment"] = attainment(x, rule)
    return row


# Scores


def weighted_mean(pairs: list[tuple[Fraction, Fraction]]) -> Fraction | None:
    """Mean of (weight, score) pairs; None without weight."""
    weight = sum(weight for weight, _ in pairs)
    return sum(weight * score for weight, score in pairs) / weight if weight else None


def score_row(
    people: People, home: Assignment, month: date, window: str, version: str, rows: list[Row]
) -> Row:
    """A row of agent_scorecard from the metric rows of its window, whose points it sets."""
    weights = {
        dimension: sum(row["weight"] for row in rows if row["dimension"] == dimension)
        for dimension in DIMENSIONS
    }
    scores: dict[str, Fraction] = {}
    for dimension in DIMENSIONS:
        score = weighted_mean(
            [
                (row["weight"], row["attainment"])
                for row in rows
                if row["dimension"] == dimension and row["is_eligible"]
            ]
        )
        if score is not None:
            scores[dimension] = round6(score)
    coverage = sum((weights[dimension] for dimension in scores), Fraction(0))
    overall = None
    if coverage >= MINIMUM_COVERAGE and "quality" in scores:
        overall = weighted_mean([(weights[one], score) for one, score in scores.items()])
        overall = None if overall is None else round6(overall)
    if overall is not None:
        set_points(rows, weights, coverage)
    last_day = next_month(month) - ONE_DAY
    return {
        "agent_id": home.agent_id,
        "period_month": month,
        "window": window,
        "team_id": home.team_id,
        "team_name": people.teams[home.team_id]["team_name"],
        "tier": home.tier,
        "tenure_days": (last_day - people.agents[home.agent_id]["hired_on"]).days,
        **{f"{dimension}_score": scores.get(dimension) for dimension in DIMENSIONS},
        "overall_score": overall,
        "coverage": coverage,
        "scorecard_version": version,
    }


def set_points(rows: list[Row], weights: dict[str, Fraction], coverage: Fraction) -> None:
    """What each eligible metric adds to the overall score."""
    for dimension, weight in weights.items():
        eligible = [r for r in rows if r["dimension"] == dimension and r["is_eligible"]]
        eligible_weight = sum(row["weight"] for row in eligible)
        for row in eligible if eligible_weight else []:
            share = weight / coverage * row["weight"] / eligible_weight
            row["points"] = round6(share * row["attainment"])


def run_reference(
    tables: dict[str, list[Row]], seeds: dict[str, list[Row]], as_of: datetime
) -> Marts:
    """The marts agent_scorecard_metrics, agent_scorecard and team_metrics as lists of rows.

    `tables`: the rows that count, by raw table (see raw_rows.rows_that_count); `seeds`: typed seeds
    (see raw_rows.read_seeds); `as_of`: UTC instant of the run.
    """
    first_month = min(row["effective_from"] for row in seeds["scorecard_versions"])
    people = People(tables["agents"], tables["agent_assignments"], tables["teams"], as_of)
    tickets = Tickets(tables["tickets"], tables["ticket_events"], seeds["contact_types"], as_of)
    productive = {row["state"] for row in seeds["agent_state_map"] if row["is_productive"]}
    agent_months = people.agent_months(first_month)
    scheduled = scheduled_pieces(people, tables["schedule_segments"])
    homes = home_assignments(people, agent_months, scheduled)
    facts = all_facts(people, tickets, homes, scheduled, tables, lambda state: state in productive)
    sums = Sums(facts, agent_months, first_month)

    metrics, scorecards = [], []
    for (_, month), home in sorted(homes.items()):
        version = version_in_force(seeds["scorecard_versions"], month)
        rules = [row for row in seeds["scorecard_metrics"] if row["version"] == version]
        for window in WINDOW_MONTHS:
            rows = [metric_row(sums, home, month, window, rule) for rule in rules]
            scorecards.append(score_row(people, home, month, window, version, rows))
            metrics += rows
    return {
        "agent_scorecard_metrics": metrics,
        "agent_scorecard": scorecards,
        "team_metrics": team_rows(sums, agent_months),
    }


def version_in_force(versions: list[Row], month: date) -> str:
    begun = [row for row in versions if row["effective_from"] <= month]
    return max(begun, key=lambda row: row["effective_from"])["version"]


def team_rows(sums: Sums, agent_months: dict[tuple[str, date], list[Assignment]]) -> list[Row]:
    """Rows of team_metrics: each team and month with somebody assigned, month only."""
    team_months = {
        (assignment.team_id, month)
        for (_, month), assignments in agent_months.items()
        for assignment in assignments
    }
    rows = []
    for team_id, month in sorted(team_months):
        for metric in METRICS:
            published = sums.published(metric, "team", team_id, month, "month")
            rows.append(
                {
                    "team_id": team_id,
                    "period_month": month,
                    "metric": metric,
                    **{name: cell for name, cell in published.items() if name != "coverage"},
                }
            )
    return rows
