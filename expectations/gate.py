"""Judges a candidate before it is published: dbt's results, its own checks, and the suites.

Belongs here: reading a candidate month by month, running the suites of `expectations` over it and
collecting every verdict into one `GateResult`. Does not belong here: what is expected of a mart
(its module) and what follows from the verdict: the receipt and the publish (orchestration).

Whatever keeps a verdict from being reached is a failed critical check: a mart without a suite, an
empty suite, an expectation that raises, a month without rows, a missing file. Great Expectations
runs in memory, with telemetry off and the result format BOOLEAN_ONLY; texts of a verdict hold
counts, means and ids of teams at most, never a person's values.
"""

from __future__ import annotations

import csv
import importlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expectations.context import Reading, Severity, SuiteContext, Summary, next_month

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

# Rows judged by themselves are judged many months at once, because each call of Great Expectations
# costs some 10 ms whatever its size; this many rows keep memory flat at any size of company.
MAX_ROWS_PER_BATCH = 200_000
# Texts stay readable: a fault that hits every month is not told thirteen times.
MAX_TOLD = 6
QUALITY_MART = "release_quality"
# The two marts that say who works in which team.
ROSTER_MARTS = ("agent_scorecard", "agent_scorecard_metrics")
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")


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
class GateResult:
    """Every verdict on a candidate, in a fixed order."""

    checks: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        """Whether it may be published: there are verdicts and no critical one is negative."""
        return bool(self.checks) and not self.failed("critical")

    def failed(self, severity: Severity) -> list[CheckResult]:
        """The negative verdicts of exactly this severity."""
        return [check for check in self.checks if not check.passed and check.severity == severity]


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


def run_gate(
    candidate_dir: Path,
    marts: list[str],
    run_results: Path | None,
    months_changed: list[date] | None = None,
    previous: Path | None = None,
    *,
    overrides: Path | None = None,
) -> GateResult:
    """Judges the Parquet files of a candidate.

    candidate_dir: folder with `<mart>.parquet` of every mart.
    marts: the marts that are to be published; each needs its suite.
    run_results: dbt's `run_results.json` of the build that made the candidate.
    months_changed: months (their first days) to judge; None or empty = all. Months before them
        still serve as history, and the completeness of months is always judged as a whole.
    previous: folder of the same shape with the release published before, to compare with.
    overrides: the CSV file of gate overrides. A row lifts a comparison named `<mart>.<check>` for
        the months its days meet: the verdict stays negative, but as a warning with the reason.

    Never raises for what is wrong with the candidate: that is a failed critical check.
    """
    checks = list(_dbt_checks(run_results))
    checks += _release_quality_checks(candidate_dir / f"{QUALITY_MART}.parquet")
    if not marts:
        checks.append(
            CheckResult("marts_are_listed", None, "critical", False, "no mart", "at least one mart")
        )
    lifts, faults = _read_overrides(overrides)
    checks += faults
    engine = _Engine()
    roster = _read_roster(candidate_dir)
    changed = {_first_day(month) for month in months_changed} if months_changed else None
    for mart in marts:
        judged = _Mart(mart, candidate_dir, previous, engine, roster, changed, lifts)
        checks += judged.checks()
    return GateResult(tuple(checks))


# dbt and the candidate's own checks


