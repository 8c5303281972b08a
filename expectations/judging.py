"""Judges one mart: runs its suite over the candidate's months and puts the outcome into words.

Belongs here: running Great Expectations, and one `CheckResult` per expectation over all months.
Does not belong here: reading files (`reading`), what is expected (the mart's module), and which
marts are judged (`gate`).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from expectations import reading as files
from expectations.context import Reading, Severity, SuiteContext, Summary, next_month
from expectations.reading import Roster

if TYPE_CHECKING:
    import pandas as pd

# Rows judged by themselves are judged many months at once, because each call of Great Expectations
# costs some 10 ms whatever its size; this many rows keep memory flat at any size of company.
MAX_ROWS_PER_BATCH = 200_000
# Texts stay readable: a fault that hits every month is not told thirteen times.
MAX_TOLD = 6


@dataclass(frozen=True)
class CheckResult:
    """One verdict. mart is None for the dbt build; texts never hold a person's values."""

    name: str
    mart: str | None
    severity: Severity
    passed: bool
    observed: str
    required: str


@dataclass(frozen=True)
class Override:
    """A row of seeds/gate_overrides.csv: people who know why lift a check for some days."""

    check: str
    first: date
    last: date
    reason: str
    approved_by_role: str

    def lifts(self, check: str, month: date) -> bool:
        """Whether it names the check and its days meet the month (both ends belong to it)."""
        return self.check == check and self.first < next_month(month) and self.last >= month


def evaluate(frame: pd.DataFrame, expectations: list[Any], with_counts: bool = False) -> list[Any]:
    """One result of Great Expectations per expectation, in no particular order.

    with_counts: results also hold counts and observed aggregates, but never a row's value.
    """
    import great_expectations as gx

    batch = _batch_definition().get_batch(batch_parameters={"dataframe": frame})
    suite = gx.ExpectationSuite(name="gate", expectations=expectations)
    with _configurations_kept():
        if with_counts:
            # BASIC would give examples; asked for none, only counts are left.
            counts = {"result_format": "BASIC", "partial_unexpected_count": 0}
            return batch.validate(suite, result_format=counts).results
        return batch.validate(suite, result_format="BOOLEAN_ONLY").results


@contextmanager
def _configurations_kept() -> Iterator[None]:
    """Great Expectations derives an expectation's configuration anew for each argument it looks up,
    a third of the gate's time; while a batch is validated it is always the same.
    """
    from great_expectations.expectations.expectation import Expectation

    derive = Expectation.configuration
    kept: dict[int, tuple[Any, Any]] = {}

    def configuration(expectation: Any) -> Any:
        key = id(expectation)
        if key not in kept:
            # The expectation is kept too, so that no other one gets its id.
            kept[key] = (expectation, derive.fget(expectation))
        return kept[key][1]

    Expectation.configuration = property(configuration)
    try:
        yield
    finally:
        Expectation.configuration = derive


@cache
def _batch_definition() -> Any:
    """What turns a frame into a batch: one in-memory context per process, telemetry off."""
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = context.data_sources.add_pandas("candidate").add_dataframe_asset("mart")
    return asset.add_batch_definition_whole_dataframe("month")


def checks_in_time(judge: MartJudge, seconds: float) -> list[CheckResult]:
    """What the judge says within so many seconds; else one failed critical check.

    Nothing can stop a suite that hangs, so it runs in a thread that ends with the process.
    """
    found: list[list[CheckResult]] = []
    worker = Thread(target=lambda: found.append(judge.checks()), daemon=True)
    if seconds > 0:
        worker.start()
        worker.join(seconds)
    if found:
        return found[0]
    required = "a suite that runs to its end in the time of the gate"
    return [CheckResult("suite_is_sound", judge.mart, "critical", False, "out of time", required)]


@dataclass
class _Tally:
    """What one expectation said over all batches of a mart."""

    severity: Severity
    is_liftable: bool
    required: dict[str, str] = field(default_factory=dict)  # with limits -> without them
    batches: int = 0
    failures: list[tuple[date | None, str]] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)
    not_assessed: list[tuple[date | None, str]] = field(default_factory=list)


class _Fault(Exception):
    """A mart that cannot be judged: the name of the failed check, what was seen and required."""

    def __init__(self, check: str, observed: str, required: str) -> None:
        super().__init__(observed)
        self.check, self.observed, self.required = check, observed, required


