"""Plausible frames of the service mart, for the gate's tests."""

from __future__ import annotations

import pandas as pd

from tests.unit.mart_frames import AS_OF, RELEASE_ID

# severity: tickets of a team and month, attainment of first reply and of resolution
SEVERITIES = {
    "high": (90, 0.70, 0.60),
    "low": (120, 0.93, 0.95),
    "normal": (250, 0.83, 0.86),
    "urgent": (20, 0.40, 0.50),
}


def service_marts(
    months: int = 6, teams: int = 3, agents_per_team: int = 6
) -> dict[str, pd.DataFrame]:
    """mart -> frame with its published columns, ordered by key; months end with October 2026.

    Months and teams differ a little, so that comparisons have a spread. `agents_per_team` is that
    of the other frames: busier teams have more tickets.
    """
    ends = pd.period_range(end="2026-10", periods=months, freq="M")
    rows = []
    for team in range(teams):
        for position, end in enumerate(ends):
            for severity, (usual, *attainments) in SEVERITIES.items():
                for kind, attainment in zip(
                    ("first_reply", "resolution"), attainments, strict=True
                ):
                    tickets = usual * agents_per_team // 6 + (7 * team + 3 * position) % 5
                    met = round(tickets * (attainment + 0.01 * ((team + position) % 3 - 1)))
                    rows.append(
                        {
                            "team_id": f"team-{team + 1:02d}",
                            "period_month": end.to_timestamp().date(),
                            "severity": severity,
                            "target_kind": kind,
                            "team_name": f"Team {team + 1:02d}",
                            "met": met,
                            "breached": tickets - met,
                            "running": 0,
                            "attainment": round(met / tickets, 6),
                            "severity_lowered": tickets // 50,
                            "vintage": "final",
                            "as_of": pd.Timestamp(AS_OF),
                            "release_id": RELEASE_ID,
                        }
                    )
    key = ["team_id", "period_month", "severity", "target_kind"]
    return {"team_sla": pd.DataFrame(rows).sort_values(key, ignore_index=True)}
