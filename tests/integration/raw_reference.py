"""A second opinion on what becomes of every raw row, written from the raw contract alone.

Belongs here: reading the raw files as text and giving each row its disposition, in pandas. Does not
belong here: any SQL, macro or module of the warehouse, nor its copy of the contract; what the two
have in common is the written rules.

Times are timestamps with zone UTC, dates timestamps at midnight, both null where the cell is empty
or cannot be read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

# Columns of each table. The key comes first, up to the bar. `?` may be null. After the colon stands
# what a cell has to be, text where nothing stands; `event` is an instant that cannot lie after the
# row was loaded; `a/b` lists the allowed values.
TABLES = {
    "agents": "agent_id | full_name email hired_on:date left_on?:date "
    "exit_type?:voluntary/involuntary is_bot:boolean",
    "agent_assignments": "agent_id valid_from:date | valid_to?:date team_id tier:T1/T2/T3",
    "teams": "team_id | team_name manager_id timezone",
    "tickets": "ticket_id | created_at:event channel contact_type severity customer_id? "
    "origin:customer/agent/system is_spam:boolean is_test:boolean merged_into_ticket_id?",
    "ticket_events": "event_id | ticket_id occurred_at:event event_type:assigned/replied/"
    "customer_replied/escalated/solved/reopened/closed/severity_changed/contact_type_changed "
    "agent_id? from_value? to_value?",
    "interactions": "interaction_id | ticket_id agent_id channel started_at:event ended_at:event "
    "talk_seconds:integer hold_seconds:integer wrap_seconds:integer",
    "qa_evaluations": "evaluation_id | ticket_id agent_id evaluator_id interaction_at:event "
    "evaluated_at:event form_version status:draft/final/disputed/void is_calibration:boolean",
    "qa_criterion_scores": "evaluation_id criterion | sub_dimension:accuracy/tone/"
    "process_adherence/resolution_completeness/documentation score?:number max_score?:number "
    "weight:number is_applicable:boolean is_critical_error:boolean",
    "surveys": "survey_id | ticket_id agent_id? sent_at:event responded_at?:event score?:number "
    "scale_min?:number scale_max?:number",
    "schedule_segments": "segment_id | agent_id starts_at:instant ends_at:instant "
    "activity:contact_handling/meeting/training/coaching/break/leave published_at:instant",
    "agent_states": "state_id | agent_id starts_at:event ends_at?:event state",
    "absences": "absence_id | agent_id absent_on:date hours:number kind:planned/unplanned",
    "volume_forecasts": "forecast_id | team_id forecast_date:date forecast_contacts:number "
    "published_at:instant",
    "training_assignments": "assignment_id | agent_id module assigned_at:instant due_on:date "
    "completed_at?:event is_waived:boolean",
    "kb_contributions": "contribution_id | agent_id article_id action:drafted/reviewed/flagged "
    "occurred_at:event is_accepted:boolean",
    "development_goals": "goal_id | agent_id metric? description agreed_on:date due_on:date "
    "baseline:number target:number current_value:number weight:number status:active/met/cancelled",
    "coaching_sessions": "session_id | agent_id coach_id held_at:event "
    "kind:coaching/one_on_one/development_conversation focus_metric? minutes:number "
    "is_acknowledged:boolean",
    "improvement_plans": "plan_id | agent_id opened_on:date planned_end_on:date closed_on?:date "
    "owner_id decided_outcome?:met/extended/escalated/withdrawn decided_by?",
    "improvement_plan_targets": "plan_id metric | target:number minimum_sample:integer",
    "improvement_plan_check_ins": "check_in_id | plan_id due_on:date held_on?:date progress_note "
    "next_step",
    "improvement_plan_support": "support_id | plan_id "
    "kind:coaching/training/buddy/reduced_volume planned_on:date delivered_on?:date",
}
OF_EVERY_TABLE = "_loaded_at:instant _deleted?:boolean _sequence?:integer"
HANGS_ON = {
    "ticket_events": ("ticket_id", "tickets"),
    "interactions": ("ticket_id", "tickets"),
    "surveys": ("ticket_id", "tickets"),
    "qa_evaluations": ("ticket_id", "tickets"),
    "qa_criterion_scores": ("evaluation_id", "qa_evaluations"),
    "improvement_plan_targets": ("plan_id", "improvement_plans"),
    "improvement_plan_check_ins": ("plan_id", "improvement_plans"),
    "improvement_plan_support": ("plan_id", "improvement_plans"),
}
NULL_WORDS = ["", "N/A", "NULL", "-"]
TRUTH_WORDS = {"true": True, "1": True, "false": False, "0": False}
CLOCK = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?"
OFFSET = r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
DECIMAL = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
EARLY = pd.Timedelta(minutes=5)
OPEN_STATE = pd.Timedelta(hours=12)

Tables = dict[str, pd.DataFrame]
Faults = dict[str, np.ndarray]


def count_dispositions(raw_root: Path, seed_root: Path) -> pd.DataFrame:
    """Rows by raw_table, reason and period_month, the UTC month of _loaded_at (null if unread).

    For a run that sees all of the files: its as_of is their last _loaded_at.
    """
    counts = []
    for name, rows in judge(raw_root, seed_root).items():
        month = rows["_loaded_at"].dt.tz_localize(None).dt.to_period("M")
        counts.append(
            rows.assign(raw_table=name, period_month=month)
            .groupby(["raw_table", "disposition", "period_month"], dropna=False)
            .size()
            .rename("rows")
            .reset_index()
            .rename(columns={"disposition": "reason"})
        )
    result = pd.concat(counts, ignore_index=True)
    return result.assign(period_month=result["period_month"].dt.strftime("%Y-%m-01"))


def judge(raw_root: Path, seed_root: Path) -> Tables:
    """The rows of each table with their values as read and their `disposition`."""
    states = set(read_seed(seed_root, "agent_state_map")["state"])
    metrics = set(read_seed(seed_root, "scorecard_metrics")["metric"])
    first_month = read_seed(seed_root, "scorecard_versions")["effective_from"].min()
    tables = {}
    for name in TABLES:
        rows, faults = typed(name, read_text(raw_root, name))
        faults |= faults_of_the_row(name, rows, states, metrics)
        judge_versions(name, rows, faults)
        tables[name] = rows
    # What a row hangs on is judged before the row.
    judge_tickets(tables["tickets"])
    judge_plans(tables["improvement_plans"])
    for name, (column, parent) in HANGS_ON.items():
        judge_orphans(tables[name], column, tables[parent], parent)
    judge_events(tables["ticket_events"], tables["tickets"])
    judge_evaluations(tables, first_month)
    judge_states(tables["agent_states"])
    judge_segments(tables["schedule_segments"])
    return tables


# Reading


def raw_files(raw_root: Path, name: str) -> Iterator[Path]:
    """The files of a table; of files with the same bytes only the first."""
    seen = set()
    for path in sorted((raw_root / name).glob("*")):
        content = hashlib.sha256(path.read_bytes()).digest()
        if path.suffix in (".csv", ".parquet") and content not in seen:
            seen.add(content)
            yield path


def read_text(raw_root: Path, name: str) -> pa.Table:
    """All cells of a table as text, columns by header name; absent columns are null."""
    wanted = [column for column, *_ in columns_of(name)]
    parts = [pa.table({column: pa.array([], pa.string()) for column in wanted})]
    for path in raw_files(raw_root, name):
        if path.suffix == ".parquet":
            found = pq.read_table(path)
        else:
            header = path.read_text("utf-8-sig").split("\n", 1)[0].strip().split(",")
            as_text = pa_csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()))
            found = pa_csv.read_csv(path, convert_options=as_text)
        parts.append(
            pa.table(
                {
                    column: cells_as_text(found[column])
                    if column in found.column_names
                    else pa.nulls(len(found), pa.string())
                    for column in wanted
                }
            )
        )
    return pa.concat_tables(parts)


def cells_as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A typed column as a CSV would hold it; what is text stays as it is."""
    if pa.types.is_timestamp(column.type) and column.type.tz == "UTC":
        # Straight from a type with a zone to text takes six times as long.
        wall = column.cast(pa.timestamp(column.type.unit)).cast(pa.string())
        return pc.binary_join_element_wise(wall, "Z", "")
    return column.cast(pa.string())


