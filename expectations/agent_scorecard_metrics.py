"""What `agent_scorecard_metrics` must look like: 13 rows per agent, month and window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.context import (
    DIMENSIONS,
    METRICS,
    SHARES,
    TIERS,
    VINTAGES,
    WINDOWS,
    Exactly,
    Reading,
    SuiteContext,
    SuiteDraft,
    values_of,
)

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

# Followed month by month: the key metrics every score rests on, and handle time.
FOLLOWED = ("qa_score", "csat", "fcr_rate", "aht_index")
# On fewer contacts an index of handle time says little about an agent.
ENOUGH_CONTACTS = 30
# Published values that share the metric's unit and therefore its range.
VALUES = (
    "value",
    "expected_value",
    "adjusted_value",
    "stabilised_value",
    "team_value",
    "team_adjusted_value",
    "tier_value",
)
# What contacts were about decides part of these, so they are set against peers on the same work.
CASE_MIX = ("csat", "fcr_rate", "escalation_rate", "repeat_contact_rate")


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds `<metric>_of_agents` (eligible month values), `<metric>_sample` (their samples) and
    `<metric>_adjustment` (what the case mix moved of eligible ones)."""
    columns = {}
    for metric in FOLLOWED:
        of_month = {"metric": metric, "window": "month"}
        columns[f"{metric}_of_agents"] = values_of(frame, "value", **of_month, is_eligible=True)
        columns[f"{metric}_sample"] = values_of(frame, "sample_size", **of_month)
    adjustment = frame["adjusted_value"].astype("float64") - frame["value"].astype("float64")
    for metric in CASE_MIX:
        columns[f"{metric}_adjustment"] = adjustment.where(
            (frame["metric"] == metric) & frame["is_eligible"]
        )
    return frame.assign(**columns)


