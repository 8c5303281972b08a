"""The optional manifest of a raw root: what the loader says it delivered.

Belongs here: reading manifest.jsonl and holding the files against it. Does not belong here: the
files' own contents (raw_files.py). Where a manifest exists, it is complete: any difference refuses
the whole batch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestration.lib.errors import BadInput, one_per_line
from orchestration.lib.raw_files import RawFile

MANIFEST_NAME = "manifest.jsonl"


class Entry(BaseModel):
    """One line of the manifest; further keys are the loader's own and ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    path: Annotated[str, Field(min_length=1)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]
    rows: Annotated[int, Field(ge=0, strict=True)]
    batch_id: str | int | None = None

    @property
    def batch(self) -> str | None:
        """Batch id as text; null and empty are none."""
        return None if self.batch_id in (None, "") else str(self.batch_id)


def read_manifest(raw_root: Path) -> dict[str, Entry] | None:
    """Entries by path below the raw root, or None where there is no manifest.

    Raises BadInput naming the line for text that is no such entry, a path that leaves the raw root,
    or one path with two contents.
    """
    manifest = raw_root / MANIFEST_NAME
    if not manifest.is_file():
        return None
    try:
        lines = manifest.read_bytes().decode("utf-8-sig").split("\n")
    except UnicodeDecodeError:
        raise BadInput(f"{MANIFEST_NAME}: not UTF-8; have the loader write it again") from None
    entries: dict[str, Entry] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        entry = _entry(line, number)
        name = _inside(entry.path, raw_root, number)
        before = entries.setdefault(name, entry)
        if (before.sha256.lower(), before.rows) != (entry.sha256.lower(), entry.rows):
            raise BadInput(
                f"{MANIFEST_NAME} line {number}: {name} is listed with two contents; "
                "a file never changes once landed"
            )
    return entries


def _entry(line: str, number: int) -> Entry:
    try:
        found: Any = json.loads(line)
    except ValueError:
        found = None
    if isinstance(found, dict):
        try:
            return Entry.model_validate(found)
        except ValidationError as error:
            keys = ", ".join(sorted({str(fault["loc"][0]) for fault in error.errors()}))
            reason = f"the value of {keys} is missing or not accepted"
    else:
        reason = "the line is not a JSON object"
    raise BadInput(f"{MANIFEST_NAME} line {number}: {reason}; have the loader write it again")


def _inside(path: str, raw_root: Path, number: int) -> str:
    """The path in its plain form, refused where it could lead out of the raw root."""
    plain = PurePosixPath(path)
    is_plain = plain.parts and not plain.is_absolute() and ".." not in plain.parts
    if not is_plain or any(sign in path for sign in ("\\", "\0", ":")):
        raise BadInput(
            f"{MANIFEST_NAME} line {number}: the path leads out of the raw root; "
            "list paths relative to it, without '..'"
        )
    steps = [raw_root.joinpath(*plain.parts[: depth + 1]) for depth in range(len(plain.parts))]
    if any(step.is_symlink() for step in steps):
        raise BadInput(
            f"{MANIFEST_NAME} line {number}: {plain} is a link or lies behind one; "
            "land the file itself"
        )
    return str(plain)


def check_files(
    entries: Mapping[str, Entry],
    raw_root: Path,
    files: Sequence[RawFile],
    hashes: Mapping[str, str],
) -> None:
    """Refuse files that differ from the manifest, are missing, or are not listed.

    `hashes` gives the SHA-256 of every file by name. Raises BadInput listing every difference.
    """
    present = {file.name for file in files}
    faults = [
        f"{name}: not listed in {MANIFEST_NAME}; have the loader list it or take it away"
        for name in sorted(present - set(entries))
    ]
    for name, entry in sorted(entries.items()):
        if name in present:
            if hashes[name] != entry.sha256.lower():
                faults.append(
                    f"{name}: the content differs from its sha256 in {MANIFEST_NAME}; "
                    "land the file again"
                )
        elif not (raw_root / name).is_file():
            faults.append(
                f"{name}: listed in {MANIFEST_NAME} but missing; "
                "land the file or correct the manifest"
            )
    faults += _batch_faults(entries, files)
    if faults:
        raise BadInput(one_per_line(faults))


def _batch_faults(entries: Mapping[str, Entry], files: Sequence[RawFile]) -> list[str]:
    """One batch delivers one content to a table; the same id with other bytes is a second,
    different delivery."""
    contents: dict[tuple[str, str], str] = {}
    faults = []
    for file in files:
        entry = entries.get(file.name)
        if entry is None or entry.batch is None:
            continue
        content = entry.sha256.lower()
        if contents.setdefault((file.table, entry.batch), content) != content:
            faults.append(
                f"{file.name}: its batch_id is already that of another content of {file.table}; "
                "give every delivery its own batch_id"
            )
    return faults


def check_rows(entries: Mapping[str, Entry], rows: Mapping[str, int]) -> None:
    """Refuse files whose number of data rows is not the one in the manifest. Raises BadInput
    listing them."""
    faults = [
        f"{name}: {rows[name]} data rows, but {MANIFEST_NAME} says {entry.rows}; "
        "land the file again"
        for name, entry in sorted(entries.items())
        if name in rows and rows[name] != entry.rows
    ]
    if faults:
        raise BadInput(one_per_line(faults))
