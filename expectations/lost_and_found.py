"""What `lost_and_found` must look like: raw rows by table, disposition and month of loading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.context import Between, NotAssessed, Reading, SuiteContext, SuiteDraft

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds `quarantined_rows`: the rows of quarantine reasons, 0 elsewhere."""
    rows = frame["rows"].astype("float64")
    is_quarantined = frame["reason"].astype("string").str.startswith("quarantined:")
    return frame.assign(quarantined_rows=rows.where(is_quarantined.fillna(False), 0.0))


READING = Reading(
    columns=("raw_table", "reason", "period_month", "rows", "as_of", "release_id"),
    statistics=("rows", "quarantined_rows"),
    prepare=_prepare,
    restricted_by_change=False,
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one month of loading; rows of unreadable loading times have no month."""
    from great_expectations import expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    draft = SuiteDraft(context)

    # Every raw row has exactly one disposition, so a disposition stands once per table and month.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["raw_table", "reason", "period_month"],
    )
    # One release, as everywhere.
    draft.add(
        "one_release",
        "critical",
        gxe.ExpectColumnUniqueValueCountToBeBetween,
        column="release_id",
        min_value=1,
        max_value=1,
    )
    # Six dispositions; two of them are worth nothing without their reason.
    draft.add(
        "reason_is_a_disposition",
        "critical",
        gxe.ExpectColumnValuesToMatchRegex,
        column="reason",
        regex=r"^(?:used|duplicate|superseded|deleted|(?:out_of_scope|quarantined):[a-z][a-z0-9_]*)$",
    )
    for column in ("raw_table", "reason", "rows"):
        draft.add(
            f"{column}_is_not_null",
            "critical",
            gxe.ExpectColumnValuesToNotBeNull,
            column=column,
        )
    # Counts of rows; a table may be listed with 0 to say that it was looked at.
    draft.add(
        "rows_not_negative",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="rows",
        min_value=0,
    )
    # Without a month the row's own loading time was unreadable: such rows can only be quarantined
    # (or exact duplicates), never used.
    draft.add(
        "undated_rows_are_not_used",
        "critical",
        gxe.ExpectColumnValuesToNotBeInSet,
        column="reason",
        value_set=["used"],
        row_condition=Column("period_month").is_null(),
    )

    loaded = context.summaries["rows"].get(context.month) if context.month else None
    total = loaded.total if loaded else 0
    # Over 1 % of a month set aside is a fault of a feed, not of single rows. Healthy months stay
    # under it, except for rows that hang on others (an
    # orphan of a quarantined ticket); 5 % means that whole tables no longer find each other.
    few = NotAssessed(f"not enough rows: {total:g} loaded of 1000 needed for a share")
    draft.compare(
        "quarantined_share_below_5_percent",
        "critical",
        gxe.ExpectColumnSumToBeBetween,
        Between(high=0.05 * total) if total >= 1000 else few,
        column="quarantined_rows",
    )
    draft.compare(
        "quarantined_share_below_1_percent",
        "warning",
        gxe.ExpectColumnSumToBeBetween,
        Between(high=0.01 * total) if total >= 1000 else few,
        column="quarantined_rows",
    )
    # A first load or a backfill brings years in one month, and a source may dry up. Days against
    # days are judged on the raw rows, which blocks; three times and a third are the same limits.
    draft.compare(
        "loaded_rows_near_history",
        "warning",
        gxe.ExpectColumnSumToBeBetween,
        context.total_between("rows", 1 / 3, 3),
        column="rows",
    )

    # A month in which nothing at all was loaded, between months with loads, is a month of silence
    # of the loader; everything that should have come with it is late.
    draft.add(
        "no_month_without_loads",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        scope="calendar",
        column="rows",
        min_value=1,
    )
    # Landed files never change, so the rows of a month only move between dispositions. Under half
    # of the lines means that landed files are gone.
    draft.compare(
        "published_months_are_kept",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        context.against_previous_release(0.5, None),
        scope="calendar",
        column="rows_kept",
    )
    return draft.finish()
