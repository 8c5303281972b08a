"""A state folder with a small built warehouse: what tests of publishing start from."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.lib.dbt_runs import MartSpec
from orchestration.lib.releases import Candidate, Check, Run, build_candidate, write_receipt
from orchestration.lib.settings import Settings

MARTS = [
    MartSpec("agent_scorecard", "marts", "agent_scorecard", ("agent_id", "period_month")),
    MartSpec("lost_and_found", "marts", "lost_and_found", ("raw_table", "reason")),
]
MORNING = datetime(2026, 3, 10, 6)
RUN = Run("20260310T060000Z-aaaaaaaaaaaa", MORNING, "native", warnings=["a column is extra"])
OLDER = Run("20260309T060000Z-bbbbbbbbbbbb", datetime(2026, 3, 9, 6), "native")
NEWER = Run("20260311T060000Z-cccccccccccc", datetime(2026, 3, 11, 6), "native")


def settings_of(folder: Path) -> Settings:
    """Settings whose state lies below `folder`."""
    return Settings(state_root=folder / "state", raw_root=folder / "raw")


def build_warehouse(settings: Settings, run: Run, score: float = 50.0) -> None:
    """Write the run table and a warehouse with both marts as dbt would leave them."""
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    table = settings.landing_root / "_run" / "run.parquet"
    table.parent.mkdir(parents=True, exist_ok=True)
    row = {
        "as_of": run.as_of,
        "release_id": run.release_id,
        "ticketing_source": run.ticketing_source,
    }
    pq.write_table(pa.Table.from_pylist([row]), table)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("create schema if not exists marts")
        connection.execute(
            """
            create or replace table marts.agent_scorecard as
            select
                'agent ' || i as agent_id,
                case when i % 2 = 0 then date '2026-01-01' else date '2026-02-01' end
                    as period_month,
                'month' as "window",
                cast(? + i as double) as overall_score,
                '1' as scorecard_version,
                case when i % 2 = 0 then 'final' else 'provisional' end as vintage,
                ? as release_id,
                cast(? as timestamp) as as_of
            from range(20) as t (i)
            order by hash(i)
            """,
            [score, run.release_id, run.as_of],
        )
        connection.execute(
            """
            create or replace table marts.lost_and_found as
            select 'tickets' as raw_table, reason, cast(rows as bigint) as rows,
                ? as release_id, cast(? as timestamp) as as_of
            from (values ('used', 7), ('quarantined:orphan', 2)) as t (reason, rows)
            """,
            [run.release_id, run.as_of],
        )


def judge(candidate: Candidate, passed: bool = True) -> None:
    """Leave the receipt of a gate that let the candidate pass, or did not."""
    checks = [
        Check("mean_is_plausible", mart, "critical", passed, "0.5", "0 to 1")
        for mart in candidate.marts
    ]
    write_receipt(candidate, checks, {"passed": 3, "warned": 0, "failed": 0, "not_run": 0})


def candidate_of(settings: Settings, run: Run = RUN, score: float = 50.0) -> Candidate:
    """Build the warehouse of `run` and the candidate from it."""
    build_warehouse(settings, run, score)
    return build_candidate(settings, MARTS, run)


def judged_candidate(settings: Settings, run: Run = RUN, score: float = 50.0) -> Candidate:
    """A candidate with a passed receipt."""
    candidate = candidate_of(settings, run, score)
    judge(candidate)
    return candidate
