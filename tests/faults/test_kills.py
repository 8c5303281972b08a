"""Runs that die by SIGKILL: whatever the moment, readers see whole releases, and running again
gives what an undisturbed run gives.

Belongs here: kills at every boundary of publishing (in the small synthetic world, where each costs
a second), at every boundary of a step and at random moments of real runs, of Dagster's processes
too. Does not belong here: readers and runs that compete (test_readers_and_rivals.py).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestration.lib import lock
from orchestration.lib.verification import verify
from tests.faults.counted import count
from tests.faults.runs_that_die import (
    PUBLISHING_MODULES,
    Nursery,
    content_of,
    copied,
    hashes_of_marts,
    id_of_day,
    left_over,
    read_as_reader,
    world,
)

# --- what a run that was killed leaves at work -----------------------------------------------


@pytest.fixture
def build() -> Iterator[subprocess.Popen[bytes]]:
    """A process that works for longer than the test."""
    started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield started
    started.kill()
    started.wait()


def test_the_next_run_ends_the_build_of_one_that_was_killed(
    build: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """The orphan built on: where the next run came before it had opened the warehouse, the dbt of
    that run failed at its lock."""
    settings = world(tmp_path)
    lock.note_build(settings, build.pid)
    lock.end_orphaned_build(settings)
    assert build.wait(timeout=10) == -signal.SIGKILL
    lock.end_orphaned_build(settings)


def test_a_process_that_took_over_the_number_of_a_build_is_left_alone(
    build: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    settings = world(tmp_path)
    lock.note_build(settings, build.pid)
    note = settings.work_root / "build_process.json"
    note.write_text(json.dumps({"pid": build.pid, "born": "1"}), "utf-8")
    lock.end_orphaned_build(settings)
    assert build.poll() is None
    assert not note.exists()


# --- publishing and rolling back, at every change on disk ---------------------------------------

# A part for `make test`: about every so manieth boundary.
QUICK = 50


class Undisturbed:
    """State folders of a world that nobody disturbs, each made when it is asked for, and the
    releases in them: id to the hashes of the marts."""

    def __init__(self, nursery: Nursery, root: Path) -> None:
        self.known: dict[str, Mapping[str, str]] = {}
        self._nursery = nursery
        self._root = root

    def after(self, deeds: str) -> Path | None:
        """The state of that name in STATES, None for the one before everything."""
        if not deeds:
            return None
        folder = self._root / deeds
        if not folder.exists():
            source, order, arguments = STATES[deeds]
            with copied(self.after(source), self._root / "state") as state:
                self._nursery.do(order, str(state), *arguments)
                for release in (state / "releases").glob("2*"):
                    self.known[release.name] = hashes_of_marts(release / "managers")
                os.rename(state, folder)
        return folder


@dataclass(frozen=True)
class Deed:
    """What is killed: an order on the state after some days, what readers may see after the kill,
    and what they must see once the order is given again. `next` is the publish that follows, and
    the undisturbed state after it.
    """

    name: str
    order: str
    on: str
    arguments: tuple[int, ...]
    seen: tuple[int | None, ...]
    then: int
    next: tuple[int, int, str]

    def __str__(self) -> str:
        return self.name


DEEDS = [
    Deed("first publish", "publish_day", "", (1,), (None, 1), 1, (2, 1, "1 2")),
    Deed("publish that closes a month", "publish_day", "1", (2,), (1, 2), 2, (3, 1, "1 2 3")),
    Deed("publish that prunes", "publish_day", "1 2", (3,), (2, 3), 3, (4, 1, "1 2 3 4")),
    Deed("rollback", "roll_back_to", "1+2", (1,), (2, 1), 1, (3, 9, "1+2 back +3")),
    Deed("undoing", "undo_rollback", "1+2 back", (), (1, 2), 2, (3, 9, "1+2+3")),
    Deed("publish under a rollback", "publish_day", "1+2 back", (3, 9), (1,), 1,
         (4, 9, "1+2 back +3+4")),
]  # fmt: skip
# Undisturbed states: from which one, the order, its arguments. A plus keeps the releases before.
STATES = {
    "1": ("", "publish_day", (1,)),
    "1 2": ("1", "publish_day", (2,)),
    "1 2 3": ("1 2", "publish_day", (3,)),
    "1 2 3 4": ("1 2 3", "publish_day", (4,)),
    "1+2": ("1", "publish_day", (2, 9)),
    "1+2+3": ("1+2", "publish_day", (3, 9)),
    "1+2 back": ("1+2", "roll_back_to", (1,)),
    "1+2 back +3": ("1+2 back", "publish_day", (3, 9)),
    "1+2 back +3+4": ("1+2 back +3", "publish_day", (4, 9)),
}


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    made = Nursery(os.environ, *PUBLISHING_MODULES)
    yield made
    made.close()


@pytest.fixture(scope="module")
def undisturbed(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return Undisturbed(nursery, tmp_path_factory.mktemp("undisturbed"))


def boundaries(nursery: Nursery, undisturbed: Undisturbed, deed: Deed, state: Path) -> int:
    """How many changes on disk the deed makes where nobody disturbs it."""
    with copied(undisturbed.after(deed.on), state):
        done = nursery.do(deed.order, str(state), *deed.arguments)
        line = next(line for line in done.seen if line.startswith("changes "))
    return int(line.split()[1])


def kill_and_repeat(
    nursery: Nursery, undisturbed: Undisturbed, deed: Deed, state: Path, moment: int
) -> None:
    """Kill the deed before that change, look as a reader, do it again, and compare."""
    settings = world(state)
    names = {None if day is None else id_of_day(day) for day in deed.seen}
    with copied(undisturbed.after(deed.on), state):
        nursery.do(deed.order, str(state), *deed.arguments, kill_at=moment)
        assert read_as_reader(settings, undisturbed.known) in names

        nursery.do(deed.order, str(state), *deed.arguments)
        assert read_as_reader(settings, undisturbed.known) == id_of_day(deed.then)
        assert verify(settings, every_release=True).faults == []
        if deed.order == "publish_day":
            assert left_over(state) == []
        # Every third alone, as it doubles the cost.
        if moment % 3:
            return
        # The next run takes away what the kill left: nothing tells the two worlds apart then.
        day, keep, deeds = deed.next
        nursery.do("publish_day", str(state), day, keep)
        after = undisturbed.after(deeds)
        assert after is not None
        assert content_of(state) == content_of(after)


def sweep(nursery: Nursery, undisturbed: Undisturbed, deed: Deed, state: Path, every: int) -> int:
    """Kill at every so manieth boundary, counted from the end; returns how many there were."""
    # The releases that come of it must be known before the first look.
    undisturbed.after(deed.next[2])
    last = boundaries(nursery, undisturbed, deed, state)
    moments = range(last, 0, -every)
    for moment in moments:
        try:
            kill_and_repeat(nursery, undisturbed, deed, state, moment)
        except Exception as error:
            error.add_note(f"{deed}: killed before change {moment} of {last}")
            raise
    return len(moments)


@pytest.mark.parametrize("deed", [DEEDS[1], DEEDS[3], DEEDS[4]], ids=str)
def test_a_kill_while_publishing_or_rolling_back_leaves_one_release_or_the_other(
    nursery: Nursery, undisturbed: Undisturbed, deed: Deed, tmp_path: Path
) -> None:
    count(
        "boundary_kills_of_publishing", sweep(nursery, undisturbed, deed, tmp_path / "state", QUICK)
    )


@pytest.mark.slow_fault
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("deed", DEEDS, ids=str)
def test_a_kill_at_every_change_on_disk_leaves_one_release_or_the_other(
    nursery: Nursery, undisturbed: Undisturbed, deed: Deed, tmp_path: Path
) -> None:
    killed = sweep(nursery, undisturbed, deed, tmp_path / "state", 1)
    assert killed > 20
    count("boundary_kills_of_publishing", killed)
