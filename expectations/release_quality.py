"""What `release_quality` must look like: the checks computed with the candidate, as rows.

Whether a check passed is judged by the gate, row by row; here only that the table is worth judging.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.context import Reading, SuiteContext, SuiteDraft

if TYPE_CHECKING:
    import great_expectations as gx

# One row each in every release, whatever its source; rows per raw table and per metric come on top.
EQUATIONS = (
    "final_solves_conserved",
    "evaluations_conserved",
    "surveys_sent_conserved",
    "survey_responses_conserved",
    "agent_days_conserved",
    "employed_agents_banded_or_not_rated",
    "rates_between_0_and_1",
    "values_null_only_when_unmeasurable",
    "points_sum_to_the_overall_score",
    "quarantine_conserved",
)

READING = Reading(
    columns=("check", "severity", "passed", "observed", "required", "release_id"),
    period=None,
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for the whole table, which has no months."""
    from great_expectations import expectations as gxe

    draft = SuiteDraft(context)

    # Two rows of one check can contradict each other.
    draft.add("key_is_unique", "critical", gxe.ExpectColumnValuesToBeUnique, column="check")
    # An unknown severity would block nothing.
    draft.add(
        "severity_is_known",
        "critical",
        gxe.ExpectColumnValuesToBeInSet,
        column="severity",
        value_set=["critical", "warning", "info"],
    )
    # Null is no verdict, and a verdict needs both sides to be believed.
    for column in ("check", "severity", "passed", "observed", "required"):
        draft.add(
            f"{column}_is_not_null",
            "critical",
            gxe.ExpectColumnValuesToNotBeNull,
            column=column,
        )
    # One release, as everywhere.
    draft.add(
        "one_release",
        "critical",
        gxe.ExpectColumnUniqueValueCountToBeBetween,
        column="release_id",
        min_value=1,
        max_value=1,
    )
    # The conservation equations are critical; without a critical row they were not computed.
    draft.add(
        "has_critical_checks",
        "critical",
        gxe.ExpectColumnDistinctValuesToContainSet,
        column="severity",
        value_set=["critical"],
    )
    # An equation without its row was not checked.
    draft.add(
        "equations_are_there",
        "critical",
        gxe.ExpectColumnDistinctValuesToContainSet,
        column="check",
        value_set=list(EQUATIONS),
    )
    # More rows than 500 would mean a check per person or per row.
    draft.add(
        "number_of_checks",
        "critical",
        gxe.ExpectTableRowCountToBeBetween,
        min_value=len(EQUATIONS),
        max_value=500,
    )
    # Checks are renamed now and then, but they become more over time, not fewer.
    draft.compare(
        "published_checks_are_kept",
        "warning",
        gxe.ExpectTableRowCountToBeBetween,
        context.rows_of_previous_release(),
    )
    return draft.finish()
