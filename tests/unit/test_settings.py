"""Settings: what the environment means, and what is said about a value that is not accepted."""

from pathlib import Path

import pytest

from orchestration.lib.errors import BadInput, Fault, GateFailed, LockHeld
from orchestration.lib.settings import Settings, load_settings, make_private


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch):
    for name in ("CX_RAW_ROOT", "CX_STATE_ROOT", "CX_SEED_ROOT", "CX_TICKETING_SOURCE"):
        monkeypatch.delenv(name, raising=False)


def test_defaults_are_folders_of_the_project():
    settings = load_settings()
    assert settings.raw_root == settings.project_root / "data" / "raw"
    assert settings.state_root == settings.project_root / "data" / "state"
    assert settings.seed_root == settings.project_root / "seeds"
    assert settings.ticketing_source == "native"


def test_relative_paths_are_taken_from_the_project_whatever_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("CX_RAW_ROOT", "elsewhere/raw")
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    assert settings.raw_root == settings.project_root / "elsewhere" / "raw"


def test_another_source_brings_its_own_seeds_unless_they_are_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("CX_TICKETING_SOURCE", "servicenow")
    assert load_settings().seed_root.parts[-2:] == ("seeds", "servicenow")
    monkeypatch.setenv("CX_SEED_ROOT", str(tmp_path))
    assert load_settings().seed_root == tmp_path


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CX_STATE_ROOT", "")
    assert load_settings().state_root.parts[-2:] == ("data", "state")


def test_an_unknown_source_is_refused_naming_the_variable_and_the_choices(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("CX_TICKETING_SOURCE", "zenduty")
    with pytest.raises(BadInput) as caught:
        load_settings()
    assert "CX_TICKETING_SOURCE" in caught.value.message
    assert "'native' or 'servicenow'" in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("limit", ["much", "512", "0GB", "-1", "1GB; drop"])
def test_a_memory_limit_that_is_no_size_is_refused(monkeypatch: pytest.MonkeyPatch, limit: str):
    monkeypatch.setenv("CX_MEMORY_LIMIT", limit)
    with pytest.raises(BadInput, match=r"CX_MEMORY_LIMIT: .* such as 512MB"):
        load_settings()


def test_dbt_is_told_the_memory_limit(tmp_path: Path):
    settings = Settings(state_root=tmp_path, memory_limit="512MB")
    assert settings.dbt_environment()["CX_MEMORY_LIMIT"] == "512MB"


def test_state_has_one_folder_per_purpose(tmp_path: Path):
    settings = Settings(state_root=tmp_path)
    assert settings.warehouse_path == tmp_path / "warehouse" / "warehouse.duckdb"
    assert settings.landing_root == tmp_path / "landing"
    assert settings.work_root == tmp_path / "work"
    assert settings.vintages_root == tmp_path / "vintages"
    assert settings.releases_root == tmp_path / "releases"
    assert settings.dagster_home == tmp_path / "dagster"


def test_dbt_gets_absolute_paths_and_no_telemetry(tmp_path: Path):
    variables = Settings(state_root=tmp_path).dbt_environment()
    paths = ("CX_STATE_ROOT", "CX_SEED_ROOT", "CX_WAREHOUSE_PATH", "DBT_TARGET_PATH")
    assert all(Path(variables[name]).is_absolute() for name in paths)
    assert variables["CX_TICKETING_SOURCE"] == "native"
    assert variables["DO_NOT_TRACK"] == "1"
    assert variables["DBT_SEND_ANONYMOUS_USAGE_STATS"] == "false"


def test_dbt_artefacts_are_kept_apart_by_source_and_seeds(tmp_path: Path):
    given = [
        {},
        {"ticketing_source": "servicenow"},
        {"ticketing_source": "servicenow", "seed_root": tmp_path},
    ]
    targets = {
        Settings(state_root=tmp_path, **one).dbt_environment()["DBT_TARGET_PATH"] for one in given
    }
    assert len(targets) == 3


def test_private_folders_are_closed_to_others(tmp_path: Path):
    assert make_private(tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_every_error_has_its_exit_code():
    errors = (Fault, BadInput, GateFailed, LockHeld)
    assert [error("reason").exit_code for error in errors] == [1, 2, 3, 4]
