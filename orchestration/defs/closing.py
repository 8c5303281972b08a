"""Closing months: one after the other for a past that never was, and anew where one is wrong.

Belongs here: the jobs `restate_month` and `backfill`. Does not belong here: `monthly_close`, which
closes the month that just ended (jobs.py), and what closing means (orchestration/lib/vintages.py).
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from orchestration.defs.jobs import FIRST_DAY, RESTATE_JOB, TAGS, close_of_month, run_config
from orchestration.defs.resources import Warehouse
from orchestration.lib import steps
from orchestration.lib.configuration import first_scorecard_month
from orchestration.lib.dead_runs import CLI_TAG
from orchestration.lib.errors import BadInput, Fault
from orchestration.lib.landing import NothingVisible
from orchestration.lib.run_plan import add_months
from orchestration.lib.settings import Settings
from orchestration.lib.vintages import parse_month, read_vintages

CLOSE_JOB = "monthly_close"

restate_month = dg.define_asset_job(
    RESTATE_JOB,
    selection=dg.AssetSelection.all(),
    tags=TAGS,
    executor_def=dg.in_process_executor,
    description="Publish one closed month anew, as a further vintage: give "
    "ops.ingest.config.restate (YYYY-MM) and .reason.",
)


class BackfillConfig(dg.Config):
    """The last month to close, YYYY-MM."""

    through: str


@dg.monthly_partitioned_config(start_date=FIRST_DAY)
def _through_month(start: datetime, _end: datetime) -> Mapping[str, Any]:
    return {"ops": {"close_months": {"config": {"through": f"{start:%Y-%m}"}}}}


@dg.op(name="close_months")
def close_months_op(
    context: dg.OpExecutionContext, config: BackfillConfig, warehouse: Warehouse
) -> None:
    """Close every open month up to the one asked for, each as it was known at its own close."""
    through = parse_month(config.through)
    closed = list(close_months(warehouse.settings, context.instance, through))
    context.log.info(f"closed: {', '.join(closed) if closed else 'nothing, all were closed'}")


@dg.job(name="backfill", config=_through_month, tags=TAGS, executor_def=dg.in_process_executor)
def backfill() -> None:
    """Close a month of the past, and the open ones before it first: months close in order."""
    close_months_op()


def close_months(settings: Settings, instance: dg.DagsterInstance, through: date) -> Iterator[str]:
    """Run `monthly_close` for every open month up to `through`, the earliest first, each bound by
    its own close; yields the months closed (YYYY-MM).

    A month is known by the vintages before it, so the order in which a range is asked for makes no
    difference, and what was closed before stays. Raises BadInput where the data end before a month
    does, and whatever a run fails with.
    """
    for month in _months(first_scorecard_month(settings), through):
        if month in {vintage.period_month for vintage in read_vintages(settings)}:
            continue
        try:
            _close(instance, month)
        except NothingVisible:
            # Nothing had been loaded yet: the month is before the data.
            continue
        if month not in {vintage.period_month for vintage in read_vintages(settings)}:
            raise BadInput(
                f"month {month:%Y-%m} cannot be closed: nothing was loaded late enough after its "
                "end, so its last contacts may still be repeated; land the data first"
            )
        yield f"{month:%Y-%m}"


def _months(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first = add_months(first, 1)


def _close(instance: dg.DagsterInstance, month: date) -> None:
    from orchestration.definitions import defs

    end = datetime.combine(add_months(month, 1), datetime.min.time(), UTC)
    failures: list[BaseException] = []

    def remember(event: steps.StepEvent) -> None:
        if event.error is not None:
            failures.append(event.error)

    stop = steps.listen(remember)
    try:
        result = (
            defs()
            .resolve_job_def(CLOSE_JOB)
            .execute_in_process(
                run_config=run_config(close_of_month(end)),
                partition_key=f"{month:%Y-%m-01}",
                instance=instance,
                raise_on_error=False,
                tags={CLI_TAG: "backfill"},
            )
        )
    finally:
        stop()
    if not result.success:
        raise (
            failures[0]
            if failures
            else Fault(f"closing {month:%Y-%m} failed: see the run {result.run_id} in `cx dagster`")
        )
