"""What `team_scorecard` must look like: capacity, queue, volume and people of a team and month."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.context import (
    VINTAGES,
    Limits,
    NotAssessed,
    Reading,
    SuiteContext,
    SuiteDraft,
)

if TYPE_CHECKING:
    import great_expectations as gx

SHARES = ("occupancy", "csat", "score_coverage")
COUNTS = (
    "opened",
    "solved",
    "backlog_end",
    "backlog_over_7_days",
    "volume_handled",
    "voluntary_leavers",
    "coaching_sessions",
    "one_on_ones",
    "development_conversations",
    "trainings_completed",
)
HOURS = ("scheduled_hours", "productive_hours", "handling_hours", "unplanned_absence_hours")
# Each of these comes from a raw table of its own; a month of 0 where the months before had plenty
# is a table that was not delivered.
NOT_LOST = ("scheduled_hours", "productive_hours", "volume_handled", "solved", "opened")
# Three teams have a middle; the sampling error in the tolerance does the rest.
FOLLOWED_TEAMS = 3

READING = Reading(
    columns=(
        "team_id",
        "period_month",
        *HOURS,
        "coverage",
        *SHARES,
        *COUNTS,
        "volume_forecast",
        "forecast_days",
        "forecast_error",
        "csat_change",
        "headcount",
        "voluntary_attrition_annualised",
        "unplanned_absence_rate",
        "coaching_per_agent",
        "overall_score",
        "vintage",
        "as_of",
        "release_id",
    ),
    statistics=(*NOT_LOST, "occupancy", "overall_score", "headcount", "backlog_end"),
)


def when_ended(context: SuiteContext, limits: Limits) -> Limits:
    """The limits, for months that are complete."""
    if context.month_has_ended:
        return limits
    return NotAssessed("the month has not ended, so its figures are not complete")


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one month."""
    from great_expectations import expectations as gxe

    draft = SuiteDraft(context)

    # A second row of a team doubles it in every sum over teams.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["team_id", "period_month"],
    )
    # Readers filter by this word; another one makes rows invisible to them.
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
    for column in SHARES:
        # Parts of a whole: handling of productive time, positive of all answers, weights of 1.
        draft.add(
            f"{column}_between_0_and_1",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
            max_value=1,
        )
    # The difference of two shares.
    draft.add(
        "csat_change_between_minus_1_and_1",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="csat_change",
        min_value=-1,
        max_value=1,
    )
    draft.add(
        "overall_score_between_0_and_100",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="overall_score",
        min_value=0,
        max_value=100,
    )
    for column in (*COUNTS, *HOURS, "coverage", "unplanned_absence_rate", "coaching_per_agent"):
        # Counted or added up from what cannot be negative.
        draft.add(
            f"{column}_not_negative",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
        )
    # Old tickets are some of the open ones.
    draft.add(
        "old_backlog_within_the_backlog",
        "critical",
        gxe.ExpectColumnPairValuesAToBeGreaterThanB,
        column_A="backlog_end",
        column_B="backlog_over_7_days",
        or_equal=True,
    )
    # A row exists because somebody was in the team on one day at least; a team of 500 is none.
    draft.add(
        "headcount_above_0_and_below_500",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="headcount",
        min_value=0,
        max_value=500,
        strict_min=True,
    )
    draft.add(
        "forecast_days_fit_a_month",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="forecast_days",
        min_value=0,
        max_value=31,
    )
    # Nothing at all against a forecast is -1. Six times the forecast is another unit: a month's
    # forecast on one day, or hours for contacts.
    draft.add(
        "forecast_error_between_minus_1_and_5",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="forecast_error",
        min_value=-1,
        max_value=5,
    )
    # Forecasts worth staffing by miss a month by less than half; one team may fail.
    draft.add(
        "forecasts_are_usable",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        column="forecast_error",
        min_value=-0.5,
        max_value=0.5,
        mostly=0.9,
    )
    # Overtime makes coverage exceed 1, by a tenth or two. Half as much again is missing schedules,
    # half of the schedule is missing agent states (or agents).
    draft.add(
        "coverage_between_0.5_and_1.5",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        column="coverage",
        min_value=0.5,
        max_value=1.5,
        mostly=0.9,
    )
    # Illness takes 3 to 10 % of the hours; a third of them is an epidemic or a wrong kind.
    draft.add(
        "unplanned_absence_below_a_third",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        column="unplanned_absence_rate",
        max_value=0.33,
        mostly=0.95,
    )
    # More than a whole team leaving twelve times a year is a wrong date, not attrition. A leaver in
    # the first days of a month of a small team looks like that, hence no more than a warning.
    draft.add(
        "attrition_is_plausible",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        column="voluntary_attrition_annualised",
        min_value=0,
        max_value=12,
        mostly=0.95,
    )

    # Teams come and go slower than people; see team_metrics.
    draft.compare(
        "row_count_against_history",
        "critical",
        gxe.ExpectTableRowCountToBeBetween,
        context.rows_between(0.51, 1.8),
    )
    # A team that has people in the scorecard needs its own row here, whatever it did in the month.
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
    for column in NOT_LOST:
        draft.compare(
            f"{column}_not_lost",
            "critical",
            gxe.ExpectColumnSumToBeBetween,
            context.total_not_lost(column),
            column=column,
        )
    # Headcount is the roster's, day by day: the company neither halves nor doubles in a month.
    draft.compare(
        "headcount_against_history",
        "critical",
        gxe.ExpectColumnSumToBeBetween,
        when_ended(context, context.total_between("headcount", 0.51, 1.8, minimum_median=10)),
        column="headcount",
    )
    # Occupancy follows volume and staffing by some points a month; .15 for all teams at once is a
    # state that changed its meaning in the state map.
    draft.compare(
        "mean_occupancy_against_history",
        "critical",
        gxe.ExpectColumnMeanToBeBetween,
        when_ended(
            context,
            context.mean_between(
                "occupancy", spreads=6, floor=0.06, cap=0.15, minimum_values=FOLLOWED_TEAMS
            ),
        ),
        column="occupancy",
    )
    # Sums of a team scatter less than one agent's: 2 points a month. 12 for all teams at once is a
    # metric that got lost or was turned round; a new scorecard announces its step by an override.
    draft.compare(
        "mean_overall_score_against_history",
        "critical",
        gxe.ExpectColumnMeanToBeBetween,
        when_ended(
            context,
            context.mean_between(
                "overall_score", spreads=6, floor=4, cap=12, minimum_values=FOLLOWED_TEAMS
            ),
        ),
        column="overall_score",
    )
    # Backlogs grow and are worked off; five times the usual, or a fifth, is worth a look at the
    # solve and reopen events before it is worth one at the teams.
    draft.compare(
        "backlog_near_history",
        "warning",
        gxe.ExpectColumnSumToBeBetween,
        context.total_between("backlog_end", 0.2, 5),
        column="backlog_end",
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
