"""Every case of bad input that concerns files, people or reference data, and all kinds mixed.

Belongs here: the table of cases - what is planted and the words it is refused or accepted with -
and what holds for all: nothing is built or published of a refused batch, no cell is repeated, and
the batch goes through once it is mended. Cases of single rows stand in test_bad_input_rows.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from orchestration.lib.configuration import check_configuration
from orchestration.lib.errors import BadInput
from orchestration.lib.input_checks import check_inputs
from orchestration.lib.landing import ingest
from orchestration.lib.settings import Settings
from tests.conftest import PROJECT_ROOT, Workspace
from tests.faults.counted import count
from tests.integration.raw_reference import count_dispositions
from tests.unit.raw_batch import (
    AGENT,
    ASSIGNMENT,
    CANARY,
    EVENT,
    SURVEY,
    TEAM,
    TICKET,
    csv_text,
    header_of,
    stamped,
    valid_batch,
    write_bytes,
    write_csv,
    write_manifest,
)

LATER = "2026-03-02T06:00:00Z"
CRITERION = {
    "evaluation_id": "Q1", "criterion": "c", "sub_dimension": "tone", "score": "0.8",
    "max_score": "10", "weight": "1", "is_applicable": "true", "is_critical_error": "false",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A row of bad-input.md. `refused` are words of the error, `warned` of a warning; a case with
    neither goes through without a word."""

    number: int
    what: str
    plant: Callable[[Settings], object]
    refused: tuple[str, ...] = ()
    warned: str | None = None

    def __str__(self) -> str:
        return f"{self.number} {self.what}"


def tickets(settings: Settings, *rows: dict, name: str = "2.csv") -> Path:
    return write_csv(settings.raw_root, "tickets", list(rows), name)


def land(table: str, row: dict, name: str = "2.csv") -> Callable[[Settings], Path]:
    """Plants a file with one row."""
    return lambda settings: write_csv(settings.raw_root, table, [row], name)


def content(table: str, text: str | bytes, name: str = "2.csv") -> Callable[[Settings], Path]:
    """Plants a file with this content."""
    raw = text if isinstance(text, bytes) else text.encode()
    return lambda settings: write_bytes(settings.raw_root, table, raw, name)


def listed(**changes: object) -> Callable[[Settings], Path]:
    """A manifest that is right but for these values of its first file."""
    return lambda settings: write_manifest(settings.raw_root, **changes)


def seed(file: str, old: str, new: str) -> Callable[[Settings], None]:
    """Changes a seed."""

    def change(settings: Settings) -> None:
        path = settings.seed_root / f"{file}.csv"
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    return change


def flip_a_bit(settings: Settings) -> None:
    rows = {name: [cell] for name, cell in stamped(SURVEY).items()}
    path = settings.raw_root / "surveys" / "1.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table(rows), path)
    manifest = write_manifest(settings.raw_root)
    _list_file(manifest, path)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(bytes(raw))


def _list_file(manifest: Path, path: Path) -> None:
    import hashlib
    import json

    entry = {
        "path": f"surveys/{path.name}",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "rows": 1,
    }
    with manifest.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def same_batch_twice(settings: Settings) -> None:
    tickets(settings, stamped(TICKET, ticket_id="T2"))
    manifest = write_manifest(settings.raw_root)
    text = manifest.read_text("utf-8")
    manifest.write_text(text.replace('d": "tickets/2.csv"', 'd": "tickets/1.csv"'), "utf-8")


def no_file_of(table: str) -> Callable[[Settings], None]:
    return lambda settings: (settings.raw_root / table / "1.csv").unlink()


def shares(table: str, row: dict, key: str) -> Callable[[Settings], Path]:
    """Twenty-five marks between 0 and 1."""
    rows = [
        stamped(row, **{key: f"{row[key]}{number}", "score": f"{0.5 + number / 50:.2f}"})
        for number in range(25)
    ]
    return lambda settings: write_csv(settings.raw_root, table, rows, "2.csv")


