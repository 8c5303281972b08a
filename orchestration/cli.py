"""The command line `cx`: thin words around the jobs of Dagster and the releases on disk.

Belongs here: arguments, exit codes, and what is said when something goes wrong.
Does not belong here: the work (orchestration/defs, orchestration/lib) and its looks (console.py).
Heavy modules are imported inside the commands, so that `cx --help` answers at once.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

if TYPE_CHECKING:
    from dagster import DagsterInstance, JobDefinition
    from rich.console import Console

    from orchestration.lib.errors import CxError
    from orchestration.lib.settings import Settings

JOB = "daily_refresh"

app = typer.Typer(
    name="cx",
    help="Customer-service performance: from raw tickets to published agent scorecards.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_debug = False


@app.callback()
def options(
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,
) -> None:
    """Options of every command."""
    global _debug
    _debug = debug


def explains_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Turn what a command raises into one clear line on stderr and its exit code."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except (typer.Exit, typer.Abort):
            raise
        except (Exception, KeyboardInterrupt) as error:
            explained = explain(error)
            if _debug:
                traceback.print_exception(error)
            typer.echo(f"error: {explained.message}", err=True)
            raise typer.Exit(explained.exit_code) from None

    return wrapped


def explain(error: BaseException) -> CxError:
    """The CxError behind an exception, with the way to more where it is not one of ours."""
    from orchestration.lib import failures

    return failures.explain(error, "" if _debug else " (`cx --debug ...` shows where)")


# --- commands ---------------------------------------------------------------------------------


@app.command()
@explains_errors
def sample(
    out: Annotated[Path, typer.Option(help="Folder to write the raw files to.")],
    agents: Annotated[int, typer.Option(min=12, help="Number of agents.")] = 120,
    months: Annotated[int, typer.Option(min=2, help="Number of full months.")] = 13,
    tickets: Annotated[int, typer.Option(min=500, help="Number of tickets.")] = 150_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 7,
    if_empty: Annotated[
        bool, typer.Option("--if-empty", help="Do nothing where there are files already.")
    ] = False,
) -> None:
    """Make the raw files of an invented company, and beside them the hidden truth about it."""
    from orchestration.lib.settings import PROJECT_ROOT

    # Like CX_RAW_ROOT, a relative path means the project, wherever the command is called from.
    target = (PROJECT_ROOT / out.expanduser()).resolve()
    if if_empty and (target.is_file() or (target.is_dir() and any(target.iterdir()))):
        return
    _make_sample(target, agents, months, tickets, seed)


@app.command()
@explains_errors
def run(
    as_of: Annotated[
        str | None,
        typer.Option(
            help="Do not look beyond this instant (ISO 8601 with an offset).", metavar="ISO"
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option(help="Rebuild everything from the raw files, even what is known.")
    ] = False,
) -> None:
    """Take in what landed, rebuild, judge and publish; does nothing when nothing is new."""
    from orchestration.lib.instants import parse_bound
    from orchestration.lib.lock import run_lock
    from orchestration.lib.settings import load_settings

    bound = parse_bound(as_of)
    settings = load_settings()
    with _failures_told(settings, JOB) as run_id:
        _refuse_empty_raw_root(settings)
        with run_lock(settings, run_id):
            told = {"as_of": None if bound is None else bound.isoformat(), "full": full}
            _run_job(settings, JOB, run_id, told)


@app.command()
@explains_errors
def quarantine(
    table: Annotated[
        str | None, typer.Argument(help="One raw table; all when left out.", show_default=False)
    ] = None,
) -> None:
    """Rows the last build set aside: file, row, key, reason and column, and no other cell."""
    from orchestration.lib.quarantine import quarantined_rows
    from orchestration.lib.settings import load_settings

    for row in quarantined_rows(load_settings(), table):
        column = f", column {row.column}" if row.column else ""
        typer.echo(f"{row.place}  {row.key}  {row.reason}{column}")


@app.command()
@explains_errors
def restate(
    month: Annotated[str, typer.Argument(help="The closed month, YYYY-MM.", show_default=False)],
    reason: Annotated[
        str, typer.Option(help="Why; it is published with the new figures.", show_default=False)
    ],
) -> None:
    """Publish a closed month anew with what is known now; its earlier figures stay on record."""
    from orchestration.lib.lock import run_lock
    from orchestration.lib.settings import load_settings
    from orchestration.lib.vintages import parse_month

    parse_month(month)
    settings = load_settings()
    with _failures_told(settings, "restate_month") as run_id:
        _refuse_empty_raw_root(settings)
        with run_lock(settings, run_id):
            _run_job(settings, "restate_month", run_id, {"restate": month, "reason": reason})


@app.command()
@explains_errors
def backfill(
    last: Annotated[str, typer.Option("--to", help="Last month to close, YYYY-MM.")],
    first: Annotated[
        str | None,
        typer.Option("--from", help="First month, YYYY-MM; the first of all if left out."),
    ] = None,
) -> None:
    """Close months of the past, each as it was known on its day; what is closed already stays.

    Months close in order: open ones before the first are closed as well.
    """
    from orchestration.lib.errors import BadInput
    from orchestration.lib.lock import run_lock
    from orchestration.lib.settings import load_settings
    from orchestration.lib.vintages import parse_month

    through = parse_month(last)
    if first is not None and parse_month(first) > through:
        raise BadInput(f"cx backfill: --from {first} is after --to {last}")
    settings = load_settings()
    with _failures_told(settings, "backfill") as run_id:
        _refuse_empty_raw_root(settings)
        with run_lock(settings, run_id):
            _close_months(settings, through)


@app.command()
@explains_errors
def status(
    timings: Annotated[bool, typer.Option(help="Show what each step of the run cost.")] = False,
) -> None:
    """What is published now, what came of the last gate, and whether a run is at work."""
    from orchestration import console as shown
    from orchestration.lib import lock, releases, steps
    from orchestration.lib.current import read_pin
    from orchestration.lib.settings import load_settings

    settings = load_settings()
    console = shown.make_console()
    current = releases.current_release(settings)
    if current is None:
        console.print("Nothing is published yet: run `cx run`")
    else:
        manifest = releases.read_manifest(current.folder)
        shown.show_release(console, current, manifest)
        shown.show_pin(console, read_pin(settings))
        shown.show_dispositions(console, manifest["rows_by_disposition"])
        shown.show_gate(console, manifest["gate"])
        shown.show_remarks(console, manifest)
        if timings:
            costs = steps.read_timings(settings.work_root / "logs", current.release_id)
            console.print("\nCost of the run" if costs else "\nThe cost of the run was not kept")
            if costs:
                shown.show_timings(console, costs)
    for candidate, receipt in releases.refused_candidates(settings):
        console.print(
            f"\nNot published: {candidate.release_id}: {releases.describe_failures(receipt)}"
        )
    at_work = lock.running(settings)
    console.print(f"\nA run is at work: {at_work}" if at_work else "\nNo run is at work")


@app.command("releases")
@explains_errors
def list_releases() -> None:
    """Every release kept, the newest first."""
    from orchestration import console as shown
    from orchestration.lib import releases
    from orchestration.lib.current import read_pin
    from orchestration.lib.settings import load_settings

    console = shown.make_console()
    settings = load_settings()
    kept = releases.list_releases(settings)
    if not kept:
        console.print("Nothing is published yet: run `cx run`")
        return
    shown.show_releases(console, kept, read_pin(settings))


@app.command()
@explains_errors
def rollback(
    release: Annotated[
        str | None, typer.Argument(help="Id of a kept release (`cx releases`).", show_default=False)
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="End a rollback: readers see the newest release again.")
    ] = False,
) -> None:
    """Have readers see a kept release, whatever later runs publish, until `--undo`."""
    from orchestration import console as shown
    from orchestration.lib import rollback as rollbacks
    from orchestration.lib.errors import BadInput
    from orchestration.lib.lock import run_lock
    from orchestration.lib.settings import load_settings

    if undo == (release is not None):
        raise BadInput("cx rollback: give the id of a release, or --undo")
    settings = load_settings()
    with run_lock(settings):
        if release is None:
            newest = rollbacks.undo(settings)
            said = f"Current is {newest.release_id}, the newest; later runs move it on"
        else:
            pin = rollbacks.roll_back(settings, release, by=_user())
            said = (
                f"Current is {pin.release_id} and stays: later runs publish without moving it, "
                "until `cx rollback --undo`"
            )
    shown.make_console().print(said, soft_wrap=True)


@app.command()
@explains_errors
def verify(
    every: Annotated[
        bool, typer.Option("--all", help="Every release kept, not the current one only.")
    ] = False,
) -> None:
    """Hash what readers see and follow the audit log; ends with 1 where anything was changed."""
    from orchestration import console as shown
    from orchestration.lib.settings import load_settings
    from orchestration.lib.verification import verify as look

    found = look(load_settings(), every)
    shown.show_findings(shown.make_console(), found)
    if found.faults:
        raise typer.Exit(1)


@app.command()
@explains_errors
def dagster(
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 3000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Open Dagster's user interface with the schedules and the sensor (stop it with Ctrl-C)."""
    from orchestration.lib.dagster_home import prepare_dagster_home
    from orchestration.lib.settings import load_settings

    settings = load_settings()
    prepare_dagster_home(settings)
    os.chdir(settings.project_root)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
    # What to load stands in pyproject.toml, [tool.dagster].
    no_advice = "ignore:Function `dev_command` is superseded"
    command = [sys.executable, "-W", no_advice, "-m", "dagster", "dev"]
    os.execv(sys.executable, [*command, "--host", host, "--port", str(port)])


