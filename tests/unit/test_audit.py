"""The audit log: whatever is changed, dropped, moved or cut off is found, and a kill is not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.lib import audit
from orchestration.lib.settings import Settings

RELEASE = "20260310T060000Z-aaaaaaaaaaaa"
APPEND_FOR_EVER = """
from orchestration.lib import audit
from orchestration.lib.settings import load_settings
settings = load_settings()
print("ready", flush=True)
while True:
    audit.append(settings, "run", state="started", told="x" * 4000)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_root=tmp_path / "state")


@pytest.fixture
def log(settings: Settings) -> Path:
    """The log with four entries."""
    audit.append(settings, "run", state="started", job="daily_refresh")
    audit.append(settings, "gate", RELEASE, passed=True, checks=728)
    audit.append(settings, "publish", RELEASE, candidate_hash="ab" * 32)
    audit.append(settings, "run", RELEASE, state="ended")
    return settings.audit_root / "log.jsonl"


def lines_of(log: Path) -> list[bytes]:
    return log.read_bytes().splitlines(keepends=True)


def told(settings: Settings) -> str:
    """What a look at the log says is wrong, in one text."""
    return "\n".join(audit.verify(settings).faults)


def test_entries_read_back_in_order(settings: Settings, log: Path) -> None:
    report = audit.verify(settings)
    assert report.is_sound
    assert report.notes == ()
    assert [entry.event for entry in report.entries] == ["run", "gate", "publish", "run"]
    assert [entry.sequence for entry in report.entries] == [1, 2, 3, 4]
    assert report.entries[1].facts == {"passed": True, "checks": 728}
    assert report.entries[1].release_id == RELEASE


def test_nothing_logged_yet_is_sound(settings: Settings) -> None:
    assert audit.verify(settings) == audit.Report((), (), ())


def test_log_is_for_its_owner_only(settings: Settings, log: Path) -> None:
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.parent.stat().st_mode & 0o777 == 0o700


# --- tampering --------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_edited_line_is_found(settings: Settings, log: Path, number: int) -> None:
    lines = lines_of(log)
    lines[number - 1] = lines[number - 1].replace(b'": ', b'":  ', 1)
    log.write_bytes(b"".join(lines))
    assert f"line {number}: not an entry" in told(settings)


def test_every_flipped_bit_is_found(settings: Settings, log: Path) -> None:
    sound = log.read_bytes()
    for position in range(0, len(sound), 7):
        content = bytearray(sound)
        content[position] ^= 1 << position % 8
        log.write_bytes(content)
        assert told(settings), f"the bit at byte {position} was not missed"


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_line_edited_with_a_hash_that_fits_is_found(
    settings: Settings, log: Path, number: int
) -> None:
    lines = lines_of(log)
    content = json.loads(lines[number - 1]) | {"event": "export"}
    forged = audit.Entry(**content)
    content["hash"] = audit._hash(forged)
    lines[number - 1] = json.dumps(content).encode() + b"\n"
    log.write_bytes(b"".join(lines))
    assert told(settings)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_dropped_line_is_found(settings: Settings, log: Path, number: int) -> None:
    lines = lines_of(log)
    del lines[number - 1]
    log.write_bytes(b"".join(lines))
    assert told(settings)


def test_lines_that_changed_places_are_found(settings: Settings, log: Path) -> None:
    one, two, three, four = lines_of(log)
    log.write_bytes(one + three + two + four)
    assert "line 2: entry 3 does not follow" in told(settings)


@pytest.mark.parametrize("kept", [0, 1, 2, 3])
def test_log_cut_short_is_found(settings: Settings, log: Path, kept: int) -> None:
    log.write_bytes(b"".join(lines_of(log)[:kept]))
    assert "knows 4 as the last" in told(settings)


@pytest.mark.parametrize("name", ["log.jsonl", "head.json"])
def test_missing_file_is_found(settings: Settings, log: Path, name: str) -> None:
    log.with_name(name).unlink()
    assert told(settings)


def test_last_line_torn_by_hand_is_no_kill(settings: Settings, log: Path) -> None:
    """The head knows that the line was whole once."""
    log.write_bytes(log.read_bytes()[:-20])
    assert "knows 4 as the last" in told(settings)


@pytest.mark.parametrize("damage", [lambda log: log[:-1], lambda log: log[:-100], lambda _: b""])
def test_later_entries_do_not_heal_what_was_cut_off(
    settings: Settings, log: Path, damage: Callable[[bytes], bytes]
) -> None:
    log.write_bytes(damage(log.read_bytes()))
    for _ in range(3):
        audit.append(settings, "run", state="started")
    assert "the log had been changed before this entry" in told(settings)


# --- processes that die -----------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 50, 200])
def test_line_torn_by_a_kill_is_told_and_mended(settings: Settings, log: Path, length: int) -> None:
    before = log.read_bytes()
    log.write_bytes(before + lines_of(log)[-1][:length])
    report = audit.verify(settings)
    assert report.is_sound
    assert "line 5: half written" in report.notes[0]
    audit.append(settings, "run", state="started")
    assert log.read_bytes().startswith(before)
    report = audit.verify(settings)
    assert report.is_sound
    assert report.notes == ()
    assert [entry.event for entry in report.entries][4:] == ["mend", "run"]
    assert report.entries[4].facts == {"bytes_cut": length}


def test_kill_between_line_and_head_is_no_tampering(settings: Settings, log: Path) -> None:
    head = log.with_name("head.json").read_bytes()
    audit.append(settings, "run", state="started")
    log.with_name("head.json").write_bytes(head)
    assert audit.verify(settings).is_sound
    audit.append(settings, "run", state="ended")
    assert audit.verify(settings).is_sound
    assert len(audit.verify(settings).entries) == 6


def test_two_kills_in_a_row_are_no_tampering(
    settings: Settings, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each died after its line: without catching up, the head fell two entries behind."""
    head = log.with_name("head.json").read_bytes()
    audit.append(settings, "run", state="started")
    log.with_name("head.json").write_bytes(head)
    write_head = audit._write_head

    def die_at_the_sixth(root: Path, entry: audit.Entry) -> None:
        if entry.sequence == 6:
            raise KeyboardInterrupt
        write_head(root, entry)

    monkeypatch.setattr(audit, "_write_head", die_at_the_sixth)
    with pytest.raises(KeyboardInterrupt):
        audit.append(settings, "run", state="started")
    report = audit.verify(settings)
    assert report.is_sound
    assert len(report.entries) == 6


def test_torn_line_longer_than_what_is_read_at_once(settings: Settings, log: Path) -> None:
    audit.append(settings, "run", told="y" * 200_000)
    before = log.read_bytes()
    log.write_bytes(before + b'{"sequence": 6, ' + b"x" * 150_000)
    audit.append(settings, "run", state="started")
    report = audit.verify(settings)
    assert report.is_sound
    assert len(report.entries) == 7


def test_killed_writers_leave_a_sound_log(settings: Settings) -> None:
    environment = {**os.environ, "CX_STATE_ROOT": str(settings.state_root)}
    for attempt in range(6):
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", APPEND_FOR_EVER],
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        for writer in writers:
            assert writer.stdout is not None
            writer.stdout.readline()
        time.sleep(0.02 * attempt)
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            writer.wait()
        kept = len(audit.verify(settings).entries)
        audit.append(settings, "run", state="started")
        report = audit.verify(settings)
        assert report.is_sound, report.faults
        assert len(report.entries) > kept
