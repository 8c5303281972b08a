"""Which release readers see: the pointer `current`, and the pin that a rollback leaves.

Belongs here: reading and moving both. Does not belong here: what a release is (releases.py), and
when people move readers back (rollback.py).

    releases/current       link to the folder of the release readers see
    releases/pinned.json   after a rollback: the release that stays current, whatever runs publish
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from orchestration.lib import audit
from orchestration.lib.errors import Fault
from orchestration.lib.files import STAGING_PREFIX, sync, write_json

if TYPE_CHECKING:
    from orchestration.lib.settings import Settings

CURRENT = "current"
PIN_FILE = "pinned.json"
MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True)
class Pin:
    """A rollback that stands: to which release, away from which, when (UTC) and by whom."""

    release_id: str
    rolled_back_from: str | None
    at: str
    by: str

    @property
    def told(self) -> str:
        """The rollback in words."""
        away = f" from {self.rolled_back_from}" if self.rolled_back_from else ""
        return f"rolled back{away} at {self.at} by {self.by}"


def is_published(settings: Settings, release_id: str) -> bool:
    """True when the release stands complete on disk: a folder gets its name only after all is
    written.
    """
    return (settings.releases_root / release_id / MANIFEST_FILE).exists()


def pointed_id(settings: Settings) -> str | None:
    """The name that `current` holds, whether or not it is a release; None where there is none."""
    link = settings.releases_root / CURRENT
    return os.readlink(link) if link.is_symlink() else None


def current_id(settings: Settings) -> str | None:
    """The release that readers see, None before the first publish."""
    name = pointed_id(settings)
    return name if name is not None and is_published(settings, name) else None


def read_pin(settings: Settings) -> Pin | None:
    """The rollback that stands, None where none does; Fault where its file is damaged."""
    path = settings.releases_root / PIN_FILE
    try:
        return Pin(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise Fault(
            f"releases/{PIN_FILE} is not readable ({type(error).__name__}): "
            "roll back again, or lift the pin with `cx rollback --undo`"
        ) from error


def write_pin(settings: Settings, pin: Pin) -> None:
    """Keep readers at a release from now on."""
    write_json(settings.releases_root / PIN_FILE, asdict(pin))
    sync(settings.releases_root)


def remove_pin(settings: Settings) -> None:
    """Let `current` move again."""
    (settings.releases_root / PIN_FILE).unlink(missing_ok=True)
    sync(settings.releases_root)


def make_current(settings: Settings, release_id: str) -> bool:
    """Point `current` at a published release, unless it names one with a later as_of or a rollback
    has pinned another; True when it does now.
    """
    now = current_id(settings)
    pin = read_pin(settings)
    if pin is not None and is_published(settings, pin.release_id):
        if now != pin.release_id:
            # A rollback that died between its pin and the pointer is brought to its end.
            point(settings, pin.release_id)
        return pin.release_id == release_id
    if now == release_id:
        return True
    # The fixed-width start of an id is its as_of: it sorts like time.
    if now is not None and release_id.split("-")[0] < now.split("-")[0]:
        return False
    audit.append(settings, "current", release_id, before=now)
    point(settings, release_id)
    return True


def point(settings: Settings, release_id: str) -> None:
    """Replace `current` in one step, so that a reader finds the one release or the other."""
    root = settings.releases_root
    draft = root / f"{STAGING_PREFIX}{CURRENT}-{os.getpid()}"
    draft.unlink(missing_ok=True)
    draft.symlink_to(release_id, target_is_directory=True)
    os.replace(draft, root / CURRENT)
    sync(root)
