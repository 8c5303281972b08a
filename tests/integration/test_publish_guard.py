"""Materialising the release alone, as anyone can do from the UI, publishes nothing unaudited."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.cli import explain
from orchestration.lib import releases
from orchestration.lib.errors import GateFailed, LockHeld
from orchestration.lib.settings import Settings
from tests.unit.release_world import (
    RUN,
    build_warehouse,
    candidate_of,
    judge,
    judged_candidate,
    settings_of,
)

HOLD_LOCK = """
import time
from orchestration.lib.lock import run_lock
from orchestration.lib.settings import load_settings
with run_lock(load_settings()):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def settings(
    dbt_manifest: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    # Loaded on the session's state first: the test's own has no parsed dbt project.
    importlib.import_module("orchestration.defs.project")
    made = settings_of(tmp_path)
    monkeypatch.setenv("CX_STATE_ROOT", str(made.state_root))
    return made


def materialise_release() -> dg.ExecuteInProcessResult:
    """What the UI does when the asset `release` is materialised by itself."""
    from orchestration.definitions import defs

    return (
        defs()
        .resolve_implicit_global_asset_job_def()
        .execute_in_process(
            asset_selection=[dg.AssetKey("release")],
            instance=dg.DagsterInstance.ephemeral(),
            raise_on_error=True,
        )
    )


def published(settings: Settings) -> list[str]:
    return [release.release_id for release in releases.list_releases(settings)]


def test_release_alone_is_refused_before_anything_was_ingested(settings: Settings) -> None:
    with pytest.raises(GateFailed, match="nothing was ingested"):
        materialise_release()
    assert published(settings) == []


def test_release_alone_is_refused_without_a_candidate(settings: Settings) -> None:
    build_warehouse(settings, RUN)
    with pytest.raises(GateFailed, match="has no candidate"):
        materialise_release()
    assert published(settings) == []


def test_release_alone_is_refused_without_a_receipt(settings: Settings) -> None:
    candidate_of(settings)
    with pytest.raises(GateFailed, match="never judged"):
        materialise_release()
    assert published(settings) == []


def test_release_alone_is_refused_with_a_failed_receipt(settings: Settings) -> None:
    judge(candidate_of(settings), passed=False)
    with pytest.raises(GateFailed, match="2 critical checks failed"):
        materialise_release()
    assert published(settings) == []


def test_release_alone_is_refused_when_the_candidate_changed_since(settings: Settings) -> None:
    candidate = judged_candidate(settings)
    path = candidate.folder / "agent_scorecard.parquet"
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    with pytest.raises(GateFailed, match="changed after the gate judged it"):
        materialise_release()
    assert published(settings) == []


def test_release_alone_publishes_what_the_gate_let_pass(settings: Settings) -> None:
    judged_candidate(settings)
    assert materialise_release().success
    assert published(settings) == [RUN.release_id]


def test_release_alone_is_refused_while_another_run_holds_the_lock(settings: Settings) -> None:
    judged_candidate(settings)
    other = subprocess.Popen([sys.executable, "-c", HOLD_LOCK], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(dg.DagsterError) as caught:
            materialise_release()
    finally:
        other.kill()
        other.wait()
    explained = explain(caught.value)
    assert isinstance(explained, LockHeld)
    assert f"process {other.pid}" in explained.message
    assert published(settings) == []
