"""What `feedback_latency` must look like: hours until feedback, per team and month."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.context import VINTAGES, Reading, SuiteContext, SuiteDraft

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

COUNTS = (
    "evaluation_count",
    "needing_coaching_count",
    "coached_count",
    "uncoached_count",
    "pending_count",
)
# A median of fewer evaluations moves with each of them.
ENOUGH_EVALUATIONS = 10
# Three teams have a middle; the sampling error in the tolerance does the rest.
FOLLOWED_TEAMS = 3


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds medians of teams with enough evaluations, and needs that no outcome accounts for."""
    enough = frame["evaluation_count"] >= ENOUGH_EVALUATIONS
    followed = frame["coached_count"] + frame["uncoached_count"] + frame["pending_count"]
    return frame.assign(
        hours_of_teams=frame["median_hours_to_evaluation"].astype("float64").where(enough),
        unaccounted=(frame["needing_coaching_count"] - followed).astype("float64"),
    )


READING = Reading(
    columns=(
        "team_id",
        "period_month",
        *COUNTS,
        "median_hours_to_evaluation",
        "p90_hours_to_evaluation",
        "median_hours_to_coaching",
        "p90_hours_to_coaching",
        "vintage",
        "as_of",
        "release_id",
    ),
    statistics=("hours_of_teams", "evaluation_count"),
    prepare=_prepare,
    due="no_month",
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one month."""
    from great_expectations import expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    draft = SuiteDraft(context)

    # A second row of a team would be averaged into it.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["team_id", "period_month"],
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
        draft.add(
            f"{column}_not_negative",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
        )
    # Each evaluation that calls for coaching is coached, not coached or waiting: none is forgotten.
    draft.add(
        "every_need_has_an_outcome",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="unaccounted",
        min_value=0,
        max_value=0,
    )
    # Feedback needs work and an evaluation to exist first. Three months from the work to its
    # evaluation is a backlog nobody learns from; it is told, not stopped.
    draft.add(
        "hours_to_evaluation_not_negative",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="median_hours_to_evaluation",
        min_value=0,
    )
    draft.add(
        "evaluated_within_three_months",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        column="p90_hours_to_evaluation",
        max_value=92 * 24,
    )
    # Sessions later than 60 days do not count as coaching on the evaluation.
    for column in ("median_hours_to_coaching", "p90_hours_to_coaching"):
        draft.add(
            f"{column}_within_60_days",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
            max_value=60 * 24,
        )
    # The slow end lies above the middle, or the two were computed from other rows.
    for what in ("evaluation", "coaching"):
        draft.add(
            f"slow_end_above_the_middle_to_{what}",
            "critical",
            gxe.ExpectColumnPairValuesAToBeGreaterThanB,
            column_A=f"p90_hours_to_{what}",
            column_B=f"median_hours_to_{what}",
            or_equal=True,
            ignore_row_if="either_value_is_missing",
        )
    # Only what was evaluated can call for coaching.
    draft.add(
        "needs_among_evaluations",
        "critical",
        gxe.ExpectColumnPairValuesAToBeGreaterThanB,
        column_A="evaluation_count",
        column_B="needing_coaching_count",
        or_equal=True,
        ignore_row_if="either_value_is_missing",
    )
    # Without evaluations nothing was waited for; 0 hours would be read as very fast.
    draft.add(
        "no_hours_without_evaluations",
        "critical",
        gxe.ExpectColumnValuesToBeNull,
        column="median_hours_to_evaluation",
        row_condition=Column("evaluation_count") == 0,
    )
    draft.add(
        "hours_where_there_are_evaluations",
        "critical",
        gxe.ExpectColumnValuesToNotBeNull,
        column="median_hours_to_evaluation",
        row_condition=Column("evaluation_count") > 0,
    )

    # Teams come and go slower than people: half of them gone or nearly twice as many within a month
    # is a join that lost or doubled them, or a reorganisation that somebody has to announce.
    draft.compare(
        "row_count_against_history",
        "critical",
        gxe.ExpectTableRowCountToBeBetween,
        context.rows_between(0.51, 1.8),
    )
    # A team that has people in the scorecard needs its own row here, evaluated or not.
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
    # Evaluators come and go, and medians of teams scatter by a tenth or so; half as long or half
    # as long again for everybody is another unit or another zone.
    draft.compare(
        "hours_to_evaluation_against_history",
        "critical",
        gxe.ExpectColumnMeanToBeBetween,
        context.mean_between(
            "hours_of_teams",
            spreads=6,
            floor=0.35,
            cap=0.6,
            minimum_values=FOLLOWED_TEAMS,
            is_relative=True,
        ),
        column="hours_of_teams",
    )
    # How much is evaluated is for people to decide; a third or three times of it is worth a look.
    draft.compare(
        "evaluations_near_history",
        "warning",
        gxe.ExpectColumnSumToBeBetween,
        context.total_between("evaluation_count", 0.33, 3),
        column="evaluation_count",
    )

    # Every month from the first to the last has teams.
    draft.add(
        "no_month_is_missing",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        scope="calendar",
        column="rows",
        min_value=1,
    )
    # Corrections of assignments may add or remove a small team; a fifth of a published month does
    # not appear or vanish by them, and a published month is never lost.
    draft.compare(
        "published_months_are_kept",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        context.against_previous_release(0.8, 1.25),
        scope="calendar",
        column="rows_kept",
    )
    return draft.finish()
