"""Planted faults and oddities, each with the disposition it must get.

Here: rows of text for one extra CSV file per table (`<table>/dirt.csv`), exact duplicates, and the
ledger of what was planted. Not here: oddities that are part of life, such as reopened tickets.

At most five rows of a table are to be quarantined on their own account, whatever the size, so that
no batch is rejected for them; rows that hang on those come on top.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from orchestration.sample.catalogue import EVENT, STATE
from orchestration.sample.frames import DAY, NULL, Frame, row_count, take
from orchestration.sample.tables import TABLES
from orchestration.sample.world import World

Row = dict[str, str | None]
UNKNOWN_TICKET = "T9999999"
# Clean rows that move from the typed files into the file of text, so that it is not all faults.
MOVED = 8


@dataclass
class Ledger:
    """Counts by raw table and reason.

    Dispositions are exact counts of rows that must get that disposition; features count other
    things worth finding, some of which may lie past the end of the data. `in_budget` says whether
    a quarantined row counts in the budget.
    """

    rows: list[tuple[str, str, str, int, bool]] = field(default_factory=list)

    def disposition(self, table: str, reason: str, count: int = 1, in_budget: bool = True) -> None:
        self.rows.append((table, reason, "disposition", count, in_budget))

    def feature(self, table: str, name: str, count: int = 1) -> None:
        self.rows.append((table, name, "feature", count, False))

    def frame(self) -> pd.DataFrame:
        """raw_table, reason, kind, rows, in_budget: one row each, sorted, without zero counts."""
        columns = ["raw_table", "reason", "kind", "rows", "in_budget"]
        table = pd.DataFrame(self.rows, columns=columns)
        table["in_budget"] &= table["reason"].str.startswith("quarantined:")
        total = table.groupby(["raw_table", "reason", "kind", "in_budget"], as_index=False).sum()
        return total.loc[total["rows"] > 0, columns].reset_index(drop=True)


class Sheet:
    """The rows of one `dirt.csv`: clean ones moved from the frame, and planted ones."""

    def __init__(
        self, table: str, frame: Frame, eligible: np.ndarray, ledger: Ledger, moved: int = MOVED
    ) -> None:
        rows = np.flatnonzero(eligible)
        if len(rows) < moved:
            raise RuntimeError(f"{table}: {len(rows)} rows to plant faults on, {moved} needed")
        # Spread over the whole time and far from its end, so that later versions fit in.
        chosen = rows[np.linspace(0, len(rows) * 0.8, moved, dtype=int)]
        cells = {name: column.text().to_pylist() for name, column in take(frame, chosen).items()}
        self.table = table
        self.ledger = ledger
        self.header = list(frame)
        self.clean: list[Row] = [
            {name: cells[name][k] for name in cells} for k in range(len(chosen))
        ]
        self.rows: list[Row] = [dict(row) for row in self.clean]
        self.remaining = np.ones(row_count(frame), dtype=bool)
        self.remaining[chosen] = False
        self._numbers = 0
        self._key = TABLES[table].key[0]

    def new_key(self) -> str:
        """A key no other row has, in the form of the table's keys."""
        self._numbers += 1
        example = str(self.clean[0][self._key])
        prefix = example.rstrip("0123456789")
        width = len(example) - len(prefix)
        return f"{prefix}{99 * 10 ** (width - 2) + self._numbers}"

    def plant(
        self,
        like: int,
        reason: str | None,
        *,
        version: bool = False,
        in_budget: bool = True,
        **cells: str | None,
    ) -> Row:
        """Add a copy of clean row `like` with other cells, as a new key unless `version`.

        `reason` is a quarantine reason, or None for a row that is used.
        """
        row = {**self.clean[like]}
        if not version:
            row[self._key] = self.new_key()
        row |= cells
        self.rows.append(row)
        if reason:
            self.ledger.disposition(self.table, f"quarantined:{reason}", 1, in_budget)
        return row

    def later(self, like: int, hours: float) -> str:
        """The loading stamp of clean row `like`, that many hours later."""
        return shifted(self.clean[like]["_loaded_at"], hours)


def shifted(stamp: str | None, hours: float) -> str:
    """An ISO instant moved by hours."""
    moved = datetime.fromisoformat(str(stamp)) + timedelta(hours=hours)
    return moved.strftime("%Y-%m-%dT%H:%M:%SZ")


