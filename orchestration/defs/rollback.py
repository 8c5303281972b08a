"""The job that moves readers back to a kept release.

Belongs here: the rollback as a job, for those who work in Dagster's UI. Does not belong here: what
a rollback does (orchestration/lib/rollback.py), which `cx rollback` calls without Dagster.
"""

import dagster as dg

from orchestration.defs.jobs import TAGS
from orchestration.defs.resources import Warehouse
from orchestration.lib import rollback as rollbacks
from orchestration.lib import steps
from orchestration.lib.errors import BadInput


class RollbackConfig(dg.Config):
    """The release to roll back to; or `undo`, to lift the pin and move on to the newest."""

    release_id: str | None = None
    undo: bool = False


@dg.op(name="roll_back")
def roll_back(context: dg.OpExecutionContext, config: RollbackConfig, warehouse: Warehouse) -> None:
    """Verify the release, pin it and point `current` at it."""
    with steps.step("rollback"):
        if config.undo == (config.release_id is not None):
            raise BadInput("rollback: give either release_id or undo: true")
        if config.release_id is None:
            newest = rollbacks.undo(warehouse.settings)
            context.log.info(f"current is {newest.release_id}; the pin is lifted")
        else:
            pin = rollbacks.roll_back(
                warehouse.settings, config.release_id, by=f"Dagster run {context.run_id}"
            )
            context.log.info(f"current is {pin.release_id} and stays: {pin.told}")


@dg.job(name="rollback", tags=TAGS, executor_def=dg.in_process_executor)
def rollback() -> None:
    """Point readers at a kept release, whatever later runs publish, until it is undone."""
    roll_back()
