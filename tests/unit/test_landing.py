"""Ingest: what is landed, what is refused, and that refusals come before anything is written."""

import dataclasses
import json
import os
import re
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.lib.contract import load_contract
from orchestration.lib.errors import BadInput, Fault
from orchestration.lib.landing import IngestResult, ingest
from orchestration.lib.raw_files import RawFile, as_text, check_text, read_rows
from orchestration.lib.servicenow import LOG_COLUMNS, LOG_TABLE
from orchestration.lib.settings import Settings
from tests.unit.raw_batch import (
    CANARY,
    LOADED_AT,
    SURVEY,
    TICKET,
    csv_text,
    header_of,
    stamped,
    valid_batch,
    write_bytes,
    write_csv,
    write_manifest,
)

EMPTY = "0000000000000000.parquet"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A raw root with one row in each required table."""
    return valid_batch(tmp_path)


def landed(settings: Settings, table: str) -> list[dict]:
    """Landed rows of a table in the order of file and row."""
    files = str(settings.landing_root / table / "*.parquet")
    with duckdb.connect() as connection:
        found = connection.execute(
            "select * from read_parquet($files) order by _file, _row", {"files": files}
        )
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def inventory(settings: Settings) -> list[dict]:
    return pq.read_table(settings.landing_root / "_files" / "files.parquet").to_pylist()


def publish(settings: Settings, result: IngestResult) -> None:
    """Stand in for publishing: a release is published when its folder is there."""
    (settings.releases_root / result.release_id).mkdir(parents=True)


def refusal(settings: Settings, **kwargs: object) -> str:
    """Message of the refusal; nothing may be landed by it, and no cell stands in it."""
    before = sorted(settings.landing_root.rglob("*"))
    with pytest.raises(BadInput) as caught:
        ingest(settings, **kwargs)
    assert sorted(settings.landing_root.rglob("*")) == before
    assert CANARY not in caught.value.message
    assert caught.value.__cause__ is None
    return caught.value.message


# ---------------------------------------------------------------------------------- what is landed


def test_every_table_is_landed_as_text_with_its_place(settings: Settings):
    result = ingest(settings)
    [row] = landed(settings, "tickets")
    assert row == {
        **TICKET,
        "_loaded_at": LOADED_AT,
        "_deleted": None,
        "_sequence": None,
        "_file": "tickets/1.csv",
        "_row": 1,
    }
    assert list(row)[: len(TICKET)] == [c.name for c in load_contract().tables["tickets"].columns]
    assert result.tables["tickets"] == 1
    assert result.tables["surveys"] == 0
    assert min(result.new_files) == "agent_assignments/1.csv"
    assert "surveys" in result.absent
    assert "tickets" not in result.absent
    assert result.warnings == []


def test_tables_without_files_are_empty_but_there(settings: Settings):
    ingest(settings)
    assert landed(settings, "surveys") == []
    for table in (*load_contract().tables, LOG_TABLE):
        assert (settings.landing_root / table / EMPTY).is_file()


def test_the_run_table_has_one_row_with_as_of_and_release(settings: Settings):
    result = ingest(settings)
    [run] = pq.read_table(settings.landing_root / "_run" / "run.parquet").to_pylist()
    assert run == {
        "as_of": datetime(2026, 3, 1, 6, 0),
        "release_id": result.release_id,
        "ticketing_source": "native",
        # Nothing was closed yet, so all is built.
        "closed_through": None,
        "restated_month": None,
        "restated_because": None,
        "history_from": None,
    }
    assert re.fullmatch(r"20260301T060000Z-[0-9a-f]{12}", result.release_id)
    assert result.as_of == datetime(2026, 3, 1, 6, 0, tzinfo=UTC)


def test_the_inventory_lists_files_relative_to_the_raw_root(settings: Settings):
    ingest(settings)
    rows = {row["file"]: row for row in inventory(settings)}
    row = rows["tickets/1.csv"]
    assert row["raw_table"] == "tickets"
    assert row["rows"] == 1
    assert row["batch_id"] is None
    assert row["first_loaded_at"] == row["last_loaded_at"] == datetime(2026, 3, 1, 6, 0)
    assert row["unreadable_loaded_at"] == 0


def test_cells_are_landed_as_they_stand_in_the_file(settings: Settings):
    odd = stamped(SURVEY, agent_id=" 007 ", score="N/A", ticket_id='=1+1, "quoted"\nsecond line')
    write_csv(settings.raw_root, "surveys", [odd, stamped(SURVEY, survey_id="V2")])
    ingest(settings)
    first, second = landed(settings, "surveys")
    assert (first["agent_id"], first["score"], first["ticket_id"]) == (
        " 007 ",
        "N/A",
        '=1+1, "quoted"\nsecond line',
    )
    assert first["scale_max"] is None
    assert (second["survey_id"], second["_row"]) == ("V2", 2)


def test_columns_are_found_by_name_and_a_byte_order_mark_is_accepted(settings: Settings):
    names = [*reversed(TICKET), "_loaded_at"]
    row = stamped(TICKET)
    text = ",".join(names) + "\r\n" + ",".join(row[name] for name in names) + "\r\n"
    write_bytes(settings.raw_root, "tickets", b"\xef\xbb\xbf" + text.encode())
    ingest(settings)
    assert landed(settings, "tickets")[0]["ticket_id"] == "T1"


def test_an_extra_column_is_ignored_with_one_warning(settings: Settings):
    for name in ("2.csv", "3.csv"):
        row = stamped(TICKET, ticket_id=name, mood=CANARY)
        write_csv(settings.raw_root, "tickets", [row], name)
    result = ingest(settings)
    assert result.warnings == [
        "tickets: column 'mood' is not in the raw contract; ignored (2 files)"
    ]
    assert "mood" not in landed(settings, "tickets")[0]


def test_strangers_below_the_raw_root_are_named_and_hidden_names_are_not(settings: Settings):
    write_bytes(settings.raw_root, "calls", b"a\n1\n")
    write_bytes(settings.raw_root, "tickets", b"notes", "readme.txt")
    write_bytes(settings.raw_root, "tickets", b"half", "_2.csv.part")
    write_bytes(settings.raw_root, "_old", b"a\n1\n")
    (settings.raw_root / "notes.txt").write_text("x", encoding="utf-8")
    assert sorted(ingest(settings).warnings) == [
        "calls/: no table of the raw contract; ignored",
        "notes.txt: not in the folder of a table; ignored",
        "tickets/readme.txt: neither a .csv nor a .parquet file; ignored",
    ]


def test_rows_over_many_blocks_keep_their_numbers(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("orchestration.lib.raw_files.CSV_BLOCK_BYTES", 1024)
    rows = [stamped(TICKET, ticket_id=f"T{n}", channel="a\nb") for n in range(1, 101)]
    write_csv(settings.raw_root, "tickets", rows)
    ingest(settings)
    found = landed(settings, "tickets")
    assert [(row["ticket_id"], row["_row"]) for row in found] == [
        (f"T{n}", n) for n in range(1, 101)
    ]


# ----------------------------------------------------------------------------------------- Parquet


def write_parquet(
    settings: Settings, columns: dict[str, pa.Array], name: str = "2.parquet"
) -> Path:
    path = settings.raw_root / "absences" / name
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def absences(**changes: pa.Array) -> dict[str, pa.Array]:
    noon = datetime(2026, 2, 1, 12, tzinfo=UTC)
    return {
        "absence_id": pa.array(["B1"]),
        "agent_id": pa.array(["A1"]).dictionary_encode(),
        "absent_on": pa.array([date(2026, 2, 1)]),
        "hours": pa.array([8.0]),
        "kind": pa.array(["planned"], pa.large_string()),
        "_loaded_at": pa.array([noon], pa.timestamp("us", tz="UTC")),
        "_deleted": pa.array([False]),
    } | changes


def test_a_typed_parquet_file_lands_as_the_text_of_a_csv_file(settings: Settings):
    write_parquet(settings, absences())
    ingest(settings)
    assert landed(settings, "absences") == [
        {
            "absence_id": "B1",
            "agent_id": "A1",
            "absent_on": "2026-02-01",
            "hours": "8",
            "kind": "planned",
            "_loaded_at": "2026-02-01T12:00:00.000000Z",
            "_deleted": "false",
            "_sequence": None,
            "_file": "absences/2.parquet",
            "_row": 1,
        }
    ]


def test_an_instant_at_midnight_in_a_date_column_is_a_date(settings: Settings):
    midnight = pa.array([datetime(2026, 2, 1)], pa.timestamp("ns"))
    write_parquet(settings, absences(absent_on=midnight))
    ingest(settings)
    assert landed(settings, "absences")[0]["absent_on"] == "2026-02-01"


def test_a_parquet_stamp_without_zone_stays_without_offset(settings: Settings):
    write_parquet(settings, absences(_loaded_at=pa.array([datetime(2026, 2, 1)])))
    ingest(settings)
    assert landed(settings, "absences")[0]["_loaded_at"] == "2026-02-01T00:00:00.000000"
    row = next(row for row in inventory(settings) if row["raw_table"] == "absences")
    assert (row["last_loaded_at"], row["unreadable_loaded_at"]) == (None, 1)


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        (pa.array([300.0, 2.5, 1e15, None, float("nan"), float("inf")]),
         ["300", "2.5", "1000000000000000", None, "nan", "inf"]),
        (pa.array([Decimal("1E-10"), Decimal("12.5")], pa.decimal128(38, 10)),
         ["0.0000000001", "12.5000000000"]),
        (pa.array([Decimal("12.50"), None]), ["12.50", None]),
        (pa.array([1, -1, None], pa.int16()), ["1", "-1", None]),
        (pa.array([True, None]), ["true", None]),
        (pa.array([None, None]), [None, None]),
        (pa.array([b"x"]), ["x"]),
        (pa.array([datetime(2026, 1, 1, 2, 3, 4, 5)], pa.timestamp("us", tz="Asia/Kolkata")),
         ["2026-01-01T02:03:04.000005Z"]),
        (pa.array([datetime(2026, 1, 1), None], pa.timestamp("s")),
         ["2026-01-01T00:00:00.000000", None]),
    ],
)  # fmt: skip
def test_typed_cells_become_the_text_people_write(cells: pa.Array, text: list[str | None]):
    assert as_text(cells).to_pylist() == text


@pytest.mark.parametrize(
    ("column", "cells", "expected"),
    [
        ("hours", pa.array([[1.0]]), "column hours is of the Parquet type list<"),
        ("kind", pa.array(["pla\0nned"]), "column kind has a NUL byte"),
        ("kind", pa.array([b"caf\xe9"]), "column kind has text that is not UTF-8"),
        (
            "kind",
            pa.array([b"caf\xe9"]).view(pa.string()),
            "column kind has text that is not UTF-8",
        ),
    ],
)
def test_a_parquet_column_without_plain_text_is_refused(
    settings: Settings, column: str, cells: pa.Array, expected: str
):
    write_parquet(settings, absences(**{column: cells}))
    message = refusal(settings)
    assert message.startswith("absences/2.parquet: ")
    assert expected in message


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.99])
def test_a_cut_parquet_file_is_refused(settings: Settings, keep: float):
    path = write_parquet(settings, absences())
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    assert refusal(settings).startswith("absences/2.parquet: the file is cut or damaged")


def test_a_parquet_file_with_a_broken_page_is_refused(settings: Settings):
    rows = 5000
    ids = pa.array([f"B{number}" for number in range(rows)])
    columns = {name: pa.concat_arrays([cells] * rows) for name, cells in absences().items()}
    path = write_parquet(settings, columns | {"absence_id": ids})
    content = bytearray(path.read_bytes())
    content[50:80] = bytes(30)
    path.write_bytes(bytes(content))
    assert refusal(settings).startswith("absences/2.parquet: ")


# -------------------------------------------------------------------------- files that are refused


@pytest.mark.parametrize("table", ["agents", "tickets"])
def test_a_missing_required_table_is_named(settings: Settings, table: str):
    (settings.raw_root / table / "1.csv").unlink()
    assert refusal(settings) == (
        f"{table}/: required, but there is no file; land at least one .csv or .parquet file there"
    )


def test_a_missing_raw_root_is_named(tmp_path: Path):
    settings = Settings(raw_root=tmp_path / "nothing", state_root=tmp_path / "state")
    assert "CX_RAW_ROOT: the folder nothing does not exist" in refusal(settings)


def test_a_missing_required_column_is_named_with_the_likely_new_name(settings: Settings):
    row = stamped(TICKET)
    row["created_on"] = row.pop("created_at")
    write_csv(settings.raw_root, "tickets", [row])
    message = refusal(settings)
    assert message.startswith("tickets/1.csv: required column created_at is missing")
    assert "is 'created_on' the renamed created_at?" in message


def test_a_column_that_may_be_empty_may_be_absent(settings: Settings):
    row = stamped(TICKET)
    del row["customer_id"]
    write_csv(settings.raw_root, "tickets", [row])
    ingest(settings)
    assert landed(settings, "tickets")[0]["customer_id"] is None


def test_another_separator_is_recognised(settings: Settings):
    text = csv_text([stamped(TICKET)]).replace(",", ";")
    write_bytes(settings.raw_root, "tickets", text.encode())
    assert "the header is separated by semicolons" in refusal(settings)


def test_a_column_that_stands_twice_is_refused(settings: Settings):
    text = csv_text([stamped(TICKET, mood="x")]).replace("mood", "channel")
    write_bytes(settings.raw_root, "tickets", text.encode())
    assert refusal(settings).startswith("tickets/1.csv: column channel stands twice in the header")


def test_faults_of_several_headers_are_told_at_once(settings: Settings):
    write_bytes(settings.raw_root, "tickets", b"a\n1\n")
    write_bytes(settings.raw_root, "teams", b"b\n1\n")
    assert [line.split(":")[0] for line in refusal(settings).splitlines()] == [
        "teams/1.csv",
        "tickets/1.csv",
    ]


def test_a_ragged_row_is_refused_by_its_number(settings: Settings):
    text = csv_text([stamped(TICKET), stamped(TICKET, channel="a\nb")]) + f"T3,{CANARY}\n"
    write_bytes(settings.raw_root, "tickets", text.encode())
    message = refusal(settings)
    assert message.startswith(
        "tickets/1.csv: data row 3 has 2 cells where the header has 11 columns"
    )


def test_a_ragged_row_in_a_later_block_is_refused_by_its_number(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("orchestration.lib.raw_files.CSV_BLOCK_BYTES", 1024)
    text = csv_text([stamped(TICKET, channel="a\nb")] * 100) + f"{CANARY},x\n"
    write_bytes(settings.raw_root, "tickets", text.encode())
    assert "data row 101 has 2 cells" in refusal(settings)


def test_a_csv_file_cut_anywhere_in_its_last_row_is_refused(settings: Settings):
    """A CSV reader takes a file that ends inside a quoted cell as if the quotation were closed, and
    one that ends inside its last cell as whole."""
    row = stamped(TICKET, channel='say "hi", then\nleave', merged_into_ticket_id=CANARY)
    whole = csv_text([stamped(TICKET), row]).encode()
    last_row = whole.index(b'T1,2026-02-01T09:00:00Z,"say')
    for end in range(last_row + 1, len(whole)):
        path = write_bytes(settings.raw_root, "tickets", whole[:end])
        file = RawFile("tickets", path, "tickets/1.csv", "csv")
        with pytest.raises(BadInput) as caught:
            check_text(file)
            for _ in read_rows(file, load_contract().tables["tickets"]).batches:
                pass
        assert caught.value.message.startswith("tickets/1.csv: ")
        assert CANARY not in caught.value.message
    check_text(file, is_vouched=True)


def test_a_quotation_that_never_ends_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("orchestration.lib.raw_files.CSV_BLOCK_BYTES", 2048)
    text = csv_text([stamped(TICKET)] * 3) + '"' + (CANARY + ",\n") * 200
    write_bytes(settings.raw_root, "tickets", text.encode())
    assert "a quotation mark may be missing" in refusal(settings)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (csv_text([stamped(TICKET), stamped(TICKET, channel="café")]).encode("latin-1"),
         "tickets/1.csv: line 3 is not UTF-8"),
        (csv_text([stamped(TICKET, channel="chat\0")]).encode(),
         "tickets/1.csv: line 2 has a NUL byte"),
        (csv_text([stamped(TICKET)]).encode("utf-16"), "tickets/1.csv: line 1 is not UTF-8"),
    ],
)  # fmt: skip
def test_text_that_is_not_utf8_is_refused(settings: Settings, content: bytes, reason: str):
    write_bytes(settings.raw_root, "tickets", content)
    assert refusal(settings).startswith(reason)


# ------------------------------------------------------------------------------------- empty files


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n"])
def test_an_empty_file_is_refused_in_a_required_table_only(settings: Settings, content: bytes):
    write_bytes(settings.raw_root, "surveys", content)
    assert ingest(settings).tables["surveys"] == 0
    write_bytes(settings.raw_root, "tickets", content, "2.csv")
    assert refusal(settings).startswith("tickets/2.csv: the file is empty, and tickets is required")


def test_a_file_with_a_header_alone_is_a_day_without_changes(settings: Settings):
    for name in ("2.csv", "3.csv"):
        write_bytes(settings.raw_root, "teams", header_of("teams").encode(), name)
    result = ingest(settings)
    assert result.tables["teams"] == 1
    assert result.warnings == []


def test_a_required_table_without_any_row_is_refused_unless_the_manifest_says_so(
    settings: Settings,
):
    write_bytes(settings.raw_root, "tickets", header_of("tickets").encode())
    assert refusal(settings).startswith("tickets/: required, but the files hold no row")
    write_bytes(settings.raw_root, "tickets", b"", "2.csv")
    write_manifest(settings.raw_root)
    assert ingest(settings).tables["tickets"] == 0


# ---------------------------------------------------------------------------------------- manifest


def test_a_batch_that_matches_its_manifest_is_landed_with_its_batch_ids(settings: Settings):
    write_manifest(settings.raw_root, batch_id=7, note="the loader's own")
    ingest(settings)
    batches = {row["file"]: row["batch_id"] for row in inventory(settings)}
    assert batches["agent_assignments/1.csv"] == "7"
    assert batches["tickets/1.csv"] == "tickets/1.csv"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sha256": "0" * 64}, "agent_assignments/1.csv: the content differs from its sha256"),
        ({"rows": 2}, "agent_assignments/1.csv: 1 data rows, but manifest.jsonl says 2"),
        ({"rows": "1"}, "manifest.jsonl line 1: the value of rows is missing or not accepted"),
        ({"rows": -1}, "manifest.jsonl line 1: the value of rows is missing or not accepted"),
        ({"sha256": CANARY}, "manifest.jsonl line 1: the value of sha256 is missing"),
        ({"path": "/etc/passwd"}, "manifest.jsonl line 1: the path leads out of the raw root"),
        (
            {"path": "teams/../../x.csv"},
            "manifest.jsonl line 1: the path leads out of the raw root",
        ),
        ({"path": "C:\\x.csv"}, "manifest.jsonl line 1: the path leads out of the raw root"),
        ({"path": "."}, "manifest.jsonl line 1: the path leads out of the raw root"),
        ({"path": "teams/2.csv"}, "teams/2.csv: listed in manifest.jsonl but missing"),
    ],
)
def test_a_manifest_that_differs_refuses_the_batch(
    settings: Settings, changes: dict[str, object], expected: str
):
    write_manifest(settings.raw_root, **changes)
    assert expected in refusal(settings)


def test_a_file_the_manifest_does_not_list_is_refused(settings: Settings):
    write_manifest(settings.raw_root)
    write_csv(settings.raw_root, "surveys", [stamped(SURVEY)])
    assert refusal(settings).startswith("surveys/1.csv: not listed in manifest.jsonl")


@pytest.mark.parametrize("line", ["{", "[]", "7", CANARY])
def test_a_line_that_is_no_object_is_refused_by_its_number(settings: Settings, line: str):
    manifest = write_manifest(settings.raw_root)
    manifest.write_text(manifest.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    assert refusal(settings).startswith("manifest.jsonl line 6: the line is not a JSON object")


def test_a_manifest_that_is_not_utf8_is_refused(settings: Settings):
    write_manifest(settings.raw_root).write_bytes(b"\xff\xfe{}")
    assert refusal(settings).startswith("manifest.jsonl: not UTF-8")


def test_a_link_in_the_manifest_is_refused(settings: Settings, tmp_path: Path):
    path = settings.raw_root / "teams" / "1.csv"
    os.replace(path, tmp_path / "outside.csv")
    path.symlink_to(tmp_path / "outside.csv")
    write_manifest(settings.raw_root)
    assert "teams/1.csv is a link" in refusal(settings)


def test_a_path_listed_with_two_contents_is_refused(settings: Settings):
    manifest = write_manifest(settings.raw_root)
    first = json.loads(manifest.read_text(encoding="utf-8").splitlines()[0])
    first["sha256"] = "0" * 64
    with manifest.open("a", encoding="utf-8") as file:
        file.write(json.dumps(first) + "\n")
    message = refusal(settings)
    assert message.startswith("manifest.jsonl line 6: agent_assignments/1.csv is listed with two")


def test_the_same_batch_id_with_other_bytes_is_refused(settings: Settings):
    write_csv(settings.raw_root, "tickets", [stamped(TICKET, ticket_id="T2")], "2.csv")
    manifest = write_manifest(settings.raw_root)
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(
        text.replace('"batch_id": "tickets/2.csv"', '"batch_id": "tickets/1.csv"'),
        encoding="utf-8",
    )
    assert refusal(settings).startswith("tickets/2.csv: its batch_id is already that of another")


# ------------------------------------------------------------------------- landing once, and again


def test_the_same_content_twice_is_landed_once(settings: Settings):
    write_csv(settings.raw_root, "tickets", [stamped(TICKET)], "2.csv")
    result = ingest(settings)
    assert result.tables["tickets"] == 1
    assert result.warnings == ["tickets/2.csv: the same content as tickets/1.csv; read once"]


def test_running_again_changes_nothing(settings: Settings):
    first = ingest(settings)
    files = {
        path: path.stat().st_mtime_ns for path in settings.landing_root.glob("[a-z]*/[1-9a-f]*")
    }
    second = ingest(settings)
    assert second.new_files == []
    assert dataclasses.replace(second, new_files=first.new_files) == first
    assert all(path.stat().st_mtime_ns == files[path] for path in files)


def test_only_new_files_are_converted(settings: Settings):
    first = ingest(settings)
    later = stamped(TICKET, "2026-03-02T06:00:00+00:00", ticket_id="T2")
    write_csv(settings.raw_root, "tickets", [later], "2.csv")
    second = ingest(settings)
    assert second.new_files == ["tickets/2.csv"]
    assert second.tables["tickets"] == 2
    assert second.as_of == datetime(2026, 3, 2, 6, tzinfo=UTC)
    assert second.release_id != first.release_id


def test_a_file_behind_a_published_release_never_changes(settings: Settings):
    publish(settings, ingest(settings))
    write_csv(settings.raw_root, "tickets", [stamped(TICKET, channel="phone")])
    message = refusal(settings)
    assert message.startswith("tickets/1.csv: the content has changed, but a file never changes")
    assert ingest(settings, full=True).tables["tickets"] == 1
    assert landed(settings, "tickets")[0]["channel"] == "phone"


def test_a_file_stays_protected_while_later_batches_are_refused(settings: Settings):
    publish(settings, ingest(settings))
    write_csv(settings.raw_root, "surveys", [stamped(SURVEY)])
    ingest(settings)
    write_csv(settings.raw_root, "surveys", [stamped(SURVEY, score="4")])
    ingest(settings)
    assert landed(settings, "surveys")[0]["score"] == "4"
    write_csv(settings.raw_root, "tickets", [stamped(TICKET, channel="phone")])
    assert refusal(settings).startswith("tickets/1.csv: the content has changed")


def test_a_batch_id_behind_a_published_release_keeps_its_content(settings: Settings):
    write_manifest(settings.raw_root)
    publish(settings, ingest(settings))
    (settings.raw_root / "tickets" / "1.csv").unlink()
    write_csv(settings.raw_root, "tickets", [stamped(TICKET, ticket_id="T9")], "2.csv")
    manifest = write_manifest(settings.raw_root)
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(
        text.replace('"batch_id": "tickets/2.csv"', '"batch_id": "tickets/1.csv"'),
        encoding="utf-8",
    )
    assert refusal(settings).startswith("tickets/2.csv: its batch_id is already that of another")


def test_files_that_are_gone_leave_the_landing_with_a_warning(settings: Settings):
    write_csv(settings.raw_root, "surveys", [stamped(SURVEY)])
    ingest(settings)
    (settings.raw_root / "surveys" / "1.csv").unlink()
    stranger = settings.landing_root / "surveys" / "ffffffffffffffff.parquet"
    stranger.write_bytes(b"left over")
    result = ingest(settings)
    assert result.warnings == [
        "surveys/1.csv: landed before and gone now (1 file in all); the rows count no longer"
    ]
    assert [path.name for path in (settings.landing_root / "surveys").iterdir()] == [EMPTY]


@pytest.mark.parametrize("damage", ["cut", "missing", "empty"])
def test_a_landed_file_that_is_not_whole_is_made_again(settings: Settings, damage: str):
    ingest(settings)
    [path] = [p for p in (settings.landing_root / "tickets").iterdir() if p.name != EMPTY]
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    assert ingest(settings).new_files == ["tickets/1.csv"]
    assert landed(settings, "tickets")[0]["ticket_id"] == "T1"


@pytest.mark.parametrize("name", ["_files/files.parquet", "_run/run.parquet"])
def test_damaged_records_are_made_again(settings: Settings, name: str):
    first = ingest(settings)
    (settings.landing_root / name).write_bytes(b"PAR1")
    assert ingest(settings).release_id == first.release_id


def test_nothing_is_left_in_the_work_folder(settings: Settings):
    ingest(settings)
    assert list(settings.work_root.iterdir()) == []
    assert settings.work_root.stat().st_mode & 0o777 == 0o700
    assert settings.landing_root.stat().st_mode & 0o777 == 0o700


def test_a_disk_that_fails_is_a_fault_not_bad_input(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("orchestration.lib.landing.os.replace", full_disk)
    with pytest.raises(Fault, match="No space left on device"):
        ingest(settings)


# ------------------------------------------------------------------------------- as_of, release_id


def three_days(settings: Settings) -> None:
    rows = [stamped(TICKET, f"2026-03-0{day}T06:00:00Z", ticket_id=f"T{day}") for day in (2, 3, 4)]
    write_csv(settings.raw_root, "tickets", rows, "2.csv")


@pytest.mark.parametrize(
    ("bound", "as_of"),
    [
        (None, datetime(2026, 3, 4, 6)),
        (datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 3, 4, 6)),
        (datetime(2026, 3, 3, 6, tzinfo=UTC), datetime(2026, 3, 3, 6)),
        (datetime(2026, 3, 3, 5, tzinfo=UTC), datetime(2026, 3, 2, 6)),
        (datetime(2026, 3, 1, 7, tzinfo=UTC), datetime(2026, 3, 1, 6)),
    ],
)
def test_as_of_is_the_last_load_at_or_before_the_bound(
    settings: Settings, bound: datetime | None, as_of: datetime
):
    three_days(settings)
    # Once from the files in the making, once from the landed ones.
    for _ in range(2):
        assert ingest(settings, bound).as_of == as_of.replace(tzinfo=UTC)


def test_a_bound_before_all_rows_is_refused(settings: Settings):
    message = refusal(settings, bound=datetime(2020, 1, 1, tzinfo=UTC))
    assert message.startswith("no raw row was loaded at or before 2020-01-01")


def test_a_bound_without_zone_is_a_mistake_of_the_caller(settings: Settings):
    with pytest.raises(ValueError, match="timezone"):
        ingest(settings, datetime(2026, 3, 1))


@pytest.mark.parametrize("stamp", ["2026-03-05 06:00:00", "2026-03-05", "soon", "", "N/A"])
def test_a_stamp_without_offset_or_sense_does_not_move_as_of(settings: Settings, stamp: str):
    write_csv(settings.raw_root, "surveys", [stamped(SURVEY, stamp)])
    assert ingest(settings).as_of == datetime(2026, 3, 1, 6, tzinfo=UTC)


def test_offsets_are_taken_into_account(settings: Settings):
    write_csv(settings.raw_root, "surveys", [stamped(SURVEY, "2026-03-01T09:30:00.5+01:00")])
    assert ingest(settings).as_of == datetime(2026, 3, 1, 8, 30, 0, 500000, tzinfo=UTC)


def test_the_release_depends_on_visible_files_only(settings: Settings):
    bound = datetime(2026, 3, 1, 12, tzinfo=UTC)
    before = ingest(settings, bound).release_id
    three_days(settings)
    assert ingest(settings, bound).release_id == before


def test_the_release_does_not_depend_on_names_of_files(settings: Settings):
    before = ingest(settings).release_id
    folder = settings.raw_root / "tickets"
    os.replace(folder / "1.csv", folder / "renamed.csv")
    assert ingest(settings).release_id == before
    assert landed(settings, "tickets")[0]["_file"] == "tickets/renamed.csv"


def test_the_release_depends_on_reference_data(settings: Settings, tmp_path: Path):
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "holidays.csv").write_text("calendar,holiday_on\n", encoding="utf-8")
    settings = settings.model_copy(update={"seed_root": seeds})
    releases = [ingest(settings).release_id]
    (seeds / "holidays.csv").write_text("calendar,holiday_on\nx,2026-01-01\n", encoding="utf-8")
    releases.append(ingest(settings).release_id)
    (seeds / "servicenow").mkdir()
    (seeds / "servicenow" / "holidays.csv").write_text("another source's", encoding="utf-8")
    assert ingest(settings).release_id == releases[-1]
    assert len(set(releases)) == 2


# ------------------------------------------------------------------------------ the ServiceNow log


def log_csv(*updated_at: str) -> bytes:
    rows = [
        dict.fromkeys(LOG_COLUMNS, "?") | {"number": f"INC{n}", "sys_updated_at": at}
        for n, at in enumerate(updated_at, start=1)
    ]
    return csv_text(rows).encode()


def servicenow(folder: Path, raw_root: Path) -> Settings:
    return Settings(raw_root=raw_root, state_root=folder / "state", ticketing_source="servicenow")


@pytest.mark.parametrize("shape", ["csv", "zip", "folder with csv", "folder with zip"])
def test_the_log_is_read_from_a_file_an_archive_or_a_folder(tmp_path: Path, shape: str):
    raw = tmp_path / "raw"
    raw.mkdir()
    log = raw / "incident_event_log.csv"
    log.write_bytes(log_csv("29/2/2016 01:23", "1/12/2016 10:05"))
    if shape.endswith("zip"):
        with zipfile.ZipFile(log.with_suffix(".zip"), "w") as archive:
            archive.write(log, "export/incident_event_log.csv")
        log.unlink()
        log = log.with_suffix(".zip")
    settings = servicenow(tmp_path, raw if shape.startswith("folder") else log)
    result = ingest(settings)
    assert result.as_of == datetime(2016, 12, 1, 10, 5, tzinfo=UTC)
    assert result.tables[LOG_TABLE] == 2
    assert result.tables["tickets"] == 0
    assert "surveys" in result.absent
    assert "tickets" not in result.absent
    first, _ = landed(settings, LOG_TABLE)
    assert list(first) == [*LOG_COLUMNS, "_file", "_row"]
    assert (first["number"], first["caller_id"], first["_file"]) == ("INC1", "?", log.name)
    bound = datetime(2016, 3, 1, tzinfo=UTC)
    assert ingest(settings, bound).as_of == datetime(2016, 2, 29, 1, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], "raw holds no incident_event_log"),
        (["incident_event_log.csv", "incident_event_log.zip"], "raw holds more than one"),
        (["incident_event_log.zip"], "incident_event_log.zip: the archive is cut or damaged"),
    ],
)
def test_a_folder_without_exactly_one_log_is_refused(
    tmp_path: Path, names: list[str], expected: str
):
    raw = tmp_path / "raw"
    raw.mkdir()
    for name in names:
        (raw / name).write_bytes(b"PK")
    assert expected in refusal(servicenow(tmp_path, raw))


@pytest.mark.parametrize("name", ["log.txt", "absent.csv"])
def test_a_raw_root_that_is_no_log_is_refused(tmp_path: Path, name: str):
    (tmp_path / "log.txt").write_bytes(b"x")
    message = refusal(servicenow(tmp_path, tmp_path / name))
    assert message.startswith("CX_RAW_ROOT: ")
    assert "give incident_event_log.csv, incident_event_log.zip" in message


def test_a_log_without_one_of_its_columns_is_refused(tmp_path: Path):
    log = tmp_path / "incident_event_log.csv"
    log.write_bytes(log_csv("29/2/2016 01:23").replace(b",priority,", b",priorities,"))
    message = refusal(servicenow(tmp_path, log))
    assert message.startswith("incident_event_log.csv: required column priority is missing")


def test_a_damaged_archive_is_refused(tmp_path: Path):
    log = tmp_path / "incident_event_log.zip"
    with zipfile.ZipFile(log, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("incident_event_log.csv", log_csv(*["29/2/2016 01:23"] * 500))
    content = bytearray(log.read_bytes())
    content[200:220] = bytes(20)
    log.write_bytes(bytes(content))
    assert refusal(servicenow(tmp_path, log)).startswith("incident_event_log.zip: ")
