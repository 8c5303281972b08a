"""Faults of people, teams and severities that stop a run before anything is built."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.lib.errors import BadInput
from orchestration.lib.input_checks import check_inputs
from orchestration.lib.landing import ingest
from orchestration.lib.settings import Settings
from tests.unit.raw_batch import (
    AGENT,
    ASSIGNMENT,
    CANARY,
    EVENT,
    TEAM,
    TICKET,
    Row,
    stamped,
    valid_batch,
    write_csv,
)

LATER = "2026-03-02T06:00:00Z"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return valid_batch(tmp_path)


def land(settings: Settings, table: str, *rows: Row) -> None:
    write_csv(settings.raw_root, table, list(rows), "2.csv")


def warnings(settings: Settings, bound: datetime | None = None) -> list[str]:
    return check_inputs(settings, ingest(settings, bound).as_of)


def refusal(settings: Settings) -> str:
    with pytest.raises(BadInput) as caught:
        warnings(settings)
    assert CANARY not in caught.value.message
    return caught.value.message


def test_a_sound_batch_passes(settings: Settings):
    assert warnings(settings) == []


@pytest.mark.parametrize(
    ("table", "row", "expected"),
    [
        ("agents", {**AGENT, "full_name": ""}, "column full_name is empty"),
        ("agents", {**AGENT, "full_name": " - "}, "column full_name is empty"),
        ("agents", {**AGENT, "hired_on": CANARY}, "column hired_on does not read as a date like"),
        ("agents", {**AGENT, "hired_on": "2026-02-30"}, "column hired_on does not read as a date"),
        ("agents", {**AGENT, "hired_on": "03/04/2026"}, "column hired_on does not read as a date"),
        ("agents", {**AGENT, "is_bot": CANARY}, "column is_bot does not read as true or false"),
        ("agents", {**AGENT, "exit_type": CANARY}, "column exit_type does not read as one of vol"),
        ("agents", {**AGENT, "left_on": "2024-12-31"}, "left_on is before hired_on"),
        (
            "agent_assignments",
            {**ASSIGNMENT, "tier": CANARY},
            "column tier does not read as one of",
        ),
        ("agent_assignments", {**ASSIGNMENT, "team_id": CANARY}, "column team_id names no row of"),
        ("agent_assignments", {**ASSIGNMENT, "valid_to": "2024-01-01"}, "valid_to is before valid"),
        (
            "agent_assignments",
            {**ASSIGNMENT, "valid_from": "2025-06-01"},
            "overlaps the assignment",
        ),
        ("teams", {**TEAM, "timezone": CANARY}, "column timezone is no IANA timezone"),
    ],
)
def test_a_fault_of_a_person_or_team_is_told_with_file_and_row(
    settings: Settings, table: str, row: Row, expected: str
):
    land(settings, table, stamped(row, LATER))
    message = refusal(settings)
    assert message.startswith(f"{table}/2.csv row 1: ")
    assert expected in message


@pytest.mark.parametrize("stamp", ["", "2026-03-01 06:00:00", "yesterday"])
def test_a_row_of_people_without_a_readable_stamp_is_refused(settings: Settings, stamp: str):
    land(settings, "agents", stamped(AGENT, stamp))
    assert refusal(settings).startswith("agents/2.csv row 1: column _loaded_at ")


def test_two_contents_under_one_stamp_are_refused(settings: Settings):
    land(settings, "teams", stamped(TEAM, team_name="Another"))
    assert refusal(settings).startswith("teams/2.csv row 1: another content than teams/1.csv row 1")


def test_a_sequence_orders_changes_of_one_stamp(settings: Settings):
    land(settings, "teams", stamped(TEAM, team_name="Another", _sequence="1"))
    assert warnings(settings) == []


def test_an_exact_duplicate_is_no_conflict(settings: Settings):
    land(settings, "agents", stamped(AGENT, is_bot="0"), stamped(AGENT, agent_id=" A1 "))
    assert warnings(settings) == []


def test_only_the_current_version_is_held_against_others(settings: Settings):
    wrong = stamped(ASSIGNMENT, valid_from="2025-06-01", team_id="nowhere")
    deleted = stamped(ASSIGNMENT, LATER, valid_from="2025-06-01", team_id="", _deleted="true")
    land(settings, "agent_assignments", wrong | {"_deleted": ""}, deleted)
    assert warnings(settings) == []


def test_assignments_may_touch_and_a_cancelled_one_covers_nothing(settings: Settings):
    ended = stamped(ASSIGNMENT, LATER, valid_to="2025-06-01")
    following = stamped(ASSIGNMENT, LATER, valid_from="2025-06-01")
    cancelled = stamped(ASSIGNMENT, LATER, valid_from="2025-03-01", valid_to="2025-03-01")
    land(settings, "agent_assignments", ended, following, cancelled)
    assert warnings(settings) == []


def test_an_assignment_inside_a_longer_one_is_found_behind_a_shorter_one(settings: Settings):
    """Comparing neighbours alone would let the third row through: the second ends before it."""
    rows = [
        stamped(ASSIGNMENT, LATER, valid_from=start, valid_to=end)
        for start, end in (("2025-02-01", "2025-03-01"), ("2025-04-01", "2025-05-01"))
    ]
    land(settings, "agent_assignments", *rows)
    lines = refusal(settings).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "agent_assignments/2.csv row 1",
        "agent_assignments/2.csv row 2",
    ]


def test_rows_after_as_of_are_not_judged(settings: Settings):
    land(settings, "teams", stamped(TEAM, LATER, timezone="Nowhere/Land"))
    assert warnings(settings, datetime(2026, 3, 2, tzinfo=UTC)) == []


def test_an_assignment_of_an_unknown_agent_is_a_warning(settings: Settings):
    land(settings, "agent_assignments", stamped(ASSIGNMENT, agent_id="A2"))
    [warning] = warnings(settings)
    assert warning.startswith("agent_assignments/2.csv row 1: the agent is not in agents")


def test_a_severity_without_target_stops_the_run_by_name(settings: Settings):
    land(settings, "tickets", stamped(TICKET, ticket_id="T2", severity="blocker"))
    assert "sla_targets.csv: severity 'blocker' occurs in the tickets" in refusal(settings)


def test_a_severity_that_was_corrected_does_not_stop_the_run(settings: Settings):
    wrong = stamped(TICKET, ticket_id="T2", severity="blocker")
    land(settings, "tickets", wrong, stamped(TICKET, LATER, ticket_id="T2"))
    assert warnings(settings) == []


def test_a_severity_that_a_ticket_was_raised_to_needs_a_target(settings: Settings):
    raised = stamped(EVENT, event_id="E2", event_type="severity_changed", to_value="blocker")
    land(settings, "ticket_events", raised, stamped(EVENT, event_id="E3", to_value="elsewhere"))
    assert "severity 'blocker'" in refusal(settings)
