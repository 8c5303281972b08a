"""What the unit tests share.

Belongs here: fixtures for every file of this folder. Does not belong here: shared runs of the job
(tests/conftest.py).
"""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def only_the_expectation_in_question(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test of one planted fault and the name of its check runs that expectation alone: the whole
    suite takes a second, and there are hundreds of faults. Clean marts are judged by whole suites.
    """
    parameters = getattr(getattr(request.node, "callspec", None), "params", {})
    if not {"mart", "fault", "name"} <= set(parameters):
        return
    from expectations.judging import MartJudge

    every = MartJudge._expectations

    def in_question(self: MartJudge, *arguments: Any) -> list[Any]:
        return [one for one in every(self, *arguments) if one.meta["name"] == parameters["name"]]

    monkeypatch.setattr(MartJudge, "_expectations", in_question)
