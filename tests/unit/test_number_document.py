"""The page of definitions is what the models say, not a copy that ages."""

from typing import Any

from orchestration.lib.number_document import number_document
from orchestration.lib.settings import PROJECT_ROOT
from tests.published import MARTS


def test_the_page_in_docs_is_what_the_models_say(dbt_manifest: dict[str, Any]):
    page = (PROJECT_ROOT / "docs" / "numbers.md").read_text(encoding="utf-8")
    assert page == number_document(dbt_manifest), "docs/numbers.md is out of date: run `make docs`"


def test_every_mart_and_column_stands_on_the_page(dbt_manifest: dict[str, Any]):
    page = number_document(dbt_manifest)
    for node in dbt_manifest["nodes"].values():
        if node["resource_type"] == "model" and node["name"] in MARTS:
            assert f"### {node['name']}\n" in page
            assert all(f"`{column}`" in page for column in node["columns"])