class MartJudge:
    """Judges one mart of the candidate."""

    def __init__(
        self,
        mart: str,
        candidate_dir: Path,
        previous: Path | None,
        roster: Roster,
        changed: set[date] | None,
        overrides: list[Override],
    ) -> None:
        self._mart = mart
        self._path = candidate_dir / f"{mart}.parquet"
        self._previous_path = previous / f"{mart}.parquet" if previous else None
        self._roster = roster
        self._changed = changed
        self._overrides = overrides
        self._tallies: dict[str, _Tally] = {}
        self._order: dict[str, int] = {}
        self._structure: list[CheckResult] = []

    @property
    def mart(self) -> str:
        """The mart it judges."""
        return self._mart

    def checks(self) -> list[CheckResult]:
        """Structure first, then the expectations in the order of their suite."""
        try:
            self._judge()
        except _Fault as fault:
            self._note(fault.check, False, fault.observed, fault.required)
        except Exception as fault:  # no verdict is a negative verdict, whatever the cause
            observed = f"{type(fault).__name__} while judging"
            self._note("suite_is_sound", False, observed, "a suite that runs to its end")
        ordered = sorted(self._tallies, key=lambda name: self._order.get(name, len(self._order)))
        return self._structure + [self._verdict(name, self._tallies[name]) for name in ordered]

    def _note(self, name: str, passed: bool, observed: str, required: str) -> None:
        self._structure.append(
            CheckResult(name, self._mart, "critical", passed, observed, required)
        )

    def _judge(self) -> None:
        reading, suite = self._load_suite()
        self._check_file(reading)
        if reading.period is None:
            self._judge_table(reading, suite)
        else:
            self._judge_months(reading, suite)

    def _load_suite(self) -> tuple[Reading, Any]:
        required = f"expectations/{self._mart}.py with READING and suite(context)"
        try:
            module = importlib.import_module(f"expectations.{self._mart}")
            return module.READING, module.suite
        except ModuleNotFoundError as fault:
            missing = f"no module {fault.name}"
            raise _Fault("suite_is_sound", missing, required) from None
        except Exception as fault:
            observed = f"{type(fault).__name__} while loading the suite"
            raise _Fault("suite_is_sound", observed, required) from fault

    def _check_file(self, reading: Reading) -> None:
        import pyarrow.parquet as pq

        name, required = "file_is_readable", f"{self._path.name} with the columns of its suite"
        if not self._path.is_file():
            raise _Fault(name, "no such file", required)
        try:
            present = set(pq.read_schema(self._path).names)
        except Exception as fault:
            raise _Fault(name, f"{type(fault).__name__} while reading", required) from fault
        missing = [column for column in reading.columns if column not in present]
        if missing:
            raise _Fault(name, f"missing columns: {told(missing)}", required)
        self._note(name, True, f"{len(present)} columns", required)

    # A mart without months

    def _judge_table(self, reading: Reading, suite: Any) -> None:
        frame = files.prepared(reading, files.read_month(self._path, reading, None))
        has_rows = len(frame) > 0 or reading.due == "no_month"
        self._note("has_rows", has_rows, f"{len(frame):,} rows", "at least one row, where due")
        if not len(frame) and has_rows:
            return  # a mart that can be empty, and is
        previous = self._previous_months(reading)
        context = SuiteContext(
            mart=self._mart,
            distinct=files.distinct_counts(reading, frame),
            previous_rows=None if previous is None else sum(previous.values()),
        )
        expected = self._expectations(suite, context, ("rows", "month"), None)
        self._run(expected, {None: frame}, is_whole=True)

    # A mart with months

    def _judge_months(self, reading: Reading, suite: Any) -> None:
        rows, undated = files.rows_by_month(self._path, reading)
        span = self._span(reading, rows)
        judged = self._months_to_judge(reading, rows)
        self._check_rows(reading, rows, undated, span, judged)
        if not rows:
            return

        previous = self._previous_months(reading)
        shared = len(set(previous or {}) & set(rows))
        summaries: dict[str, dict[date, Summary]] = {name: {} for name in reading.statistics}
        changes: dict[str, dict[date, float]] = {name: {} for name in reading.statistics}
        as_of: date | None = None
        waiting: dict[date | None, pd.DataFrame] = {}
        context = SuiteContext(self._mart)
        for month in sorted(rows):
            frame = files.prepared(reading, files.read_month(self._path, reading, month))
            as_of = as_of or files.as_of_day(frame)
            for name in reading.statistics:
                summaries[name][month] = files.summary_of(frame[name])
            if month not in judged:
                continue
            context = SuiteContext(
                mart=self._mart,
                month=month,
                last_month=max(rows),
                as_of=as_of,
                rows={known: count for known, count in rows.items() if known <= month},
                summaries={name: dict(known) for name, known in summaries.items()},
                distinct=files.distinct_counts(reading, frame),
                teams=self._roster.teams_due(month),
                agents=self._roster.agents.get(month),
                previous_rows=None if previous is None else sum(previous.values()),
                previous_months=shared,
            )
            expected = self._expectations(suite, context, ("month",), month)
            self._run(expected, {month: frame}, is_whole=True)
            if previous and month in previous:
                for name, mean in self._previous_means(reading, month).items():
                    now = summaries[name][month]
                    if now.count and mean is not None:
                        changes[name][month] = now.mean - mean
            waiting[month] = frame
            if sum(map(len, waiting.values())) >= MAX_ROWS_PER_BATCH:
                self._run(self._expectations(suite, context, ("rows",), month), waiting)
                waiting = {}
        if undated:
            waiting[None] = files.prepared(reading, files.read_month(self._path, reading, None))
        if waiting:
            last = max((month for month in waiting if month), default=None)
            self._run(self._expectations(suite, context, ("rows",), last), waiting)
        calendar = files.calendar(span, rows, previous, changes)
        context = replace(context, compared={name: len(known) for name, known in changes.items()})
        expected = self._expectations(suite, context, ("calendar",), None)
        self._run(expected, calendar, is_calendar=True)

    def _span(self, reading: Reading, rows: Mapping[date, int]) -> list[date]:
        """Every month that is due: from the first to the last of the candidate, without gaps."""
        known = set(rows)
        if reading.restricted_by_change:
            known |= self._roster_months(reading)
        return list(files.months_between(min(known), max(known))) if known else []

    def _roster_months(self, reading: Reading) -> set[date]:
        """Months of the roster that call for rows of this mart."""
        months = set(self._roster.agents)
        if reading.due == "no_month":
            return set()
        return months - {max(months)} if reading.due == "ended_months" and months else months

    def _months_to_judge(self, reading: Reading, rows: Mapping[date, int]) -> set[date]:
        if self._changed is None or not reading.restricted_by_change:
            return set(rows)
        # Changes of months that are not published still call for one look at the newest month.
        return self._changed & set(rows) or set(sorted(rows)[-1:])

    def _check_rows(
        self,
        reading: Reading,
        rows: Mapping[date, int],
        undated: int,
        span: list[date],
        judged: set[date],
    ) -> None:
        total = sum(rows.values()) + undated
        due = set()
        if reading.restricted_by_change:
            due = set(span) if self._changed is None else set(self._changed)
            # Months before the first are not published; a month after the last would have to be.
            due = {month for month in due if span and month >= span[0]}
            if reading.due != "every_month":
                due &= self._roster_months(reading)
            crooked = sum(month.day != 1 for month in rows)
            self._note(
                "every_row_has_a_month",
                not undated and not crooked,
                f"{undated:,} rows without, {crooked} months that do not begin on day 1",
                "the first day of a month in every row",
            )
        empty = sorted(due - set(rows))
        observed = f"{total:,} rows in {len(rows)} months, {len(judged)} of them judged"
        if empty:
            observed += f"; no rows in {told(map(_name_of, empty))}"
        is_due = reading.due == "every_month" or bool(due)
        self._note(
            "has_rows", (total > 0 or not is_due) and not empty, observed, "rows in every month due"
        )

    # The release published before

    def _previous_months(self, reading: Reading) -> dict[date | None, int] | None:
        """Rows by month, {None: rows} for a mart without months, None without such a file."""
        import pyarrow.parquet as pq

        if self._previous_path is None or not self._previous_path.is_file():
            return None
        try:
            if reading.period is None:
                return {None: pq.read_metadata(self._previous_path).num_rows}
            return dict(files.rows_by_month(self._previous_path, reading)[0])
        except Exception as fault:
            observed = f"{type(fault).__name__} while reading the previous release"
            raise _Fault("previous_is_readable", observed, "an intact previous release") from fault

    def _previous_means(self, reading: Reading, month: date) -> dict[str, float | None]:
        """Means of the month in the previous release; none where it had other columns, or where the
        month was still running: its first days say little about the whole."""
        import pyarrow.parquet as pq

        path = self._previous_path
        if path is None or not reading.statistics:
            return {}
        if not set(reading.columns) <= set(pq.read_schema(path).names):
            return {}
        frame = files.prepared(reading, files.read_month(path, reading, month))
        known_until = files.as_of_day(frame)
        if known_until is not None and (known_until.year, known_until.month) <= (
            month.year,
            month.month,
        ):
            return {}
        summaries = {name: files.summary_of(frame[name]) for name in reading.statistics}
        return {name: known.mean if known.count else None for name, known in summaries.items()}

    # Running and telling

    def _expectations(
        self, suite: Any, context: SuiteContext, scopes: tuple[str, ...], month: date | None
    ) -> list[Any]:
        """The suite's expectations of these scopes; notes what it could not compare."""
        required = "a suite with named expectations"
        built = suite(context)
        if not built.expectations:
            raise _Fault("suite_is_sound", "the suite is empty", required)
        unnamed = [
            item for item in built.expectations if not {"name", "scope"} <= set(item.meta or ())
        ]
        if unnamed:
            observed = f"{len(unnamed)} expectations without name or scope"
            raise _Fault("suite_is_sound", observed, required)
        meta = built.meta or {}
        self._order = {name: place for place, name in enumerate(meta.get("names", []))}
        for note in meta.get("not_assessed", []):
            if note["scope"] in scopes:
                tally = self._tallies.setdefault(note["name"], _Tally("info", False))
                tally.not_assessed.append((month, note["reason"]))
        for item in built.expectations:
            # Of every scope, so that an expectation nobody runs is found in the end.
            tally = self._tallies.setdefault(item.meta["name"], _Tally("info", False))
            tally.severity = item.severity.value
            tally.is_liftable = bool(item.meta.get("is_liftable"))
            if item.meta["scope"] in scopes:
                tally.required[_required(item)] = _required(item, limits="each month's own limits")
        return [item for item in built.expectations if item.meta["scope"] in scopes]

    def _run(
        self,
        expectations: list[Any],
        parts: Mapping[date | None, pd.DataFrame],
        is_whole: bool = False,
        is_calendar: bool = False,
    ) -> None:
        """Runs the expectations over the parts as one batch and tallies the verdicts.

        parts: month -> its rows; the key says which month a fault is in. is_whole: there is one
        part, so a verdict needs no closer look. is_calendar: each part is one row about a month.
        """
        import pandas as pd

        if not expectations:
            return
        filled = [part for part in parts.values() if len(part)]
        if not filled:
            return  # `has_rows` has said so
        frame = filled[0] if len(filled) == 1 else pd.concat(filled, ignore_index=True)
        by_name = {item.meta["name"]: item for item in expectations}
        try:
            results = evaluate(frame, expectations)
        except Exception as fault:  # then none of them has a verdict
            for name in by_name:
                self._tallies[name].raised.append(type(fault).__name__)
            return
        verdicts = {result.expectation_config.meta["name"]: result for result in results}
        for name, item in by_name.items():
            tally, result = self._tallies[name], verdicts.get(name)
            tally.batches += 1 if is_whole else len(parts)
            if result is None:
                tally.raised.append("no result")
            elif _raised(result):
                tally.raised.append(_raised(result))
            elif not result.success:
                if is_whole:
                    month = next(iter(parts))
                    tally.failures.append((month, self._observed(item, frame)))
                else:
                    tally.failures += self._closer(item, parts, frame, is_calendar)

    def _closer(
        self,
        item: Any,
        parts: Mapping[date | None, pd.DataFrame],
        frame: pd.DataFrame,
        is_calendar: bool,
    ) -> list[tuple[date | None, str]]:
        """In which months a batch of several failed; the batch as a whole if in none alone."""
        found = []
        for month, part in parts.items():
            if not len(part):
                continue
            (result,) = evaluate(part, [item])
            if not result.success and is_calendar:
                found.append((month, f"{float(part[item.column].iloc[0]):.4g}"))
            elif not result.success:
                found.append((month, self._observed(item, part)))
        return found or [(None, f"all months together: {self._observed(item, frame)}")]

    def _observed(self, item: Any, frame: pd.DataFrame) -> str:
        """Counts or the observed aggregate of a failed expectation; no value of any row."""
        wanted = getattr(item, "value_set", None)
        if wanted is not None and "contain_set" in item.expectation_type:
            missing = sorted(set(wanted) - set(frame[item.column].dropna()))
            return f"missing {told(missing)}"
        (result,) = evaluate(frame, [item], with_counts=True)
        detail = result.result or {}
        if detail.get("unexpected_count") is not None:
            count = detail["unexpected_count"]
            return f"{count:,} of {detail.get('element_count', len(frame)):,} rows"
        limits = _limits(item)
        try:
            observed = f"{float(detail['observed_value']):.6g}"
        except (KeyError, TypeError, ValueError):
            observed = "not met"
        return f"{observed} is not in {limits}" if limits else observed

    def _verdict(self, name: str, tally: _Tally) -> CheckResult:
        required = next(iter(tally.required), "rows to judge")
        if len(tally.required) > 1:
            required = tally.required[required]
        if tally.raised:
            # Severity does not matter: a check that cannot be made protects nobody.
            observed = f"raised {told(sorted(set(tally.raised)))}"
            return CheckResult(name, self._mart, "critical", False, observed, required)
        if not tally.batches and not tally.not_assessed:
            return CheckResult(name, self._mart, "critical", False, "never evaluated", required)
        if not tally.batches:
            reasons = list(dict.fromkeys(reason for _, reason in tally.not_assessed))
            observed, required = f"not assessed: {told(reasons)}", "something to compare with"
            return CheckResult(name, self._mart, "info", True, observed, required)

        open_failures, lifted = [], []
        for month, text in tally.failures:
            override = self._override(name, month) if tally.is_liftable else None
            if override is None:
                open_failures.append(_with_month(month, text))
            else:
                by = f"lifted by {override.approved_by_role}: {override.reason}"
                lifted.append(f"{_with_month(month, text)} ({by})")
        texts = [told(open_failures + lifted)] if tally.failures else [f"{tally.batches} batches"]
        if tally.not_assessed:
            months = sorted({_name_of(month) for month, _ in tally.not_assessed if month})
            reasons = list(dict.fromkeys(reason for _, reason in tally.not_assessed))
            where = f" in {len(months)} months" if months else ""
            texts.append(f"not assessed{where} ({told(reasons)})")
        severity = "warning" if lifted and not open_failures else tally.severity
        return CheckResult(
            name, self._mart, severity, not tally.failures, "; ".join(texts), required
        )

    def _override(self, name: str, month: date | None) -> Override | None:
        check = f"{self._mart}.{name}"
        matching = (o for o in self._overrides if month is not None and o.lifts(check, month))
        return next(matching, None)


