"""Plausible frames of the people marts, for the gate's tests: people and months as elsewhere."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.unit.mart_frames import AS_OF, RELEASE_ID

FOCUS = ("qa_score", "csat", "fcr_rate", "schedule_adherence")
# metric: level, error of a net effect
LEVELS = {
    "qa_score": (80.0, 4.0),
    "csat": (0.75, 0.12),
    "fcr_rate": (0.7, 0.06),
    "schedule_adherence": (0.9, 0.015),
}
# What an agent is told, from the first on: kind, metric, subject, own value, peer value.
FOCI = (
    ("metric", "csat", "csat", 0.7, 0.75),
    ("sub_dimension", "qa_score", "tone", 74.0, 80.0),
    ("contact_type", "fcr_rate", "refund_request", 0.5, 0.62),
    ("metric", "kb_contributions", "kb_contributions", 1.0, 1.8),
)
OPEN = "exceptional in one of the last 6 months"


def people_marts(
    months: int = 6, teams: int = 3, agents_per_team: int = 12
) -> dict[str, pd.DataFrame]:
    """mart -> frame with its published columns, ordered by key; months end with October 2026."""
    rng = np.random.default_rng(20261110)
    ends = pd.period_range(end="2026-10", periods=months, freq="M")
    firsts = [end.to_timestamp().date() for end in ends]
    agents = [
        {
            "agent_id": f"agent-{number:04d}",
            "team_id": f"team-{number // agents_per_team + 1:02d}",
            "tier": "T2" if number % 3 == 2 else "T1",
        }
        for number in range(teams * agents_per_team)
    ]
    frames = {
        "coaching_effect": _effects(agents, firsts, rng),
        "feedback_latency": _latencies(sorted({a["team_id"] for a in agents}), firsts, rng),
        "development_focus": _foci(agents, firsts, rng),
        "high_performer_watch": _watch(agents, firsts),
        "people": _names(agents),
    }
    return {
        mart: frame.assign(
            release_id=RELEASE_ID,
            as_of=pd.Timestamp(AS_OF),
            vintage=None if mart == "people" else "final",
        )
        for mart, frame in frames.items()
    }


def _effects(agents: list[dict], firsts: list, rng: np.random.Generator) -> pd.DataFrame:
    """A session of two agents in three each month; those of the last month are still pending."""
    rows = []
    for first in firsts:
        is_over = first != firsts[-1]
        for number, agent in enumerate(agents):
            if number % 3 == 2:
                continue
            metric = FOCUS[number % len(FOCUS)]
            level, error = LEVELS[metric]
            effect = round(float(rng.normal(0.3, 1)) * error, 6)
            rows.append(
                agent
                | {
                    "session_id": f"session-{first:%Y%m}-{number:04d}",
                    "coach_id": "manager-01",
                    "period_month": first,
                    "held_at": pd.Timestamp(first) + pd.Timedelta(days=9, hours=10),
                    "focus_metric": metric,
                    "status": "assessed" if is_over else "pending",
                    "reason": None if is_over else "window_not_over",
                    "before_value": level,
                    "before_count": 20,
                    "after_value": level if is_over else None,
                    "after_count": 20 if is_over else None,
                    "change": effect if is_over else None,
                    "control_count": 3 if is_over else 0,
                    "control_agents": "agent-0002, agent-0005, agent-0008" if is_over else None,
                    "control_change": 0.0 if is_over else None,
                    "net_effect": effect if is_over else None,
                    "standard_error": error if is_over else None,
                    "interval_lower": effect - 1.96 * error if is_over else None,
                    "interval_upper": effect + 1.96 * error if is_over else None,
                    "improvement": effect if is_over else None,
                    "other_session_count": 0,
                    "confidence": "band_grade" if is_over else "insufficient",
                }
            )
    return pd.DataFrame(rows).sort_values("session_id", ignore_index=True)


def _latencies(teams: list[str], firsts: list, rng: np.random.Generator) -> pd.DataFrame:
    rows = [
        {
            "team_id": team,
            "period_month": first,
            "evaluation_count": 60,
            "median_hours_to_evaluation": round(float(rng.normal(62, 6)), 6),
            "p90_hours_to_evaluation": 135.0,
            "needing_coaching_count": 28,
            "coached_count": 17,
            "uncoached_count": 8,
            "pending_count": 3,
            "median_hours_to_coaching": 640.0,
            "p90_hours_to_coaching": 1210.0,
        }
        for team in teams
        for first in firsts
    ]
    return pd.DataFrame(rows)


def _foci(agents: list[dict], firsts: list, rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for agent in agents:
        for first in firsts:
            points = np.sort(rng.uniform(0.3, 4, len(FOCI)))[::-1]
            for place, (kind, metric, subject, own, peer) in enumerate(FOCI):
                rows.append(
                    agent
                    | {
                        "period_month": first,
                        "rank": place + 1,
                        "gap_kind": kind,
                        "subject": subject,
                        "metric": metric,
                        "own_value": own,
                        "peer_value": peer,
                        "target": peer if kind == "metric" else None,
                        "gap": round(peer - own, 6),
                        "points_at_stake": round(float(points[place]), 6),
                        "sample_size": 30,
                        "suggested_focus": "Practise it together in the next coaching session.",
                    }
                )
    return pd.DataFrame(rows)


def _watch(agents: list[dict], firsts: list) -> pd.DataFrame:
    """Every second agent is strong; one in six of them was never spoken to."""
    rows = [
        agent
        | {
            "period_month": first,
            "band": "strong",
            "months_exceptional": 0,
            "months_exceptional_in_a_row": 0,
            "months_strong_or_better": min(place + 1, 6),
            "is_ready_for_next_level": False,
            "conditions_met_count": 5,
            "conditions_open_count": 1,
            "conditions_met": "no critical error watch; at least 180 days in service",
            "conditions_open": OPEN,
            "retention_signal_count": int(number % 12 == 0),
            "retention_signals": "no development goal" if number % 12 == 0 else None,
            "recognition_count": 3,
            "top_rating_and_qa_tickets": "ticket-7",
            "hard_contact_tickets": "ticket-9, ticket-3",
        }
        for number, agent in enumerate(agents)
        if number % 2 == 0
        for place, first in enumerate(firsts)
    ]
    return pd.DataFrame(rows)


def _names(agents: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "agent_id": [agent["agent_id"] for agent in agents],
            "full_name": [f"Agent {number + 1:03d}" for number in range(len(agents))],
            "manager_id": [f"manager-{agent['team_id'][-2:]}" for agent in agents],
        }
    )
