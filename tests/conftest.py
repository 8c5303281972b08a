"""Shared runs of the whole job: each is made once and read by every test that needs it.

The job is run as a user runs it, by `cx` in a process of its own, so that the fixtures are the
end-to-end test as well. `make test` starts several pytest processes side by side; they find each
other's runs in the folder that CX_TEST_RUNS names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

if TYPE_CHECKING:
    from tests.integration.in_memory_warehouse import Project

PROJECT_ROOT = Path(__file__).resolve().parent.parent
GOLDEN_ROOT = PROJECT_ROOT / "tests" / "golden"


def shared_data_root() -> Path:
    """Folder of the real data, which is no part of the project."""
    given = os.environ.get("CX_SHARED_DATA")
    return Path(given) if given else PROJECT_ROOT.parent / "shared" / "data"


@dataclass(frozen=True)
class Workspace:
    """Roots of one run; `environment` is what a process needs to work on them."""

    raw_root: Path
    state_root: Path
    seed_root: Path | None = None
    ticketing_source: str = "native"
    threads: int | None = None

    @property
    def environment(self) -> dict[str, str]:
        given = {name: value for name, value in os.environ.items() if not name.startswith("CX_")}
        given |= {
            "CX_RAW_ROOT": str(self.raw_root),
            "CX_STATE_ROOT": str(self.state_root),
            "CX_TICKETING_SOURCE": self.ticketing_source,
        }
        if self.seed_root is not None:
            given["CX_SEED_ROOT"] = str(self.seed_root)
        if self.threads is not None:
            given["CX_THREADS"] = str(self.threads)
        return given

    @property
    def managers(self) -> Path:
        """Folder of the marts of the current release."""
        return (self.state_root / "releases" / "current").resolve() / "managers"

    @property
    def warehouse(self) -> Path:
        return self.state_root / "warehouse" / "warehouse.duckdb"

    def cx(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `cx` on this workspace; returns exit code, stdout and stderr."""
        return subprocess.run(
            [sys.executable, "-m", "orchestration.cli", *arguments],
            cwd=PROJECT_ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`cx run` that has to succeed."""
        done = self.cx("run", *arguments)
        assert done.returncode == 0, f"cx run failed:\n{done.stdout}\n{done.stderr}"
        return done

    def make_sample(self, *options: str) -> None:
        """`cx sample` into the raw root."""
        made = self.cx("sample", "--out", str(self.raw_root), *options)
        assert made.returncode == 0, made.stderr


@pytest.fixture(scope="session")
def runs_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the shared runs; `make test` names one for all the processes it starts."""
    given = os.environ.get("CX_TEST_RUNS")
    return Path(given) if given else tmp_path_factory.mktemp("runs")


def make_once(folder: Path, make: Callable[[], object]) -> None:
    """Have `make` fill the folder unless a process did so before; others wait for it meanwhile."""
    made = folder.with_name(f"{folder.name}.made")
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if made.exists():
            return
        if folder.exists():
            pytest.fail(f"another process could not make {folder.name}, see its tests")
        folder.mkdir(parents=True)
        make()
        made.touch()


@pytest.fixture(scope="session")
def dbt_manifest(runs_root: Path) -> dict:
    """Manifest of the dbt project; Dagster loads no definitions without one."""
    state = runs_root / "manifest"
    os.environ["CX_STATE_ROOT"] = str(state)
    from orchestration.lib.dbt_runs import manifest_path, prepare_manifest
    from orchestration.lib.settings import load_settings

    make_once(state, lambda: prepare_manifest(load_settings()))
    return json.loads(manifest_path(load_settings()).read_text("utf-8"))


@pytest.fixture(scope="session")
def compiled(runs_root: Path) -> Project:
    """The dbt project compiled with the reference data of random raw tables."""
    from tests.integration.in_memory_warehouse import Project, compile_project
    from tests.integration.random_raw import seed_files

    root = runs_root / "compiled"
    make_once(root, lambda: compile_project(root, seed_files()))
    return Project(root / "state", root / "seeds")


@pytest.fixture(scope="session")
def sample(runs_root: Path) -> Workspace:
    """The default sample, run once."""
    root = runs_root / "sample"
    workspace = Workspace(root / "raw", root / "state")

    def make() -> None:
        workspace.make_sample()
        workspace.run()

    make_once(root, make)
    return workspace


# After the close of August and of September: the first run closes the one, the second the other.
FIRST_BOUND, SECOND_BOUND = "2026-09-20T00:00:00Z", "2026-10-12T00:00:00Z"


@pytest.fixture(scope="session")
def small_sample(runs_root: Path) -> Workspace:
    """A sample of two teams and three months, run twice on one thread: what had landed by the
    first bound, then what landed until the second. Tests may run it again, nothing else.
    """
    root = runs_root / "small_sample"
    workspace = Workspace(root / "raw", root / "state", threads=1)

    def make() -> None:
        workspace.make_sample("--agents", "24", "--months", "3", "--tickets", "6000")
        workspace.run("--as-of", FIRST_BOUND)
        workspace.run("--as-of", SECOND_BOUND)

    make_once(root, make)
    return workspace


@pytest.fixture(scope="session")
def small_sample_releases(small_sample: Workspace) -> tuple[Path, Path]:
    """Folders of marts of the two releases: the first from all files, the second from new ones."""
    first, second = sorted((small_sample.state_root / "releases").glob("2*"))
    return first / "managers", second / "managers"


@pytest.fixture(scope="session")
def sample_truth(sample: Workspace) -> Path:
    """Folder of what the generator knows and the warehouse never reads."""
    return sample.raw_root.with_name(sample.raw_root.name + "_truth")


@pytest.fixture(scope="session")
def sample_release(sample: Workspace) -> Path:
    return sample.managers


@pytest.fixture(scope="session")
def sample_run_results(sample: Workspace) -> Path:
    """dbt's results of the build behind the sample's release."""
    results = sorted((sample.state_root / "work" / "dbt_results").glob("*.json"))
    assert results, "the run kept no dbt results"
    return results[-1]


@pytest.fixture(scope="session")
def golden(runs_root: Path) -> Workspace:
    """The hand-computed data set, run once."""
    root = runs_root / "golden"
    workspace = Workspace(GOLDEN_ROOT / "raw", root / "state", GOLDEN_ROOT / "seeds")
    make_once(root, workspace.run)
    return workspace


@pytest.fixture(scope="session")
def golden_release(golden: Workspace) -> Path:
    return golden.managers


@pytest.fixture(scope="session")
def servicenow(runs_root: Path) -> Workspace:
    """The real incident log, run once; skipped where it is absent."""
    log = shared_data_root() / "servicenow_incidents"
    if not log.is_dir():
        pytest.skip(f"the real incident log is not there: {log}")
    root = runs_root / "servicenow"
    workspace = Workspace(log, root / "state", ticketing_source="servicenow")
    make_once(root, workspace.run)
    return workspace


@pytest.fixture(scope="session")
def servicenow_release(servicenow: Workspace) -> Path:
    return servicenow.managers


@pytest.fixture(scope="session")
def servicenow_warehouse(servicenow: Workspace) -> Path:
    return servicenow.warehouse