TWO_LINES = csv_text([stamped(TICKET), stamped(TICKET, ticket_id="T2", customer_id=CANARY)])
WIDE = {**stamped(TICKET, ticket_id="T2"), "colour": CANARY}

CASES = [
    # --- files
    Case(1, "another hash than in the manifest", listed(sha256="0" * 64),
         ("agent_assignments/1.csv", "sha256", "land the file again")),
    Case(1, "another number of rows", listed(rows=2),
         ("agent_assignments/1.csv", "1 data rows", "says 2")),
    Case(1, "a flipped bit", flip_a_bit, ("surveys/1.parquet", "sha256")),
    Case(1, "cut in the last cell", content("tickets", TWO_LINES[:-3]),
         ("tickets/2.csv", "line 3", "cut")),
    Case(1, "cut in the middle of a row", content("tickets", TWO_LINES[:-40] + "\n"),
         ("tickets/2.csv", "data row 2", "columns")),
    Case(1, "cut inside a quotation", content("tickets", TWO_LINES.rsplit(",", 1)[0] + ',"2026\n'),
         ("tickets/2.csv", "quoted cell")),
    Case(1, "Parquet cut short", content("surveys", b"PAR1 and not much more", "1.parquet"),
         ("surveys/1.parquet", "cut or damaged", "land it again")),
    Case(1, "a file that is not listed",
         lambda s: (write_manifest(s.raw_root), land("surveys", stamped(SURVEY), "1.csv")(s)),
         ("surveys/1.csv", "not listed in manifest.jsonl")),
    Case(1, "a listed file that is missing", listed(path="agent_assignments/9.csv"),
         ("agent_assignments/9.csv", "missing")),
    Case(2, "a required column is missing",
         content("tickets", csv_text([{k: v for k, v in stamped(TICKET).items()
                                       if k != "severity"}])),
         ("tickets/2.csv", "severity", "missing")),
    Case(2, "a column renamed", content("tickets", TWO_LINES.replace("created_at", "created")),
         ("tickets/2.csv", "created_at", "'created'")),
    Case(2, "a column twice", content("tickets", TWO_LINES.replace("channel", "severity")),
         ("tickets/2.csv", "severity", "twice")),
    Case(3, "a column too many", land("tickets", WIDE),
         warned="tickets: column 'colour' is not in the raw contract; ignored (1 file)"),
    Case(5, "scores of evaluations from 0 to 1",
         shares("qa_criterion_scores", CRITERION, "evaluation_id"),
         ("qa_criterion_scores/2.csv", "column score", "from 0 to 1", "25 rows", "land")),
    Case(5, "ratings from 0 to 1 on a scale of ten",
         shares("surveys", {**SURVEY, "scale_min": "0", "scale_max": "10"}, "survey_id"),
         ("surveys/2.csv", "column score", "from 0 to 1")),
    Case(6, "not UTF-8", content("tickets", TWO_LINES.replace("email", "é").encode("latin-1")),
         ("tickets/2.csv", "line 2", "not UTF-8", "save the file in UTF-8")),
    Case(6, "a NUL byte", content("tickets", TWO_LINES.replace("email", "em\0il")),
         ("tickets/2.csv", "line 2", "NUL byte")),
    Case(6, "a byte-order mark", content("tickets", b"\xef\xbb\xbf" + TWO_LINES.encode())),
    Case(7, "an empty file of a required table", content("tickets", ""),
         ("tickets/2.csv", "empty", "required")),
    Case(7, "a required table without a file", no_file_of("tickets"),
         ("tickets/", "required", "no file")),
    Case(7, "a required table without a row", content("tickets", header_of("tickets"), "1.csv"),
         ("tickets/", "required", "no row")),
    Case(7, "an empty file that the manifest knows",
         lambda s: (content("tickets", "")(s), write_manifest(s.raw_root))),
    Case(7, "an empty file of an optional table", content("surveys", "")),
    Case(8, "the same file twice", content("tickets", csv_text([stamped(TICKET)])),
         warned="tickets/2.csv: the same content as tickets/1.csv; read once"),
    Case(8, "one batch id with two contents", same_batch_twice,
         ("tickets/2.csv", "batch_id", "own batch_id")),
    # --- people
    Case(4, "no date in a strict table",
         land("agents", stamped(AGENT, LATER, hired_on="03/04/2026")),
         ("agents/2.csv row 1", "hired_on", "2026-01-31", "land a corrected row")),
    Case(9, "two contents of one team", land("teams", stamped(TEAM, team_name=CANARY)),
         ("teams/2.csv row 1", "teams/1.csv row 1", "later _loaded_at")),
    Case(24, "an agent who is assigned but not in the roster",
         land("agent_assignments", stamped(ASSIGNMENT, agent_id="A2")),
         warned="the agent is not in agents (1 such rows)"),
    Case(62, "a severity without target",
         land("tickets", stamped(TICKET, ticket_id="T2", severity="blocker")),
         ("sla_targets.csv", "'blocker'")),
    Case(80, "overlapping assignments",
         land("agent_assignments", stamped(ASSIGNMENT, LATER, valid_from="2025-06-01")),
         ("agent_assignments/2.csv row 1", "overlaps", "agent_assignments/1.csv row 1")),
    Case(80, "an assignment of an unknown team",
         land("agent_assignments", stamped(ASSIGNMENT, LATER, team_id="nowhere")),
         ("agent_assignments/2.csv row 1", "team_id", "land the team")),
    Case(82, "left before hired", land("agents", stamped(AGENT, LATER, left_on="2024-12-31")),
         ("agents/2.csv row 1", "left_on is before hired_on")),
    # --- reference data
    Case(90, "weights that do not sum to 1", seed("scorecard_metrics", "ty,0.20", "ty,0.21"),
         ("scorecard_metrics.csv", "sum to 1.01")),
    Case(90, "an unknown metric", seed("scorecard_metrics", "1,csat,", "1,charm,"),
         ("scorecard_metrics.csv line 8", "'charm'")),
    Case(90, "a metric without owner", seed("scorecard_metrics", "quality_lead", ""),
         ("scorecard_metrics.csv line 2", "owner is empty")),
    Case(90, "a target equal to its floor", seed("scorecard_metrics", "85,60", "85,85"),
         ("scorecard_metrics.csv line 2", "target equals floor")),
    Case(90, "two versions of one month",
         lambda s: append(s, "scorecard_versions", "again,2025-10-01,2025-09-15,role"),
         ("scorecard_versions.csv line", "2025-10-01", "only one version")),
    Case(90, "a band without its parameter", seed("band_rules", "1,min_coverage,0.7\n", ""),
         ("band_rules.csv", "min_coverage")),
    Case(90, "an override that ends before it begins",
         lambda s: append(s, "gate_overrides", "x,2026-02-02,2026-02-01,Outage.,role"),
         ("gate_overrides.csv line 2", "to is before from")),
]  # fmt: skip


