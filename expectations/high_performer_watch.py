"""What `high_performer_watch` must look like: strong and exceptional agents by month."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.context import TIERS, VINTAGES, Reading, SuiteContext, SuiteDraft

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

CONDITIONS = 6
BANDS = ("exceptional", "strong")
# column: least, most
COUNTS = {
    "months_exceptional": (0, 12),
    "months_strong_or_better": (1, 6),
    "conditions_met_count": (0, CONDITIONS),
    "conditions_open_count": (0, CONDITIONS),
    "retention_signal_count": (0, 5),
    "recognition_count": (0, 5),
}


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds the number of conditions looked at, and tickets named beyond the count."""
    named = sum(
        frame[column].fillna("").astype(str).str.count("[^, ]+")
        for column in ("top_rating_and_qa_tickets", "hard_contact_tickets")
    )
    return frame.assign(
        conditions=(frame["conditions_met_count"] + frame["conditions_open_count"]).astype(
            "float64"
        ),
        unnamed_tickets=(frame["recognition_count"] - named).astype("float64"),
        signals=frame["retention_signal_count"].astype("float64"),
    )


READING = Reading(
    columns=(
        "agent_id",
        "period_month",
        "tier",
        "band",
        "is_ready_for_next_level",
        *COUNTS,
        "top_rating_and_qa_tickets",
        "hard_contact_tickets",
        "vintage",
        "as_of",
        "release_id",
    ),
    statistics=("signals",),
    prepare=_prepare,
    # Bands rest on a quarter, a month may have nobody, and the running month never has: the months
    # a run changes do not select the months to judge.
    restricted_by_change=False,
    due="no_month",
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one month."""
    from great_expectations import expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    draft = SuiteDraft(context)

    # A second row for an agent doubles them in every list of candidates.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["agent_id", "period_month"],
    )
    for column, allowed in (("band", BANDS), ("tier", TIERS), ("vintage", VINTAGES)):
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
    for column, (least, most) in COUNTS.items():
        # Months, conditions, signals and tickets are counted out of a fixed number.
        draft.add(
            f"{column}_between_{least}_and_{most}",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=least,
            max_value=most,
        )
    # A condition that is neither met nor open was not looked at, and nobody is told about it.
    draft.add(
        "every_condition_is_met_or_open",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="conditions",
        min_value=CONDITIONS,
        max_value=CONDITIONS,
    )
    # Who is called ready has nothing open: a promotion must not rest on a slip.
    draft.add(
        "ready_means_nothing_open",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="conditions_open_count",
        max_value=0,
        row_condition=Column("is_ready_for_next_level") == True,  # noqa: E712
    )
    # Praise without the ticket is not concrete.
    draft.add(
        "every_ticket_is_named",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="unnamed_tickets",
        min_value=0,
        max_value=0,
    )

    # A tenth to a third of the agents, more in good months; a third or three times of what was
    # usual is a fault in the bands or a lost join.
    draft.compare(
        "row_count_against_history",
        "critical",
        gxe.ExpectTableRowCountToBeBetween,
        context.rows_between(0.33, 3),
    )
    # Signals differ between people; one more for everybody means that conversations, goals or
    # occupancy did not arrive.
    draft.compare(
        "mean_signals_against_history",
        "critical",
        gxe.ExpectColumnMeanToBeBetween,
        context.mean_between("signals", spreads=6, floor=0.5, cap=0.9),
        column="signals",
    )

    # Late facts move single agents over a line, and the bands say why; half of a published list
    # does not vanish by them.
    draft.compare(
        "published_months_are_kept",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        context.against_previous_release(0.5, 2),
        scope="calendar",
        column="rows_kept",
    )
    return draft.finish()