def _raised(result: Any) -> str | None:
    """The kind of exception Great Expectations caught inside, None if there was none.

    exception_info is one such record or one per metric; messages stay out, they may hold values.
    """
    info = result.exception_info or {}
    records = [info] if "raised_exception" in info else list(info.values())
    for record in records:
        if isinstance(record, dict) and record.get("raised_exception"):
            return "an exception inside Great Expectations"
    return None


def _required(item: Any, limits: str | None = None) -> str:
    """The expectation in words: column, limits (or what stands for them) and condition."""
    columns = getattr(item, "column", None) or getattr(item, "column_list", None)
    names = columns if isinstance(columns, str) else ", ".join(columns or [])
    what = item.expectation_type.removeprefix("expect_").replace("_", " ")
    parts = [what, f"[{names}]"] if names else [what]
    if _limits(item):
        parts.append(f"({limits or _limits(item)})")
    if getattr(item, "row_condition", None) is not None:
        parts.append(f"where {_condition(item.row_condition)}")
    return " ".join(parts)


def _limits(item: Any) -> str:
    """The range, set, number or pattern of an expectation; empty where it has none."""
    low, high = getattr(item, "min_value", None), getattr(item, "max_value", None)
    if low is not None and high is not None:
        return f"{low:.6g} to {high:.6g}"
    if low is not None or high is not None:
        return f"at least {low:.6g}" if high is None else f"at most {high:.6g}"
    if getattr(item, "value_set", None):
        return told(item.value_set)
    if getattr(item, "value", None) is not None:
        return str(item.value)
    return str(getattr(item, "regex", None) or "")


def _condition(condition: Any) -> str:
    if hasattr(condition, "conditions"):
        word = " and " if "And" in type(condition).__name__ else " or "
        return word.join(_condition(part) for part in condition.conditions)
    if hasattr(condition, "is_null"):
        return f"{condition.column.name} is {'' if condition.is_null else 'not '}null"
    return f"{condition.column.name} {condition.operator} {condition.parameter}"


def _name_of(month: date) -> str:
    return f"{month:%Y-%m}"


def _with_month(month: date | None, text: str) -> str:
    return f"{_name_of(month)}: {text}" if month else text


def told(texts: Iterable[Any]) -> str:
    """At most MAX_TOLD of them, and how many more there are."""
    listed = [str(text) for text in texts]
    more = f" and {len(listed) - MAX_TOLD} more" if len(listed) > MAX_TOLD else ""
    return ", ".join(listed[:MAX_TOLD]) + more
