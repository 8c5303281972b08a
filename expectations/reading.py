"""Reads a candidate's Parquet files: months, rows, statistics, and who works in which team.

Belongs here: pyarrow and pandas. Does not belong here: any judgement (`judging`, the suites).
Files are read one month at a time and only in the columns a suite names, so memory follows the size
of a month, not of the history.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expectations.context import Reading, Summary, next_month

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

# The two marts that say who works in which team.
ROSTER_MARTS = ("agent_scorecard", "agent_scorecard_metrics")


@dataclass(frozen=True)
class Roster:
    """month -> team -> agents by either agent mart, and month -> agents of the scorecard."""

    teams: Mapping[date, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    agents: Mapping[date, int] = field(default_factory=dict)

    def teams_due(self, month: date) -> dict[str, int]:
        """Teams that must appear in the month, with their number of agents.

        Those either mart shows, and those of the month before, unless they were dissolved: at least
        half of their people then work on in other teams.
        """
        now = self.teams.get(month, {})
        due = {team: len(agents) for team, agents in now.items()}
        staff = frozenset().union(*now.values())
        for team, agents in self.teams.get(_month_before(month), {}).items():
            if team not in now and len(agents & staff) * 2 < len(agents):
                due[team] = len(agents)
        return due


def read_roster(candidate_dir: Path) -> Roster:
    """A mart that cannot be read adds nothing here; its own checks say so."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    teams: dict[date, dict[str, set[str]]] = {}
    agents: dict[date, set[str]] = {}
    columns = ["period_month", "team_id", "agent_id"]
    for mart in ROSTER_MARTS:
        try:
            table = pq.read_table(
                candidate_dir / f"{mart}.parquet",
                columns=columns,
                read_dictionary=["team_id", "agent_id"],
            )
            distinct = table.group_by(columns).aggregate([]).to_pylist()
        except (OSError, pa.ArrowException):
            continue  # reported by the mart's own check `file_is_readable`
        for row in distinct:
            if None in row.values():
                continue
            month = first_day(row["period_month"])
            teams.setdefault(month, {}).setdefault(row["team_id"], set()).add(row["agent_id"])
            if mart == "agent_scorecard":
                agents.setdefault(month, set()).add(row["agent_id"])
    return Roster(
        {
            month: {team: frozenset(people) for team, people in by_team.items()}
            for month, by_team in teams.items()
        },
        {month: len(people) for month, people in agents.items()},
    )


def read_month(path: Path, reading: Reading, month: date | None) -> pd.DataFrame:
    """Needed columns of one month; of the rows without a month, or all rows of a mart without."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    chosen = None
    if reading.period is not None:
        column = pc.field(reading.period)
        chosen = column.is_null() if month is None else column == month
    table = pq.read_table(path, columns=list(reading.columns), filters=chosen)
    return _without_dictionaries(table).to_pandas(date_as_object=False)


def _without_dictionaries(table: pa.Table) -> pa.Table:
    """Plain columns: pandas would make categories of dictionaries, which compare differently."""
    import pyarrow as pa

    fields = [
        column.with_type(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in table.schema
    ]
    return table.cast(pa.schema(fields))


def prepared(reading: Reading, frame: pd.DataFrame) -> pd.DataFrame:
    return reading.prepare(frame) if reading.prepare else frame


def rows_by_month(path: Path, reading: Reading) -> tuple[dict[date, int], int]:
    """Rows by month, and rows without a month."""
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=[reading.period])
    counts = table.group_by(reading.period).aggregate([([], "count_all")]).to_pylist()
    by_month = {row[reading.period]: row["count_all"] for row in counts}
    undated = by_month.pop(None, 0)
    return {_day(month): rows for month, rows in sorted(by_month.items())}, undated


def distinct_counts(reading: Reading, frame: pd.DataFrame) -> dict[str, int]:
    return {
        name: len(frame[list(columns)].drop_duplicates())
        for name, columns in reading.distinct.items()
    }


def summary_of(column: pd.Series) -> Summary:
    values = column.dropna().astype("float64")
    stdev = float(values.std()) if len(values) > 1 else 0.0
    mean = float(values.mean()) if len(values) else 0.0
    return Summary(len(values), mean, stdev, float(values.sum()))


def as_of_day(frame: pd.DataFrame) -> date | None:
    if "as_of" not in frame or frame["as_of"].isna().all():
        return None
    return frame["as_of"].max().date()


def calendar(
    span: list[date],
    rows: Mapping[date, int],
    previous: Mapping[Any, int] | None,
    changes: Mapping[str, Mapping[date, float]],
) -> dict[date | None, pd.DataFrame]:
    """One row per month of the candidate or the previous release.

    `rows` is null outside the candidate's span: such a month is missed by the comparison alone.
    """
    import pandas as pd

    known = previous or {}
    months = sorted({*span, *known})
    nothing = float("nan")
    table = {
        "rows": [float(rows.get(month, 0)) if month in span else nothing for month in months],
        "rows_kept": [
            rows.get(month, 0) / known[month] if month in known else nothing for month in months
        ],
    }
    for name, by_month in changes.items():
        table[f"{name}_change"] = [by_month.get(month, nothing) for month in months]
    frame = pd.DataFrame(table).assign(period_month=pd.to_datetime(months))
    return {month: frame.iloc[[row]] for row, month in enumerate(months)}


def months_between(first: date, last: date) -> Iterator[date]:
    month = first_day(first)
    while month <= last:
        yield month
        month = next_month(month)


def _month_before(month: date) -> date:
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)


def first_day(day: date) -> date:
    return date(day.year, day.month, 1)


def _day(value: date) -> date:
    """A plain date, whether the file has dates or timestamps."""
    return value.date() if isinstance(value, datetime) else value
