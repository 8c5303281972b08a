"""The gate: what stands between a candidate and its readers.

Belongs here: running the suites on the candidate, the evidence of the dbt tests, and the receipt.
Does not belong here: what is expected of a mart (expectations/), and publishing.
"""

from collections.abc import Iterator, Mapping
from csv import DictReader
from pathlib import Path

import dagster as dg

from orchestration.defs.project import CANDIDATE, MANIFEST, MARTS
from orchestration.defs.resources import Warehouse
from orchestration.lib import audit, releases, steps
from orchestration.lib.dbt_runs import DbtOutcome, frozen_seeds, read_outcome
from orchestration.lib.errors import GateFailed
from orchestration.lib.settings import Settings

DBT = "dbt"
OVERRIDES_FILE = "gate_overrides.csv"
APPROVED_BY = "approved_by_role"
QUALITY_MART = "release_quality"
# As expectations/judging.py and int_release__daily_volumes word it.
LIFTED = "lifted by "
# Failed checks that the audit log names; the receipt names them all.
NAMED = 20
GATE_CHECKS = [DBT, *(mart.name for mart in MARTS)]


@dg.multi_asset_check(
    name="gate",
    specs=[
        dg.AssetCheckSpec(
            name,
            asset=CANDIDATE,
            blocking=True,
            description="Every dbt test ran and passed on these marts."
            if name == DBT
            else f"The expectation suite of {name}.",
        )
        for name in GATE_CHECKS
    ],
)
def gate(warehouse: Warehouse) -> Iterator[dg.AssetCheckResult]:
    """Judge the candidate and leave the receipt that publishing demands.

    One check per mart and one for dbt: an error where a critical judgement failed, a warning where
    only a lesser one did.
    """
    settings = warehouse.settings
    with steps.step("gate"):
        receipt = judge(
            settings, releases.load_candidate(settings, releases.read_run(settings).release_id)
        )
        for name in GATE_CHECKS:
            yield _result(name, [check for check in receipt.checks if check.mart == name])
        if not receipt.passed:
            raise GateFailed(f"gate: {releases.describe_failures(receipt)}")


def judge(settings: Settings, candidate: releases.Candidate) -> releases.Receipt:
    """Run every suite over the candidate and write its receipt; none is left when one raises."""
    # Great Expectations costs seconds to import, so nobody pays for it who only loads the
    # definitions.
    from expectations.gate import run_gate

    releases.withdraw_receipt(candidate)
    before = releases.release_before(settings, candidate.run)
    previous = None if before is None else before.managers
    outcome = read_outcome(candidate.run_results, MANIFEST)
    judged = run_gate(
        candidate.folder,
        sorted(candidate.marts),
        candidate.run_results if candidate.run_results.exists() else None,
        months_changed=releases.changed_months(candidate, previous),
        previous=previous,
        overrides=frozen_seeds(settings) / OVERRIDES_FILE,
    )
    checks = [
        releases.Check(
            check.name,
            check.mart or DBT,
            check.severity,
            check.passed,
            check.observed,
            check.required,
        )
        for check in judged.checks
    ]
    receipt = releases.write_receipt(candidate, [_dbt_check(outcome), *checks], outcome.counts())
    _put_on_record(settings, candidate, receipt)
    return receipt


def _put_on_record(
    settings: Settings, candidate: releases.Candidate, receipt: releases.Receipt
) -> None:
    """Have the audit log say what the gate found, and each row of gate_overrides that lifted a
    check. The reason of a row is people's own words: it stands with the release, not here.
    """
    failed = receipt.failed("critical")
    audit.append(
        settings,
        "gate",
        candidate.release_id,
        passed=receipt.passed,
        candidate_hash=candidate.candidate_hash,
        checks=len(receipt.checks),
        failed=[f"{check.mart}.{check.name}" for check in failed[:NAMED]],
        failed_count=len(failed),
        warnings=len(receipt.failed("warning")),
    )
    findings = [
        *((f"{check.mart}.{check.name}", check.observed) for check in receipt.failed("warning")),
        *_findings_of_the_release(candidate.folder / f"{QUALITY_MART}.parquet"),
    ]
    for row in read_overrides(frozen_seeds(settings) / OVERRIDES_FILE):
        if any(_lifts(row, check, observed) for check, observed in findings):
            facts = {name: row.get(name, "") for name in ("check", "from", "to", APPROVED_BY)}
            audit.append(settings, "override", candidate.release_id, **facts)


def _findings_of_the_release(path: Path) -> list[tuple[str, str]]:
    """Checks that the models made, with what they saw: a lifted one has passed there."""
    import pyarrow.parquet as pq

    if not path.exists():
        return []
    rows = pq.read_table(path, columns=["check", "observed"]).to_pylist()
    return [(f"{QUALITY_MART}.{row['check']}", row["observed"] or "") for row in rows]


def _lifts(row: Mapping[str, str], check: str, observed: str) -> bool:
    if row.get("check", "").strip() != check:
        return False
    lifted_by = f"{row.get(APPROVED_BY, '').strip()}: {row.get('reason', '').strip()}"
    # Of many months or days only some are told.
    return LIFTED in observed and (lifted_by in observed or " more" in observed)


def read_overrides(path: Path) -> list[dict[str, str]]:
    """Rows of gate_overrides.csv; none where it does not read, which the gate itself calls a
    fault.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [{name: value or "" for name, value in row.items()} for row in DictReader(file)]
    except (OSError, ValueError, TypeError, AttributeError):
        return []


def _dbt_check(outcome: DbtOutcome) -> releases.Check:
    """The build behind the candidate made every model and ran every test of the manifest.

    Materialising a few models by hand leaves the results of those few: that is no evidence.
    """
    counts = outcome.counts()
    told = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())
    gaps = [*outcome.broken, *outcome.failed_tests, *outcome.not_run]
    named = f" ({'; '.join(gaps[:3])})" if gaps else ""
    return releases.Check(
        "every_test_ran_and_passed",
        DBT,
        "critical",
        outcome.complete and outcome.passed > 0,
        told + named,
        "every model built, every test run, none failed",
    )


def _result(name: str, checks: list[releases.Check]) -> dg.AssetCheckResult:
    failed = [check for check in checks if not check.passed and check.severity != "info"]
    is_critical = any(check.severity == "critical" for check in failed)
    return dg.AssetCheckResult(
        asset_key=CANDIDATE,
        check_name=name,
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if is_critical else dg.AssetCheckSeverity.WARN,
        metadata={
            "checks": len(checks),
            "failed": [
                f"{check.severity} {check.name}: saw {check.observed}, wants {check.required}"
                for check in failed
            ],
        },
    )
