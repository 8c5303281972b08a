"""The undisturbed runs that killed and competing real runs are held against.

Belongs here: making them once, and comparing a state folder with them. Does not belong here: what
is done to a state folder in between.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestration.lib.settings import Settings
from orchestration.lib.steps import read_timings
from tests.conftest import FIRST_BOUND, Workspace, make_once
from tests.faults.runs_that_die import differences, hashes_of_marts, left_over, read_as_reader

# The second bound is what Dagster's monthly_close gives the September: both close it alike.
BOUNDS = (FIRST_BOUND, "2026-10-10T00:00:00Z")
UNFINISHED = ("STARTED", "STARTING", "QUEUED", "NOT_STARTED", "CANCELING")


@dataclass(frozen=True)
class Reference:
    """Raw files of a small company, and the state folder after the run of each bound: the first
    closes August and all before, the second September."""

    raw_root: Path
    states: tuple[Path, Path]

    @property
    def releases(self) -> list[str]:
        """Ids of both releases, the first one first."""
        return sorted(path.name for path in (self.states[1] / "releases").glob("2*"))

    @property
    def known(self) -> Mapping[str, Mapping[str, str]]:
        """Hashes of the marts of both releases."""
        root = self.states[1] / "releases"
        return {name: hashes_of_marts(root / name / "managers") for name in self.releases}

    def seconds(self, run: int) -> dict[str, float]:
        """CPU time of each step of a run, which says more than its wall time on a busy machine."""
        logs = self.states[1] / "work" / "logs"
        return {cost.step: cost.cpu_seconds for cost in read_timings(logs, self.releases[run])}

    @property
    def nodes(self) -> int:
        """How many nodes dbt builds and tests, its hooks left out."""
        path = self.states[1] / "work" / "dbt_results" / f"{self.releases[1]}.json"
        results = json.loads(path.read_bytes())["results"]
        return sum(not result["unique_id"].startswith("operation.") for result in results)


def make_reference(runs_root: Path) -> Reference:
    """The reference, made by the first who asks."""
    root = runs_root / "kill_reference"
    reference = Reference(root / "raw", (root / "first", root / "second"))

    def make() -> None:
        workspace = Workspace(reference.raw_root, reference.states[1])
        workspace.make_sample("--agents", "24", "--months", "3", "--tickets", "2000")
        workspace.run("--as-of", BOUNDS[0])
        shutil.copytree(reference.states[1], reference.states[0], symlinks=True)
        workspace.run("--as-of", BOUNDS[1])

    make_once(root, make)
    return reference


def look(workspace: Workspace, reference: Reference) -> str | None:
    """What readers see, which must be whole and right; returns the id of the current release."""
    seen = read_as_reader(settings_of(workspace), reference.known)
    kept = reference.states[1] / "vintages"
    for vintage in (workspace.state_root / "vintages").glob("*/[0-9]*"):
        name = vintage.relative_to(workspace.state_root / "vintages")
        differing = differences(vintage, kept / name)
        assert not differing, differing
    return seen


def finish(workspace: Workspace, reference: Reference, run: int) -> None:
    """Run undisturbed: the state folder is then that of the reference, without any cleaning."""
    workspace.run("--as-of", BOUNDS[run])
    seen = look(workspace, reference)
    assert seen == reference.releases[run], seen
    state, undisturbed = workspace.state_root, reference.states[run]
    for folder in ("releases", "vintages"):
        differing = differences(state / folder, undisturbed / folder)
        assert not differing, differing
    verified = workspace.cx("verify", "--all")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    in_the_making, unfinished = left_over(state), unfinished_runs(state)
    assert not in_the_making, in_the_making
    assert not unfinished, unfinished
    candidates = [path.name for path in (state / "work" / "candidates").iterdir()]
    assert candidates in ([], [reference.releases[run]]), candidates


def unfinished_runs(state: Path) -> list[str]:
    """Runs that Dagster believes to be at work or waiting."""
    with sqlite3.connect(state / "dagster" / "history" / "runs.db") as connection:
        marks = ", ".join("?" for _ in UNFINISHED)
        rows = connection.execute(
            f"select run_id from runs where status in ({marks})", UNFINISHED
        ).fetchall()
    return [run_id for (run_id,) in rows]


def settings_of(workspace: Workspace) -> Settings:
    """Settings of a workspace."""
    return Settings(raw_root=workspace.raw_root, state_root=workspace.state_root)
