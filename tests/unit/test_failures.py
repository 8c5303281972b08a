"""Why a run failed, in a line that may leave the machine, and who is told of it."""

from __future__ import annotations

import errno
import socket
import time
from pathlib import Path

import pytest
from dagster._utils.error import serializable_error_info_from_exc_info as recorded_now
from typer.testing import CliRunner

from orchestration import cli
from orchestration.lib import failures
from orchestration.lib.errors import BadInput, CxError, Fault, GateFailed
from orchestration.lib.failures import Failure, reason_of, reason_of_recorded, tell
from orchestration.lib.settings import Settings
from tests.unit.webhook import webhook

FAILURE = Failure("daily_refresh", "17", "2026-03-09", "gate: 1 critical check failed")


def recorded(error: BaseException, cause: BaseException | None = None):
    """What Dagster keeps of an exception."""
    import sys

    try:
        raise error from cause
    except BaseException:
        return recorded_now(sys.exc_info())


# --- reasons ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (GateFailed("gate: people.key: saw 2"), "gate: people.key: saw 2"),
        (BadInput("tickets/1.csv: no header; land it\nb\nc"), "tickets/1.csv: no header; land it"),
        (Fault("dbt build: m: could not convert 'Ada L' to INT"), "could not convert '...' to INT"),
        (ValueError("Ada Lovelace is no number"), "ValueError: the log of the run says more"),
    ],
)
def test_reason_is_one_line_without_a_value(error: Exception, reason: str) -> None:
    for told in (reason_of(error), reason_of_recorded(recorded(error))):
        assert reason in told
        assert "\n" not in told
        assert "Ada" not in told


def test_reason_of_several_faults_says_how_many_more() -> None:
    assert reason_of(BadInput("a\nb\nc")) == "a (and 2 more lines)"


def test_reason_behind_a_framework_error_is_found() -> None:
    wrapped = recorded(RuntimeError("step failed"), GateFailed("gate: 1 check"))
    assert reason_of_recorded(wrapped) == "gate: 1 check"


def test_reason_with_a_colon_is_told_whole() -> None:
    error = BadInput("tickets/1.csv: line 3: column origin: empty")
    assert reason_of_recorded(recorded(error)) == error.message


def test_full_disk_is_said_in_plain_words() -> None:
    assert reason_of(OSError(errno.ENOSPC, "No space")).startswith("no space left on the disk")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("IO Error: Could not write file 'x': No space left on device", "no space left"),
        ("(sqlite3.OperationalError) database or disk is full", "no space left"),
        ("(sqlite3.OperationalError) disk I/O error", "takes no more"),
        ("Out of Memory Error: could not allocate block", "CX_MEMORY_LIMIT"),
        ("IO Error: Corrupt database file: computed checksum 1", "cx run --full"),
    ],
)
def test_what_the_machine_lacks_is_said_in_plain_words(words: str, sentence: str) -> None:
    assert sentence in failures.explain(RuntimeError(words)).message
    assert sentence in reason_of(RuntimeError(words))


def test_long_reason_is_cut() -> None:
    assert len(reason_of(GateFailed("x" * 5000))) == failures.LONGEST_REASON


# --- the webhook ------------------------------------------------------------------------------


def settings_with(url: str | None, tmp_path: Path) -> Settings:
    return Settings(state_root=tmp_path / "state", failure_webhook=url)


def test_failure_is_posted_as_json(tmp_path: Path) -> None:
    with webhook() as hook:
        assert tell(settings_with(hook.url, tmp_path), FAILURE) is None
    assert hook.posted == [
        {
            "job": "daily_refresh",
            "run_id": "17",
            "partition": "2026-03-09",
            "reason": "gate: 1 critical check failed",
        }
    ]


def test_nobody_is_told_without_an_address(tmp_path: Path) -> None:
    assert tell(settings_with(None, tmp_path), FAILURE) is None


def test_webhook_that_fails_hides_its_address_and_raises_nothing(tmp_path: Path) -> None:
    with webhook(answer=500) as hook:
        said = tell(settings_with(hook.url, tmp_path), FAILURE)
    assert said is not None
    gone = tell(settings_with(hook.url, tmp_path), FAILURE)
    assert gone is not None
    odd = tell(settings_with("https://[secret", tmp_path), FAILURE)
    assert odd is not None
    for words in (said, gone, odd):
        assert "secret" not in words
        assert "127.0.0.1" not in words


def test_webhook_that_hangs_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "TIMEOUT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        began = time.monotonic()
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        assert tell(settings_with(url, tmp_path), FAILURE) is not None
    assert time.monotonic() - began < 3


def test_address_is_not_shown_with_the_settings(tmp_path: Path) -> None:
    made = settings_with("https://example.com/secret-token", tmp_path)
    assert "secret-token" not in f"{made!r} {made} {made.model_dump()}"


# --- cx run -----------------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "a.csv").write_text("a\n", encoding="utf-8")
    monkeypatch.setenv("CX_RAW_ROOT", str(raw))
    monkeypatch.setenv("CX_STATE_ROOT", str(tmp_path / "state"))
    return tmp_path


def failing_with(error: BaseException):
    def run_job(*_: object) -> None:
        raise error

    return run_job


def test_cx_run_tells_of_its_failure(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error: CxError = GateFailed("gate: 1 critical check failed")
    monkeypatch.setattr(cli, "_run_job", failing_with(error))
    with webhook() as hook:
        monkeypatch.setenv("CX_FAILURE_WEBHOOK", hook.url)
        result = CliRunner().invoke(cli.app, ["run"])
    assert result.exit_code == 3
    assert result.stderr == f"error: {error.message}\n"
    (posted,) = hook.posted
    assert (posted["job"], posted["reason"]) == ("daily_refresh", error.message)
    assert len(posted["run_id"]) == 36


def test_cx_run_tells_of_raw_files_that_are_missing(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (world / "raw" / "a.csv").unlink()
    with webhook() as hook:
        monkeypatch.setenv("CX_FAILURE_WEBHOOK", hook.url)
        assert CliRunner().invoke(cli.app, ["run"]).exit_code == 2
    assert "holds no raw files" in hook.posted[0]["reason"]


def test_cx_run_ends_as_it_would_without_the_webhook(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_run_job", failing_with(GateFailed("gate: no")))
    monkeypatch.setenv("CX_FAILURE_WEBHOOK", "http://127.0.0.1:1/secret")
    result = CliRunner().invoke(cli.app, ["run"])
    assert result.exit_code == 3
    assert "warning: CX_FAILURE_WEBHOOK did not take the failure" in result.stderr
    assert "secret" not in result.output


def test_ctrl_c_is_told_to_nobody(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_run_job", failing_with(KeyboardInterrupt()))
    with webhook() as hook:
        monkeypatch.setenv("CX_FAILURE_WEBHOOK", hook.url)
        CliRunner().invoke(cli.app, ["run"])
    assert hook.posted == []
