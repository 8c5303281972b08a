"""How each number is made, as a page for those who read the marts; `make docs` writes it.

Belongs here: laying out what dbt's manifest says of metrics and marts. Does not belong here: any
definition; those stand in the doc blocks and descriptions of the models.
"""

from __future__ import annotations

import json
from typing import Any

from orchestration.lib.configuration import METRICS
from orchestration.lib.dbt_runs import prepare_manifest
from orchestration.lib.settings import load_settings

INTRODUCTION = """\
# How each number is made

`make docs` writes this page from the doc blocks and descriptions that the models carry. Weights,
targets and floors are in `seeds/scorecard_metrics.csv` and, with owner and decision, in the mart
`metric_catalog`. What the system does where a definition left room stands in
[decisions](decisions.md).
"""
FAIRNESS = (
    "fairness_case_mix",
    "fairness_intervals",
    "fairness_stabilised",
    "fairness_percentiles",
)
SCORES = ("scores", "bands", "trajectory")
# Every mart ends with these three; said once instead of in each table.
COMMON_COLUMNS = ("vintage", "as_of", "release_id")


def number_document(manifest: dict[str, Any]) -> str:
    """The page as Markdown, from dbt's parsed manifest."""
    blocks = {
        block["name"]: " ".join(block["block_contents"].split())
        for block in manifest["docs"].values()
    }
    marts = sorted(
        (
            node
            for node in manifest["nodes"].values()
            if node["resource_type"] == "model" and node["path"].startswith("marts/")
        ),
        key=lambda node: (node["path"].split("/")[1], node["name"]),
    )
    parts = [INTRODUCTION, "## The scored metrics\n"]
    parts += [f"- {blocks[f'metric_{metric}']}" for metric in METRICS]
    parts += ["\n## Fairness\n", *(f"- {blocks[name]}" for name in FAIRNESS)]
    parts += ["\n## Scores and bands\n", *(f"- {blocks[name]}" for name in SCORES)]
    parts += ["\n## The marts\n", "Every mart also has\n"]
    parts += [f"- `{name}`: {blocks[name]}" for name in COMMON_COLUMNS]
    parts += [_mart(node) for node in marts]
    return "\n".join(parts) + "\n"


def _mart(node: dict[str, Any]) -> str:
    key = ", ".join(f"`{column}`" for column in node["config"]["meta"]["primary_key"])
    lines = [
        f"\n### {node['name']}\n",
        f"{_line(node['description'])} One row per {key}.\n",
        "| column | type | |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{name}` | {column['data_type']} | {_line(column['description'])} |"
        for name, column in node["columns"].items()
        if name not in COMMON_COLUMNS
    ]
    return "\n".join(lines)


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    manifest_path = prepare_manifest(load_settings())
    print(number_document(json.loads(manifest_path.read_text(encoding="utf-8"))), end="")
