"""One run at a time, and a lock that never outlives its process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from orchestration.lib.errors import Fault, LockHeld
from orchestration.lib.lock import (
    remove_warehouse,
    run_lock,
    running,
    runs_at_work,
    wait_for_warehouse,
)
from orchestration.lib.settings import Settings

HOLD_LOCK = """
import time
from orchestration.lib.lock import run_lock
from orchestration.lib.settings import load_settings
with run_lock(load_settings()):
    print("held", flush=True)
    time.sleep(60)
"""
ASK = """
from orchestration.lib.lock import runs_at_work
from orchestration.lib.settings import load_settings
settings = load_settings()
print("held", flush=True)
while True:
    runs_at_work(settings)
"""
HOLD_WAREHOUSE = """
import duckdb, sys, time
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_root=tmp_path / "state")


@contextmanager
def other_process(code: str, settings: Settings, *arguments: str) -> Iterator[subprocess.Popen]:
    """A process that says "held" and stays until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "CX_STATE_ROOT": str(settings.state_root)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()


def test_second_run_fails_and_names_the_first(settings: Settings) -> None:
    with other_process(HOLD_LOCK, settings) as other:
        with pytest.raises(LockHeld, match=f"process {other.pid}"), run_lock(settings):
            pass
        assert f"process {other.pid}" in (running(settings) or "")


def test_lock_ends_with_a_killed_process(settings: Settings) -> None:
    with other_process(HOLD_LOCK, settings) as other:
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert running(settings) is None
        with run_lock(settings):
            assert f"process {os.getpid()}" in (running(settings) or "")
    assert running(settings) is None


def test_lock_can_be_taken_again_by_the_same_process(settings: Settings) -> None:
    with run_lock(settings), run_lock(settings):
        pass
    assert running(settings) is None


def test_lock_is_free_after_an_error(settings: Settings) -> None:
    with pytest.raises(RuntimeError, match="by the way"), run_lock(settings):
        raise RuntimeError("by the way")
    with run_lock(settings):
        pass


def test_runs_at_work_are_those_of_the_holder(settings: Settings) -> None:
    assert runs_at_work(settings) == set()
    with run_lock(settings):
        assert runs_at_work(settings) == set()
        with run_lock(settings, "outer"), run_lock(settings, "inner"):
            assert runs_at_work(settings) == {"outer", "inner"}
    assert runs_at_work(settings) == set()


def test_asking_who_is_at_work_stops_no_run(settings: Settings) -> None:
    with run_lock(settings):
        pass
    with other_process(ASK, settings):
        ends = time.monotonic() + 2
        while time.monotonic() < ends:
            with run_lock(settings):
                pass


def test_run_waits_for_the_dbt_of_a_killed_run(settings: Settings) -> None:
    settings.warehouse_path.parent.mkdir(parents=True)
    duckdb.connect(str(settings.warehouse_path)).close()
    with other_process(HOLD_WAREHOUSE, settings, str(settings.warehouse_path)) as other:
        with pytest.raises(LockHeld, match=r"warehouse\.duckdb is open in another program"):
            wait_for_warehouse(settings, seconds=0)
        other.kill()
        began = time.monotonic()
        wait_for_warehouse(settings, seconds=30)
        assert time.monotonic() - began < 20


def test_damaged_warehouse_names_the_command_that_mends_it(settings: Settings) -> None:
    settings.warehouse_path.parent.mkdir(parents=True)
    settings.warehouse_path.write_bytes(b"no database" * 1000)
    with pytest.raises(Fault, match="cx run --full"):
        wait_for_warehouse(settings)
    wait_for_warehouse(settings, replace_unreadable=True)
    remove_warehouse(settings)
    wait_for_warehouse(settings)
