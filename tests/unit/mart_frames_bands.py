"""Plausible frames of the band marts, for the gate's tests."""

from __future__ import annotations

import pandas as pd

from tests.unit.mart_frames import AS_OF, RELEASE_ID

BANDS = ("strong", "developing", "developing", "below_expectations", "developing", "strong")
DECIDED_BY = {
    "strong": "strong",
    "developing": "developing",
    "below_expectations": "trajectory",
}
# rule, metric, passed
REASONS = (
    ("not_rated", "overall_score", True),
    ("critical_gate", "critical_error_rate", True),
    ("critical_error_watch", "critical_error_rate", True),
    ("exceptional", "qa_score", False),
    ("exceptional", "csat", None),
    ("strong", "qa_score", True),
    ("trajectory", "overall_score", True),
    ("developing", "all_rules", True),
)


def bands_marts(
    months: int = 6, teams: int = 3, agents_per_team: int = 12
) -> dict[str, pd.DataFrame]:
    """mart -> frame with its published columns, ordered by key; months end with October 2026."""
    ends = pd.period_range(end="2026-10", periods=months, freq="M")
    bands, reasons = [], []
    for end in ends:
        for number in range(teams * agents_per_team):
            band = BANDS[number % len(BANDS)]
            row = {
                "agent_id": f"agent-{number:04d}",
                "period_month": end.to_timestamp().date(),
                "release_id": RELEASE_ID,
                "as_of": pd.Timestamp(AS_OF),
                "vintage": "final",
            }
            bands.append(
                row
                | {
                    "team_id": f"team-{number // agents_per_team + 1:02d}",
                    "tier": "T2" if number % 3 == 2 else "T1",
                    "band": band,
                    "previous_band": band,
                    "months_in_band": 2,
                    "trajectory": "flat",
                    "slope": 0.2,
                    "mann_kendall_p": 0.7,
                    "confidence": "indicative",
                    "deciding_rule": DECIDED_BY[band],
                    "flags": None,
                    "explanation": "Strong: every key target met.",
                    "nearest_change": "To be exceptional: QA score of at least 93.0 (now 90.0).",
                    "scorecard_version": "1",
                }
            )
            reasons += [
                row
                | {
                    "rule": rule,
                    "metric": metric,
                    "observed": "84.0",
                    "required": "at least 85.0",
                    "passed": passed,
                    "has_fired": False,
                    "is_deciding": False,
                }
                for rule, metric, passed in REASONS
            ]
    return {
        "performance_bands": pd.DataFrame(bands),
        "band_reasons": pd.DataFrame(reasons).sort_values(
            ["agent_id", "period_month", "rule", "metric"], ignore_index=True
        ),
    }
