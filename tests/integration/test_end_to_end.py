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

from tests.conftest import PROJECT_ROOT, Workspace
from tests.published import MARTS

# A reader opens the current release over and over until a file tells it to stop; prints how often.
READER = """
import pathlib, sys, duckdb
releases, stop = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
reads = 0
while not stop.exists() or reads == 0:
    managers = (releases / "current").resolve() / "managers"
    ids = set()
    for parquet in sorted(managers.glob("*.parquet")):
        ids |= set(duckdb.sql(f"select distinct release_id from '{parquet}'").fetchall())
    with duckdb.connect(str(managers / "marts.duckdb"), read_only=True) as connection:
        ids |= set(connection.sql("select distinct release_id from agent_scorecard").fetchall())
    assert len(ids) == 1, ids
    reads += 1
print(reads)
"""


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


def test_a_second_run_finds_nothing_new_and_publishes_nothing(small_sample: Workspace):
    before = sorted(path.name for path in (small_sample.state_root / "releases").iterdir())
    again = small_sample.run()
    assert "nothing new" in again.stdout.lower()
    assert sorted(path.name for path in (small_sample.state_root / "releases").iterdir()) == before


def test_readers_are_never_disturbed_by_a_run(small_sample: Workspace, tmp_path: Path):
    stop = tmp_path / "stop"
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(small_sample.state_root / "releases"), str(stop)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        small_sample.run("--full")
    finally:
        stop.touch()
    reads, errors = reader.communicate(timeout=60)
    assert reader.returncode == 0, errors
    assert int(reads) >= 2


def test_the_same_raw_data_gives_the_same_bytes(small_sample: Workspace, tmp_path: Path):
    """Other folder, files and manifest in another order, one thread and four."""
    for threads in ("1", "4"):
        other = Workspace(tmp_path / threads / "deeper" / "raw", tmp_path / threads / "state")
        files = sorted(path for path in small_sample.raw_root.rglob("*") if path.is_file())
        for path in reversed(files):
            target = other.raw_root / path.relative_to(small_sample.raw_root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        manifest = other.raw_root / "manifest.jsonl"
        lines = manifest.read_text("utf-8").splitlines(keepends=True)
        manifest.write_text("".join(reversed(lines)), "utf-8")
        done = other.cx("run", CX_THREADS=threads)
        assert done.returncode == 0, done.stderr
        for mart in MARTS:
            one = (small_sample.managers / f"{mart}.parquet").read_bytes()
            assert one == (other.managers / f"{mart}.parquet").read_bytes(), (mart, threads)


@pytest.mark.parametrize("command", [["build"], ["docs", "generate"]])
def test_dbt_works_by_hand_after_the_first_run(
    small_sample: Workspace, command: list[str], tmp_path: Path
):
    environment = {
        **os.environ,
        "CX_STATE_ROOT": str(small_sample.state_root),
        "CX_WAREHOUSE_PATH": str(small_sample.warehouse),
        "DBT_TARGET_PATH": str(tmp_path / "target"),
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
    if command == ["build"]:
        assert "ERROR=0" in done.stdout
        # The rules of the metrics are tested on invented rows here; the daily job leaves them out.
        assert "unit_test" in done.stdout
    else:
        assert (tmp_path / "target" / "catalog.json").exists()


def test_dbt_leaves_reference_data_below_an_absolute_path_as_it_is(
    small_sample: Workspace, tmp_path: Path
):
    """dbt filed the SQL of a seed under the seed's own path and so overwrote the business's CSV."""
    seeds = tmp_path / "seeds"
    shutil.copytree(PROJECT_ROOT / "seeds", seeds, ignore=shutil.ignore_patterns("servicenow"))
    before = {path.name: path.read_bytes() for path in seeds.glob("*.csv")}
    environment = {
        **os.environ,
        "CX_STATE_ROOT": str(small_sample.state_root),
        "CX_SEED_ROOT": str(seeds),
        "CX_WAREHOUSE_PATH": str(tmp_path / "warehouse.duckdb"),
        "DBT_TARGET_PATH": str(tmp_path / "target"),
        "DBT_LOG_PATH": str(tmp_path / "logs"),
    }
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("dbt")), "seed",
            "--project-dir", "dbt_project", "--profiles-dir", "profiles",
        ],
        cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert {path.name: path.read_bytes() for path in seeds.glob("*.csv")} == before


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
