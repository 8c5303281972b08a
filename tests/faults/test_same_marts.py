"""What must make no difference: order, files, threads, clock, timezone, language, and lateness.

Belongs here: runs over the same raw rows under other circumstances, whose marts have to be the
same. Does not belong here: random batches (test_incremental_rows.py), months that are restated
(test_closing.py).
"""

from __future__ import annotations

import csv
import io
import os
import random
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from orchestration.console import make_console
from tests.conftest import FIRST_BOUND, PROJECT_ROOT, SECOND_BOUND, Workspace
from tests.faults.counted import count
from tests.faults.states import SEED, after_first_run, assert_same_marts, copy_of
from tests.published import MARTS

AUGUST = "2026-08-01"
# What the clock of the machine says, as every program of a process sees it.
CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long off(void) { char *s = getenv("CLOCK_OFF"); return s ? atol(s) : 0; }
int clock_gettime(clockid_t id, struct timespec *t) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(id, t);
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) t->tv_sec += off();
    return done;
}
int gettimeofday(struct timeval *t, void *zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    t->tv_sec = now.tv_sec;
    t->tv_usec = now.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *t) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (t) *t = now.tv_sec;
    return now.tv_sec;
}
"""
LEAP_NIGHT = "2028-02-29T23:59:00+00:00"
AUTUMN_NIGHT = "2026-10-25T00:59:00+00:00"
# Runs the job `backfill` of Dagster for a month, as a partition of it.
BACKFILL_JOB = """
import sys
from dagster import DagsterInstance
from orchestration.lib.dagster_home import prepare_dagster_home
from orchestration.lib.dbt_runs import prepare_manifest
from orchestration.lib.settings import load_settings
settings = load_settings()
home = prepare_dagster_home(settings)
from orchestration.definitions import defs
job = defs().resolve_job_def("backfill")
with DagsterInstance.from_config(str(home)) as instance:
    assert job.execute_in_process(partition_key=sys.argv[1], instance=instance).success
"""


# --- clock, timezone, language ------------------------------------------------------------------


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that moves the clock of a process by CLOCK_OFF seconds, DuckDB's own included."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler here, so the clock of DuckDB cannot be moved")
    folder = tmp_path_factory.mktemp("clock")
    (folder / "clock.c").write_text(CLOCK, "utf-8")
    library = folder / "clock.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(folder / "clock.c"), "-ldl"],
        check=True,
    )
    return library


def clock_at(library: Path, instant: str) -> dict[str, str]:
    """Environment of a process to which it is that instant now."""
    off = datetime.fromisoformat(instant) - datetime.now(UTC)
    return {"LD_PRELOAD": str(library), "CLOCK_OFF": str(int(off.total_seconds()))}


@pytest.fixture(scope="module")
def turkish(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment of a process that works in Turkish, whose small I has a letter of its own."""
    folder = tmp_path_factory.mktemp("locales")
    definer = shutil.which("localedef")
    name = "tr_TR.UTF-8"
    if definer is not None:
        made = folder / name
        subprocess.run([definer, "-i", "tr_TR", "-f", "UTF-8", str(made)], check=False)
    if not (folder / name).is_dir():
        pytest.skip("this machine cannot make the locale tr_TR.UTF-8")
    return {"LOCPATH": str(folder), "LANG": name, "LC_ALL": name}


