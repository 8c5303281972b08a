"""What `team_metrics` must look like: the 13 metrics of a team and month, as sum over sum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.context import (
    METRICS,
    SHARES,
    VINTAGES,
    Exactly,
    Reading,
    SuiteContext,
    SuiteDraft,
)

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

FOLLOWED = ("qa_score", "csat", "fcr_rate")
# A team's value on fewer evaluations, answers or tickets scatters by more than a month can change.
FOLLOWED_SAMPLE = 30
# Three teams have a middle; the sampling error in the tolerance does the rest.
FOLLOWED_TEAMS = 3


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds `<metric>_of_teams`: the values of teams with enough sample, null elsewhere."""
    has_sample = frame["sample_size"] >= FOLLOWED_SAMPLE
    columns = {
        f"{metric}_of_teams": frame["value"]
        .astype("float64")
        .where((frame["metric"] == metric) & has_sample)
        for metric in FOLLOWED
    }
    return frame.assign(**columns)


READING = Reading(
    columns=(
        "team_id",
        "period_month",
        "metric",
        "numerator",
        "denominator",
        "value",
        "sample_size",
        "vintage",
        "as_of",
        "release_id",
    ),
    statistics=tuple(f"{metric}_of_teams" for metric in FOLLOWED),
    distinct={"teams": ("team_id",)},
    prepare=_prepare,
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one month."""
    from great_expectations import expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    draft = SuiteDraft(context)
    metric = Column("metric")

    # A second row of a team's metric doubles the team in every sum over teams.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["team_id", "period_month", "metric"],
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
    # A share counts a part of a whole. Above 1 the numerator was joined more often than the
    # denominator: the classic fan-out.
    draft.add(
        "shares_between_0_and_1",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="value",
        min_value=0,
        max_value=1,
        row_condition=metric.is_in(SHARES),
    )
    # Evaluation scores are 0 to 100 by construction, and so is their mean.
    draft.add(
        "qa_score_between_0_and_100",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="value",
        min_value=0,
        max_value=100,
        row_condition=metric == "qa_score",
    )
    # A team averages its people: it differs from its peers by less than one agent may (.2 to 5).
    # Teams of the whole are compared on 30 contacts and more, where halves and doubles are real.
    draft.add(
        "aht_index_between_0.33_and_3",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="value",
        min_value=0.33,
        max_value=3,
        row_condition=(metric == "aht_index") & (Column("sample_size") >= FOLLOWED_SAMPLE),
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
    for column in ("numerator", "denominator", "sample_size"):
        # Counts, seconds, hours and sums of squares: nothing negative can be among them.
        draft.add(
            f"{column}_not_negative",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
        )
    # 0 of 0 is unknown, never 0.
    draft.add(
        "value_is_null_when_not_measurable",
        "critical",
        gxe.ExpectColumnValuesToBeNull,
        column="value",
        row_condition=(Column("denominator") == 0) | Column("denominator").is_null(),
    )
    # A measured value must not get lost. Contacts per productive hour may stay null on few hours.
    draft.add(
        "value_is_there_when_measurable",
        "critical",
        gxe.ExpectColumnValuesToNotBeNull,
        column="value",
        row_condition=(Column("denominator") > 0) & (metric != "contacts_per_productive_hour"),
    )

    # Each team has all metrics, measured or not: a missing row looks like a metric nobody follows.
    draft.compare(
        "all_13_metrics_of_every_team",
        "critical",
        gxe.ExpectTableRowCountToEqual,
        Exactly(len(METRICS) * context.distinct.get("teams", 0)),
        is_liftable=False,
    )
    # Teams come and go slower than people: half of them gone or nearly twice as many within a month
    # is a join that lost or doubled them, or a reorganisation that somebody has to announce.
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
    for name, floor, cap in (
        # The mean over teams scatters like the company's: about 1 point of QA, .02 of a share. See
        # agent_scorecard_metrics for what moves it further.
        ("qa_score", 4, 12),
        ("csat", 0.06, 0.12),
        ("fcr_rate", 0.06, 0.12),
    ):
        draft.compare(
            f"mean_{name}_against_history",
            "critical",
            gxe.ExpectColumnMeanToBeBetween,
            context.mean_between(
                f"{name}_of_teams",
                spreads=6,
                floor=floor,
                cap=cap,
                minimum_values=FOLLOWED_TEAMS,
            ),
            column=f"{name}_of_teams",
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
    # Corrections of assignments may add or remove a small team; a fifth of a published month does
    # not appear or vanish by them, and a published month is never lost.
    draft.compare(
        "published_months_are_kept",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        context.against_previous_release(0.8, 1.25),
        scope="calendar",
        column="rows_kept",
    )
    return draft.finish()
