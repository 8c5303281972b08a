"""Freshness of the sources, as asset checks.

Belongs here: how old a source may be when a run ends its day. Does not belong here: what is in it.
"""

from datetime import datetime, timedelta

import dagster as dg
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.defs.project import TICKETS
from orchestration.defs.resources import Warehouse
from orchestration.lib import releases
from orchestration.lib.servicenow import LOG_TABLE

# A nightly load that failed once is not yet a fault: half a day of grace beyond one missed night.
TICKETS_MAY_LAG = timedelta(hours=36)
# The raw table that tickets come from, by ticketing source.
TICKET_TABLES = {"native": "tickets", "servicenow": LOG_TABLE}


@dg.asset_check(asset=TICKETS, name="tickets_are_fresh", blocking=False)
def tickets_are_fresh(warehouse: Warehouse) -> dg.AssetCheckResult:
    """The newest ticket was loaded at most 36 hours before the bound of the run.

    A run without a bound is held against its own as_of: then this finds tickets that stopped coming
    while other tables went on. A warning only: old figures that say how old they are do no harm.
    """
    run = releases.read_run(warehouse.settings)
    files = pq.read_table(warehouse.settings.landing_root / "_files" / "files.parquet")
    table = TICKET_TABLES[run.ticketing_source]
    tickets = files.filter(pc.equal(files["raw_table"], table))
    newest = pc.max(tickets["last_loaded_at"]).as_py()
    bound = run.as_of
    if run.bound is not None:
        bound = datetime.fromisoformat(run.bound).replace(tzinfo=None)
    newest = None if newest is None else min(newest, bound)
    lag = None if newest is None else bound - newest
    return dg.AssetCheckResult(
        passed=lag is not None and lag <= TICKETS_MAY_LAG,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "newest_loaded_at": "none" if newest is None else f"{newest.isoformat()}Z",
            "bound": f"{bound.isoformat()}Z",
            "lag_hours": -1.0 if lag is None else round(lag.total_seconds() / 3600, 2),
        },
    )
