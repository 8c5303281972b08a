"""Files that are whole or not there: writing, flushing, hashing and removing them.

Belongs here: what several modules do with files of the state folder. Does not belong here: what is
in them and when they may go.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

# Under this name a folder is being made or removed: nobody reads it.
STAGING_PREFIX = ".staging-"
# `.name.pid`: a file being written by that process.
_DRAFT = re.compile(r"^\..+\.(\d+)$")


def write_json(path: Path, content: Any) -> None:
    """Write a file that is either the old or the new one, never half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    sync(draft)
    os.replace(draft, path)


def sync(path: Path) -> None:
    """Flush a file, or the names in a folder, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def hash_file(path: Path) -> str:
    """sha256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_json(content: Any) -> str:
    """sha256 of JSON content however it is laid out, in hex."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def remove_tree(path: Path) -> None:
    """Remove a folder whose parts may be read-only; nothing to do when it is not there."""
    if not path.exists():
        return
    for folder in _folders(path):
        with suppress(PermissionError):
            folder.chmod(stat.S_IRWXU)
    shutil.rmtree(path)


def remove_staging(folder: Path) -> None:
    """Remove what a process that died was making or removing right below `folder`."""
    for path in folder.glob(f"{STAGING_PREFIX}*"):
        if path.is_symlink() or path.is_file():
            path.unlink()
        else:
            remove_tree(path)


def remove_drafts(folder: Path) -> None:
    """Remove the half-written files right below `folder` whose process is no more."""
    for path in _drafts(folder):
        path.unlink(missing_ok=True)


def is_alive(pid: int) -> bool:
    """True while a process of that number exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _drafts(folder: Path) -> Iterator[Path]:
    for path in folder.glob(".*"):
        named = _DRAFT.match(path.name)
        if named and path.is_file() and not is_alive(int(named[1])):
            yield path


def _folders(path: Path) -> Iterable[Path]:
    yield path
    for parent, names, _ in os.walk(path):
        yield from (Path(parent) / name for name in names)
