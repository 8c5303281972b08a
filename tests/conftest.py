"""Shared runs of the whole job: each is made once a session and read by every test that needs it.

The job is run as a user runs it, by `cx` in a process of its own, so that the fixtures are the
end-to-end test as well.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

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
        return given

    @property
    def managers(self) -> Path:
        """Folder of the marts of the current release."""
        return (self.state_root / "releases" / "current").resolve() / "managers"

    @property
    def warehouse(self) -> Path:
        return self.state_root / "warehouse" / "warehouse.duckdb"

    def cx(self, *arguments: str, **extra_environment: str) -> subprocess.CompletedProcess[str]:
        """Run `cx` on this workspace; returns exit code, stdout and stderr."""
        return subprocess.run(
            [sys.executable, "-m", "orchestration.cli", *arguments],
            cwd=PROJECT_ROOT,
            env=self.environment | extra_environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`cx run` that has to succeed."""
        done = self.cx("run", *arguments)
        assert done.returncode == 0, f"cx run failed:\n{done.stdout}\n{done.stderr}"
        return done


@pytest.fixture(scope="session")
def dbt_manifest(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Manifest of the dbt project; Dagster loads no definitions without one."""
    state = tmp_path_factory.mktemp("manifest")
    os.environ["CX_STATE_ROOT"] = str(state)
    from orchestration.lib.dbt_runs import prepare_manifest
    from orchestration.lib.settings import load_settings

    return json.loads(prepare_manifest(load_settings()).read_text("utf-8"))


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The default sample, run once."""
    root = tmp_path_factory.mktemp("sample")
    workspace = Workspace(root / "raw", root / "state")
    made = workspace.cx("sample", "--out", str(workspace.raw_root))
    assert made.returncode == 0, made.stderr
    workspace.run()
    return workspace


@pytest.fixture(scope="session")
def small_sample(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A sample of two teams and three months, run once; tests may run it again, nothing else."""
    root = tmp_path_factory.mktemp("small_sample")
    workspace = Workspace(root / "raw", root / "state")
    made = workspace.cx(
        "sample", "--out", str(workspace.raw_root),
        "--agents", "24", "--months", "3", "--tickets", "6000",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    workspace.run()
    return workspace


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
def golden(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The hand-computed data set, run once."""
    root = tmp_path_factory.mktemp("golden")
    workspace = Workspace(GOLDEN_ROOT / "raw", root / "state", GOLDEN_ROOT / "seeds")
    workspace.run()
    return workspace


@pytest.fixture(scope="session")
def golden_release(golden: Workspace) -> Path:
    return golden.managers


@pytest.fixture(scope="session")
def servicenow(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The real incident log, run once; skipped where it is absent."""
    log = shared_data_root() / "servicenow_incidents"
    if not log.is_dir():
        pytest.skip(f"the real incident log is not there: {log}")
    root = tmp_path_factory.mktemp("servicenow")
    workspace = Workspace(log, root / "state", ticketing_source="servicenow")
    workspace.run()
    return workspace


@pytest.fixture(scope="session")
def servicenow_release(servicenow: Workspace) -> Path:
    return servicenow.managers


@pytest.fixture(scope="session")
def servicenow_warehouse(servicenow: Workspace) -> Path:
    return servicenow.warehouse
