"""One run at a time: the lock of a state folder, and waiting for its warehouse to be free.

Belongs here: who may write below CX_STATE_ROOT now. Does not belong here: what is written.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.lib.errors import Fault, LockHeld
from orchestration.lib.files import is_alive, write_json

if TYPE_CHECKING:
    from orchestration.lib.settings import Settings

_held: dict[Path, int] = {}


@contextmanager
def run_lock(settings: Settings, run_id: str | None = None) -> Iterator[None]:
    """Hold the one lock of this state folder, or raise LockHeld naming the process that does.

    The system frees it when the process dies, however it dies. Taking it again inside the same
    process is fine: the command line takes it early, and the assets of the same run take it again.
    `run_id` is that of Dagster, noted beside the lock for `runs_at_work`.
    """
    from filelock import FileLock, Timeout

    path = _lock_path(settings)
    if _held.get(path):
        _held[path] += 1
        _write_holder(path.with_suffix(".holder"), run_id)
        try:
            yield
        finally:
            _held[path] -= 1
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # The lock is the flock, not the file; who holds it stands beside, as taking a lock empties the
    # file itself.
    note = path.with_suffix(".holder")
    lock = FileLock(path, thread_local=False)
    try:
        # A second, as somebody may only be asking whether it is free.
        lock.acquire(timeout=1)
    except Timeout as error:
        raise LockHeld(
            f"another run works on this state folder ({_holder(note)}): "
            "wait until it ends and run again"
        ) from error
    try:
        _write_holder(note, run_id)
        _held[path] = 1
        yield
    finally:
        _held.pop(path, None)
        note.unlink(missing_ok=True)
        lock.release()


def wait_for_warehouse(
    settings: Settings, seconds: float = 120, replace_unreadable: bool = False
) -> None:
    """Wait until nobody has the warehouse open: the dbt of a run that was killed may still be at
    work.

    `replace_unreadable` lets a file pass that is no database, as the run is going to remove it.
    Raises LockHeld with DuckDB's words after `seconds`, Fault when the file is not a database.
    """
    import duckdb

    path = settings.warehouse_path
    path.parent.mkdir(parents=True, exist_ok=True)
    ends = time.monotonic() + seconds
    while path.exists():
        try:
            duckdb.connect(os.fspath(path)).close()
        except duckdb.IOException as error:
            if "lock" not in str(error).lower():
                if replace_unreadable:
                    return
                raise _unreadable(path, error) from error
            if time.monotonic() > ends:
                raise LockHeld(
                    f"{path.name} is open in another program ({_line(error)}): "
                    "close it and run again"
                ) from error
            time.sleep(0.5)
        except duckdb.Error as error:
            if replace_unreadable:
                return
            raise _unreadable(path, error) from error
        else:
            return


def note_build(settings: Settings, pid: int) -> None:
    """Note which process builds the models: it outlives a run that is killed alone."""
    settings.work_root.mkdir(parents=True, exist_ok=True)
    write_json(_build_note(settings), {"pid": pid, "born": _born(pid)})


def end_orphaned_build(settings: Settings) -> None:
    """Kill the dbt of a run that was killed, which would go on writing to the warehouse beside the
    dbt of the next one. Call it under `run_lock`.

    Where the system does not tell when a process was born nobody is killed, as the number may be
    another's by now; `wait_for_warehouse` then has to wait.
    """
    note = _build_note(settings)
    noted = _read_holder(note)
    pid, born = noted.get("pid"), noted.get("born")
    if pid is not None and born is not None and _born(pid) == born:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
        ends = time.monotonic() + 10
        while _born(pid) == born and time.monotonic() < ends:
            time.sleep(0.05)
    note.unlink(missing_ok=True)


def _born(pid: int) -> str | None:
    """When a living process was born, as the system counts; None where it does not tell."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    # The third field is the state (Z: dead and not yet buried), the 22nd the birth.
    return None if told[0] in "ZX" else told[19]


def _build_note(settings: Settings) -> Path:
    return settings.work_root / "build_process.json"


def _unreadable(path: Path, error: Exception) -> Fault:
    return Fault(
        f"{path.name} is not a readable warehouse ({_line(error)}): rebuild it with `cx run --full`"
    )


def _write_holder(note: Path, run_id: str | None) -> None:
    before = _read_holder(note)
    runs = before["runs"] if before.get("pid") == os.getpid() else []
    runs += [run_id] if run_id is not None and run_id not in runs else []
    write_json(note, {"pid": os.getpid(), "command": _command(), "since": _now(), "runs": runs})


def _read_holder(note: Path) -> dict[str, Any]:
    try:
        return json.loads(note.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _holder(note: Path) -> str:
    holder = _read_holder(note)
    if "pid" not in holder:
        return "process unknown, just starting"
    return f"process {holder['pid']}, `{holder['command']}`, since {holder['since']}"


def _command() -> str:
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:120]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def remove_warehouse(settings: Settings) -> None:
    """Remove the warehouse, which can be built again from the raw files at any time."""
    path = settings.warehouse_path
    for file in (path, path.with_name(f"{path.name}.wal")):
        file.unlink(missing_ok=True)


def running(settings: Settings) -> str | None:
    """Who works on the state folder now, in words; None when nobody does.

    Looks at the note of the holder instead of trying the lock, which would get in the way of a run
    that starts.
    """
    note = _lock_path(settings).with_suffix(".holder")
    pid = _read_holder(note).get("pid")
    return _holder(note) if pid is not None and is_alive(pid) else None


def runs_at_work(settings: Settings) -> set[str]:
    """Dagster's ids of the runs that hold the lock; empty when nobody does.

    Asks the lock itself, for a moment: the note of a process that was killed stays behind, and its
    number may be another's by now.
    """
    from filelock import FileLock, Timeout

    path = _lock_path(settings)
    if not path.exists():
        return set()
    if not _held.get(path):
        try:
            with FileLock(path, thread_local=False).acquire(timeout=0):
                return set()
        except Timeout:
            pass
    return set(_read_holder(path.with_suffix(".holder")).get("runs", []))


def _lock_path(settings: Settings) -> Path:
    return (settings.state_root / "run.lock").resolve()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
