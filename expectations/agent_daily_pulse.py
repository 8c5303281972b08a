"""What `agent_daily_pulse` must look like: an agent's day, and its control limits.

`draft_pulse` says what holds for a day and a week alike; `agent_weekly_pulse` adds its own to it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from expectations.context import (
    TIERS,
    VINTAGES,
    Between,
    Limits,
    NotAssessed,
    Reading,
    SuiteContext,
    SuiteDraft,
)

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

CHARTED = ("contacts_per_productive_hour", "average_handle_seconds", "schedule_adherence")
COUNTS = (
    "contacts_handled",
    "timed_contacts",
    "solved",
    "escalations",
    "csat_responses",
    "csat_positive",
    "qa_evaluations",
)
HOURS = (
    "scheduled_hours",
    "present_scheduled_hours",
    "adherent_hours",
    "productive_hours",
    "handling_hours",
)
# part: whole. No part is greater than its whole, but for the last rounded decimal of hours.
PARTS = {
    "timed_contacts": "contacts_handled",
    "csat_positive": "csat_responses",
    "adherent_hours": "present_scheduled_hours",
    "present_scheduled_hours": "scheduled_hours",
    "handling_hours": "productive_hours",
}
# rate: what it is divided by
RATES = {
    "contacts_per_productive_hour": "productive_hours",
    "average_handle_seconds": "timed_contacts",
    "schedule_adherence": "present_scheduled_hours",
    "occupancy": "productive_hours",
    "csat": "csat_responses",
}
# Contacts an hour on a few minutes of work say nothing about what is possible.
MINIMUM_HOURS = 1
# In a smaller company half of the people may be one team that is being set up or wound down.
FOLLOWED_AGENTS = 15
# Schedules decide which days are there, where at least so many rows have one.
PLANNED_SHARE = 0.5
# Fewer days or weeks than this have no typical share of signals.
MINIMUM_SIGNALS = 200
FIGURES = (*COUNTS, "handle_seconds", *HOURS, *RATES)
LIMITS = tuple(f"{name}_{part}" for name in CHARTED for part in ("centre", "lower", "upper"))


def columns(*keys: str) -> tuple[str, ...]:
    """Columns of a pulse that the gate reads, keys first."""
    shared = ("agent_id", "period_month", "team_id", "tier", "is_complete", "is_signal")
    return (*shared, *keys, *FIGURES, *LIMITS, "vintage", "as_of", "release_id")


def with_differences(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds what parts lack to their wholes, widths of limits and signals as numbers."""
    added = {f"{part}_left": (frame[whole] - frame[part]).round(5) for part, whole in PARTS.items()}
    for name in CHARTED:
        added[f"{name}_above_centre"] = frame[f"{name}_upper"] - frame[f"{name}_centre"]
        added[f"{name}_below_centre"] = frame[f"{name}_centre"] - frame[f"{name}_lower"]
    signals = frame["is_signal"].astype("float64")
    return frame.assign(
        **added,
        signals=signals.where(frame["is_complete"]),
        running_signals=signals.mask(frame["is_complete"].astype(bool)),
    )


