"""Settings of the pipeline, read from the environment (prefix CX_) and turned into absolute paths.

Belongs here: where things are and which system feeds the warehouse. Does not belong here: what the
business decides (seeds/) and the layout inside a landing or release folder (landing.py,
releases.py).
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from orchestration.lib.errors import BadInput

TicketingSource = Literal["native", "servicenow"]
ACCEPTED = {
    "keep_releases": "a whole number of at least 1",
    "memory_limit": "a size such as 512MB or 4GB, or a share of the machine's memory such as 80%",
    "failure_webhook": "an address that starts with http:// or https://",
}


def find_project_root(start: Path) -> Path:
    """Folder of pyproject.toml at or above `start`; the working directory where there is none."""
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").is_file():
            return folder
    return Path.cwd()


PROJECT_ROOT = find_project_root(Path(__file__).resolve().parent)


class Settings(BaseSettings):
    """Where the pipeline reads and writes; relative paths are taken from the project's root."""

    model_config = SettingsConfigDict(
        env_prefix="CX_", env_ignore_empty=True, extra="ignore", frozen=True, validate_default=True
    )

    ticketing_source: TicketingSource = "native"
    raw_root: Path = Path("data/raw")
    state_root: Path = Path("data/state")
    # None stands for the reference data of the ticketing source; validation puts its path here.
    seed_root: Path = None  # type: ignore[assignment]
    # Further releases stay as well: see retention.py.
    keep_releases: int = Field(default=30, ge=1)
    # Of DuckDB, which spills to the state root beyond it.
    memory_limit: str = Field(default="80%", pattern=r"^[1-9][0-9]*([KMGT]i?B|%)$")
    # May hold a token, so it is never shown.
    failure_webhook: SecretStr | None = None

    @field_validator("seed_root", mode="before")
    @classmethod
    def _seeds_of_the_source(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None:
            return value
        of_source = info.data.get("ticketing_source", "native")
        return Path("seeds") if of_source == "native" else Path("seeds") / of_source

    @field_validator("raw_root", "state_root", "seed_root")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return (PROJECT_ROOT / value.expanduser()).resolve()

    @field_validator("failure_webhook")
    @classmethod
    def _of_the_web(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("http://", "https://")):
            raise ValueError("not an address of the web")
        return value

    @property
    def project_root(self) -> Path:
        """Folder of pyproject.toml."""
        return PROJECT_ROOT

    @property
    def dbt_project_root(self) -> Path:
        """Folder of dbt_project.yml."""
        return PROJECT_ROOT / "dbt_project"

    @property
    def profiles_root(self) -> Path:
        """Folder of profiles.yml."""
        return PROJECT_ROOT / "profiles"

    @property
    def warehouse_path(self) -> Path:
        """The private DuckDB file models are built in; readers never open it."""
        return self.state_root / "warehouse" / "warehouse.duckdb"

    @property
    def landing_root(self) -> Path:
        """Raw files as Parquet with every cell as text."""
        return self.state_root / "landing"

    @property
    def work_root(self) -> Path:
        """Files in the making; may be deleted between runs."""
        return self.state_root / "work"

    @property
    def spill_root(self) -> Path:
        """Where the jobs' own DuckDB puts what does not fit into memory."""
        return self.work_root / "spill"

    @property
    def vintages_root(self) -> Path:
        """Figures of closed months as published: input that cannot be made again."""
        return self.state_root / "vintages"

    @property
    def audit_root(self) -> Path:
        """The log of what was run, judged, published and taken back."""
        return self.state_root / "audit"

    @property
    def releases_root(self) -> Path:
        """Published releases and the pointer `current`."""
        return self.state_root / "releases"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own records of runs."""
        return self.state_root / "dagster"

    @property
    def dbt_work_root(self) -> Path:
        """dbt's artefacts, one folder per source and seed root: a shared one would force full
        parses."""
        seeds = hashlib.sha256(str(self.seed_root).encode()).hexdigest()[:8]
        return self.work_root / "dbt" / f"{self.ticketing_source}-{seeds}"

    def dbt_environment(self) -> dict[str, str]:
        """Environment variables of a dbt process that works on these settings; paths are
        absolute."""
        return {
            "CX_STATE_ROOT": str(self.state_root),
            "CX_SEED_ROOT": str(self.seed_root),
            "CX_TICKETING_SOURCE": self.ticketing_source,
            "CX_MEMORY_LIMIT": self.memory_limit,
            "CX_WAREHOUSE_PATH": str(self.warehouse_path),
            "DBT_TARGET_PATH": str(self.dbt_work_root / "target"),
            "DBT_LOG_PATH": str(self.dbt_work_root / "logs"),
            # The jobs read dbt's events and results. Its file of debug lines costs a third of the
            # time of a build, and holds nothing that `dbt build` by hand would not show.
            "DBT_LOG_LEVEL_FILE": "none",
            "DO_NOT_TRACK": "1",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }


def load_settings(**given: Any) -> Settings:
    """Settings from the environment, overridden by `given`.

    Raises BadInput naming the variable where a value is not accepted.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        faults = [_explain(fault) for fault in error.errors(include_url=False)]
    raise BadInput("\n".join(faults))


def _explain(fault: Any) -> str:
    field = str(fault["loc"][0])
    expected = fault.get("ctx", {}).get("expected", "")
    accepts = f"one of {expected}" if expected else ACCEPTED.get(field, "a path")
    return f"CX_{field.upper()}: the value is not accepted; set it to {accepts}"


def make_private(folder: Path) -> Path:
    """Create `folder` (and what is above it) so that only its owner can read it; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder
