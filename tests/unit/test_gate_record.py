"""What the audit log says of a verdict: enough to prove it, and nobody's own words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.lib import audit, releases
from orchestration.lib.dbt_runs import frozen_seeds
from orchestration.lib.settings import Settings
from tests.unit.release_world import candidate_of, settings_of

OVERRIDES = """check,from,to,reason,approved_by_role
agent_scorecard.volume,2026-01-01,2026-01-31,Anna was ill,operations manager
agent_scorecard.volume,2025-01-01,2025-01-31,Anna moved,hr
release_quality.daily_volume:tickets,2026-03-01,2026-03-02,Anna's sale,operations manager
release_quality.daily_volume:surveys,2026-03-01,2026-03-02,Anna's sale,operations manager
agent_scorecard.drift,2026-01-01,2026-01-31,as planned,operations manager
"""


@pytest.fixture
def settings(dbt_manifest: dict[str, Any], tmp_path: Path) -> Settings:
    made = settings_of(tmp_path)
    frozen_seeds(made).mkdir(parents=True)
    (frozen_seeds(made) / "gate_overrides.csv").write_text(OVERRIDES, encoding="utf-8")
    return made


def record(
    settings: Settings, *checks: releases.Check, quality: dict[str, str] | None = None
) -> list[audit.Entry]:
    """The entries of a verdict; `quality` is what the release's own checks saw."""
    from orchestration.defs.quality.gate import _put_on_record

    candidate = candidate_of(settings)
    if quality:
        table = pa.table({"check": list(quality), "observed": list(quality.values())})
        pq.write_table(table, candidate.folder / "release_quality.parquet")
    others = [releases.Check("rows", mart, "critical", True, "1", "1") for mart in candidate.marts]
    _put_on_record(settings, candidate, releases.write_receipt(candidate, [*others, *checks], {}))
    return list(audit.verify(settings).entries)


def check(name: str, severity: Any, observed: str) -> releases.Check:
    return releases.Check(name, "agent_scorecard", severity, False, observed, "0 to 1")


def test_verdict_is_on_record_with_the_checks_that_failed(settings: Settings) -> None:
    (entry,) = record(settings, check("mean", "critical", "2"), check("drift", "warning", "3"))
    assert entry.event == "gate"
    assert entry.release_id == candidate_of(settings).release_id
    assert entry.facts["passed"] is False
    assert entry.facts["failed"] == ["agent_scorecard.mean"]
    assert (entry.facts["checks"], entry.facts["warnings"]) == (4, 1)


def test_override_that_lifted_a_check_is_on_record_without_its_reason(settings: Settings) -> None:
    lifted = "2026-01: 9 (lifted by operations manager: Anna was ill)"
    gate, override = record(settings, check("volume", "warning", lifted))
    assert gate.facts["passed"] is True
    assert override.event == "override"
    assert override.facts == {
        "check": "agent_scorecard.volume",
        "from": "2026-01-01",
        "to": "2026-01-31",
        "approved_by_role": "operations manager",
    }
    assert "Anna" not in (settings.audit_root / "log.jsonl").read_text("utf-8")


def test_override_that_lifted_a_day_of_odd_volume_is_on_record(settings: Settings) -> None:
    lifted = "2026-03-02: 9 rows, median 40.0, lifted by operations manager: Anna's sale"
    seen = {"daily_volume:tickets": lifted, "daily_volume:surveys": "every day within"}
    _, override = record(settings, quality=seen)
    assert override.facts["check"] == "release_quality.daily_volume:tickets"
    assert "Anna" not in (settings.audit_root / "log.jsonl").read_text("utf-8")


def test_override_of_a_check_that_passed_is_not_on_record(settings: Settings) -> None:
    assert [entry.event for entry in record(settings)] == ["gate"]