def without_offset(stamp: str | None) -> str:
    return str(stamp).removesuffix("Z")


def with_offset(stamp: str | None) -> str:
    """The same instant written two hours east of UTC."""
    moved = datetime.fromisoformat(str(stamp)) + timedelta(hours=2)
    return moved.strftime("%Y-%m-%dT%H:%M:%S+02:00")


def plant_dirt(world: World, frames: dict[str, Frame], ledger: Ledger) -> dict[str, Sheet]:
    """All sheets by table. The frames keep every row but those moved into the sheets.

    `frames` must be cut at the end of the data and ordered by _loaded_at.
    """
    old = {
        name: frame["_loaded_at"].values < world.clock.cutoff - 10 * DAY
        for name, frame in frames.items()
    }
    sheets = {
        "tickets": _tickets(frames, old, ledger),
        "interactions": _interactions(world, frames, old, ledger),
        "surveys": _surveys(frames, old, ledger),
        "schedule_segments": _segments(frames, old, ledger),
        "agent_states": _states(frames, old, ledger),
    }
    sheets["ticket_events"] = _events(world, frames, old, sheets["tickets"], ledger)
    sheets["qa_evaluations"] = _evaluations(world, frames, old, ledger)
    sheets["qa_criterion_scores"] = _criteria(frames, old, sheets["qa_evaluations"], ledger)
    sheets |= _small_tables(frames, old, ledger) | _plans(world, frames, ledger)
    for name, sheet in sheets.items():
        frames[name] = take(frames[name], sheet.remaining)
    return sheets


def _single(column: np.ndarray) -> np.ndarray:
    """Rows whose key occurs once."""
    return np.bincount(column)[column] == 1


def _tickets(frames: dict[str, Frame], old: dict[str, np.ndarray], ledger: Ledger) -> Sheet:
    frame = frames["tickets"]
    plain = old["tickets"] & _single(frame["ticket_id"].values) & ~frame["is_test"].values
    plain &= (frame["origin"].values == 0) & (frame["customer_id"].values >= 0)
    sheet = Sheet("tickets", frame, plain, ledger)
    good = sheet.plant(0, None, customer_id="0004711")
    for severity in ("low", "urgent"):
        sheet.plant(
            0,
            "conflicting_version",
            version=True,
            ticket_id=good["ticket_id"],
            severity=severity,
            _loaded_at=sheet.later(0, 2),
        )
    first, second = sheet.new_key(), sheet.new_key()
    for one, other in ((first, second), (second, first)):
        sheet.plant(1, "merge_cycle", version=True, ticket_id=one, merged_into_ticket_id=other)
    sheet.plant(2, "missing_value", created_at="N/A")
    key = sheet.clean[3]["ticket_id"]
    sheet.plant(3, None, version=True, ticket_id=f"  {key} ", _loaded_at=sheet.later(3, 3))
    ledger.disposition("tickets", "superseded")
    ledger.feature("tickets", "key_with_blanks")
    for key in ("0000123", "123"):
        sheet.plant(4, None, version=True, ticket_id=key)
    ledger.feature("tickets", "keys_differing_by_leading_zeros", 2)
    ledger.feature("tickets", "customer_with_leading_zeros")
    return sheet


def _events(
    world: World,
    frames: dict[str, Frame],
    old: dict[str, np.ndarray],
    tickets: Sheet,
    ledger: Ledger,
) -> Sheet:
    frame = frames["ticket_events"]
    plain = old["ticket_events"] & (frame["event_type"].values == EVENT["replied"])
    plain &= (frame["agent_id"].values >= 0) & (frame["agent_id"].values < world.agents)
    sheet = Sheet("ticket_events", frame, plain, ledger)
    sheet.plant(0, "orphan", ticket_id=UNKNOWN_TICKET)
    sheet.plant(1, "solved_before_created", event_type="solved", occurred_at="2025-01-01T00:00:00Z")
    sheet.plant(2, "unparseable", event_type="teleported")
    sheet.plant(3, "naive_timestamp", occurred_at=without_offset(sheet.clean[3]["occurred_at"]))
    sheet.plant(4, "missing_value", occurred_at="NULL")
    sheet.plant(5, None, occurred_at=with_offset(sheet.clean[5]["occurred_at"]))
    ledger.feature("ticket_events", "timestamp_with_another_offset")
    for row in tickets.rows:
        if row["merged_into_ticket_id"] or row["created_at"] == "N/A":
            sheet.plant(6, "orphan", in_budget=False, ticket_id=row["ticket_id"])
    return sheet


