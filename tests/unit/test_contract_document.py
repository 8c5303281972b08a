"""The page for loaders is the contract, not a copy that ages."""

from orchestration.lib.contract import load_contract
from orchestration.lib.contract_document import contract_page
from orchestration.lib.settings import PROJECT_ROOT


def test_the_page_in_docs_is_the_contract_in_force():
    page = (PROJECT_ROOT / "docs" / "raw-contract.md").read_text(encoding="utf-8")
    assert page == contract_page(), "docs/raw-contract.md is out of date: run `make docs`"


def test_every_table_and_column_stands_on_the_page():
    page = contract_page()
    for table in load_contract().tables.values():
        assert f"### {table.name}\n" in page
        for column in table.columns:
            assert f"| {column.name}" in page or f"| **{column.name}**" in page
