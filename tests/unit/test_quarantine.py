"""What a run knows of rows set aside: its batch, the release before, the refusal, and the list."""

import json
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from orchestration.lib import quarantine
from orchestration.lib.errors import BadInput, Fault
from orchestration.lib.landing import LandedFile, ingest
from orchestration.lib.quarantine import (
    is_new,
    memory_root,
    quarantined_rows,
    refuse_over_budget,
    remember,
    write_batch,
)
from orchestration.lib.settings import Settings
from tests.unit.raw_batch import CANARY, SURVEY, TICKET, stamped, valid_batch, write_csv

LATER = "2026-03-02T06:00:00Z"
STATE = {
    "state_id": "S1", "agent_id": "A1", "starts_at": "2026-02-01T09:00:00Z",
    "ends_at": "2026-02-01T10:00:00Z", "state": "aux_7",
}  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return valid_batch(tmp_path)


def published(settings: Settings, release: str, quarantined: int = 0) -> None:
    """A release folder with no more than its manifest."""
    folder = settings.releases_root / release
    folder.mkdir(parents=True)
    manifest = {
        "release_id": release,
        "ticketing_source": "native",
        "rows_by_disposition": {"tickets": {"used": 1, "quarantined:orphan": quarantined}},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def warehouse(
    settings: Settings,
    release: str,
    rows: list[tuple[str, str, int, str, str | None]] = (),
    over: list[tuple[str, int, int, int]] = (),
) -> None:
    """A warehouse as a build leaves it: the rows set aside, and the tables over their budget."""
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    settings.warehouse_path.unlink(missing_ok=True)
    files = settings.landing_root / "_files" / "files.parquet"
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("create schema staging; create schema intermediate")
        connection.execute("create table staging.stg_landing__runs (release_id varchar)")
        connection.execute("insert into staging.stg_landing__runs values (?)", [release])
        connection.execute(
            "create table staging.stg_landing__files as"
            f" select raw_table, file as raw_file, sha256 from '{files}'"
        )
        connection.execute(
            "create table staging.stg_batch__files as"
            " select raw_table, raw_file, true as is_new from staging.stg_landing__files"
        )
        connection.execute(
            "create table intermediate.int_rows__quarantined (raw_table varchar, raw_file varchar,"
            " raw_row bigint, reason varchar, fault_column varchar)"
        )
        connection.execute(
            "create table intermediate.int_release__budgets (raw_table varchar, batch_rows bigint,"
            " counted_rows bigint, allowed_rows bigint, is_within boolean)"
        )
        for row in rows:
            connection.execute(
                "insert into intermediate.int_rows__quarantined values (?, ?, ?, ?, ?)", row
            )
        for row in over:
            connection.execute(
                "insert into intermediate.int_release__budgets values (?, ?, ?, ?, false)", row
            )


def batch(settings: Settings, name: str) -> list[dict]:
    path = settings.landing_root / "_run" / f"batch_{name}.parquet"
    return pq.read_table(path).to_pylist()


ORPHAN = ("tickets", "tickets/1.csv", 1, "orphan", None)


def test_only_what_a_published_release_set_aside_is_remembered(settings: Settings):
    release = ingest(settings).release_id
    warehouse(settings, release, [ORPHAN])
    assert remember(settings) is None
    published(settings, release)
    assert remember(settings) == release
    assert remember(settings) is None
    rows = pq.read_table(memory_root(settings) / release / "rows.parquet").to_pylist()
    assert [(row["raw_file"], row["raw_row"], row["reason"]) for row in rows] == [
        ("tickets/1.csv", 1, "orphan")
    ]


def test_the_memory_is_private_and_forgets_releases_that_are_gone(settings: Settings):
    release = ingest(settings).release_id
    (memory_root(settings) / "20250101T000000Z-aaaaaaaaaaaa").mkdir(parents=True)
    warehouse(settings, release)
    published(settings, release)
    remember(settings)
    assert [path.name for path in memory_root(settings).iterdir()] == [release]
    assert memory_root(settings).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("tables", [0, 1])
def test_a_warehouse_without_these_tables_is_nothing_to_remember(settings: Settings, tables: int):
    assert remember(settings) is None
    settings.warehouse_path.parent.mkdir(parents=True)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        if tables:
            connection.execute(
                "create schema staging; create table staging.stg_landing__runs (a int)"
            )
    assert remember(settings) is None


def test_a_file_is_new_until_a_release_saw_all_of_its_rows():
    seen = datetime(2026, 3, 1)
    file = LandedFile("tickets", "tickets/1.csv", "aa", 2, last_loaded_at=seen)
    assert is_new(file, {})
    assert not is_new(file, {file.key: seen})
    assert is_new(file, {file.key: datetime(2026, 2, 1)})
    assert not is_new(LandedFile("tickets", "x", "aa", 1), {("tickets", "aa"): seen})


def test_a_batch_is_what_no_published_release_rests_on(settings: Settings):
    release = ingest(settings).release_id
    warehouse(settings, release, [ORPHAN])
    write_batch(settings)
    assert all(row["is_new"] for row in batch(settings, "files"))
    assert batch(settings, "releases") == []
    published(settings, release, quarantined=1)
    write_csv(settings.raw_root, "surveys", [stamped(SURVEY, LATER)])
    for _ in range(2):  # A batch that is refused stays new.
        ingest(settings)
        write_batch(settings)
        assert [row["raw_file"] for row in batch(settings, "files") if row["is_new"]] == [
            "surveys/1.csv"
        ]
    [before] = batch(settings, "releases")
    assert (before["release_id"], before["quarantined_count"]) == (release, 1)
    [row] = batch(settings, "quarantined_rows")
    assert (row["raw_table"], row["raw_row"], row["reason"]) == ("tickets", 1, "orphan")


def test_a_release_whose_rows_are_not_known_opens_with_none(settings: Settings):
    published(settings, "20260101T000000Z-aaaaaaaaaaaa", quarantined=7)
    ingest(settings)
    write_batch(settings)
    [before] = batch(settings, "releases")
    assert before["quarantined_count"] is None
    assert batch(settings, "quarantined_rows") == []


def test_a_batch_over_its_budget_is_refused_with_reason_column_and_place(settings: Settings):
    write_csv(settings.raw_root, "agent_states", [stamped(STATE), stamped(STATE, state=CANARY)])
    release = ingest(settings).release_id
    warehouse(
        settings,
        release,
        [
            *(("tickets", "tickets/1.csv", row, "unparseable", "created_at") for row in (3, 2)),
            ("tickets", "tickets/1.csv", 1, "orphan", None),
            *(("agent_states", "agent_states/1.csv", n, "unknown_state", None) for n in (1, 2)),
        ],
        [("tickets", 10, 6, 5), ("agent_states", 20, 8, 5)],
    )
    with pytest.raises(BadInput) as caught:
        refuse_over_budget(settings)
    lines = caught.value.message.splitlines()
    assert lines[0].startswith("agent_states: 8 of 20 new rows cannot be used, and 5 may be set ")
    assert lines[1] == (
        "  agent_states/1.csv row 1: unknown_state and 1 more row; add aux_7 to agent_state_map.csv"
    )
    assert lines[3:] == [
        "  tickets/1.csv row 2: column created_at, unparseable and 1 more row",
        "  tickets/1.csv row 1: orphan",
    ]
    assert CANARY not in caught.value.message


def test_a_batch_within_its_budget_passes(settings: Settings):
    refuse_over_budget(settings)
    warehouse(settings, ingest(settings).release_id, [ORPHAN])
    refuse_over_budget(settings)


def test_the_list_names_file_row_key_and_reason_and_no_other_cell(settings: Settings):
    rows = [stamped(TICKET, ticket_id=" T2 ", customer_id=CANARY)]
    write_csv(settings.raw_root, "tickets", rows, "2.csv")
    release = ingest(settings).release_id
    found = ("tickets", "tickets/2.csv", 1, "unparseable", "created_at")
    warehouse(settings, release, [ORPHAN, found])
    first, second = quarantined_rows(settings)
    assert (first.key, first.place, first.reason) == ("T1", "tickets/1.csv row 1", "orphan")
    assert (second.key, second.column) == ("T2", "created_at")
    assert quarantined_rows(settings, "surveys") == []
    assert CANARY not in repr([first, second])


def test_the_list_of_nothing_says_what_to_do(settings: Settings):
    with pytest.raises(Fault, match="run `cx run` first"):
        quarantined_rows(settings)
    with pytest.raises(BadInput, match="no table of the raw contract"):
        quarantined_rows(settings, "tcikets")


def test_the_budget_test_has_the_name_that_is_looked_for():
    tests = Path(quarantine.__file__).parents[2] / "dbt_project" / "tests"
    assert (tests / f"{quarantine.BUDGET_TEST}.sql").exists()
