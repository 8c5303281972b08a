"""The job `rollback`: the same as `cx rollback`, with its run and its end in the audit log."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.lib import audit, current, releases
from orchestration.lib.settings import Settings
from tests.unit.release_world import NEWER, OLDER, judged_candidate, settings_of


@pytest.fixture
def settings(
    dbt_manifest: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    # Loaded on the session's state first: the test's own has no parsed dbt project.
    import orchestration.defs.rollback  # noqa: F401

    made = settings_of(tmp_path)
    monkeypatch.setenv("CX_STATE_ROOT", str(made.state_root))
    for run in (OLDER, NEWER):
        releases.publish(made, judged_candidate(made, run))
    return made


def roll_back(**config: Any) -> dg.ExecuteInProcessResult:
    from orchestration.defs.resources import Warehouse
    from orchestration.defs.rollback import rollback

    return rollback.execute_in_process(
        instance=dg.DagsterInstance.ephemeral(),
        raise_on_error=False,
        resources={"warehouse": Warehouse()},
        run_config={"ops": {"roll_back": {"config": config}}},
    )


def states(settings: Settings) -> list[str]:
    return [
        entry.facts["state"] for entry in audit.verify(settings).entries[4:] if entry.event == "run"
    ]


def test_job_moves_readers_and_names_its_run(settings: Settings) -> None:
    result = roll_back(release_id=OLDER.release_id)
    assert result.success
    assert os.readlink(settings.releases_root / "current") == OLDER.release_id
    pin = current.read_pin(settings)
    assert pin is not None
    assert pin.by == f"Dagster run {result.run_id}"
    assert roll_back(undo=True).success
    assert os.readlink(settings.releases_root / "current") == NEWER.release_id
    assert states(settings) == ["started", "ended"] * 2


@pytest.mark.parametrize(
    "config", [{}, {"release_id": OLDER.release_id, "undo": True}, {"release_id": "unknown"}]
)
def test_job_that_is_told_nothing_useful_fails_and_says_so(
    settings: Settings, config: dict[str, Any]
) -> None:
    assert not roll_back(**config).success
    assert os.readlink(settings.releases_root / "current") == NEWER.release_id
    assert states(settings) == ["started", "failed"]
    last = audit.verify(settings).entries[-1]
    assert "release" in last.facts["reason"]
