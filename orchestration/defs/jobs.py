"""Jobs, their schedules, and the sensor on the raw files.

Belongs here: when the assets are made and up to which instant. Does not belong here: assets.
The assets have no partitions: a run always makes the whole release as of one instant. The jobs have
them, and a partition is nothing but the bound of a run.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.lib.settings import load_settings

FIRST_DAY = "2016-01-01"
CLOSING_DAY = 10
RESTATE_JOB = "restate_month"
MAX_RUNTIME_SECONDS = 4 * 60 * 60
MANIFEST_NAME = "manifest.jsonl"
# A run that crashed starts once more (dagster.yaml), and then from its beginning: what half a run
# left is nothing to go on from.
TAGS = {
    "dagster/max_runtime": str(MAX_RUNTIME_SECONDS),
    "dagster/retry_strategy": "ALL_STEPS",
}


def run_config(
    as_of: datetime | str | None = None,
    full: bool = False,
    restate: str | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    """Run config of the jobs: the bound of ingest, whether to rebuild what is known, and a closed
    month (YYYY-MM) to publish anew with the reason.
    """
    bound = as_of.isoformat() if isinstance(as_of, datetime) else as_of
    config = {"as_of": bound, "full": full, "restate": restate, "reason": reason}
    return {"ops": {"ingest": {"config": config}}}


def end_of_day(end: datetime) -> datetime:
    """Bound of a daily partition that ends at `end`: that midnight, UTC."""
    return end.astimezone(UTC)


def close_of_month(end: datetime) -> datetime:
    """Bound of a monthly partition that ends at `end`: day 10 of the month after, 00:00 UTC.

    Eight days after the end of the month in every timezone, when its repeat windows have matured.
    """
    return end.astimezone(UTC) + timedelta(days=CLOSING_DAY - 1)


@dg.daily_partitioned_config(start_date=FIRST_DAY)
def _of_day(_start: datetime, end: datetime) -> Mapping[str, Any]:
    return run_config(end_of_day(end))


@dg.monthly_partitioned_config(start_date=FIRST_DAY)
def _of_month(_start: datetime, end: datetime) -> Mapping[str, Any]:
    return run_config(close_of_month(end))


daily_refresh = dg.define_asset_job(
    "daily_refresh",
    selection=dg.AssetSelection.all(),
    config=_of_day,
    tags=TAGS,
    executor_def=dg.in_process_executor,
    description="Operational pulse: take in what landed until the end of the day, gate, publish.",
)

monthly_close = dg.define_asset_job(
    "monthly_close",
    selection=dg.AssetSelection.all(),
    config=_of_month,
    tags=TAGS,
    executor_def=dg.in_process_executor,
    description="The month as of day 10 of the next: its figures become final; gate, publish.",
)

daily_refresh_schedule = dg.build_schedule_from_partitioned_job(
    daily_refresh, name="daily_refresh_schedule", hour_of_day=4
)

monthly_close_schedule = dg.build_schedule_from_partitioned_job(
    monthly_close,
    name="monthly_close_schedule",
    day_of_month=CLOSING_DAY,
    hour_of_day=4,
    minute_of_hour=30,
)


def landing_state(raw_root: Path) -> str | None:
    """Hash of what the raw root says it holds, None where it holds nothing.

    The loader's manifest where there is one, as it is written when a delivery is complete; else
    names, sizes and times of the files, without those a loader still writes (leading `_` or `.`).
    """
    manifest = raw_root / MANIFEST_NAME
    if manifest.is_file():
        return hashlib.sha256(manifest.read_bytes()).hexdigest()
    if raw_root.is_file():
        files = [raw_root]
    else:
        files = sorted(
            path
            for path in raw_root.rglob("*")
            if path.is_file() and not path.name.startswith(("_", "."))
        )
    if not files:
        return None
    digest = hashlib.sha256()
    for path in files:
        stat = path.stat()
        name = path.relative_to(raw_root).as_posix()
        digest.update(f"{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


@dg.sensor(job=daily_refresh, minimum_interval_seconds=60)
def landing_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Start a run without bound when the raw root changed; a refused batch waits for the next
    change.
    """
    state = landing_state(load_settings().raw_root)
    if state is None:
        return dg.SkipReason("the raw root holds no files")
    if state == context.cursor:
        return dg.SkipReason("nothing landed since the last look")
    return dg.SensorResult([dg.RunRequest(run_key=state, run_config=run_config())], cursor=state)
