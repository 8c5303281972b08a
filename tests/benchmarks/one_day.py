"""What one more day costs beside a full build, and whether history makes it dearer.

Belongs here: samples of several lengths, the last day of each landed after the rest, and CPU
seconds of the run over that day, of a full build of the same files, and of a run over next to no
data, which is the start-up that neither of them can do without. Does not belong here: a limit that
fails; machines are noisy, so people read the ratios.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import duckdb
import typer
from rich.console import Console
from rich.table import Table

from tests.conftest import Workspace

AGENTS = 120
TICKETS_A_MONTH = 11_500
# The smallest company that the sample can make: what its run costs is start-up.
SMALLEST = ("--agents", "12", "--months", "2", "--tickets", "500")


@dataclass(frozen=True)
class Cost:
    """CPU seconds of a run: of the part that grows with the data, and of the whole."""

    working: float
    whole: float


def cost_of(workspace: Workspace) -> Cost:
    """CPU seconds of the last run; reading new files, building and making the candidate work."""
    newest = max(
        (workspace.state_root / "work").rglob("*.timings.json"), key=lambda p: p.stat().st_mtime
    )
    steps = {row["step"]: row["cpu_seconds"] for row in json.loads(newest.read_bytes())}
    return Cost(sum(steps.values()) - steps["start"], sum(steps.values()))


def land_last_day_apart(raw_root: Path) -> tuple[Path, str]:
    """Move the rows loaded within the last day out of every file; returns the folder they wait in
    and the instant at which that day begins."""
    waiting = raw_root.with_name("last_day")
    (raw_root / "manifest.jsonl").unlink()
    files = sorted(path for path in raw_root.rglob("*") if path.is_file())
    with duckdb.connect() as connection:
        newest = max(
            found
            for path in files
            if path.suffix == ".parquet"
            for (found,) in connection.execute(
                f"select max(cast(_loaded_at as timestamptz)) from {_rows(path)}"
            ).fetchall()
        )
        begins = f"{newest - timedelta(days=1):%Y-%m-%d %H:%M:%S%z}"
        for path in files:
            _split(connection, path, waiting / path.relative_to(raw_root), begins)
    return waiting, begins


def _rows(path: Path) -> str:
    if path.suffix == ".parquet":
        return f"read_parquet('{path}')"
    return f"read_csv('{path}', all_varchar = true)"


def _split(connection: duckdb.DuckDBPyConnection, path: Path, later: Path, begins: str) -> None:
    is_later = f"coalesce(try_cast(_loaded_at as timestamptz) >= timestamptz '{begins}', false)"
    later_rows = f"from {_rows(path)} where {is_later}"
    if connection.execute(f"select 1 {later_rows} limit 1").fetchone() is None:
        return
    later.parent.mkdir(parents=True, exist_ok=True)
    form = "(format parquet)" if path.suffix == ".parquet" else "(header)"
    connection.execute(f"copy ({later_rows}) to '{later}' {form}")
    kept = path.with_name(f"kept{path.suffix}.building")
    connection.execute(f"copy (from {_rows(path)} where not {is_later}) to '{kept}' {form}")
    kept.replace(path)


def land(waiting: Path, raw_root: Path) -> None:
    """The last day arrives, a file of its own a table."""
    for path in sorted(path for path in waiting.rglob("*") if path.is_file()):
        table = raw_root / path.relative_to(waiting).parent
        path.rename(table / f"{path.stem}_last_day{path.suffix}")


def measure(root: Path, months: int) -> tuple[Cost, Cost]:
    """Costs of one more day and of a full build of the same files, after so many months."""
    workspace = Workspace(root / "raw", root / "state")
    workspace.make_sample(
        "--agents", str(AGENTS), "--months", str(months), "--tickets", str(TICKETS_A_MONTH * months)
    )
    waiting, _ = land_last_day_apart(workspace.raw_root)
    workspace.run()
    land(waiting, workspace.raw_root)
    workspace.run()
    day = cost_of(workspace)
    workspace.run("--full")
    return day, cost_of(workspace)


Months = Annotated[list[int] | None, typer.Argument(help="Lengths of history; 3, 6 and 12.")]


def main(months: Months = None) -> None:
    """Print what one more day costs after so many months of history."""
    table = Table("months", "one more day", "full build", "ratio", "day, whole run")
    with tempfile.TemporaryDirectory() as folder:
        smallest = Workspace(Path(folder) / "smallest" / "raw", Path(folder) / "smallest" / "state")
        smallest.make_sample(*SMALLEST)
        smallest.run()
        smallest.run("--full")
        start_up = cost_of(smallest).working
        for number in months or [3, 6, 12]:
            day, full = measure(Path(folder) / str(number), number)
            table.add_row(
                str(number),
                f"{day.working - start_up:.1f}",
                f"{full.working - start_up:.1f}",
                f"{(day.working - start_up) / (full.working - start_up):.2f}",
                f"{day.whole:.1f}",
            )
    Console().print(
        f"CPU seconds without start-up ({start_up:.1f}, of a run over next to no data)", table
    )


if __name__ == "__main__":
    typer.run(main)