# Python then takes text for ASCII where nobody names an encoding.
PLAIN_C = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_the_clock_and_the_language_of_a_process_are_really_moved(
    clock: Path, turkish: dict[str, str]
) -> None:
    """Else the runs below would show nothing."""
    asked = (
        "import datetime, duckdb, locale, time; locale.setlocale(locale.LC_ALL, ''); "
        "print(datetime.datetime.now(datetime.UTC).date(), time.strftime('%A', time.gmtime(0)), "
        'duckdb.sql("select now()::timestamp::date").fetchall()[0][0])'
    )
    said = subprocess.run(
        [sys.executable, "-c", asked],
        env=os.environ | clock_at(clock, LEAP_NIGHT) | turkish | {"TZ": "UTC"},
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert said == ["2028-02-29", "Perşembe", "2028-02-29"]


def test_no_model_asks_for_the_time() -> None:
    """as_of is the only now there is."""
    asks = re.compile(
        r"\b(current_(date|time|timestamp)|now\s*\(|today\s*\(|get_current_|run_started_at|localtime)"
    )
    files = [
        path
        for folder in ("models", "macros", "tests")
        for path in sorted((PROJECT_ROOT / "dbt_project" / folder).rglob("*.sql"))
    ]
    assert len(files) > 100
    assert not [path.name for path in files if asks.search(path.read_text("utf-8").lower())]


def test_a_terminal_without_the_signs_of_a_picture_shows_the_rest() -> None:
    """Else a run that was published would end as failed."""
    written = io.BytesIO()
    console = make_console(io.TextIOWrapper(written, encoding="ascii"))
    console.print("40 to 50 \u2588\u2588 2 agents")
    console.file.flush()
    assert written.getvalue() == b"40 to 50 ?? 2 agents\n"


# --- order --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def in_order(small_sample: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The small sample with its months closed one after the other, on one thread."""
    made = Workspace(
        small_sample.raw_root, tmp_path_factory.mktemp("in_order") / "state", threads=1
    )
    done = made.cx("backfill", "--to", "2026-09")
    assert done.returncode == 0, done.stdout + done.stderr
    return made


@pytest.mark.slow_fault
@pytest.mark.timeout(3600)
def test_months_backfilled_in_any_order_under_another_clock_are_the_same(
    in_order: Workspace, clock: Path, turkish: dict[str, str], tmp_path: Path
) -> None:
    """By the job of Dagster, in random order, one twice; once more by `cx`; on four threads, in the
    night of a 29 February, at a place where it is the day after, in Turkish; with raw files in
    another order."""
    other = Workspace(tmp_path / "raw", tmp_path / "state", threads=4)
    for path in reversed(sorted(in_order.raw_root.rglob("*"))):
        target = other.raw_root / path.relative_to(in_order.raw_root)
        if path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    elsewhere = {**turkish, "TZ": "Pacific/Kiritimati"}
    months = ["2026-07", "2026-08", "2026-09", "2026-08"]
    random.Random(SEED).shuffle(months)
    assert months != sorted(months)
    for month in months:
        done = subprocess.run(
            [sys.executable, "-c", BACKFILL_JOB, f"{month}-01"],
            cwd=PROJECT_ROOT, env=other.environment | elsewhere | clock_at(clock, LEAP_NIGHT),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    again = other.cx("backfill", "--from", "2026-09", "--to", "2026-09")
    assert again.returncode == 0 and "Nothing to do" in again.stdout, again.stdout + again.stderr
    releases = [
        sorted(path.name for path in one.glob("2*")) for one in releases_of(in_order, other)
    ]
    assert releases[0] == releases[1] and len(releases[0]) >= 2
    for name in releases[0]:
        one, two = (root / name / "managers" for root in releases_of(in_order, other))
        assert_same_marts(one, two)
    assert vintages_of(in_order) == vintages_of(other)
    count("backfilled_months", len(months) + 1)


def releases_of(*workspaces: Workspace) -> list[Path]:
    return [workspace.state_root / "releases" for workspace in workspaces]


def vintages_of(workspace: Workspace) -> dict[str, bytes]:
    """Every file of the closed months."""
    root = workspace.state_root / "vintages"
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


# --- files and rows -----------------------------------------------------------------------------


def split_and_shuffle(source: Path, target: Path) -> int:
    """The same rows in three times as many files, each row anywhere; returns the number of files.

    Without a manifest, as other files have other hashes.
    """
    drawn = random.Random(SEED)
    files = 0
    for table in sorted(path for path in source.iterdir() if path.is_dir()):
        (target / table.name).mkdir(parents=True)
        for path in sorted(table.iterdir()):
            read = pq.read_table(path) if path.suffix == ".parquet" else csv_rows(path)
            places = drawn.sample(range(read.num_rows), read.num_rows)
            for part in range(3):
                # Names in another order than the files they come from.
                name = f"{drawn.randrange(10**9):09d}{path.suffix}"
                rows = read.take(pa.array(places[part::3], pa.int64()))
                write_rows(rows, target / table.name / name)
                files += 1
    return files


def csv_rows(path: Path) -> pa.Table:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = list(csv.reader(file))
    return pa.table(
        {name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(header)}
    )


def write_rows(rows: pa.Table, path: Path) -> None:
    if path.suffix == ".parquet":
        pq.write_table(rows, path)
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(rows.column_names)
        writer.writerows(zip(*(column.to_pylist() for column in rows.columns), strict=True))


@pytest.mark.slow_fault
@pytest.mark.timeout(3600)
def test_the_same_rows_in_other_files_and_another_order_give_the_same_marts(
    small_sample_releases: tuple[Path, Path], small_sample: Workspace, clock: Path, tmp_path: Path
) -> None:
    """On two threads, in the night in which the clocks of Berlin are set back, in plain C. The
    release has another name, as it is made of other files; all else is the same."""
    other = Workspace(tmp_path / "raw", tmp_path / "state", threads=2)
    files = split_and_shuffle(small_sample.raw_root, other.raw_root)
    assert files > 100
    night = {"TZ": "Europe/Berlin", **PLAIN_C, **clock_at(clock, AUTUMN_NIGHT)}
    done = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "run", "--as-of", FIRST_BOUND],
        cwd=PROJECT_ROOT, env=other.environment | night, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    differing = [
        mart
        for mart in sorted(MARTS)
        if not nameless(small_sample_releases[0] / f"{mart}.parquet").equals(
            nameless(other.managers / f"{mart}.parquet")
        )
    ]
    assert not differing
    count("shuffled_files", files)


def nameless(path: Path) -> pa.Table:
    """The mart in its order without the names of releases."""
    mart = pq.read_table(path)
    names = {"release_id", "vintage_release_id", "published_by"} & set(mart.column_names)
    return mart.drop_columns(sorted(names))


# --- data that come late ------------------------------------------------------------------------

LATE_TABLES = {
    "surveys": ("survey_id", "responded_at"),
    "interactions": ("interaction_id", "ended_at"),
}
LOADED = datetime(2026, 10, 11, 6, tzinfo=UTC)
DAYS = range(1, 61)


def add_late_rows(raw_root: Path) -> int:
    """Rows of each of the last 60 days that were all loaded on one morning, copies of others of
    their day under names of their own; returns their number."""
    added = 0
    for table, (key, happened) in LATE_TABLES.items():
        rows = pa.concat_tables(
            [
                csv_rows(path) if path.suffix == ".csv" else as_text(pq.read_table(path))
                for path in sorted((raw_root / table).iterdir())
                if path.stem != "dirt"
            ],
            promote_options="default",
        )
        late = []
        for days in DAYS:
            day = f"{LOADED - timedelta(days=days):%Y-%m-%d}"
            found = rows.filter(pc.starts_with(pc.fill_null(rows[happened], ""), day)).slice(0, 2)
            late += [
                {**row, key: f"late-{days}-{place}", "_loaded_at": f"{LOADED:%Y-%m-%dT%H:%M:%SZ}"}
                for place, row in enumerate(found.to_pylist())
            ]
        assert len(late) > len(DAYS)
        write_rows(pa.Table.from_pylist(late, rows.schema), raw_root / table / "late.csv")
        added += len(late)
    return added


def as_text(rows: pa.Table) -> pa.Table:
    """Cells as a CSV file would hold them."""
    columns = {}
    for name in rows.column_names:
        cells = rows[name]
        is_instant = pa.types.is_timestamp(cells.type)
        text = pc.strftime(cells, "%Y-%m-%dT%H:%M:%SZ") if is_instant else cells.cast(pa.string())
        columns[name] = text
    return pa.table(columns)


@pytest.mark.slow_fault
@pytest.mark.timeout(3600)
def test_data_late_by_1_to_60_days_change_open_months_alone(
    small_sample: Workspace, runs_root: Path, tmp_path: Path
) -> None:
    """Taken in by a run over what is new and by one over everything: the same bytes."""
    copied = copy_of(after_first_run(small_sample, runs_root), tmp_path)
    late = Workspace(tmp_path / "raw", copied.state_root, threads=1)
    shutil.copytree(small_sample.raw_root, late.raw_root)
    # A manifest would have to list the files that are added.
    (late.raw_root / "manifest.jsonl").unlink()
    added = add_late_rows(late.raw_root)
    closed = vintages_of(late)
    before = months_of(late.managers, "=", AUGUST)
    late.run("--as-of", SECOND_BOUND)
    assert {
        name: content for name, content in vintages_of(late).items() if name in closed
    } == closed
    assert months_of(late.managers, "=", AUGUST) == before != []
    sound = months_of(small_sample.managers, ">", AUGUST)
    assert months_of(late.managers, ">", AUGUST) != sound
    late.run("--full", "--as-of", SECOND_BOUND)
    release = late.managers
    assert_same_marts(release, late.state_root / "work" / "candidates" / release.parent.name)
    count("late_rows", added)


def months_of(managers: Path, relation: str, month: str) -> list[tuple]:
    """Figures of the agents in some months, without the columns that name the release."""
    return duckdb.sql(
        f"select * exclude (release_id, as_of) from '{managers}/agent_scorecard_metrics.parquet' "
        f"where period_month {relation} date '{month}' order by all"
    ).fetchall()
