"""What `team_leverage` must look like: what would lift a team most, per month that has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.context import LARGE_TEAM, VINTAGES, Reading, SuiteContext, SuiteDraft

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

CHANGES = ("change_if_middle_moves_up", "change_if_lowest_two_reach_target")
FOLLOWED_TEAMS = 3


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds the score after each change, and figures of teams large enough to have a middle."""
    is_large = frame["agents"] >= LARGE_TEAM
    columns = {f"score_after_{name}": frame["mean_overall_score"] + frame[name] for name in CHANGES}
    return frame.assign(
        **columns,
        score_of_teams=frame["mean_overall_score"].astype("float64").where(is_large),
        share_of_middle=(frame["middle_agents"] / frame["agents"].where(is_large)),
    )


READING = Reading(
    columns=(
        "team_id",
        "period_month",
        "agents",
        "middle_agents",
        "developing_agents",
        "lower_strong_agents",
        "lowest_agents",
        "mean_overall_score",
        "points_of_middle",
        "points_of_lowest_two",
        *CHANGES,
        "vintage",
        "as_of",
        "release_id",
    ),
    statistics=("agents", "score_of_teams", "share_of_middle"),
    prepare=_prepare,
    # The running month has no bands yet, and so no rows.
    restricted_by_change=False,
    due="no_month",
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one month."""
    from great_expectations import expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    draft = SuiteDraft(context)

    # Two answers to one question about one team.
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
    for column in ("mean_overall_score", *(f"score_after_{name}" for name in CHANGES)):
        # Scores are 0 to 100, before and after what is imagined; a hair is left for rounding.
        draft.add(
            f"{column}_between_0_and_100",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
            max_value=100.00001,
        )
    for column in CHANGES:
        # Both levers lift or leave; a negative one is a score that was ranked the wrong way round.
        draft.add(
            f"{column}_not_negative",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
        )
        # A question with agents has an answer, one without has none.
        draft.add(
            f"{column}_is_there_with_agents",
            "critical",
            gxe.ExpectColumnValuesToNotBeNull,
            column=column,
            row_condition=Column("agents") > 0,
        )
        draft.add(
            f"{column}_is_null_without_agents",
            "critical",
            gxe.ExpectColumnValuesToBeNull,
            column=column,
            row_condition=Column("agents") == 0,
        )
    draft.add(
        "lowest_agents_are_two_at_most",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="lowest_agents",
        min_value=0,
        max_value=2,
    )
    # The middle is some of the rated agents.
    draft.add(
        "middle_within_the_agents",
        "critical",
        gxe.ExpectColumnPairValuesAToBeGreaterThanB,
        column_A="agents",
        column_B="middle_agents",
        or_equal=True,
    )
    # Five percentile points are some tenths of a point up to a few. 10 for a whole team means that
    # its tier has hardly anybody to compare with.
    draft.add(
        "change_if_middle_moves_up_below_10",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        column="change_if_middle_moves_up",
        max_value=10,
        mostly=0.9,
    )

    draft.compare(
        "row_count_against_history",
        "critical",
        gxe.ExpectTableRowCountToBeBetween,
        context.rows_between(0.51, 1.8),
    )
    # A team with people in the scorecard is asked about, rated or not.
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
    # Most agents are rated each month; if half of them are not, a raw table is missing. In the
    # first months of the data many become rated at once; three times as many are counted doubly.
    draft.compare(
        "rated_agents_against_history",
        "critical",
        gxe.ExpectColumnSumToBeBetween,
        context.total_between("agents", 0.51, 3, minimum_median=10),
        column="agents",
    )
    # Quarters overlap, so their scores move slowly: a point or two a month.
    draft.compare(
        "mean_score_against_history",
        "critical",
        gxe.ExpectColumnMeanToBeBetween,
        context.mean_between(
            "score_of_teams", spreads=6, floor=4, cap=12, minimum_values=FOLLOWED_TEAMS
        ),
        column="score_of_teams",
    )
    # Bands move whole groups only when rules or targets change, and then somebody knows why. The
    # first quarters have a month or two, which moves a quarter of the agents.
    draft.compare(
        "share_of_middle_near_history",
        "warning",
        gxe.ExpectColumnMeanToBeBetween,
        context.mean_between(
            "share_of_middle", spreads=6, floor=0.3, cap=0.4, minimum_values=FOLLOWED_TEAMS
        ),
        column="share_of_middle",
    )

    # Every month from the first to the last that has ended has teams.
    draft.add(
        "no_month_is_missing",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        scope="calendar",
        column="rows",
        min_value=1,
    )
    # Corrections of assignments may add or remove a small team, not a fifth of a published month.
    draft.compare(
        "published_months_are_kept",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        context.against_previous_release(0.8, 1.25),
        scope="calendar",
        column="rows_kept",
    )
    return draft.finish()
