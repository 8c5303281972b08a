"""Publishing as an asset: the candidate becomes the release readers see.

Belongs here: the asset at the end. Does not belong here: the guard, which stands in
orchestration/lib/releases.py so that no way of calling it goes round.
"""

import dagster as dg

from orchestration.defs.project import CANDIDATE, FRESHNESS, RELEASE
from orchestration.defs.resources import Warehouse
from orchestration.lib import quarantine, releases, retention, steps


@dg.asset(key=RELEASE, deps=[CANDIDATE], group_name="release", freshness_policy=FRESHNESS)
def release(warehouse: Warehouse) -> dg.MaterializeResult:
    """The immutable release folder, and `current` pointing at it; refused without the gate's
    receipt.
    """
    settings = warehouse.settings
    with steps.step("publish"):
        run = releases.read_run(settings)
        published = releases.publish(settings, releases.load_candidate(settings, run.release_id))
        # Now, as a warehouse that is damaged before the next run could not tell any more.
        quarantine.remember(settings)
        pruned = retention.prune(settings, published.release_id)
    steps.write_timings(settings.work_root / "logs", published.release_id)
    return dg.MaterializeResult(
        metadata={
            "release_id": published.release_id,
            "as_of": f"{published.as_of.isoformat()}Z",
            "is_current": published.is_current,
            "folder": dg.MetadataValue.path(str(published.folder)),
            "note": published.note,
            "no_longer_kept": pruned,
        }
    )
