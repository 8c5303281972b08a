"""What `improvement_plan_outcomes` must look like: one row per plan, evidence beside decision."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from expectations.context import Between, Limits, NotAssessed, Reading, SuiteContext, SuiteDraft

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

EVIDENCE = ("met", "partially_met", "not_met", "not_assessable", "left")
DECISIONS = ("met", "extended", "escalated", "withdrawn")
COUNTS = (
    "days",
    "metrics_met",
    "metrics_assessable",
    "metrics_total",
    "support_planned",
    "support_delivered",
    "overdue_check_ins",
)
# Shares of fewer plans say nothing.
ENOUGH_PLANS = 15


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds what the counts leave over, and 1 or 0 for what is counted."""
    total, assessable, met = (
        frame[column].astype("float64")
        for column in ("metrics_total", "metrics_assessable", "metrics_met")
    )
    has_ended = frame["evidence_outcome"].notna() & (frame["evidence_outcome"] != "left")
    return frame.assign(
        not_assessed=total - assessable,
        missed=assessable - met,
        is_open=(frame["evidence_outcome"] == "not_assessable").astype("float64").where(has_ended),
    )


READING = Reading(
    columns=(
        "plan_id",
        "agent_id",
        "is_running",
        "evidence_outcome",
        "decided_outcome",
        "decided_by",
        "planned_days",
        *COUNTS,
        "as_of",
        "release_id",
    ),
    period=None,
    distinct={"plans": ("plan_id",)},
    prepare=_prepare,
    due="no_month",
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for the whole table: plans belong to no month."""
    from great_expectations import expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    draft = SuiteDraft(context)
    evidence = Column("evidence_outcome")
    running = Column("is_running")

    # A plan that stands here twice ends twice in every count of outcomes.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectColumnValuesToBeUnique,
        column="plan_id",
    )
    for column, allowed in (("evidence_outcome", EVIDENCE), ("decided_outcome", DECISIONS)):
        # Readers filter by these words; another one makes rows invisible to them.
        draft.add(
            f"{column}_is_known",
            "critical",
            gxe.ExpectColumnValuesToBeInSet,
            column=column,
            value_set=list(allowed),
        )
    # Rows of two releases in one mart mean that a part of it was not rebuilt.
    draft.add(
        "one_release",
        "critical",
        gxe.ExpectColumnUniqueValueCountToBeBetween,
        column="release_id",
        min_value=1,
        max_value=1,
    )
    # Half a plan is no outcome, and a reader would take it for one.
    draft.add(
        "no_evidence_while_it_runs",
        "critical",
        gxe.ExpectColumnValuesToBeNull,
        column="evidence_outcome",
        row_condition=running == True,  # noqa: E712
    )
    draft.add(
        "every_ended_plan_has_evidence",
        "critical",
        gxe.ExpectColumnValuesToNotBeNull,
        column="evidence_outcome",
        row_condition=running == False,  # noqa: E712
    )
    # The word that costs people most: it needs every target assessed.
    draft.add(
        "not_met_only_with_every_target_assessed",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="not_assessed",
        max_value=0,
        row_condition=evidence == "not_met",
    )
    # And met means that nothing was missed.
    draft.add(
        "met_only_with_nothing_missed",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="missed",
        max_value=0,
        row_condition=evidence == "met",
    )
    for column in (*COUNTS, "not_assessed", "missed"):
        # Counts, and what is left of one by another: nothing negative can be among them.
        draft.add(
            f"{column}_not_negative",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
        )
    # A decision comes from a person. The raw row may lack the name, but somebody should say it.
    draft.add(
        "every_decision_names_who_decided",
        "warning",
        gxe.ExpectColumnValuesToNotBeNull,
        column="decided_by",
        row_condition=Column("decided_outcome").is_not_null(),
    )
    # Four to eight weeks are usual and told in release_quality; half a year or a plan that ends
    # before it begins is a typing error in a date.
    draft.add(
        "planned_days_between_1_and_182",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        column="planned_days",
        min_value=1,
        max_value=182,
    )

    # Plans are made long enough for their sample, mostly. Where hardly one can be assessed, facts
    # are missing, or people should ask for less sample or more time.
    draft.compare(
        "ended_plans_can_be_assessed",
        "warning",
        gxe.ExpectColumnMeanToBeBetween,
        _sometimes(context),
        column="is_open",
    )
    # Plans are kept; one or two may be deleted or set aside, half of them not.
    draft.compare(
        "published_plans_are_kept",
        "critical",
        gxe.ExpectTableRowCountToBeBetween,
        _half_of_the_previous(context),
    )
    return draft.finish()


def _sometimes(context: SuiteContext) -> Limits:
    plans = context.distinct.get("plans", 0)
    if plans < ENOUGH_PLANS:
        return NotAssessed(f"not enough plans: {plans} of {ENOUGH_PLANS} needed for a share")
    return Between(0, 0.75)


def _half_of_the_previous(context: SuiteContext) -> Limits:
    if context.previous_rows is None:
        return NotAssessed("not enough history: no previous release")
    return Between(low=math.ceil(context.previous_rows / 2))
