"""What `scorecard_vintages` must look like: closed figures, kept as they were published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.context import METRICS, Reading, SuiteContext, SuiteDraft

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

CAUSES = r"(late|corrected|deleted|config)(, (corrected|deleted))*"


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """A reason that is missing becomes an empty one, so that a pattern judges all."""
    return frame.assign(
        change_reason=frame["change_reason"].astype("object").fillna(""),
        is_explained=(frame["restated_because"].notna() == (frame["vintage_number"] > 1)),
    )


READING = Reading(
    columns=(
        "agent_id",
        "period_month",
        "metric",
        "vintage_number",
        "points",
        "overall_score",
        "change_reason",
        "restated_because",
        "vintage",
        "release_id",
    ),
    prepare=_prepare,
    due="no_month",
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one closed month."""
    from great_expectations import expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    draft = SuiteDraft(context)
    number = Column("vintage_number")

    # A second figure under one number would leave open which of them was published.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["agent_id", "period_month", "metric", "vintage_number"],
    )
    # A month nobody restated has one vintage; more than ten would mean that closing is not working.
    draft.add(
        "vintage_number_between_1_and_10",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="vintage_number",
        min_value=1,
        max_value=10,
    )
    for name, condition, label in (
        ("first_vintages_are_final", number == 1, "final"),
        ("later_vintages_are_restated", number > 1, "restated"),
    ):
        # Readers tell by this word whether a figure was changed after it was published.
        draft.add(
            name,
            "critical",
            gxe.ExpectColumnValuesToBeInSet,
            column="vintage",
            value_set=[label],
            row_condition=condition,
        )
    # Only scored metrics are published by vintage; another name joins nothing.
    draft.add(
        "metric_is_known",
        "critical",
        gxe.ExpectColumnValuesToBeInSet,
        column="metric",
        value_set=list(METRICS),
    )
    # Why a figure changed is read by people: anything else than these words explains nothing.
    draft.add(
        "change_reason_is_known",
        "critical",
        gxe.ExpectColumnValuesToMatchRegex,
        column="change_reason",
        regex=f"^({CAUSES})?$",
    )
    # What was published first replaces nothing, so it cannot have changed.
    draft.add(
        "first_vintages_have_no_change",
        "critical",
        gxe.ExpectColumnValuesToBeInSet,
        column="change_reason",
        value_set=[""],
        row_condition=number == 1,
    )
    # Nobody may change a closed month without saying why, and nobody has to say so otherwise.
    draft.add(
        "restatements_and_only_they_have_a_reason",
        "critical",
        gxe.ExpectColumnValuesToBeInSet,
        column="is_explained",
        value_set=[True],
    )
    for column in ("points", "overall_score"):
        # Points are shares of a score that ends at 100.
        draft.add(
            f"{column}_between_0_and_100",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
            max_value=100,
        )
    # Rows of two releases in one mart mean that closed months were taken over without being named.
    draft.add(
        "one_release",
        "critical",
        gxe.ExpectColumnUniqueValueCountToBeBetween,
        column="release_id",
        min_value=1,
        max_value=1,
    )
    return draft.finish()
