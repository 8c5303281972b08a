"""What the command line shows: progress while a run works, and what came of it.

Belongs here: words, tables and bars. Does not belong here: running anything and deciding anything.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.lib.errors import Fault
from orchestration.lib.releases import Check, Release, read_manifest
from orchestration.lib.steps import StepCost, StepEvent

if TYPE_CHECKING:
    from rich.status import Status

    from orchestration.lib.current import Pin
    from orchestration.lib.verification import Findings

PLAIN_WIDTH = 110
# Without a terminal a line every so often says that a long step is alive.
PLAIN_LINE_SECONDS = 15.0
DISPOSITIONS = ("used", "duplicate", "superseded", "deleted")
GROUPS = ("out_of_scope", "quarantined")
BINS = 10
BAR_WIDTH = 40


def make_console(stream: TextIO | None = None) -> Console:
    """A console on `stream` (default: standard output), wide enough where there is no terminal."""
    stream = stream or sys.stdout
    if isinstance(stream, TextIOWrapper):
        # A bar that a terminal has no sign for must not fail a run that was published.
        stream.reconfigure(errors="replace")
    width = None if stream.isatty() else PLAIN_WIDTH
    return Console(file=stream, width=width, highlight=False)


@contextmanager
def chatter_to(log: Path) -> Iterator[Console]:
    """Send all that Dagster and dbt print to `log`, and give a console on the real output.

    Works on the file descriptors, as dbt is a process of its own.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    shown, real = _copy_of_stdout()
    saved = [os.dup(1), os.dup(2)]
    before = (sys.stdout, sys.stderr)
    with log.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    quiet = [os.fdopen(fd, "w", buffering=1, encoding="utf-8", closefd=False) for fd in (1, 2)]
    sys.stdout, sys.stderr = quiet
    try:
        yield make_console(shown)
    finally:
        for stream in quiet:
            _finish(stream)
        sys.stdout, sys.stderr = before
        for fd, copy in zip((1, 2), saved, strict=True):
            os.dup2(copy, fd)
            os.close(copy)
        if real:
            shown.close()


def _finish(stream: TextIO) -> None:
    """Flush a stream to the log. Where its disk is full, forget the rest: it must neither hide the
    error that is to be shown, nor come up on the terminal later."""
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()


def _copy_of_stdout() -> tuple[TextIO, bool]:
    try:
        fd = os.dup(sys.stdout.fileno())
    except OSError:
        # A stream without a descriptor (a test's buffer) is left as it is.
        return sys.stdout, False
    return os.fdopen(fd, "w", buffering=1, encoding="utf-8", errors="replace"), True


class Progress:
    """Shows the steps of a run: a spinner on a terminal, plain lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._last_line = 0.0

    def __call__(self, event: StepEvent) -> None:
        """Show one event; given to `steps.listen`."""
        if event.state == "started":
            self._start(event.step)
        elif event.state == "progressed":
            self._progress(event)
        else:
            self.stop()
            word = "done" if event.state == "finished" else "failed"
            self._console.print(f"  {event.step:<12} {word:<7}{event.seconds:7.1f} s")

    def stop(self) -> None:
        """Take the spinner away."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _start(self, step: str) -> None:
        self._last_line = time.monotonic()
        if self._console.is_terminal:
            self._status = self._console.status(f"{step} ...")
            self._status.start()

    def _progress(self, event: StepEvent) -> None:
        told = f"{event.step:<12} {event.done} of {event.total}" if event.total else event.step
        if self._status is not None:
            self._status.update(f"{told}  {escape(event.detail)}")
        elif time.monotonic() - self._last_line >= PLAIN_LINE_SECONDS:
            self._last_line = time.monotonic()
            self._console.print(f"  {told}  {event.seconds:.0f} s")


def show_summary(console: Console, release: Release) -> None:
    """Everything a person wants to know of a release that was just published."""
    manifest = read_manifest(release.folder)
    show_release(console, release, manifest)
    show_dispositions(console, manifest["rows_by_disposition"])
    show_gate(console, manifest["gate"])
    show_scores(console, release)
    show_remarks(console, manifest)
    folder = _relative(release.folder.parent / "current" / "managers")
    query = f"import duckdb; print(duckdb.read_parquet('{folder}/agent_scorecard.parquet'))"
    called = Path(sys.argv[0])
    cx = _relative(called) if called.name == "cx" else "cx"
    for line in (
        "",
        "Next",
        f'  {_relative(Path(sys.executable))} -c "{query}"',
        f"  {cx} status    what is published; with --timings what it cost",
        f"  {cx} releases  every release kept",
        f"  {cx} dagster   the same run with its assets and checks in the browser",
    ):
        console.print(line, soft_wrap=True, markup=False)