READING = Reading(
    columns=(
        "agent_id",
        "period_month",
        "window",
        "metric",
        "team_id",
        "tier",
        "dimension",
        "numerator",
        "denominator",
        *VALUES,
        "sample_size",
        "is_eligible",
        "interval_lower",
        "interval_upper",
        "coverage",
        "reliability",
        "confidence",
        "percentile",
        "attainment",
        "weight",
        "points",
        "vintage",
        "as_of",
        "release_id",
    ),
    statistics=tuple(f"{metric}_of_agents" for metric in FOLLOWED)
    + tuple(f"{metric}_sample" for metric in FOLLOWED)
    + tuple(f"{metric}_adjustment" for metric in CASE_MIX),
    distinct={"agent_windows": ("agent_id", "window")},
    prepare=_prepare,
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one month."""
    from great_expectations import expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    draft = SuiteDraft(context)
    metric = Column("metric")

    # A doubled metric would weigh twice in whatever is summed over the rows of an agent.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["agent_id", "period_month", "window", "metric"],
    )
    for column, allowed in (
        ("window", WINDOWS),
        ("metric", METRICS),
        ("dimension", DIMENSIONS),
        ("tier", TIERS),
        ("vintage", VINTAGES),
        ("confidence", ("band_grade", "indicative", "insufficient")),
    ):
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

    for column in VALUES:
        # A share counts a part of a whole. Above 1 the numerator was joined more often than the
        # denominator: the classic fan-out.
        draft.add(
            f"shares_between_0_and_1_in_{column}",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
            max_value=1,
            row_condition=metric.is_in(SHARES),
        )
    # Evaluation scores are 0 to 100 by construction; 0 to 1 scales are caught by the drift below.
    draft.add(
        "qa_score_between_0_and_100",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="value",
        min_value=0,
        max_value=100,
        row_condition=metric == "qa_score",
    )
    # The largest sample standard deviation of numbers in 0..100 is that of 0 and 100: 70.72.
    draft.add(
        "qa_consistency_between_0_and_71",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="value",
        min_value=0,
        max_value=71,
        row_condition=metric == "qa_consistency",
    )
    # Handle time over that of peers on the same mix of contacts. On 30 contacts (fewer may be
    # eligible, where one odd contact decides) nobody is five times as slow or as fast; mixed units
    # (minutes, milliseconds) give 60 and 1000.
    draft.add(
        "aht_index_between_0.2_and_5",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="value",
        min_value=0.2,
        max_value=5,
        row_condition=(metric == "aht_index") & (Column("sample_size") >= ENOUGH_CONTACTS),
    )
    # One contact a minute is the most that chat macros allow; above it hours were lost.
    draft.add(
        "contacts_per_hour_between_0_and_60",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="value",
        min_value=0,
        max_value=60,
        row_condition=metric == "contacts_per_productive_hour",
    )
    # Three accepted articles a day for a month (and 90 days of a quarter) is a robot or a replayed
    # file, but no formula is broken: a warning.
    draft.add(
        "kb_contributions_between_0_and_300",
        "warning",
        gxe.ExpectColumnValuesToBeBetween,
        column="value",
        min_value=0,
        max_value=300,
        row_condition=metric == "kb_contributions",
    )
    for column in ("numerator", "denominator", "sample_size"):
        # Counts, seconds, hours and sums of squares: nothing negative can be among them.
        draft.add(
            f"{column}_not_negative",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
        )
    for column in ("coverage", "reliability", "percentile", "weight"):
        # Shares of facts, of variance, of peers and of the scorecard's whole.
        draft.add(
            f"{column}_between_0_and_1",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
            max_value=1,
        )
    for column in ("attainment", "points"):
        # Attainment is clamped; points are a metric's share of a score that ends at 100.
        draft.add(
            f"{column}_between_0_and_100",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
            max_value=100 + 1e-6,
        )
    # An interval that leaves out the value it belongs to was computed from other rows.
    for name, greater, lesser in (
        ("interval_reaches_up_to_the_value", "interval_upper", "value"),
        ("interval_reaches_down_to_the_value", "value", "interval_lower"),
    ):
        draft.add(
            name,
            "critical",
            gxe.ExpectColumnPairValuesAToBeGreaterThanB,
            column_A=greater,
            column_B=lesser,
            or_equal=True,
            ignore_row_if="either_value_is_missing",
        )
    # Every rate with a value says what its sample leaves open.
    draft.add(
        "interval_of_every_measured_csat",
        "critical",
        gxe.ExpectColumnValuesToNotBeNull,
        column="interval_lower",
        row_condition=(metric == "csat") & (Column("denominator") > 0),
    )

    # 0 of 0 is unknown, never 0: a zero would be read as a bad (or an excellent) result.
    not_measurable = (Column("denominator") == 0) | Column("denominator").is_null()
    draft.add(
        "value_is_null_when_not_measurable",
        "critical",
        gxe.ExpectColumnValuesToBeNull,
        column="value",
        row_condition=not_measurable,
    )
    # A measured value must not get lost. Contacts per productive hour is left out here: it stays
    # null under 20 productive hours (60 in a quarter), which the next one judges.
    draft.add(
        "value_is_there_when_measurable",
        "critical",
        gxe.ExpectColumnValuesToNotBeNull,
        column="value",
        row_condition=(Column("denominator") > 0) & (metric != "contacts_per_productive_hour"),
    )
    # 60 hours suffice in either window.
    draft.add(
        "contacts_per_hour_is_there_when_measurable",
        "critical",
        gxe.ExpectColumnValuesToNotBeNull,
        column="value",
        row_condition=(Column("denominator") > 60) & (metric == "contacts_per_productive_hour"),
    )
    # What is not measured cannot count for or against anybody.
    draft.add(
        "points_are_null_without_value",
        "critical",
        gxe.ExpectColumnValuesToBeNull,
        column="points",
        row_condition=Column("value").is_null(),
    )

    # Each agent and window has all metrics, measured or not: the missing row of a metric would look
    # like a metric nobody scores. With the key unique and the names known the count says it all.
    draft.compare(
        "all_13_metrics_of_every_agent",
        "critical",
        gxe.ExpectTableRowCountToEqual,
        Exactly(len(METRICS) * context.distinct.get("agent_windows", 0)),
        is_liftable=False,
    )
    # The roster decides the number of rows. Half of a company does not leave, nor does it nearly
    # double, from one month to the next; a join that doubles rows gives 2.0, a lost half 0.5.
    draft.compare(
        "row_count_against_history",
        "critical",
        gxe.ExpectTableRowCountToBeBetween,
        context.rows_between(0.51, 1.8),
    )
    # A team that was there last month, whose people did not move to other teams, or that another
    # mart still shows, was lost on the way.
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

    for name, floor, cap in (
        # Evaluation scores of an agent scatter by about 5 points, a company's mean by under 1.
        # A new form or a calibration round moves it by 2 to 4, a broken scale by tens.
        ("qa_score", 4, 12),
        # Shares with 10 to 30 answers an agent scatter by .1, a company's mean by .01 to .02. A bad
        # month moves it by .05; .12 for everybody at once is a changed scale or a lost half.
        ("csat", 0.06, 0.12),
        ("fcr_rate", 0.06, 0.12),
    ):
        draft.compare(
            f"mean_{name}_against_history",
            "critical",
            gxe.ExpectColumnMeanToBeBetween,
            context.mean_between(f"{name}_of_agents", spreads=6, floor=floor, cap=cap),
            column=f"{name}_of_agents",
        )
        # Half of the distance is a movement somebody should be able to explain.
        draft.compare(
            f"mean_{name}_near_history",
            "warning",
            gxe.ExpectColumnMeanToBeBetween,
            context.mean_between(f"{name}_of_agents", spreads=3, floor=floor / 2, cap=cap / 2),
            column=f"{name}_of_agents",
        )
    # Everybody is compared with their peers, so the company's mean lies near 1 whatever the work is
    # like. The few slow outliers pull it up by some per cent; .8 or 1.25 means that observed and
    # expected seconds no longer cover the same contacts.
    draft.compare(
        "aht_index_is_centred",
        "critical",
        gxe.ExpectColumnMeanToBeBetween,
        context.fixed_mean("aht_index_of_agents", 0.8, 1.25, minimum_values=10),
        column="aht_index_of_agents",
        is_liftable=False,
    )
    for name in CASE_MIX:
        # Observed and expected cover the same contacts, so over everybody the adjustment cancels
        # out but for hundredths. A twentieth on average means that they do not.
        draft.compare(
            f"{name}_adjustment_cancels_out",
            "critical",
            gxe.ExpectColumnMeanToBeBetween,
            context.fixed_mean(f"{name}_adjustment", -0.05, 0.05, minimum_values=10),
            column=f"{name}_adjustment",
            is_liftable=False,
        )
    for name in FOLLOWED:
        # Nothing at all in an ended month, where there used to be plenty: the input is missing.
        draft.compare(
            f"{name}_sample_not_lost",
            "critical",
            gxe.ExpectColumnSumToBeBetween,
            context.total_not_lost(f"{name}_sample"),
            column=f"{name}_sample",
        )
        # Half or double the work of a usual month happens (a launch, an outage, a holiday) and is
        # judged day by day on the raw rows, which blocks; here it is said for the reader's sake.
        draft.compare(
            f"{name}_sample_near_history",
            "warning",
            gxe.ExpectColumnSumToBeBetween,
            context.total_between(f"{name}_sample", 0.5, 2),
            column=f"{name}_sample",
        )

    # Every month from the first to the last has agents; a gap breaks quarters and trajectories.
    draft.add(
        "no_month_is_missing",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        scope="calendar",
        column="rows",
        min_value=1,
    )
    # Late corrections add or remove single agent-months. A fifth of a published month does not
    # appear or vanish by them, and a published month is never lost.
    draft.compare(
        "published_months_are_kept",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        context.against_previous_release(0.8, 1.25),
        scope="calendar",
        column="rows_kept",
    )
    return draft.finish()
