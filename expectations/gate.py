"""Judges a candidate before it is published: dbt's results, its own checks, and the suites.

Belongs here: which verdicts a candidate needs, collected into one `GateResult`. Does not belong
here: how a mart is judged (`judging`), what is expected of it (its module), and what follows from
the verdict: the receipt and the publish (orchestration).

Whatever keeps a verdict from being reached is a failed critical check: a mart without a suite, an
empty suite, an expectation that raises or hangs, a month without rows, a missing file. Great
Expectations runs in memory, with telemetry off and the result format BOOLEAN_ONLY; texts of a
verdict hold counts, means and ids of teams at most, never a person's values.
"""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from expectations.context import Severity
from expectations.judging import CheckResult, MartJudge, Override, checks_in_time, told
from expectations.reading import first_day, read_roster

__all__ = ["CheckResult", "GateResult", "run_gate"]

QUALITY_MART = "release_quality"
# For all marts together. The gate takes seconds; what takes this long will not end.
GATE_SECONDS = 30 * 60
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")


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
    # Before the first import of Great Expectations, which reads it: nothing leaves this machine.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    checks = list(_dbt_checks(run_results))
    checks += _release_quality_checks(candidate_dir / f"{QUALITY_MART}.parquet")
    if not marts:
        checks.append(
            CheckResult("marts_are_listed", None, "critical", False, "no mart", "at least one mart")
        )
    lifts, faults = _read_overrides(overrides)
    checks += faults
    roster = read_roster(candidate_dir)
    changed = {first_day(month) for month in months_changed} if months_changed else None
    ends = time.monotonic() + GATE_SECONDS
    for mart in marts:
        judge = MartJudge(mart, candidate_dir, previous, roster, changed, lifts)
        checks += checks_in_time(judge, ends - time.monotonic())
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
        yield failed(f"{len(bad)} of {len(status)} nodes: {told(bad)}")
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
    import pyarrow as pa
    import pyarrow.parquet as pq

    name, required = "release_quality_checks", "every critical check passed"
    try:
        rows = pq.read_table(path).to_pylist()
        failed = [_release_quality_check(row) for row in rows if row["passed"] is not True]
    except (OSError, KeyError, pa.ArrowException) as fault:
        observed = f"{path.name} is not readable ({type(fault).__name__})"
        return [CheckResult(name, QUALITY_MART, "critical", False, observed, required)]
    critical = [check for check in failed if check.severity == "critical"]
    observed = f"{len(rows)} checks, {len(failed)} failed, {len(critical)} of them critical"
    passed = bool(rows) and not critical
    return [CheckResult(name, QUALITY_MART, "critical", passed, observed, required), *failed]


def _release_quality_check(row: Mapping[str, Any]) -> CheckResult:
    """The verdict of a row that did not pass."""
    return CheckResult(
        f"{QUALITY_MART}:{row['check']}",
        QUALITY_MART,
        # A severity nobody knows must not make a failed check harmless.
        row["severity"] if row["severity"] in SEVERITIES else "critical",
        False,
        str(row["observed"]),
        str(row["required"]),
    )


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