def _dbt_checks(run_results: Path | None) -> Iterator[CheckResult]:
    """`dbt_build`, and one warning for each test that warned."""
    required = "run_results.json with tests, every node success or pass"

    def failed(observed: str) -> CheckResult:
        return CheckResult("dbt_build", None, "critical", False, observed, required)

    if run_results is None or not run_results.is_file():
        yield failed("no run_results.json")
        return
    try:
        nodes = json.loads(run_results.read_text(encoding="utf-8"))["results"]
        status = {str(node["unique_id"]): str(node["status"]) for node in nodes}
        failures = {str(node["unique_id"]): node.get("failures") for node in nodes}
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as fault:
        yield failed(f"run_results.json is not readable ({type(fault).__name__})")
        return
    if not status:
        yield failed("run_results.json is empty")
        return

    bad = [node for node, state in status.items() if not _is_good(node, state)]
    warned = [node for node, state in status.items() if state == "warn"]
    # `dbt run` leaves results without a single test: nothing would have been judged.
    tests = sum(node.startswith(("test.", "unit_test.")) for node in status)
    if bad:
        yield failed(f"{len(bad)} of {len(status)} nodes: {_told(bad)}")
    elif tests == 0:
        yield failed(f"{len(status)} nodes, no test among them")
    else:
        observed = f"{len(status)} nodes, {tests} of them tests, {len(warned)} warnings"
        yield CheckResult("dbt_build", None, "critical", True, observed, required)
    for node in warned:
        observed = f"{failures[node]} failures"
        yield CheckResult(f"dbt_build:{node}", None, "warning", False, observed, "0 failures")


def _is_good(node: str, state: str) -> bool:
    """`no-op` is good where there is nothing to execute (exposures, metrics), nowhere else."""
    executes = node.startswith(("model.", "test.", "unit_test.", "seed.", "snapshot."))
    return state in ("success", "pass", "warn") or (state == "no-op" and not executes)


def _release_quality_checks(path: Path) -> list[CheckResult]:
    """A summary, and one verdict for each row of `release_quality` that did not pass."""
    import pyarrow.parquet as pq

    name, required = "release_quality_checks", "every critical check passed"
    try:
        columns = ["check", "severity", "passed", "observed", "required"]
        rows = pq.read_table(path, columns=columns).to_pylist()
    except Exception as fault:  # whatever the file has become, it gives no verdict
        observed = f"{path.name} is not readable ({type(fault).__name__})"
        return [CheckResult(name, QUALITY_MART, "critical", False, observed, required)]
    failed = [
        CheckResult(
            f"{QUALITY_MART}:{row['check']}",
            QUALITY_MART,
            # A severity nobody knows must not make a failed check harmless.
            row["severity"] if row["severity"] in SEVERITIES else "critical",
            False,
            str(row["observed"]),
            str(row["required"]),
        )
        for row in rows
        if row["passed"] is not True
    ]
    critical = [check for check in failed if check.severity == "critical"]
    observed = f"{len(rows)} checks, {len(failed)} failed, {len(critical)} of them critical"
    passed = bool(rows) and not critical
    return [CheckResult(name, QUALITY_MART, "critical", passed, observed, required), *failed]


def _read_overrides(path: Path | None) -> tuple[list[Override], list[CheckResult]]:
    if path is None:
        return [], []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [
                Override(
                    row["check"].strip(),
                    date.fromisoformat(row["from"].strip()),
                    date.fromisoformat(row["to"].strip()),
                    row["reason"].strip(),
                    row["approved_by_role"].strip(),
                )
                for row in csv.DictReader(file)
            ]
    except (OSError, ValueError, KeyError, AttributeError) as fault:
        observed = f"{path.name} is not readable ({type(fault).__name__})"
        required = "check, from, to, reason, approved_by_role; dates as YYYY-MM-DD"
        return [], [
            CheckResult("gate_overrides", None, "critical", False, observed, required),
        ]
    return rows, []


# Who works where


