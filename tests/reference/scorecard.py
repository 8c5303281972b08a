"""Facts summed to values, values judged against targets, judgements weighed into scores.

Belongs here: windows, sums, values and scores of the scorecards, and the run that brings the rows
of all marts about. Does not belong here: what counts as a fact (facts.py), how sure a value is
(fairness.py), bands (bands.py). Numbers are exact fractions, rounded to 6 decimals where a column
is published, and later formulas take the published column.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from fractions import Fraction
from functools import cache
from typing import Any

from tests.reference import fairness
from tests.reference.bands import AgentMonth, bands_of_agent
from tests.reference.facts import (
    CLOSE_AFTER_DAYS,
    all_facts,
    clamp,
    home_assignments,
    scheduled_pieces,
)
from tests.reference.peers import round6
from tests.reference.people import (
    ONE_DAY,
    Assignment,
    People,
    first_instant,
    month_of,
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
SUMS_OF_PEERS = ("observed", "expected")
AHT_BAND = (Fraction(85, 100), Fraction(1))


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
        """numerator, denominator, value, sample_size, coverage and expected_value of one owner and
        window, and observed and expected over the facts whose peers are known."""
        months = self.window(month, window)
        source = "qa_score" if metric == "qa_consistency" else metric
        facts = [
            fact for one in months for fact in self.facts.get((source, owner, owner_id, one), [])
        ]
        numerator = Fraction(sum(fact["numerator"] for fact in facts))
        denominator = Fraction(sum(fact["denominator"] for fact in facts))
        sample = sum(fact["sample"] for fact in facts)
        coverage = expected_value = None
        covered = [fact for fact in facts if fact.get("expected") is not None]
        expected = Fraction(sum(fact["expected"] for fact in covered))
        if metric in fairness.CASE_MIX and facts:
            coverage = round6(Fraction(len(covered), len(facts)))
            expected_value = round6(expected / len(covered)) if covered else None
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
            value = fairness.square_root(value)
        return {
            "numerator": numerator,
            "denominator": denominator,
            "value": None if value is None else round6(value),
            "sample_size": sample,
            "coverage": coverage,
            "expected_value": expected_value,
            "observed": Fraction(sum(fact["numerator"] for fact in covered)),
            "expected": expected,
        }

    def rate(self, metric: str, owner: str, owner_id: str, month: date, window: str) -> Row:
        """The published columns of one owner and window."""
        computed = self.published(metric, owner, owner_id, month, window)
        return {name: cell for name, cell in computed.items() if name not in SUMS_OF_PEERS}


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


def metric_row(
    sums: Sums, home: Assignment, month: date, window: str, rule: Row, vintage: str
) -> Row:
    """A row of agent_scorecard_metrics but for what other agents' rows decide and the points."""
    metric = rule["metric"]
    own = sums.published(metric, "agent", home.agent_id, month, window)
    of_team = sums.published(metric, "team", home.team_id, month, window)
    tier_value = sums.published(metric, "tier", home.tier, month, window)["value"]
    moved = team_moved = None
    if metric in fairness.CASE_MIX:
        moved = fairness.adjusted(tier_value, own)
        team_moved = fairness.adjusted(tier_value, of_team)
    row = {
        "agent_id": home.agent_id,
        "period_month": month,
        "window": window,
        "metric": metric,
        "team_id": home.team_id,
        "tier": home.tier,
        "dimension": rule["dimension"],
        **sums.rate(metric, "agent", home.agent_id, month, window),
        "adjusted_value": own["value"] if moved is None else moved,
        "minimum_sample": rule["minimum_sample"],
        "team_value": of_team["value"],
        "team_adjusted_value": of_team["value"] if team_moved is None else team_moved,
        "tier_value": tier_value,
        "target": rule["target"],
        "weight": rule["weight"],
        "meets_target": None,
        "attainment": None,
        "points": None,
        "vintage": vintage,
    }
    row["is_eligible"] = row["value"] is not None and row["sample_size"] >= rule["minimum_sample"]
    row["flag"] = fairness.flag_of(row, is_adjusted=moved is not None)
    if row["adjusted_value"] is not None:
        x = judged_value(row["adjusted_value"], rule["direction"])
        row["meets_target"] = meets_target(x, rule)
        row["attainment"] = attainment(x, rule)
    return row


def complete_rows(rows: list[Row], rules: dict[str, Row], band_rules: dict[str, Fraction]) -> None:
    """Sets the columns that the rows of a month and window decide together."""
    by_tier: dict[tuple[str, str], list[Row]] = defaultdict(list)
    by_metric: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_tier[row["tier"], row["metric"]].append(row)
        by_metric[row["metric"]].append(row)
    for (tier, _), of_tier in by_tier.items():
        spread = fairness.spread_of(by_tier[tier, "qa_consistency"])
        fairness.set_intervals(of_tier, spread)
        fairness.set_stabilised(of_tier, spread)
        for row in of_tier:
            row["confidence"] = fairness.confidence(row["reliability"], band_rules)
    for metric, of_metric in by_metric.items():
        direction = rules[metric]["direction"]
        goods = [
            fairness.goodness(row, judged_value(row["adjusted_value"], direction), direction)
            if row["is_eligible"]
            else None
            for row in of_metric
        ]
        fairness.set_percentiles(of_metric, goods)


# Scores


def weighted_mean(pairs: list[tuple[Fraction, Fraction]]) -> Fraction | None:
    """Mean of (weight, score) pairs; None without weight."""
    weight = sum(weight for weight, _ in pairs)
    return sum(weight * score for weight, score in pairs) / weight if weight else None


