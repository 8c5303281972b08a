"""Ingest as an asset: raw files to landing, and the decision whether there is anything to do.

Belongs here: what a run of the job is told (`IngestConfig`) and which source assets it makes.
Does not belong here: reading and judging files (orchestration/lib/landing.py).
"""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg

from orchestration.defs.jobs import RESTATE_JOB
from orchestration.defs.project import source_specs
from orchestration.defs.resources import Warehouse
from orchestration.lib import releases, steps
from orchestration.lib.configuration import check_configuration
from orchestration.lib.dbt_runs import freeze_seeds, hash_seeds
from orchestration.lib.errors import BadInput
from orchestration.lib.input_checks import check_inputs
from orchestration.lib.instants import parse_bound
from orchestration.lib.landing import IngestResult, ingest, inventory_path, read_inventory
from orchestration.lib.lock import remove_warehouse, wait_for_warehouse
from orchestration.lib.run_plan import Restatement, begin_build
from orchestration.lib.settings import Settings
from orchestration.lib.vintages import (
    parse_month,
    read_vintages,
    to_json,
    verify_vintages,
    versions_of,
)

RUN_TABLE = "run"


class IngestConfig(dg.Config):
    """What a run is told: the instant (ISO 8601 with an offset) not to look beyond, whether to
    rebuild everything even when the release is known, and a closed month (YYYY-MM) to publish anew
    with the reason that its vintage will carry."""

    as_of: str | None = None
    full: bool = False
    restate: str | None = None
    reason: str | None = None


@dg.multi_asset(name="ingest", specs=source_specs())
def ingest_raw_files(
    context: dg.AssetExecutionContext, config: IngestConfig, warehouse: Warehouse
) -> Iterator[dg.MaterializeResult | dg.AssetObservation]:
    """Land what is new; yields nothing when the release of these inputs is published already."""
    settings = warehouse.settings
    if config.as_of is None and context.has_partition_key:
        # Dagster would go on and label a run without bound with a day it does not stand for.
        raise BadInput(
            f"partition {context.partition_key}: the run has no as_of; start it from the job "
            "daily_refresh or monthly_close, which take as_of from the partition"
        )
    if (config.restate is not None) != (context.job_name == RESTATE_JOB):
        raise BadInput(
            "a closed month is published anew by the job restate_month alone: give it the month "
            "(restate, as in 2026-09) and a reason, or call `cx restate`"
        )
    bound = parse_bound(config.as_of)
    with steps.step("ingest") as step:
        wait_for_warehouse(settings, replace_unreadable=config.full)
        # Faults of the reference data are told before minutes go into reading files.
        check_configuration(settings)
        seeds = hash_seeds(freeze_seeds(settings))
        releases.keep_closed_months(settings)
        kept = read_vintages(settings)
        verify_vintages(kept)
        result = ingest(
            settings,
            bound,
            full=config.full,
            vintages=kept,
            published=releases.manifests(settings),
            restatement=_restatement(config),
        )
        if hash_seeds(settings.seed_root) != seeds:
            raise BadInput(
                f"{settings.seed_root.name}/: edited while the run was reading it; run again"
            )
        nothing_new = not config.full and releases.is_published(settings, result.release_id)
        if not nothing_new:
            warnings = [
                *check_configuration(settings, result.as_of, versions_of(kept)),
                *check_inputs(settings, result.as_of),
            ]
            releases.write_run_notes(settings, _run(settings, result, seeds, warnings, bound))
            if result.is_full:
                remove_warehouse(settings)
            begin_build(
                settings,
                read_inventory(inventory_path(settings)),
                result.as_of.replace(tzinfo=None),
                is_new=result.is_full,
            )
        step.progress(len(result.new_files), len(result.new_files), "new files")
    facts = {
        "release_id": result.release_id,
        "as_of": result.as_of.isoformat(),
        "new_files": len(result.new_files),
        "nothing_new": nothing_new,
    }
    for key in sorted(context.selected_asset_keys):
        if nothing_new:
            if key.path[-1] == RUN_TABLE:
                # A run that died between the release and the pointer left the pointer behind.
                releases.make_current(settings, result.release_id)
                yield dg.AssetObservation(key, metadata=facts)
        else:
            rows = result.tables.get(key.path[-1])
            yield dg.MaterializeResult(key, metadata=facts if rows is None else {"rows": rows})


def _run(
    settings: Settings,
    result: IngestResult,
    seeds: dict[str, str],
    warnings: list[str],
    bound: datetime | None,
) -> releases.Run:
    return releases.Run(
        release_id=result.release_id,
        as_of=result.as_of.replace(tzinfo=None),
        ticketing_source=settings.ticketing_source,
        seeds=seeds,
        absent_inputs=result.absent,
        warnings=[*result.warnings, *warnings],
        bound=None if bound is None else bound.isoformat(),
        inputs=result.plan.inputs,
        vintages=[vintage.name for vintage in result.plan.vintages],
        restates=to_json([result.plan.restates])[0] if result.plan.restates else None,
    )


def _restatement(config: IngestConfig) -> Restatement | None:
    if config.restate is None:
        return None
    if not (config.reason or "").strip():
        raise BadInput(
            f"restating {config.restate} needs a reason: it is published with the new figures"
        )
    return Restatement(parse_month(config.restate), " ".join(config.reason.split()))
