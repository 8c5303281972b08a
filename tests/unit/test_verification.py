"""`cx verify`: every wrong file is named, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestration.lib import current, releases, verification
from orchestration.lib.errors import Fault
from orchestration.lib.settings import Settings
from orchestration.lib.verification import verify
from tests.unit.release_world import NEWER, OLDER, judged_candidate, settings_of

MARTS = ["agent_scorecard.parquet", "lost_and_found.parquet", "marts.duckdb"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = settings_of(tmp_path)
    for run in (OLDER, NEWER):
        releases.publish(made, judged_candidate(made, run))
    return made


def open_up(folder: Path) -> Path:
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)
    return folder


def folder_of(settings: Settings, release_id: str) -> Path:
    return open_up(settings.releases_root / release_id)


def test_sound_state_is_told_with_its_counts(settings: Settings) -> None:
    found = verify(settings)
    assert (found.faults, found.notes) == ([], [])
    assert (found.releases, found.files, found.entries) == (1, len(MARTS) + 1, 4)
    assert found.bytes > 1000
    assert verify(settings, every_release=True).files == 2 * (len(MARTS) + 1)


@pytest.mark.parametrize("name", MARTS)
@pytest.mark.parametrize("how", ["flipped", "missing", "longer"])
def test_each_changed_file_is_named(settings: Settings, name: str, how: str) -> None:
    path = folder_of(settings, NEWER.release_id) / "managers" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(content if how == "flipped" else path.read_bytes() + b"x")
    (fault,) = verify(settings).faults
    assert f"{NEWER.release_id}/managers/{name}" in fault


def test_file_that_was_added_is_named(settings: Settings) -> None:
    folder = folder_of(settings, NEWER.release_id)
    (folder / "managers" / "extra.parquet").write_bytes(b"x")
    (folder / "note.txt").write_text("x", encoding="utf-8")
    told = " ".join(verify(settings).faults)
    assert "managers/extra.parquet" in told
    assert "note.txt" in told


@pytest.mark.parametrize("change", ["a word", "not json", "no files"])
def test_changed_manifest_is_named(settings: Settings, change: str) -> None:
    """Its hashes could have been made to fit changed marts."""
    path = folder_of(settings, NEWER.release_id) / "manifest.json"
    content = json.loads(path.read_bytes())
    if change == "a word":
        path.write_text(json.dumps(content | {"warnings": []}), encoding="utf-8")
    else:
        path.write_text("{" if change == "not json" else '{"files": [1]}', encoding="utf-8")
    (fault,) = verify(settings).faults
    assert f"{NEWER.release_id}/manifest.json" in fault


def test_other_releases_are_looked_at_when_asked(settings: Settings) -> None:
    (folder_of(settings, OLDER.release_id) / "managers" / MARTS[0]).unlink()
    assert verify(settings).faults == []
    assert OLDER.release_id in verify(settings, every_release=True).faults[0]


def test_pointer_to_nothing_is_named(settings: Settings) -> None:
    link = settings.releases_root / "current"
    link.unlink()
    assert verify(settings).faults == ["releases/current: missing, though releases are kept"]
    link.symlink_to("20200101T000000Z-000000000000")
    assert "no complete release" in verify(settings).faults[0]
    link.unlink()
    link.mkdir()
    assert "not the link" in verify(settings).faults[0]


def test_pin_to_nothing_is_named(settings: Settings) -> None:
    current.write_pin(settings, current.Pin("gone", None, "2026-03-12T00:00:00Z", "x"))
    assert verify(settings).faults == ["releases/pinned.json: names gone, which is not kept"]


def test_changed_audit_log_is_named(settings: Settings) -> None:
    log = settings.audit_root / "log.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    assert "audit/log.jsonl" in verify(settings).faults[0]


def test_changed_vintage_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(*_: object) -> int:
        raise Fault("vintages/2026-01/1/a.parquet: missing\nput it back")

    monkeypatch.setattr(verification, "verify_vintages", changed)
    assert verify(settings).faults == ["vintages/2026-01/1/a.parquet: missing"]


def test_release_of_before_the_log_is_a_note(settings: Settings) -> None:
    for path in settings.audit_root.iterdir():
        path.unlink()
    found = verify(settings)
    assert found.faults == []
    assert "before there was an audit log" in found.notes[0]


def test_nothing_published_is_nothing_wrong(tmp_path: Path) -> None:
    assert verify(settings_of(tmp_path / "empty")).faults == []
