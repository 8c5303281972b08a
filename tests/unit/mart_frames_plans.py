"""Plausible frames of the plan marts for the gate: the same people and months as elsewhere."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

from tests.unit.mart_frames import AS_OF, RELEASE_ID

# metric: target, minimum sample, observed, sample
TARGETS = {
    "qa_score": (80.0, 8, 82.0, 9),
    "csat": (0.78, 15, 0.7, 16),
    "schedule_adherence": (0.9, 40, 0.93, 30),
}
STATUS = {
    "qa_score": ("met", "at_target"),
    "csat": ("off_track", "time_is_over"),
    "schedule_adherence": ("not_assessable", "sample_short"),
}
CHECK_INS = (14, 28)
PLANNED_DAYS = 35
# Slots of a candidate: metric, current, target, minimum sample, weeks
PROPOSALS = (
    ("qa_score", 74.0, 82.0, 8, 5),
    ("csat", 0.62, 0.75, 40, 8),
    ("fcr_rate", 0.7, 0.75, 320, None),
)
REASONS = ("below_expectations", "below_expectations", "declining", "not_moving")


def plans_marts(
    months: int = 6, teams: int = 3, agents_per_team: int = 12
) -> dict[str, pd.DataFrame]:
    """mart -> frame with its published columns, ordered by key; months end with October 2026.

    A third of the agents has had a plan; the last two plans still run. A third are candidates.
    """
    agents = teams * agents_per_team
    plans = [
        {
            "plan_id": f"plan-{number:03d}",
            "agent_id": f"agent-{3 * number:04d}",
            "opened_on": date(2026, 5, 4) + timedelta(days=11 * number),
            "is_running": number >= agents // 3 - 2,
        }
        for number in range(agents // 3)
    ]
    ends = pd.period_range(end="2026-10", periods=months, freq="M")
    frames = {
        "improvement_plan_progress": _progress(plans),
        "improvement_plan_outcomes": _outcomes(plans),
        "improvement_plan_candidates": _candidates(
            agents, agents_per_team, [end.to_timestamp().date() for end in ends]
        ),
    }
    return {
        mart: frame.assign(
            vintage="final" if mart == "improvement_plan_candidates" else None,
            as_of=pd.Timestamp(AS_OF),
            release_id=RELEASE_ID,
        )
        for mart, frame in frames.items()
    }


def _progress(plans: list[dict]) -> pd.DataFrame:
    rows = []
    for plan in plans:
        points = [(f"check-in-{plan['plan_id']}-{days}", days) for days in CHECK_INS]
        for metric, (target, minimum, observed, sample) in TARGETS.items():
            for check_in, days in [*points, ("end_of_plan", PLANNED_DAYS)]:
                is_over = days == PLANNED_DAYS and not plan["is_running"]
                status, reason = STATUS[metric] if is_over else ("not_assessable", "sample_short")
                due = plan["opened_on"] + timedelta(days=days)
                rows.append(
                    {
                        "plan_id": plan["plan_id"],
                        "metric": metric,
                        "check_in_id": check_in,
                        "agent_id": plan["agent_id"],
                        "opened_on": plan["opened_on"],
                        "due_on": due,
                        "held_on": due if days != PLANNED_DAYS else None,
                        "window_end_on": due,
                        "week_number": days // 7,
                        "weeks": PLANNED_DAYS // 7,
                        "direction": "higher",
                        "target": target,
                        "minimum_sample": minimum,
                        "numerator": observed * sample,
                        "denominator": float(sample),
                        "observed_value": observed,
                        "sample_size": sample if is_over else 5,
                        "baseline_value": observed,
                        "baseline_sample_size": 40,
                        "baseline_from": plan["opened_on"] - timedelta(days=PLANNED_DAYS),
                        "elapsed_share": 1.0 if is_over else round(days / PLANNED_DAYS / 2, 6),
                        "pace_value": target,
                        "status": status,
                        "status_reason": reason,
                        "support_planned": 2,
                        "support_delivered": 1,
                        "overdue_check_ins": 0,
                        "is_overdue": False,
                    }
                )
    return pd.DataFrame(rows).sort_values(["plan_id", "metric", "check_in_id"], ignore_index=True)


def _outcomes(plans: list[dict]) -> pd.DataFrame:
    evidence = ("partially_met", "met", "not_met", "not_assessable", "left")
    # met, assessable, of three
    counts = {
        "partially_met": (1, 2),
        "met": (3, 3),
        "not_met": (0, 3),
        "not_assessable": (0, 1),
        "left": (1, 2),
    }
    rows = []
    for number, plan in enumerate(plans):
        outcome = evidence[number % len(evidence)]
        met, assessable = (0, 0) if plan["is_running"] else counts[outcome]
        planned_end = plan["opened_on"] + timedelta(days=PLANNED_DAYS)
        rows.append(
            plan
            | {
                "owner_id": "manager-01",
                "planned_end_on": planned_end,
                "closed_on": None if plan["is_running"] else planned_end,
                "evidence_outcome": None if plan["is_running"] else outcome,
                "decided_outcome": None if plan["is_running"] else "extended",
                "decided_by": None if plan["is_running"] else "manager-01",
                "days": PLANNED_DAYS,
                "planned_days": PLANNED_DAYS,
                "is_length_unusual": False,
                "metrics_met": met,
                "metrics_assessable": assessable,
                "metrics_total": 3,
                "support_planned": 2,
                "support_delivered": 1,
                "overdue_check_ins": 0,
            }
        )
    return pd.DataFrame(rows).sort_values("plan_id", ignore_index=True)


def _candidates(agents: int, agents_per_team: int, firsts: list[date]) -> pd.DataFrame:
    rows = []
    for first in firsts:
        for number in range(0, agents, 3):
            reason = REASONS[number // 3 % len(REASONS)]
            is_attainable = number % 4 != 3
            row = {
                "agent_id": f"agent-{number:04d}",
                "period_month": first,
                "team_id": f"team-{number // agents_per_team + 1:02d}",
                "tier": "T2" if number % 3 == 2 else "T1",
                "band": "below_expectations" if reason == "below_expectations" else "developing",
                "months_in_band": 3,
                "trajectory": "declining" if reason == "declining" else "flat",
                "reason": reason,
                "evidence": "Below expectations for 3 months in a row, with a flat trajectory.",
                "status": "attainable" if is_attainable else "not_attainable",
                "missed_metrics": 4,
                "proposed_metrics": 2 if is_attainable else 0,
                "weeks": 8.0 if is_attainable else None,
            }
            for slot, (metric, current, target, minimum, weeks) in enumerate(PROPOSALS, start=1):
                fits = is_attainable and weeks is not None
                row |= {
                    f"metric_{slot}": metric,
                    f"current_{slot}": current,
                    f"target_{slot}": target,
                    f"minimum_sample_{slot}": minimum,
                    f"weeks_{slot}": float(weeks) if fits and weeks is not None else None,
                    f"is_attainable_{slot}": fits,
                }
            row["proposal"] = "QA score from 74.0 to 82.0 on a sample of at least 8 in 5 weeks."
            rows.append(row)
    frame = pd.DataFrame(rows)
    weeks = [column for column in frame if column == "weeks" or column.startswith("weeks_")]
    frame = frame.astype(dict.fromkeys(weeks, "float64"))
    return frame.sort_values(["agent_id", "period_month"], ignore_index=True)
