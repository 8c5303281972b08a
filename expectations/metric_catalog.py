"""What `metric_catalog` must look like: one row per scorecard version and metric, explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.context import (
    DIMENSIONS,
    METRICS,
    Between,
    Reading,
    SuiteContext,
    SuiteDraft,
)

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

TEXTS = ("definition", "formula", "owner", "decision")


def _prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Null texts become empty ones, so that one expectation judges both."""
    return frame.assign(**{column: frame[column].astype("object").fillna("") for column in TEXTS})


READING = Reading(
    columns=(
        "version",
        "metric",
        "dimension",
        "definition",
        "formula",
        "weight",
        "target",
        "floor",
        "direction",
        "minimum_sample",
        "owner",
        "decision",
        "release_id",
    ),
    period=None,
    distinct={"versions": ("version",)},
    prepare=_prepare,
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for the whole table, which has no months."""
    from great_expectations import expectations as gxe

    draft = SuiteDraft(context)
    versions = context.distinct.get("versions", 0)

    # Every metric row joins its definition here: a second one doubles the rows of every report.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectCompoundColumnsToBeUnique,
        column_list=["version", "metric"],
    )
    for column, allowed in (
        ("metric", METRICS),
        ("dimension", DIMENSIONS),
        ("direction", ("higher", "lower", "band")),
    ):
        # Readers filter by these words; another one makes rows invisible to them.
        draft.add(
            f"{column}_is_known",
            "critical",
            gxe.ExpectColumnValuesToBeInSet,
            column=column,
            value_set=list(allowed),
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
    # agent_scorecard_metrics publishes all 13, so all 13 need an explanation.
    draft.add(
        "every_metric_is_explained",
        "critical",
        gxe.ExpectColumnDistinctValuesToContainSet,
        column="metric",
        value_set=list(METRICS),
    )
    # A metric nobody can read, owns or decides by is not published; null counts as empty here.
    for column in TEXTS:
        draft.add(
            f"{column}_is_written",
            "critical",
            gxe.ExpectColumnValueLengthsToBeBetween,
            column=column,
            min_value=2,
        )
    # A share of the whole score.
    draft.add(
        "weight_between_0_and_1",
        "critical",
        gxe.ExpectColumnValuesToBeBetween,
        column="weight",
        min_value=0,
        max_value=1,
    )
    # The weights of each version sum to 1. The seeds are checked before the build; here the sum
    # shows a join that lost or doubled metrics. 1e-4 is 13 roundings to 6 decimals and more.
    draft.compare(
        "weights_sum_to_1_per_version",
        "critical",
        gxe.ExpectColumnSumToBeBetween,
        Between(versions - 1e-4, versions + 1e-4),
        column="weight",
        is_liftable=False,
    )
    # Targets and floors are rates, scores up to 100, hours or counts: 1000 is a typing error.
    for column in ("target", "floor", "minimum_sample"):
        draft.add(
            f"{column}_between_0_and_1000",
            "warning",
            gxe.ExpectColumnValuesToBeBetween,
            column=column,
            min_value=0,
            max_value=1_000,
        )
    # Published scores refer to their version; taking one back leaves them without a definition.
    draft.compare(
        "published_versions_are_kept",
        "warning",
        gxe.ExpectTableRowCountToBeBetween,
        context.rows_of_previous_release(),
    )
    return draft.finish()
