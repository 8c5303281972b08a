"""The dbt project as assets: one build makes and tests every model.

Belongs here: starting dbt, and turning what it found into the end of the run. Does not belong here:
models, tests and their order, which are dbt's.
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from orchestration.defs.project import FINGERPRINT, MANIFEST, MANIFEST_PATH
from orchestration.defs.resources import Warehouse, environment
from orchestration.lib import releases, steps
from orchestration.lib.dbt_runs import (
    DbtOutcome,
    dbt_environment,
    fingerprint,
    read_outcome,
    results_path,
    target_path,
)
from orchestration.lib.errors import Fault, GateFailed
from orchestration.lib.failures import explain_machine
from orchestration.lib.landing import inventory_path, read_inventory
from orchestration.lib.lock import note_build
from orchestration.lib.quarantine import BUDGET_TEST, refuse_over_budget
from orchestration.lib.run_plan import end_build
from orchestration.lib.settings import Settings

# Unit tests judge the code on invented rows, so `make test` runs them, not every refresh.
BUILD = ["build", "--exclude-resource-type", "unit_test"]


@dbt_assets(manifest=MANIFEST_PATH, name="dbt_build")
def dbt_build(
    context: dg.AssetExecutionContext, dbt: DbtCliResource, warehouse: Warehouse
) -> Iterator[Any]:
    """Build and test the models; a failed test ends the run with GateFailed, a broken model with
    Fault.
    """
    settings = warehouse.settings
    with steps.step("dbt build") as step:
        _refuse_other_models(settings)
        target = _fresh_target(settings)
        kept = results_path(settings, releases.read_run(settings).release_id)
        kept.unlink(missing_ok=True)
        with environment(dbt_environment(settings)):
            invocation = dbt.cli(BUILD, context=context, target_path=target, raise_on_error=False)
        note_build(settings, invocation.process.pid)
        yield from _with_progress(invocation.stream(), step)
        _refuse_other_models(settings)
        results = target / "run_results.json"
        if results.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(results, kept)
        outcome = read_outcome(results, MANIFEST)
        if any(test.startswith(BUDGET_TEST) for test in outcome.failed_tests):
            refuse_over_budget(settings)
        judge(outcome, invocation.process.returncode, _last_words(invocation))
        end_build(
            settings,
            read_inventory(inventory_path(settings)),
            releases.read_run(settings).as_of,
        )


def judge(outcome: DbtOutcome, exit_code: int | None, last_words: str) -> None:
    """Raise what a dbt build that did not succeed means: Fault for a broken model, GateFailed for
    a test.

    A broken model comes first, as tests that could not run say nothing about the data.
    """
    if outcome.broken:
        of_the_machine = explain_machine(" ".join(outcome.broken))
        raise Fault(of_the_machine or f"dbt build: {_some(outcome.broken)}")
    if outcome.failed_tests:
        count = len(outcome.failed_tests)
        raise GateFailed(
            f"{count} dbt test{'s' if count != 1 else ''} failed, so nothing is published: "
            f"{_some(outcome.failed_tests)}"
        )
    if exit_code is not None and exit_code < 0:
        raise Fault(
            f"dbt build was killed by signal {-exit_code}; where memory was short, lower "
            "CX_MEMORY_LIMIT or CX_THREADS, and run again"
        )
    if exit_code != 0:
        raise Fault(
            explain_machine(last_words)
            or f"dbt build ended with exit code {exit_code}: {last_words or 'no reason given'}"
        )


def _refuse_other_models(settings: Settings) -> None:
    """Raise Fault when the dbt project is not the one that was loaded and named the release."""
    if fingerprint(settings) != FINGERPRINT:
        raise Fault(
            "dbt_project: edited since this run was loaded, so its figures would not be those of "
            "its release id; run again (in Dagster's UI, reload the code location first)"
        )


def _some(names: tuple[str, ...], shown: int = 5) -> str:
    more = f"; and {len(names) - shown} more" if len(names) > shown else ""
    return "; ".join(names[:shown]) + more


def _fresh_target(settings: Settings) -> Path:
    # A folder of its own, so that a build that dies never leaves a torn manifest for the asset
    # graph.
    target = target_path(settings) / "build"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    # What the manifest was parsed into, so that the build need not parse the project again.
    parsed = target_path(settings) / "partial_parse.msgpack"
    if parsed.exists():
        shutil.copyfile(parsed, target / parsed.name)
    return target


def _with_progress(events: Iterator[Any], step: steps.Step) -> Iterator[Any]:
    total = sum(
        1
        for node in MANIFEST["nodes"].values()
        if node["resource_type"] in {"model", "seed", "test"}
    )
    done = 0
    for event in events:
        if isinstance(event, dg.Output | dg.AssetCheckResult | dg.AssetObservation):
            done += 1
            step.progress(done, total, _title(event))
        yield event


def _title(event: Any) -> str:
    if isinstance(event, dg.Output):
        return event.output_name
    return getattr(event, "check_name", None) or ""


def _last_words(invocation: Any) -> str:
    said: Mapping[str, Any] | list[str] = getattr(invocation, "_error_messages", [])
    return " ".join(" ".join(said).split())[:500]
