"""What `agent_weekly_pulse` must look like: an agent's ISO week, and its control limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.agent_daily_pulse import STATISTICS, columns, draft_pulse, prepared
from expectations.context import Reading, SuiteContext

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds `weekday` (Monday is 0) and `weeks_off_month`: 1 where the week does not meet it."""
    import pandas as pd

    start, month = (pd.to_datetime(frame[name]) for name in ("iso_week_start", "period_month"))
    end = start + pd.Timedelta(days=6)
    outside = (end < month) | (start.dt.to_period("M") > month.dt.to_period("M"))
    return prepared(frame).assign(
        weekday=start.dt.day_of_week, weeks_off_month=outside.astype("int64")
    )


READING = Reading(
    columns=columns("iso_week_start", "iso_year", "iso_week"),
    statistics=STATISTICS,
    prepare=_prepare,
    # In the first hours of a month nobody may have worked yet.
    restricted_by_change=False,
    due="no_month",
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one month."""
    from great_expectations import expectations as gxe

    # 169 hours: the week in which clocks are put back.
    draft = draft_pulse(context, "iso_week_start", longest_hours=169)
    # A week that begins on another day is none of the calendar that readers use.
    draft.add(
        "week_starts_on_monday",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="weekday",
        max_value=0,
    )
    # 53 weeks at most; a week 0 or 54 comes from counting by days of the year.
    draft.add(
        "iso_week_between_1_and_53",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="iso_week",
        min_value=1,
        max_value=53,
    )
    # A week filed under a month it has no day in is missing in its own.
    draft.add(
        "week_meets_its_month",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="weeks_off_month",
        max_value=0,
    )
    return draft.finish()
