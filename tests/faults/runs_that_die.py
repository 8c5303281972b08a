"""Processes that are killed, and what a reader finds after each kill.

Belongs here: real processes of the product that die by SIGKILL at a chosen moment, the small
synthetic world in which publishing costs a tenth of a second, and the looks of a reader. Does not
belong here: which moments are chosen and what must come of them (test_kills.py,
test_readers_and_rivals.py).

Started by its name this module is a nursery: it imports what a run imports once, then forks a
process for each order it reads. So a kill costs the time until its moment and not the imports.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from orchestration.lib.settings import Settings
from tests.conftest import PROJECT_ROOT

SECONDS_TO_WAIT = 900
# What a run imports, and what a process does that only publishes.
DEFINITIONS = "orchestration.definitions"
RUN_MODULES = (DEFINITIONS, "orchestration.cli", "expectations.gate", "great_expectations")
PUBLISHING_MODULES = ("duckdb", "orchestration.lib.retention", "tests.unit.release_world")
STEPS = ("start", "ingest", "dbt build", "candidate", "gate", "publish")


# --- processes, seen by the test ---------------------------------------------------------------


class Process:
    """A process of its own group that is watched by its lines and dies when the test says so."""

    def __init__(self, pid: int, lines: queue.Queue[str | None], end: Callable[[], int]) -> None:
        self.pid = pid
        self.seen: list[str] = []
        self._lines = lines
        self._end = end

    def wait_for(self, start: str, seconds: float = SECONDS_TO_WAIT) -> bool:
        """Wait for a line that starts so; False where the process ended without one."""
        until = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{start!r} never came; seen: {self.seen[-5:]}") from None
            if line is None:
                self._lines.put(None)
                return False
            self.seen.append(line.strip())
            if line.strip().startswith(start):
                return True

    def ends_within(self, seconds: float) -> bool:
        """Wait that long for its end: an event, so a moment drawn at random is kept to."""
        until = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return False
            if line is None:
                self._lines.put(None)
                return True
            self.seen.append(line.strip())

    def kill(self, with_children: bool = True) -> None:
        """SIGKILL, to the whole group or to the parent alone."""
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if with_children else os.kill)(self.pid, signal.SIGKILL)

    def end(self) -> int:
        """Wait for the end; returns the exit code, negative for a signal."""
        self.wait_for("\0")
        return self._end()


def start_cx(environment: Mapping[str, str], *arguments: str) -> Process:
    """`cx` as a user starts it, in a session of its own."""
    started = subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        cwd=PROJECT_ROOT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert started.stdout is not None
    return Process(started.pid, _pump(started.stdout), started.wait)


def _pump(stream: IO[str]) -> queue.Queue[str | None]:
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in stream:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    return lines


class Nursery:
    """Forks processes that have all imports behind them; one at a time."""

    def __init__(self, environment: Mapping[str, str], *modules: str) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.runs_that_die", *modules],
            cwd=PROJECT_ROOT,
            # Great Expectations reads this as it is imported; the gate sets it by itself.
            env={
                **environment,
                "PYTHONPATH": str(PROJECT_ROOT),
                "GX_ANALYTICS_ENABLED": "false",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._server.stdout is not None
        self._lines = _pump(self._server.stdout)

    def start(self, order: str, *arguments: Any, kill_at: str | int | None = None) -> Process:
        """Fork a process that follows `order`: a function of this module. With `kill_at` it kills
        itself: at a boundary ("ingest finished"), or before the nth change it makes on disk."""
        assert self._server.stdin is not None
        told = {"order": order, "arguments": arguments, "kill_at": kill_at}
        self._server.stdin.write(json.dumps(told) + "\n")
        self._server.stdin.flush()
        first = self._lines.get(timeout=SECONDS_TO_WAIT)
        assert first is not None and first.startswith("pid "), first
        lines: queue.Queue[str | None] = queue.Queue()
        codes: queue.Queue[int] = queue.Queue()

        def hand_on() -> None:
            while True:
                line = self._lines.get()
                if line is None or line.startswith("ended "):
                    codes.put(1 if line is None else int(line.split()[1]))
                    lines.put(None)
                    return
                lines.put(line)

        threading.Thread(target=hand_on, daemon=True).start()
        return Process(int(first.split()[1]), lines, codes.get)

    def do(self, order: str, *arguments: Any, kill_at: str | int | None = None) -> Process:
        """Follow an order to its end, which is SIGKILL with `kill_at` and success without."""
        done = self.start(order, *arguments, kill_at=kill_at)
        code = done.end()
        wanted = 0 if kill_at is None else -signal.SIGKILL
        assert code == wanted, f"{order} {kill_at}: ended with {code}: {done.seen[-20:]}"
        return done

    def close(self) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(timeout=60)


def processes_of_session(session: int) -> list[int]:
    """Processes of a session that run; one that nobody has buried yet does not count."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] not in "ZX":
            found.append(int(stat.parent.name))
    return found


