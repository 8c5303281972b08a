"""A disk that is full and memory that is short: a clear error, and nothing half done.

Belongs here: a small disk of its own (tmpfs) that fills up at a given moment of a real run or of
publishing, and a build with little memory. Does not belong here: processes that are killed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pytest

from orchestration.console import chatter_to
from orchestration.lib import audit, releases
from orchestration.lib.errors import Fault
from orchestration.lib.failures import NO_SPACE, explain
from orchestration.lib.settings import Settings
from orchestration.lib.verification import verify
from tests.conftest import PROJECT_ROOT, SECOND_BOUND, Workspace
from tests.faults.counted import count
from tests.faults.states import after_first_run, assert_same_marts
from tests.unit.release_world import MARTS, OLDER, RUN, build_warehouse, judge

MEBIBYTE = 2**20
PAGE = 4096
# Runs `cx` and fills the disk when a step has come so far.
FILLER = """
import os, sys
from orchestration import cli
from orchestration.lib import steps
step, percent, ballast = sys.argv[1], int(sys.argv[2]), sys.argv[3]
def fill(event):
    come = 100 * event.done / event.total if event.total else 0
    if event.step == step and come >= percent and not os.path.exists(ballast):
        with open(ballast, "wb", buffering=0) as file:
            try:
                while file.write(bytes(65536)):
                    pass
            except OSError:
                pass
steps.listen(fill)
sys.argv[1:] = sys.argv[4:]
cli.app()
"""


# --- a disk that fills up -----------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A disk of so many bytes, mounted for the body; skips where the machine allows no mount."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip(f"this machine mounts no tmpfs for this user: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 16 * MEBIBYTE) as folder:
        yield folder


def leave(disk: Path, room: int) -> Path:
    """Fill the disk but for so many bytes; returns the file to remove."""
    ballast = disk / "ballast"
    free = os.statvfs(disk).f_bavail * PAGE
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free - room)
    return ballast


def test_a_disk_that_is_full_while_publishing_leaves_the_release_of_before(disk: Path) -> None:
    """With every amount of room from nothing to enough; then the same publish goes through."""
    settings = Settings(state_root=disk / "state", raw_root=disk / "raw")
    for run in (OLDER, RUN):
        build_warehouse(settings, run)
        candidate = releases.build_candidate(settings, MARTS, run)
        judge(candidate)
        if run is OLDER:
            releases.publish(settings, candidate)
    marts = {path.name: path.read_bytes() for path in candidate.folder.glob("*.parquet")}
    failed = 0
    for pages in (*range(24), *range(24, 10_000, 40)):
        ballast = leave(disk, pages * PAGE)
        try:
            releases.publish(settings, candidate)
        except Exception as error:
            failed += 1
            assert explain(error).message == NO_SPACE, pages
            assert releases.current_release(settings).release_id == OLDER.release_id  # type: ignore[union-attr]
        ballast.unlink()
        # A torn last line of the log is mended by the next entry.
        assert [fault for fault in verify(settings).faults if "releases/" in fault] == [], pages
        if releases.is_published(settings, RUN.release_id):
            break
    assert failed > 24
    releases.publish(settings, candidate)
    release = releases.current_release(settings)
    assert release is not None and release.release_id == RUN.release_id
    published = {path.name: path.read_bytes() for path in release.managers.glob("*.parquet")}
    assert published == marts
    audit.append(settings, "verify")
    assert verify(settings).faults == []
    count("full_disks", failed)


def test_a_disk_that_is_full_while_copying_marts_is_told_in_plain_words(disk: Path) -> None:
    settings = Settings(state_root=disk / "state", raw_root=disk / "raw")
    build_warehouse(settings, RUN)
    for pages in (0, 4, 16, 64):
        ballast = leave(disk, pages * PAGE)
        with pytest.raises((Fault, OSError, duckdb.Error)) as caught:
            releases.build_candidate(settings, MARTS, RUN)
        assert explain(caught.value).message == NO_SPACE
        ballast.unlink()
        assert list(releases.candidates_root(settings).iterdir()) == []
    releases.build_candidate(settings, MARTS, RUN)
    count("full_disks", 4)


def test_an_error_is_shown_though_the_disk_of_the_log_is_full(
    disk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Flushing the log failed, and took the real outputs with it."""
    (disk / "logs").mkdir()
    leave(disk, 0)
    outputs = (sys.stdout, sys.stderr)
    with suppress(OSError), chatter_to(disk / "logs" / "run.log"):
        sys.stderr.write("chatter\n")
    assert (sys.stdout, sys.stderr) == outputs
    os.write(2, b"error: shown\n")
    assert capfd.readouterr().err == "error: shown\n"
    count("full_disks", 1)


