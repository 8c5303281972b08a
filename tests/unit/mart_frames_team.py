"""Plausible frames of the four team marts, for the gate's tests."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.unit.mart_frames import AS_OF, RELEASE_ID

CONTACT_TYPES = ("billing_question", "delivery_delay", "login_problem", "refund_request")
POINTS = {"min": -10, "p10": -7, "p25": -3, "median": 1, "p75": 4, "p90": 7, "max": 9}


def team_marts(
    months: int = 6, teams: int = 3, agents_per_team: int = 6
) -> dict[str, pd.DataFrame]:
    """mart -> frame with its published columns, ordered by key; months end with October 2026.

    Like the product's marts, the drivers begin with the second month.
    """
    rng = np.random.default_rng(20261111)
    ends = pd.period_range(end="2026-10", periods=months, freq="M")
    calendar = [end.to_timestamp().date() for end in ends]
    numbers = range(1, teams + 1)
    keys = pd.DataFrame(
        [
            {"team_id": f"team-{number:02d}", "period_month": month}
            for number in numbers
            for month in calendar
        ]
    )
    frames = {
        "team_scorecard": _scorecard(keys, agents_per_team, rng),
        "team_qa_distribution": _qa_distribution(keys, agents_per_team, rng),
        "team_csat_drivers": _csat_drivers(keys, agents_per_team, calendar, rng),
        "team_leverage": _leverage(keys, agents_per_team, rng),
    }
    return {
        mart: frame.assign(release_id=RELEASE_ID, as_of=pd.Timestamp(AS_OF), vintage="final")
        for mart, frame in frames.items()
    }


def _scorecard(keys: pd.DataFrame, agents: int, rng: np.random.Generator) -> pd.DataFrame:
    size = len(keys)
    scheduled = 110.0 * agents * rng.uniform(0.95, 1.05, size)
    productive = scheduled * rng.uniform(0.92, 0.97, size)
    handling = productive * rng.uniform(0.68, 0.73, size)
    handled = (90 * agents * rng.uniform(0.9, 1.1, size)).round()
    forecast = (handled * rng.uniform(0.92, 1.08, size)).round()
    absence = scheduled * rng.uniform(0.04, 0.08, size)
    csat = rng.normal(0.84, 0.02, size).round(6)
    backlog = (10 * agents * rng.uniform(0.8, 1.2, size)).round().astype("int64")
    coaching = rng.integers(2, 6, size)
    frame = keys.assign(
        team_name="Team " + keys["team_id"].str[-2:],
        scheduled_hours=scheduled,
        productive_hours=productive,
        handling_hours=handling,
        occupancy=handling / productive,
        coverage=productive / scheduled,
        opened=(80 * agents * rng.uniform(0.9, 1.1, size)).round().astype("int64"),
        solved=(79 * agents * rng.uniform(0.9, 1.1, size)).round().astype("int64"),
        backlog_end=backlog,
        backlog_over_7_days=backlog // 2,
        volume_handled=handled.astype("int64"),
        volume_forecast=forecast,
        forecast_days=28,
        forecast_error=(handled - forecast) / forecast,
        csat=csat,
        headcount=float(agents),
        voluntary_leavers=0,
        voluntary_attrition_annualised=0.0,
        unplanned_absence_hours=absence,
        unplanned_absence_rate=absence / scheduled,
        coaching_sessions=coaching,
        one_on_ones=agents,
        development_conversations=1,
        trainings_completed=agents,
        coaching_per_agent=coaching / agents,
        overall_score=rng.normal(82, 2, size),
        score_coverage=1.0,
        scorecard_version="1",
    )
    frame["csat_change"] = frame.groupby("team_id")["csat"].diff()
    return frame.round(6)


def _qa_distribution(keys: pd.DataFrame, agents: int, rng: np.random.Generator) -> pd.DataFrame:
    mean = rng.normal(84, 1, len(keys))
    points = {name: mean + distance for name, distance in POINTS.items()}
    return keys.assign(
        agents=agents,
        evaluations=agents * 5,
        mean=mean,
        sd=rng.uniform(6, 8, len(keys)),
        **points,
        share_below_target=0.5,
        target=85.0,
        is_carried_by_few=False,
    ).round(6)


def _csat_drivers(
    keys: pd.DataFrame, agents: int, calendar: list[object], rng: np.random.Generator
) -> pd.DataFrame:
    rows = []
    for team, month in keys.itertuples(index=False):
        if month == calendar[0]:
            continue
        people = [f"agent-{(int(team[-2:]) - 1) * agents + place:04d}" for place in range(agents)]
        # In millionths, so that parts and sums are exact.
        change = int(rng.integers(-40_000, 40_000))
        for kind, drivers in (("agent", people), ("contact_type", list(CONTACT_TYPES))):
            parts = rng.integers(-20_000, 20_000, len(drivers))
            parts[-1] = change - parts[:-1].sum()
            for driver, part in zip(drivers, parts, strict=True):
                mix = int(part) // 4
                rows.append(
                    {
                        "team_id": team,
                        "period_month": month,
                        "driver_kind": kind,
                        "driver": driver,
                        "responses_before": 12,
                        "responses": 12,
                        "rate_effect": (int(part) - mix) / 1_000_000,
                        "mix_effect": mix / 1_000_000,
                        "contribution": int(part) / 1_000_000,
                        "csat_change": change / 1_000_000,
                    }
                )
    return pd.DataFrame(rows)


def _leverage(keys: pd.DataFrame, agents: int, rng: np.random.Generator) -> pd.DataFrame:
    of_middle = rng.uniform(4, 12, len(keys))
    of_lowest = rng.uniform(20, 40, len(keys))
    return keys.assign(
        agents=agents,
        middle_agents=agents - 2,
        developing_agents=agents - 3,
        lower_strong_agents=1,
        lowest_agents=2,
        mean_overall_score=rng.normal(82, 1, len(keys)),
        points_of_middle=of_middle,
        points_of_lowest_two=of_lowest,
        change_if_middle_moves_up=of_middle / agents,
        change_if_lowest_two_reach_target=of_lowest / agents,
    ).round(6)
