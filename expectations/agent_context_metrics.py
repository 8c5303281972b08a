"""What `agent_context_metrics` must look like: figures shown beside the score, never scored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.context import VINTAGES, Reading, SuiteContext, SuiteDraft, values_of

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

METRICS = (
    "csat_average",
    "response_rate",
    "reopen_rate",
    "occupancy",
    "conformance",
    "contacts_handled",
    "average_handle_seconds",
    "tenure_days",
    "training_late",
    "disputed_evaluations",
)
# conformance is not among them: who works longer than scheduled has more than 1.
SHARES = ("response_rate", "reopen_rate", "occupancy")


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds the followed metrics' values as columns of their own, null in the rows of others."""
    return frame.assign(
        average_handle_seconds=values_of(frame, "value", metric="average_handle_seconds"),
        contacts_handled=values_of(frame, "value", metric="contacts_handled"),
    )


READING = Reading(
    columns=(
        "agent_id",
        "period_month",
        "metric",
        "numerator",
        "denominator",
        "value",
        "vintage",
        "as_of",
        "release_id",
    ),
    statistics=("average_handle_seconds", "contacts_handled"),
    prepare=_prepare,
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one month."""
    from great_expectations import expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    draft = SuiteDraft(context)
    metric = Column("metric")

    # A doubled row shows an agent two values for one figure.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["agent_id", "period_month", "metric"],
    )
    for column, allowed in (("metric", METRICS), ("vintage", VINTAGES)):
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
    # Parts of a whole: answered of sent, reopened of solved, handling of available or handling.
    draft.add(
        "shares_between_0_and_1",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="value",
        min_value=0,
        max_value=1,
        row_condition=metric.is_in(SHARES),
    )
    # Rescaled to five stars; 0 exists only for scales that start there.
    draft.add(
        "csat_average_between_0_and_5",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="value",
        min_value=0,
        max_value=5,
        row_condition=metric == "csat_average",
    )
    # Handle time is capped at four hours per contact (handle_cap_seconds), so its mean is too.
    draft.add(
        "average_handle_seconds_within_the_cap",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="value",
        min_value=0,
        max_value=14_400,
        row_condition=metric == "average_handle_seconds",
    )
    # Overtime and shift swaps bring work beyond the schedule, but twice the scheduled hours over a
    # month happens to few (who is scheduled for a day or two). If it happens to more than one in
    # twenty, schedules are missing.
    draft.add(
        "conformance_below_2",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        column="value",
        max_value=2,
        mostly=0.95,
        row_condition=metric == "conformance",
    )
    # 400 contacts on each of 25 working days: more than any person, few bots.
    draft.add(
        "contacts_handled_below_10000",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="value",
        max_value=10_000,
        row_condition=metric == "contacts_handled",
    )
    # Tenure alone may be negative, by a typing error in the roster, which agent_scorecard reports.
    draft.add(
        "value_not_negative",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="value",
        min_value=0,
        row_condition=metric != "tenure_days",
    )
    # Half a century, as for agent_scorecard.
    draft.add(
        "tenure_is_plausible",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        column="value",
        min_value=0,
        max_value=50 * 366,
        row_condition=metric == "tenure_days",
    )
    # 0 of 0 is unknown, never 0. Counts may have no denominator at all, hence only 0 here.
    draft.add(
        "value_is_null_when_not_measurable",
        "critical",
        gxe.ExpectColumnValuesToBeNull,
        column="value",
        row_condition=Column("denominator") == 0,
    )
    # A measured value must not get lost.
    draft.add(
        "value_is_there_when_measurable",
        "critical",
        gxe.ExpectColumnValuesToNotBeNull,
        column="value",
        row_condition=Column("denominator") > 0,
    )

    # The roster decides the number of rows. Half of a company does not leave, nor does it nearly
    # double, from one month to the next; a join that doubles rows gives 2.0, a lost half 0.5.
    draft.compare(
        "row_count_against_history",
        "critical",
        gxe.ExpectTableRowCountToBeBetween,
        context.rows_between(0.51, 1.8),
    )
    # Everybody with a scorecard has context: it has no team column, so a lost team shows as lost
    # agents.
    draft.compare(
        "every_agent_of_the_scorecard_appears",
        "critical",
        gxe.ExpectColumnUniqueValueCountToBeBetween,
        context.agents_exactly(),
        column="agent_id",
        is_liftable=False,
    )
    # All ten figures are there, even where nobody has a value yet.
    draft.add(
        "all_metrics_appear",
        "critical",
        gxe.ExpectColumnDistinctValuesToContainSet,
        scope="month",
        column="metric",
        value_set=list(METRICS),
    )
    # Handle time follows the mix of contacts and moves by some per cent a month. 40 % for everybody
    # is a changed unit or a channel that stopped sending its seconds.
    draft.compare(
        "mean_handle_seconds_against_history",
        "critical",
        gxe.ExpectColumnMeanToBeBetween,
        context.mean_between(
            "average_handle_seconds", spreads=6, floor=0.15, cap=0.4, is_relative=True
        ),
        column="average_handle_seconds",
    )
    # Half or double the contacts of a usual month happens (a launch, an outage) and is judged day
    # by day on the raw rows, which blocks; here it is said for the reader's sake.
    draft.compare(
        "contacts_handled_near_history",
        "warning",
        gxe.ExpectColumnSumToBeBetween,
        context.total_between("contacts_handled", 0.5, 2),
        column="contacts_handled",
    )

    # Every month from the first to the last has agents.
    draft.add(
        "no_month_is_missing",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        scope="calendar",
        column="rows",
        min_value=1,
    )
    # Late corrections add or remove single agent-months, not a fifth of a published month.
    draft.compare(
        "published_months_are_kept",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        context.against_previous_release(0.8, 1.25),
        scope="calendar",
        column="rows_kept",
    )
    return draft.finish()
