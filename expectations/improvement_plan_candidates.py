"""What `improvement_plan_candidates` must look like: advice on whom a plan may help, by month."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

from expectations.context import (
    METRICS,
    MINIMUM_HISTORY,
    SHARES,
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

BANDS = ("below_expectations", "developing")
REASONS = ("below_expectations", "declining", "not_moving")
STATUSES = ("attainable", "not_attainable")
DEVELOPMENT = ("training_completion_rate", "kb_contributions", "goal_progress")
PROPOSED = tuple(metric for metric in METRICS if metric not in DEVELOPMENT)
SLOTS = (1, 2, 3)
# Of fewer agents a share scatters too much.
ENOUGH_AGENTS = 20
# Fewer candidates double or halve by one or two people.
ENOUGH_CANDIDATES = 10


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds targets of shares as columns of their own, and what the status leaves to explain."""
    is_attainable = (frame["status"] == "attainable").astype("float64")
    has_proposals = (frame["proposed_metrics"] > 0).astype("float64")
    columns = {
        f"share_target_{slot}": frame[f"target_{slot}"]
        .astype("float64")
        .where(frame[f"metric_{slot}"].isin(SHARES))
        for slot in SLOTS
    }
    return frame.assign(
        is_attainable=is_attainable,
        contradictions=(is_attainable - has_proposals).abs(),
        weeks_without_proposal=frame["weeks"].astype("float64").where(has_proposals == 0),
        **columns,
    )


READING = Reading(
    columns=(
        "agent_id",
        "period_month",
        "tier",
        "band",
        "months_in_band",
        "reason",
        "evidence",
        "status",
        "missed_metrics",
        "proposed_metrics",
        "weeks",
        *(
            f"{column}_{slot}"
            for slot in SLOTS
            for column in ("metric", "target", "minimum_sample", "weeks")
        ),
        "proposal",
        "vintage",
        "as_of",
        "release_id",
    ),
    statistics=("is_attainable",),
    prepare=_prepare,
    # Bands rest on a quarter, a month may have nobody, and the running month never has: the months
    # a run changes do not select the months to judge.
    restricted_by_change=False,
    due="no_month",
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for one month."""
    from great_expectations import expectations as gxe

    draft = SuiteDraft(context)

    # A second row for an agent doubles them in every list of candidates.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["agent_id", "period_month"],
    )
    for column, allowed in (
        ("band", BANDS),
        ("reason", REASONS),
        ("status", STATUSES),
        ("tier", TIERS),
        ("vintage", VINTAGES),
        *((f"metric_{slot}", PROPOSED) for slot in SLOTS),
    ):
        # Readers filter by these words; another one makes rows invisible to them. A strong agent
        # among the candidates would be worse.
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
    # Who is on such a list is told why, in a sentence, and so is what could be done.
    for column in ("evidence", "proposal"):
        draft.add(
            f"{column}_is_a_sentence",
            "critical",
            gxe.ExpectColumnValuesToMatchRegex,
            column=column,
            regex=r"^\S.{20,}\.$",
        )
        draft.add(
            f"{column}_is_there",
            "critical",
            gxe.ExpectColumnValuesToNotBeNull,
            column=column,
        )
    for column in ("weeks", *(f"weeks_{slot}" for slot in SLOTS)):
        # A plan takes four to eight weeks; what needs longer is not attainable and has none.
        draft.add(
            f"{column}_between_4_and_8",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=4,
            max_value=8,
        )
    for slot in SLOTS:
        # A target of a share beyond what a share can be is a sign that went the wrong way.
        draft.add(
            f"share_target_{slot}_between_0_and_1",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=f"share_target_{slot}",
            min_value=0,
            max_value=1,
        )
        # On no sample everything would be reached.
        draft.add(
            f"minimum_sample_{slot}_from_1",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=f"minimum_sample_{slot}",
            min_value=1,
        )
    draft.add(
        "months_in_band_from_1",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="months_in_band",
        min_value=1,
    )
    # Three are shown; ten metrics can be missed, the development ones apart.
    for column, most in (("proposed_metrics", len(SLOTS)), ("missed_metrics", len(PROPOSED))):
        draft.add(
            f"{column}_between_0_and_{most}",
            "critical",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
            max_value=most,
        )
    # Attainable says that there is something to propose, and only then.
    draft.add(
        "status_fits_the_proposals",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="contradictions",
        min_value=0,
        max_value=0,
    )
    draft.add(
        "no_weeks_without_a_proposal",
        "critical",
        gxe.ExpectColumnValuesToBeNull,
        column="weeks_without_proposal",
    )

    # A list of nearly everybody advises nothing: bands or targets are off.
    draft.compare(
        "at_most_three_quarters_of_the_agents",
        "critical",
        gxe.ExpectTableRowCountToBeBetween,
        _share_of_agents(context, 0.75),
    )
    # Half of the people on such a list is a matter for whoever sets the targets.
    draft.compare(
        "at_most_half_of_the_agents",
        "warning",
        gxe.ExpectTableRowCountToBeBetween,
        _share_of_agents(context, 0.5),
    )
    # Bands rest on quarters, so the list changes slowly; a third or three times of it is a fault in
    # the bands, or plans that were not found as running. Only the quarter before counts: in its
    # first months a warehouse has no trajectories yet, and hardly a candidate.
    draft.compare(
        "row_count_against_history",
        "critical",
        gxe.ExpectTableRowCountToBeBetween,
        _near_the_quarter_before(context),
    )
    # What can be shown within eight weeks depends on how much is evaluated and answered; if that
    # suddenly fits hardly anybody, samples were lost.
    draft.compare(
        "share_attainable_against_history",
        "critical",
        gxe.ExpectColumnMeanToBeBetween,
        context.mean_between("is_attainable", spreads=6, floor=0.2, cap=0.4),
        column="is_attainable",
    )

    # Late facts move single agents over a line; half of a published list does not vanish by them.
    draft.compare(
        "published_months_are_kept",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        context.against_previous_release(0.5, 2),
        scope="calendar",
        column="rows_kept",
    )
    return draft.finish()


def _share_of_agents(context: SuiteContext, most: float) -> Limits:
    if context.agents is None:
        return NotAssessed("no agent_scorecard to compare with")
    if context.agents < ENOUGH_AGENTS:
        return NotAssessed(f"not enough agents: {context.agents} of {ENOUGH_AGENTS} needed")
    return Between(high=int(most * context.agents))


def _near_the_quarter_before(context: SuiteContext) -> Limits:
    earlier = [month for month in sorted(context.rows) if context.month and month < context.month]
    rows = sorted(context.rows[month] for month in earlier[-MINIMUM_HISTORY:])
    if len(rows) < MINIMUM_HISTORY:
        return NotAssessed(f"not enough history: {MINIMUM_HISTORY} earlier months needed")
    if rows[0] < ENOUGH_CANDIDATES:
        return NotAssessed(f"not enough history: {rows[0]} of {ENOUGH_CANDIDATES} candidates")
    return Between(math.ceil(median(rows) / 3), 3 * math.floor(median(rows)))
