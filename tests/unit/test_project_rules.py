"""Rules of the dbt project that no single model can see to: names, descriptions, keys and layers.

Belongs here: what holds for every model, test or exposure, read from dbt's manifest. Does not
belong here: what the models compute (dbt unit tests, tests/integration). Each rule lists all
offenders at once, by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.published import MARTS

Node = dict[str, Any]

NAME_OF_LAYER = {
    "staging": r"stg_{folder}__[a-z0-9_]+",
    "intermediate": r"int_[a-z0-9_]+__[a-z0-9_]+",
    "facts": r"(fct|dim)_[a-z0-9_]+",
}
KEY_TESTS = frozenset({"unique_combination", "unique"})
# The one staging model that marts read: every row carries as_of and release_id of the run, and
# this is the only place that says them.
# What ingest tells the models about the run and the months that stand as published.
RUN_MODELS = {
    "stg_landing__runs",
    "stg_landing__vintage_scorecards",
    "stg_landing__vintage_figures",
}
# The same inputs and as_of give the same marts, so no SQL may ask what time it is.
CLOCK = re.compile(
    r"\b(now|today|getdate|sysdate|get_current_timestamp)\s*\(|\b(current_(date|time|timestamp)|localtime(stamp)?)\b",
    re.IGNORECASE,
)
# What Spark 3.5 does not know or reads otherwise. Such SQL stands behind a dispatched macro.
ENGINE_ONLY = {
    "qualify": r"\bqualify\b",
    "::": r"::",
    "//": r"//",
    "* exclude": r"\*\s*exclude\b",
    "string_agg": r"\bstring_agg\s*\(",
    "unnest": r"\bunnest\s*\(",
    "strftime": r"\bstrftime\s*\(",
    "asof join": r"\basof\b",
    "recursive": r"\bwith\s+recursive\b",
}


def layer(node: Node) -> str:
    """Top folder of a model below models/: staging, intermediate, facts or marts."""
    return node["path"].split("/")[0]


def folder(node: Node) -> str:
    """Folder a model stands in."""
    return node["path"].split("/")[-2]


def sql_of(node: Node) -> str:
    """SQL and jinja of a node without comments. Texts stay: SQL is handed to macros in quotes."""
    return re.sub(r"\{#.*?#\}|--[^\n]*", "", node["raw_code"], flags=re.DOTALL)


@pytest.fixture(scope="session")
def models(dbt_manifest: Node) -> list[Node]:
    return [node for node in dbt_manifest["nodes"].values() if node["resource_type"] == "model"]


@pytest.fixture(scope="session")
def marts(models: list[Node]) -> list[Node]:
    return [node for node in models if layer(node) == "marts"]


@pytest.fixture(scope="session")
def data_tests(dbt_manifest: Node) -> list[Node]:
    return [node for node in dbt_manifest["nodes"].values() if node["resource_type"] == "test"]


@pytest.fixture(scope="session")
def singular_tests(data_tests: list[Node]) -> list[Node]:
    return [node for node in data_tests if not node.get("test_metadata")]


def test_the_project_has_models_in_every_layer(models: list[Node]) -> None:
    """Guards the rules below: they hold trivially where a layer is not found."""
    assert {layer(node) for node in models} == {"staging", "intermediate", "facts", "marts"}


def test_models_are_named_for_their_layer(models: list[Node]) -> None:
    misnamed = [
        node["path"]
        for node in models
        if layer(node) != "marts"
        and not re.fullmatch(NAME_OF_LAYER[layer(node)].format(folder=folder(node)), node["name"])
    ]
    assert not misnamed


def test_marts_have_the_published_names(marts: list[Node]) -> None:
    assert {node["name"] for node in marts} == MARTS


def test_models_are_described_in_the_file_of_their_folder(models: list[Node]) -> None:
    elsewhere = [
        node["path"]
        for node in models
        if not (node["patch_path"] or "").endswith(f"/{folder(node)}/_{folder(node)}__models.yml")
    ]
    assert not elsewhere


def test_every_model_is_described(models: list[Node]) -> None:
    assert [node["name"] for node in models if not node["description"].strip()] == []


def test_every_listed_column_is_described(models: list[Node]) -> None:
    bare = [
        f"{node['name']}.{name}"
        for node in models
        for name, column in node["columns"].items()
        if not column["description"].strip()
    ]
    assert not bare


def test_models_below_staging_list_their_columns(models: list[Node]) -> None:
    """Staging has the columns of the raw contract, which the sources describe."""
    assert [n["name"] for n in models if layer(n) != "staging" and not n["columns"]] == []


def test_marts_have_an_enforced_contract_with_typed_columns(marts: list[Node]) -> None:
    loose = [node["name"] for node in marts if not node["contract"]["enforced"]]
    untyped = [
        f"{node['name']}.{name}"
        for node in marts
        for name, column in node["columns"].items()
        if not column["data_type"]
    ]
    assert not loose
    assert not untyped


def test_marts_name_their_key_of_columns_they_have(marts: list[Node]) -> None:
    keyless = [
        node["name"]
        for node in marts
        if not (key := node["config"]["meta"].get("primary_key"))
        or not set(key) <= set(node["columns"])
    ]
    assert not keyless


def test_every_mart_says_release_as_of_and_vintage(marts: list[Node]) -> None:
    silent = [
        node["name"]
        for node in marts
        if not {"release_id", "as_of", "vintage"} <= set(node["columns"])
    ]
    assert not silent


def test_every_model_has_a_key_test(models: list[Node], data_tests: list[Node]) -> None:
    tested = {
        test["attached_node"]
        for test in data_tests
        if (test.get("test_metadata") or {}).get("name") in KEY_TESTS
    }
    assert sorted(node["name"] for node in models if node["unique_id"] not in tested) == []


def test_the_key_test_of_a_mart_is_on_its_key(marts: list[Node], data_tests: list[Node]) -> None:
    tested = {
        test["attached_node"]: set(test["test_metadata"]["kwargs"]["columns"])
        for test in data_tests
        if (test.get("test_metadata") or {}).get("name") == "unique_combination"
    }
    other = [
        node["name"]
        for node in marts
        if tested.get(node["unique_id"]) != set(node["config"]["meta"].get("primary_key", ()))
    ]
    assert not other


def test_marts_read_neither_sources_nor_staging(marts: list[Node], models: list[Node]) -> None:
    staging = {
        node["unique_id"]
        for node in models
        if layer(node) == "staging" and node["name"] not in RUN_MODELS
    }
    shortcuts = [
        f"{node['name']} reads {parent}"
        for node in marts
        for parent in node["depends_on"]["nodes"]
        if parent.startswith("source.") or parent in staging
    ]
    assert not shortcuts


def test_only_staging_and_what_comes_before_it_read_sources(models: list[Node]) -> None:
    """Typing and dispositions stand in staging; rows not visible at as_of never get there, and
    which keys a run touches has to be known first."""
    readers = {
        node["name"]
        for node in models
        if layer(node) != "staging"
        and any(parent.startswith("source.") for parent in node["depends_on"]["nodes"])
    }
    assert readers <= {"int_rows__not_yet_visible", "int_rows__touched"}


def test_no_layer_reads_a_later_one(dbt_manifest: Node, models: list[Node]) -> None:
    """Facts and intermediate models build on each other by turns; staging and marts are the ends.

    Checks of the release judge marts, so they alone look ahead.
    """
    order = {"staging": 0, "intermediate": 1, "facts": 1, "marts": 2}
    looking_ahead = [
        f"{node['name']} reads {parent}"
        for node in models
        if folder(node) != "release"
        for parent in node["depends_on"]["nodes"]
        if parent.startswith("model.")
        and order[layer(dbt_manifest["nodes"][parent])] > order[layer(node)]
    ]
    assert not looking_ahead


def clock_readers(nodes: list[Node]) -> Iterator[str]:
    for node in nodes:
        for found in CLOCK.finditer(sql_of(node)):
            yield f"{node['name']}: {found.group(0)}"


def test_no_sql_reads_the_clock(
    models: list[Node], data_tests: list[Node], dbt_manifest: Node
) -> None:
    macros = [
        {"name": macro["name"], "raw_code": macro["macro_sql"]}
        for macro in dbt_manifest["macros"].values()
        if macro["package_name"] == dbt_manifest["metadata"]["project_name"]
    ]
    assert macros
    assert list(clock_readers([*models, *data_tests, *macros])) == []


def test_models_and_tests_read_the_same_on_every_engine(
    models: list[Node], singular_tests: list[Node]
) -> None:
    engine_only = [
        f"{node['name']}: {what}"
        for node in [*models, *singular_tests]
        for what, pattern in ENGINE_ONLY.items()
        if re.search(pattern, sql_of(node), re.IGNORECASE)
    ]
    assert not engine_only


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("select now()", True),
        ("select current_date", True),
        ("select a.current_dates from a", False),
        ("-- not now()\nselect 1", False),
        ("{# current_date #} select 1", False),
        ("{{ published('current_date') }}", True),
        ("select snow(1)", False),
    ],
)
def test_the_clock_is_found_outside_comments(code: str, found: bool) -> None:
    assert bool(list(clock_readers([{"name": "model", "raw_code": code}]))) is found


def test_singular_tests_are_sentences(singular_tests: list[Node]) -> None:
    assert [
        n["name"] for n in singular_tests if not re.fullmatch(r"assert_[a-z0-9_]+", n["name"])
    ] == []


def test_singular_tests_on_several_models_say_which_asset_they_check(
    singular_tests: list[Node], dbt_manifest: Node
) -> None:
    """Dagster shows a test on one asset; without the name it drops the test from its checks."""
    unclear = []
    for test in singular_tests:
        parents = [dbt_manifest["nodes"].get(parent, {}) for parent in test["depends_on"]["nodes"]]
        dagster = test["config"]["meta"].get("dagster", {})
        if len(parents) > 1 and dagster.get("ref", {}).get("name") not in {
            parent.get("name") for parent in parents
        }:
            unclear.append(test["name"])
    assert not unclear


def test_a_lowered_severity_has_its_reason(data_tests: list[Node]) -> None:
    silent = [
        test["name"]
        for test in data_tests
        if test["config"]["severity"].lower() != "error" and not test["description"].strip()
    ]
    assert not silent


def test_unit_tests_say_what_is_expected(dbt_manifest: Node) -> None:
    names = [test["name"] for test in dbt_manifest["unit_tests"].values()]
    assert [name for name in names if not re.fullmatch(r"test_[a-z0-9_]+", name)] == []


def test_exposures_have_owner_and_maturity(dbt_manifest: Node) -> None:
    incomplete = [
        exposure["name"]
        for exposure in dbt_manifest["exposures"].values()
        if not (exposure["owner"].get("name") or exposure["owner"].get("email"))
        or not exposure["maturity"]
    ]
    assert not incomplete


def test_every_mart_is_read_by_an_exposure(dbt_manifest: Node, marts: list[Node]) -> None:
    read = {
        name
        for exposure in dbt_manifest["exposures"].values()
        for name in exposure["depends_on"]["nodes"]
    }
    assert sorted(node["name"] for node in marts if node["unique_id"] not in read) == []
