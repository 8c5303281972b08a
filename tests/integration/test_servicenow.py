"""Holds the ServiceNow adapter against the real incident log it was written for.

Belongs here: the figures others published about that log, and what the derived metrics may and may
not say without calls, surveys, evaluations and schedules. Does not belong here: single derivations
(dbt unit tests beside the models). Skipped where the log is absent.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

LOG_ROWS = 141_712
INCIDENTS = 24_918
RESOLVED = 23_362
SLA_MISSED = 8_930
ADAPTED = ("agents", "agent_assignments", "teams", "tickets", "ticket_events")
MEASURABLE = {"fcr_rate", "repeat_contact_rate", "kb_contributions"}
ABSENT_INPUTS = {
    "absences",
    "agent_states",
    "coaching_sessions",
    "development_goals",
    "improvement_plan_check_ins",
    "improvement_plan_support",
    "improvement_plan_targets",
    "improvement_plans",
    "interactions",
    "kb_contributions",
    "qa_criterion_scores",
    "qa_evaluations",
    "schedule_segments",
    "surveys",
    "training_assignments",
    "volume_forecasts",
}


@pytest.fixture(scope="module")
def warehouse(servicenow_warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse behind the release, read only."""
    with duckdb.connect(str(servicenow_warehouse), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def metric_rows(servicenow_release: Path) -> list[dict]:
    """Rows of agent_scorecard_metrics as published."""
    return pq.read_table(servicenow_release / "agent_scorecard_metrics.parquet").to_pylist()


def one_row(warehouse: duckdb.DuckDBPyConnection, sql: str) -> tuple:
    rows = warehouse.execute(sql).fetchall()
    assert len(rows) == 1
    return rows[0]


def test_published_size_of_the_log_is_reproduced(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = one_row(
        warehouse,
        "select sum(event_rows), count(*), max(event_rows) from facts.fct_servicenow_incidents",
    )
    assert found == (LOG_ROWS, INCIDENTS, 58)


def test_published_resolution_times_are_reproduced(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = one_row(
        warehouse,
        """
        select
            count(resolution_hours), round(median(resolution_hours), 1),
            round(avg(resolution_hours), 1), round(max(resolution_hours), 1)
        from facts.fct_servicenow_incidents
        """,
    )
    assert found == (RESOLVED, 22.1, 178.2, 8070.2)


def test_published_sla_is_reproduced_and_kept_by_its_breakdown(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    by_incident = one_row(
        warehouse,
        "select count(*) from facts.fct_servicenow_incidents "
        "where resolved_at is not null and not made_sla",
    )
    by_group = one_row(
        warehouse, "select sum(met), sum(missed), sum(n) from facts.fct_servicenow_sla"
    )
    assert by_incident == (SLA_MISSED,)
    assert by_group == (RESOLVED - SLA_MISSED, SLA_MISSED, RESOLVED)


def test_transitions_tell_a_solve_of_every_incident(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = one_row(
        warehouse,
        """
        select
            count(solves.ticket_id),
            round(median(epoch(solves.solved_at - incidents.opened_at) / 3600), 1)
        from facts.fct_servicenow_incidents as incidents
        left join facts.fct_solves as solves
            on incidents.incident = solves.ticket_id and solves.solve_kind = 'final'
        """,
    )
    assert found == (INCIDENTS, 15.1)


def test_solves_differ_from_published_resolutions_only_where_known(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    """The log gives no resolved_at to what was resolved as it was opened, and the time of a later
    update to some incidents that stayed Resolved. The one solve after its resolution comes of an
    update that is stamped before those it is counted behind."""
    found = one_row(
        warehouse,
        """
        select
            count_if(solved_at = resolved_at), count_if(solved_at < resolved_at),
            count_if(solved_at > resolved_at), count_if(resolved_at is null),
            count_if(resolved_at is null and solved_at = opened_at)
        from facts.fct_servicenow_incidents
        """,
    )
    assert found == (23_067, 294, 1, INCIDENTS - RESOLVED, 1_551)


def test_reopened_incidents_are_those_that_leave_resolved(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    found = one_row(
        warehouse,
        "select count(distinct ticket_id) from staging.stg_servicenow__ticket_events "
        "where event_type = 'reopened'",
    )
    assert found == (265,)


@pytest.mark.parametrize("table", ADAPTED)
def test_adapter_has_the_columns_of_the_contract(
    warehouse: duckdb.DuckDBPyConnection, table: str
) -> None:
    def columns(system: str) -> list[tuple]:
        return warehouse.execute(
            "select column_name, data_type from information_schema.columns "
            "where table_name = $name order by ordinal_position",
            {"name": f"stg_{system}__{table}"},
        ).fetchall()

    assert columns("servicenow") == columns("native") != []


def test_every_assignee_is_an_agent_with_an_assignment_when_they_solve(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    credits = dict(
        warehouse.execute(
            "select credit, count(*) from facts.fct_solves "
            "where solve_kind = 'final' group by credit"
        ).fetchall()
    )
    assert set(credits) == {"agent", "unassigned"}
    assert sum(credits.values()) == INCIDENTS


def test_every_row_of_the_log_has_one_disposition(servicenow_release: Path) -> None:
    table = pq.read_table(servicenow_release / "lost_and_found.parquet")
    assert set(table["raw_table"].to_pylist()) == {"servicenow_incident_event_log"}
    by_reason = table.group_by("reason").aggregate([("rows", "sum")])
    rows = dict(
        zip(by_reason["reason"].to_pylist(), by_reason["rows_sum"].to_pylist(), strict=True)
    )
    # The five rows whose state the log lost.
    assert rows == {"used": LOG_ROWS - 5, "quarantined:unparseable": 5}


def test_first_contact_and_repeat_rates_come_with_their_sample(metric_rows: list[dict]) -> None:
    for metric in ("fcr_rate", "repeat_contact_rate"):
        rows = [row for row in metric_rows if row["metric"] == metric]
        measured = [row for row in rows if row["value"] is not None]
        assert len({row["agent_id"] for row in measured}) > 200
        assert all(0 <= row["value"] <= 1 for row in measured)
        assert all((row["sample_size"] > 0) == (row["value"] is not None) for row in rows)
        assert any(row["is_eligible"] for row in rows)


def test_volume_is_what_was_first_solved_less_what_is_pending(
    warehouse: duckdb.DuckDBPyConnection, metric_rows: list[dict]
) -> None:
    denominators = sum(
        row["denominator"]
        for row in metric_rows
        if row["metric"] == "fcr_rate" and row["window"] == "month"
    )
    solved, pending = one_row(
        warehouse,
        "select count(*), count_if(not is_mature) from facts.fct_solves "
        "where solve_kind = 'first' and credit = 'agent'",
    )
    assert denominators + pending == solved


def test_metrics_without_their_input_are_null_with_sample_0(metric_rows: list[dict]) -> None:
    rows = [row for row in metric_rows if row["metric"] not in MEASURABLE]
    assert {"csat", "qa_score", "aht_index", "schedule_adherence"} <= {
        row["metric"] for row in rows
    }
    assert {row["value"] for row in rows} == {None}
    assert {row["sample_size"] for row in rows} == {0}
    assert {row["is_eligible"] for row in rows} == {False}


def test_nobody_has_an_overall_score(servicenow_release: Path) -> None:
    table = pq.read_table(servicenow_release / "agent_scorecard.parquet")
    assert table.num_rows > 0
    assert table["overall_score"].null_count == table.num_rows
    assert pc.max(table["coverage"]).as_py() < 0.7


def test_release_names_the_absent_inputs(servicenow_release: Path) -> None:
    table = pq.read_table(servicenow_release / "release_quality.parquet")
    checks = {row["check"]: row for row in table.to_pylist()}
    assert set(checks["inputs_present"]["observed"].split(", ")) == ABSENT_INPUTS
    assert not checks["inputs_present"]["passed"]
    assert checks["rows_conserved:servicenow_incident_event_log"]["passed"]
    failed = [
        name for name, row in checks.items() if row["severity"] == "critical" and not row["passed"]
    ]
    assert failed == []