@pytest.fixture(scope="module")
def before(small_sample: Workspace, runs_root: Path) -> Workspace:
    return after_first_run(small_sample, runs_root)


@pytest.mark.slow_fault
@pytest.mark.timeout(3600)
def test_a_disk_that_fills_up_in_a_run_ends_it_and_the_next_one_goes_through(
    small_sample: Workspace, before: Workspace, tmp_path: Path
) -> None:
    """While logging, taking in, building, copying the marts, and publishing."""
    moments = (("start", 0), ("ingest", 0), ("dbt build", 40), ("candidate", 0), ("publish", 0))
    with small_disk(tmp_path / "disk", 1024 * MEBIBYTE) as disk:
        workspace = Workspace(before.raw_root, disk / "state", threads=1)
        shutil.copytree(before.state_root, workspace.state_root, symlinks=True)
        current = os.readlink(workspace.state_root / "releases" / "current")
        settings = Settings(state_root=workspace.state_root, raw_root=workspace.raw_root)
        for step, percent in moments:
            ballast = disk / "ballast"
            done = subprocess.run(
                [
                    sys.executable, "-c", FILLER, step, str(percent), str(ballast),
                    "run", "--as-of", SECOND_BOUND,
                ],
                cwd=PROJECT_ROOT, env=workspace.environment, capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            assert ballast.exists(), f"the run never came to {step}"
            assert done.returncode == 1, (step, done.stdout, done.stderr)
            assert done.stderr.startswith("error: "), (step, done.stderr)
            assert "the disk of CX_STATE_ROOT" in done.stderr, (step, done.stderr)
            assert len(done.stderr.strip().splitlines()) == 1, (step, done.stderr)
            assert os.readlink(workspace.state_root / "releases" / "current") == current, step
            ballast.unlink()
            assert [one for one in verify(settings, True).faults if "releases/" in one] == [], step
        workspace.run("--as-of", SECOND_BOUND)
        assert_same_marts(small_sample.managers, workspace.managers)
        assert verify(settings, every_release=True).faults == []
    count("full_disks", len(moments))


# --- memory that is short -----------------------------------------------------------------------


@pytest.mark.slow_fault
@pytest.mark.timeout(7200)
def test_ten_times_the_sample_is_built_with_little_memory(tmp_path: Path) -> None:
    """DuckDB spills beyond 512 MB, or says what it lacks. Either way nothing half done is seen."""
    workspace = Workspace(tmp_path / "raw", tmp_path / "state", threads=2)
    workspace.make_sample("--agents", "1200", "--tickets", "1500000")
    done = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "run"],
        cwd=PROJECT_ROOT, env=workspace.environment | {"CX_MEMORY_LIMIT": "512MB"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    settings = Settings(state_root=workspace.state_root, raw_root=workspace.raw_root)
    assert verify(settings, every_release=True).faults == []
    kept = releases.list_releases(settings)
    if done.returncode == 0:
        assert len(kept) == 1 and kept[0].is_current
    else:
        assert done.returncode == 1, done.stderr
        assert "CX_MEMORY_LIMIT" in done.stderr and len(done.stderr.strip().splitlines()) == 1
        assert kept == []
    count("builds_with_little_memory", 1)
