"""What `performance_bands` must look like: one band per agent and month that has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.context import TIERS, VINTAGES, Reading, SuiteContext, SuiteDraft

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

BANDS = ("exceptional", "strong", "developing", "below_expectations", "not_rated")
RULES = ("not_rated", "critical_gate", "exceptional", "strong", "trajectory", "developing")
TRAJECTORIES = ("improving", "flat", "declining", "new")
CONFIDENCES = ("band_grade", "indicative", "insufficient")
# Shares of bands among fewer people jump by whole tenths from month to month.
ENOUGH_AGENTS = 30


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds 1 or 0 for rated or not and, among the rated, for the bands whose share is followed.

    Below expectations mostly comes of a trajectory, so only those who have one count for it.
    """
    is_rated = frame["band"] != "not_rated"
    has_course = is_rated & (frame["trajectory"] != "new")
    return frame.assign(
        is_rated=is_rated.astype("float64"),
        is_below=(frame["band"] == "below_expectations").astype("float64").where(has_course),
        is_top=frame["band"].isin(["exceptional", "strong"]).astype("float64").where(is_rated),
    )


READING = Reading(
    columns=(
        "agent_id",
        "period_month",
        "team_id",
        "tier",
        "band",
        "previous_band",
        "months_in_band",
        "trajectory",
        "slope",
        "mann_kendall_p",
        "confidence",
        "deciding_rule",
        "explanation",
        "nearest_change",
        "vintage",
        "as_of",
        "release_id",
    ),
    statistics=("is_rated", "is_below", "is_top"),
    prepare=_prepare,
    due="ended_months",
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one month."""
    from great_expectations import expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    draft = SuiteDraft(context)
    band = Column("band")

    # Two bands for one person and month: nobody could tell which one was meant.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["agent_id", "period_month"],
    )
    for column, allowed in (
        ("band", BANDS),
        ("previous_band", BANDS),
        ("deciding_rule", RULES),
        ("trajectory", TRAJECTORIES),
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
    # Rows of two releases in one mart mean that an incremental month was not rebuilt.
    draft.add(
        "one_release",
        "critical",
        gxe.ExpectColumnUniqueValueCountToBeBetween,
        column="release_id",
        min_value=1,
        max_value=1,
    )
    # Each band is explained to the person it is about: a sentence, neither empty nor a page.
    draft.add(
        "explanation_is_a_sentence",
        "critical",
        gxe.ExpectColumnValueLengthsToBeBetween,
        column="explanation",
        min_value=15,
        max_value=900,
    )
    draft.add(
        "explanation_is_there",
        "critical",
        gxe.ExpectColumnValuesToNotBeNull,
        column="explanation",
    )
    # Only the top has nothing above it. A hint may be missing in rare cases, not as a rule.
    draft.add(
        "nearest_change_is_told",
        "warning",
        gxe.ExpectColumnValuesToNotBeNull,
        column="nearest_change",
        mostly=0.99,
        row_condition=band != "exceptional",
    )
    # Scores run from 0 to 100 over at least four steps of a month, so no slope is beyond 25.
    draft.add(
        "slope_between_minus_25_and_25",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="slope",
        min_value=-25,
        max_value=25,
    )
    draft.add(
        "mann_kendall_p_between_0_and_1",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="mann_kendall_p",
        min_value=0,
        max_value=1,
    )
    # The month itself is the first; half a century is more than anybody stays in a band.
    draft.add(
        "months_in_band_from_1",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="months_in_band",
        min_value=1,
        max_value=600,
    )
    # A course is shown for everybody who is rated, and for nobody else.
    draft.add(
        "trajectory_of_every_rated_agent",
        "critical",
        gxe.ExpectColumnValuesToNotBeNull,
        column="trajectory",
        row_condition=band != "not_rated",
    )
    draft.add(
        "no_trajectory_without_rating",
        "critical",
        gxe.ExpectColumnValuesToBeNull,
        column="trajectory",
        row_condition=band == "not_rated",
    )

    # Everybody with a scorecard in a month that has ended has a band, be it not_rated.
    draft.compare(
        "every_agent_of_the_scorecard_appears",
        "critical",
        gxe.ExpectColumnUniqueValueCountToBeBetween,
        context.agents_of_ended_month(),
        column="agent_id",
        is_liftable=False,
    )
    # Ratings come and go with tenure and leave, and begin when data does: more is no fault. A tenth
    # of a company that is not rated any more has lost an input, half the surveys, say.
    draft.compare(
        "share_rated_against_history",
        "critical",
        gxe.ExpectColumnMeanToBeBetween,
        context.mean_at_least(
            "is_rated", spreads=6, floor=0.1, cap=0.25, minimum_values=ENOUGH_AGENTS
        ),
        column="is_rated",
    )
    for name, told in (("is_below", "below_expectations"), ("is_top", "strong_or_better")):
        # Bands rest on a quarter, so a month moves a tenth or so of the rated. Beyond a quarter a
        # target, a weight or an input changed, which somebody has to announce.
        draft.compare(
            f"share_{told}_against_history",
            "critical",
            gxe.ExpectColumnMeanToBeBetween,
            context.mean_between(
                name, spreads=6, floor=0.12, cap=0.3, minimum_values=ENOUGH_AGENTS
            ),
            column=name,
        )
    # Every ended month from the first to the last has bands.
    draft.add(
        "no_month_is_missing",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        scope="calendar",
        column="rows",
        min_value=1,
    )
    # Corrections of the roster add or remove single agents, not a fifth of a published month.
    draft.compare(
        "published_months_are_kept",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        context.against_previous_release(0.8, 1.25),
        scope="calendar",
        column="rows_kept",
    )
    return draft.finish()
