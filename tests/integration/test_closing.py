"""Months that close, data that come late, and a month that is restated: `cx` on one state folder.

Belongs here: what only a row of runs can show. Does not belong here: how vintages are written and
taken over (tests/unit/test_vintages.py), and random sequences of batches
(test_incremental_rows.py).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.conftest import SECOND_BOUND, Workspace
from tests.integration.readers import READER
from tests.published import MARTS

CLOSED = "2026-09-01"
LATE_SURVEYS = 40


@pytest.fixture(scope="module")
def full_run(
    small_sample: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> tuple[int, str, str]:
    """Everything rebuilt while a reader opens the release over and over.

    Returns the reader's exit code and what it said on stdout and stderr.
    """
    stop = tmp_path_factory.mktemp("reader") / "stop"
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(small_sample.state_root / "releases"), str(stop)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        small_sample.run("--full", "--as-of", SECOND_BOUND)
    finally:
        stop.touch()
    reads, errors = reader.communicate(timeout=60)
    return reader.returncode, reads, errors


def late_surveys(raw_root: Path) -> None:
    """Bad ratings of a closed month that arrive after it was published."""
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            copy (
                select 'LATE' || row_number() over (order by ticket_id) as survey_id, ticket_id,
                    agent_id, sent_at, responded_at, '1' as score, '1' as scale_min,
                    '5' as scale_max, '2026-11-01T06:00:00Z' as _loaded_at
                from (
                    select distinct on (ticket_id) *
                    from read_csv('{raw_root}/surveys/*.csv', all_varchar = true,
                        union_by_name = true)
                    where responded_at between '2026-09-02' and '2026-09-28' and agent_id like 'A%'
                    order by ticket_id, survey_id
                )
                order by ticket_id limit {LATE_SURVEYS}
            ) to '{raw_root}/surveys/late.csv' (header)
            """
        )


