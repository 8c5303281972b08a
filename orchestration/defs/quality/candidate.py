"""The candidate: the marts as they would be published, copied out of the warehouse.

Belongs here: the asset between the models and the gate. Does not belong here: how marts are copied
and hashed (orchestration/lib/releases.py).
"""

import dagster as dg

from orchestration.defs.project import CANDIDATE, MARTS, mart_keys
from orchestration.defs.resources import Warehouse
from orchestration.lib import releases, steps
from orchestration.lib.dbt_runs import results_path


@dg.asset(key=CANDIDATE, deps=mart_keys(), group_name="release")
def candidate(warehouse: Warehouse) -> dg.MaterializeResult:
    """The marts of one run, each ordered by its key, hashed, and closed to further change."""
    settings = warehouse.settings
    run = releases.read_run(settings)
    with steps.step("candidate"):
        made = releases.build_candidate(
            settings, MARTS, run, results_path(settings, run.release_id)
        )
    return dg.MaterializeResult(
        metadata={
            "release_id": made.release_id,
            "candidate_hash": made.candidate_hash,
            "rows": made.rows,
        }
    )