def _interactions(
    world: World, frames: dict[str, Frame], old: dict[str, np.ndarray], ledger: Ledger
) -> Sheet:
    frame = frames["interactions"]
    known = frame["agent_id"].values < world.agents
    usual = frame["talk_seconds"].values > 0
    usual &= frame["ended_at"].values >= frame["started_at"].values
    sheet = Sheet("interactions", frame, old["interactions"] & known & usual, ledger)
    tomorrow = sheet.later(0, 24)
    sheet.plant(0, "future", started_at=tomorrow, ended_at=tomorrow)
    sheet.plant(1, "unparseable", talk_seconds="1,234")
    sheet.plant(2, "orphan", ticket_id=UNKNOWN_TICKET)
    sheet.plant(3, "naive_timestamp", started_at=without_offset(sheet.clean[3]["started_at"]))
    sheet.plant(4, "missing_value", agent_id="-")
    return sheet


def _surveys(frames: dict[str, Frame], old: dict[str, np.ndarray], ledger: Ledger) -> Sheet:
    frame = frames["surveys"]
    plain = old["surveys"] & (frame["score"].values != NULL) & (frame["scale_max"].values == 5)
    plain &= (frame["agent_id"].values >= 0) & (frame["_sequence"].values == NULL)
    sheet = Sheet("surveys", frame, plain, ledger)
    sheet.plant(0, "off_scale", score="7")
    sheet.plant(1, "answered_before_sent", responded_at=shifted(sheet.clean[1]["sent_at"], -1))
    sheet.plant(2, "orphan", ticket_id=UNKNOWN_TICKET)
    sheet.plant(3, "unparseable", sent_at="03/04/2026")
    sheet.plant(4, "naive_timestamp", responded_at=without_offset(sheet.clean[4]["responded_at"]))
    sheet.plant(5, None, version=True, score="", responded_at="N/A", _loaded_at=sheet.later(5, 2.5))
    ledger.disposition("surveys", "superseded")
    ledger.feature("surveys", "ratings_cleared")
    return sheet


def _segments(frames: dict[str, Frame], old: dict[str, np.ndarray], ledger: Ledger) -> Sheet:
    frame = frames["schedule_segments"]
    early = frame["published_at"].values < frame["starts_at"].values - DAY
    plain = old["schedule_segments"] & early & (frame["activity"].values == 0)
    plain &= _single(frame["segment_id"].values)
    sheet = Sheet("schedule_segments", frame, plain, ledger)
    sheet.plant(0, "overlap", _loaded_at=sheet.later(0, 1))
    sheet.plant(1, "overlap", _loaded_at=sheet.later(1, 1), activity="meeting")
    sheet.plant(2, "unparseable", starts_at="03/04/2026")
    sheet.plant(3, "naive_timestamp", ends_at=without_offset(sheet.clean[3]["ends_at"]))
    sheet.plant(4, "missing_value", agent_id="N/A")
    return sheet


def _states(frames: dict[str, Frame], old: dict[str, np.ndarray], ledger: Ledger) -> Sheet:
    frame = frames["agent_states"]
    starts, ends = frame["starts_at"].values, frame["ends_at"].values
    plain = old["agent_states"] & _single(frame["state_id"].values)
    plain &= (frame["state"].values == STATE["handling"]) & (ends != NULL) & (ends - starts > 300)
    sheet = Sheet("agent_states", frame, plain, ledger)
    for row, code in ((0, "aux_7"), (1, "lunch_old")):
        # Nine hours earlier nobody is on shift, so the row has no other fault.
        sheet.plant(
            row,
            "unknown_state",
            state=code,
            starts_at=shifted(sheet.clean[row]["starts_at"], -9),
            ends_at=shifted(sheet.clean[row]["ends_at"], -9),
        )
    sheet.plant(2, "overlap", _loaded_at=sheet.later(2, 30))
    sheet.plant(3, "overlap", _loaded_at=sheet.later(3, 30), state="available")
    sheet.plant(4, "missing_value", state="")
    return sheet


