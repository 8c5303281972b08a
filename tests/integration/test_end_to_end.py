"""The whole job as its users run it: `cx` in processes of its own, on small sample data."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.conftest import FIRST_BOUND, PROJECT_ROOT, SECOND_BOUND, Workspace
from tests.published import MARTS


def test_a_release_holds_every_mart_and_a_manifest_that_fits(small_sample: Workspace):
    assert {path.stem for path in small_sample.managers.glob("*.parquet")} == MARTS
    manifest = json.loads((small_sample.managers.parent / "manifest.json").read_text("utf-8"))
    assert manifest["release_id"] == small_sample.managers.parent.name
    with duckdb.connect(str(small_sample.managers / "marts.duckdb"), read_only=True) as connection:
        for mart in MARTS:
            parquet = small_sample.managers / f"{mart}.parquet"
            differing = connection.sql(
                f"select count(*) from ((from {mart} except all from '{parquet}')"
                f" union all (from '{parquet}' except all from {mart}))"
            ).fetchall()
            assert differing == [(0,)], mart


def test_dbt_leaves_reference_data_below_an_absolute_path_as_it_is(small_sample: Workspace):
    """dbt filed the SQL of a seed under the seed's own path and so overwrote the business's CSV.

    A run gives dbt a copy of the reference data, below an absolute path too.
    """
    (frozen,) = (small_sample.state_root / "work" / "dbt").glob("*/seeds")
    given = {path.name: path.read_bytes() for path in (PROJECT_ROOT / "seeds").glob("*.csv")}
    assert {path.name: path.read_bytes() for path in frozen.glob("*.csv")} == given
    results = next((small_sample.state_root / "work" / "dbt_results").glob("*.json"))
    nodes = {node["unique_id"] for node in json.loads(results.read_bytes())["results"]}
    assert {f"seed.cx_performance.{Path(name).stem}" for name in given} <= nodes


def test_a_second_run_finds_nothing_new_and_publishes_nothing(small_sample: Workspace):
    before = sorted(path.name for path in (small_sample.state_root / "releases").iterdir())
    again = small_sample.run("--as-of", SECOND_BOUND)
    assert "nothing new" in again.stdout.lower()
    assert sorted(path.name for path in (small_sample.state_root / "releases").iterdir()) == before


def assert_same_bytes(one: Path, other: Path) -> None:
    """Both folders hold every mart, byte for byte alike."""
    for mart in sorted(MARTS):
        name = f"{mart}.parquet"
        assert (one / name).read_bytes() == (other / name).read_bytes(), mart


@pytest.mark.slow_fault
def test_the_same_raw_data_gives_the_same_bytes(
    small_sample: Workspace, small_sample_releases: tuple[Path, Path], tmp_path: Path
):
    """Other folders, files and manifest in another order, four threads instead of one."""
    assert small_sample.threads == 1
    other = Workspace(tmp_path / "deeper" / "raw", tmp_path / "state", threads=4)
    files = sorted(path for path in small_sample.raw_root.rglob("*") if path.is_file())
    for path in reversed(files):
        target = other.raw_root / path.relative_to(small_sample.raw_root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    manifest = other.raw_root / "manifest.jsonl"
    lines = manifest.read_text("utf-8").splitlines(keepends=True)
    manifest.write_text("".join(reversed(lines)), "utf-8")
    other.run("--as-of", FIRST_BOUND)
    assert_same_bytes(small_sample_releases[0], other.managers)


@pytest.fixture(scope="module")
def target_by_hand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """dbt's target folder of the commands below: only the first of them parses the project."""
    return tmp_path_factory.mktemp("by_hand")


# A part of the models: `cx run` builds all of them.
BUILD = ["build", "--select", "+dim_agent_months", "metric_catalog"]
# The rules of the metrics are tested on invented rows here; the daily job leaves them out.
UNIT_TESTS = ["test", "--select", "test_type:unit"]
DOCS = ["docs", "generate"]


@pytest.mark.parametrize("command", [BUILD, UNIT_TESTS, DOCS], ids=["build", "unit_tests", "docs"])
def test_dbt_works_by_hand_after_the_first_run(
    small_sample: Workspace, command: list[str], target_by_hand: Path, tmp_path: Path
):
    environment = {
        **os.environ,
        "CX_STATE_ROOT": str(small_sample.state_root),
        "CX_WAREHOUSE_PATH": str(small_sample.warehouse),
        "DBT_TARGET_PATH": str(target_by_hand),
        "DBT_LOG_PATH": str(tmp_path / "logs"),
    }
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("dbt")), *command,
            "--project-dir", "dbt_project", "--profiles-dir", "profiles",
        ],
        cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    if command == DOCS:
        assert (target_by_hand / "catalog.json").exists()
    else:
        assert "ERROR=0" in done.stdout
    if command == UNIT_TESTS:
        rules = len(json.loads((target_by_hand / "manifest.json").read_bytes())["unit_tests"])
        passed = int(done.stdout.rpartition("PASS=")[2].split()[0])
        assert rules >= 250
        # The hook at the start of a run is counted too.
        assert passed >= rules


def test_a_refused_batch_is_named_and_leaves_the_release_as_it_was(
    small_sample: Workspace, tmp_path: Path
):
    bad = Workspace(tmp_path / "raw", small_sample.state_root)
    shutil.copytree(small_sample.raw_root, bad.raw_root)
    (bad.raw_root / "manifest.jsonl").unlink()
    (bad.raw_root / "teams" / "more.csv").write_text(
        "team_id,team_nam,manager_id,timezone,_loaded_at\n", "utf-8"
    )
    before = os.readlink(small_sample.state_root / "releases" / "current")
    refused = bad.cx("run")
    assert refused.returncode == 2
    assert "teams/more.csv" in refused.stderr and "team_name" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert os.readlink(small_sample.state_root / "releases" / "current") == before


def test_nothing_is_published_while_another_run_holds_the_lock(small_sample: Workspace):
    from filelock import FileLock

    with FileLock(small_sample.state_root / "run.lock"):
        held = small_sample.cx("run", "--full")
    assert held.returncode == 4, held.stdout + held.stderr
    assert "Traceback" not in held.stderr
