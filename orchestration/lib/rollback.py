"""Rolling back: people point readers at a kept release, and runs leave them there.

Belongs here: the rollback and its undoing. Does not belong here: the pointer and the pin
themselves (current.py).

Nothing is rebuilt and nothing heavy imported: a rollback is wanted when something is wrong.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestration.lib import audit
from orchestration.lib.current import (
    MANIFEST_FILE,
    Pin,
    current_id,
    make_current,
    point,
    pointed_id,
    read_pin,
    remove_pin,
    write_pin,
)
from orchestration.lib.errors import BadInput, Fault
from orchestration.lib.releases import Release, list_releases, verify_release

if TYPE_CHECKING:
    from orchestration.lib.settings import Settings


def roll_back(settings: Settings, release_id: str, by: str) -> Pin:
    """Point `current` at a kept release and pin it there. Call it under `run_lock`.

    `by` says who did it, for `cx status`. Its files are hashed first. Raises BadInput for a release
    that is not kept, Fault for one that is damaged; readers then see what they saw before.
    """
    kept = {release.release_id: release for release in list_releases(settings)}
    if release_id not in kept:
        raise BadInput(f"release {release_id[:60]}: not kept; `cx releases` lists those that are")
    damaged = verify_release(kept[release_id].folder)
    if damaged:
        raise Fault(
            f"release {release_id} is damaged ({', '.join(damaged[:3])}), so readers stay where "
            "they are: choose another of `cx releases`"
        )
    before, standing = pointed_id(settings), _standing_pin(settings)
    if standing is not None and standing.release_id == release_id == before:
        return standing
    pin = Pin(release_id, before if before != release_id else None, _now(), by)
    # The log first, then the pin, then the pointer: whoever dies in between, the next run ends it.
    audit.append(settings, "rollback", release_id, before=before, user=os.getuid())
    write_pin(settings, pin)
    if before != release_id:
        point(settings, release_id)
    return pin


def undo(settings: Settings) -> Release:
    """Lift the pin and point `current` at the release that knows most, of several the one
    published last. Call it under `run_lock`.

    Raises BadInput where nothing is published, Fault where that release is damaged.
    """
    kept = list_releases(settings)
    if not kept:
        raise BadInput("nothing is published yet: run `cx run`")
    newest = max(kept, key=_knows_most)
    damaged = verify_release(newest.folder)
    if damaged:
        raise Fault(
            f"the newest release {newest.release_id} is damaged ({', '.join(damaged[:3])}), so "
            "readers stay where they are: publish it again with `cx run --full`"
        )
    before = current_id(settings)
    audit.append(
        settings, "rollback", newest.release_id, before=before, user=os.getuid(), undone=True
    )
    remove_pin(settings)
    if not make_current(settings, newest.release_id):
        raise Fault(f"current stays {current_id(settings)}: run `cx verify`")
    return Release(newest.release_id, newest.folder, is_current=True)


def _standing_pin(settings: Settings) -> Pin | None:
    try:
        return read_pin(settings)
    except Fault:
        # A damaged pin is replaced by the one that is asked for.
        return None


def _knows_most(release: Release) -> tuple[str, int]:
    # Releases of one as_of differ in configuration; the later one was published with the later.
    published = (release.folder / MANIFEST_FILE).stat().st_mtime_ns
    return release.release_id.split("-")[0], published


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