def append(settings: Settings, file: str, line: str) -> None:
    path = settings.seed_root / f"{file}.csv"
    path.write_text(path.read_text("utf-8") + line + "\n", "utf-8")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A sound batch that was taken in and published."""
    made = valid_batch(tmp_path)
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for path in (PROJECT_ROOT / "seeds").glob("*.csv"):
        shutil.copy(path, seeds / path.name)
    return made.model_copy(update={"seed_root": seeds})


def take_in(settings: Settings) -> list[str]:
    """What a run does before it builds anything; returns its warnings."""
    check_configuration(settings)
    result = ingest(settings)
    return [
        *result.warnings,
        *check_configuration(settings, result.as_of),
        *check_inputs(settings, result.as_of),
    ]


def copy_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("one", CASES, ids=str)
def test_a_bad_batch_is_refused_or_accepted_as_stated(one: Case, settings: Settings) -> None:
    take_in(settings)
    raw, seeds = copy_of(settings.raw_root), copy_of(settings.seed_root)
    one.plant(settings)

    if one.refused:
        with pytest.raises(BadInput) as caught:
            take_in(settings)
        message = caught.value.message
        for words in one.refused:
            assert words in message
        # Cause and remedy stand in one line.
        assert all("; " in line for line in message.splitlines())
        assert CANARY not in message
        assert not settings.releases_root.exists()
        restore(settings.raw_root, raw)
        restore(settings.seed_root, seeds)
        take_in(settings)
    else:
        warnings = take_in(settings)
        assert [w for w in warnings if one.warned is not None and one.warned in w] or not warnings
        assert not any(CANARY in warning for warning in warnings)
    count("bad_inputs", 1)


def restore(folder: Path, files: dict[str, bytes]) -> None:
    """The folder as it was."""
    for path in list(folder.rglob("*")):
        if path.is_file() and str(path.relative_to(folder)) not in files:
            path.unlink()
    for name, raw in files.items():
        (folder / name).write_bytes(raw)


def test_every_cut_of_the_last_row_of_a_file_is_refused(settings: Settings) -> None:
    whole = csv_text([stamped(TICKET), stamped(TICKET, ticket_id="T2", channel='a "b",\nc')])
    take_in(settings)
    cuts = range(whole.index("T2,") + 1, len(whole))
    for end in cuts:
        write_bytes(settings.raw_root, "tickets", whole[:end].encode(), "2.csv")
        with pytest.raises(BadInput) as caught:
            take_in(settings)
        assert "tickets/2.csv" in caught.value.message
    count("row_cuts", len(cuts))


def test_all_bad_files_together_are_told_at_once(settings: Settings) -> None:
    """Headers and text are judged before anything is read, so one run names all of them."""
    for number, case in enumerate(one for one in CASES if one.number in (2, 6) and one.refused):
        path = case.plant(settings)
        assert isinstance(path, Path)
        path.rename(path.with_name(f"bad{number}.csv"))
    with pytest.raises(BadInput) as caught:
        take_in(settings)
    assert len(caught.value.message.splitlines()) == number + 1
    assert CANARY not in caught.value.message


def test_a_refused_batch_may_be_mended_replaced_or_dropped(settings: Settings) -> None:
    """None of these needs --full: a file counts as landed for good once it is published."""
    take_in(settings)
    bad = stamped(AGENT, LATER, agent_id="A9", hired_on="soon")
    for mend in ("in place", "dropped", "replaced"):
        path = write_csv(settings.raw_root, "agents", [bad], "2.csv")
        with pytest.raises(BadInput):
            take_in(settings)
        if mend == "in place":
            write_csv(settings.raw_root, "agents", [{**bad, "hired_on": "2026-01-01"}], "2.csv")
        else:
            path.unlink()
        if mend == "replaced":
            write_csv(settings.raw_root, "agents", [{**bad, "hired_on": "2026-01-01"}], "3.csv")
        take_in(settings)


# --- all kinds mixed, through the whole job


def spoil(folder: Path, column: str, share: float, cell: str) -> int:
    """Put `cell` into this share of the rows of every typed file; returns how many."""
    spoilt = 0
    for path in sorted(folder.glob("20*")):
        table = pq.read_table(path) if path.suffix == ".parquet" else pa_csv.read_csv(path)
        text = [None if value is None else str(value) for value in table[column].to_pylist()]
        chosen = range(0, len(text), round(1 / share))
        for row in chosen:
            text[row] = cell
        place = table.schema.get_field_index(column)
        table = table.set_column(place, column, pa.array(text, pa.string()))
        if path.suffix == ".parquet":
            pq.write_table(table, path)
        else:
            pa_csv.write_csv(table, path)
        spoilt += len(chosen)
    return spoilt


# Table, column, share, what is put there. Over the budget of 1 %, so the batch must be refused.
OVER = (
    ("interactions", "talk_seconds", 0.05, "1,234"),
    ("surveys", "survey_id", 0.03, "N/A"),
    ("agent_states", "state", 0.02, "aux_7"),
    ("qa_criterion_scores", "score", 0.05, "85%"),
)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("mixed")
    workspace = Workspace(root / "raw", root / "state", threads=1)
    workspace.make_sample("--agents", "16", "--months", "2", "--tickets", "2500")
    (workspace.raw_root / "manifest.jsonl").unlink()
    return workspace


@pytest.mark.slow_fault
@pytest.mark.timeout(1800)
def test_a_batch_with_all_kinds_of_bad_rows_is_judged_whole(company: Workspace) -> None:
    """First at 2 to 5 %, which is refused by name; then mended to single rows, which are set aside
    as an independent reading does, while every equation holds."""
    sound = copy_of(company.raw_root)
    planted = sum(spoil(company.raw_root / table, *how) for table, *how in OVER)
    refused = company.cx("run")
    assert refused.returncode == 2, refused.stdout + refused.stderr
    for table, column, *_ in OVER:
        assert f"{table}: " in refused.stderr
        assert f"column {column}, " in refused.stderr or table == "agent_states"
    assert "aux_7" in refused.stderr and "1,234" not in refused.stderr
    assert not (company.state_root / "releases" / "current").exists()
    count("bad_inputs", planted)

    restore(company.raw_root, sound)
    company.run()

    expected = count_dispositions(company.raw_root, PROJECT_ROOT / "seeds")
    published = pd.read_parquet(company.managers / "lost_and_found.parquet")
    key = ["raw_table", "reason"]
    assert (
        expected.groupby(key)["rows"].sum().to_dict()
        == published.groupby(key)["rows"].sum().to_dict()
    )
    quality = pd.read_parquet(company.managers / "release_quality.parquet")
    equations = quality[
        quality["check"].str.contains("conserved|sum_to|banded|null_only|between_0")
    ]
    assert len(equations) > 30 and equations["passed"].all()
    count(
        "bad_inputs", int(expected[expected["reason"].str.startswith("quarantined")]["rows"].sum())
    )


@pytest.mark.slow_fault
@pytest.mark.timeout(1800)
def test_rows_set_aside_heal_when_what_they_hang_on_arrives(company: Workspace) -> None:
    """Orphans of one batch are used after the next; the quarantine's equation names both."""
    if not company.managers.exists():
        company.run()
    before = closing(company)
    ticket = "T-late"
    rows = [
        {**EVENT, "event_id": f"late-{number}", "ticket_id": ticket, "occurred_at":
         f"2026-11-10T0{number}:00:00Z", "event_type": kind, "agent_id": ""}
        for number, kind in enumerate(("customer_replied", "customer_replied"), start=1)
    ]  # fmt: skip
    stamp = "2026-11-10T04:00:00Z"
    write_csv(company.raw_root, "ticket_events", [stamped(row, stamp) for row in rows], "late.csv")
    company.run()
    orphaned = closing(company)
    assert orphaned == before + 2
    parent = stamped(
        TICKET, "2026-11-10T05:00:00Z", ticket_id=ticket, created_at="2026-11-10T00:30:00Z"
    )
    write_csv(company.raw_root, "tickets", [parent], "late.csv")
    company.run()
    assert closing(company) == before
    quality = pd.read_parquet(company.managers / "release_quality.parquet").set_index("check")
    assert quality.loc["quarantine_conserved", "observed"] == (
        f"{orphaned} in the release before + 0 new - 2 healed - 0 of files taken away = {before}"
    )
    count("bad_inputs", 2)


def closing(company: Workspace) -> int:
    """Rows set aside in the current release."""
    path = company.managers / "lost_and_found.parquet"
    sql = f"select sum(rows) from '{path}' where reason like 'quarantined:%'"
    return int(duckdb.sql(sql).fetchall()[0][0])
