"""A backfill closes months in order, skips what is closed, and stops where the data end."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestration.lib.errors import BadInput, GateFailed
from orchestration.lib.landing import NothingVisible
from orchestration.lib.settings import Settings

JANUARY, FEBRUARY, MARCH, APRIL = (date(2026, month, 1) for month in (1, 2, 3, 4))


class Desk:
    """A state folder of which only the closed months matter; closing one is noted."""

    def __init__(self, closed: set[date], begins: date, ends: date) -> None:
        self.closed, self.begins, self.ends = closed, begins, ends
        self.runs: list[date] = []

    def vintages(self, _settings: Settings) -> list[Any]:
        return [SimpleNamespace(period_month=month) for month in self.closed]

    def close(self, _instance: Any, month: date) -> None:
        self.runs.append(month)
        if month < self.begins:
            raise NothingVisible("no raw row was loaded so early")
        if month <= self.ends:
            self.closed.add(month)


@pytest.fixture
def closing(dbt_manifest: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    from orchestration.defs import closing

    monkeypatch.setattr(closing, "first_scorecard_month", lambda _: JANUARY)
    return closing


def backfilled(closing: Any, monkeypatch: pytest.MonkeyPatch, desk: Desk, last: date) -> list[str]:
    monkeypatch.setattr(closing, "read_vintages", desk.vintages)
    monkeypatch.setattr(closing, "_close", desk.close)
    return list(closing.close_months(Settings(state_root=Path("nowhere")), None, last))


def test_open_months_close_in_order_and_closed_ones_stay(
    closing: Any, monkeypatch: pytest.MonkeyPatch
):
    desk = Desk({FEBRUARY}, begins=JANUARY, ends=APRIL)
    assert backfilled(closing, monkeypatch, desk, APRIL) == ["2026-01", "2026-03", "2026-04"]
    assert desk.runs == [JANUARY, MARCH, APRIL]
    assert backfilled(closing, monkeypatch, desk, MARCH) == []


def test_the_order_of_two_backfills_makes_no_difference(
    closing: Any, monkeypatch: pytest.MonkeyPatch
):
    """Asking for March first closes what March rests on first."""
    desk = Desk(set(), begins=JANUARY, ends=APRIL)
    backfilled(closing, monkeypatch, desk, MARCH)
    backfilled(closing, monkeypatch, desk, JANUARY)
    assert desk.runs == [JANUARY, FEBRUARY, MARCH]


def test_months_before_the_data_are_passed_over(closing: Any, monkeypatch: pytest.MonkeyPatch):
    desk = Desk(set(), begins=MARCH, ends=APRIL)
    assert backfilled(closing, monkeypatch, desk, APRIL) == ["2026-03", "2026-04"]


def test_a_month_that_the_data_do_not_end_cannot_be_closed(
    closing: Any, monkeypatch: pytest.MonkeyPatch
):
    desk = Desk(set(), begins=JANUARY, ends=FEBRUARY)
    with pytest.raises(BadInput, match="2026-03 cannot be closed"):
        backfilled(closing, monkeypatch, desk, APRIL)
    assert desk.runs == [JANUARY, FEBRUARY, MARCH]


def test_a_failed_close_ends_the_backfill_and_the_next_one_goes_on(
    closing: Any, monkeypatch: pytest.MonkeyPatch
):
    desk = Desk(set(), begins=JANUARY, ends=APRIL)

    def fails_in_february(instance: Any, month: date) -> None:
        if month == FEBRUARY:
            raise GateFailed("a check failed")
        desk.close(instance, month)

    monkeypatch.setattr(closing, "read_vintages", desk.vintages)
    with monkeypatch.context() as patch:
        patch.setattr(closing, "_close", fails_in_february)
        with pytest.raises(GateFailed):
            list(closing.close_months(Settings(state_root=Path("nowhere")), None, APRIL))
    assert desk.closed == {JANUARY}
    assert backfilled(closing, monkeypatch, desk, APRIL) == ["2026-02", "2026-03", "2026-04"]
