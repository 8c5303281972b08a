"""What an expectation suite may know, and the few words the suites are written in.

Belongs here: the statistics a suite compares a month with, the rules that turn them into numbers
(`Between`, `Members`, `Exactly`) and `SuiteDraft`, which gives every expectation its name. Does not
belong here: reading files and running suites (`gate`), and what is expected of a mart (its module).

A mart's module has two public names:

    READING            a `Reading`: which columns the gate reads and what it counts in them
    suite(context)     -> gx.ExpectationSuite, written with a `SuiteDraft`

An expectation has a scope, which says how much of the mart its batch holds:

    rows       judges each row by itself (and the key), so the batch may hold several months
    month      judges one calendar month as a whole: volume, drift, completeness
    calendar   judges a small table with one row per month: `period_month`, `rows`, and, where a
               previous release has the month, `rows_kept` (share of that release's rows) and
               `<statistic>_change` (mean minus that release's mean)

Great Expectations takes seconds to import, so it is imported inside functions only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

Severity = Literal["critical", "warning", "info"]
Scope = Literal["rows", "month", "calendar"]

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
# Metrics that are a part of a whole: none of them can leave 0 to 1 without a fault.
SHARES = (
    "critical_error_rate",
    "schedule_adherence",
    "csat",
    "fcr_rate",
    "escalation_rate",
    "repeat_contact_rate",
    "training_completion_rate",
    "goal_progress",
)
DIMENSIONS = ("quality", "efficiency", "customer_impact", "development")
TIERS = ("T1", "T2", "T3")
VINTAGES = ("provisional", "final", "restated")
WINDOWS = ("month", "quarter")

# A comparison looks back half a year: long enough for a median, short enough that a company which
# grows or improves is compared with what it recently was.
HISTORY_MONTHS = 6
# Two months have no majority: with three, one odd month cannot move the median.
MINIMUM_HISTORY = 3
# A team this large does not empty within one month by ordinary leaving; smaller ones do (in the
# public ServiceNow log groups of one to four people end so every month).
LARGE_TEAM = 5
# The median absolute deviation times this equals the standard deviation of a normal distribution.
MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True)
class Between:
    """Both ends belong to the range; None leaves that end open."""

    low: float | None = None
    high: float | None = None

    def arguments(self) -> dict[str, Any]:
        return {"min_value": self.low, "max_value": self.high}


@dataclass(frozen=True)
class Members:
    """Values that are to occur or may occur."""

    values: tuple[str, ...]

    def arguments(self) -> dict[str, Any]:
        return {"value_set": list(self.values)}


@dataclass(frozen=True)
class Exactly:
    """One number."""

    value: int

    def arguments(self) -> dict[str, Any]:
        return {"value": self.value}


@dataclass(frozen=True)
class NotAssessed:
    """There is nothing to compare with; the reason is published as an `info` result."""

    reason: str


Limits = Between | Members | Exactly | NotAssessed


@dataclass(frozen=True)
class Summary:
    """Non-null values of one numeric column in one month."""

    count: int
    mean: float
    stdev: float
    total: float


@dataclass(frozen=True)
class Reading:
    """What the gate reads of a mart and counts in it.

    columns: read from the file, nothing else is.
    period: the month column, or None for a mart without one.
    statistics: numeric columns, after `prepare`, summed up per month for comparisons.
    distinct: name -> columns; how many distinct combinations the batch holds.
    prepare: adds columns a plain expectation can judge (a metric's values as their own column).
    restricted_by_change: False where the month says when rows were loaded, not what they are
        about: the months a run changes do not select such months.
    due: which months must have rows: "every_month" of the roster, "ended_months" (all but the
        roster's last, which may be running), or "no_month" for a mart that can be empty.
    """

    columns: tuple[str, ...]
    period: str | None = "period_month"
    statistics: tuple[str, ...] = ()
    distinct: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    prepare: Callable[[pd.DataFrame], pd.DataFrame] | None = None
    restricted_by_change: bool = True
    due: Literal["every_month", "ended_months", "no_month"] = "every_month"


@dataclass(frozen=True)
class SuiteContext:
    """All a suite may know. Numbers only: no person's values and no rows.

    month: first day of the month judged, None for a mart without months.
    last_month: greatest month of the mart, None likewise.
    as_of: the day of the candidate's as_of, None where the mart does not say it.
    rows: month -> rows, of this month and every earlier one that has rows.
    summaries: statistic -> month -> Summary, for the same months.
    distinct: counts named in `Reading.distinct`, of the batch judged.
    teams: team_id -> agents, of every team that must appear in this month.
    agents: agents the scorecard has in this month, None where no scorecard was read.
    previous_rows: rows of the whole mart in the release published before, None without one.
    previous_months: how many months the candidate shares with that release.
    compared: statistic -> months whose mean was compared with that release.
    """

    mart: str
    month: date | None = None
    last_month: date | None = None
    as_of: date | None = None
    rows: Mapping[date, int] = field(default_factory=dict)
    summaries: Mapping[str, Mapping[date, Summary]] = field(default_factory=dict)
    distinct: Mapping[str, int] = field(default_factory=dict)
    teams: Mapping[str, int] = field(default_factory=dict)
    agents: int | None = None
    previous_rows: int | None = None
    previous_months: int = 0
    compared: Mapping[str, int] = field(default_factory=dict)

    @property
    def month_has_ended(self) -> bool:
        """Whether as_of has passed the month; a running month holds only part of its volume."""
        if self.month is None:
            return True
        if self.as_of is not None:
            return self.as_of >= next_month(self.month)
        return self.last_month is not None and self.month < self.last_month

    def rows_between(self, low: float, high: float) -> Limits:
        """Shares of the median row count of the months before, as whole numbers of rows."""
        limits = _shares_of_median(self._earlier(self.rows), low, high, minimum_median=10)
        if isinstance(limits, Between):
            return Between(math.ceil(limits.low or 0), math.floor(limits.high or 0))
        return limits

    def total_between(
        self, statistic: str, low: float, high: float | None, minimum_median: float = 30
    ) -> Limits:
        """Shares of the median total of the months before; only for months that have ended.

        minimum_median: totals below it scatter too much to be compared.
        """
        if not self.month_has_ended:
            return NotAssessed("the month has not ended, so its volume is not complete")
        totals = {month: summary.total for month, summary in self._of(statistic).items()}
        return _shares_of_median(self._earlier(totals), low, high, minimum_median)

    def total_not_lost(self, statistic: str, minimum_median: float = 30) -> Limits:
        """At least something in an ended month, where the months before had plenty."""
        limits = self.total_between(statistic, 0, None, minimum_median)
        return Between(low=1) if isinstance(limits, Between) else limits

    def mean_between(
        self,
        statistic: str,
        *,
        spreads: float,
        floor: float,
        cap: float,
        minimum_values: int = 10,
        is_relative: bool = False,
    ) -> Limits:
        """Median of the earlier months' means, plus and minus a tolerance.

        The tolerance is `spreads` times the robust spread of those means and the sampling error of
        this month's mean together; never under `floor` (a very stable past must not make every
        small movement an alarm), never over `cap` (a restless past must not excuse everything).
        A mean that may miss by more than the cap through sampling alone proves nothing and is not
        assessed. floor and cap are in units of the statistic, or shares of the centre when
        is_relative.
        """
        summaries = self._of(statistic)
        now = summaries.get(self.month)
        if now is None or now.count < minimum_values:
            count = 0 if now is None else now.count
            return NotAssessed(f"not enough values: {count} of {minimum_values} needed")
        history = self._with_values(summaries, minimum_values)
        if len(history) < MINIMUM_HISTORY:
            return _not_enough_history()
        means = [summary.mean for summary in history]
        centre = median(means)
        spread = MAD_TO_SIGMA * median(abs(mean - centre) for mean in means)
        sampling = median(summary.stdev for summary in history) / math.sqrt(now.count)
        scale = abs(centre) if is_relative else 1.0
        if 3 * sampling > cap * scale:
            return NotAssessed("not enough values: their mean scatters more than the tolerance")
        tolerance = min(max(spreads * math.hypot(spread, sampling), floor * scale), cap * scale)
        return Between(centre - tolerance, centre + tolerance)

    def mean_at_least(
        self, statistic: str, *, spreads: float, floor: float, cap: float, minimum_values: int = 10
    ) -> Limits:
        """The lower end of `mean_between`, where more is no fault."""
        limits = self.mean_between(
            statistic, spreads=spreads, floor=floor, cap=cap, minimum_values=minimum_values
        )
        return replace(limits, high=None) if isinstance(limits, Between) else limits

    def stdev_between(
        self, statistic: str, low: float, high: float, minimum_values: int = 10
    ) -> Limits:
        """Shares of the median standard deviation of the months before."""
        summaries = self._of(statistic)
        now = summaries.get(self.month)
        if now is None or now.count < minimum_values:
            count = 0 if now is None else now.count
            return NotAssessed(f"not enough values: {count} of {minimum_values} needed")
        history = self._with_values(summaries, minimum_values)
        return _shares_of_median([summary.stdev for summary in history], low, high, 0)

    def fixed_mean(self, statistic: str, low: float, high: float, minimum_values: int) -> Limits:
        """A range that needs no history, where the month has enough values for a mean."""
        now = self._of(statistic).get(self.month)
        count = 0 if now is None else now.count
        if count < minimum_values:
            return NotAssessed(f"not enough values: {count} of {minimum_values} needed")
        return Between(low, high)

    def large_teams(self) -> Limits:
        """Teams whose absence is a fault: too large to have emptied within a month."""
        return self._teams(lambda agents: agents >= LARGE_TEAM, f"{LARGE_TEAM} or more")

    def small_teams(self) -> Limits:
        """Teams whose absence is worth a look: they may have emptied by one or two leavers."""
        return self._teams(lambda agents: agents < LARGE_TEAM, f"fewer than {LARGE_TEAM}")

    def agents_exactly(self) -> Limits:
        """As many agents as the scorecard has in this month."""
        if self.agents is None:
            return NotAssessed("no agent_scorecard to compare with")
        return Between(self.agents, self.agents)

    def agents_of_ended_month(self) -> Limits:
        """As many agents as the scorecard has, once the month has ended in every timezone."""
        if self.month and self.as_of and self.as_of <= next_month(self.month):
            return NotAssessed("the month has not ended in every timezone")
        return self.agents_exactly()

    def rows_of_previous_release(self) -> Limits:
        """At least as many rows as the whole mart had in the release published before."""
        if self.previous_rows is None:
            return NotAssessed("not enough history: no previous release")
        return Between(low=self.previous_rows)

    def against_previous_release(
        self, low: float, high: float | None, statistic: str | None = None
    ) -> Limits:
        """The given range, where a previous release has months in common with the candidate.

        statistic: the column judged is `<statistic>_change`, so the months must also have values.
        """
        if self.previous_rows is None:
            return NotAssessed("not enough history: no previous release")
        if self.previous_months == 0:
            return NotAssessed("not enough history: no month in common with the previous release")
        if statistic is not None and not self.compared.get(statistic):
            return NotAssessed("not enough history: no month with values in both releases")
        return Between(low, high)

    def _of(self, statistic: str) -> Mapping[date, Summary]:
        if statistic not in self.summaries:
            raise KeyError(f"{self.mart}: {statistic} is missing in READING.statistics")
        return self.summaries[statistic]

    def _earlier(self, by_month: Mapping[date, float]) -> list[float]:
        months = [month for month in sorted(by_month) if self.month and month < self.month]
        return [by_month[month] for month in months[-HISTORY_MONTHS:]]

    def _with_values(self, summaries: Mapping[date, Summary], minimum_values: int) -> list[Summary]:
        months = [
            month
            for month, summary in sorted(summaries.items())
            if self.month and month < self.month and summary.count >= minimum_values
        ]
        return [summaries[month] for month in months[-HISTORY_MONTHS:]]

    def _teams(self, is_wanted: Callable[[int], bool], size: str) -> Limits:
        teams = tuple(sorted(team for team, agents in self.teams.items() if is_wanted(agents)))
        return Members(teams) if teams else NotAssessed(f"no team of {size} agents is due")


def next_month(month: date) -> date:
    """First day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def values_of(frame: pd.DataFrame, column: str, **conditions: object) -> pd.Series:
    """The column where every condition holds, null elsewhere; as long as the frame."""
    chosen = frame[column].astype("float64")
    for name, wanted in conditions.items():
        chosen = chosen.where(frame[name] == wanted)
    return chosen


def _shares_of_median(
    history: list[float], low: float, high: float | None, minimum_median: float
) -> Limits:
    if len(history) < MINIMUM_HISTORY:
        return _not_enough_history()
    centre = median(history)
    if centre < minimum_median:
        return NotAssessed(f"not enough history: median {centre:g} of {minimum_median:g} needed")
    return Between(centre * low, None if high is None else centre * high)


def _not_enough_history() -> NotAssessed:
    return NotAssessed(f"not enough history: {MINIMUM_HISTORY} earlier months needed")


class SuiteDraft:
    """Collects the expectations of one mart, each with its name, severity and scope.

    A comparison without history becomes a note, which the gate publishes as an `info` result: it
    never silently disappears.
    """

    def __init__(self, context: SuiteContext) -> None:
        self._context = context
        self._expectations: list[Any] = []
        self._not_assessed: list[dict[str, str]] = []
        self._names: dict[str, None] = {}  # in the order of the suite

    def add(
        self,
        name: str,
        severity: Severity,
        expectation: type,
        *,
        scope: Scope = "rows",
        is_liftable: bool = False,
        **arguments: Any,
    ) -> None:
        """One expectation. is_liftable: a row of seeds/gate_overrides.csv may lift it for a time.

        Raises ValueError for a name used twice: results are found by name.
        """
        if name in self._names:
            raise ValueError(f"{self._context.mart} has two expectations named {name}")
        self._names[name] = None
        meta = {"name": name, "scope": scope, "is_liftable": is_liftable}
        self._expectations.append(expectation(severity=severity, meta=meta, **arguments))

    def compare(
        self,
        name: str,
        severity: Severity,
        expectation: type,
        limits: Limits,
        *,
        scope: Scope = "month",
        is_liftable: bool = True,
        **arguments: Any,
    ) -> None:
        """One expectation whose limits come from the context, or the note that there are none."""
        if isinstance(limits, NotAssessed):
            if name in self._names:
                raise ValueError(f"{self._context.mart} has two expectations named {name}")
            self._names[name] = None
            self._not_assessed.append({"name": name, "scope": scope, "reason": limits.reason})
            return
        self.add(
            name,
            severity,
            expectation,
            scope=scope,
            is_liftable=is_liftable,
            **limits.arguments(),
            **arguments,
        )

    def finish(self) -> gx.ExpectationSuite:
        """The suite. Its meta: `names` in order; `not_assessed`, what was not compared and why."""
        import great_expectations as gx

        return gx.ExpectationSuite(
            name=self._context.mart,
            expectations=self._expectations,
            meta={"names": list(self._names), "not_assessed": self._not_assessed},
        )