def _evaluations(
    world: World, frames: dict[str, Frame], old: dict[str, np.ndarray], ledger: Ledger
) -> Sheet:
    frame = frames["qa_evaluations"]
    plain = old["qa_evaluations"] & (frame["status"].values == 1)
    plain &= ~frame["is_calibration"].values & _single(frame["evaluation_id"].values)
    # Not a self-evaluation: evaluators come before people in the vocabulary.
    people = len(frame["evaluator_id"].vocabulary) - len(world.people)
    plain &= frame["evaluator_id"].values < people
    sheet = Sheet("qa_evaluations", frame, plain, ledger)
    sheet.plant(0, "orphan", ticket_id=UNKNOWN_TICKET)
    sheet.plant(1, "unparseable", status="pending")
    sheet.plant(2, "missing_value", agent_id="-")
    sheet.plant(3, "future", evaluated_at=sheet.later(3, 24))
    sheet.plant(
        4, "naive_timestamp", interaction_at=without_offset(sheet.clean[4]["interaction_at"])
    )
    leaver = int(np.flatnonzero(world.groups.leaver)[0])
    gone = (world.clock.first_day + int(world.left[leaver]) + 3) * DAY
    noon = datetime.fromisoformat("1970-01-01T12:00:00+00:00") + timedelta(seconds=gone)
    worked = noon.strftime("%Y-%m-%dT%H:%M:%SZ")
    planted: list[tuple[str, dict[str, str | None]]] = [
        ("unknown", {"agent_id": "Z001"}),
        ("system", {"agent_id": "B001"}),
        (
            "no_assignment",
            {
                "agent_id": world.agent_ids[leaver],
                "interaction_at": worked,
                "evaluated_at": shifted(worked, 20),
                "_loaded_at": shifted(worked, 24),
            },
        ),
        ("invalid_criterion", {}),
    ]
    for reason, cells in planted:
        sheet.plant(5, None, **cells)["_reason"] = reason
        ledger.disposition("qa_evaluations", f"out_of_scope:{reason}")
    return sheet


def _criteria(
    frames: dict[str, Frame], old: dict[str, np.ndarray], evaluations: Sheet, ledger: Ledger
) -> Sheet:
    frame = frames["qa_criterion_scores"]
    marked = ~np.isnan(frame["score"].values) & (frame["max_score"].values == 10)
    # Every criterion of this name, so that one row stands for one evaluation.
    plain = old["qa_criterion_scores"] & marked & (frame["criterion"].values == 0)
    plain &= _single(np.where(plain, frame["evaluation_id"].values, 0))
    sheet = Sheet("qa_criterion_scores", frame, plain, ledger)
    for like, reason, score in (
        (0, "off_scale", "-1"),
        (1, "not_finite", "NaN"),
        (2, "unparseable", "85%"),
    ):
        sheet.plant(like, reason, version=True, score=score, _loaded_at=sheet.later(like, 26))
    sheet.plant(3, "orphan", version=True, evaluation_id="Q9999999")
    for row in evaluations.rows:
        reason = row.pop("_reason", None)
        evaluation = {"evaluation_id": row["evaluation_id"], "_loaded_at": row["_loaded_at"]}
        if row["ticket_id"] == UNKNOWN_TICKET:
            sheet.plant(4, "orphan", version=True, in_budget=False, **evaluation)
        elif reason:
            sheet.plant(4, None, version=True, **evaluation)
            other = {"criterion": "empathy", "sub_dimension": "tone", **evaluation}
            if reason == "invalid_criterion":
                sheet.plant(4, "off_scale", version=True, score="12", **other)
            else:
                sheet.plant(4, None, version=True, **other)
    ledger.feature("qa_criterion_scores", "bad_versions_with_an_earlier_good_one", 3)
    return sheet