@pytest.fixture(scope="module")
def restated(small_sample: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy of the sample with late surveys, and its September restated."""
    root = tmp_path_factory.mktemp("restated")
    workspace = Workspace(root / "raw", root / "state", threads=1)
    shutil.copytree(small_sample.raw_root, workspace.raw_root)
    shutil.copytree(small_sample.state_root, workspace.state_root, symlinks=True)
    # A manifest would have to list the file that is added.
    (workspace.raw_root / "manifest.jsonl").unlink()
    late_surveys(workspace.raw_root)
    done = workspace.cx("restate", "2026-09", "--reason", "surveys of an outage came late")
    assert done.returncode == 0, done.stdout + done.stderr
    return workspace


def rows(folder: Path, mart: str, where: str = "true") -> list[tuple]:
    """Rows of a mart without the columns that name the release."""
    return duckdb.sql(
        f"select * exclude (release_id, as_of) from '{folder / mart}.parquet' where {where} "
        "order by all"
    ).fetchall()


def august_of(mart: str) -> str:
    month = "date_trunc('month', local_date)" if mart == "agent_daily_pulse" else "period_month"
    return f"{month} = date '2026-08-01'"


def test_readers_are_never_disturbed_by_a_run(full_run: tuple[int, str, str]):
    exit_code, reads, errors = full_run
    assert exit_code == 0, errors
    assert int(reads) >= 2


def test_a_run_over_what_is_new_gives_the_same_bytes_as_one_over_everything(
    small_sample: Workspace, full_run: tuple[int, str, str]
):
    """The second run read only files with new rows and built the open months alone; the full one
    read and built all. The release stays, so it is the candidate that was made anew."""
    release = small_sample.managers
    candidate = small_sample.state_root / "work" / "candidates" / release.parent.name
    assert (candidate / "candidate.json").stat().st_mtime > release.stat().st_mtime
    differing = {
        mart
        for mart in MARTS
        if (candidate / f"{mart}.parquet").read_bytes()
        != (release / f"{mart}.parquet").read_bytes()
    }
    assert not differing


@pytest.mark.parametrize(
    "mart", ["agent_scorecard", "agent_scorecard_metrics", "performance_bands", "team_scorecard",
             "team_sla", "agent_daily_pulse", "metric_validity"],
)  # fmt: skip
def test_a_closed_month_never_changes(small_sample_releases: tuple[Path, Path], mart: str):
    first, second = small_sample_releases
    before = rows(first, mart, august_of(mart))
    assert before
    assert all("final" in row for row in before)
    assert rows(second, mart, august_of(mart)) == before


def test_a_band_of_an_open_month_rests_on_published_months(
    small_sample_releases: tuple[Path, Path],
):
    """What a later month calls the band before is the one that was published."""
    first, second = small_sample_releases
    [(count, same)] = duckdb.sql(
        f"""
        select count(*), count(*) filter (later.previous_band is not distinct from before.band)
        from '{second}/performance_bands.parquet' as later
        join '{first}/performance_bands.parquet' as before using (agent_id)
        where later.period_month = date '{CLOSED}' and before.period_month = date '2026-08-01'
        """
    ).fetchall()
    assert count > 10
    assert same == count


def test_a_changed_vintage_stops_the_run_before_anything_is_built(
    small_sample: Workspace, tmp_path: Path
):
    state = tmp_path / "state"
    shutil.copytree(small_sample.state_root, state, symlinks=True)
    path = state / "vintages" / "2026-08" / "1" / "agent_scorecard.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)
    refused = Workspace(small_sample.raw_root, state).cx("run")
    assert refused.returncode == 1
    assert "vintages/2026-08/1/agent_scorecard.parquet: changed" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_open_month_cannot_be_restated(small_sample: Workspace):
    refused = small_sample.cx("restate", "2026-12", "--reason", "x")
    assert refused.returncode == 2
    assert "2026-12 is not closed" in refused.stderr


@pytest.mark.slow_fault
def test_a_restatement_changes_its_month_alone(
    small_sample_releases: tuple[Path, Path], restated: Workspace
):
    _, before = small_sample_releases
    for mart in ("agent_scorecard", "performance_bands", "team_scorecard"):
        assert rows(restated.managers, mart, august_of(mart)) == rows(before, mart, august_of(mart))
    numbers = duckdb.sql(
        f"""
        select cast(period_month as varchar), max(vintage_number)
        from '{restated.managers}/scorecard_vintages.parquet' group by period_month
        """
    ).fetchall()
    assert dict(numbers)[CLOSED] == 2
    assert {number for month, number in numbers if month != CLOSED} == {1}
    kept = restated.state_root / "vintages" / "2026-09"
    assert {path.name for path in kept.iterdir()} == {"1", "2"}
    reason = json.loads((kept / "2" / "manifest.json").read_text("utf-8"))["reason"]
    assert reason == "surveys of an outage came late"


@pytest.mark.slow_fault
def test_a_restated_month_says_why_each_figure_changed(restated: Workspace):
    found = duckdb.sql(
        f"""
        select v.vintage_number, v.vintage, v.restated_because, v.change_reason,
            v.value is distinct from b.value as has_other_value
        from '{restated.managers}/scorecard_vintages.parquet' as v
        left join '{restated.managers}/scorecard_vintages.parquet' as b
            on v.agent_id = b.agent_id and v.period_month = b.period_month
            and v.metric = b.metric and b.vintage_number = 1
        where v.period_month = date '{CLOSED}' and v.metric = 'csat'
        """
    ).fetchall()
    first = [row for row in found if row[0] == 1]
    second = [row for row in found if row[0] == 2]
    assert len(first) == len(second) > 0
    assert {row[1:4] for row in first} == {("final", None, None)}
    assert {row[1:3] for row in second} == {("restated", "surveys of an outage came late")}
    changed = [row for row in second if row[4]]
    assert len(changed) >= 5
    assert all("late" in row[3] for row in changed)