def main() -> None:
    """Entry point of the console script."""
    app()


# --- cx sample --------------------------------------------------------------------------------


def _make_sample(target: Path, agents: int, months: int, tickets: int, seed: int) -> None:
    """Write the sample under a hidden name and rename it, so that half a sample is never read."""
    from orchestration.console import make_console
    from orchestration.lib.errors import BadInput

    truth = target.with_name(f"{target.name}_truth")
    for folder in (target, truth):
        if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
            raise BadInput(f"{folder}: not empty; remove it or choose another folder with --out")
    console = make_console()
    began = time.monotonic()
    console.print(f"Making sample data: {agents} agents, {months} months, {tickets:,} tickets ...")
    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob(f".{target.name}.sample-*"):
        shutil.rmtree(leftover)
    making = target.with_name(f".{target.name}.sample-{os.getpid()}")
    try:
        from orchestration.sample import generate_sample

        made = generate_sample(making / target.name, agents, months, tickets, seed)
        os.replace(making / truth.name, truth)
        os.replace(making / target.name, target)
    except ValueError as error:
        raise BadInput(f"cx sample: {error}") from error
    finally:
        shutil.rmtree(making, ignore_errors=True)
    rows = sum(made.rows.values())
    console.print(
        f"  {rows:,} rows of {len(made.rows)} tables in {made.files} files, loaded until "
        f"{made.last_loaded_at:%Y-%m-%d %H:%M} UTC, in {time.monotonic() - began:.1f} s",
        soft_wrap=True,
    )
    console.print(f"  raw files  {target}", soft_wrap=True, markup=False)
    console.print(
        f"  truth      {truth} (for tests; no run reads it)", soft_wrap=True, markup=False
    )


