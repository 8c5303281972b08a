"""What the asset modules share: the parsed dbt project, and which asset keys come of it.

Belongs here: facts of the manifest that several modules need. Does not belong here: definitions.
Loading this parses the dbt project when its manifest is absent or stale, so that the asset graph
in the UI is that of the models on disk.
"""

from datetime import timedelta

import dagster as dg
from dagster_dbt import DagsterDbtTranslator

from orchestration.lib.dbt_runs import fingerprint, load_manifest, mart_specs, prepare_manifest
from orchestration.lib.settings import load_settings

MANIFEST_PATH = prepare_manifest(load_settings())
FINGERPRINT = fingerprint(load_settings())
MANIFEST = load_manifest(MANIFEST_PATH)
MARTS = mart_specs(MANIFEST)

CANDIDATE = dg.AssetKey("candidate")
RELEASE = dg.AssetKey("release")
TICKETS = dg.AssetKey(["raw", "tickets"])

# A run without news makes nothing, so the age of an asset is that of the last as_of that was new.
FRESHNESS = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(hours=50), warn_window=timedelta(hours=26)
)

_translator = DagsterDbtTranslator()


def source_specs() -> list[dg.AssetSpec]:
    """One asset per dbt source table, with the key, description and group that dagster-dbt gives
    it.
    """
    specs = [
        dg.AssetSpec(
            _translator.get_asset_key(source),
            description=source["description"],
            group_name=source["source_name"],
            # Ingest yields nothing when nothing is new, and everything downstream is skipped then.
            skippable=True,
            freshness_policy=FRESHNESS,
        )
        for source in MANIFEST["sources"].values()
    ]
    return sorted(specs, key=lambda spec: spec.key)


def mart_keys() -> list[dg.AssetKey]:
    """Asset keys of the models in marts/, in the order of MARTS."""
    by_name = {
        node["name"]: _translator.get_asset_key(node)
        for node in MANIFEST["nodes"].values()
        if node["resource_type"] == "model"
    }
    return [by_name[mart.name] for mart in MARTS]
