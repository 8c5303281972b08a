"""Proof that what readers see is what was published, and that the audit log is whole.

Belongs here: what `cx verify` looks at. Does not belong here: mending anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestration.lib import audit
from orchestration.lib.current import CURRENT, MANIFEST_FILE, pointed_id, read_pin
from orchestration.lib.errors import Fault
from orchestration.lib.files import hash_file
from orchestration.lib.releases import Release, list_releases, read_manifest, verify_release
from orchestration.lib.vintages import read_vintages, verify_vintages

if TYPE_CHECKING:
    from orchestration.lib.settings import Settings


@dataclass
class Findings:
    """What was looked at, and what is wrong: one line for each wrong file. `notes` are harmless."""

    releases: int = 0
    files: int = 0
    bytes: int = 0
    vintage_files: int = 0
    entries: int = 0
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify(settings: Settings, every_release: bool = False) -> Findings:
    """Hold the current release (or every one kept) against its manifest, the manifest against the
    audit log, the log against itself, and the vintages of closed months against theirs.
    """
    found = Findings()
    report = audit.verify(settings)
    found.entries = len(report.entries)
    found.faults += [f"audit/{fault}" for fault in report.faults]
    found.notes += [f"audit/{note}" for note in report.notes]
    manifests = {
        entry.release_id: entry.facts.get("manifest")
        for entry in report.entries
        if entry.event == "publish"
    }
    _verify_vintages(settings, found)
    kept = list_releases(settings)
    _verify_pointer(settings, found, kept)
    for release in kept:
        if every_release or release.is_current:
            _verify_release(release, manifests.get(release.release_id), found)
    return found


def _verify_vintages(settings: Settings, found: Findings) -> None:
    try:
        found.vintage_files = verify_vintages(read_vintages(settings))
    except Fault as fault:
        lines = fault.message.splitlines()
        # Of several the last line is the remedy.
        found.faults += lines[:-1] or lines


def _verify_pointer(settings: Settings, found: Findings, kept: list[Release]) -> None:
    named = pointed_id(settings)
    names = {release.release_id for release in kept}
    if named is None:
        if (settings.releases_root / CURRENT).exists():
            found.faults.append(f"releases/{CURRENT}: not the link that publishing makes")
        elif kept:
            found.faults.append(f"releases/{CURRENT}: missing, though releases are kept")
    elif named not in names:
        found.faults.append(f"releases/{CURRENT}: names {named}, which is no complete release")
    try:
        pin = read_pin(settings)
    except Fault as fault:
        found.faults.append(fault.message)
        return
    if pin is not None and pin.release_id not in names:
        found.faults.append(f"releases/pinned.json: names {pin.release_id}, which is not kept")
    elif pin is not None and named != pin.release_id:
        found.notes.append(
            f"the rollback to {pin.release_id} is not finished; the next run ends it"
        )


def _verify_release(release: Release, promised: str | None, found: Findings) -> None:
    where = f"releases/{release.release_id}"
    found.releases += 1
    wrong = verify_release(release.folder)
    found.faults += [f"{where}/{name}: not as it was published" for name in wrong]
    if MANIFEST_FILE in wrong:
        return
    manifest = read_manifest(release.folder)
    found.files += len(manifest["files"]) + 1
    found.bytes += sum(file.get("bytes", 0) for file in manifest["files"].values())
    if manifest.get("release_id") != release.release_id:
        found.faults.append(f"{where}/{MANIFEST_FILE}: is that of another release")
    elif promised is None:
        found.notes.append(f"{where}: published before there was an audit log, or without it")
    elif hash_file(release.folder / MANIFEST_FILE) != promised:
        found.faults.append(f"{where}/{MANIFEST_FILE}: not as the audit log says it was published")
