"""How long releases and work files are kept.

Belongs here: what goes, and in which order, so that nobody ever meets half a release. Does not
belong here: what readers see now (current.py), and Dagster's own records.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.lib import audit
from orchestration.lib.current import pointed_id, read_pin
from orchestration.lib.files import STAGING_PREFIX, remove_tree, sync
from orchestration.lib.releases import Release, list_releases

if TYPE_CHECKING:
    from orchestration.lib.settings import Settings

LOG_PATTERN = "run-*.log"


def prune(settings: Settings, published: str) -> list[str]:
    """Remove the releases that are kept no longer, and the work files of those; returns their ids.

    Kept are the newest CX_KEEP_RELEASES, the last of every calendar month of as_of, the current
    one, the pinned one, and the one just `published`. Call it under `run_lock`.
    """
    releases = list_releases(settings)
    kept = kept_ids(releases, settings.keep_releases) | {published} | _in_use(settings)
    gone = [release for release in releases if release.release_id not in kept]
    for release in gone:
        _remove_release(settings, release)
    _remove_work_files(settings, kept)
    prune_logs(settings)
    return [release.release_id for release in gone]


def kept_ids(releases: Iterable[Release], newest: int) -> set[str]:
    """Ids of the `newest` releases and of the last one of every calendar month of as_of."""
    ordered = sorted(release.release_id for release in releases)
    # An id starts with its as_of (YYYYMMDD...): of a month the last one wins.
    of_months = {release_id[:6]: release_id for release_id in ordered}
    return set(ordered[-newest:]) | set(of_months.values())


def prune_logs(settings: Settings) -> None:
    """Keep the logs of as many runs as releases."""
    logs = sorted((settings.work_root / "logs").glob(LOG_PATTERN))
    for old in logs[: -settings.keep_releases]:
        old.unlink(missing_ok=True)


def _in_use(settings: Settings) -> set[str]:
    pin = read_pin(settings)
    return {name for name in (pointed_id(settings), pin and pin.release_id) if name}


def _remove_release(settings: Settings, release: Release) -> None:
    # Looked up again for each: what `current` names never goes, whatever was decided before.
    if release.release_id in _in_use(settings):
        return
    audit.append(settings, "prune", release.release_id)
    going = release.folder.with_name(f"{STAGING_PREFIX}pruned-{release.release_id}-{os.getpid()}")
    os.replace(release.folder, going)
    sync(release.folder.parent)
    remove_tree(going)


def _remove_work_files(settings: Settings, kept: set[str]) -> None:
    """Notes, timings and dbt results are named by their release: `<release_id>.<what>`."""
    for folder in ("runs", "logs", "dbt_results"):
        for path in _of_releases(settings.work_root / folder):
            if path.name.split(".")[0] not in kept:
                path.unlink(missing_ok=True)


def _of_releases(folder: Path) -> Iterable[Path]:
    return [path for path in folder.glob("[0-9]*T*Z-*.json") if path.is_file()]