@dataclass(frozen=True)
class _Roster:
    """month -> team -> agents by either agent mart, and month -> agents of the scorecard."""

    teams: Mapping[date, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    agents: Mapping[date, int] = field(default_factory=dict)

    def teams_due(self, month: date) -> dict[str, int]:
        """Teams that must appear in the month, with their number of agents.

        Those either mart shows, and those of the month before, unless they were dissolved: at least
        half of their people then work on in other teams.
        """
        now = self.teams.get(month, {})
        due = {team: len(agents) for team, agents in now.items()}
        staff = frozenset().union(*now.values())
        for team, agents in self.teams.get(_month_before(month), {}).items():
            if team not in now and len(agents & staff) * 2 < len(agents):
                due[team] = len(agents)
        return due


def _read_roster(candidate_dir: Path) -> _Roster:
    """A mart that cannot be read adds nothing here; its own checks say so."""
    import pyarrow.parquet as pq

    teams: dict[date, dict[str, set[str]]] = {}
    agents: dict[date, set[str]] = {}
    columns = ["period_month", "team_id", "agent_id"]
    for mart in ROSTER_MARTS:
        try:
            table = pq.read_table(
                candidate_dir / f"{mart}.parquet",
                columns=columns,
                read_dictionary=["team_id", "agent_id"],
            )
            distinct = table.group_by(columns).aggregate([]).to_pylist()
        except Exception:  # reported by the mart's own check `file_is_readable`
            continue
        for row in distinct:
            if None in row.values():
                continue
            month = _first_day(row["period_month"])
            teams.setdefault(month, {}).setdefault(row["team_id"], set()).add(row["agent_id"])
            if mart == "agent_scorecard":
                agents.setdefault(month, set()).add(row["agent_id"])
    return _Roster(
        {
            month: {team: frozenset(people) for team, people in by_team.items()}
            for month, by_team in teams.items()
        },
        {month: len(people) for month, people in agents.items()},
    )


# Great Expectations


class _Engine:
    """Runs expectations over pandas frames in memory; imported at the first use."""

    def __init__(self) -> None:
        self._batches: Any = None

    def results(self, frame: pd.DataFrame, expectations: list[Any], counts: bool = False) -> list:
        """One result per expectation, in no particular order; counts adds counts, never values."""
        import great_expectations as gx

        suite = gx.ExpectationSuite(name="gate", expectations=expectations)
        # BASIC without a single example: only counts and observed aggregates are left.
        how = {"result_format": "BASIC", "partial_unexpected_count": 0}
        batch = self._batch_definition().get_batch(batch_parameters={"dataframe": frame})
        return batch.validate(suite, result_format=how if counts else "BOOLEAN_ONLY").results

    def _batch_definition(self) -> Any:
        if self._batches is None:
            # Before the import: Great Expectations reads it once.
            os.environ["GX_ANALYTICS_ENABLED"] = "false"
            import great_expectations as gx

            context = gx.get_context(mode="ephemeral")
            context.enable_analytics(False)
            context.variables.progress_bars = {"globally": False, "metric_calculations": False}
            source = context.data_sources.add_pandas("candidate")
            asset = source.add_dataframe_asset("mart")
            self._batches = asset.add_batch_definition_whole_dataframe("month")
        return self._batches


@dataclass
class _Tally:
    """What one expectation said over all batches of a mart."""

    severity: Severity
    is_liftable: bool
    required: str = ""
    batches: int = 0
    failures: list[tuple[date | None, str]] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)
    not_assessed: list[tuple[date | None, str]] = field(default_factory=list)


class _Fault(Exception):
    """A mart that cannot be judged: the name of the failed check, what was seen and required."""

    def __init__(self, check: str, observed: str, required: str) -> None:
        super().__init__(observed)
        self.check, self.observed, self.required = check, observed, required


