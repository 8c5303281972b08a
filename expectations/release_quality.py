"""What `release_quality` must look like: the checks computed with the candidate, as rows.

Whether a check passed is judged by the gate, row by row; here only that the table is worth judging.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.context import Reading, SuiteContext, SuiteDraft

if TYPE_CHECKING:
    import great_expectations as gx

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
    # Five equations of conservation are checked in every run, each as at least one row; more rows
    # than 500 would mean a check per person or per row.
    draft.add(
        "number_of_checks",
        "critical",
        gxe.ExpectTableRowCountToBeBetween,
        min_value=5,
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
