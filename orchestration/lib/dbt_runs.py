"""What the jobs need to know of dbt: its project, its manifest, and what a build proved.

Belongs here: where the dbt project lies, parsing it when its manifest is absent or stale, the
marts the manifest names, and reading run_results.json.
Does not belong here: running the build (orchestration/defs/transformation), and any rule of the
models.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.lib.errors import Fault
from orchestration.lib.settings import make_private

if TYPE_CHECKING:
    from orchestration.lib.settings import Settings

MARTS_FOLDER = "marts"
PERIOD = "period_month"
NEVER = "never"
SOURCE_SUFFIXES = {".sql", ".yml", ".yaml", ".md", ".csv", ".py"}
FINGERPRINT_FILE = "cx_manifest_fingerprint"
# Folders below the project that dbt writes to when it is run by hand.
GENERATED_FOLDERS = {"target", "logs", "dbt_packages"}
BUILT = {"success"}
TEST_PASSED = {"pass", "success"}
TEST_WARNED = {"warn"}


@dataclass(frozen=True)
class MartSpec:
    """A published mart: its relation in the warehouse, its key, and whether it may have no rows.

    `closes_by` is the SQL expression (a date) by whose month a row is closed; None where rows never
    are. Where `settles_by` names columns, a closed row stands for them in any month; `live_columns`
    of it follow the warehouse all the same.
    """

    name: str
    schema: str
    table: str
    key: tuple[str, ...]
    may_be_empty: bool = False
    closes_by: str | None = None
    settles_by: tuple[str, ...] = ()
    live_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class DbtOutcome:
    """What a dbt build proved: the names of what broke, and how many data tests passed, warned,
    failed, did not run.

    `broken` are models and seeds that failed, with dbt's first line; `failed_tests` are tests that
    failed or raised; `not_run` are nodes of the manifest without a result of their own (skipped,
    or left out of a selection).
    """

    broken: tuple[str, ...]
    failed_tests: tuple[str, ...]
    not_run: tuple[str, ...]
    passed: int
    warned: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """True when every model was built and every data test of the manifest ran and passed."""
        return not (self.broken or self.failed_tests or self.not_run)

    def counts(self) -> dict[str, int]:
        """Number of data tests by outcome; `not_run` also counts models that were not built."""
        return {
            "passed": self.passed,
            "warned": len(self.warned),
            "failed": len(self.failed_tests),
            "not_run": len(self.not_run),
        }


def dbt_executable() -> Path:
    """The dbt of the running environment, which need not be on PATH (`.venv/bin/cx run`).

    Raises Fault when there is none.
    """
    beside = Path(sys.executable).with_name("dbt")
    if beside.exists():
        return beside
    found = shutil.which("dbt")
    if found is None:
        raise Fault("dbt is not installed in this environment: run `make setup`")
    return Path(found)


def target_path(settings: Settings) -> Path:
    """Folder of the manifest for these settings (one per seed root and ticketing source)."""
    return Path(settings.dbt_environment()["DBT_TARGET_PATH"])


def manifest_path(settings: Settings) -> Path:
    """Where the manifest for these settings lies once prepared."""
    return target_path(settings) / "manifest.json"


def frozen_seeds(settings: Settings) -> Path:
    """Folder of the copy of the reference data that dbt works on."""
    return settings.dbt_work_root / "seeds"


def freeze_seeds(settings: Settings) -> Path:
    """Copy the reference data to where dbt reads it; returns the folder.

    dbt must never be given the business's own files: for a seed folder outside its project it
    writes the statement it ran over the CSV itself. The copy also keeps one state of the reference
    data for a whole run, whoever edits it meanwhile.
    """
    frozen = frozen_seeds(settings)
    shutil.rmtree(frozen, ignore_errors=True)
    make_private(frozen)
    for path in sorted(settings.seed_root.glob("*.csv")):
        shutil.copyfile(path, frozen / path.name)
    return frozen


def hash_seeds(folder: Path) -> dict[str, str]:
    """sha256 of every seed file of a folder, by name."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob("*.csv"))
    }


def dbt_environment(settings: Settings) -> dict[str, str]:
    """Environment of a dbt process of the jobs: that of the settings, on the frozen seeds."""
    return {**settings.dbt_environment(), "CX_SEED_ROOT": os.fspath(frozen_seeds(settings))}


def results_path(settings: Settings, release_id: str) -> Path:
    """Where the results of the build of a release are kept until its candidate is made."""
    return settings.work_root / "dbt_results" / f"{release_id}.json"


def prepare_manifest(settings: Settings) -> Path:
    """Parse the dbt project unless its manifest is there and up to date; returns the manifest's
    path.

    The fingerprint is written last, so a parse that died leaves no manifest that looks fresh.
    Raises Fault with dbt's own words when the project does not parse.
    """
    path = manifest_path(settings)
    fingerprint_path = path.with_name(FINGERPRINT_FILE)
    wanted = fingerprint(settings)
    if (
        path.exists()
        and fingerprint_path.exists()
        and fingerprint_path.read_text("utf-8") == wanted
    ):
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    fingerprint_path.unlink(missing_ok=True)
    freeze_seeds(settings)
    parsed = subprocess.run(
        [
            os.fspath(dbt_executable()),
            "--quiet",
            "--no-use-colors",
            "parse",
            "--project-dir",
            os.fspath(settings.dbt_project_root),
            "--profiles-dir",
            os.fspath(settings.profiles_root),
        ],
        env={**os.environ, **dbt_environment(settings)},
        cwd=settings.dbt_project_root,
        capture_output=True,
        text=True,
        check=False,
    )
    if parsed.returncode != 0 or not path.exists():
        said = " ".join((parsed.stdout + parsed.stderr).split())
        raise Fault(f"dbt_project: the models do not parse: {said or 'dbt gave no reason'}")
    fingerprint_path.write_text(wanted, encoding="utf-8")
    return path


