"""The audit log of a state folder: what was run, judged, published and taken back, in order.

Belongs here: appending to the log and proving that nothing in it was changed, dropped or moved.
Does not belong here: when something is worth an entry (releases.py, orchestration/defs).

    state/audit/log.jsonl    one entry a line, each holding the hash of the one before
    state/audit/head.json    number and hash of the last entry, so that a log cut short is found

An entry is flushed to disk before the head is. A process that dies in between leaves a torn last
line, or a head one entry behind: both are told apart from tampering, and the next entry mends them.
What an entry holds names releases, checks and numbers, and never a person.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from orchestration.lib.settings import make_private

if TYPE_CHECKING:
    from orchestration.lib.settings import Settings

LOG_FILE = "log.jsonl"
HEAD_FILE = "head.json"
FIRST = "0" * 64

# run: one began or ended; gate: a candidate was judged; override: a row of gate_overrides lifted a
# check; publish: a release gets its name; current: readers are moved to a newer release; rollback:
# people move them; prune: a release is kept no longer; export: somebody took data out; mend: a torn
# line was cut off; break: the log did not end as its head says.
Event = Literal[
    "run", "gate", "override", "publish", "current", "rollback", "prune", "export", "mend", "break"
]


@dataclass(frozen=True)
class Entry:
    """One line of the log; `at` is UTC (ISO 8601), `hash` covers all the rest and `previous`."""

    sequence: int
    at: str
    event: str
    release_id: str | None
    facts: dict[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True)
class Report:
    """What a look at the whole log found: the entries that are sound, faults, and harmless marks
    of a process that was killed.
    """

    entries: tuple[Entry, ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """True when nothing was changed, dropped, moved or cut off."""
        return not self.faults


def append(settings: Settings, event: Event, release_id: str | None = None, **facts: Any) -> Entry:
    """Add an entry and return it once it is on disk; any process may, at any time."""
    root = make_private(settings.audit_root)
    with _open_log(root) as log:
        torn = _cut_torn_line(log)
        last, head = _last_entry(log), _read_head(root)
        if not _agree(last, head):
            last = _write(root, log, last, "break", None, _difference(last, head))
        elif last is not None:
            # The head may be one behind, and must never fall two behind.
            _write_head(root, last)
        if torn:
            last = _write(root, log, last, "mend", None, {"bytes_cut": torn})
        return _write(root, log, last, event, release_id, facts)


def verify(settings: Settings) -> Report:
    """Read the whole log and hold each line against the one before, and the last against the
    head.
    """
    root = settings.audit_root
    path = root / LOG_FILE
    if not path.exists():
        is_gone = (root / HEAD_FILE).exists()
        return Report((), (f"{LOG_FILE}: missing, {HEAD_FILE} is there",) if is_gone else (), ())
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        content, head = file.read(), _read_head(root)
    *lines, rest = content.split(b"\n")
    entries, faults = _follow(lines)
    last = _parse(lines[-1]) if lines else None
    notes = []
    if not _agree(last, head):
        faults.append(
            f"{LOG_FILE}: ends with entry {last.sequence if last else 0}, {HEAD_FILE} knows "
            f"{head['sequence'] if head else 'none'} as the last: the end was cut off or changed"
        )
    elif rest:
        notes.append(
            f"{LOG_FILE} line {len(lines) + 1}: half written by a process that was killed; "
            "the next entry mends it"
        )
    return Report(tuple(entries), tuple(faults), tuple(notes))


# --- chain ------------------------------------------------------------------------------------


def _follow(lines: list[bytes]) -> tuple[list[Entry], list[str]]:
    """Entries of the sound lines, and what is wrong with the others."""
    entries: list[Entry] = []
    faults: list[str] = []
    previous, sequence = FIRST, 0
    for number, line in enumerate(lines, start=1):
        where = f"{LOG_FILE} line {number}"
        entry = _parse(line)
        if entry is None:
            faults.append(f"{where}: not an entry; it was changed, or the disk damaged it")
            sequence += 1
            previous = ""
            continue
        if entry.hash != _hash(entry):
            faults.append(f"{where}: changed after it was written")
        elif entry.sequence != sequence + 1 or (previous and entry.previous != previous):
            faults.append(
                f"{where}: entry {entry.sequence} does not follow the one before it; "
                "entries were dropped, moved or replaced"
            )
        else:
            entries.append(entry)
            if entry.event == "break":
                told = ", ".join(f"{name} {value}" for name, value in entry.facts.items())
                faults.append(f"{where}: the log had been changed before this entry ({told})")
        sequence, previous = entry.sequence, entry.hash
    return entries, faults


def _hash(entry: Entry) -> str:
    return hashlib.sha256(_canonical(entry).encode()).hexdigest()


def _canonical(entry: Entry) -> str:
    content = {name: value for name, value in vars(entry).items() if name != "hash"}
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def _parse(line: bytes) -> Entry | None:
    try:
        entry = Entry(**json.loads(line))
    except (ValueError, TypeError):
        return None
    # Byte for byte as it was written, so that no edit is too small to be found.
    is_as_written = isinstance(entry.sequence, int) and _line(entry) == line
    return entry if is_as_written else None


def _line(entry: Entry) -> bytes:
    return json.dumps(vars(entry)).encode()


def _agree(last: Entry | None, head: dict[str, Any] | None) -> bool:
    """True when the log ends as the head says, or one entry further: a process that dies between
    the two leaves that.
    """
    sequence, known = (0, FIRST) if head is None else (head["sequence"], head["hash"])
    if last is None or last.sequence == sequence:
        return (last.sequence, last.hash) == (sequence, known) if last else sequence == 0
    return last.sequence == sequence + 1 and last.previous == known


def _difference(last: Entry | None, head: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "head_sequence": head["sequence"] if head else 0,
        "head_hash": head["hash"] if head else "",
        "found_sequence": last.sequence if last else 0,
    }


# --- files ------------------------------------------------------------------------------------


@contextmanager
def _open_log(root: Path) -> Iterator[int]:
    """The log as a descriptor that only appends, locked against other processes."""
    path = root / LOG_FILE
    is_new = not path.exists()
    log = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(log, fcntl.LOCK_EX)
        if is_new:
            _sync_folder(root)
        yield log
    finally:
        os.close(log)


def _cut_torn_line(log: int) -> int:
    """Cut off what stands after the last whole line; returns the number of bytes."""
    size = os.fstat(log).st_size
    whole = 0
    for start, block in _blocks_from_the_end(log, size):
        found = block.rfind(b"\n")
        if found >= 0:
            whole = start + found + 1
            break
    if whole < size:
        os.ftruncate(log, whole)
        os.fsync(log)
    return size - whole


def _last_entry(log: int) -> Entry | None:
    """The entry of the last line, None where there is none or it is not one."""
    size = os.fstat(log).st_size
    tail = b""
    for _, block in _blocks_from_the_end(log, size):
        tail = block + tail
        if tail.count(b"\n") > 1:
            break
    lines = tail.splitlines()
    return _parse(lines[-1]) if lines else None


def _blocks_from_the_end(log: int, size: int, length: int = 65536) -> Iterator[tuple[int, bytes]]:
    while size > 0:
        start = max(0, size - length)
        yield start, os.pread(log, size - start, start)
        size = start


def _write(
    root: Path,
    log: int,
    last: Entry | None,
    event: Event,
    release_id: str | None,
    facts: dict[str, Any],
) -> Entry:
    draft = Entry(
        sequence=1 if last is None else last.sequence + 1,
        at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        event=event,
        release_id=release_id,
        facts=facts,
        previous=FIRST if last is None else last.hash,
        hash="",
    )
    entry = Entry(**{**vars(draft), "hash": _hash(draft)})
    rest = _line(entry) + b"\n"
    while rest:
        rest = rest[os.write(log, rest) :]
    os.fsync(log)
    _write_head(root, entry)
    return entry


def _read_head(root: Path) -> dict[str, Any] | None:
    try:
        head = json.loads((root / HEAD_FILE).read_bytes())
        return {"sequence": int(head["sequence"]), "hash": str(head["hash"])}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        # Only damage or a hand leaves that, as it is replaced as a whole.
        return {"sequence": -1, "hash": ""}


def _write_head(root: Path, entry: Entry) -> None:
    # One name for all drafts: whoever writes holds the lock, and writes over one left half done.
    draft = root / f".{HEAD_FILE}"
    with draft.open("w", encoding="utf-8") as file:
        json.dump({"sequence": entry.sequence, "hash": entry.hash}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, root / HEAD_FILE)
    _sync_folder(root)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