def columns_of(name: str) -> list[tuple[str, str, bool, bool]]:
    """(column, kind, may be null, is key) of each column of a table."""
    keys, others = TABLES[name].split(" | ")
    result = []
    for is_key, group in ((True, keys), (False, f"{others} {OF_EVERY_TABLE}")):
        for item in group.split():
            column, _, kind = item.partition(":")
            result.append((column.removesuffix("?"), kind or "text", column.endswith("?"), is_key))
    return result


def key_of(name: str) -> list[str]:
    return [column for column, _, _, is_key in columns_of(name) if is_key]


def typed(name: str, text: pa.Table) -> tuple[pd.DataFrame, Faults]:
    """Values of each cell, and for each fault which rows have it.

    A tombstone needs its key, _loaded_at and _deleted only, so nothing else is a fault of it.
    """
    columns, faults = {}, {}
    cells = {column: distinct(text[column]) for column in text.column_names}
    deleted = parse(*cells["_deleted"], "boolean")[0].eq(True).fillna(False).to_numpy(bool)
    for column, kind, may_be_null, is_key in columns_of(name):
        values, bad, is_null = parse(*cells[column], kind)
        columns[column] = values
        if not may_be_null:
            bad["missing_value"] = is_null
        needed = is_key or column.startswith("_")
        for reason, mask in bad.items():
            mask = mask if needed else mask & ~deleted
            faults[reason] = faults.get(reason, False) | mask
    # An empty cell and an absent column say the same as false.
    columns["_deleted"] = pd.Series(deleted)
    rows = pd.DataFrame(columns)
    for column, kind, _, _ in columns_of(name):
        if kind == "event":
            early = (rows[column] > rows["_loaded_at"] + EARLY).to_numpy() & ~deleted
            faults["future"] = faults.get("future", False) | early
    return rows, faults


