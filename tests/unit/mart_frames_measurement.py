"""Plausible frames of the pulse and measurement marts, for the gate's tests."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.unit.mart_frames import AS_OF, RELEASE_ID

# measure: centre, half width of the limits
CHARTS = {
    "contacts_per_productive_hour": (2.0, 1.0),
    "average_handle_seconds": (600.0, 200.0),
    "schedule_adherence": (0.92, 0.07),
}
EVALUATORS = 12
PAIRS = {
    "qa_score:csat": ("positive", 0.45),
    "qa_score:fcr_rate": ("positive", 0.4),
    "qa_score:repeat_contact_rate": ("negative", -0.35),
}
# tier: agents with both samples
TIERS = {"T1": 40, "T2": 20, "T3": 3}


def measurement_marts(
    months: int = 6, teams: int = 3, agents_per_team: int = 6
) -> dict[str, pd.DataFrame]:
    """mart -> frame with its published columns, ordered by key; months end with October 2026."""
    ends = pd.period_range(end="2026-10", periods=months, freq="M")
    return {
        "agent_daily_pulse": _pulse(_days(ends), "local_date", teams, agents_per_team, hours=6.0),
        "agent_weekly_pulse": _pulse(
            _weeks(ends), "iso_week_start", teams, agents_per_team, hours=30.0
        ),
        "evaluator_alignment": _alignment(ends),
        "metric_validity": _validity(ends),
    }


def _days(ends: pd.PeriodIndex) -> pd.DataFrame:
    """Working days with their month."""
    days = pd.bdate_range(ends[0].start_time, ends[-1].end_time)
    return pd.DataFrame({"local_date": days.date, "period_month": _first_days(days)})


def _weeks(ends: pd.PeriodIndex) -> pd.DataFrame:
    """Weeks that end in the months, by their Mondays."""
    sundays = pd.date_range(ends[0].start_time, ends[-1].end_time, freq="W-SUN")
    mondays = sundays - pd.Timedelta(days=6)
    calendar = mondays.isocalendar().reset_index(drop=True)
    return pd.DataFrame(
        {
            "iso_week_start": mondays.date,
            "iso_year": calendar["year"].astype("int64"),
            "iso_week": calendar["week"].astype("int64"),
            "period_month": _first_days(sundays),
        }
    )


def _first_days(days: pd.DatetimeIndex) -> list[object]:
    return [day.replace(day=1).date() for day in days]


def _pulse(
    periods: pd.DataFrame, date_column: str, teams: int, agents_per_team: int, hours: float
) -> pd.DataFrame:
    """Every agent works in every period; one in ten values lies beyond its limits."""
    numbers = range(teams * agents_per_team)
    people = pd.DataFrame(
        {
            "agent_id": [f"agent-{number:04d}" for number in numbers],
            "team_id": [f"team-{number // agents_per_team + 1:02d}" for number in numbers],
            "tier": ["T2" if number % 3 == 2 else "T1" for number in numbers],
        }
    )
    rows = people.merge(periods, how="cross")
    step = np.arange(len(rows))
    contacts = (2 * hours + step % 5 - 2).astype("int64")
    seconds = contacts * (590.0 + step % 21)
    productive = hours - 0.25 * (step % 3)
    rows = rows.assign(
        is_complete=True,
        contacts_handled=contacts,
        timed_contacts=contacts,
        handle_seconds=seconds,
        scheduled_hours=hours + 1,
        present_scheduled_hours=hours + 1,
        adherent_hours=((hours + 1) * (0.92 + 0.01 * (step % 3 - 1))).round(6),
        productive_hours=productive,
        handling_hours=productive - 1,
        solved=contacts - 1,
        escalations=step % 2,
        csat_responses=2,
        csat_positive=1 + step % 2,
        qa_evaluations=step % 2,
    )
    rows = rows.assign(
        contacts_per_productive_hour=(rows["contacts_handled"] / productive).round(6),
        average_handle_seconds=(seconds / contacts).round(6),
        schedule_adherence=(rows["adherent_hours"] / rows["present_scheduled_hours"]).round(6),
        occupancy=(rows["handling_hours"] / productive).round(6),
        csat=rows["csat_positive"] / 2,
    )
    for name, (centre, width) in CHARTS.items():
        rows = rows.assign(
            **{
                f"{name}_centre": centre,
                f"{name}_lower": centre - width,
                f"{name}_upper": centre + width,
            }
        )
    is_signal = step % 10 == 3
    rows = rows.assign(
        is_signal=is_signal,
        signal_rule=np.where(is_signal, "average_handle_seconds:above_3_sigma", None),
    )
    return _released(rows).sort_values(["agent_id", date_column], ignore_index=True)


def _alignment(ends: pd.PeriodIndex) -> pd.DataFrame:
    rows = []
    for end in ends:
        for number in range(EVALUATORS):
            severity = -8.0 if number == 0 else 0.3 * (number % 5)
            disputed = 3 + number % 3
            rows.append(
                {
                    "evaluator_id": f"evaluator-{number:02d}",
                    "period_month": end.to_timestamp().date(),
                    "n": 90 + number,
                    "compared_n": 88 + number,
                    "severity": severity,
                    "severity_lower": severity - 1.4,
                    "severity_upper": severity + 1.4,
                    "severity_spread": 6.5,
                    "is_outlier": number == 0,
                    "voided_count": 1,
                    "disputed_count": disputed,
                    "overturned_count": 2,
                    "dispute_rate": round(disputed / (91 + number), 6),
                    "overturn_rate": round(2 / disputed, 6),
                    "calibration_n": 4,
                    "calibration_difference": severity / 2,
                    "calibration_alpha": 0.8,
                    "calibration_alpha_lower": 0.6,
                    "calibration_alpha_upper": 0.95,
                }
            )
    return _released(pd.DataFrame(rows)).sort_values(
        ["evaluator_id", "period_month"], ignore_index=True
    )


def _validity(ends: pd.PeriodIndex) -> pd.DataFrame:
    rows = []
    for end in ends:
        for tier, agents in TIERS.items():
            for pair, (relation, correlation) in PAIRS.items():
                is_known = agents >= 4
                width = 1.1 / (agents - 2) ** 0.5
                rows.append(
                    {
                        "metric_pair": pair,
                        "tier": tier,
                        "period_month": end.to_timestamp().date(),
                        "n": agents,
                        "rank_correlation": correlation if is_known else None,
                        "interval_lower": correlation - width if is_known else None,
                        "interval_upper": correlation + width if is_known else None,
                        "expected_relation": relation,
                        "interpretation": "as_expected" if is_known else None,
                    }
                )
    return _released(pd.DataFrame(rows)).sort_values(
        ["metric_pair", "tier", "period_month"], ignore_index=True
    )


def _released(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(vintage="final", as_of=pd.Timestamp(AS_OF), release_id=RELEASE_ID)