# --- the nursery ---------------------------------------------------------------------------------


def serve(modules: list[str]) -> None:
    """Follow orders from stdin, one a line; what a forked process prints goes to our stdout."""
    for module in modules:
        loaded = importlib.import_module(module)
        if module == DEFINITIONS:
            # The modules of the assets are imported by this and not before.
            loaded.defs()
    for line in sys.stdin:
        told = json.loads(line)
        sys.stdout.flush()
        ready, go = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.read(ready, 1)
            os._exit(_follow(told))
        os.setpgid(pid, pid)
        print("pid", pid, flush=True)
        os.write(go, b"!")
        os.close(go)
        os.close(ready)
        _, status = os.waitpid(pid, 0)
        print("\nended", os.waitstatus_to_exitcode(status), flush=True)


def _follow(told: dict[str, Any]) -> int:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(1, 2)
    kill_at = told["kill_at"]
    _tell_boundaries(kill_at)
    try:
        changes = _number_changes(Path(told["arguments"][0]), kill_at)
        globals()[told["order"]](*told["arguments"])
        print("changes", changes(), flush=True)
    except SystemExit as leaving:
        return int(leaving.code or 0)
    except BaseException:
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
        return 1
    finally:
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.flush()
    return 0


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _tell_boundaries(kill_at: str | int | None) -> None:
    """Tell where a step begins and ends, or die there; `cx` itself prints the ends alone."""
    from orchestration.lib import steps

    # A copy, as a run sends its own output to a log.
    told = os.fdopen(os.dup(1), "w", buffering=1)

    def listener(event: steps.StepEvent) -> None:
        if f"{event.step} {event.state}" == kill_at:
            _die()
        where = event.done if event.state == "progressed" else event.state
        print(f"at {event.step} {where}", file=told)

    steps.listen(listener)


def _number_changes(root: Path, kill_at: int | str | None) -> Callable[[], int]:
    """Number what this process changes below `root`, and die before the change of that number.

    A change is a file opened for writing, flushed, renamed, linked, removed, given other rights.
    What DuckDB and Arrow write by themselves is no event of Python; kills at random moments meet
    those.
    """
    number = 0
    made = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.symlink",
            "os.truncate", "os.link"}  # fmt: skip
    start = os.fspath(root)

    def change() -> None:
        nonlocal number
        number += 1
        if number == kill_at:
            _die()

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            is_writing = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if not is_writing and not (isinstance(mode, str) and set(mode) & set("wax+")):
                return
        elif event in made:
            path = arguments[1] if event in {"os.symlink", "os.link"} else arguments[0]
        else:
            return
        # rmtree names what it removes below an open folder.
        if isinstance(path, int) or os.fspath(path).startswith(start) or event in {
            "os.remove", "os.rmdir"
        }:  # fmt: skip
            change()

    def numbered(do: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any) -> Any:
            change()
            return do(*arguments)

        return called

    os.fsync, os.write = numbered(os.fsync), numbered(os.write)  # type: ignore[assignment]
    os.ftruncate, fcntl.flock = numbered(os.ftruncate), numbered(fcntl.flock)  # type: ignore[assignment]
    sys.addaudithook(heard)
    return lambda: number


