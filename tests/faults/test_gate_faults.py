"""A gate that cannot judge: whatever keeps it from a verdict, nothing is published.

Belongs here: faults of the gate itself, from the suite to the published folder. Does not belong
here: faults of the figures that a suite has to find, and the words of its verdicts
(tests/unit/test_gate*.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from expectations import gate as gates
from expectations import judging, metric_catalog
from expectations.context import SuiteContext, SuiteDraft
from orchestration.lib import audit, releases
from orchestration.lib.dbt_runs import MartSpec
from orchestration.lib.errors import GateFailed
from orchestration.lib.settings import Settings
from tests.faults.counted import count
from tests.unit import mart_frames
from tests.unit.release_world import judge, settings_of

RUN = releases.Run(mart_frames.RELEASE_ID, mart_frames.AS_OF, "native")
BEFORE = replace(RUN, release_id="20261109T000000Z-ba9876543210")
MARTS = [
    MartSpec("metric_catalog", "marts", "metric_catalog", ("version", "metric"), may_be_empty=True),
    MartSpec("lost_and_found", "marts", "lost_and_found", ("raw_table", "reason", "period_month")),
    MartSpec("release_quality", "marts", "release_quality", ("check",)),
]
# One test, which passed: what the gate wants to know of a build.
MANIFEST = {
    "nodes": {"test.cx.unique_key": {"name": "unique_key", "resource_type": "test", "config": {}}}
}

Break = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parquet files of the marts, and the results of their build."""
    folder = tmp_path_factory.mktemp("built")
    mart_frames.write_marts(mart_frames.plausible_marts(), folder)
    mart_frames.write_run_results(folder / "run_results.json")
    return folder