# --- cx run -----------------------------------------------------------------------------------


def _refuse_empty_raw_root(settings: Settings) -> None:
    from orchestration.lib.errors import BadInput
    from orchestration.lib.settings import Settings as Defaults

    root = settings.raw_root
    if root.is_file() or (root.is_dir() and any(root.iterdir())):
        return
    if root == (settings.project_root / Defaults.model_fields["raw_root"].default).resolve():
        raise BadInput(
            "data/raw: there are no raw files; make sample data with `cx sample --out data/raw` "
            "(`make run` does both), or set CX_RAW_ROOT to yours"
        )
    raise BadInput(f"CX_RAW_ROOT: {root.name}/ holds no raw files; land them there or change it")


@contextmanager
def _failures_told(settings: Settings, job: str) -> Iterator[str]:
    """Give the body the id of its run, and tell the webhook what it dies of."""
    run_id = str(uuid4())
    try:
        yield run_id
    except Exception as error:
        # Not for Ctrl-C: somebody is there.
        from orchestration.lib.failures import Failure, reason_of, tell

        fault = tell(settings, Failure(job, run_id, None, reason_of(error)))
        if fault:
            typer.echo(f"warning: {fault}", err=True)
        raise


def _run_job(settings: Settings, name: str, run_id: str, told: dict[str, Any]) -> None:
    """Run a job in this process; `told` are the arguments of its run config."""
    from orchestration.console import Progress, chatter_to, make_console
    from orchestration.lib import steps

    log = _fresh_log(settings)
    failures: list[BaseException] = []
    finished: set[str] = set()

    def remember(event: steps.StepEvent) -> None:
        if event.error is not None:
            failures.append(event.error)
        if event.state == "finished":
            finished.add(event.step)

    with chatter_to(log) as console:
        progress = Progress(console)
        stop = [steps.listen(progress), steps.listen(remember)]
        try:
            with steps.step("start"):
                job, instance = _load_job(settings, name)
            with instance:
                succeeded, words = _execute(job, instance, run_id, told)
        finally:
            progress.stop()
            for end in stop:
                end()
    if not succeeded:
        error = failures[0] if failures else _unexplained(words, log)
        with log.open("a", encoding="utf-8") as file:
            file.write(f"failed: {explain(error).message}\n")
        raise error
    _tell_outcome(settings, make_console(), has_published="publish" in finished)


