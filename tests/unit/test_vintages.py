"""Closed months: kept as published, verified, and taken over by every later candidate."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.lib.dbt_runs import MartSpec
from orchestration.lib.errors import BadInput, Fault
from orchestration.lib.settings import Settings
from orchestration.lib.vintages import (
    Closing,
    clean_vintages,
    keep_vintages,
    latest,
    parse_month,
    published_rows,
    read_vintages,
    to_json,
    verify_vintages,
    versions_of,
    write_tables,
)

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
SCORES = MartSpec(
    "scores", "marts", "scores", ("agent_id", "period_month"), closes_by="period_month"
)
PLANS = MartSpec(
    "plans", "marts", "plans", ("plan_id", "metric"), closes_by="end_on", settles_by=("plan_id",),
    live_columns=("decided_outcome",),
)  # fmt: skip
AFTER_MARCH = "({month} is null or {month} > date '2026-03-01')"
STAMPS = {"release_id": "'now'"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_root=tmp_path / "state", raw_root=tmp_path / "raw")


def release(folder: Path, **marts: str) -> Path:
    """A release's folder of marts, each given as SQL."""
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        for mart, sql in marts.items():
            connection.execute(f"copy ({sql}) to '{folder / mart}.parquet' (format parquet)")
    return folder


def manifest(*closings: Closing, **closing_months: str) -> dict[str, Any]:
    return {
        "as_of": "2026-04-10T00:00:00Z",
        "release_id": "20260410T000000Z-000000000000",
        "inputs": "key",
        "closes": to_json(closings),
        "closing_months": closing_months,
    }


TWO_MONTHS = """
    select * from (values
        ('A1', date '2026-03-01', 70.0, 'r'), ('A2', date '2026-03-01', 80.0, 'r'),
        ('A1', date '2026-04-01', 75.0, 'r')
    ) as t (agent_id, period_month, score, release_id)
"""


def kept_march(settings: Settings, tmp_path: Path) -> None:
    folder = release(tmp_path / "release", scores=TWO_MONTHS)
    keep_vintages(settings, folder, manifest(Closing(MARCH, 1), scores="period_month"))


def rows(mart: MartSpec, settings: Settings, now: str, built: str = AFTER_MARCH) -> list[tuple]:
    """The mart as published where the warehouse holds `now`."""
    with duckdb.connect() as connection:
        connection.execute(f"create table now as {now}")
        columns = {name: kind for name, kind, *_ in connection.execute("describe now").fetchall()}
        kept = list(latest(read_vintages(settings)).values())
        sql = published_rows(mart, "now", columns, kept, built, STAMPS)
        return connection.execute(f"select * from ({sql}) order by all").fetchall()


# --- keeping ----------------------------------------------------------------------------------


def test_a_vintage_holds_the_rows_of_its_month_and_is_kept_once(settings: Settings, tmp_path: Path):
    folder = release(tmp_path / "release", scores=TWO_MONTHS)
    closed = manifest(Closing(MARCH, 1), scores="period_month")
    assert keep_vintages(settings, folder, closed) == ["2026-03/1"]
    assert keep_vintages(settings, folder, closed) == []
    [vintage] = read_vintages(settings)
    assert (vintage.period_month, vintage.number, vintage.label) == (MARCH, 1, "final")
    assert vintage.marts["scores"]["rows"] == 2
    assert verify_vintages([vintage]) == 1
    assert (vintage.folder / "scores.parquet").stat().st_mode & 0o777 == 0o400
    assert settings.vintages_root.stat().st_mode & 0o777 == 0o700


def test_a_restatement_stands_beside_what_was_published_before(settings: Settings, tmp_path: Path):
    kept_march(settings, tmp_path)
    again = TWO_MONTHS.replace("80.0", "82.0")
    restated = manifest(Closing(MARCH, 2, "late surveys"), scores="period_month")
    keep_vintages(settings, release(tmp_path / "again", scores=again), restated)
    first, second = read_vintages(settings)
    assert (first.label, second.label, second.reason) == ("final", "restated", "late surveys")
    assert latest([second, first]) == {MARCH: second}
    assert verify_vintages([first, second]) == 2


@pytest.mark.parametrize("fault", ["flip", "remove"])
def test_a_changed_or_missing_file_is_named(settings: Settings, tmp_path: Path, fault: str):
    kept_march(settings, tmp_path)
    [vintage] = read_vintages(settings)
    path = vintage.folder / "scores.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.unlink() if fault == "remove" else path.write_bytes(content)
    with pytest.raises(Fault, match=r"vintages/2026-03/1/scores\.parquet: (changed|missing)"):
        verify_vintages([vintage])


def test_a_manifest_that_does_not_read_is_named(settings: Settings, tmp_path: Path):
    kept_march(settings, tmp_path)
    path = settings.vintages_root / "2026-03" / "1" / "manifest.json"
    path.chmod(0o600)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(Fault, match=r"2026-03/1/manifest\.json"):
        read_vintages(settings)


def test_what_a_killed_run_left_is_removed_and_never_read(settings: Settings, tmp_path: Path):
    kept_march(settings, tmp_path)
    half = settings.vintages_root / "2026-03" / ".staging-2-1"
    half.mkdir()
    (half / "manifest.json").write_text("{", encoding="utf-8")
    assert len(read_vintages(settings)) == 1
    clean_vintages(settings)
    assert not half.exists()


# --- taking over ------------------------------------------------------------------------------