def show_release(console: Console, release: Release, manifest: Mapping[str, Any]) -> None:
    """Id, as_of, months, configuration and place of a release."""
    months = manifest["months"]
    span = "none"
    if months["count"]:
        span = f"{months['first'][:7]} to {months['last'][:7]} ({months['count']})"
    versions = ", ".join(manifest["configuration"]["scorecard_versions"]) or "none"
    rows = sum(mart["rows"] for mart in manifest["marts"].values())
    lines = {
        "release": f"{release.release_id}{' (current)' if release.is_current else ''}",
        "as_of": manifest["as_of"].replace("T", " ").replace("Z", " UTC"),
        "months": span,
        "source": manifest["ticketing_source"],
        "scorecard": f"version {versions}",
        "marts": f"{len(manifest['marts'])} with {rows:,} rows",
        "lies in": _relative(release.folder),
    }
    console.print()
    for name, value in lines.items():
        console.print(f"  {name:<10} {escape(value)}", soft_wrap=True)


def show_pin(console: Console, pin: Pin | None) -> None:
    """That readers were moved back by hand, where they were."""
    if pin is not None:
        console.print(f"  {'pinned':<10} {escape(pin.told)}", soft_wrap=True)
        console.print("             later runs do not move it, until `cx rollback --undo`")


def show_findings(console: Console, found: Findings) -> None:
    """What `cx verify` looked at, each wrong file in a line of its own, and the verdict."""
    console.print(
        f"Looked at {found.releases} release{_s(found.releases)} with {found.files:,} files "
        f"({found.bytes / 1e6:,.1f} MB), the pointer, {found.vintage_files:,} files of closed "
        f"months, and the {found.entries:,} entries of the audit log",
        soft_wrap=True,
    )
    for note in found.notes:
        console.print(f"  note: {note}", soft_wrap=True, markup=False)
    for fault in found.faults:
        console.print(f"  wrong: {fault}", soft_wrap=True, markup=False)
    wrong = len(found.faults)
    console.print(f"{wrong} fault{_s(wrong)} found" if wrong else "All is as it was published")


def _s(number: int) -> str:
    return "" if number == 1 else "s"


def show_dispositions(console: Console, by_table: Mapping[str, Mapping[str, int]]) -> None:
    """Rows of every raw table by what became of them, then the reasons in full."""
    if not by_table:
        return
    table = _table("raw table", *DISPOSITIONS, *(group.replace("_", " ") for group in GROUPS))
    reasons: dict[str, int] = {}
    total = [0] * (len(DISPOSITIONS) + len(GROUPS))
    for name, rows in sorted(by_table.items()):
        counts = [rows.get(disposition, 0) for disposition in DISPOSITIONS]
        for group in GROUPS:
            of_group = {key: n for key, n in rows.items() if key.split(":")[0] == group}
            counts.append(sum(of_group.values()))
            for key, number in of_group.items():
                reasons[key] = reasons.get(key, 0) + number
        total = [a + b for a, b in zip(total, counts, strict=True)]
        table.add_row(name, *(_number(count) for count in counts))
    table.add_section()
    table.add_row("all", *(_number(count) for count in total))
    console.print("\nRows by disposition")
    console.print(table)
    for group in GROUPS:
        told = ", ".join(
            f"{key.split(':', 1)[-1]} {number:,}"
            for key, number in sorted(reasons.items(), key=lambda item: -item[1])
            if key.split(":")[0] == group
        )
        if told:
            console.print(f"  {group.replace('_', ' ')}: {told}")


def show_gate(console: Console, gate: Mapping[str, Any]) -> None:
    """The gate's verdict in a line, and each check that did not pass."""
    checks = [Check(**check) for check in gate["checks"]]
    tests = gate["dbt_tests"]
    failed = [check for check in checks if not check.passed]
    marts = len({check.mart for check in checks})
    verdict = "passed" if gate["passed"] else "failed"
    console.print(
        f"\nGate {verdict}: {len(checks)} checks on {marts} subjects, {len(failed)} not met; "
        f"dbt tests: {tests.get('passed', 0)} passed, {tests.get('warned', 0)} warned, "
        f"{tests.get('failed', 0)} failed"
    )
    for check in failed:
        told = f"saw {check.observed}, wants {check.required}"
        line = f"  {check.severity} {check.mart}.{check.name}: {told}"
        console.print(escape(shorten(line)), soft_wrap=True)


def shorten(line: str, length: int = 240) -> str:
    """The line as it is, or its start where it is too long to read; manifest.json has it whole."""
    return line if len(line) <= length else f"{line[: length - 4]} ..."


