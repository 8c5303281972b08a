"""Dagster's home below the state folder: where its records of runs lie, and how its daemon behaves.

Belongs here: the settings of the Dagster instance. Does not belong here: definitions.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestration.lib.settings import Settings

INSTANCE_FILE = "dagster.yaml"
INSTANCE = """\
# Settings of the Dagster instance. Yours to change: a file that was changed is never written over.
telemetry:
  enabled: false

# One warehouse, one writer: further runs wait in the queue instead of failing at the lock.
concurrency:
  runs:
    max_concurrent_runs: 1

# The default launcher has no health check, so a run whose process died ends by its runtime.
run_monitoring:
  enabled: true
  start_timeout_seconds: 300
  cancel_timeout_seconds: 120
  max_runtime_seconds: 14400
  max_resume_run_attempts: 0

# A run whose process died starts once more; one that failed has said why, and would again.
run_retries:
  enabled: true
  max_retries: 1
  retry_on_asset_or_op_failure: false

freshness:
  enabled: true

# Dagster's default with connections that stay open: a run notes thousands of events.
event_log_storage:
  module: orchestration.lib.event_log
  class: OpenSqliteEventLog
  config:
    base_dir:
      env: DAGSTER_HOME

retention:
  schedule:
    purge_after_days: 90
  sensor:
    purge_after_days:
      skipped: 7
      success: 90
      failure: 90
"""
# sha256 of the texts of earlier versions: a file left as it was written is brought up to date.
FORMER = {"9a0505c28c995fa1014be33c0736cb8391a194487637b47e3b283e67f1e1cb69"}


def prepare_dagster_home(settings: Settings) -> Path:
    """Create the home with its dagster.yaml unless it is there, and name it in DAGSTER_HOME."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    instance = home / INSTANCE_FILE
    if not instance.exists() or _hash(instance) in FORMER:
        building = home / f".{INSTANCE_FILE}.{os.getpid()}"
        building.write_text(INSTANCE, encoding="utf-8")
        os.replace(building, instance)
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