def distinct(column: pa.ChunkedArray) -> tuple[pd.Series, np.ndarray]:
    """The different cells of a column, blanks trimmed, and for each row which one it has.

    Empty cells have -1. Most columns repeat their cells, so each is looked at once.
    """
    coded = column.combine_chunks().dictionary_encode()
    words = coded.dictionary.to_pandas().astype("str").str.strip()
    codes = coded.indices.to_pandas().fillna(-1).to_numpy(int)
    empty = np.append(words.isin(NULL_WORDS).to_numpy(), True)
    return words, np.where(empty[codes], -1, codes)


def parse(words: pd.Series, codes: np.ndarray, kind: str) -> tuple[pd.Series, Faults, np.ndarray]:
    """Values per row, the rows with each fault, and the rows that are null."""
    bad: dict[str, pd.Series] = {}
    if kind in ("instant", "event"):
        has_offset = words.str.fullmatch(CLOCK + OFFSET)
        values = pd.to_datetime(
            words.where(has_offset), format="ISO8601", utc=True, errors="coerce"
        )
        bad["naive_timestamp"] = words.str.fullmatch(CLOCK)
        bad["unparseable"] = values.isna() & ~bad["naive_timestamp"]
    elif kind == "date":
        is_date = words.str.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
        values = pd.to_datetime(words.where(is_date), format="%Y-%m-%d", errors="coerce")
        bad["unparseable"] = values.isna()
    elif kind in ("number", "integer"):
        pattern = DECIMAL if kind == "number" else r"[+-]?[0-9]+(?:\.0+)?"
        is_number = words.str.fullmatch(pattern)
        values = pd.to_numeric(words.where(is_number)).astype(float)
        bad["not_finite"] = words.str.fullmatch(r"[+-]?(?:nan|inf|infinity)", case=False)
        bad["unparseable"] = ~is_number & ~bad["not_finite"]
    elif kind == "boolean":
        values = words.str.lower().map(TRUTH_WORDS).astype("boolean")
        bad["unparseable"] = values.isna()
    elif "/" in kind:
        values = words.where(words.isin(kind.split("/")))
        bad["unparseable"] = values.isna()
    else:
        values = words
    is_null = codes < 0
    found = {
        reason: ~is_null & np.append(mask.to_numpy(bool), False)[codes]
        for reason, mask in bad.items()
    }
    return values.reindex(codes).reset_index(drop=True), found, is_null