class _Mart:
    """Judges one mart of the candidate."""

    def __init__(
        self,
        mart: str,
        candidate_dir: Path,
        previous: Path | None,
        engine: _Engine,
        roster: _Roster,
        changed: set[date] | None,
        overrides: list[Override],
    ) -> None:
        self._mart = mart
        self._path = candidate_dir / f"{mart}.parquet"
        self._previous_path = previous / f"{mart}.parquet" if previous else None
        self._engine = engine
        self._roster = roster
        self._changed = changed
        self._overrides = overrides
        self._tallies: dict[str, _Tally] = {}
        self._order: dict[str, int] = {}
        self._structure: list[CheckResult] = []

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
        except ModuleNotFoundError:
            raise _Fault("suite_is_sound", "no suite for this mart", required) from None
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
            raise _Fault(name, f"missing columns: {_told(missing)}", required)
        self._note(name, True, f"{len(present)} columns", required)

    # A mart without months

    def _judge_table(self, reading: Reading, suite: Any) -> None:
        frame = _prepared(reading, _read(self._path, reading, None))
        self._note("has_rows", len(frame) > 0, f"{len(frame):,} rows", "at least one row")
        previous = self._previous_months(reading)
        context = SuiteContext(
            mart=self._mart,
            distinct=_distinct(reading, frame),
            previous_rows=None if previous is None else sum(previous.values()),
        )
        expected = self._expectations(suite, context, ("rows", "month"), None)
        self._run(expected, {None: frame}, is_whole=True)

    # A mart with months

    def _judge_months(self, reading: Reading, suite: Any) -> None:
        rows, undated = _rows_by_month(self._path, reading)
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
            frame = _prepared(reading, _read(self._path, reading, month))
            as_of = as_of or _as_of(frame)
            for name in reading.statistics:
                summaries[name][month] = _summary(frame[name])
            if month not in judged:
                continue
            context = SuiteContext(
                mart=self._mart,
                month=month,
                last_month=max(rows),
                as_of=as_of,
                rows={known: count for known, count in rows.items() if known <= month},
                summaries={name: dict(known) for name, known in summaries.items()},
                distinct=_distinct(reading, frame),
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
            waiting[None] = _prepared(reading, _read(self._path, reading, None))
        if waiting:
            last = max((month for month in waiting if month), default=None)
            self._run(self._expectations(suite, context, ("rows",), last), waiting)
        calendar = _calendar(span, rows, previous, changes)
        expected = self._expectations(suite, context, ("calendar",), None)
        self._run(expected, calendar, is_calendar=True)

    def _span(self, reading: Reading, rows: Mapping[date, int]) -> list[date]:
        """Every month that is due: from the first to the last of the candidate, without gaps."""
        known = set(rows)
        if reading.restricted_by_change:
            known |= set(self._roster.agents)
        return list(_months(min(known), max(known))) if known else []

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
            observed += f"; no rows in {_told(map(_name_of, empty))}"
        self._note("has_rows", total > 0 and not empty, observed, "rows in every month due")

    # The release published before

    def _previous_months(self, reading: Reading) -> dict[date | None, int] | None:
        """Rows by month, {None: rows} for a mart without months, None without such a file."""
        import pyarrow.parquet as pq

        if self._previous_path is None or not self._previous_path.is_file():
            return None
        try:
            if reading.period is None:
                return {None: pq.read_metadata(self._previous_path).num_rows}
            return dict(_rows_by_month(self._previous_path, reading)[0])
        except Exception as fault:
            observed = f"{type(fault).__name__} while reading the previous release"
            raise _Fault("previous_is_readable", observed, "an intact previous release") from fault

    def _previous_means(self, reading: Reading, month: date) -> dict[str, float | None]:
        """Means of the month in the previous release; none where it had other columns."""
        import pyarrow.parquet as pq

        path = self._previous_path
        if path is None or not reading.statistics:
            return {}
        if not set(reading.columns) <= set(pq.read_schema(path).names):
            return {}
        frame = _prepared(reading, _read(path, reading, month))
        summaries = {name: _summary(frame[name]) for name in reading.statistics}
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
        unnamed = [item for item in built.expectations if "name" not in (item.meta or {})]
        if unnamed:
            raise _Fault("suite_is_sound", f"{len(unnamed)} expectations without name", required)
        meta = built.meta or {}
        self._order = {name: place for place, name in enumerate(meta.get("names", []))}
        for note in meta.get("not_assessed", []):
            if note["scope"] in scopes:
                tally = self._tallies.setdefault(note["name"], _Tally("info", False))
                tally.not_assessed.append((month, note["reason"]))
        wanted = [item for item in built.expectations if item.meta["scope"] in scopes]
        for item in wanted:
            severity = str(getattr(item.severity, "value", item.severity))
            liftable = bool(item.meta.get("is_liftable"))
            tally = self._tallies.setdefault(item.meta["name"], _Tally("info", liftable))
            tally.severity, tally.is_liftable = severity, liftable  # type: ignore[assignment]
            if not tally.failures:
                tally.required = _required(item)
        return wanted

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
            results = self._engine.results(frame, expectations)
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
                tally.required = _required(item)
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
            (result,) = self._engine.results(part, [item])
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
            return f"missing {_told(missing)}"
        (result,) = self._engine.results(frame, [item], counts=True)
        detail = result.result or {}
        if detail.get("unexpected_count") is not None:
            count = detail["unexpected_count"]
            return f"{count:,} of {detail.get('element_count', len(frame)):,} rows"
        try:
            return f"{float(detail['observed_value']):.6g}"
        except (KeyError, TypeError, ValueError):
            return "not met"

    def _verdict(self, name: str, tally: _Tally) -> CheckResult:
        if tally.raised:
            # Severity does not matter: a check that cannot be made protects nobody.
            observed = f"raised {_told(sorted(set(tally.raised)))}"
            return CheckResult(name, self._mart, "critical", False, observed, tally.required)
        if not tally.batches:
            reasons = list(dict.fromkeys(reason for _, reason in tally.not_assessed))
            observed = f"not assessed: {_told(reasons) or 'no rows'}"
            required = tally.required or "something to compare with"
            return CheckResult(name, self._mart, "info", True, observed, required)

        open_failures, lifted = [], []
        for month, text in tally.failures:
            override = self._override(name, month) if tally.is_liftable else None
            if override is None:
                open_failures.append(_with_month(month, text))
            else:
                by = f"lifted by {override.approved_by_role}: {override.reason}"
                lifted.append(f"{_with_month(month, text)} ({by})")
        told = [_told(open_failures + lifted)] if tally.failures else [f"{tally.batches} batches"]
        if tally.not_assessed:
            months = sorted({_name_of(month) for month, _ in tally.not_assessed if month})
            reasons = list(dict.fromkeys(reason for _, reason in tally.not_assessed))
            where = f" in {len(months)} months" if months else ""
            told.append(f"not assessed{where} ({_told(reasons)})")
        severity = "warning" if lifted and not open_failures else tally.severity
        return CheckResult(
            name, self._mart, severity, not tally.failures, "; ".join(told), tally.required
        )

    def _override(self, name: str, month: date | None) -> Override | None:
        check = f"{self._mart}.{name}"
        matching = (o for o in self._overrides if month is not None and o.lifts(check, month))
        return next(matching, None)


# Reading and counting


def _read(path: Path, reading: Reading, month: date | None) -> pd.DataFrame:
    """Needed columns of one month; of the rows without a month, or all rows of a mart without."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    chosen = None
    if reading.period is not None:
        column = pc.field(reading.period)
        chosen = column.is_null() if month is None else column == month
    table = pq.read_table(path, columns=list(reading.columns), filters=chosen)
    return _without_dictionaries(table).to_pandas(date_as_object=False)


def _without_dictionaries(table: pa.Table) -> pa.Table:
    """Plain columns: pandas would make categories of dictionaries, which compare differently."""
    import pyarrow as pa

    fields = [
        column.with_type(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in table.schema
    ]
    return table.cast(pa.schema(fields))


def _prepared(reading: Reading, frame: pd.DataFrame) -> pd.DataFrame:
    return reading.prepare(frame) if reading.prepare else frame


def _rows_by_month(path: Path, reading: Reading) -> tuple[dict[date, int], int]:
    """Rows by month, and rows without a month."""
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=[reading.period])
    counts = table.group_by(reading.period).aggregate([([], "count_all")]).to_pylist()
    by_month = {row[reading.period]: row["count_all"] for row in counts}
    undated = by_month.pop(None, 0)
    return {_day(month): rows for month, rows in sorted(by_month.items())}, undated


def _distinct(reading: Reading, frame: pd.DataFrame) -> dict[str, int]:
    return {
        name: len(frame[list(columns)].drop_duplicates())
        for name, columns in reading.distinct.items()
    }


def _summary(column: pd.Series) -> Summary:
    values = column.dropna().astype("float64")
    stdev = float(values.std()) if len(values) > 1 else 0.0
    mean = float(values.mean()) if len(values) else 0.0
    return Summary(len(values), mean, stdev, float(values.sum()))


def _as_of(frame: pd.DataFrame) -> date | None:
    if "as_of" not in frame or frame["as_of"].isna().all():
        return None
    return frame["as_of"].max().date()


def _calendar(
    span: list[date],
    rows: Mapping[date, int],
    previous: Mapping[Any, int] | None,
    changes: Mapping[str, Mapping[date, float]],
) -> dict[date | None, pd.DataFrame]:
    """One row per month of the candidate or the previous release.

    `rows` is null outside the candidate's span: such a month is missed by the comparison alone.
    """
    import pandas as pd

    known = previous or {}
    months = sorted({*span, *known})
    nothing = float("nan")
    table = {
        "rows": [float(rows.get(month, 0)) if month in span else nothing for month in months],
        "rows_kept": [
            rows.get(month, 0) / known[month] if month in known else nothing for month in months
        ],
    }
    for name, by_month in changes.items():
        table[f"{name}_change"] = [by_month.get(month, nothing) for month in months]
    frame = pd.DataFrame(table).assign(period_month=pd.to_datetime(months))
    return {month: frame.iloc[[row]] for row, month in enumerate(months)}


def _months(first: date, last: date) -> Iterator[date]:
    month = _first_day(first)
    while month <= last:
        yield month
        month = next_month(month)


def _month_before(month: date) -> date:
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)


def _first_day(day: date) -> date:
    return date(day.year, day.month, 1)


def _day(value: date) -> date:
    """A plain date, whether the file has dates or timestamps."""
    return value.date() if isinstance(value, datetime) else value


# Words


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


def _required(item: Any) -> str:
    """The expectation in words: column, range and condition."""
    columns = getattr(item, "column", None) or getattr(item, "column_list", None)
    if getattr(item, "column_A", None):
        columns = [item.column_A, item.column_B]
    names = columns if isinstance(columns, str) else ", ".join(columns or [])
    what = item.expectation_type.removeprefix("expect_").replace("_", " ")
    low, high = getattr(item, "min_value", None), getattr(item, "max_value", None)
    parts = [what, f"[{names}]"] if names else [what]
    if low is not None or high is not None:
        parts.append(f"({_bound(low, 'open')} to {_bound(high, 'open')})")
    if getattr(item, "value_set", None):
        parts.append(f"({', '.join(map(str, item.value_set))})")
    if getattr(item, "value", None) is not None:
        parts.append(f"({item.value})")
    if getattr(item, "regex", None):
        parts.append(f"({item.regex})")
    if getattr(item, "row_condition", None) is not None:
        parts.append(f"where {_condition(item.row_condition)}")
    return " ".join(parts)


def _bound(value: float | None, missing: str) -> str:
    return missing if value is None else f"{value:.6g}"


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


def _told(texts: Iterable[Any]) -> str:
    """At most MAX_TOLD of them, and how many more there are."""
    listed = [str(text) for text in texts]
    more = f" and {len(listed) - MAX_TOLD} more" if len(listed) > MAX_TOLD else ""
    return ", ".join(listed[:MAX_TOLD]) + more
