"""Real runs that die by SIGKILL: at every boundary of a step and at random moments.

Belongs here: chains of kills over one state folder, each ended by an undisturbed run that has to
leave what the reference left. Does not belong here: the boundaries within publishing
(test_kills.py), and Dagster's own processes (test_dagster_dies.py).

A kill costs the time until its moment. The steps after the build are started by hand on the state
that a kill at their border left, so that they are met as often as the long build.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Workspace
from tests.faults.counted import count
from tests.faults.real_reference import BOUNDS, Reference, finish, look, make_reference
from tests.faults.runs_that_die import RUN_MODULES, STEPS, Nursery, Process, remove, start_cx

pytestmark = [pytest.mark.slow_fault, pytest.mark.timeout(7200)]

SEED = 4
REST = ("candidate", "release")
# dbt needs so long before its first node; about every fourth kill of a build comes within.
SECONDS_OF_DBT_TO_START = 6.0
# How many random kills of each chain are aimed at each step: 100 in all. CX_FAULT_KILLS is the
# share of them that is tried, as in 0.1.
FIRST_RUN = {"start": 6, "ingest": 5, "dbt build": 6}
SECOND_RUN = {"start": 4, "ingest": 9, "dbt build": 10}
JUDGING = {"candidate": 10, "gate": 12}
PUBLISHING = {"publish": 38}


def plan(chain: str, aims: dict[str, int]) -> tuple[random.Random, list[str]]:
    """The generator of a chain, and the steps in which it kills, in the order of its kills."""
    share = float(os.environ.get("CX_FAULT_KILLS", "1"))
    generator = random.Random(f"{SEED} {chain}")
    aimed = [step for step, number in aims.items() for _ in range(max(1, round(number * share)))]
    generator.shuffle(aimed)
    return generator, aimed


@pytest.fixture(scope="module")
def reference(runs_root: Path) -> Reference:
    return make_reference(runs_root)


@contextmanager
def state_from(source: Path | None, reference: Reference, root: Path) -> Iterator[Workspace]:
    """A copy of a state folder, removed at the end."""
    workspace = Workspace(reference.raw_root, root / "state")
    if source is not None:
        shutil.copytree(source, workspace.state_root, symlinks=True)
    try:
        yield workspace
    finally:
        remove(workspace.state_root)


@contextmanager
def nursery_of(workspace: Workspace) -> Iterator[Nursery]:
    """Processes of runs on a workspace that have their imports behind them."""
    nursery = Nursery(workspace.environment, *RUN_MODULES)
    try:
        yield nursery
    finally:
        nursery.close()


def repeated(aimed: list[str]) -> Iterator[str]:
    """The aims, and again for the runs that end before they are killed."""
    yield from (aimed * 3)
    raise AssertionError("most runs ended before they were killed")


@contextmanager
def told(what: str) -> Iterator[None]:
    """Say in a failure which kill it came after."""
    try:
        yield
    except BaseException as error:
        error.add_note(what)
        raise


class Chain:
    """Kills over one state folder; after each of them a reader looks."""

    def __init__(self, workspace: Workspace, reference: Reference, run: int) -> None:
        self.workspace = workspace
        self.reference = reference
        self.run = ("run", "--as-of", BOUNDS[run])
        self.seconds = reference.seconds(run)
        self.kills = 0
        self._state = str(workspace.state_root)
        self._orphans: list[Process] = []

    def kill_at_boundary(self, nursery: Nursery, boundary: str, *assets: str) -> str | None:
        """Kill a run (or its last assets) where a step begins or ends."""
        with told(f"killed at: {boundary}"):
            order = ("rest_of_run", *assets) if assets else ("cx", *self.run)
            nursery.do(order[0], self._state, *order[1:], kill_at=boundary)
            count("boundary_kills_of_steps", 1)
            return look(self.workspace, self.reference)

    def kill_by_chance(
        self, generator: random.Random, step: str, nursery: Nursery | None, *assets: str
    ) -> str | None:
        """Kill a run at a random moment of a step; without a nursery it is `cx` as users start it.

        The moment in a build is a node that dbt has done. Every third kill there is that of the
        parent alone, whose dbt goes on as an orphan. A run that ended before its moment does not
        count. Returns the release that readers see.
        """
        begins, delay = self._moment(generator, step, by_hand=nursery is None)
        spares_dbt = step == "dbt build" and generator.random() < 1 / 3
        with told(f"seed {SEED}, killed {delay:.3f} s after {begins!r}, dbt spared: {spares_dbt}"):
            run = self._start(nursery, *assets)
            assert begins is None or run.wait_for(begins), run.seen[-20:]
            began = time.monotonic()
            if run.ends_within(delay):
                # Slower when it was measured: later kills are aimed at what it takes now.
                self.seconds[step] = min(self.seconds[step], time.monotonic() - began)
            run.kill(with_children=not spares_dbt)
            if spares_dbt:
                self._orphans.append(run)
            code = run.end()
            assert code == -signal.SIGKILL or (assets and code == 0), f"{code}: {run.seen[-20:]}"
            if code != 0:
                self.kills += 1
                count("random_kills", 1)
                count(f"random_kills_in_{step.replace(' ', '_')}", 1)
                if spares_dbt:
                    count("random_kills_that_left_dbt_over", 1)
            return look(self.workspace, self.reference)

    def measure(self, nursery: Nursery, *assets: str) -> None:
        """Take from an undisturbed run how long its steps take here and now."""
        run = self._start(nursery, *assets)
        began = time.monotonic()
        for step in STEPS[3:]:
            if run.wait_for(f"at {step} started"):
                began = time.monotonic()
            if run.wait_for(f"at {step} finished"):
                self.seconds[step] = time.monotonic() - began
        code = run.end()
        assert code == 0, run.seen[-20:]
        # What comes after publishing belongs to it here.
        self.seconds["publish"] = time.monotonic() - began

    def close(self) -> None:
        """End what the kills left over."""
        for orphan in self._orphans:
            orphan.kill()

    def _start(self, nursery: Nursery | None, *assets: str) -> Process:
        if nursery is None:
            return start_cx(self.workspace.environment, *self.run)
        if assets:
            return nursery.start("rest_of_run", self._state, *assets)
        return nursery.start("cx", self._state, *self.run)

    def _moment(
        self, generator: random.Random, step: str, by_hand: bool
    ) -> tuple[str | None, float]:
        """The line to wait for, and the seconds to wait after it."""
        if step == "dbt build":
            nodes = self.reference.nodes
            node = generator.randint(-nodes // 3, nodes * 9 // 10)
            if node > 0:
                return f"at dbt build {node}", generator.uniform(0, 0.5)
            return "at dbt build started", generator.uniform(0, SECONDS_OF_DBT_TO_START)
        delay = generator.uniform(0, self.seconds[step])
        if not by_hand:
            return f"at {step} started", delay
        before = STEPS.index(step) - 1
        return None if before < 0 else f"{STEPS[before]:<12} done", delay


@contextmanager
def chain_on(workspace: Workspace, reference: Reference, run: int) -> Iterator[Chain]:
    chain = Chain(workspace, reference, run)
    try:
        yield chain
    finally:
        chain.close()


@pytest.fixture(scope="module")
def built(reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The second run, killed at every boundary until its models are built."""
    root = tmp_path_factory.mktemp("built")
    first = reference.releases[0]
    with (
        state_from(reference.states[0], reference, root) as workspace,
        nursery_of(workspace) as nursery,
        chain_on(workspace, reference, 1) as chain,
    ):
        for step in STEPS[:3]:
            for side in ("started", "finished"):
                assert chain.kill_at_boundary(nursery, f"{step} {side}") == first
        yield workspace