def _close_months(settings: Settings, through: date) -> None:
    from orchestration.console import Progress, chatter_to, make_console
    from orchestration.lib import steps

    closed = []
    with chatter_to(_fresh_log(settings)) as console:
        progress = Progress(console)
        stop = steps.listen(progress)
        try:
            with steps.step("start"):
                _, instance = _load_job(settings, JOB)
            from orchestration.defs.closing import close_months

            with instance:
                for month in close_months(settings, instance, through):
                    closed.append(month)
                    console.print(f"  {month} is closed")
        finally:
            progress.stop()
            stop()
    words = f"Closed {len(closed)} months" if closed else "Nothing to do: these months are closed"
    make_console().print(f"\n{words}")


def _load_job(settings: Settings, name: str) -> tuple[JobDefinition, DagsterInstance]:
    from orchestration.lib.dagster_home import prepare_dagster_home

    home = prepare_dagster_home(settings)
    from dagster import DagsterInstance

    from orchestration.definitions import defs
    from orchestration.lib import dead_runs

    instance = DagsterInstance.from_config(str(home))
    dead_runs.end(instance, dead_runs.of_command_line(instance))
    return defs().resolve_job_def(name), instance


def _execute(
    job: JobDefinition, instance: DagsterInstance, run_id: str, told: dict[str, Any]
) -> tuple[bool, str]:
    from orchestration.defs.jobs import run_config
    from orchestration.lib.dead_runs import CLI_TAG

    result = job.execute_in_process(
        run_config=run_config(**told),
        instance=instance,
        raise_on_error=False,
        run_id=run_id,
        tags={CLI_TAG: "cx run"},
    )
    failed = [event for event in result.all_events if event.is_failure]
    return result.success, failed[0].message if failed and failed[0].message else ""


def _unexplained(words: str, log: Path) -> CxError:
    from orchestration.lib.errors import Fault

    return Fault(f"the run failed: {' '.join(words.split())[:300]}; details in {log}")


def _tell_outcome(settings: Settings, console: Console, has_published: bool) -> None:
    from orchestration.console import show_summary
    from orchestration.lib import releases
    from orchestration.lib.errors import Fault

    wanted = releases.read_run(settings).release_id
    kept = {release.release_id: release for release in releases.list_releases(settings)}
    if wanted not in kept:
        raise Fault("the run ended without a release: see it in `cx dagster`, and run again")
    release = kept[wanted]
    if not has_published:
        console.print(
            f"\nNothing new: release {wanted} of these inputs is published already; "
            "nothing was published",
            soft_wrap=True,
        )
    else:
        show_summary(console, release)
    if not release.is_current:
        told = releases.why_not_current(settings)
        console.print(f"{told[0].upper()}{told[1:]}", soft_wrap=True)


def _user() -> str:
    """Name of the account, for the note that a rollback leaves."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"user {os.getuid()}"


def _fresh_log(settings: Settings) -> Path:
    from orchestration.lib.retention import prune_logs

    folder = settings.work_root / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    prune_logs(settings)
    return folder / f"run-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}.log"


if __name__ == "__main__":
    main()
