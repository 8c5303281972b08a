"""The marts that a release must hold: a promise to readers, pinned once for all tests."""

from __future__ import annotations

MARTS = frozenset(
    {
        "agent_context_metrics",
        "agent_daily_pulse",
        "agent_scorecard",
        "agent_scorecard_metrics",
        "agent_weekly_pulse",
        "band_reasons",
        "coaching_effect",
        "development_focus",
        "evaluator_alignment",
        "feedback_latency",
        "high_performer_watch",
        "improvement_plan_candidates",
        "improvement_plan_outcomes",
        "improvement_plan_progress",
        "lost_and_found",
        "metric_catalog",
        "metric_validity",
        "people",
        "performance_bands",
        "release_quality",
        "scorecard_vintages",
        "team_csat_drivers",
        "team_leverage",
        "team_metrics",
        "team_qa_distribution",
        "team_scorecard",
        "team_sla",
    }
)