@pytest.fixture(scope="module")
def judged(
    built: Workspace, reference: Reference, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workspace]:
    """The same run, killed at every further boundary until it would publish."""
    root = tmp_path_factory.mktemp("judged")
    with (
        state_from(built.state_root, reference, root) as workspace,
        nursery_of(workspace) as nursery,
        chain_on(workspace, reference, 1) as chain,
    ):
        for boundary in ("candidate started", "candidate finished", "gate started",
                         "gate finished", "publish started"):  # fmt: skip
            seen = chain.kill_at_boundary(nursery, boundary, *REST)
            assert seen == reference.releases[0]
        yield workspace


def test_a_run_killed_after_it_published_has_published(
    judged: Workspace, reference: Reference, tmp_path: Path
) -> None:
    with (
        state_from(judged.state_root, reference, tmp_path) as workspace,
        nursery_of(workspace) as nursery,
        chain_on(workspace, reference, 1) as chain,
    ):
        seen = chain.kill_at_boundary(nursery, "publish finished", REST[1])
        assert seen == reference.releases[1]
        finish(workspace, reference, 1)


def test_a_first_run_that_was_killed_over_and_over_ends_as_if_undisturbed(
    reference: Reference, tmp_path: Path
) -> None:
    generator, aimed = plan("first run", FIRST_RUN)
    with (
        state_from(None, reference, tmp_path) as workspace,
        chain_on(workspace, reference, 0) as chain,
    ):
        for _ in range(aimed.count("start")):
            assert chain.kill_by_chance(generator, "start", None) is None
        with nursery_of(workspace) as nursery:
            for step in STEPS[:2]:
                for side in ("started", "finished"):
                    assert chain.kill_at_boundary(nursery, f"{step} {side}") is None
            for step in [one for one in aimed if one != "start"]:
                assert chain.kill_by_chance(generator, step, nursery) is None
        finish(workspace, reference, 0)


