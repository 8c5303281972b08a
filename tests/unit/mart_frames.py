"""Plausible frames of the seven marts, small and always the same: what the gate's tests break.

Belongs here: inventing published marts from nothing. Does not belong here: scoring; the numbers
only look like the product's, they are not computed from facts.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from expectations.release_quality import EQUATIONS

RELEASE_ID = "20261110T000000Z-0123456789ab"
AS_OF = datetime(2026, 11, 10)
MARTS = [
    "agent_scorecard",
    "agent_scorecard_metrics",
    "agent_context_metrics",
    "team_metrics",
    "metric_catalog",
    "lost_and_found",
    "release_quality",
]

# metric: dimension, direction, weight, target, floor, minimum sample, mean, spread, sample, unit
# of the denominator per unit of sample (0: the denominator is 1).
METRICS = {
    "qa_score": ("quality", "higher", 0.20, 85, 60, 5, 82.0, 5.0, 12, 1),
    "qa_consistency": ("quality", "lower", 0.05, 8, 20, 5, 9.0, 2.0, 12, 1),
    "critical_error_rate": ("quality", "lower", 0.10, 0.02, 0.15, 5, 0.03, 0.03, 12, 1),
    "aht_index": ("efficiency", "band", 0.08, 0.10, 0.40, 30, 1.0, 0.15, 90, 600),
    "contacts_per_productive_hour": ("efficiency", "higher", 0.05, 3, 1, 20, 2.8, 0.5, 90, 1),
    "schedule_adherence": ("efficiency", "higher", 0.07, 0.92, 0.75, 20, 0.9, 0.03, 130, 3600),
    "csat": ("customer_impact", "higher", 0.12, 0.85, 0.60, 10, 0.8, 0.08, 30, 1),
    "fcr_rate": ("customer_impact", "higher", 0.12, 0.75, 0.45, 20, 0.72, 0.07, 80, 1),
    "escalation_rate": ("customer_impact", "lower", 0.04, 0.10, 0.30, 20, 0.12, 0.04, 90, 1),
    "repeat_contact_rate": ("customer_impact", "lower", 0.07, 0.08, 0.25, 20, 0.1, 0.04, 80, 1),
    "training_completion_rate": ("development", "higher", 0.05, 1, 0.5, 1, 0.8, 0.2, 2, 1),
    "kb_contributions": ("development", "higher", 0.02, 2, 0, 0, 2.0, 1.0, 2, 0),
    "goal_progress": ("development", "higher", 0.03, 0.8, 0.2, 1, 0.6, 0.2, 1, 1),
}
CASE_MIX = ("csat", "fcr_rate", "escalation_rate", "repeat_contact_rate")
# metric: mean, spread, denominator (0: none)
CONTEXT = {
    "csat_average": (4.1, 0.2, 30),
    "response_rate": (0.3, 0.05, 100),
    "reopen_rate": (0.06, 0.02, 80),
    "occupancy": (0.8, 0.05, 400_000),
    "conformance": (0.97, 0.05, 450_000),
    "contacts_handled": (90.0, 10.0, 0),
    "average_handle_seconds": (620.0, 60.0, 90),
    "tenure_days": (700.0, 200.0, 0),
    "training_late": (1.0, 0.5, 0),
    "disputed_evaluations": (0.5, 0.5, 0),
}


def plausible_marts(
    months: int = 6, teams: int = 3, agents_per_team: int = 6
) -> dict[str, pd.DataFrame]:
    """mart -> frame with its published columns, ordered by key; months end with October 2026."""
    rng = np.random.default_rng(20261110)
    ends = pd.period_range(end="2026-10", periods=months, freq="M")
    people = pd.DataFrame(
        {
            "agent_id": [f"agent-{number:04d}" for number in range(teams * agents_per_team)],
            "team_id": [
                f"team-{number // agents_per_team + 1:02d}"
                for number in range(teams * agents_per_team)
            ],
        }
    )
    people["tier"] = np.where(people.index % 3 == 2, "T2", "T1")
    people["tenure_days"] = 200 + 37 * (people.index % 40)
    calendar = pd.DataFrame({"period_month": [end.to_timestamp().date() for end in ends]})
    windows = pd.DataFrame({"window": ["month", "quarter"]})
    metrics = pd.DataFrame.from_dict(
        METRICS,
        orient="index",
        columns=[
            "dimension",
            "direction",
            "weight",
            "target",
            "floor",
            "minimum_sample",
            "mean",
            "spread",
            "usual_sample",
            "unit",
        ],
    ).rename_axis("metric")
    metrics = metrics.reset_index()

    agent_months = people.merge(calendar, how="cross").merge(windows, how="cross")
    scored = _scored(agent_months.merge(metrics, how="cross"), rng)
    frames = {
        "agent_scorecard": _scorecard(agent_months, scored),
        "agent_scorecard_metrics": scored,
        "agent_context_metrics": _context(people.merge(calendar, how="cross"), rng),
        "team_metrics": _teams(scored),
        "metric_catalog": _catalog(metrics),
        "lost_and_found": _lost_and_found(calendar),
        "release_quality": _release_quality(),
    }
    return {
        mart: frame.assign(
            release_id=RELEASE_ID,
            as_of=pd.Timestamp(AS_OF),
            vintage=_vintage(frame) if mart != "lost_and_found" else None,
        )
        for mart, frame in frames.items()
    }


def write_marts(frames: dict[str, pd.DataFrame], folder: Path) -> Path:
    """One Parquet file per mart in the folder, typed as published ones; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for mart, frame in frames.items():
        table = pa.Table.from_pandas(frame, preserve_index=False)
        for name, wanted in (("period_month", pa.date32()), ("vintage", pa.string())):
            if name in table.column_names:
                position = table.column_names.index(name)
                table = table.set_column(position, name, table.column(name).cast(wanted))
        pq.write_table(table, folder / f"{mart}.parquet")
    return folder


