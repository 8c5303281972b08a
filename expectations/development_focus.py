"""What `development_focus` must look like: up to five things to work on per agent and month."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.context import (
    METRICS,
    TIERS,
    VINTAGES,
    Between,
    Limits,
    Reading,
    SuiteContext,
    SuiteDraft,
)

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

GAP_KINDS = ("sub_dimension", "contact_type", "metric")


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds 1 or 0 for the first row of an agent."""
    return frame.assign(is_first=(frame["rank"] == 1).astype("float64"))


READING = Reading(
    columns=(
        "agent_id",
        "period_month",
        "rank",
        "tier",
        "gap_kind",
        "subject",
        "metric",
        "own_value",
        "peer_value",
        "gap",
        "points_at_stake",
        "sample_size",
        "suggested_focus",
        "vintage",
        "as_of",
        "release_id",
    ),
    statistics=("points_at_stake",),
    distinct={"agents": ("agent_id",)},
    prepare=_prepare,
    # A row rests on a quarter, so a changed month changes two later ones too, and the running month
    # has none: the months a run changes do not select the months to judge.
    restricted_by_change=False,
    due="no_month",
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one month."""
    from great_expectations import expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    draft = SuiteDraft(context)
    metric, kind = Column("metric"), Column("gap_kind")

    # Two rows of one rank: nobody could tell which comes first.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["agent_id", "period_month", "rank"],
    )
    # The same thing twice takes the place of another one.
    draft.add(
        "subject_appears_once",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["agent_id", "period_month", "metric", "subject"],
    )
    for column, allowed in (
        ("gap_kind", GAP_KINDS),
        ("metric", METRICS),
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
    # More than five is a list of faults, not a focus.
    draft.add(
        "rank_between_1_and_5",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="rank",
        min_value=1,
        max_value=5,
    )
    # Points of a score of 100; what is at stake is more than rounding.
    draft.add(
        "points_at_stake_between_0.01_and_100",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="points_at_stake",
        min_value=0.01,
        max_value=100,
    )
    # Who is not behind is not told to catch up.
    draft.add(
        "gap_above_0",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="gap",
        min_value=0,
        strict_min=True,
    )
    for column in ("own_value", "peer_value"):
        # Parts of a whole, by contact type as over all of them.
        draft.add(
            f"shares_between_0_and_1_in_{column}",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
            max_value=1,
            row_condition=metric.is_in(["csat", "fcr_rate"]),
        )
        # Points of a hundred in a part of the evaluation form.
        draft.add(
            f"sub_dimension_between_0_and_100_in_{column}",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
            max_value=100,
            row_condition=kind == "sub_dimension",
        )
    # A row without advice leaves the agent with the number alone.
    draft.add(
        "suggested_focus_is_a_sentence",
        "critical",
        gxe.ExpectColumnValueLengthsToBeBetween,
        column="suggested_focus",
        min_value=20,
    )
    draft.add(
        "suggested_focus_is_there",
        "critical",
        gxe.ExpectColumnValuesToNotBeNull,
        column="suggested_focus",
    )

    # Every agent with rows has a first one; otherwise the most important thing was lost.
    draft.compare(
        "every_list_has_a_first",
        "critical",
        gxe.ExpectColumnSumToBeBetween,
        _one_each(context),
        column="is_first",
        is_liftable=False,
    )
    # Some agents join or leave, and strong ones have little to work on; half of all rows gone or
    # nearly twice as many is a lost input or a fan-out.
    draft.compare(
        "row_count_against_history",
        "critical",
        gxe.ExpectTableRowCountToBeBetween,
        context.rows_between(0.51, 1.8),
    )
    # About two points a row; a point more or less for everybody is another scorecard, which is
    # announced, or a metric that broke.
    draft.compare(
        "mean_points_at_stake_against_history",
        "critical",
        gxe.ExpectColumnMeanToBeBetween,
        context.mean_between("points_at_stake", spreads=6, floor=1, cap=2),
        column="points_at_stake",
    )

    # A small company may have a month in which nobody was measured enough.
    draft.add(
        "no_month_is_missing",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        scope="calendar",
        column="rows",
        min_value=1,
    )
    # Late evaluations and answers move single rows over a minimum sample, not a third of a month.
    # No upper end: the running month fills up from release to release.
    draft.compare(
        "published_months_are_kept",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        context.against_previous_release(0.7, None),
        scope="calendar",
        column="rows_kept",
    )
    return draft.finish()


def _one_each(context: SuiteContext) -> Limits:
    agents = context.distinct.get("agents", 0)
    return Between(agents, agents)