def test_closed_months_stand_as_published_and_open_ones_as_built(
    settings: Settings, tmp_path: Path
):
    kept_march(settings, tmp_path)
    now = TWO_MONTHS.replace("70.0", "11.0").replace("75.0", "76.0").replace("'r'", "'now'")
    assert rows(SCORES, settings, now) == [
        ("A1", MARCH, 70, "now"),
        ("A1", APRIL, 76, "now"),
        ("A2", MARCH, 80, "now"),
    ]


def test_a_month_that_is_restated_is_taken_from_the_build(settings: Settings, tmp_path: Path):
    kept_march(settings, tmp_path)
    now = TWO_MONTHS.replace("70.0", "11.0")
    with duckdb.connect() as connection:
        connection.execute(f"create table now as {now}")
        sql = published_rows(SCORES, "now", {"agent_id": "", "score": ""}, [], "true", STAMPS)
        assert ("A1", 11) in connection.execute(sql).fetchall()


def test_a_column_that_is_new_is_null_in_closed_months(settings: Settings, tmp_path: Path):
    kept_march(settings, tmp_path)
    now = f"select *, true as is_new from ({TWO_MONTHS})"
    found = rows(SCORES, settings, now)
    assert [(row[1], row[-1]) for row in found] == [(MARCH, None), (APRIL, True), (MARCH, None)]


def test_a_settled_plan_keeps_its_evidence_but_not_what_people_decide(
    settings: Settings, tmp_path: Path
):
    """The plan's end is moved later, which the closed evidence does not follow."""
    columns = "as t (plan_id, metric, end_on, observed, decided_outcome, release_id)"
    then = f"select * from (values ('P1', 'csat', date '2026-03-20', 0.8, null, 'r')) {columns}"
    folder = release(tmp_path / "release", plans=then)
    keep_vintages(settings, folder, manifest(Closing(MARCH, 1), plans="end_on"))
    now = f"""select * from (values
        ('P1', 'csat', date '2026-04-20', 0.5, 'met', 'now'),
        ('P1', 'fcr_rate', date '2026-04-20', 0.5, 'met', 'now'),
        ('P2', 'csat', date '2026-03-25', 0.7, null, 'now')
    ) {columns}"""
    found = [(plan, metric, float(seen), said) for plan, metric, _, seen, said, _ in
             rows(PLANS, settings, now)]  # fmt: skip
    assert found == [("P1", "csat", 0.8, "met"), ("P2", "csat", 0.7, None)]


def test_a_mart_without_months_is_published_as_built(settings: Settings, tmp_path: Path):
    kept_march(settings, tmp_path)
    counts = MartSpec("scores", "marts", "scores", ("agent_id",))
    assert len(rows(counts, settings, TWO_MONTHS)) == 3


# --- what the models read -----------------------------------------------------------------------


def test_the_models_read_tables_with_the_same_columns_with_and_without_vintages(
    settings: Settings, tmp_path: Path
):
    marts = {
        "agent_scorecard": """select 'A1' as agent_id, date '2026-03-01' as period_month,
            'T1' as tier, 70.0::double as overall_score, 'month' as "window" """,
        "performance_bands": """select 'A1' as agent_id, date '2026-03-01' as period_month,
            'strong' as band""",
        "scorecard_vintages": """select 'A1' as agent_id, date '2026-03-01' as period_month,
            'csat' as metric, unnest([1, 2])::bigint as vintage_number, 3.0 as numerator,
            4.0 as denominator, 4 as sample_size, 0.75 as value, 0.8 as target, 0.1 as weight,
            5.0 as points, null as change_reason""",
    }
    folder = release(tmp_path / "release", **marts)
    months = dict.fromkeys(marts, "period_month")
    keep_vintages(settings, folder, manifest(Closing(MARCH, 1), **months))
    keep_vintages(settings, folder, manifest(Closing(MARCH, 2, "late surveys"), **months))

    def tables(name: str, vintages: list) -> dict[str, list[tuple]]:
        target = tmp_path / name
        target.mkdir()
        write_tables(vintages, target)
        return {
            table: duckdb.sql(f"from '{target / table}.parquet'").fetchall()
            for table in ("scorecards", "figures")
        }

    assert tables("none", []) == {"scorecards": [], "figures": []}
    found = tables("two", read_vintages(settings))
    assert [row[2:8] for row in found["scorecards"]] == [
        (1, False, "T1", 70.0, "strong", "final"),
        (2, True, "T1", 70.0, "strong", "restated"),
    ]
    assert [row[2:6] for row in found["figures"]] == [
        ("csat", 1, False, 3.0),
        ("csat", 2, True, 3.0),
    ]


@pytest.mark.parametrize("text", ["2026-13", "March", "2026-03-01", ""])
def test_a_month_that_does_not_read_is_refused(text: str):
    with pytest.raises(BadInput, match="YYYY-MM"):
        parse_month(text)


def test_closed_months_tell_the_version_they_were_published_under_last(
    settings: Settings, tmp_path: Path
):
    for number, version in ((1, 3), (2, 4)):
        marts = release(
            tmp_path / str(number),
            agent_scorecard=f"select date '{MARCH}' as period_month, '{version}' as "
            "scorecard_version",
        )
        closing = Closing(MARCH, number, None if number == 1 else "reason")
        keep_vintages(settings, marts, manifest(closing, agent_scorecard="period_month"))
    assert versions_of(read_vintages(settings)) == {MARCH: "4"}
    assert versions_of([]) == {}
