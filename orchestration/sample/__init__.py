"""Invented sample data: an invented company's raw files, and beside them the truth behind them.

`generate_sample` is all there is to call. It reads nothing: no scores, no warehouse, no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from orchestration.sample.development import (
    article_frame,
    coaching_effects,
    coaching_frame,
    goal_frame,
    plan_coaching,
    plan_frames,
    training_frame,
)
from orchestration.sample.dirt import Ledger, count_superseded, duplicated, plant_dirt
from orchestration.sample.frames import Frame, take
from orchestration.sample.quality import draw_evaluators, quality_frames
from orchestration.sample.tables import TABLES
from orchestration.sample.ticket_frames import service_frames, survey_frame
from orchestration.sample.tickets import first_contacts, simulate
from orchestration.sample.truth import truth_tables
from orchestration.sample.workforce import (
    absence_frame,
    build_presence,
    build_segments,
    build_slots,
    forecast_frame,
    segment_frame,
    state_frame,
)
from orchestration.sample.world import (
    World,
    build_latent,
    build_world,
    draw_traits,
    people_frames,
)
from orchestration.sample.write import write_raw, write_truth

__all__ = ["SampleSummary", "generate_sample"]


@dataclass(frozen=True)
class SampleSummary:
    """What was written: folders, rows by raw table, number of files, the last loading stamp."""

    raw_root: Path
    truth_root: Path
    rows: dict[str, int]
    files: int
    last_loaded_at: datetime


def generate_sample(
    out: Path, agents: int = 120, months: int = 13, tickets: int = 150_000, seed: int = 7
) -> SampleSummary:
    """Write the raw files of an invented company to `out` and the truth to `<out>_truth`.

    The same arguments give the same bytes. `agents` people (at least 12; two bots come on top),
    `months` full months ending with October 2026 (at least 2) and the first nine days of November,
    `tickets` tickets (at least 500; a few planted ones come on top).

    Raises FileExistsError where `out` or the truth folder holds anything, ValueError for a size too
    small.
    """
    truth_root = out.parent / f"{out.name}_truth"
    for folder in (out, truth_root):
        if folder.exists() and any(folder.iterdir()):
            raise FileExistsError(f"{folder} is not empty: remove it or choose another folder")
    world = build_world(agents, months, tickets, seed)
    ledger = Ledger()
    frames, truth = _draw(world, tickets, ledger)
    frames = {name: _as_loaded(world, frames[name]) for name in TABLES}
    for name, frame in frames.items():
        ledger.disposition(name, "superseded", count_superseded(name, frame))
    sheets = plant_dirt(world, frames, ledger)
    frames = {name: duplicated(world, name, frame, ledger) for name, frame in frames.items()}
    out.mkdir(parents=True, exist_ok=True)
    written = write_raw(out, frames, sheets)
    write_truth(truth_root, {**truth, "dirt": ledger.frame()})
    rows = dict.fromkeys(TABLES, 0)
    for file in written:
        rows[file.path.split("/")[0]] += file.rows
    last = max(int(frame["_loaded_at"].values.max()) for frame in frames.values())
    return SampleSummary(out, truth_root, rows, len(written), datetime.fromtimestamp(last, tz=UTC))


def _draw(world: World, tickets: int, ledger: Ledger) -> tuple[dict[str, Frame], dict]:
    """All frames by table, and the truth tables; notes in the ledger what is exact by design."""
    traits = draw_traits(world)
    presence = build_presence(world)
    coaching = plan_coaching(world, traits, presence)
    latent = build_latent(world, traits, coaching_effects(world, coaching))
    segments = build_segments(world, presence)
    slots = build_slots(world, segments)
    service = simulate(world, latent, slots, tickets)
    evaluators = draw_evaluators(world)
    quality = quality_frames(world, traits, latent, service, evaluators)
    ticketing = service_frames(world, service)
    surveys, survey_features = survey_frame(world, latent, service)
    schedule, schedule_dispositions = segment_frame(world, segments)
    states, state_features = state_frame(world, traits, latent, segments)
    forecasts, forecast_features = forecast_frame(world, *first_contacts(world, service))
    goals, goal_dispositions = goal_frame(world, traits)
    sessions, session = coaching_frame(world, coaching, presence)
    plans = plan_frames(world, latent)
    frames = {
        **people_frames(world),
        "tickets": ticketing.tickets,
        "ticket_events": ticketing.events,
        "interactions": ticketing.interactions,
        "qa_evaluations": quality.evaluations,
        "qa_criterion_scores": quality.criteria,
        "surveys": surveys,
        "schedule_segments": schedule,
        "agent_states": states,
        "absences": absence_frame(world, presence),
        "volume_forecasts": forecasts,
        "training_assignments": training_frame(world, traits),
        "kb_contributions": article_frame(world, traits),
        "development_goals": goals,
        "coaching_sessions": sessions,
        **plans.frames,
    }
    for table, dispositions in (
        ("tickets", ticketing.dispositions),
        ("qa_evaluations", quality.dispositions),
        ("development_goals", goal_dispositions),
        ("schedule_segments", schedule_dispositions),
    ):
        for reason, count in dispositions.items():
            ledger.disposition(table, reason, count)
    for table, features in (
        ("tickets", ticketing.features),
        ("interactions", {"implausible_durations": ticketing.implausible}),
        ("surveys", survey_features),
        ("agent_states", state_features),
        ("volume_forecasts", forecast_features),
        ("qa_evaluations", quality.features),
    ):
        for name, count in features.items():
            ledger.feature(table, name, count)
    truth = truth_tables(world, traits, latent, evaluators, coaching, session, plans)
    return frames, truth


def _as_loaded(world: World, frame: Frame) -> Frame:
    """The rows loaded by the end of the data, in the order they were loaded."""
    loaded = frame["_loaded_at"].values
    order = np.argsort(loaded, kind="stable")
    return take(frame, order[loaded[order] <= world.clock.cutoff])