# --- orders: real runs ------------------------------------------------------------------------


def cx(_state: str, *arguments: str) -> None:
    """`cx` with these arguments."""
    from orchestration.cli import main

    sys.argv = ["cx", *arguments]
    main()


def rest_of_run(_state: str, *assets: str) -> None:
    """Materialise some of the last assets by hand, as Dagster's UI does."""
    from dagster import AssetKey

    from orchestration import cli
    from orchestration.console import chatter_to
    from orchestration.lib import steps
    from orchestration.lib.dead_runs import CLI_TAG
    from orchestration.lib.lock import run_lock
    from orchestration.lib.settings import load_settings

    settings = load_settings()
    with run_lock(settings), chatter_to(cli._fresh_log(settings)):
        with steps.step("start"):
            job, instance = cli._load_job(settings, cli.JOB)
        result = job.execute_in_process(
            instance=instance,
            asset_selection=[AssetKey(asset) for asset in assets],
            raise_on_error=False,
            # Nobody watches here: without Dagster's daemon the next `cx run` ends what died.
            tags={CLI_TAG: "cx run"},
        )
    sys.exit(0 if result.success else 1)


# --- orders: the synthetic world ------------------------------------------------------------------


def world(state: str | Path, keep: int = 1) -> Settings:
    """Settings of a synthetic state folder."""
    return Settings(
        state_root=Path(state), raw_root=Path(state).with_name("raw"), keep_releases=keep
    )


def id_of_day(day: int) -> str:
    """Release of a day in March."""
    as_of = _as_of(day)
    return f"{as_of:%Y%m%dT%H%M%SZ}-{hashlib.sha256(str(day).encode()).hexdigest()[:12]}"


def _as_of(day: int) -> datetime:
    return datetime(2026, 3, 1, 6) + timedelta(hours=12 * day)


def publish_day(state: str, day: int, keep: int = 1) -> None:
    """What a run does once its models are built. January closes with the first day, February with
    the second; figures differ from day to day, so that a month that is not frozen shows."""
    import duckdb

    from orchestration.lib import audit, releases, retention, steps
    from orchestration.lib.lock import run_lock
    from orchestration.lib.vintages import read_vintages, verify_vintages
    from tests.unit.release_world import MARTS, build_warehouse, judge

    settings = world(state, keep)
    with run_lock(settings):
        releases.clean_leftovers(settings)
        audit.append(settings, "run", state="started")
        releases.keep_closed_months(settings)
        vintages = read_vintages(settings)
        verify_vintages(vintages)
        name = id_of_day(day)
        if releases.is_published(settings, name):
            releases.make_current(settings, name)
            return
        run = releases.Run(
            name, _as_of(day), "native", inputs=f"day {day}",
            vintages=[vintage.name for vintage in vintages],
        )  # fmt: skip
        build_warehouse(settings, run, score=50.0 + day)
        if day > 1:
            with duckdb.connect(os.fspath(settings.warehouse_path)) as connection:
                connection.execute("update marts.agent_scorecard set vintage = 'final'")
        releases.write_run_notes(settings, run)
        marts = [replace(MARTS[0], closes_by="period_month"), MARTS[1]]
        with steps.step("candidate"):
            candidate = releases.build_candidate(settings, marts, run)
        judge(candidate)
        published = releases.publish(settings, releases.load_candidate(settings, name))
        retention.prune(settings, published.release_id)
        steps.write_timings(settings.work_root / "logs", name)


def roll_back_to(state: str, day: int) -> None:
    """Readers back to the release of a day."""
    from orchestration.lib import rollback
    from orchestration.lib.lock import run_lock

    with run_lock(world(state)):
        rollback.roll_back(world(state), id_of_day(day), by="a test")


def undo_rollback(state: str) -> None:
    """Readers to the newest release."""
    from orchestration.lib import rollback
    from orchestration.lib.lock import run_lock

    with run_lock(world(state)):
        rollback.undo(world(state))


# --- what a reader finds --------------------------------------------------------------------------


