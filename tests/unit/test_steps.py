"""Progress of steps and what they cost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.lib import steps


@pytest.fixture(autouse=True)
def _no_costs_of_others() -> None:
    steps.forget_costs()


def test_listener_hears_of_start_progress_and_end() -> None:
    heard: list[steps.StepEvent] = []
    stop = steps.listen(heard.append)
    with steps.step("ingest") as step:
        step.progress(1, 2, "tickets")
    stop()
    with steps.step("later"):
        pass
    assert [(event.step, event.state) for event in heard] == [
        ("ingest", "started"),
        ("ingest", "progressed"),
        ("ingest", "finished"),
    ]


def test_listener_hears_what_a_step_died_of() -> None:
    heard: list[steps.StepEvent] = []
    stop = steps.listen(heard.append)
    with pytest.raises(RuntimeError, match="no"), steps.step("gate"):
        raise RuntimeError("no")
    stop()
    assert heard[-1].state == "failed"
    assert isinstance(heard[-1].error, RuntimeError)


def test_costs_of_a_release_read_back(tmp_path: Path) -> None:
    with steps.step("dbt build"):
        subprocess.run([sys.executable, "-c", "sum(range(3_000_000))"], check=True)
    steps.write_timings(tmp_path, "20260310T060000Z-aaaaaaaaaaaa")
    (cost,) = steps.read_timings(tmp_path, "20260310T060000Z-aaaaaaaaaaaa")
    assert cost.step == "dbt build"
    assert cost.wall_seconds > 0
    assert cost.cpu_seconds > 0, "the seconds of a child process belong to the step that ran it"
    assert cost.peak_memory_bytes > 1_000_000


def test_release_without_timings_has_none(tmp_path: Path) -> None:
    assert steps.read_timings(tmp_path, "unknown") == []
