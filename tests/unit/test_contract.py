"""The contract file reads, is complete and does not contradict itself."""

from pathlib import Path

import pytest
import yaml

from orchestration.lib.contract import CONTRACT_PATH, load_contract

TABLES = {
    "agents", "agent_assignments", "teams", "tickets", "ticket_events", "interactions",
    "qa_evaluations", "qa_criterion_scores", "surveys", "schedule_segments", "agent_states",
    "absences", "volume_forecasts", "training_assignments", "kb_contributions",
    "development_goals", "coaching_sessions", "improvement_plans", "improvement_plan_targets",
    "improvement_plan_check_ins", "improvement_plan_support",
}  # fmt: skip


def test_the_contract_has_all_tables_of_the_raw_contract():
    assert set(load_contract().tables) == TABLES


def test_required_and_strict_tables_are_those_without_which_nothing_has_a_place():
    tables = load_contract().tables.values()
    people = {"agents", "agent_assignments", "teams"}
    assert {table.name for table in tables if table.required} == {
        *people,
        "tickets",
        "ticket_events",
    }
    assert {table.name for table in tables if table.strict} == people


def test_every_table_has_its_load_columns_and_a_key_that_is_never_empty():
    for table in load_contract().tables.values():
        columns = {column.name: column for column in table.all_columns}
        assert {"_loaded_at", "_deleted", "_sequence"} <= set(columns)
        assert table.key
        assert not any(columns[name].nullable for name in table.key)


def test_rows_hang_on_parents_by_a_column_of_the_parents_key():
    tables = load_contract().tables
    hanging = {table.name: table.parent for table in tables.values() if table.parent}
    assert {name: parent.table for name, parent in hanging.items()} == {
        "ticket_events": "tickets",
        "interactions": "tickets",
        "surveys": "tickets",
        "qa_evaluations": "tickets",
        "qa_criterion_scores": "qa_evaluations",
        "improvement_plan_targets": "improvement_plans",
        "improvement_plan_check_ins": "improvement_plans",
        "improvement_plan_support": "improvement_plans",
    }
    assert all(tables[parent.table].key == (parent.column,) for parent in hanging.values())


def test_only_survey_scales_have_defaults():
    defaults = {
        (table.name, column.name): column.default
        for table in load_contract().tables.values()
        for column in table.columns
        if column.default is not None
    }
    assert defaults == {("surveys", "scale_min"): 1, ("surveys", "scale_max"): 5}


def test_event_times_are_timestamps_of_what_happened_not_of_what_is_planned():
    events = {
        f"{table.name}.{column.name}"
        for table in load_contract().tables.values()
        for column in table.columns
        if column.event_time
    }
    assert events == {
        "tickets.created_at",
        "ticket_events.occurred_at",
        "interactions.started_at",
        "interactions.ended_at",
        "qa_evaluations.interaction_at",
        "qa_evaluations.evaluated_at",
        "surveys.sent_at",
        "surveys.responded_at",
        "agent_states.starts_at",
        "agent_states.ends_at",
        "training_assignments.completed_at",
        "kb_contributions.occurred_at",
        "coaching_sessions.held_at",
    }


def test_every_table_and_column_is_described_in_a_sentence():
    document = yaml.safe_load(CONTRACT_PATH.read_text(encoding="utf-8"))
    described = [
        part
        for source in document["sources"]
        for table in source["tables"]
        for part in (table, *table["columns"])
    ]
    assert [part["name"] for part in described if not part["description"].endswith(".")] == []


@pytest.mark.parametrize(
    ("meta", "reason"),
    [
        ("{type: enum}", "values belong to an enum"),
        ("{type: text, values: [a]}", "values belong to an enum"),
        ("{type: money}", "type"),
        ("{type: text, prefix: a}", "prefix"),
    ],
)
def test_a_column_that_contradicts_itself_is_refused(tmp_path: Path, meta: str, reason: str):
    path = _contract(tmp_path, f"{{name: a, config: {{meta: {meta}}}}}", "{key: [a]}")
    with pytest.raises(ValueError, match=reason):
        load_contract(path)


@pytest.mark.parametrize(
    ("meta", "reason"),
    [
        ("{key: [b]}", "no column b"),
        ("{key: [a], parent: {table: t, column: b}}", "no column b"),
        ("{key: [a], parent: {table: u, column: a}}", "no parent table u"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(tmp_path: Path, meta: str, reason: str):
    path = _contract(tmp_path, "{name: a, config: {meta: {type: id}}}", meta)
    with pytest.raises(ValueError, match=reason):
        load_contract(path)


def _contract(folder: Path, column: str, meta: str) -> Path:
    path = folder / "sources.yml"
    path.write_text(
        "sources: [{name: raw, tables: "
        f"[{{name: t, config: {{meta: {meta}}}, columns: [{column}]}}]}}]\n",
        encoding="utf-8",
    )
    return path
