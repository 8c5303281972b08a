"""The command line `cx`: thin words around the jobs of Dagster and the releases on disk.

Belongs here: arguments, exit codes, and what is said when something goes wrong.
Does not belong here: the work (orchestration/defs, orchestration/lib) and its looks (console.py).
Heavy modules are imported inside the commands, so that `cx --help` answers at once.
"""

from __future__ import annotations

import errno
import functools
import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from dagster import DagsterInstance, JobDefinition
    from rich.console import Console

    from orchestration.lib.errors import CxError
    from orchestration.lib.settings import Settings

JOB = "daily_refresh"
CLI_TAG = "cx/started_by"
KEPT_LOGS = 20

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
    """The CxError behind an exception: its own, that of one of its causes, or a Fault in plain
    words.
    """
    from orchestration.lib.errors import CxError, Fault

    for cause in _chain(error):
        if isinstance(cause, CxError):
            return cause
        if isinstance(cause, OSError) and cause.errno == errno.ENOSPC:
            return Fault("no space left on the disk of CX_STATE_ROOT: free some and run again")
        if isinstance(cause, KeyboardInterrupt):
            return Fault("stopped; the published release is as it was, run again to go on")
    words = " ".join(str(error).split())[:300]
    hint = "" if _debug else " (`cx --debug ...` shows where)"
    return Fault(f"{type(error).__name__}: {words or 'no reason given'}{hint}")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


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
    _refuse_empty_raw_root(settings)
    with run_lock(settings):
        _run_job(settings, None if bound is None else bound.isoformat(), full)


@app.command()
@explains_errors
def status(
    timings: Annotated[bool, typer.Option(help="Show what each step of the run cost.")] = False,
) -> None:
    """What is published now, what came of the last gate, and whether a run is at work."""
    from orchestration import console as shown
    from orchestration.lib import lock, releases, steps
    from orchestration.lib.settings import load_settings

    settings = load_settings()
    console = shown.make_console()
    current = releases.current_release(settings)
    if current is None:
        console.print("Nothing is published yet: run `cx run`")
    else:
        manifest = releases.read_manifest(current.folder)
        shown.show_release(console, current, manifest)
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
    from orchestration.lib.settings import load_settings

    console = shown.make_console()
    kept = releases.list_releases(load_settings())
    if not kept:
        console.print("Nothing is published yet: run `cx run`")
        return
    shown.show_releases(console, kept)


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


def _run_job(settings: Settings, as_of: str | None, full: bool) -> None:
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
                job, instance = _load_job(settings)
            with instance:
                succeeded, words = _execute(job, instance, as_of, full)
        finally:
            progress.stop()
            for end in stop:
                end()
    if not succeeded:
        raise failures[0] if failures else _unexplained(words, log)
    _tell_outcome(settings, make_console(), has_published="publish" in finished)


def _load_job(settings: Settings) -> tuple[JobDefinition, DagsterInstance]:
    from orchestration.lib.dagster_home import prepare_dagster_home

    home = prepare_dagster_home(settings)
    from dagster import DagsterInstance

    from orchestration.definitions import defs

    instance = DagsterInstance.from_config(str(home))
    _end_dead_runs(instance)
    return defs().resolve_job_def(JOB), instance


def _execute(
    job: JobDefinition, instance: DagsterInstance, as_of: str | None, full: bool
) -> tuple[bool, str]:
    from orchestration.defs.jobs import run_config

    result = job.execute_in_process(
        run_config=run_config(as_of, full),
        instance=instance,
        raise_on_error=False,
        tags={CLI_TAG: "cx run"},
    )
    failed = [event for event in result.all_events if event.is_failure]
    return result.success, failed[0].message if failed and failed[0].message else ""


def _end_dead_runs(instance: DagsterInstance) -> None:
    """Mark runs of earlier `cx run` that died: we hold the lock, so none of them can be alive."""
    from dagster import DagsterRunStatus, RunsFilter

    unfinished = RunsFilter(
        statuses=[DagsterRunStatus.STARTED, DagsterRunStatus.STARTING], tags={CLI_TAG: "cx run"}
    )
    for dead in instance.get_runs(filters=unfinished):
        instance.report_run_failed(dead, "the process of this run ended without a word")


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
    release, current = kept[wanted], releases.current_release(settings)
    if not has_published:
        console.print(
            f"\nNothing new: release {wanted} of these inputs is published already; "
            "nothing was published",
            soft_wrap=True,
        )
    else:
        show_summary(console, release)
    if current is not None and not release.is_current:
        console.print(f"Current stays {current.release_id}, which knows more", soft_wrap=True)


def _fresh_log(settings: Settings) -> Path:
    folder = settings.work_root / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.glob("run-*.log"))[: -KEPT_LOGS + 1]:
        old.unlink()
    return folder / f"run-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}.log"


if __name__ == "__main__":
    main()