def fingerprint(settings: Settings) -> str:
    """Hash over name, size and time of the files of the dbt project, and the names of the seeds.

    Cheap enough for every start. Contents of seeds are no part of it: the business may edit them
    while a server has the project loaded.
    """
    digest = hashlib.sha256(f"{version('dbt-core')} {version('dbt-duckdb')}\n".encode())
    for root in (settings.dbt_project_root, settings.profiles_root):
        for path in sorted(root.rglob("*")):
            relative = path.relative_to(root)
            if relative.parts[0] in GENERATED_FOLDERS or path.suffix not in SOURCE_SUFFIXES:
                continue
            stat = path.stat()
            line = f"{root.name}/{relative.as_posix()} {stat.st_size} {stat.st_mtime_ns}\n"
            digest.update(line.encode())
    digest.update(" ".join(sorted(path.name for path in settings.seed_root.glob("*.csv"))).encode())
    return digest.hexdigest()


def load_manifest(path: Path) -> dict[str, Any]:
    """The parsed manifest.json; Fault when it is not readable."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Fault(
            f"{path.name}: the dbt manifest is not readable ({error}); delete it and run again"
        ) from error


def mart_specs(manifest: dict[str, Any]) -> list[MartSpec]:
    """Every model of the folder marts/ with the key of its `config.meta.primary_key`, ordered by
    name.

    Raises Fault for a mart without a key: its file could not be ordered.
    """
    specs = []
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model" or MARTS_FOLDER not in node["fqn"][1:-1]:
            continue
        meta = node["config"].get("meta") or {}
        key = tuple(meta.get("primary_key") or ())
        if not key:
            raise Fault(
                f"{node['original_file_path']}: mart without config.meta.primary_key in its yml"
            )
        specs.append(
            MartSpec(
                node["name"],
                node["schema"],
                node["alias"],
                key,
                may_be_empty=bool(meta.get("may_be_empty", False)),
                closes_by=_closes_by(node, meta),
                settles_by=tuple(meta.get("settles_by") or ()),
                live_columns=tuple(meta.get("live_columns") or ()),
            )
        )
    return sorted(specs, key=lambda spec: spec.name)


def _closes_by(node: dict[str, Any], meta: dict[str, Any]) -> str | None:
    """Marts with a month close by it, unless their meta says otherwise."""
    given = meta.get("closes_by")
    if given == NEVER:
        return None
    return given or (PERIOD if PERIOD in node.get("columns", {}) else None)


def read_outcome(run_results: Path, manifest: dict[str, Any]) -> DbtOutcome:
    """What the build behind `run_results` proved about the models, seeds and data tests of
    `manifest`.

    A file that is absent proves nothing: every node counts as not run. Unit tests are no evidence
    about data and are left out. Raises Fault when the file is not JSON.
    """
    results = _results(run_results)
    broken, failed, not_run, warned = [], [], [], []
    counted: Counter[str] = Counter()
    for unique_id, node in sorted(manifest["nodes"].items()):
        kind = node["resource_type"]
        if (
            kind not in {"model", "seed", "test"}
            or node["config"].get("materialized") == "ephemeral"
            # Tests of another ticketing source's models stay in the manifest, switched off.
            or not node["config"].get("enabled", True)
        ):
            continue
        result = results.get(unique_id)
        status = result["status"] if result else "skipped"
        if status == "skipped":
            not_run.append(node["name"])
        elif kind != "test" and status not in BUILT:
            broken.append(f"{node['name']}: {_first_line(result)}")
        elif kind == "test" and status in TEST_WARNED:
            warned.append(f"{node['name']} ({result.get('failures') or 0} rows)")
        elif kind == "test" and status in TEST_PASSED:
            counted["passed"] += 1
        elif kind == "test":
            failed.append(f"{node['name']} ({_failure(result)})")
    return DbtOutcome(
        tuple(broken), tuple(failed), tuple(not_run), counted["passed"], tuple(warned)
    )


def _results(run_results: Path) -> dict[str, dict[str, Any]]:
    if not run_results.exists():
        return {}
    try:
        content = json.loads(run_results.read_bytes())
    except ValueError as error:
        raise Fault(
            f"{run_results.name}: dbt's results are not readable ({error}); run `cx run` again"
        ) from error
    return {result["unique_id"]: result for result in content["results"]}


def _failure(result: dict[str, Any]) -> str:
    if result["status"] == "fail":
        return f"{result.get('failures')} rows"
    return _first_line(result)


def _first_line(result: dict[str, Any]) -> str:
    lines = [line.strip() for line in str(result.get("message") or "").splitlines() if line.strip()]
    # dbt's first line repeats the model's name and path; the reason stands on the next one.
    if len(lines) > 1 and lines[0].endswith((")", ":")) and " in " in lines[0]:
        return lines[1]
    return lines[0] if lines else "no reason given"
