"""How long releases are kept: never less than promised, and never the one readers see."""

from __future__ import annotations

import os
import threading
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.lib import audit, current, releases, retention
from orchestration.lib.releases import Run
from orchestration.lib.settings import Settings
from tests.unit.release_world import judge, judged_candidate, settings_of

FIRST = datetime(2026, 1, 28, 6)


def run_of(day: int, tail: str = "aaaaaaaaaaaa") -> Run:
    """The run of the nth day from 28 January."""
    as_of = FIRST + timedelta(days=day)
    return Run(f"{as_of:%Y%m%dT%H%M%SZ}-{tail}", as_of, "native")


def put_release(settings: Settings, run: Run) -> str:
    """A release folder with nothing in it but a manifest; hundreds take no time."""
    folder = settings.releases_root / run.release_id
    (folder / "managers").mkdir(parents=True)
    (folder / "manifest.json").write_text("{}", encoding="utf-8")
    return run.release_id


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(**settings_of(tmp_path).model_dump() | {"keep_releases": 3})


def names(settings: Settings) -> list[str]:
    return [release.release_id for release in releases.list_releases(settings)]


def test_newest_and_the_last_of_each_month_are_kept(settings: Settings) -> None:
    ids = [put_release(settings, run_of(day)) for day in range(40)]
    current.point(settings, ids[-1])
    gone = retention.prune(settings, ids[-1])
    # 31 January, 28 February, and the newest three (8 March is the last of March so far).
    assert names(settings) == [ids[3], ids[31], *ids[-3:]]
    assert gone == [one for one in ids if one not in names(settings)]
    assert retention.prune(settings, ids[-1]) == []


def test_pinned_current_and_just_published_are_kept(settings: Settings) -> None:
    ids = [put_release(settings, run_of(day)) for day in range(40)]
    current.point(settings, ids[10])
    current.write_pin(settings, current.Pin(ids[12], None, "2026-03-12T00:00:00Z", "x"))
    gone = retention.prune(settings, published=ids[14])
    assert not {ids[10], ids[12], ids[14]} & set(gone)
    assert {ids[10], ids[12], ids[14]} <= set(names(settings))
    assert ids[11] not in names(settings)


def test_damaged_pin_stops_pruning_instead_of_guessing(settings: Settings) -> None:
    ids = [put_release(settings, run_of(day)) for day in range(10)]
    (settings.releases_root / "pinned.json").write_text("{", encoding="utf-8")
    with pytest.raises(Exception, match=r"pinned\.json"):
        retention.prune(settings, ids[-1])
    assert len(names(settings)) == 10


def test_work_files_go_with_their_release(settings: Settings) -> None:
    ids = [put_release(settings, run_of(day)) for day in range(5, 15)]
    current.point(settings, ids[-1])
    for folder, suffix in (("runs", ".json"), ("dbt_results", ".json"), ("logs", ".timings.json")):
        (settings.work_root / folder).mkdir(parents=True)
        for one in ids:
            (settings.work_root / folder / f"{one}{suffix}").write_text("{}", encoding="utf-8")
    (settings.work_root / "runs" / "other.json").write_text("{}", encoding="utf-8")
    for day in range(9):
        (settings.work_root / "logs" / f"run-2026010{day}T000000Z-1.log").touch()
    retention.prune(settings, ids[-1])
    for folder in ("runs", "dbt_results", "logs"):
        kept = {path.name.split(".")[0] for path in (settings.work_root / folder).glob("2026*")}
        assert kept == set(names(settings))
    assert (settings.work_root / "runs" / "other.json").exists()
    assert [path.name[:12] for path in sorted((settings.work_root / "logs").glob("run-*"))] == [
        "run-20260106",
        "run-20260107",
        "run-20260108",
    ]


def test_half_removed_release_is_under_no_name_of_a_release(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [put_release(settings, run_of(day)) for day in range(5, 10)]
    current.point(settings, ids[-1])

    def die(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(retention, "remove_tree", die)
    with pytest.raises(KeyboardInterrupt):
        retention.prune(settings, ids[-1])
    assert ids[0] not in [path.name for path in settings.releases_root.iterdir()]
    releases.clean_leftovers(settings)
    assert not list(settings.releases_root.glob(".staging-*"))


def test_reader_of_a_removed_release_reads_on(settings: Settings) -> None:
    """A reader that resolved `current` long ago holds its file open."""
    for day in range(5, 9):
        releases.publish(settings, judged_candidate(settings, run_of(day)))
    oldest = settings.releases_root / names(settings)[0] / "managers" / "agent_scorecard.parquet"
    with oldest.open("rb") as held:
        assert len(retention.prune(settings, names(settings)[-1])) == 1
        assert not oldest.exists()
        assert held.read(4) == b"PAR1"


def test_readers_never_meet_half_a_release_while_others_go(settings: Settings) -> None:
    faults: list[str] = []
    stop = threading.Event()

    def read() -> None:
        with duckdb.connect() as connection:
            while not stop.is_set():
                folder = (settings.releases_root / "current").resolve()
                path = folder / "managers" / "agent_scorecard.parquet"
                try:
                    found = connection.execute(
                        f"select count(*), min(release_id) from '{path}'"
                    ).fetchone()
                except duckdb.Error as error:
                    faults.append(str(error))
                    continue
                if found != (20, folder.name):
                    faults.append(f"{found} in {folder.name}")

    releases.publish(settings, judged_candidate(settings, run_of(5)))
    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for day in range(6, 13):
            published = releases.publish(settings, judged_candidate(settings, run_of(day)))
            retention.prune(settings, published.release_id)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert faults == []
    assert len(names(settings)) == 3


def test_what_goes_stands_in_the_audit_log(settings: Settings) -> None:
    ids = [put_release(settings, run_of(day)) for day in range(5, 10)]
    current.point(settings, ids[-1])
    gone = retention.prune(settings, ids[-1])
    assert gone
    assert [entry.release_id for entry in audit.verify(settings).entries] == gone


def test_refused_candidate_keeps_its_evidence(settings: Settings) -> None:
    candidate = judged_candidate(settings, run_of(5))
    judge(candidate, passed=False)
    retention.prune(settings, candidate.release_id)
    assert releases.refused_candidates(settings)


def test_files_of_dead_processes_are_removed_and_those_of_live_ones_stay(
    settings: Settings,
) -> None:
    settings.releases_root.mkdir(parents=True)
    notes = settings.work_root / "runs"
    notes.mkdir(parents=True)
    dead = [settings.releases_root / ".pinned.json.999999999", notes / ".x.json.999999999"]
    alive = notes / f".y.json.{os.getpid()}"
    for path in (*dead, alive):
        path.touch()
    releases.clean_leftovers(settings)
    assert not any(path.exists() for path in dead)
    assert alive.exists()
