"""What `coaching_effect` must look like: one row per coaching session, with or without effect."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from expectations.context import (
    METRICS,
    SHARES,
    TIERS,
    VINTAGES,
    Between,
    Limits,
    NotAssessed,
    Reading,
    SuiteContext,
    SuiteDraft,
    next_month,
)

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

STATUSES = ("assessed", "pending", "not_assessable")
REASONS = ("no_focus_metric", "not_dated", "window_not_over", "too_few_facts", "no_controls")
CONFIDENCES = ("band_grade", "indicative", "insufficient")
# Their facts are days, of which a span has 28.
OF_TIME = ("schedule_adherence", "contacts_per_productive_hour")
# Five weeks after the session and one for the repeat window, and a day for timezones.
DAYS_UNTIL_KNOWN = 43
# A mean of fewer standard scores proves nothing.
ENOUGH_SESSIONS = 15


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds the effect in standard errors and 1 or 0 for what is counted."""
    error = frame["standard_error"].astype("float64")
    effect = frame["net_effect"].astype("float64")
    return frame.assign(
        standard_score=(effect / error.where(error > 0)),
        is_session=1.0,
        is_pending=(frame["status"] == "pending").astype("float64"),
        is_assessed=(frame["status"] == "assessed")
        .astype("float64")
        .where(~frame["reason"].isin(["no_focus_metric", "not_dated"])),
    )


READING = Reading(
    columns=(
        "session_id",
        "period_month",
        "tier",
        "focus_metric",
        "status",
        "reason",
        "before_value",
        "before_count",
        "after_value",
        "after_count",
        "control_count",
        "net_effect",
        "standard_error",
        "confidence",
        "vintage",
        "as_of",
        "release_id",
    ),
    statistics=("standard_score", "is_session", "is_pending", "is_assessed"),
    prepare=_prepare,
    # An effect changes with the facts of the two months after its session, and a month may have no
    # session at all, so the months a run changes do not select the months to judge.
    restricted_by_change=False,
    due="no_month",
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one month."""
    from great_expectations import expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    draft = SuiteDraft(context)
    metric = Column("focus_metric")
    status = Column("status")

    # A session that stands here twice counts twice in every mean over coaches.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectColumnValuesToBeUnique,
        column="session_id",
    )
    for column, allowed in (
        ("status", STATUSES),
        ("reason", REASONS),
        ("confidence", CONFIDENCES),
        ("tier", TIERS),
        ("vintage", VINTAGES),
    ):
        # Readers filter by these words; another one makes rows invisible to them.
        draft.add(
            f"{column}_is_known",
            "critical",
            gxe.ExpectColumnValuesToBeInSet,
            column=column,
            value_set=list(allowed),
        )
    # People type the focus: a misspelt one has no effect, which is worth a word but stops nothing.
    draft.add(
        "focus_metric_is_known",
        "warning",
        gxe.ExpectColumnValuesToBeInSet,
        column="focus_metric",
        value_set=list(METRICS),
    )
    # Rows of two releases in one mart mean that an incremental month was not rebuilt.
    draft.add(
        "one_release",
        "critical",
        gxe.ExpectColumnUniqueValueCountToBeBetween,
        column="release_id",
        min_value=1,
        max_value=1,
    )
    for column in ("before_value", "after_value"):
        # Parts of a whole; above 1 facts were joined more often than counted.
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
    for column in ("before_count", "after_count"):
        # More days than the span has: a day was joined twice.
        draft.add(
            f"at_most_28_days_in_{column}",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
            max_value=28,
            row_condition=metric.is_in(OF_TIME),
        )
    # Three controls are matched; more are neighbours counted from both sides.
    draft.add(
        "control_count_between_0_and_3",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="control_count",
        min_value=0,
        max_value=3,
    )
    # A number beside "pending" would be read as the result.
    draft.add(
        "no_effect_unless_assessed",
        "critical",
        gxe.ExpectColumnValuesToBeNull,
        column="net_effect",
        row_condition=status.is_in(["pending", "not_assessable"]),
    )
    for column in ("net_effect", "standard_error"):
        # An effect without its uncertainty would be read as certain.
        draft.add(
            f"{column}_of_every_assessed_session",
            "critical",
            gxe.ExpectColumnValuesToNotBeNull,
            column=column,
            row_condition=status == "assessed",
        )
    # No effect of some weeks is known exactly, but among very few facts all may be equal.
    draft.add(
        "standard_error_above_0",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        column="standard_error",
        min_value=0,
        strict_min=True,
    )

    # Some months after a session its spans are over, whatever the metric.
    draft.compare(
        "nothing_pending_that_is_long_over",
        "critical",
        gxe.ExpectColumnSumToBeBetween,
        _none_if_long_over(context),
        column="is_pending",
        is_liftable=False,
    )
    # Coaching moves people by a part of what chance does: over a month the mean effect stays within
    # one and a half standard errors. Beyond it, the two sides were not measured alike.
    draft.compare(
        "mean_effect_within_its_uncertainty",
        "critical",
        gxe.ExpectColumnMeanToBeBetween,
        context.fixed_mean("standard_score", -1.5, 1.5, minimum_values=ENOUGH_SESSIONS),
        column="standard_score",
        is_liftable=False,
    )
    # Effects in units of their standard error scatter by about one. A tenth or four times that
    # means that the errors are wrong, and with them every interval.
    draft.compare(
        "spread_of_effects_fits_their_errors",
        "critical",
        gxe.ExpectColumnStdevToBeBetween,
        _about_one(context),
        column="standard_score",
        is_liftable=False,
    )
    # Most sessions on a metric of single facts can be assessed when their spans are over; where
    # hardly any can, facts or possible controls went missing.
    draft.compare(
        "sessions_that_can_be_assessed",
        "warning",
        gxe.ExpectColumnMeanToBeBetween,
        _often_assessed(context),
        column="is_assessed",
    )
    # How much is coached is for people to decide; a third or three times of it is worth a look.
    draft.compare(
        "sessions_near_history",
        "warning",
        gxe.ExpectColumnSumToBeBetween,
        context.total_between("is_session", 0.33, 3),
        column="is_session",
    )

    # Sessions are corrected and deleted now and then, a published month is not lost by that. No
    # upper end: the running month fills up from release to release.
    draft.compare(
        "published_months_are_kept",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        context.against_previous_release(0.7, None),
        scope="calendar",
        column="rows_kept",
    )
    return draft.finish()


def _is_long_over(context: SuiteContext) -> bool:
    if context.month is None or context.as_of is None:
        return False
    return context.as_of >= next_month(context.month) + timedelta(days=DAYS_UNTIL_KNOWN)


def _none_if_long_over(context: SuiteContext) -> Limits:
    if not _is_long_over(context):
        return NotAssessed("the spans after some sessions are not over")
    return Between(0, 0)


def _often_assessed(context: SuiteContext) -> Limits:
    if not _is_long_over(context):
        return NotAssessed("the spans after some sessions are not over")
    return context.fixed_mean("is_assessed", 0.3, 1, minimum_values=ENOUGH_SESSIONS)


def _about_one(context: SuiteContext) -> Limits:
    return context.fixed_mean("standard_score", 0.4, 2.5, minimum_values=ENOUGH_SESSIONS)
