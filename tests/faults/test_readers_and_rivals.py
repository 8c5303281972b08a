"""Readers beside publishes and rollbacks, and runs that compete for one state folder.

Belongs here: what happens to processes that work at the same time and all live. Does not belong
here: processes that are killed (test_kills.py, test_killed_runs.py).
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestration.lib.verification import verify
from tests.conftest import Workspace
from tests.faults.counted import count
from tests.faults.real_reference import BOUNDS, finish, make_reference
from tests.faults.runs_that_die import (
    PUBLISHING_MODULES,
    Nursery,
    hashes_of_marts,
    id_of_day,
    read_as_reader,
    remove,
    start_cx,
    world,
)
from tests.integration.readers import READER

# A reader resolves `current` once and reads all files of that release: more publishes than this
# do not fit into one look, however busy the machine is.
KEPT = 10
# A publish changes the disk more than so many times.
LAST_CHANGE = 110
SEED = 4
PAUSE = "time.sleep(0.1)"


@contextmanager
def readers(number: int, releases: Path, stop: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Reader processes that are told to stop at the end."""
    assert PAUSE in READER
    script = READER.replace(PAUSE, "time.sleep(0.01)")
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(releases), str(stop)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(number)
    ]
    try:
        yield started
    finally:
        stop.touch()
        for one in started:
            one.wait(timeout=120)


def cx(state: Path, *arguments: str) -> None:
    """A command on a synthetic state folder, as a user gives it."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("CX_")}
    done = start_cx({**given, "CX_STATE_ROOT": str(state)}, *arguments)
    assert done.end() == 0, done.seen


def publish_beside_readers(tmp_path: Path, publishes: int, reader_count: int) -> None:
    """Publish day after day, with kills, and rollbacks that stand for a publish and are lifted
    again, while readers look without a pause; the oldest releases are pruned meanwhile."""
    generator = random.Random(SEED)
    state = tmp_path / "state"
    settings, known = world(state, KEPT), {}
    nursery = Nursery(os.environ, *PUBLISHING_MODULES)

    def publish(day: int) -> str | None:
        nursery.do("publish_day", str(state), day, KEPT)
        name = id_of_day(day)
        known[name] = hashes_of_marts(settings.releases_root / name / "managers")
        return read_as_reader(settings, known)

    try:
        assert publish(1) == id_of_day(1)
        with readers(reader_count, settings.releases_root, tmp_path / "stop") as started:
            for day in range(2, publishes + 2):
                if day % 4 == 2:
                    moment = generator.randint(1, LAST_CHANGE)
                    nursery.do("publish_day", str(state), day, KEPT, kill_at=moment)
                    count("kills_of_publishing_under_readers", 1)
                if day % 8 == 5:
                    back = id_of_day(day - 3)
                    cx(state, "rollback", back)
                    assert publish(day) == back
                    cx(state, "rollback", "--undo")
                    count("rollbacks_under_readers", 1)
                    assert read_as_reader(settings, known) == id_of_day(day)
                else:
                    assert publish(day) == id_of_day(day)
    finally:
        nursery.close()
    reads = 0
    for reader in started:
        said, errors = reader.communicate(timeout=60)
        assert reader.returncode == 0, errors
        reads += int(said)
    assert reads >= reader_count * publishes / 2, "the readers hardly looked"
    assert len(list(settings.releases_root.glob("2*"))) <= KEPT + 1
    assert verify(settings, every_release=True).faults == []
    count("publishes_under_readers", publishes)
    count("reads_beside_publishes", reads)


def test_readers_meet_whole_releases_through_publishes_kills_and_rollbacks(tmp_path: Path) -> None:
    publish_beside_readers(tmp_path, publishes=5, reader_count=2)


@pytest.mark.slow_fault
@pytest.mark.timeout(3600)
def test_four_readers_meet_whole_releases_through_fifty_publishes(tmp_path: Path) -> None:
    publish_beside_readers(tmp_path, publishes=50, reader_count=4)


# --- runs that compete ---------------------------------------------------------------------------

RUN = ("run", "--as-of", BOUNDS[1])


@pytest.fixture
def workspace(runs_root: Path, tmp_path: Path) -> Iterator[Workspace]:
    """After the first run: September is to be closed."""
    reference = make_reference(runs_root)
    made = Workspace(reference.raw_root, tmp_path / "state")
    shutil.copytree(reference.states[0], made.state_root, symlinks=True)
    yield made
    remove(made.state_root)


@pytest.mark.slow_fault
@pytest.mark.timeout(3600)
def test_of_runs_that_start_at_once_one_works_and_the_others_name_it(
    workspace: Workspace, runs_root: Path
) -> None:
    """Two runs and a backfill over months that are closed, whoever comes first; those that were
    turned away find their work done or do it when they are called again."""
    commands = [RUN, RUN, ("backfill", "--to", "2026-08")]
    started = [start_cx(workspace.environment, *command) for command in commands]
    codes = [process.end() for process in started]
    assert set(codes) == {0, 4}, [process.seen[-3:] for process in started]
    holders = [f"process {one.pid}," for one, code in zip(started, codes, strict=True) if code == 0]
    for process, code in zip(started, codes, strict=True):
        if code == 4:
            said = "\n".join(process.seen)
            assert any(named in said for named in [*holders, "just starting"]), said
            count("runs_turned_away", 1)
    for command, code in zip(commands, codes, strict=True):
        if code == 4:
            again = workspace.cx(*command)
            assert again.returncode == 0, again.stderr
    finish(workspace, make_reference(runs_root), 1)


@pytest.mark.slow_fault
@pytest.mark.timeout(3600)
def test_a_run_at_work_turns_every_command_that_writes_away_until_it_dies(
    workspace: Workspace, runs_root: Path
) -> None:
    first = make_reference(runs_root).releases[0]
    holder = start_cx(workspace.environment, *RUN)
    try:
        assert holder.wait_for("start")
        for command in (
            RUN,
            ("run", "--full"),
            ("backfill", "--to", "2026-09"),
            ("restate", "2026-08", "--reason", "x"),
            ("rollback", first),
        ):
            refused = workspace.cx(*command)
            assert refused.returncode == 4, refused.stdout + refused.stderr
            assert f"process {holder.pid}," in refused.stderr
            assert "Traceback" not in refused.stderr
            count("runs_turned_away", 1)
    finally:
        holder.kill()
    holder.end()
    freed = workspace.cx("rollback", first)
    assert freed.returncode == 0, freed.stderr
