"""How each raw table is keyed and stored in the sample: the 21 tables and their file forms.

Here: keys, formats, spellings. Not here: the raw contract itself, which has its own file in the dbt
project; the sample is written without reading it, so that the two can disagree.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """One raw table.

    `form` is parquet or csv; `is_monthly` splits it by the month of _loaded_at; `null_words` vary
    the spelling of null in its CSV files, `booleans` that of true and false.
    """

    key: tuple[str, ...]
    form: str = "csv"
    is_monthly: bool = False
    null_words: tuple[str, ...] = ("",)
    booleans: tuple[str, str] = ("true", "false")


_NULLS = ("", "", "", "N/A", "", "NULL", "-")

TABLES: dict[str, Table] = {
    "agents": Table(("agent_id",), null_words=_NULLS),
    "agent_assignments": Table(("agent_id", "valid_from")),
    "teams": Table(("team_id",)),
    "tickets": Table(("ticket_id",), "parquet", True),
    "ticket_events": Table(("event_id",), "parquet", True),
    "interactions": Table(("interaction_id",), "parquet", True),
    "qa_evaluations": Table(("evaluation_id",), "parquet", True),
    "qa_criterion_scores": Table(("evaluation_id", "criterion"), "parquet", True),
    "surveys": Table(("survey_id",), is_monthly=True, null_words=_NULLS),
    "schedule_segments": Table(("segment_id",), "parquet", True),
    "agent_states": Table(("state_id",), "parquet", True),
    "absences": Table(("absence_id",)),
    "volume_forecasts": Table(("forecast_id",)),
    "training_assignments": Table(("assignment_id",), null_words=_NULLS),
    "kb_contributions": Table(("contribution_id",), booleans=("1", "0")),
    "development_goals": Table(("goal_id",), null_words=_NULLS),
    "coaching_sessions": Table(("session_id",), booleans=("TRUE", "FALSE")),
    "improvement_plans": Table(("plan_id",)),
    "improvement_plan_targets": Table(("plan_id", "metric")),
    "improvement_plan_check_ins": Table(("check_in_id",)),
    "improvement_plan_support": Table(("support_id",)),
}