def test_a_run_that_was_killed_over_and_over_ends_as_if_undisturbed(
    reference: Reference, tmp_path: Path
) -> None:
    """Kills of `cx` as users start it, and of processes that have their imports behind them."""
    generator, aimed = plan("second run", SECOND_RUN)
    with (
        state_from(reference.states[0], reference, tmp_path) as workspace,
        chain_on(workspace, reference, 1) as chain,
        nursery_of(workspace) as nursery,
    ):
        for number, step in enumerate(aimed):
            by_hand = step == "start" or (step == "ingest" and number % 3 == 0)
            seen = chain.kill_by_chance(generator, step, None if by_hand else nursery)
            assert seen == reference.releases[0]
        finish(workspace, reference, 1)


def test_kills_while_candidates_are_made_and_judged_publish_nothing(
    built: Workspace, reference: Reference, tmp_path: Path
) -> None:
    generator, aimed = plan("judging", JUDGING)
    with (
        state_from(built.state_root, reference, tmp_path) as workspace,
        chain_on(workspace, reference, 1) as chain,
    ):
        with nursery_of(workspace) as nursery:
            chain.measure(nursery, REST[0])
            for step in repeated(aimed):
                # The gate may end before the kill, but publishing was not asked for.
                seen = chain.kill_by_chance(generator, step, nursery, REST[0])
                assert seen == reference.releases[0]
                if chain.kills == len(aimed):
                    break
        finish(workspace, reference, 1)


def test_kills_while_publishing_leave_one_release_or_the_other(
    judged: Workspace, reference: Reference, tmp_path: Path
) -> None:
    """Once a kill came after the release, the next one starts from before it again."""
    generator, aimed = plan("publishing", PUBLISHING)
    before, after = reference.releases
    seen: set[str | None] = set()
    with (
        state_from(judged.state_root, reference, tmp_path) as workspace,
        chain_on(workspace, reference, 1) as chain,
        nursery_of(workspace) as nursery,
    ):

        def reset() -> None:
            remove(workspace.state_root)
            shutil.copytree(judged.state_root, workspace.state_root, symlinks=True)

        chain.measure(nursery, REST[1])
        reset()
        for step in repeated(aimed):
            seen.add(chain.kill_by_chance(generator, step, nursery, REST[1]))
            if chain.kills == len(aimed):
                break
            if after in seen and look(workspace, reference) == after:
                nursery.do("cx", str(workspace.state_root), *chain.run)
                assert look(workspace, reference) == after
                reset()
        finish(workspace, reference, 1)
    assert seen == {before, after}