@pytest.fixture
def settings(built: Path, tmp_path: Path, gate: Any, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A state with one release, published after its gate passed."""
    made = settings_of(tmp_path)
    monkeypatch.setattr(gate, "MANIFEST", MANIFEST)
    seeds = gate.frozen_seeds(made)
    seeds.mkdir(parents=True)
    (seeds / "gate_overrides.csv").write_text("check,from,to,reason,approved_by_role\n", "utf-8")
    before = candidate_of(made, built, BEFORE)
    judge(before)
    releases.publish(made, before)
    return made


@pytest.fixture
def gate(dbt_manifest: dict[str, Any]) -> Any:
    """The module of the gate as Dagster runs it."""
    from orchestration.defs.quality import gate

    return gate


def judged(gate: Any, settings: Settings, built: Path, run: releases.Run) -> releases.Candidate:
    """A candidate that went through the gate, whatever came of it."""
    candidate = candidate_of(settings, built, run)
    gate.judge(settings, candidate)
    return candidate


def candidate_of(
    settings: Settings, built: Path, run: releases.Run, empty: str | None = None
) -> releases.Candidate:
    """The marts copied out of a warehouse, one of them without rows where it is named."""
    table = settings.landing_root / "_run" / "run.parquet"
    table.parent.mkdir(parents=True, exist_ok=True)
    told = {"as_of": run.as_of, "release_id": run.release_id, "ticketing_source": "native"}
    pq.write_table(pa.Table.from_pylist([told]), table)
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("create schema if not exists marts")
        for mart in MARTS:
            connection.execute(
                f"create or replace table marts.{mart.name} as "
                f"select * replace ('{run.release_id}' as release_id, "
                f"timestamp '{run.as_of}' as as_of) from '{built / mart.name}.parquet' "
                f"where {mart.name != empty}"
            )
    return releases.build_candidate(settings, MARTS, run, built / "run_results.json")


# --- what breaks ------------------------------------------------------------------------------


def suite_raises(patch: pytest.MonkeyPatch) -> None:
    def suite(_: SuiteContext) -> object:
        raise ZeroDivisionError

    patch.setattr(metric_catalog, "suite", suite)


def expectation_raises(patch: pytest.MonkeyPatch) -> None:
    def suite(context: SuiteContext) -> object:
        from great_expectations import expectations as gxe

        draft = SuiteDraft(context)
        draft.add("sees", "info", gxe.ExpectColumnMeanToBeBetween, column="nowhere", min_value=0)
        return draft.finish()

    patch.setattr(metric_catalog, "suite", suite)


def suite_is_empty(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(metric_catalog, "suite", lambda context: SuiteDraft(context).finish())


def suite_is_missing(patch: pytest.MonkeyPatch) -> None:
    patch.delattr(metric_catalog, "suite")


def engine_breaks(patch: pytest.MonkeyPatch) -> None:
    def evaluate(*_: object, **__: object) -> list[Any]:
        raise MemoryError

    patch.setattr(judging, "evaluate", evaluate)


def engine_says_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(judging, "evaluate", lambda *_, **__: [])


def test_a_sound_gate_publishes(gate: Any, settings: Settings, built: Path) -> None:
    """So what is refused below is refused for its fault."""
    releases.publish(settings, judged(gate, settings, built, RUN))
    assert published(settings) == [BEFORE.release_id, RUN.release_id]


@pytest.mark.parametrize(
    "broken",
    [suite_raises, expectation_raises, suite_is_empty, suite_is_missing, engine_breaks,
     engine_says_nothing],
)  # fmt: skip
def test_a_gate_without_a_verdict_publishes_nothing(
    gate: Any, settings: Settings, built: Path, monkeypatch: pytest.MonkeyPatch, broken: Break
) -> None:
    broken(monkeypatch)
    refuse(settings, judged(gate, settings, built, RUN), "metric_catalog")


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every mart waits for what never happens."""
    let_go = Event()

    def evaluate(*_: object, **__: object) -> list[Any]:
        let_go.wait()
        return []

    with monkeypatch.context() as patch:
        patch.setattr(judging, "evaluate", evaluate)
        patch.setattr(gates, "GATE_SECONDS", 1.0)
        yield
        let_go.set()


def test_a_gate_that_hangs_ends_and_publishes_nothing(
    gate: Any, settings: Settings, built: Path, hanging: None
) -> None:
    candidate = judged(gate, settings, built, RUN)
    refuse(settings, candidate, *(mart.name for mart in MARTS))
    receipt = releases.read_receipt(candidate)
    assert receipt is not None
    assert "out of time" in releases.describe_failures(receipt)


def test_a_mart_without_rows_publishes_nothing(gate: Any, settings: Settings, built: Path) -> None:
    candidate = candidate_of(settings, built, RUN, empty="metric_catalog")
    gate.judge(settings, candidate)
    refuse(settings, candidate, "metric_catalog")


def test_a_gate_that_dies_leaves_no_word_to_publish_by(
    gate: Any, settings: Settings, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also not that of the gate before, on the same candidate."""
    candidate = judged(gate, settings, built, RUN)
    assert releases.read_receipt(candidate) is not None

    def dies(*_: object, **__: object) -> object:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(gates, "_dbt_checks", dies)
        with pytest.raises(KeyboardInterrupt):
            gate.judge(settings, candidate)
    with pytest.raises(GateFailed, match="never judged"):
        releases.publish(settings, candidate)
    assert published(settings) == [BEFORE.release_id]
    count("broken_gates", 1)


# --- what has to hold -------------------------------------------------------------------------


def refuse(settings: Settings, candidate: releases.Candidate, *marts: str) -> None:
    """Asserts that the gate named these marts, wrote it down, and nothing can be published."""
    receipt = releases.read_receipt(candidate)
    assert receipt is not None and not receipt.passed
    assert set(marts) <= {check.mart for check in receipt.failed("critical")}
    verdict = [entry for entry in audit.verify(settings).entries if entry.event == "gate"][-1]
    assert verdict.facts["passed"] is False
    with pytest.raises(GateFailed):
        releases.publish(settings, candidate)
    assert published(settings) == [BEFORE.release_id]
    count("broken_gates", 1)


def published(settings: Settings) -> list[str]:
    found = releases.list_releases(settings)
    assert releases.verify_release(found[-1].folder) == []
    assert found[-1].is_current
    return [release.release_id for release in found]