def show_scores(console: Console, release: Release) -> None:
    """Distribution of the overall scores in the last closed month, or the last that has any."""
    scores = overall_scores(release)
    if scores is None:
        return
    month, values, agents = scores
    if month is None:
        console.print("\nOverall scores: no agent has enough evidence for one in any month")
        return
    console.print(f"\nOverall scores of {month:%Y-%m}: {len(values)} of {agents} agents have one")
    counts = histogram(values)
    most = max(counts)
    for bin_number, count in enumerate(counts):
        low = bin_number * 100 // BINS
        bar = "█" * round(BAR_WIDTH * count / most) or ("▏" if count else "")
        console.print(f"  {low:>3} to {low + 100 // BINS:>3}  {count:>5}  {bar}")
    ordered = sorted(values)
    quantiles = [ordered[round((len(ordered) - 1) * share)] for share in (0.1, 0.5, 0.9)]
    console.print("  p10 {:.1f}   median {:.1f}   p90 {:.1f}".format(*quantiles))


def overall_scores(release: Release) -> tuple[date | None, list[float], int] | None:
    """Last closed month with a score (else the last with one), its scores, its number of agents.

    The month is None where nobody has a score; None where the release has no scorecard. Closed
    months come first, as few have enough evidence yet in one that runs.
    """
    import duckdb

    path = release.managers / "agent_scorecard.parquet"
    if not path.exists():
        return None
    with duckdb.connect() as connection:
        rows = connection.execute(
            """
            with scores as (
                select period_month, overall_score, vintage = 'provisional' as is_open
                from read_parquet($path)
                where "window" = 'month'
            )
            select period_month, overall_score from scores
            where period_month = (
                select period_month from scores where overall_score is not null
                order by is_open, period_month desc limit 1
            )
            """,
            {"path": str(path)},
        ).fetchall()
    values = [score for _, score in rows if score is not None]
    return (rows[0][0] if rows else None), values, len(rows)


def histogram(values: Sequence[float]) -> list[int]:
    """Number of scores (0 to 100) in each tenth; 100 counts in the last."""
    counts = [0] * BINS
    for value in values:
        counts[min(int(value * BINS / 100), BINS - 1)] += 1
    return counts


def show_remarks(console: Console, manifest: Mapping[str, Any]) -> None:
    """Inputs that were absent, and warnings of ingest and configuration."""
    absent = manifest["absent_inputs"]
    if absent:
        console.print(f"\nAbsent inputs: {', '.join(absent)}", soft_wrap=True)
        console.print("  the metrics that need them are null")
    warnings = manifest["warnings"]
    if warnings:
        console.print(f"\nWarnings ({len(warnings)})")
        for warning in warnings:
            console.print(f"  {escape(warning)}", soft_wrap=True)


def show_releases(console: Console, releases: Sequence[Release], pin: Pin | None) -> None:
    """One line per release, the newest first."""
    table = _table("release", "as_of", "months", "marts", "rows", "gate warnings", "current")
    for release in reversed(releases):
        try:
            manifest = read_manifest(release.folder)
        except Fault:
            table.add_row(release.release_id, "damaged", *[""] * 4, _place(release, pin))
            continue
        warned = [check for check in manifest["gate"]["checks"] if not check["passed"]]
        table.add_row(
            release.release_id,
            manifest["as_of"].replace("T", " ").removesuffix("Z"),
            str(manifest["months"]["count"]),
            str(len(manifest["marts"])),
            _number(sum(mart["rows"] for mart in manifest["marts"].values())),
            _number(len(warned)),
            _place(release, pin),
        )
    console.print(table)


def _place(release: Release, pin: Pin | None) -> str:
    if not release.is_current:
        return ""
    return "pinned" if pin is not None and pin.release_id == release.release_id else "yes"


def show_timings(console: Console, costs: Sequence[StepCost]) -> None:
    """Wall seconds, CPU seconds and peak memory of each step."""
    table = _table("step", "wall s", "CPU s", "peak MB")
    for cost in costs:
        table.add_row(
            cost.step,
            f"{cost.wall_seconds:.1f}",
            f"{cost.cpu_seconds:.1f}",
            f"{cost.peak_memory_bytes / 1e6:,.0f}",
        )
    table.add_section()
    table.add_row(
        "all",
        f"{sum(cost.wall_seconds for cost in costs):.1f}",
        f"{sum(cost.cpu_seconds for cost in costs):.1f}",
        f"{max((cost.peak_memory_bytes for cost in costs), default=0) / 1e6:,.0f}",
    )
    console.print(table)


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="bold")
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _number(value: int) -> str:
    return f"{value:,}" if value else "-"


def _relative(path: Path) -> str:
    """The path as seen from here where that is shorter and stays below."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
