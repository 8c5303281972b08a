"""What `team_qa_distribution` must look like: the spread of a team's evaluation means."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from expectations.context import (
    LARGE_TEAM,
    VINTAGES,
    NotAssessed,
    Reading,
    SuiteContext,
    SuiteDraft,
)

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

# From the lowest agent to the highest; also the order their values must have.
POINTS = ("min", "p10", "p25", "median", "p75", "p90", "max")
FOLLOWED_TEAMS = 3


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds median and spread of teams large enough to have them, null elsewhere."""
    is_large = frame["agents"] >= LARGE_TEAM
    return frame.assign(
        median_of_teams=frame["median"].astype("float64").where(is_large),
        sd_of_teams=frame["sd"].astype("float64").where(is_large),
    )


READING = Reading(
    columns=(
        "team_id",
        "period_month",
        "agents",
        "evaluations",
        "mean",
        "sd",
        *POINTS,
        "share_below_target",
        "target",
        "is_carried_by_few",
        "vintage",
        "as_of",
        "release_id",
    ),
    statistics=("evaluations", "median_of_teams", "sd_of_teams"),
    prepare=_prepare,
    # A month without a single scored evaluation has no rows, and need not have any.
    restricted_by_change=False,
    due="no_month",
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one month."""
    from great_expectations import expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    draft = SuiteDraft(context)

    # A second row of a team shows it two distributions for one month.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["team_id", "period_month"],
    )
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
    for column in ("mean", "target", *POINTS):
        # Evaluation scores are 0 to 100 by construction, and so is what is made of them.
        draft.add(
            f"{column}_between_0_and_100",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
            max_value=100,
        )
    for lower, higher in pairwise(POINTS):
        # Percentiles of one distribution cannot cross; if they do, columns were swapped.
        draft.add(
            f"{lower}_up_to_{higher}",
            "critical",
            gxe.ExpectColumnPairValuesAToBeGreaterThanB,
            column_A=higher,
            column_B=lower,
            or_equal=True,
        )
    # Half of the agents at 0 and half at 100 spread most: 50, times the root of 2 for a pair.
    draft.add(
        "sd_between_0_and_71",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="sd",
        min_value=0,
        max_value=71,
    )
    # One agent has no spread, which is not a spread of 0.
    draft.add(
        "sd_is_null_for_a_single_agent",
        "critical",
        gxe.ExpectColumnValuesToBeNull,
        column="sd",
        row_condition=Column("agents") == 1,
    )
    draft.add(
        "sd_is_there_for_two_agents",
        "critical",
        gxe.ExpectColumnValuesToNotBeNull,
        column="sd",
        row_condition=Column("agents") > 1,
    )
    draft.add(
        "share_below_target_between_0_and_1",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="share_below_target",
        min_value=0,
        max_value=1,
    )
    # A row exists because of an evaluation, and every agent in it has one.
    draft.add(
        "agents_from_1",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="agents",
        min_value=1,
        max_value=500,
    )
    draft.add(
        "evaluations_from_one_per_agent",
        "critical",
        gxe.ExpectColumnPairValuesAToBeGreaterThanB,
        column_A="evaluations",
        column_B="agents",
        or_equal=True,
    )

    # In the first days of a month some teams have no evaluation yet; doubled teams are wrong at
    # once.
    draft.compare(
        "row_count_against_history",
        "critical",
        gxe.ExpectTableRowCountToBeBetween,
        context.rows_between(0.51 if context.month_has_ended else 0, 1.8),
    )
    # Evaluation plans change, they do not stop or triple for everybody.
    draft.compare(
        "evaluations_near_history",
        "warning",
        gxe.ExpectColumnSumToBeBetween,
        context.total_between("evaluations", 0.4, 2.5),
        column="evaluations",
    )
    is_running = NotAssessed("the month has not ended, so its evaluations are few")
    # The median agent moves by 1 or 2 points a month. 12 for all teams at once is a new form or
    # scale, 4 is what calibration of the evaluators can do.
    draft.compare(
        "mean_median_against_history",
        "critical",
        gxe.ExpectColumnMeanToBeBetween,
        context.mean_between(
            "median_of_teams", spreads=6, floor=4, cap=12, minimum_values=FOLLOWED_TEAMS
        )
        if context.month_has_ended
        else is_running,
        column="median_of_teams",
    )
    # How far agents lie apart changes slower still; means that suddenly agree are copies.
    draft.compare(
        "mean_spread_against_history",
        "critical",
        gxe.ExpectColumnMeanToBeBetween,
        context.mean_between(
            "sd_of_teams",
            spreads=6,
            floor=0.4,
            cap=0.8,
            minimum_values=FOLLOWED_TEAMS,
            is_relative=True,
        )
        if context.month_has_ended
        else is_running,
        column="sd_of_teams",
    )

    # Nobody stops evaluating for a month; a small company may.
    draft.add(
        "no_month_is_missing",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        scope="calendar",
        column="rows",
        min_value=1,
    )
    # Late and corrected evaluations may add or remove a small team of a published month.
    draft.compare(
        "published_months_are_kept",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        context.against_previous_release(0.8, 1.25),
        scope="calendar",
        column="rows_kept",
    )
    return draft.finish()
