"""What `evaluator_alignment` must look like: how evaluators' scores compare, per quarter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.context import VINTAGES, Between, Reading, SuiteContext, SuiteDraft

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

COUNTS = ("n", "compared_n", "voided_count", "disputed_count", "overturned_count", "calibration_n")
# part: whole
PARTS = {"compared_n": "n", "overturned_count": "disputed_count"}
INTERVALS = {
    "severity": ("severity_lower", "severity_upper"),
    "calibration_alpha": ("calibration_alpha_lower", "calibration_alpha_upper"),
}
# With fewer evaluators their mean is that of one or two people.
FOLLOWED_EVALUATORS = 5


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds what parts lack to their wholes, distances to interval ends and outliers as numbers."""
    added = {f"{part}_left": frame[whole] - frame[part] for part, whole in PARTS.items()}
    for name, (lower, upper) in INTERVALS.items():
        added[f"{name}_above_lower"] = frame[name] - frame[lower]
        added[f"{name}_below_upper"] = frame[upper] - frame[name]
    return frame.assign(
        **added,
        outliers=frame["is_outlier"].astype("float64"),
        evaluations=frame["n"].astype("float64"),
    )


READING = Reading(
    columns=(
        "evaluator_id",
        "period_month",
        *COUNTS,
        "severity",
        "severity_lower",
        "severity_upper",
        "severity_spread",
        "is_outlier",
        "dispute_rate",
        "overturn_rate",
        "calibration_difference",
        "calibration_alpha",
        "calibration_alpha_lower",
        "calibration_alpha_upper",
        "vintage",
        "as_of",
        "release_id",
    ),
    statistics=("severity", "evaluations", "outliers", "dispute_rate"),
    prepare=_prepare,
    # A company that pauses its evaluations for a quarter has months without a row.
    restricted_by_change=False,
    due="no_month",
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one month."""
    from great_expectations import expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    draft = SuiteDraft(context)

    # A doubled row shows an evaluator two severities.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["evaluator_id", "period_month"],
    )
    # Readers filter by these words; another one makes rows invisible to them.
    draft.add(
        "vintage_is_known",
        "critical",
        gxe.ExpectColumnValuesToBeInSet,
        column="vintage",
        value_set=list(VINTAGES),
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
    for column in COUNTS:
        # Counts of evaluations.
        draft.add(
            f"{column}_not_negative",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
        )
    for part, whole in PARTS.items():
        # A part above its whole was joined more often than the whole: the classic fan-out.
        draft.add(
            f"{part}_within_{whole}",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=f"{part}_left",
            min_value=0,
        )
    for column in ("dispute_rate", "overturn_rate"):
        # Parts of a whole.
        draft.add(
            f"{column}_between_0_and_1",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
            max_value=1,
        )
    # Half a scale: a mean difference beyond it is a form on another scale, not a harsh person. An
    # evaluator with a handful of scores may get there by one agent's worst day.
    draft.add(
        "severity_within_50_points",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="severity",
        min_value=-50,
        max_value=50,
        row_condition=Column("compared_n") >= 30,
    )
    # No more than what separates 0 from 100.
    draft.add(
        "severity_spread_between_0_and_142",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="severity_spread",
        min_value=0,
        max_value=142,
    )
    # Perfect agreement is 1; for interval data nothing far below -1 can come about.
    draft.add(
        "calibration_alpha_between_minus_1_and_1",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="calibration_alpha",
        min_value=-1,
        max_value=1,
    )
    for name in INTERVALS:
        # An interval that does not hold its own estimate was made of other rows.
        for side in ("above_lower", "below_upper"):
            draft.add(
                f"{name}_{side}",
                "critical",
                gxe.ExpectColumnValuesToBeBetween,
                column=f"{name}_{side}",
                min_value=0,
            )
    # Without anything to compare there is nothing to call harsh.
    draft.add(
        "severity_is_null_when_not_measurable",
        "critical",
        gxe.ExpectColumnValuesToBeNull,
        column="severity",
        row_condition=Column("compared_n") == 0,
    )
    # A measured value must not get lost.
    draft.add(
        "severity_is_there_when_measurable",
        "critical",
        gxe.ExpectColumnValuesToNotBeNull,
        column="severity",
        row_condition=Column("compared_n") > 0,
    )
    # Without disputes nothing could be overturned: unknown, not 0.
    draft.add(
        "overturn_rate_is_null_without_disputes",
        "critical",
        gxe.ExpectColumnValuesToBeNull,
        column="overturn_rate",
        row_condition=Column("disputed_count") == 0,
    )

    # Each is measured against the others, so severities lie around 0. A mean far off is a fault in
    # what is expected of a score.
    draft.compare(
        "severities_are_centred",
        "critical",
        gxe.ExpectColumnMeanToBeBetween,
        context.fixed_mean("severity", -5, 5, minimum_values=FOLLOWED_EVALUATORS),
        column="severity",
    )
    # Where most are outliers there is no common standard to be out of: evaluators need a session
    # together, and scores of this quarter deserve caution.
    draft.compare(
        "less_than_half_are_outliers",
        "warning",
        gxe.ExpectColumnMeanToBeBetween,
        context.fixed_mean("outliers", 0, 0.5, minimum_values=FOLLOWED_EVALUATORS),
        column="outliers",
    )
    # One score in five disputed says that agents no longer trust the form.
    draft.compare(
        "disputes_below_20_percent",
        "warning",
        gxe.ExpectColumnMeanToBeBetween,
        context.fixed_mean("dispute_rate", 0, 0.2, minimum_values=FOLLOWED_EVALUATORS),
        column="dispute_rate",
    )
    # Three months roll into each row, so evaluators and evaluations change slowly: half or double
    # of them within a month is a lost or doubled file.
    draft.compare(
        "row_count_against_history",
        "critical",
        gxe.ExpectTableRowCountToBeBetween,
        context.rows_between(0.51, 1.8),
    )
    # The first quarters of a history hold one and two months only: growth to three times is no
    # fault then, a loss is one at any time.
    draft.compare(
        "evaluations_not_lost",
        "critical",
        gxe.ExpectColumnSumToBeBetween,
        context.total_between("evaluations", 0.5, None),
        column="evaluations",
    )

    # A quarter without any evaluation between two that have some; who paused them knows.
    draft.compare(
        "no_month_is_missing",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        Between(low=1),
        scope="calendar",
        column="rows",
    )
    # Corrections move single evaluations; a fifth of a month's evaluators does not vanish by them.
    draft.compare(
        "published_months_are_kept",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        context.against_previous_release(0.8, None),
        scope="calendar",
        column="rows_kept",
    )
    return draft.finish()
