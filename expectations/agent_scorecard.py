"""What `agent_scorecard` must look like: one row per agent, month and window, with its scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.context import (
    TIERS,
    VINTAGES,
    WINDOWS,
    Reading,
    SuiteContext,
    SuiteDraft,
    values_of,
)

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

SCORES = (
    "overall_score",
    "quality_score",
    "efficiency_score",
    "customer_impact_score",
    "development_score",
)


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds the month's overall score and 1 or 0 for rated or not; both null for the quarter."""
    overall = values_of(frame, "overall_score", window="month")
    is_month = frame["window"] == "month"
    return frame.assign(
        month_overall_score=overall,
        is_rated=overall.notna().astype("float64").where(is_month),
    )


READING = Reading(
    columns=(
        "agent_id",
        "period_month",
        "window",
        "team_id",
        "tier",
        "tenure_days",
        *SCORES,
        "coverage",
        "scorecard_version",
        "vintage",
        "as_of",
        "release_id",
    ),
    statistics=("month_overall_score", "is_rated"),
    prepare=_prepare,
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one month."""
    from great_expectations import expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    draft = SuiteDraft(context)

    # A second row for an agent would count them twice in every list and average built on the mart.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["agent_id", "period_month", "window"],
    )
    for column, allowed in (("window", WINDOWS), ("tier", TIERS), ("vintage", VINTAGES)):
        # Readers filter by these words; another one makes rows invisible to them.
        draft.add(
            f"{column}_is_known",
            "critical",
            gxe.ExpectColumnValuesToBeInSet,
            column=column,
            value_set=list(allowed),
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
    for column in SCORES:
        # A weighted mean of attainments, each clamped to 0 to 100: it cannot leave that range.
        draft.add(
            f"{column}_between_0_and_100",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
            max_value=100,
        )
    # Coverage is a sum of dimension weights, which sum to 1; 1e-6 is the rounding of the columns.
    draft.add(
        "coverage_between_0_and_1",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="coverage",
        min_value=0,
        max_value=1 + 1e-6,
    )
    # An overall score without the quality dimension is not one: what was not measured stays null.
    draft.add(
        "overall_score_only_with_quality",
        "critical",
        gxe.ExpectColumnValuesToBeNull,
        column="overall_score",
        row_condition=Column("quality_score").is_null(),
    )
    # Nobody has worked here for over 50 years, and nobody is assigned before they were hired:
    # either is a typing error in the roster, which misjudges newcomers but breaks nothing else.
    draft.add(
        "tenure_is_plausible",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        column="tenure_days",
        min_value=0,
        max_value=50 * 366,
    )

    # The roster decides the number of rows. Half of a company does not leave, nor does it nearly
    # double, from one month to the next; a join that doubles rows gives 2.0, a lost half 0.5.
    draft.compare(
        "row_count_against_history",
        "critical",
        gxe.ExpectTableRowCountToBeBetween,
        context.rows_between(0.51, 1.8),
    )
    # Over a fifth fewer or a quarter more agents than in the half year before is rare enough that
    # somebody should know why.
    draft.compare(
        "row_count_near_history",
        "warning",
        gxe.ExpectTableRowCountToBeBetween,
        context.rows_between(0.8, 1.25),
    )
    # A team that was there last month, whose people did not move to other teams, or that another
    # mart still shows, was lost on the way.
    draft.compare(
        "every_large_team_appears",
        "critical",
        gxe.ExpectColumnDistinctValuesToContainSet,
        context.large_teams(),
        column="team_id",
    )
    draft.compare(
        "every_small_team_appears",
        "warning",
        gxe.ExpectColumnDistinctValuesToContainSet,
        context.small_teams(),
        column="team_id",
    )
    # Scores of one agent scatter by 5 to 7 points from month to month, so the mean of ten or more
    # agents by about 2 and that of 100 by under 1. Twelve points, the cap, is more than any single
    # metric can move everybody: then a formula, a unit or an input broke, not the work of people.
    draft.compare(
        "mean_overall_score_against_history",
        "critical",
        gxe.ExpectColumnMeanToBeBetween,
        context.mean_between("month_overall_score", spreads=6, floor=4, cap=12),
        column="month_overall_score",
    )
    draft.compare(
        "mean_overall_score_near_history",
        "warning",
        gxe.ExpectColumnMeanToBeBetween,
        context.mean_between("month_overall_score", spreads=3, floor=2, cap=6),
        column="month_overall_score",
    )
    # Everybody equal, or a second hump far away, leaves the mean in place. The spread of a company
    # moves by a few per cent a month; half or double is a different distribution.
    draft.compare(
        "spread_of_overall_score_near_history",
        "warning",
        gxe.ExpectColumnStdevToBeBetween,
        context.stdev_between("month_overall_score", 0.5, 2),
        column="month_overall_score",
    )
    # Missing input does not lower scores, it makes them null: if under half of the usual number of
    # agents is rated in an ended month, an input is missing.
    draft.compare(
        "rated_agents_against_history",
        "critical",
        gxe.ExpectColumnSumToBeBetween,
        context.total_between("is_rated", 0.5, None, minimum_median=10),
        column="is_rated",
    )

    # Every month from the first to the last has agents; a gap breaks quarters and trajectories.
    draft.add(
        "no_month_is_missing",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        scope="calendar",
        column="rows",
        min_value=1,
    )
    # Late corrections add or remove single agent-months. A fifth of a published month does not
    # appear or vanish by them, and a published month is never lost.
    draft.compare(
        "published_months_are_kept",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        context.against_previous_release(0.8, 1.25),
        scope="calendar",
        column="rows_kept",
    )
    # A formula or a configuration that changes shifts all months alike, which no comparison inside
    # the candidate sees. Late data moves a month's mean by tenths of a point.
    draft.compare(
        "published_scores_are_kept",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        context.against_previous_release(-5, 5, "month_overall_score"),
        scope="calendar",
        column="month_overall_score_change",
    )
    draft.compare(
        "published_scores_hardly_move",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        context.against_previous_release(-1, 1, "month_overall_score"),
        scope="calendar",
        column="month_overall_score_change",
    )
    return draft.finish()
