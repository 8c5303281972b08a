"""The errors a user meets, each with the exit code of the command line.

Belongs here: what kinds of failure the pipeline tells apart. Does not belong here: wording, which
stands where the failure is found and names file, row or column, cause and remedy, and never the
contents of a cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

SHOWN_FAULTS = 20


class CxError(Exception):
    """A failure that is explained to the user without a traceback.

    `message` opens with one clear line; further lines list further faults of the same kind.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Fault(CxError):
    """Something other than the input failed: a full disk, the state folder, a build."""

    exit_code = 1


class BadInput(CxError):
    """Raw files, reference data or settings are not accepted; the published release stays."""

    exit_code = 2


class GateFailed(CxError):
    """A candidate failed its checks, or lacks the receipt of them; nothing is published."""

    exit_code = 3


class LockHeld(CxError):
    """Another run works on the same warehouse."""

    exit_code = 4


def one_per_line(faults: Sequence[str]) -> str:
    """Faults as a message, one per line; of very many the first, and how many more there are."""
    more = len(faults) - SHOWN_FAULTS
    return "\n".join([*faults[:SHOWN_FAULTS], *([f"and {more} more faults"] if more > 0 else [])])
