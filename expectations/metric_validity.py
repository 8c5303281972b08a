"""What `metric_validity` must look like: whether qa_score goes along with what customers do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.context import TIERS, VINTAGES, Exactly, Reading, SuiteContext, SuiteDraft

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

PAIRS = ("qa_score:csat", "qa_score:fcr_rate", "qa_score:repeat_contact_rate")
INTERPRETATIONS = ("as_expected", "no_relation", "contradicts")
MINIMUM_AGENTS = 4
# Below so many agents a correlation may be anything, from one month to the next.
FOLLOWED_AGENTS = 30


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds distances to interval ends, and agents as numbers to follow."""
    return frame.assign(
        above_lower=frame["rank_correlation"] - frame["interval_lower"],
        below_upper=frame["interval_upper"] - frame["rank_correlation"],
        agents=frame["n"].astype("float64"),
        contradicts=(frame["interpretation"] == "contradicts").astype("int64"),
    )


READING = Reading(
    columns=(
        "metric_pair",
        "tier",
        "period_month",
        "n",
        "rank_correlation",
        "interval_lower",
        "interval_upper",
        "expected_relation",
        "interpretation",
        "vintage",
        "as_of",
        "release_id",
    ),
    statistics=("agents",),
    distinct={"tiers": ("tier",)},
    prepare=_prepare,
    due="no_month",
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one month."""
    from great_expectations import expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    draft = SuiteDraft(context)

    # A second row shows a pair two correlations.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["metric_pair", "tier", "period_month"],
    )
    for column, allowed in (
        ("metric_pair", PAIRS),
        ("tier", TIERS),
        ("interpretation", INTERPRETATIONS),
        ("expected_relation", ("positive", "negative")),
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
    for column in ("rank_correlation", "interval_lower", "interval_upper"):
        # Nothing correlates more than perfectly.
        draft.add(
            f"{column}_between_minus_1_and_1",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=-1,
            max_value=1,
        )
    # An interval that does not hold its own estimate was made of other agents.
    for column in ("above_lower", "below_upper"):
        draft.add(
            f"correlation_{column}",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
        )
    # Counts of agents.
    draft.add(
        "n_not_negative",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="n",
        min_value=0,
    )
    # Three agents can only be in order or not: that is no correlation.
    draft.add(
        "correlation_is_null_for_few_agents",
        "critical",
        gxe.ExpectColumnValuesToBeNull,
        column="rank_correlation",
        row_condition=Column("n") < MINIMUM_AGENTS,
    )
    # So many agents are never all alike, so the correlation must be there.
    draft.add(
        "correlation_is_there_for_many_agents",
        "critical",
        gxe.ExpectColumnValuesToNotBeNull,
        column="rank_correlation",
        row_condition=Column("n") >= FOLLOWED_AGENTS,
    )
    # A form that rates high what customers are unhappy with has to be looked at before anybody is
    # coached by it. No reason to hold the release back: it is what the release has to tell.
    draft.add(
        "no_pair_contradicts",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        column="contradicts",
        max_value=0,
    )

    # Every tier has every pair, measured or not: a missing row looks like a question nobody asked.
    draft.compare(
        "all_pairs_of_every_tier",
        "critical",
        gxe.ExpectTableRowCountToEqual,
        Exactly(len(PAIRS) * context.distinct.get("tiers", 0)),
        is_liftable=False,
    )
    # Six months roll into each row, so the number of agents with a sample moves slowly; half of
    # them at once is a lost metric or tier. Growth is that of the first months of a history.
    draft.compare(
        "agents_not_lost",
        "critical",
        gxe.ExpectColumnSumToBeBetween,
        context.total_between("agents", 0.51, None),
        column="agents",
    )

    # Every month from the first to the last has tiers.
    draft.add(
        "no_month_is_missing",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        scope="calendar",
        column="rows",
        min_value=1,
    )
    # A correction may take away a tier of a few people; half of the rows of a published month stay.
    draft.compare(
        "published_months_are_kept",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        context.against_previous_release(0.5, 2),
        scope="calendar",
        column="rows_kept",
    )
    return draft.finish()
