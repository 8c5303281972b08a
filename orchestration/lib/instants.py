"""Instants as people and jobs give them.

Belongs here: reading the bound of a run. Does not belong here: timestamps of raw rows (staging).
"""

from __future__ import annotations

from datetime import UTC, datetime

from orchestration.lib.errors import BadInput


def parse_bound(as_of: str | None) -> datetime | None:
    """The bound of a run as an instant in UTC; None means all that has landed.

    Raises BadInput for anything but ISO 8601 with an offset: a bound without one would be read in
    the timezone of whatever machine runs the job.
    """
    if as_of is None:
        return None
    try:
        bound = datetime.fromisoformat(as_of)
    except ValueError:
        bound = None
    if bound is None or bound.tzinfo is None:
        raise BadInput(
            f"as_of {as_of!r}: give an instant with an offset, such as 2026-10-31T00:00:00Z"
        )
    return bound.astimezone(UTC)
