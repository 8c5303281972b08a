"""What `improvement_plan_progress` must look like: targets of plans at check-ins and at the end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from expectations.context import (
    METRICS,
    SHARES,
    Between,
    Limits,
    NotAssessed,
    Reading,
    SuiteContext,
    SuiteDraft,
)

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

STATUSES = ("met", "on_track", "off_track", "not_assessable")
REASONS = (
    "at_target",
    "at_pace",
    "behind_pace",
    "below_its_start",
    "time_is_over",
    "sample_short",
    "no_value",
    "no_baseline",
)
END = "end_of_plan"
COUNTS = (
    "sample_size",
    "minimum_sample",
    "week_number",
    "support_planned",
    "support_delivered",
    "overdue_check_ins",
)
# A share of fewer targets says nothing about the facts behind them.
ENOUGH_TARGETS = 20


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds what was short where something was judged, and 1 or 0 for what is counted."""
    is_judged = frame["status"] != "not_assessable"
    missing = frame["minimum_sample"].astype("float64") - frame["sample_size"].astype("float64")
    is_end = frame["check_in_id"] == END
    return frame.assign(
        sample_missing=missing.where(is_judged),
        is_end=is_end.astype("float64"),
        has_sample_at_the_end=(frame["sample_size"] > 0)
        .astype("float64")
        .where(is_end & (frame["elapsed_share"] >= 1)),
    )


READING = Reading(
    columns=(
        "plan_id",
        "metric",
        "check_in_id",
        "target",
        "observed_value",
        "baseline_value",
        "elapsed_share",
        "weeks",
        "status",
        "status_reason",
        *COUNTS,
        "as_of",
        "release_id",
    ),
    period=None,
    distinct={"targets": ("plan_id", "metric")},
    prepare=_prepare,
    due="no_month",
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for the whole table: plans belong to no month."""
    from great_expectations import expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    draft = SuiteDraft(context)
    metric = Column("metric")

    # A doubled row shows two states of one target at one meeting.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["plan_id", "metric", "check_in_id"],
    )
    for column, allowed in (
        ("metric", METRICS),
        ("status", STATUSES),
        ("status_reason", REASONS),
    ):
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
    # Nobody is told to be behind, or to have made it, on less than the plan itself asks for.
    draft.add(
        "nothing_is_judged_on_too_little",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="sample_missing",
        max_value=0,
    )
    # A verdict without the value it rests on cannot be talked about.
    draft.add(
        "every_verdict_has_its_value",
        "critical",
        gxe.ExpectColumnValuesToNotBeNull,
        column="observed_value",
        row_condition=Column("status").is_in(["met", "on_track", "off_track"]),
    )
    for column in ("observed_value", "baseline_value"):
        # Parts of a whole: above 1 a day was joined more than once.
        draft.add(
            f"shares_between_0_and_1_in_{column}",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
            max_value=1,
            row_condition=metric.is_in(SHARES),
        )
        # Evaluation scores are 0 to 100 by construction, and so is their mean.
        draft.add(
            f"qa_score_between_0_and_100_in_{column}",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
            max_value=100,
            row_condition=metric == "qa_score",
        )
    # People type targets. 85 for a share can never be met, .85 for a score always is.
    draft.add(
        "target_of_a_share_between_0_and_1",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        column="target",
        min_value=0,
        max_value=1,
        row_condition=metric.is_in(SHARES),
    )
    draft.add(
        "target_of_qa_score_above_1",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        column="target",
        min_value=1,
        max_value=100,
        strict_min=True,
        row_condition=metric == "qa_score",
    )
    # A share of the agreed time; beyond 1 the pace would run past the target.
    draft.add(
        "elapsed_share_between_0_and_1",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="elapsed_share",
        min_value=0,
        max_value=1,
    )
    for column in COUNTS:
        # Counts: nothing negative can be among them.
        draft.add(
            f"{column}_not_negative",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
        )
    # Four to eight weeks are usual. Over half a year is a typing error in a year, as a rule.
    draft.add(
        "weeks_between_1_and_26",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        column="weeks",
        min_value=1,
        max_value=26,
    )

    # Every target has the row of the plan's end once, also in a plan nobody has met about.
    targets = context.distinct.get("targets", 0)
    draft.compare(
        "every_target_has_its_end",
        "critical",
        gxe.ExpectColumnSumToBeBetween,
        Between(targets, targets),
        column="is_end",
        is_liftable=False,
    )
    # A plan that was gone through has facts on nearly all it was about. Where most have none, the
    # facts of those days or people were not found, and every plan reads as not assessable.
    draft.compare(
        "ended_plans_have_facts",
        "critical",
        gxe.ExpectColumnMeanToBeBetween,
        _mostly(targets),
        column="has_sample_at_the_end",
        is_liftable=False,
    )
    # Plans are kept; one or two may be deleted or set aside, half of them not.
    draft.compare(
        "published_plans_are_kept",
        "critical",
        gxe.ExpectTableRowCountToBeBetween,
        _half_of_the_previous(context),
    )
    return draft.finish()


def _mostly(targets: int) -> Limits:
    if targets < ENOUGH_TARGETS:
        return NotAssessed(f"not enough targets: {targets} of {ENOUGH_TARGETS} needed for a share")
    return Between(0.5, 1)


def _half_of_the_previous(context: SuiteContext) -> Limits:
    if context.previous_rows is None:
        return NotAssessed("not enough history: no previous release")
    return Between(low=math.ceil(context.previous_rows / 2))
