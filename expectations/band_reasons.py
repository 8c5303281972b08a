"""What `band_reasons` must look like: every rule of the bands with what was seen and required."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.context import VINTAGES, Reading, SuiteContext, SuiteDraft

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

RULES = (
    "not_rated",
    "critical_gate",
    "critical_error_watch",
    "exceptional",
    "strong",
    "trajectory",
    "developing",
)


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds 1 or 0 for a requirement that passed; null where too little was seen to judge, and for
    whoever is not rated."""
    person_month = frame["agent_id"] + " " + frame["period_month"].astype("str")
    unrated = person_month[(frame["rule"] == "not_rated") & frame["has_fired"]]
    has_passed = frame["passed"].astype("boolean").astype("Float64")
    return frame.assign(has_passed=has_passed.mask(person_month.isin(set(unrated))))


READING = Reading(
    columns=(
        "agent_id",
        "period_month",
        "rule",
        "metric",
        "observed",
        "required",
        "passed",
        "has_fired",
        "is_deciding",
        "vintage",
        "as_of",
        "release_id",
    ),
    statistics=("has_passed",),
    prepare=_prepare,
    due="ended_months",
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one month."""
    from great_expectations import expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    draft = SuiteDraft(context)
    rule = Column("rule")

    # A reason told twice reads as two reasons.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["agent_id", "period_month", "rule", "metric"],
    )
    for column, allowed in (("rule", RULES), ("vintage", VINTAGES)):
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
    for column in ("observed", "required"):
        # A band is only defensible where both sides of every rule are shown.
        draft.add(
            f"{column}_is_there",
            "critical",
            gxe.ExpectColumnValuesToNotBeNull,
            column=column,
        )
    # Whether somebody is rated can always be said; only samples of metrics can be too small.
    draft.add(
        "rating_is_always_judged",
        "critical",
        gxe.ExpectColumnValuesToNotBeNull,
        column="passed",
        row_condition=rule == "not_rated",
    )
    # All rules that do not depend on a gate are shown for every month.
    draft.add(
        "all_rules_appear",
        "critical",
        gxe.ExpectColumnDistinctValuesToContainSet,
        scope="month",
        column="rule",
        value_set=["not_rated", "exceptional", "strong", "trajectory", "developing"],
    )
    # Everybody with a scorecard in a month that has ended is told their reasons.
    draft.compare(
        "every_agent_of_the_scorecard_appears",
        "critical",
        gxe.ExpectColumnUniqueValueCountToBeBetween,
        context.agents_of_ended_month(),
        column="agent_id",
        is_liftable=False,
    )
    # The share of requirements met is a mean over some twenty rows of everybody: a month moves it
    # by hundredths. Beyond a fifth a rule, a target or an input changed.
    draft.compare(
        "share_passed_against_history",
        "critical",
        gxe.ExpectColumnMeanToBeBetween,
        context.mean_between("has_passed", spreads=6, floor=0.06, cap=0.2),
        column="has_passed",
    )
    # A changed number of key metrics changes the rows of everybody by a twentieth each; half or
    # double is a lost or doubled join.
    draft.compare(
        "row_count_against_history",
        "critical",
        gxe.ExpectTableRowCountToBeBetween,
        context.rows_between(0.51, 1.8),
    )
    # Every ended month from the first to the last has reasons.
    draft.add(
        "no_month_is_missing",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        scope="calendar",
        column="rows",
        min_value=1,
    )
    # Corrections of the roster add or remove single agents, not a fifth of a published month.
    draft.compare(
        "published_months_are_kept",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        context.against_previous_release(0.8, 1.25),
        scope="calendar",
        column="rows_kept",
    )
    return draft.finish()
