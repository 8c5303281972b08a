"""What `team_sla` must look like: targets kept and broken per team, month, severity and kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.context import (
    VINTAGES,
    Between,
    Limits,
    NotAssessed,
    Reading,
    SuiteContext,
    SuiteDraft,
    values_of,
)

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

TARGET_KINDS = ("first_reply", "resolution")
# With fewer tickets the attainment of a whole company scatters by more than it is allowed to move.
FOLLOWED_TICKETS = 300
# The share of a single row is worth a look from here on.
ROW_TICKETS = 30
# A team of average size is sure to have some of them.
TEAM_TICKETS = 50


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds sums of a row, the attainment of all teams by kind, and open tickets of ended months."""
    import pandas as pd

    judged = frame["met"] + frame["breached"]
    tickets = judged + frame["running"]
    columns = {
        "judged": judged,
        "tickets": tickets,
        "lowered_beyond_tickets": frame["severity_lowered"] - tickets,
        "lowered_share": (frame["severity_lowered"] / tickets).where(tickets >= ROW_TICKETS),
    }
    # A day's grace: the local month of a team begins up to a day before or after the UTC one.
    month = pd.to_datetime(frame["period_month"]).dt.to_period("M")
    is_over = month < (frame["as_of"] - pd.Timedelta(days=1)).dt.to_period("M")
    columns["running_in_ended_month"] = frame["running"].where(is_over)
    with_sums = frame.assign(**columns)
    sums = with_sums.groupby(["period_month", "target_kind"])[["met", "judged"]].transform("sum")
    overall = (sums["met"] / sums["judged"]).where(sums["judged"] >= FOLLOWED_TICKETS)
    with_sums = with_sums.assign(attainment_of_all=overall)
    for kind in TARGET_KINDS:
        with_sums[f"{kind}_judged"] = values_of(with_sums, "judged", target_kind=kind)
        with_sums[f"{kind}_attainment"] = values_of(
            with_sums, "attainment_of_all", target_kind=kind
        )
    return with_sums


