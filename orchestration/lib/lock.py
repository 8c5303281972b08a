"""One run at a time: the lock of a state folder, and waiting for its warehouse to be free.

Belongs here: who may write below CX_STATE_ROOT now. Does not belong here: what is written.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.lib.errors import Fault, LockHeld

if TYPE_CHECKING:
    from orchestration.lib.settings import Settings

_held: dict[Path, int] = {}


@contextmanager
def run_lock(settings: Settings) -> Iterator[None]:
    """Hold the one lock of this state folder, or raise LockHeld naming the process that does.

    The system frees it when the process dies, however it dies. Taking it again inside the same
    process is fine: the command line takes it early, and the assets of the same run take it again.
    """
    from filelock import FileLock, Timeout

    path = _lock_path(settings)
    if _held.get(path):
        _held[path] += 1
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
        lock.acquire(timeout=0)
    except Timeout as error:
        raise LockHeld(
            f"another run works on this state folder ({_holder(note)}): "
            "wait until it ends and run again"
        ) from error
    try:
        note.write_text(
            json.dumps({"pid": os.getpid(), "command": _command(), "since": _now()}), "utf-8"
        )
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


def _unreadable(path: Path, error: Exception) -> Fault:
    return Fault(
        f"{path.name} is not a readable warehouse ({_line(error)}): rebuild it with `cx run --full`"
    )


def _holder(path: Path) -> str:
    try:
        content = json.loads(path.read_text("utf-8"))
        return f"process {content['pid']}, `{content['command']}`, since {content['since']}"
    except (OSError, ValueError, KeyError):
        return "process unknown, just starting"


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
    try:
        os.kill(json.loads(note.read_text("utf-8"))["pid"], 0)
    except PermissionError:
        return _holder(note)
    except (OSError, ValueError, KeyError):
        return None
    return _holder(note)


def _lock_path(settings: Settings) -> Path:
    return (settings.state_root / "run.lock").resolve()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
