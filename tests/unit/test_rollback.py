"""Rolling back: readers go where people say and stay there, and damaged releases are refused."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.lib import audit, current, releases, rollback
from orchestration.lib.errors import BadInput, Fault
from orchestration.lib.settings import Settings
from tests.unit.release_world import NEWER, OLDER, RUN, judged_candidate, settings_of

LATEST = replace(
    NEWER, release_id="20260312T060000Z-dddddddddddd", as_of=NEWER.as_of.replace(day=12)
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Two releases, of which readers see the newer."""
    made = settings_of(tmp_path)
    for run in (OLDER, NEWER):
        releases.publish(made, judged_candidate(made, run))
    return made


def seen(settings: Settings) -> str:
    """The release that a reader finds behind `current`."""
    return os.readlink(settings.releases_root / "current")


def damage(settings: Settings, release_id: str) -> None:
    path = settings.releases_root / release_id / "managers" / "agent_scorecard.parquet"
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def test_readers_are_moved_back(settings: Settings) -> None:
    pin = rollback.roll_back(settings, OLDER.release_id, by="somebody")
    assert seen(settings) == OLDER.release_id
    assert pin.rolled_back_from == NEWER.release_id
    assert current.read_pin(settings) == pin


def test_later_runs_publish_without_moving_readers(settings: Settings) -> None:
    rollback.roll_back(settings, OLDER.release_id, by="somebody")
    later = releases.publish(settings, judged_candidate(settings, LATEST))
    assert later.is_new
    assert not later.is_current
    assert f"current stays {OLDER.release_id}, pinned by a rollback" in later.note
    assert seen(settings) == OLDER.release_id


def test_run_without_news_does_not_move_readers_either(settings: Settings) -> None:
    rollback.roll_back(settings, OLDER.release_id, by="somebody")
    assert not releases.make_current(settings, NEWER.release_id)
    assert seen(settings) == OLDER.release_id


def test_publishing_the_pinned_release_again_keeps_it(settings: Settings) -> None:
    rollback.roll_back(settings, OLDER.release_id, by="somebody")
    again = releases.publish(settings, judged_candidate(settings, OLDER))
    assert again.is_current
    assert current.read_pin(settings) is not None


def test_undoing_moves_to_what_was_published_meanwhile(settings: Settings) -> None:
    rollback.roll_back(settings, OLDER.release_id, by="somebody")
    releases.publish(settings, judged_candidate(settings, LATEST))
    assert rollback.undo(settings).release_id == LATEST.release_id
    assert seen(settings) == LATEST.release_id
    assert current.read_pin(settings) is None


def test_undoing_chooses_the_later_published_of_one_instant(settings: Settings) -> None:
    """Two configurations of one as_of: the ids sort by chance."""
    for letter in "fe":
        run = replace(LATEST, release_id=f"20260312T060000Z-{letter * 12}")
        releases.publish(settings, judged_candidate(settings, run))
        time.sleep(0.01)
    rollback.roll_back(settings, OLDER.release_id, by="somebody")
    assert rollback.undo(settings).release_id.endswith("-eeeeeeeeeeee")


def test_rolling_back_to_the_current_release_pins_it(settings: Settings) -> None:
    assert rollback.roll_back(settings, NEWER.release_id, by="x").rolled_back_from is None
    assert not releases.publish(settings, judged_candidate(settings, LATEST)).is_current


def test_rollback_asked_for_twice_is_the_first_one(settings: Settings) -> None:
    first = rollback.roll_back(settings, OLDER.release_id, by="somebody")
    assert rollback.roll_back(settings, OLDER.release_id, by="somebody else") == first


def test_second_rollback_takes_the_place_of_the_first(settings: Settings) -> None:
    releases.publish(settings, judged_candidate(settings, LATEST))
    rollback.roll_back(settings, OLDER.release_id, by="x")
    rollback.roll_back(settings, NEWER.release_id, by="x")
    assert seen(settings) == NEWER.release_id
    assert not releases.make_current(settings, LATEST.release_id)


def test_damaged_release_is_refused_and_readers_stay(settings: Settings) -> None:
    damage(settings, OLDER.release_id)
    with pytest.raises(Fault, match=r"damaged \(managers/agent_scorecard.parquet\)"):
        rollback.roll_back(settings, OLDER.release_id, by="x")
    assert seen(settings) == NEWER.release_id
    assert current.read_pin(settings) is None


@pytest.mark.parametrize("name", ["20200101T000000Z-000000000000", "current", "..", ""])
def test_what_is_no_kept_release_is_refused(settings: Settings, name: str) -> None:
    with pytest.raises(BadInput, match="cx releases"):
        rollback.roll_back(settings, name, by="x")
    assert seen(settings) == NEWER.release_id


def test_undoing_to_a_damaged_release_keeps_the_pin(settings: Settings) -> None:
    rollback.roll_back(settings, OLDER.release_id, by="x")
    damage(settings, NEWER.release_id)
    with pytest.raises(Fault, match="the newest release"):
        rollback.undo(settings)
    assert seen(settings) == OLDER.release_id
    assert current.read_pin(settings) is not None


def test_undoing_without_a_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nothing is published"):
        rollback.undo(settings_of(tmp_path / "empty"))


def test_rollback_that_died_after_its_pin_is_ended_by_the_next_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(rollback, "point", die)
        with pytest.raises(KeyboardInterrupt):
            rollback.roll_back(settings, OLDER.release_id, by="x")
    assert seen(settings) == NEWER.release_id
    assert not releases.make_current(settings, NEWER.release_id)
    assert seen(settings) == OLDER.release_id


def test_pin_of_a_release_that_is_gone_holds_nobody(settings: Settings) -> None:
    pin = current.Pin("20200101T000000Z-000000000000", None, "2026-03-12T00:00:00Z", "x")
    current.write_pin(settings, pin)
    assert releases.publish(settings, judged_candidate(settings, LATEST)).is_current


def test_damaged_pin_names_the_way_out(settings: Settings) -> None:
    (settings.releases_root / "pinned.json").write_text("{", encoding="utf-8")
    with pytest.raises(Fault, match="cx rollback --undo"):
        releases.make_current(settings, NEWER.release_id)
    rollback.roll_back(settings, OLDER.release_id, by="x")
    (settings.releases_root / "pinned.json").write_text("{", encoding="utf-8")
    rollback.undo(settings)
    assert releases.make_current(settings, NEWER.release_id)


def test_rollbacks_stand_in_the_audit_log_without_a_name(settings: Settings) -> None:
    rollback.roll_back(settings, OLDER.release_id, by="Some Body")
    rollback.undo(settings)
    back, forth = [entry for entry in audit.verify(settings).entries if entry.event == "rollback"]
    assert (back.release_id, back.facts["before"]) == (OLDER.release_id, NEWER.release_id)
    assert (forth.release_id, forth.facts["undone"]) == (NEWER.release_id, True)
    assert "Some Body" not in (settings.audit_root / "log.jsonl").read_text("utf-8")


def test_switches_and_publishes_stand_in_the_audit_log(settings: Settings) -> None:
    releases.publish(settings, judged_candidate(settings, RUN))
    told = [(entry.event, entry.release_id) for entry in audit.verify(settings).entries]
    assert told == [
        ("publish", OLDER.release_id),
        ("current", OLDER.release_id),
        ("publish", NEWER.release_id),
        ("current", NEWER.release_id),
        ("publish", RUN.release_id),
    ]