def score_row(
    people: People,
    home: Assignment,
    month: date,
    window: str,
    version: str,
    rows: list[Row],
    band_rules: dict[str, Fraction],
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
    if coverage >= band_rules["min_coverage"] and "quality" in scores:
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
        "vintage": vintage(home, month, people.as_of),
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
    """The marts agent_scorecard_metrics, agent_scorecard, performance_bands and team_metrics as
    lists of rows.

    `tables`: the rows that count, by raw table (see raw_rows.rows_that_count); `seeds`: typed seeds
    (see raw_rows.read_seeds); `as_of`: UTC instant of the run.
    """
    first_month = min(row["effective_from"] for row in seeds["scorecard_versions"])
    people = People(tables["agents"], tables["agent_assignments"], tables["teams"], as_of)
    tickets = Tickets(tables["tickets"], tables["ticket_events"], seeds["contact_types"], as_of)
    states = {row["state"] for row in seeds["agent_state_map"] if row["is_productive"]}
    agent_months = people.agent_months(first_month)
    scheduled = scheduled_pieces(people, tables["schedule_segments"])
    homes = home_assignments(people, agent_months, scheduled)
    productive = [state for state in tables["agent_states"] if state["state"] in states]
    facts = all_facts(people, tickets, homes, scheduled, productive, tables)
    sums = Sums(facts, agent_months, first_month)

    # (agent, month, window) -> metric -> row
    metrics: dict[Key, dict[str, Row]] = {}
    scorecards: dict[Key, Row] = {}
    for month in sorted({month for _, month in homes}):
        of_month = [home for (_, one), home in sorted(homes.items()) if one == month]
        version = version_in_force(seeds["scorecard_versions"], month)
        rules, band_rules = rules_of(seeds, version)
        for window in WINDOW_MONTHS:
            for home in of_month:
                metrics[home.agent_id, month, window] = {
                    metric: metric_row(sums, home, month, window, rule, vintage(home, month, as_of))
                    for metric, rule in rules.items()
                }
            together = [metrics[home.agent_id, month, window] for home in of_month]
            complete_rows([row for rows in together for row in rows.values()], rules, band_rules)
            for home, rows in zip(of_month, together, strict=True):
                scorecards[home.agent_id, month, window] = score_row(
                    people, home, month, window, version, list(rows.values()), band_rules
                )
    days = productive_days(people, productive)
    return {
        "agent_scorecard_metrics": [row for rows in metrics.values() for row in rows.values()],
        "agent_scorecard": list(scorecards.values()),
        "performance_bands": band_rows(homes, metrics, scorecards, days, sums, seeds, as_of),
        "team_metrics": team_rows(sums, agent_months),
    }


def rules_of(
    seeds: dict[str, list[Row]], version: str
) -> tuple[dict[str, Row], dict[str, Fraction]]:
    """(rule by metric, value by band parameter) of a scorecard version."""
    metrics = {
        row["metric"]: row for row in seeds["scorecard_metrics"] if row["version"] == version
    }
    parameters = {
        row["parameter"]: row["value"] for row in seeds["band_rules"] if row["version"] == version
    }
    return metrics, parameters


def vintage(home: Assignment, month: date, as_of: datetime) -> str:
    """Whether the agent-month is closed: some days after its end where the agent is at home."""
    close = first_instant(next_month(month) + CLOSE_AFTER_DAYS * ONE_DAY, home.zone)
    return "final" if as_of >= close else "provisional"


def productive_days(people: People, states: list[Row]) -> dict[tuple[str, date], set[date]]:
    """(agent, month) -> local days with productive time."""
    days: dict[tuple[str, date], set[date]] = defaultdict(set)
    for state in states:
        for piece in people.pieces(state["agent_id"], state["starts_at"], state["ends_at"]):
            days[state["agent_id"], month_of(piece.day)].add(piece.day)
    return days


def band_rows(
    homes: dict[tuple[str, date], Assignment],
    metrics: dict[Key, dict[str, Row]],
    scorecards: dict[Key, Row],
    days: dict[tuple[str, date], set[date]],
    sums: Sums,
    seeds: dict[str, list[Row]],
    as_of: datetime,
) -> list[Row]:
    """Rows of performance_bands: each agent and month that has ended where the agent is at home."""
    by_agent: dict[str, list[AgentMonth]] = defaultdict(list)
    for (agent_id, month), home in sorted(homes.items()):
        if first_instant(next_month(month), home.zone) > as_of:
            continue
        quarter = sorted(sums.window(month, "quarter"))
        of_months = [metrics.get((agent_id, one, "month"), {}) for one in quarter]
        scores = scorecards[agent_id, month, "quarter"]
        rules, parameters = rules_of(seeds, scores["scorecard_version"])
        by_agent[agent_id].append(
            AgentMonth(
                agent_id=agent_id,
                month=month,
                scores=scores,
                metrics=metrics[agent_id, month, "quarter"],
                months={
                    metric: [rows[metric] for rows in of_months if metric in rows]
                    for metric in rules
                },
                overall=scorecards[agent_id, month, "month"]["overall_score"],
                productive_days=sum(len(days[agent_id, one]) for one in quarter),
                rules=rules,
                parameters=parameters,
                vintage=vintage(home, month, as_of),
            )
        )
    return [row for months in by_agent.values() for row in bands_of_agent(months)]


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
            columns = ("numerator", "denominator", "value", "sample_size")
            rows.append(
                {
                    "team_id": team_id,
                    "period_month": month,
                    "metric": metric,
                    **{name: published[name] for name in columns},
                }
            )
    return rows