READING = Reading(
    columns=(
        "team_id",
        "period_month",
        "severity",
        "target_kind",
        "met",
        "breached",
        "running",
        "attainment",
        "severity_lowered",
        "vintage",
        "as_of",
        "release_id",
    ),
    statistics=(
        "judged",
        *(f"{kind}_{what}" for kind in TARGET_KINDS for what in ("judged", "attainment")),
    ),
    prepare=_prepare,
    # In the first days of a month a small company may have no ticket that counts there yet.
    restricted_by_change=False,
    due="no_month",
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one month."""
    from great_expectations import expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    draft = SuiteDraft(context)

    def once_ended(limits: Limits) -> Limits:
        """A running month misses its slow tickets, and on its first day nearly all."""
        if context.month_has_ended:
            return limits
        return NotAssessed("the month has not ended, so its tickets are not complete")

    def with_tickets_for_all(limits: Limits) -> Limits:
        """With few tickets for many teams, some have none by chance."""
        month = context.summaries["judged"].get(context.month)
        if month is not None and month.total >= TEAM_TICKETS * len(context.teams):
            return limits
        return NotAssessed(f"fewer than {TEAM_TICKETS} tickets a team")

    # A second row of a team, severity and kind counts its tickets twice in every sum over them.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["team_id", "period_month", "severity", "target_kind"],
    )
    for column, allowed in (("target_kind", TARGET_KINDS), ("vintage", VINTAGES)):
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
    for column in ("met", "breached", "running", "severity_lowered"):
        # Counts of tickets.
        draft.add(
            f"{column}_not_negative",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
        )
    # A row stands for tickets; one without any would be a severity nobody had.
    draft.add(
        "every_row_has_tickets",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="tickets",
        min_value=1,
    )
    # A lowered severity is a mark on a ticket of the row. More marks than tickets: changes were
    # counted, not tickets.
    draft.add(
        "no_more_lowered_than_tickets",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="lowered_beyond_tickets",
        max_value=0,
    )
    # Some tickets turn out to be harmless. Where every second one is moved to a slower target, the
    # target is what is being managed: nothing to block for, but the reader should know.
    draft.add(
        "severity_lowered_for_less_than_half",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        column="lowered_share",
        max_value=0.5,
    )
    # What still runs belongs to the month of as_of. In an earlier month it would be counted there
    # now and again where it ends.
    draft.add(
        "nothing_runs_in_ended_months",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="running_in_ended_month",
        max_value=0,
    )
    # Met is a part of met and breached.
    draft.add(
        "attainment_between_0_and_1",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="attainment",
        min_value=0,
        max_value=1,
    )
    # 0 of 0 is unknown, never 0: a team whose tickets all still run has broken nothing.
    draft.add(
        "attainment_is_null_when_nothing_is_judged",
        "critical",
        gxe.ExpectColumnValuesToBeNull,
        column="attainment",
        row_condition=Column("judged") == 0,
    )
    # A measured value must not get lost.
    draft.add(
        "attainment_is_there_when_judged",
        "critical",
        gxe.ExpectColumnValuesToNotBeNull,
        column="attainment",
        row_condition=Column("judged") > 0,
    )

    # Teams times severities times two kinds, less what had no ticket: a quiet month has fewer rows,
    # so this is no reason to block. A lost team or kind is one, below.
    draft.compare(
        "row_count_against_history",
        "warning",
        gxe.ExpectTableRowCountToBeBetween,
        once_ended(context.rows_between(0.51, 1.8)),
    )
    # A team of five or more that answered and solved nothing all month has lost its assignments or
    # its tickets. One that never owns tickets is lifted once, by a row of gate_overrides.
    draft.compare(
        "every_large_team_appears",
        "critical",
        gxe.ExpectColumnDistinctValuesToContainSet,
        once_ended(with_tickets_for_all(context.large_teams())),
        column="team_id",
    )
    draft.compare(
        "every_small_team_appears",
        "warning",
        gxe.ExpectColumnDistinctValuesToContainSet,
        once_ended(with_tickets_for_all(context.small_teams())),
        column="team_id",
    )
    # Half or double the tickets happens (a launch, an outage) and is judged day by day on the raw
    # rows, which blocks; here it is said for the reader's sake.
    draft.compare(
        "tickets_near_history",
        "warning",
        gxe.ExpectColumnSumToBeBetween,
        context.total_between("judged", 0.5, 2),
        column="judged",
    )
    for kind in TARGET_KINDS:
        # None at all where there were many: an event type or a column of targets went missing.
        draft.compare(
            f"{kind}_not_lost",
            "critical",
            gxe.ExpectColumnSumToBeBetween,
            context.total_not_lost(f"{kind}_judged"),
            column=f"{kind}_judged",
        )
        # All teams together move by one or two points a month, and a hard month by ten. A quarter
        # of all targets at once is a calendar read in the wrong timezone, lost opening hours or
        # replies, or targets set anew: then somebody says so in gate_overrides.
        draft.compare(
            f"{kind}_attainment_against_history",
            "critical",
            gxe.ExpectColumnMeanToBeBetween,
            once_ended(
                context.mean_between(
                    f"{kind}_attainment", spreads=6, floor=0.1, cap=0.25, minimum_values=1
                )
            ),
            column=f"{kind}_attainment",
        )

    # A month without a single ticket between two that have some has lost them. Who really had none
    # says so in gate_overrides.
    draft.compare(
        "no_month_is_missing",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        Between(low=1),
        scope="calendar",
        column="rows",
    )
    # Corrections of events or assignments take away a row of few tickets; a fifth of a published
    # month does not vanish by them, and a published month is never lost. No upper end: the running
    # month starts with few rows and fills up from release to release.
    draft.compare(
        "published_months_are_kept",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        context.against_previous_release(0.8, None),
        scope="calendar",
        column="rows_kept",
    )
    return draft.finish()