def read_seed(seed_root: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(seed_root / f"{name}.csv", dtype=str, keep_default_na=False)


# Faults of a row by itself


def faults_of_the_row(
    name: str, rows: pd.DataFrame, states: set[str], metrics: set[str]
) -> dict[str, np.ndarray]:
    """Faults that need several cells of the row or reference data; a tombstone has none."""
    masks: dict[str, pd.Series] = {}
    if name == "surveys":
        low, high = rows["scale_min"].fillna(1), rows["scale_max"].fillna(5)
        masks["off_scale"] = (rows["score"] < low) | (rows["score"] > high)
        masks["answered_before_sent"] = rows["responded_at"] < rows["sent_at"]
    elif name == "qa_criterion_scores":
        masks["off_scale"] = (rows["score"] < 0) | (rows["score"] > rows["max_score"])
    elif name == "agent_states":
        masks["unknown_state"] = rows["state"].notna() & ~rows["state"].isin(states)
        masks["ends_before_start"] = rows["ends_at"] < rows["starts_at"]
    elif name == "schedule_segments":
        masks["ends_before_start"] = rows["ends_at"] < rows["starts_at"]
    elif name == "training_assignments":
        masks["completed_before_assigned"] = rows["completed_at"] < rows["assigned_at"]
    elif name == "coaching_sessions":
        masks["self_coaching"] = rows["coach_id"] == rows["agent_id"]
    elif name == "development_goals":
        masks["target_equals_baseline"] = rows["target"] == rows["baseline"]
    elif name == "improvement_plan_targets":
        masks["unknown_metric"] = rows["metric"].notna() & ~rows["metric"].isin(metrics)
    alive = ~rows["_deleted"].to_numpy()
    return {reason: mask.to_numpy(bool) & alive for reason, mask in masks.items()}


# Versions of a key


def judge_versions(name: str, rows: pd.DataFrame, faults: Faults) -> None:
    """Add `disposition`: own faults, conflicts, duplicates, and which version is current.

    A row with several faults is counted once, by the first of them.
    """
    rows["disposition"] = pd.Series("", index=rows.index, dtype="str")
    for reason, mask in faults.items():
        open_ = rows["disposition"] == ""
        rows.loc[open_ & mask, "disposition"] = f"quarantined:{reason}"
    key = key_of(name)
    stamp = [*key, "_loaded_at", "_sequence"]
    payload = [column for column, *_ in columns_of(name)]

    good = rows[rows["disposition"] == ""]
    shared = good[good.duplicated(stamp, keep=False)]
    if len(shared):
        different = shared.drop_duplicates(payload)
        conflicting = different.loc[
            different.duplicated(stamp, keep=False), stamp
        ].drop_duplicates()
        marked = shared[stamp].merge(conflicting, on=stamp, how="left", indicator=True)
        in_conflict = (marked["_merge"] == "both").to_numpy()
        rows.loc[shared.index[in_conflict], "disposition"] = "quarantined:conflicting_version"
        again = ~in_conflict & shared.duplicated(payload).to_numpy()
        rows.loc[shared.index[again], "disposition"] = "duplicate"

    good = rows[rows["disposition"] == ""]
    in_order = good.sort_values(["_loaded_at", "_sequence"], na_position="first", kind="stable")
    superseded = in_order.index[in_order.duplicated(key, keep="last")]
    rows.loc[superseded, "disposition"] = "superseded"
    current = rows["disposition"] == ""
    rows.loc[current, "disposition"] = np.where(rows.loc[current, "_deleted"], "deleted", "used")


def used(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["disposition"] == "used"]


def mark(rows: pd.DataFrame, which: pd.Series | np.ndarray, reason: str) -> None:
    """Give the used rows among `which` another disposition; the first reason stays."""
    rows.loc[(rows["disposition"] == "used") & which, "disposition"] = reason


# Faults and scope that need other rows


def judge_tickets(tickets: pd.DataFrame) -> None:
    merged = used(tickets)[["ticket_id", "merged_into_ticket_id"]].dropna()
    into = dict(zip(merged["ticket_id"], merged["merged_into_ticket_id"], strict=True))
    circular = set()
    for ticket in into:
        path = [ticket]
        while (following := into.get(path[-1])) is not None and following not in path:
            path.append(following)
        if following == ticket:
            circular.add(ticket)
    mark(tickets, tickets["ticket_id"].isin(circular), "quarantined:merge_cycle")
    mark(tickets, tickets["is_spam"].eq(True).fillna(False), "out_of_scope:spam")
    mark(tickets, tickets["is_test"].eq(True).fillna(False), "out_of_scope:test")
    mark(tickets, tickets["merged_into_ticket_id"].notna(), "out_of_scope:merged")
    mark(tickets, tickets["origin"] != "customer", "out_of_scope:not_customer")


def judge_orphans(rows: pd.DataFrame, column: str, parent: pd.DataFrame, parent_name: str) -> None:
    """A deleted parent and one out of scope are known; a quarantined one is not."""
    known = parent["disposition"].isin(["used", "deleted"])
    known |= parent["disposition"].str.startswith("out_of_scope:")
    keys = parent.loc[known, key_of(parent_name)[0]]
    # Arrow looks up a hundred thousand keys far faster than pandas does.
    is_known = pc.is_in(pa.array(rows[column]), pa.array(keys)).to_pandas()
    mark(rows, ~is_known.set_axis(rows.index), "quarantined:orphan")


def judge_events(events: pd.DataFrame, tickets: pd.DataFrame) -> None:
    """A close before creation counts too, as it can act as a solve."""
    known = ~tickets["disposition"].isin(["superseded", "duplicate", "deleted"])
    known &= ~tickets["disposition"].str.startswith("quarantined:")
    created = events["ticket_id"].map(tickets[known].set_index("ticket_id")["created_at"])
    early = events["event_type"].isin(["solved", "closed"]) & (events["occurred_at"] < created)
    mark(events, early, "quarantined:solved_before_created")


def judge_evaluations(tables: Tables, first_month: str) -> None:
    """First reason of: what the evaluation is, what its criteria are, who is evaluated."""
    rows, criteria = tables["qa_evaluations"], tables["qa_criterion_scores"]
    mark(rows, rows["status"] == "draft", "out_of_scope:draft")
    mark(rows, rows["status"] == "void", "out_of_scope:void")
    mark(rows, rows["is_calibration"].eq(True).fillna(False), "out_of_scope:calibration")
    mark(rows, rows["evaluator_id"] == rows["agent_id"], "out_of_scope:self_evaluation")

    is_good = ~criteria["disposition"].str.startswith("quarantined:")
    keys = [criteria["evaluation_id"], criteria["criterion"]]
    has_good = is_good.groupby(keys, dropna=False).any()
    invalid = has_good.index[~has_good].get_level_values("evaluation_id")
    mark(rows, rows["evaluation_id"].isin(invalid), "out_of_scope:invalid_criterion")
    scored = used(criteria)
    applicable = scored.loc[scored["is_applicable"].astype(bool), "evaluation_id"]
    mark(rows, ~rows["evaluation_id"].isin(applicable), "out_of_scope:nothing_applicable")

    roster = used(tables["agents"])
    mark(rows, ~rows["agent_id"].isin(roster["agent_id"]), "out_of_scope:unknown")
    bots = roster.loc[roster["is_bot"].astype(bool), "agent_id"]
    mark(rows, rows["agent_id"].isin(bots), "out_of_scope:system")
    day = assigned_day(used(rows), tables)
    mark(rows, day.reindex(rows.index).isna(), "out_of_scope:no_assignment")
    early = day.reindex(rows.index) < pd.Timestamp(first_month)
    mark(rows, early, "out_of_scope:before_first_month")


def assigned_day(evaluations: pd.DataFrame, tables: Tables) -> pd.Series:
    """Day of the work in the timezone of the team the agent was in, for those who were in one."""
    zones = used(tables["teams"])[["team_id", "timezone"]]
    stints = used(tables["agent_assignments"]).merge(zones, on="team_id")
    stints = stints[["agent_id", "valid_from", "valid_to", "timezone"]]
    pairs = evaluations[["agent_id", "interaction_at"]].reset_index().merge(stints, on="agent_id")
    days = pd.Series(pd.NaT, index=pairs.index, dtype="datetime64[us]")
    for zone, part in pairs.groupby("timezone"):
        local = part["interaction_at"].dt.tz_convert(zone).dt.tz_localize(None)
        days[part.index] = local.dt.normalize().astype("datetime64[us]")
    covered = (pairs["valid_from"] <= days) & ~(pairs["valid_to"] <= days)
    return days[covered].groupby(pairs.loc[covered, "index"]).max()


def judge_states(rows: pd.DataFrame) -> None:
    """An open state lasts to the agent's next later start, at most 12 hours."""
    first_load = first_loads(rows, "state_id")
    current = used(rows).sort_values(["agent_id", "starts_at"])
    starts = current.drop_duplicates(["agent_id", "starts_at"])[["agent_id", "starts_at"]]
    following = starts.groupby("agent_id")["starts_at"].shift(-1)
    later = current[["agent_id", "starts_at"]].merge(
        starts.assign(following=following), on=["agent_id", "starts_at"], how="left"
    )["following"]
    longest = current["starts_at"] + OPEN_STATE
    later = later.set_axis(current.index)
    ends = current["ends_at"].fillna(later.where(later < longest, longest))
    order = current["state_id"].map(first_load)
    mark_overlaps(rows, current["state_id"], current["starts_at"], ends, order)


def judge_segments(rows: pd.DataFrame) -> None:
    """Of the versions of a segment, the one that counts is used, which need not be the last.

    That is the last one published in time, or a later one that turned it into leave; none where
    the last row loaded is a tombstone.
    """
    first_load = first_loads(rows, "segment_id")
    versions = rows[rows["disposition"].isin(["used", "superseded"]) & ~rows["_deleted"]]
    versions = versions.sort_values(
        ["published_at", "_loaded_at", "_sequence"], na_position="first", kind="stable"
    )
    in_time = versions["published_at"] <= versions["starts_at"]
    deleted = rows.loc[rows["disposition"] == "deleted", "segment_id"]
    counts = ~versions["segment_id"].isin(deleted)
    governing = versions[counts & in_time].drop_duplicates("segment_id", keep="last")
    planned = governing.set_index("segment_id")["activity"]
    turned = versions[counts & ~in_time & (versions["activity"] == "leave")]
    turned = turned[turned["segment_id"].map(planned).fillna("leave") != "leave"]
    turned = turned.drop_duplicates("segment_id", keep="last")
    replaced = governing["segment_id"].isin(turned["segment_id"])

    rows.loc[versions.index, "disposition"] = np.where(
        in_time, "superseded", "out_of_scope:not_published_in_time"
    )
    rows.loc[governing.index[~replaced], "disposition"] = "used"
    rows.loc[turned.index, "disposition"] = "used"
    current = used(rows)
    order = current["segment_id"].map(first_load)
    mark_overlaps(rows, current["segment_id"], current["starts_at"], current["ends_at"], order)


def judge_plans(rows: pd.DataFrame) -> None:
    """Of overlapping plans of one agent the one opened later; days are counted whole."""
    current = used(rows)
    ends = current["closed_on"].fillna(current["planned_end_on"]) + pd.Timedelta(days=1)
    mark_overlaps(
        rows, current["plan_id"], current["opened_on"], ends, current["opened_on"],
        "quarantined:overlapping_plan",
    )  # fmt: skip


def first_loads(rows: pd.DataFrame, key: str) -> pd.Series:
    """When each key was first loaded by a row that is not quarantined."""
    good = ~rows["disposition"].str.startswith("quarantined:")
    return rows[good].groupby(key)["_loaded_at"].min()


def mark_overlaps(
    rows: pd.DataFrame,
    key: pd.Series,
    starts: pd.Series,
    ends: pd.Series,
    order: pd.Series,
    reason: str = "quarantined:overlap",
) -> None:
    """Quarantine what overlaps an accepted row of the same agent, judged by `order`, then key.

    The four series have the used rows' index. An end equal to a start is no overlap, and
    what has no length overlaps nothing.
    """
    spans = pd.DataFrame(
        {"agent": rows["agent_id"].reindex(key.index), "key": key, "start": starts, "end": ends,
         "order": order}
    ).sort_values(["agent", "start"])  # fmt: skip
    # Rows that touch nothing are set aside first; few are left to look at one by one.
    reach = spans.groupby("agent")["end"].cummax().groupby(spans["agent"]).shift()
    cluster = (~(spans["start"] < reach)).cumsum()
    crowded = spans[cluster.duplicated(keep=False)].sort_values(["order", "key"])
    accepted: dict[str, list[tuple[pd.Timestamp, pd.Timestamp]]] = {}
    rejected = []
    for span in crowded.itertuples():
        taken = accepted.setdefault(span.agent, [])
        if any(max(span.start, start) < min(span.end, end) for start, end in taken):
            rejected.append(span.Index)
        else:
            taken.append((span.start, span.end))
    rows.loc[rejected, "disposition"] = reason