def _small_tables(
    frames: dict[str, Frame], old: dict[str, np.ndarray], ledger: Ledger
) -> dict[str, Sheet]:
    """Sheets of the CSV tables of workforce and development."""

    def sheet(table: str, eligible: np.ndarray | None = None) -> Sheet:
        mask = old[table] if eligible is None else old[table] & eligible
        return Sheet(table, frames[table], mask, ledger, moved=4)

    absences = sheet("absences")
    absences.plant(0, "unparseable", hours="1,234")
    absences.plant(1, "not_finite", hours="NaN")
    absences.plant(2, "missing_value", agent_id="NULL")
    forecasts = sheet("volume_forecasts")
    forecasts.plant(0, "unparseable", forecast_contacts="1,234")
    forecasts.plant(1, "missing_value", forecast_contacts="-")
    done = frames["training_assignments"]["completed_at"].values != NULL
    training = sheet("training_assignments", done)
    training.plant(
        0,
        "completed_before_assigned",
        completed_at=shifted(training.clean[0]["assigned_at"], -48),
    )
    training.plant(
        1, "naive_timestamp", completed_at=without_offset(training.clean[1]["completed_at"])
    )
    training.plant(2, "missing_value", due_on="")
    articles = sheet("kb_contributions")
    articles.plant(0, "unparseable", is_accepted="perhaps")
    articles.plant(1, "future", occurred_at=articles.later(1, 24))
    lower = str(articles.clean[2]["contribution_id"]).lower()
    articles.plant(2, None, version=True, contribution_id=lower)
    ledger.feature("kb_contributions", "keys_differing_by_case")
    ledger.feature("kb_contributions", "file_with_byte_order_mark")
    goals = sheet("development_goals", ~frames["development_goals"]["_deleted"].values)
    goals.plant(0, "target_equals_baseline", target=goals.clean[0]["baseline"])
    goals.plant(1, "not_finite", current_value="inf")
    coaching = sheet("coaching_sessions")
    coaching.plant(0, "future", held_at=coaching.later(0, 24))
    coaching.plant(1, "self_coaching", coach_id=coaching.clean[1]["agent_id"])
    coaching.plant(2, "unparseable", minutes="half an hour")
    ledger.feature("volume_forecasts", "extra_column")
    sheets = (absences, forecasts, training, articles, goals, coaching)
    return {one.table: one for one in sheets}


def _plans(world: World, frames: dict[str, Frame], ledger: Ledger) -> dict[str, Sheet]:
    """A plan that overlaps another, and children of it and of plans nobody knows."""

    def sheet(table: str, rows: np.ndarray, moved: int) -> Sheet:
        return Sheet(table, frames[table], rows, ledger, moved)

    # The second plan is still running at the end of the data.
    running = frames["improvement_plans"]["plan_id"].values == 2
    plans = sheet("improvement_plans", running, 1)
    opened = datetime.fromisoformat(str(plans.clean[0]["opened_on"]))
    again = plans.plant(
        0,
        "overlapping_plan",
        opened_on=(opened + timedelta(days=5)).strftime("%Y-%m-%d"),
        _loaded_at=plans.later(0, 5 * 24),
    )
    plans.plant(0, "missing_value", planned_end_on="N/A", agent_id=world.agent_ids[0])
    targets = frames["improvement_plan_targets"]
    first = sheet(
        "improvement_plan_targets",
        (targets["plan_id"].values == 2) & (targets["metric"].values == 0),
        1,
    )
    first.plant(0, "unknown_metric", version=True, metric="charisma")
    first.plant(0, "orphan", version=True, plan_id="P998")
    first.plant(0, "orphan", version=True, in_budget=False, plan_id=again["plan_id"])
    result = [plans, first]
    for table in ("improvement_plan_check_ins", "improvement_plan_support"):
        rows = frames[table]["plan_id"].values == 2
        rows &= np.cumsum(rows) == 1
        child = sheet(table, rows, 1)
        child.plant(0, "orphan", plan_id="P998")
        child.plant(0, "orphan", in_budget=False, plan_id=again["plan_id"])
        result.append(child)
    return {one.table: one for one in result}


def duplicated(world: World, table: str, frame: Frame, ledger: Ledger) -> Frame:
    """The frame with some rows delivered twice, exactly as they are."""
    rng = world.rng(f"duplicates of {table}")
    count = row_count(frame)
    wanted = max(1, count // 500)
    extra = np.sort(rng.choice(count, size=min(wanted, count), replace=False))
    ledger.disposition(table, "duplicate", len(extra))
    return take(frame, np.sort(np.concatenate([np.arange(count), extra])))


def count_superseded(table: str, frame: Frame) -> int:
    """Rows that are not the last of their key; the frame must hold no duplicates.

    Not for schedule_segments, where the time of publishing decides which version governs.
    """
    if table == "schedule_segments":
        return 0
    key = np.zeros(row_count(frame), dtype=np.int64)
    for name in TABLES[table].key:
        values = frame[name].values
        key = key * (int(values.max()) + 1) + values
    # Sorting is several times faster here than looking for distinct values by hash.
    key.sort()
    return int((key[1:] == key[:-1]).sum())
