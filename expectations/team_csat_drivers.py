"""What `team_csat_drivers` must look like: what moved a team's satisfaction in a month."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.context import VINTAGES, NotAssessed, Reading, SuiteContext, SuiteDraft, values_of

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

DRIVER_KINDS = ("agent", "contact_type")
# Contributions are published in millionths; half of one is left for binary noise.
EXACT = 0.0000005


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds what the drivers of a team, month and kind leave unexplained, and answers by kind."""
    group = frame.groupby(["team_id", "period_month", "driver_kind"])["contribution"]
    return frame.assign(
        unexplained=frame["csat_change"] - group.transform("sum"),
        answers_of_both_months=frame["responses"] + frame["responses_before"],
        answers_by_agent=values_of(frame, "responses", driver_kind="agent"),
        size_of_contribution=frame["contribution"].abs(),
    )


READING = Reading(
    columns=(
        "team_id",
        "period_month",
        "driver_kind",
        "driver",
        "responses_before",
        "responses",
        "rate_effect",
        "mix_effect",
        "contribution",
        "csat_change",
        "vintage",
        "as_of",
        "release_id",
    ),
    statistics=("answers_by_agent", "size_of_contribution"),
    prepare=_prepare,
    # The first month has no month before it, and a month may have no answers.
    restricted_by_change=False,
    due="no_month",
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one month."""
    from great_expectations import expectations as gxe

    draft = SuiteDraft(context)

    # A doubled driver explains the change twice.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["team_id", "period_month", "driver_kind", "driver"],
    )
    for column, allowed in (("driver_kind", DRIVER_KINDS), ("vintage", VINTAGES)):
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
    for column in ("rate_effect", "mix_effect", "contribution", "csat_change"):
        # Shares times differences of rates: none can move a rate by more than all of it.
        draft.add(
            f"{column}_between_minus_1_and_1",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=-1,
            max_value=1,
        )
    # The file as a whole is judged, not only the table dbt has tested: one lost driver shows here.
    draft.add(
        "contributions_sum_to_the_change",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="unexplained",
        min_value=-EXACT,
        max_value=EXACT,
    )
    for column in ("responses", "responses_before"):
        draft.add(
            f"{column}_not_negative",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
        )
    # A driver without an answer in either month is none.
    draft.add(
        "every_driver_has_an_answer",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="answers_of_both_months",
        min_value=1,
    )
    # Where ten agents and as many contact types share the answers, few move the rate by a fifth.
    draft.add(
        "most_contributions_are_small",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        column="contribution",
        min_value=-0.2,
        max_value=0.2,
        mostly=0.9,
    )
    # Both explanations are of the same change, so a month has both or none.
    draft.add(
        "both_kinds_of_driver_appear",
        "critical",
        gxe.ExpectColumnDistinctValuesToContainSet,
        scope="month",
        column="driver_kind",
        value_set=list(DRIVER_KINDS),
    )
    # Drivers are the agents and contact types with answers: as stable as those. In the first days
    # of a month some teams have no answer yet and so no change.
    draft.compare(
        "row_count_against_history",
        "critical",
        gxe.ExpectTableRowCountToBeBetween,
        context.rows_between(0.4 if context.month_has_ended else 0, 2),
    )
    draft.compare(
        "answers_not_lost",
        "critical",
        gxe.ExpectColumnSumToBeBetween,
        context.total_not_lost("answers_by_agent"),
        column="answers_by_agent",
    )
    # How much a single driver weighs depends on how many there are and on how much rates scatter:
    # within a factor of two the same each month. Three times is another scale of the answers.
    draft.compare(
        "size_of_contributions_against_history",
        "critical",
        gxe.ExpectColumnMeanToBeBetween,
        context.mean_between("size_of_contribution", spreads=6, floor=0.8, cap=2, is_relative=True)
        if context.month_has_ended
        else NotAssessed("the month has not ended, so its rates rest on few answers"),
        column="size_of_contribution",
    )

    # Answers come every month; a small company may have one without.
    draft.add(
        "no_month_is_missing",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        scope="calendar",
        column="rows",
        min_value=1,
    )
    # Late answers add drivers, corrections move them; a quarter of a published month does
    # not vanish by them. No upper end: the running month fills up from release to release.
    draft.compare(
        "published_months_are_kept",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        context.against_previous_release(0.75, None),
        scope="calendar",
        column="rows_kept",
    )
    return draft.finish()
