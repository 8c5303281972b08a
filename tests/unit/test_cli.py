"""What `cx` says and with which code it ends; the work behind it is replaced."""

from __future__ import annotations

import errno
import io
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration import cli, console
from orchestration.lib import releases, steps
from orchestration.lib.errors import BadInput, CxError, Fault, GateFailed, LockHeld
from orchestration.lib.lock import run_lock
from orchestration.lib.settings import Settings
from tests.unit.release_world import NEWER, OLDER, judge, judged_candidate, settings_of
from tests.unit.release_world import candidate_of as build_candidate_of

runner = CliRunner()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a world of its own with one raw file, named by the environment as for users."""
    made = settings_of(tmp_path)
    (made.raw_root / "tickets").mkdir(parents=True)
    (made.raw_root / "tickets" / "1.csv").write_text("ticket_id\n", encoding="utf-8")
    monkeypatch.setenv("CX_STATE_ROOT", str(made.state_root))
    monkeypatch.setenv("CX_RAW_ROOT", str(made.raw_root))
    for name in ("CX_SEED_ROOT", "CX_TICKETING_SOURCE"):
        monkeypatch.delenv(name, raising=False)
    return made


def raising(error: BaseException):
    def run_job(*_: object) -> None:
        raise error

    return run_job


# --- exit codes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Fault("warehouse.duckdb is damaged"), 1),
        (BadInput("tickets/1.csv: column origin is missing; land it again"), 2),
        (GateFailed("1 dbt test failed: unique_agent_id"), 3),
        (LockHeld("another run works on this state folder (process 17)"), 4),
    ],
)
def test_error_is_one_line_on_stderr_with_its_code(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, error: CxError, code: int
) -> None:
    monkeypatch.setattr(cli, "_run_job", raising(error))
    result = runner.invoke(cli.app, ["run"])
    assert result.exit_code == code
    assert result.stderr == f"error: {error.message}\n"
    assert result.stdout == ""


def test_traceback_is_shown_with_debug_only(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_run_job", raising(KeyError("surprise")))
    plain = runner.invoke(cli.app, ["run"])
    assert plain.exit_code == 1
    assert "Traceback" not in plain.stderr
    assert "KeyError" in plain.stderr
    assert "--debug" in plain.stderr
    assert "Traceback" in runner.invoke(cli.app, ["--debug", "run"]).stderr


def test_cause_behind_a_framework_error_is_what_is_said() -> None:
    try:
        try:
            raise LockHeld("process 17 holds it")
        except LockHeld as error:
            raise RuntimeError("resource could not be made") from error
    except RuntimeError as error:
        explained = cli.explain(error)
    assert (explained.exit_code, explained.message) == (4, "process 17 holds it")


def test_full_disk_is_said_in_plain_words() -> None:
    explained = cli.explain(OSError(errno.ENOSPC, "No space left on device"))
    assert explained.exit_code == 1
    assert explained.message.startswith("no space left")


def test_ctrl_c_is_no_traceback(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_run_job", raising(KeyboardInterrupt()))
    result = runner.invoke(cli.app, ["run"])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: stopped; the published release is as it was")


def test_unknown_option_is_bad_input() -> None:
    assert runner.invoke(cli.app, ["run", "--fast"]).exit_code == 2


# --- cx run -----------------------------------------------------------------------------------


def test_bound_without_offset_is_refused_before_anything_starts(settings: Settings) -> None:
    result = runner.invoke(cli.app, ["run", "--as-of", "2026-03-10T06:00:00"])
    assert result.exit_code == 2
    assert "instant with an offset" in result.stderr
    assert not settings.state_root.exists()


def test_bound_reaches_the_job_as_utc(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []
    monkeypatch.setattr(cli, "_run_job", lambda _settings, *rest: given.extend(rest))
    result = runner.invoke(cli.app, ["run", "--as-of", "2026-03-10T01:00:00-05:00", "--full"])
    assert result.exit_code == 0
    job, _run_id, told = given
    assert job == "daily_refresh"
    assert told == {"as_of": "2026-03-10T06:00:00+00:00", "full": True}


def test_empty_default_raw_root_names_the_way_to_a_sample(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settings, "project_root", property(lambda _: tmp_path))
    monkeypatch.setenv("CX_RAW_ROOT", str(tmp_path / "data" / "raw"))
    result = runner.invoke(cli.app, ["run"])
    assert result.exit_code == 2
    assert "cx sample --out data/raw" in result.stderr
    assert "make run" in result.stderr


def test_empty_raw_root_of_ones_own_is_named(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CX_RAW_ROOT", str(tmp_path / "nowhere"))
    result = runner.invoke(cli.app, ["run"])
    assert result.exit_code == 2
    assert "CX_RAW_ROOT: nowhere/ holds no raw files" in result.stderr


def test_setting_that_is_not_known_is_bad_input(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CX_TICKETING_SOURCE", "paper")
    result = runner.invoke(cli.app, ["run"])
    assert result.exit_code == 2
    assert "CX_TICKETING_SOURCE" in result.stderr


def test_run_holds_the_lock_while_it_works(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "from orchestration.lib.lock import run_lock\n"
        "from orchestration.lib.settings import load_settings\n"
        "with run_lock(load_settings()): pass"
    )
    said: list[str] = []

    def try_from_elsewhere(*_: object) -> None:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
        said.append(done.stderr)

    monkeypatch.setattr(cli, "_run_job", try_from_elsewhere)
    assert runner.invoke(cli.app, ["run"]).exit_code == 0
    assert len(said) == 1
    assert "LockHeld" in said[0]


# --- cx sample --------------------------------------------------------------------------------


def test_sample_is_refused_where_there_are_files(settings: Settings) -> None:
    result = runner.invoke(cli.app, ["sample", "--out", str(settings.raw_root)])
    assert result.exit_code == 2
    assert "not empty" in result.stderr


def test_sample_if_empty_leaves_files_alone(settings: Settings) -> None:
    result = runner.invoke(cli.app, ["sample", "--out", str(settings.raw_root), "--if-empty"])
    assert result.exit_code == 0
    assert [path.name for path in settings.raw_root.rglob("*.csv")] == ["1.csv"]


# --- cx status, cx releases -------------------------------------------------------------------


@pytest.mark.parametrize("command", ["status", "releases"])
def test_nothing_published_is_said(settings: Settings, command: str) -> None:
    result = runner.invoke(cli.app, [command])
    assert result.exit_code == 0
    assert "Nothing is published yet" in result.stdout


def test_status_tells_what_is_current(settings: Settings) -> None:
    releases.publish(settings, judged_candidate(settings, OLDER))
    result = runner.invoke(cli.app, ["status"])
    assert result.exit_code == 0
    for told in (OLDER.release_id, "2026-01 to 2026-02 (2)", "orphan 2", "Gate passed", "No run"):
        assert told in result.stdout


def test_status_tells_of_a_refused_candidate_and_of_a_run_at_work(settings: Settings) -> None:
    judge(build_candidate_of(settings, NEWER), passed=False)
    with run_lock(settings):
        result = runner.invoke(cli.app, ["status"])
    assert f"Not published: {NEWER.release_id}" in result.stdout
    assert "A run is at work: process" in result.stdout


def test_status_shows_what_the_run_cost(settings: Settings) -> None:
    releases.publish(settings, judged_candidate(settings, OLDER))
    assert "was not kept" in runner.invoke(cli.app, ["status", "--timings"]).stdout
    steps.forget_costs()
    with steps.step("ingest"):
        pass
    steps.write_timings(settings.work_root / "logs", OLDER.release_id)
    shown = runner.invoke(cli.app, ["status", "--timings"]).stdout
    assert "ingest" in shown
    assert "peak MB" in shown


def test_releases_are_listed_with_the_newest_first(settings: Settings) -> None:
    for run in (OLDER, NEWER):
        releases.publish(settings, judged_candidate(settings, run))
    shown = runner.invoke(cli.app, ["releases"]).stdout
    assert shown.index(NEWER.release_id) < shown.index(OLDER.release_id)


# --- cx rollback, cx verify ------------------------------------------------------------------


@pytest.fixture
def two_releases(settings: Settings) -> Settings:
    for run in (OLDER, NEWER):
        releases.publish(settings, judged_candidate(settings, run))
    return settings


def test_rollback_is_told_and_shown_until_it_is_undone(two_releases: Settings) -> None:
    done = runner.invoke(cli.app, ["rollback", OLDER.release_id])
    assert done.exit_code == 0
    assert f"Current is {OLDER.release_id} and stays" in done.stdout
    status = runner.invoke(cli.app, ["status"]).stdout
    assert f"rolled back from {NEWER.release_id}" in status
    assert "cx rollback --undo" in status
    assert "pinned" in runner.invoke(cli.app, ["releases"]).stdout
    undone = runner.invoke(cli.app, ["rollback", "--undo"])
    assert undone.exit_code == 0
    assert f"Current is {NEWER.release_id}, the newest" in undone.stdout
    assert "rolled back" not in runner.invoke(cli.app, ["status"]).stdout


@pytest.mark.parametrize("arguments", [[], [NEWER.release_id, "--undo"], ["20200101T000000Z-x"]])
def test_rollback_to_nothing_in_particular_is_bad_input(
    two_releases: Settings, arguments: list[str]
) -> None:
    assert runner.invoke(cli.app, ["rollback", *arguments]).exit_code == 2


def test_rollback_waits_for_nobody(two_releases: Settings) -> None:
    code = (
        "from orchestration.lib.lock import run_lock\n"
        "from orchestration.lib.settings import load_settings\n"
        "with run_lock(load_settings()):\n"
        "    print('held', flush=True)\n"
        "    input()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout is not None
        other.stdout.readline()
        result = runner.invoke(cli.app, ["rollback", OLDER.release_id])
    finally:
        other.communicate("\n")
    assert result.exit_code == 4
    assert f"process {other.pid}" in result.stderr


def test_rollback_needs_nothing_heavy(two_releases: Settings) -> None:
    """It is wanted when something is wrong, and within a second."""
    code = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from orchestration.cli import app\n"
        f"assert CliRunner().invoke(app, ['rollback', '{OLDER.release_id}']).exit_code == 0\n"
        "heavy = {'dagster', 'duckdb', 'pandas', 'great_expectations', 'pyarrow', 'dbt'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_verify_tells_what_it_looked_at(two_releases: Settings) -> None:
    result = runner.invoke(cli.app, ["verify", "--all"])
    assert result.exit_code == 0
    assert "Looked at 2 releases with 8 files" in result.stdout
    assert "the 4 entries of the audit log" in result.stdout
    assert "All is as it was published" in result.stdout


def test_verify_ends_with_1_and_names_each_wrong_file(two_releases: Settings) -> None:
    managers = two_releases.releases_root / NEWER.release_id / "managers"
    managers.chmod(0o755)
    for name in ("agent_scorecard.parquet", "marts.duckdb"):
        (managers / name).unlink()
    result = runner.invoke(cli.app, ["verify"])
    assert result.exit_code == 1
    for name in ("agent_scorecard.parquet", "marts.duckdb"):
        assert f"wrong: releases/{NEWER.release_id}/managers/{name}" in result.stdout
    assert "2 faults found" in result.stdout


def test_damaged_manifest_is_a_clear_fault(settings: Settings) -> None:
    release = releases.publish(settings, judged_candidate(settings, OLDER))
    path = release.folder / "manifest.json"
    path.chmod(0o644)
    path.write_text("{", encoding="utf-8")
    result = runner.invoke(cli.app, ["status"])
    assert result.exit_code == 1
    assert f"{OLDER.release_id}/manifest.json is not readable" in result.stderr
    listed = runner.invoke(cli.app, ["releases"])
    assert listed.exit_code == 0
    assert "damaged" in listed.stdout


# --- looks ------------------------------------------------------------------------------------


def test_histogram_counts_every_score_once() -> None:
    assert console.histogram([0, 9.99, 10, 55, 99, 100]) == [2, 1, 0, 0, 0, 1, 0, 0, 0, 2]


def test_scores_are_those_of_the_last_closed_month(settings: Settings) -> None:
    release = releases.publish(settings, judged_candidate(settings, OLDER))
    month, values, agents = console.overall_scores(release) or (None, [], 0)
    assert (month, len(values), agents) == (date(2026, 1, 1), 10, 10)


def test_summary_names_what_matters(settings: Settings) -> None:
    release = releases.publish(settings, judged_candidate(settings, OLDER))
    buffer = io.StringIO()
    console.show_summary(console.make_console(buffer), release)
    shown = buffer.getvalue()
    for told in (OLDER.release_id, "quarantined", "Gate passed", "median", "Next", "status"):
        assert told in shown


def test_progress_without_a_terminal_is_plain_lines() -> None:
    buffer = io.StringIO()
    progress = console.Progress(console.make_console(buffer))
    for state in ("started", "progressed", "finished"):
        progress(steps.StepEvent("dbt build", state, 1.5, 3, 9))
    assert buffer.getvalue() == "  dbt build    done       1.5 s\n"


def test_chatter_goes_to_the_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with console.chatter_to(tmp_path / "logs" / "run.log") as shown:
        print("from python")
        subprocess.run(["echo", "from a process"], check=True)
        print("to stderr", file=sys.stderr)
        shown.print("for people")
    seen = capfd.readouterr()
    assert seen.out == "for people\n"
    assert seen.err == ""
    assert (tmp_path / "logs" / "run.log").read_text("utf-8").splitlines() == [
        "from python",
        "from a process",
        "to stderr",
    ]


def test_help_answers_without_heavy_imports() -> None:
    code = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from orchestration.cli import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "heavy = {'dagster', 'duckdb', 'pandas', 'great_expectations', 'pyarrow', 'dbt'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