def draft_pulse(context: SuiteContext, date_column: str, longest_hours: int) -> SuiteDraft:
    """The expectations of a day and of a week.

    date_column: the key beside agent_id.
    longest_hours: hours that the longest day or week has.
    """
    from great_expectations import expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    draft = SuiteDraft(context)

    def once_ended(limits: Limits) -> Limits:
        """A running month holds few of its days, and on its first none of those who rest."""
        if context.month_has_ended:
            return limits
        return NotAssessed("the month has not ended, so its days are not complete")

    def with_schedules(limits: Limits) -> Limits:
        """A source without schedules has a row only where something happened to be finished."""
        planned = context.summaries["planned"].get(context.month)
        if planned is not None and planned.mean >= PLANNED_SHARE:
            return once_ended(limits)
        return NotAssessed("most rows have no schedule, so their number is left to chance")

    # A second row of a day doubles it in every sum, and a chart would see it as two days.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["agent_id", date_column],
    )
    for column, allowed in (("tier", TIERS), ("vintage", VINTAGES)):
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
    for column in (*COUNTS, "handle_seconds", *HOURS):
        # Counts and durations: nothing negative can be among them.
        draft.add(
            f"{column}_not_negative",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
        )
    for part, whole in PARTS.items():
        # A part above its whole was joined more often than the whole: the classic fan-out.
        draft.add(
            f"{part}_within_{whole}",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=f"{part}_left",
            min_value=0,
        )
    for column in ("schedule_adherence", "occupancy", "csat"):
        # Parts of a whole.
        draft.add(
            f"{column}_between_0_and_1",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
            max_value=1,
        )
    for column in ("scheduled_hours", "productive_hours"):
        # Nobody is planned or at work longer than the calendar is; states or segments were
        # counted twice.
        draft.add(
            f"{column}_within_the_calendar",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            max_value=longest_hours,
        )
    # Handle time is capped at four hours per contact (handle_cap_seconds), so its mean is too.
    draft.add(
        "average_handle_seconds_within_the_cap",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="average_handle_seconds",
        min_value=0,
        max_value=14_400,
    )
    # Two contacts a minute are more than chat macros allow over an hour and more; states were lost.
    draft.add(
        "contacts_per_hour_below_120",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="contacts_per_productive_hour",
        max_value=120,
        row_condition=Column("productive_hours") >= MINIMUM_HOURS,
    )
    for rate, base in RATES.items():
        # 0 of 0 is unknown, never 0.
        draft.add(
            f"{rate}_is_null_when_not_measurable",
            "critical",
            gxe.ExpectColumnValuesToBeNull,
            column=rate,
            row_condition=Column(base) == 0,
        )
        # A measured rate must not get lost.
        draft.add(
            f"{rate}_is_there_when_measurable",
            "critical",
            gxe.ExpectColumnValuesToNotBeNull,
            column=rate,
            row_condition=Column(base) > 0,
        )
    for name in CHARTED:
        # Limits that do not hold their own centre call everything a signal.
        for side in ("above", "below"):
            draft.add(
                f"{name}_limit_{side}_its_centre",
                "critical",
                gxe.ExpectColumnValuesToBeBetween,
                column=f"{name}_{side}_centre",
                min_value=0,
            )
    # The running day or week is not over; whoever judged it would judge half of it.
    draft.add(
        "nothing_running_signals",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="running_signals",
        max_value=0,
    )
    # Three charts with two rules each call a tenth of quiet days. If it is four in ten the limits
    # no longer describe what the values usually do, or the whole company changed overnight.
    draft.compare(
        "less_than_40_percent_signal",
        "critical",
        gxe.ExpectColumnMeanToBeBetween,
        context.fixed_mean("signals", 0, 0.4, minimum_values=MINIMUM_SIGNALS),
        column="signals",
    )
    # No signal at all in so many rows is as odd: three limits leave something outside.
    draft.compare(
        "something_signals",
        "warning",
        gxe.ExpectColumnMeanToBeBetween,
        _some_signals(context),
        column="signals",
    )

    # Schedules that were there and are not any more are lost; without them nothing below is judged.
    draft.compare(
        "schedules_not_lost",
        "critical",
        gxe.ExpectColumnSumToBeBetween,
        context.total_not_lost("scheduled_hours"),
        column="scheduled_hours",
    )
    # Half of the days of a company do not vanish, nor do they double, from one month to the next:
    # a join that doubles rows gives 2.0, a lost half 0.5.
    draft.compare(
        "row_count_against_history",
        "critical",
        gxe.ExpectTableRowCountToBeBetween,
        with_schedules(context.rows_between(0.51, 1.8)),
    )
    # Whoever has a row here is in the scorecard. Some are not at work for a whole month; more than
    # half of them absent is a lost schedule.
    draft.compare(
        "agents_of_the_scorecard_appear",
        "critical",
        gxe.ExpectColumnUniqueValueCountToBeBetween,
        with_schedules(_half_of_agents(context)),
        column="agent_id",
    )
    # A team of five that did nothing all month has lost its assignments or its work.
    draft.compare(
        "every_large_team_appears",
        "critical",
        gxe.ExpectColumnDistinctValuesToContainSet,
        with_schedules(context.large_teams()),
        column="team_id",
    )
    draft.compare(
        "every_small_team_appears",
        "warning",
        gxe.ExpectColumnDistinctValuesToContainSet,
        with_schedules(context.small_teams()),
        column="team_id",
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
    # Shifts keep their length. A third more or less for everybody is a lost or doubled kind of
    # state, or a week counted as another.
    draft.compare(
        "mean_productive_hours_against_history",
        "critical",
        gxe.ExpectColumnMeanToBeBetween,
        once_ended(
            context.mean_between(
                "productive_hours", spreads=6, floor=0.15, cap=0.35, is_relative=True
            )
        ),
        column="productive_hours",
    )
    # People keep to their plans to a few points more or less; a tenth at once for everybody is a
    # plan or states read in the wrong timezone.
    draft.compare(
        "mean_adherence_against_history",
        "critical",
        gxe.ExpectColumnMeanToBeBetween,
        once_ended(context.mean_between("schedule_adherence", spreads=6, floor=0.05, cap=0.1)),
        column="schedule_adherence",
    )

    # A month without a row between two that have some has lost them.
    draft.add(
        "no_month_is_missing",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        scope="calendar",
        column="rows",
        min_value=1,
    )
    # Corrections of schedules move single days; a fifth of a published month does not vanish by
    # them. No upper end: the running month fills up from release to release.
    draft.compare(
        "published_months_are_kept",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        context.against_previous_release(0.8, None),
        scope="calendar",
        column="rows_kept",
    )
    return draft


def _half_of_agents(context: SuiteContext) -> Limits:
    limits = context.agents_exactly()
    if not isinstance(limits, Between) or limits.high is None:
        return limits
    return Between(
        math.ceil(limits.high / 2) if limits.high >= FOLLOWED_AGENTS else None, limits.high
    )


def _some_signals(context: SuiteContext) -> Limits:
    """The first months have no limits yet, so they may have no signal."""
    limits = context.fixed_mean("signals", 1e-9, 1, minimum_values=MINIMUM_SIGNALS)
    charted = context.summaries.get("charted_limits", {}).get(context.month)
    if charted is None or charted.count < MINIMUM_SIGNALS:
        return NotAssessed("not enough limits to signal against")
    return limits


def prepared(frame: pd.DataFrame) -> pd.DataFrame:
    """`with_differences`, which rows have a limit to signal against and which a schedule."""
    frame = with_differences(frame)
    return frame.assign(
        planned=(frame["scheduled_hours"] > 0).astype("float64"),
        charted_limits=frame["contacts_per_productive_hour_upper"].where(frame["is_complete"]),
    )


STATISTICS = (
    "signals",
    "charted_limits",
    "planned",
    "scheduled_hours",
    "average_handle_seconds",
    "productive_hours",
    "schedule_adherence",
)


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Also adds `days_off_month`: 1 where the day is none of the row's month."""
    import pandas as pd

    day, month = (pd.to_datetime(frame[name]) for name in ("local_date", "period_month"))
    outside = day.dt.to_period("M") != month.dt.to_period("M")
    return prepared(frame).assign(days_off_month=outside.astype("int64"))


READING = Reading(
    columns=columns("local_date"),
    statistics=STATISTICS,
    prepare=_prepare,
    # In the first hours of a month nobody may have worked yet.
    restricted_by_change=False,
    due="no_month",
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one month."""
    from great_expectations import expectations as gxe

    # 25 hours: the day on which clocks are put back.
    draft = draft_pulse(context, "local_date", longest_hours=25)
    # A day filed under another month is missing in its own.
    draft.add(
        "local_date_is_in_its_month",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="days_off_month",
        max_value=0,
    )
    return draft.finish()