def hashes_of_marts(managers: Path) -> dict[str, str]:
    """sha256 of every mart of a release."""
    from orchestration.lib.files import hash_file

    return {path.stem: hash_file(path) for path in sorted(managers.glob("*.parquet"))}


def read_as_reader(settings: Settings, known: Mapping[str, Mapping[str, str]]) -> str | None:
    """Look at all that readers can reach; returns the id of the current release.

    Every release with a name is whole, is one of `known` (id to the hashes of its marts) byte for
    byte, its id is the only one in its marts, and stands in the audit log, which is sound.
    """
    import duckdb

    from orchestration.lib import audit
    from orchestration.lib.releases import verify_release
    from orchestration.lib.vintages import read_vintages, verify_vintages

    report = audit.verify(settings)
    assert not report.faults, report.faults
    verify_vintages(read_vintages(settings))
    root = settings.releases_root
    if not root.exists():
        return None
    folders = [path for path in root.glob("2*") if path.is_dir()]
    logged = {entry.release_id for entry in report.entries if entry.event == "publish"}
    for folder in folders:
        damaged = verify_release(folder)
        assert not damaged, damaged
        assert folder.name in logged, folder.name
        assert hashes_of_marts(folder / "managers") == known[folder.name], folder.name
    if not (root / "current").is_symlink():
        return None
    now = os.readlink(root / "current")
    assert now in {folder.name for folder in folders}, now
    with duckdb.connect() as connection:
        ids = {
            found
            for path in (root / "current" / "managers").glob("*.parquet")
            for (found,) in connection.execute(
                f"select distinct release_id from '{path}'"
            ).fetchall()
        }
    assert ids == {now}, ids
    return now


# Numbers of processes and clocks, and what follows from DuckDB's database file: nobody promises
# that these are equal.
_OF_ITS_RUN = re.compile(r"^(run-.*\.log|run\.lock|log\.jsonl|head\.json)$")
_DATABASE = "marts.duckdb"
# When, by the clock; and what a run says of files as it lands them, which a later one does not say
# again though the first was killed.
_OF_THE_MOMENT = {"at", "warnings"}


def content_of(folder: Path) -> dict[str, str]:
    """Every file and link below `folder` by its path, with what it holds."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        # What a step cost is noted last; a run that has published does not work it out again.
        if path.name.endswith(".timings.json"):
            continue
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        elif path.is_dir():
            found[f"{name}/"] = ""
        elif path.suffix == ".duckdb" or _OF_ITS_RUN.match(path.name):
            found[name] = ""
        elif path.suffix == ".json":
            found[name] = json.dumps(_without_database(json.loads(path.read_bytes())))
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def differences(one: Path, other: Path) -> list[str]:
    """Names of the files and folders that are not the same in both folders."""
    ours, theirs = content_of(one), content_of(other)
    names = sorted(set(ours) | set(theirs))
    return [name for name in names if ours.get(name) != theirs.get(name)]


def _without_database(content: Any) -> Any:
    if isinstance(content, dict):
        return {
            key: _without_database(value)
            for key, value in content.items()
            if not key.endswith(_DATABASE) and key not in _OF_THE_MOMENT
        }
    return content


def left_over(state: Path) -> list[str]:
    """What no process that ended well leaves: files and folders in the making."""
    # Dagster keeps a database, of three files, for the events of no run.
    of_dagster = state / "dagster" / "history" / "runs"
    found = [path for path in state.rglob(".*") if path.parent != of_dagster]
    names = [path.relative_to(state).as_posix() for path in found]
    return [*names, *(["run.holder"] if (state / "run.holder").exists() else [])]


@contextlib.contextmanager
def copied(source: Path | None, target: Path) -> Iterator[Path]:
    """A copy of a state folder for the body; an empty one where there is none to copy."""
    if source is not None:
        shutil.copytree(source, target, symlinks=True)
    try:
        yield target
    finally:
        remove(target)


def remove(folder: Path) -> None:
    """Remove a state folder, read-only releases and all."""
    from orchestration.lib.files import remove_tree

    remove_tree(folder)


if __name__ == "__main__":
    serve(sys.argv[1:])
