"""What a failure means in one line, and telling those who are not watching.

Belongs here: finding the reason behind an exception, or behind what Dagster recorded of one, and
posting it to the webhook of CX_FAILURE_WEBHOOK. Does not belong here: exit codes (errors.py) and
what failed.

A reason that leaves the machine names files, rows, columns and checks. Words of other software may
quote a cell, so of a fault the quoted parts are left out, and of an unknown error all but its kind.
"""

from __future__ import annotations

import errno
import json
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from orchestration.lib import errors
from orchestration.lib.errors import CxError, Fault

if TYPE_CHECKING:
    from orchestration.lib.settings import Settings

TIMEOUT_SECONDS = 5
LONGEST_REASON = 300
STOPPED = "stopped; the published release is as it was, run again to go on"
NO_SPACE = "no space left on the disk of CX_STATE_ROOT: free some and run again"
# Words of other software for what a machine lacks, and how to go on.
OF_THE_MACHINE = (
    (
        ("No space left on device", "database or disk is full", "not enough free disk space"),
        NO_SPACE,
    ),
    (
        # What SQLite says of a full disk, and of a failing one.
        ("disk I/O error",),
        "the disk of CX_STATE_ROOT takes no more: free some space or give access, and run again",
    ),
    (
        ("Out of Memory Error",),
        "DuckDB needs more memory: raise CX_MEMORY_LIMIT or lower CX_THREADS, then run again",
    ),
    (
        ("Corrupt database file", "computed checksum", "not a valid DuckDB database file"),
        "the warehouse is damaged: rebuild it from the raw files with `cx run --full`",
    ),
)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_EXPLAINED = {
    kind.__name__ for kind in (errors.BadInput, errors.GateFailed, errors.LockHeld, errors.Fault)
}


@dataclass(frozen=True)
class Failure:
    """What is told of a run that failed; `run_id` and `partition` are None where there is none."""

    job: str
    run_id: str | None
    partition: str | None
    reason: str


def explain(error: BaseException, hint: str = "") -> CxError:
    """The CxError behind an exception: its own, that of one of its causes, or a Fault in plain
    words, followed by `hint`.
    """
    for cause in _chain(error):
        if isinstance(cause, CxError):
            return cause
        if isinstance(cause, KeyboardInterrupt):
            return Fault(STOPPED)
        is_full = isinstance(cause, OSError) and cause.errno == errno.ENOSPC
        of_the_machine = NO_SPACE if is_full else explain_machine(str(cause))
        if of_the_machine:
            return Fault(of_the_machine)
    words = " ".join(str(error).split())[:LONGEST_REASON]
    return Fault(f"{type(error).__name__}: {words or 'no reason given'}{hint}")


def explain_machine(words: str) -> str | None:
    """The sentence for words of other software about memory, disk or a damaged warehouse."""
    for signs, sentence in OF_THE_MACHINE:
        if any(sign in words for sign in signs):
            return sentence
    return None


def reason_of(error: BaseException) -> str:
    """The reason of an exception in one line that may leave the machine."""
    causes = list(_chain(error))
    if any(
        isinstance(cause, CxError | OSError | KeyboardInterrupt) or explain_machine(str(cause))
        for cause in causes
    ):
        explained = explain(error)
        return _line(type(explained).__name__, explained.message)
    return _unknown(type(error).__name__)


def reason_of_recorded(error: Any) -> str:
    """The same of a SerializableErrorInfo, which is all that Dagster keeps of an exception."""
    first = error
    while error is not None:
        name = (error.cls_name or "").rsplit(".", 1)[-1]
        if name in _EXPLAINED:
            # The message is recorded as a traceback ends: `module.Class: message`.
            return _line(name, error.message.split(": ", 1)[-1])
        error = error.cause or error.context
    return _unknown((first.cls_name or "error").rsplit(".", 1)[-1] if first else "error")


def tell(settings: Settings, failure: Failure) -> str | None:
    """Post a failure to the webhook, where there is one; returns what went wrong with that.

    Never raises: who is told must not decide what becomes of a run.
    """
    if settings.failure_webhook is None:
        return None
    try:
        request = urllib.request.Request(
            settings.failure_webhook.get_secret_value(),
            data=json.dumps(asdict(failure)).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):
            return None
    except Exception as error:
        # The address may hold a token, and the words of the error the address.
        return f"CX_FAILURE_WEBHOOK did not take the failure ({type(error).__name__})"


def _line(kind: str, message: str) -> str:
    lines = [line.strip() for line in message.strip().splitlines() if line.strip()]
    first = lines[0] if lines else "no reason given"
    if kind == Fault.__name__:
        first = _QUOTED.sub("'...'", first)
    if len(lines) > 1:
        first = f"{first} (and {len(lines) - 1} more lines)"
    return first[:LONGEST_REASON]


def _unknown(name: str) -> str:
    return f"{name}: the log of the run says more"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
