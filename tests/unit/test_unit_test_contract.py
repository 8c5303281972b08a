"""dbt gives unit tests no graph: columns that staging tests repeat are those of the contract."""

from pathlib import Path

import yaml

NATIVE = Path(__file__).resolve().parents[2] / "dbt_project/models/staging/native"


def test_staging_unit_tests_spell_their_columns_as_the_contract_does():
    document = yaml.safe_load((NATIVE / "_native__sources.yml").read_text("utf-8"))
    raw = next(source for source in document["sources"] if source["name"] == "raw")
    contract = {table["name"]: table for table in raw["tables"]}
    tests = yaml.safe_load((NATIVE / "_native__unit_tests.yml").read_text("utf-8"))["unit_tests"]
    for test in tests:
        for name, given in test["overrides"]["macros"]["graph"]["sources"].items():
            table = contract[name]
            assert given["config"]["meta"]["key"] == table["config"]["meta"]["key"], test["name"]
            columns = {column["name"]: {"config": column["config"]} for column in table["columns"]}
            for column, spelled in given["columns"].items():
                assert spelled == columns[column], (test["name"], column)