def write_run_results(path: Path, **status: str) -> Path:
    """dbt's run_results.json with a model and a test; keywords set other nodes' status."""
    nodes = {"model.cx.agent_scorecard": "success", "test.cx.unique_key": "pass"}
    nodes |= {f"test.cx.{name}": state for name, state in status.items()}
    results = [
        {"unique_id": node, "status": state, "failures": int(state in ("warn", "fail"))}
        for node, state in nodes.items()
    ]
    path.write_text(json.dumps({"results": results}), encoding="utf-8")
    return path


def _vintage(frame: pd.DataFrame) -> pd.Series | None:
    if "period_month" not in frame:
        return None
    return pd.Series("final", index=frame.index)


def _scored(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """13 rows per agent, month and window; the agents differ, the months hardly do."""
    rows = rows.copy()
    is_quarter = rows["window"] == "quarter"
    sample = rows["usual_sample"] * rng.uniform(0.8, 1.2, len(rows)) * np.where(is_quarter, 3, 1)
    rows["sample_size"] = np.maximum(1, sample.round()).astype("int64")
    # Nothing due: 0 of 0 in every ninth row of trainings.
    is_training = rows["metric"] == "training_completion_rate"
    nothing = is_training & (np.arange(len(rows)) % 9 == 0)
    rows.loc[nothing, "sample_size"] = 0
    value = rng.normal(rows["mean"], rows["spread"]).clip(min=0)
    bounded = ~rows["metric"].isin(
        [
            "qa_score",
            "qa_consistency",
            "aht_index",
            "contacts_per_productive_hour",
            "kb_contributions",
        ]
    )
    value = np.where(bounded, np.minimum(value, 1), np.minimum(value, 100))
    rows["denominator"] = np.where(rows["unit"] == 0, 1, rows["sample_size"] * rows["unit"]) * 1.0
    rows["numerator"] = (value * rows["denominator"]).round(6)
    rows["value"] = np.where(rows["denominator"] > 0, value, np.nan).round(6)
    rows["adjusted_value"] = rows["value"]
    is_case_mix = rows["metric"].isin(CASE_MIX)
    rows["expected_value"] = rows["mean"].where(is_case_mix & rows["value"].notna())
    is_rate = bounded & ~rows["metric"].isin(["schedule_adherence", "goal_progress"])
    is_stabilised = (is_rate | (rows["metric"] == "qa_score")) & rows["value"].notna()
    stabilised = (rows["value"] + rows["mean"]) / 2
    rows["stabilised_value"] = stabilised.where(is_stabilised).round(6)
    half_width = rows["spread"].where(is_stabilised)
    greatest = np.where(rows["metric"] == "qa_score", 100.0, 1.0)
    rows["interval_lower"] = (rows["value"] - half_width).clip(lower=0).round(6)
    rows["interval_upper"] = np.minimum(rows["value"] + half_width, greatest).round(6)
    rows["reliability"] = pd.Series(0.5, index=rows.index).where(is_stabilised)
    rows["confidence"] = np.where(is_stabilised, "indicative", "insufficient")
    rows["flag"] = None
    rows["is_eligible"] = (rows["sample_size"] >= rows["minimum_sample"]) & rows["value"].notna()
    peers = rows[rows["is_eligible"]].groupby(["tier", "period_month", "window", "metric"])
    rows["percentile"] = (peers["value"].rank(pct=True) - 0.02).clip(0, 1).round(6)
    rows["coverage"] = np.where(is_case_mix | (rows["metric"] == "aht_index"), 1.0, np.nan)
    means = rows.groupby(["team_id", "period_month", "window", "metric"])["value"]
    rows["team_value"] = means.transform("mean").round(6)
    rows["team_adjusted_value"] = rows["team_value"]
    rows["tier_value"] = (
        rows.groupby(["tier", "period_month", "window", "metric"])["value"]
        .transform("mean")
        .round(6)
    )
    # The mean agent reaches 70, one spread is worth 12.
    distance = (rows["value"] - rows["mean"]) / rows["spread"]
    attainment = (70 + 12 * distance).clip(0, 100)
    rows["attainment"] = attainment.where(rows["is_eligible"]).round(6)
    rows["meets_target"] = rows["attainment"] >= 70
    rows["points"] = (rows["attainment"] * rows["weight"]).round(6)
    return rows.drop(
        columns=["mean", "spread", "usual_sample", "unit", "direction", "floor", "tenure_days"]
    ).sort_values(["agent_id", "period_month", "window", "metric"], ignore_index=True)


def _scorecard(agent_months: pd.DataFrame, scored: pd.DataFrame) -> pd.DataFrame:
    key = ["agent_id", "period_month", "window"]
    dimension = (
        scored.groupby([*key, "dimension"])["attainment"].mean().unstack("dimension").round(6)
    )
    overall = scored.groupby(key)["points"].sum().rename("overall_score").round(6)
    rows = agent_months.join(dimension.add_suffix("_score"), on=key).join(overall, on=key)
    return rows.assign(
        team_name="Team " + rows["team_id"].str[-2:], coverage=1.0, scorecard_version=1
    ).sort_values(key, ignore_index=True)


def _context(agent_months: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    metrics = pd.DataFrame.from_dict(CONTEXT, orient="index", columns=["mean", "spread", "n"])
    rows = agent_months.merge(metrics.rename_axis("metric").reset_index(), how="cross")
    value = rng.normal(rows["mean"], rows["spread"]).clip(min=0)
    is_share = rows["metric"].isin(["response_rate", "reopen_rate", "occupancy"])
    rows["value"] = np.where(is_share, np.minimum(value, 1), value).round(6)
    rows["denominator"] = rows["n"].where(rows["n"] > 0).astype("float64")
    rows["numerator"] = (rows["value"] * rows["denominator"].fillna(1)).round(6)
    columns = ["agent_id", "period_month", "metric", "numerator", "denominator", "value"]
    return rows[columns].sort_values(columns[:3], ignore_index=True)


def _teams(scored: pd.DataFrame) -> pd.DataFrame:
    month = scored[scored["window"] == "month"]
    key = ["team_id", "period_month", "metric"]
    sums = month.groupby(key)[["numerator", "denominator", "sample_size"]].sum().reset_index()
    sums["value"] = (sums["numerator"] / sums["denominator"].where(sums["denominator"] > 0)).round(
        6
    )
    return sums


def _catalog(metrics: pd.DataFrame) -> pd.DataFrame:
    columns = ["metric", "dimension", "weight", "target", "floor", "direction", "minimum_sample"]
    return metrics[columns].assign(
        version=1,
        definition="What it says: " + metrics["metric"],
        formula="numerator / denominator",
        owner="head of customer service",
        decision="what to coach next",
        cadence="month",
    )


def _lost_and_found(calendar: pd.DataFrame) -> pd.DataFrame:
    tables = pd.DataFrame({"raw_table": ["agents", "ticket_events", "tickets", "surveys"]})
    reasons = pd.DataFrame(
        {
            "reason": [
                "used",
                "duplicate",
                "superseded",
                "out_of_scope:spam",
                "quarantined:orphan",
            ],
            "rows": [2_000, 10, 300, 40, 6],
        }
    )
    rows = tables.merge(reasons, how="cross").merge(calendar, how="cross")
    undated = pd.DataFrame(
        {"raw_table": ["tickets"], "reason": ["quarantined:unparseable"], "rows": [2]}
    )
    key = ["raw_table", "reason", "period_month"]
    return pd.concat([rows, undated]).sort_values(key, ignore_index=True)


def _release_quality() -> pd.DataFrame:
    rows = pd.DataFrame({"check": [*EQUATIONS], "severity": "critical"})
    warned = pd.DataFrame({"check": ["unknown_contact_types"], "severity": ["warning"]})
    return pd.concat([rows, warned], ignore_index=True).assign(
        passed=True, observed="100", required="100"
    )
