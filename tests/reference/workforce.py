"""Rules of schedules and agent states that need more than one row.

Belongs here: where an open state ends, which of two overlapping spells stays, which version of a
schedule segment governs. Does not belong here: who the time is credited to (people.py, facts.py).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

Row = dict[str, Any]

OPEN_STATE_CAP = timedelta(hours=12)


def with_ends(states: list[Row]) -> list[Row]:
    """Open states end at the agent's next later state start, after 12 hours at the latest."""
    starts: dict[str, list[datetime]] = defaultdict(list)
    for state in states:
        insort(starts[state["agent_id"]], state["starts_at"])
    ended = []
    for state in states:
        end = state["ends_at"]
        if end is None:
            end = state["starts_at"] + OPEN_STATE_CAP
            of_agent = starts[state["agent_id"]]
            following = bisect_right(of_agent, state["starts_at"])
            if following < len(of_agent):
                end = min(end, of_agent[following])
        ended.append({**state, "ends_at": end})
    return ended


def without_overlaps(
    spells: list[Row], id_column: str, first_load: dict[str, datetime]
) -> list[Row]:
    """Spells that stay when they are taken in order of first load, then id, and one that overlaps
    a spell of the same agent already taken is set aside."""
    taken: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    kept = []
    for spell in sorted(spells, key=lambda row: (first_load[row[id_column]], row[id_column])):
        of_agent = taken[spell["agent_id"]]
        interval = (spell["starts_at"], spell["ends_at"])
        if interval[0] == interval[1]:
            kept.append(spell)
            continue
        place = bisect_left(of_agent, interval)
        neighbours = of_agent[max(place - 1, 0) : place + 1]
        if not any(start < interval[1] and interval[0] < end for start, end in neighbours):
            of_agent.insert(place, interval)
            kept.append(spell)
    return kept


def governing_version(versions: list[Row]) -> Row | None:
    """Of the versions of one segment (oldest load first) the one that governs, if any.

    It is the latest published no later than the segment's start. A later edit counts only if it
    turns the segment into leave, or deletes it; then nothing entered after it takes that back.
    """
    in_time = [
        place
        for place, version in enumerate(versions)
        if not version["_deleted"] and version["published_at"] <= version["starts_at"]
    ]
    if not in_time:
        return None
    latest = max(in_time, key=lambda place: (versions[place]["published_at"], place))
    for edit in versions[latest + 1 :]:
        if edit["_deleted"]:
            return None
        if edit["activity"] == "leave" and versions[latest]["activity"] != "leave":
            return edit
    return versions[latest]
