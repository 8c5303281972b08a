"""What a run builds: its identity, the months that are open, the files that are still to read."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestration.lib import run_plan
from orchestration.lib.errors import BadInput
from orchestration.lib.landing import LandedFile
from orchestration.lib.run_plan import Restatement, files_to_read, history_from, plan_run
from orchestration.lib.settings import Settings
from orchestration.lib.vintages import Closing, Vintage, to_json

AS_OF = datetime(2026, 5, 20, 6)
FIRST, SECOND = datetime(2026, 5, 10, 6), datetime(2026, 5, 15, 6)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_root=tmp_path / "state", raw_root=tmp_path / "raw")


def file(name: str, last: datetime = AS_OF) -> LandedFile:
    return LandedFile("tickets", f"tickets/{name}", f"hash of {name}", 5, None, FIRST, last)


def vintage(month: int, number: int = 1, as_of: datetime = FIRST, inputs: str = "x") -> Vintage:
    label = "final" if number == 1 else "restated"
    return Vintage(
        Path("v"), date(2026, month, 1), number, label, as_of, "r", inputs, None, {}, f"{month}"
    )


def manifest_of(plan: run_plan.RunPlan, closes: list[Closing]) -> dict[str, Any]:
    """What a release of the plan says about itself."""
    return {
        "release_id": plan.release_id,
        "inputs": plan.inputs,
        "vintages": [one.name for one in plan.vintages],
        "restates": to_json([plan.restates])[0] if plan.restates else None,
        "closes": to_json(closes),
    }


# --- identity ---------------------------------------------------------------------------------


def test_the_same_inputs_have_the_same_release_id_and_others_another(settings: Settings):
    def release(
        *files: LandedFile, as_of: datetime = AS_OF, vintages: tuple[Vintage, ...] = ()
    ) -> str:
        return plan_run(settings, files, as_of, vintages, []).release_id

    first = release(file("a"), file("b"))
    assert first.startswith("20260520T060000Z-")
    assert release(file("b"), file("a")) == first
    others = {
        release(file("a")),
        release(file("a"), file("b"), as_of=datetime(2026, 5, 21)),
        release(file("a"), file("b"), vintages=(vintage(3),)),
    }
    assert len(others | {first}) == 4


def test_what_a_release_closed_does_not_make_the_next_run_another_one(settings: Settings):
    """The vintages of March and April came of the first run over these very inputs."""
    first = plan_run(settings, [file("a")], AS_OF, [], [])
    published = [manifest_of(first, [Closing(date(2026, 3, 1), 1), Closing(date(2026, 4, 1), 1)])]
    kept = [vintage(3, as_of=AS_OF), vintage(4, as_of=AS_OF)]

    again = plan_run(settings, [file("a")], AS_OF, kept, published)
    assert again.is_known
    assert (again.release_id, again.vintages) == (first.release_id, ())

    more = plan_run(settings, [file("a"), file("b")], AS_OF, kept, published)
    assert not more.is_known
    assert more.closed_through == date(2026, 4, 1)


def test_a_closed_month_stands_when_models_or_reference_data_change(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    first = plan_run(settings, [file("a")], AS_OF, [], [])
    published = [manifest_of(first, [Closing(date(2026, 4, 1), 1)])]
    monkeypatch.setattr(run_plan, "code_key", lambda _: "edited")
    changed = plan_run(settings, [file("a")], AS_OF, [vintage(4, as_of=AS_OF)], published)
    assert changed.release_id != first.release_id
    assert changed.closed_through == date(2026, 4, 1)


def test_a_run_over_the_past_does_not_know_what_was_closed_later(settings: Settings):
    plan = plan_run(settings, [file("a")], SECOND, [vintage(3), vintage(4, as_of=AS_OF)], [])
    assert [one.name for one in plan.vintages] == ["2026-03/1"]


# --- restating --------------------------------------------------------------------------------


def test_a_restated_month_is_built_and_the_other_closed_ones_are_not(settings: Settings):
    kept = [vintage(3), vintage(3, 2), vintage(4)]
    plan = plan_run(settings, [], AS_OF, kept, [], Restatement(date(2026, 3, 1), "late surveys"))
    assert plan.restates == Closing(date(2026, 3, 1), 3, "late surveys")
    assert [one.name for one in plan.in_force] == ["2026-04/1"]
    assert plan.first_built == date(2026, 3, 1)
    assert history_from(plan, None, full=False) == date(2025, 11, 23)


def test_a_run_after_a_restatement_is_known(settings: Settings):
    kept = [vintage(3), vintage(4)]
    order = Restatement(date(2026, 3, 1), "late surveys")
    plan = plan_run(settings, [file("a")], AS_OF, kept, [], order)
    published = [manifest_of(plan, [plan.restates])]
    again = plan_run(settings, [file("a")], AS_OF, [*kept, vintage(3, 2, AS_OF)], published)
    assert again.is_known
    assert (again.release_id, again.restates) == (plan.release_id, plan.restates)


def test_an_open_month_is_not_restated(settings: Settings):
    with pytest.raises(BadInput, match="2026-04 is not closed"):
        plan_run(settings, [], AS_OF, [vintage(3)], [], Restatement(date(2026, 4, 1), "x"))


# --- how far back -----------------------------------------------------------------------------


def test_history_reaches_what_the_first_open_month_rests_on(settings: Settings):
    plan = plan_run(settings, [], AS_OF, [vintage(3), vintage(4)], [])
    assert history_from(plan, None, full=False) == date(2026, 1, 23)
    # The stretch before an open improvement plan.
    assert history_from(plan, date(2026, 2, 1), full=False) == date(2025, 11, 2)
    assert history_from(plan, date(2026, 4, 30), full=False) == date(2026, 1, 23)
    assert history_from(plan, None, full=True) is None
    # A day nobody can look back from says that all is needed.
    assert history_from(plan, date(1, 1, 1), full=False) is None


def test_without_closed_months_everything_is_built(settings: Settings):
    plan = plan_run(settings, [], AS_OF, [], [])
    assert (plan.closed_through, plan.first_built) == (None, None)
    assert history_from(plan, date(2026, 4, 1), full=False) is None


# --- the warehouse ----------------------------------------------------------------------------


def built(settings: Settings, files: list[LandedFile], as_of: datetime) -> None:
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    settings.warehouse_path.touch()
    run_plan.begin_build(settings, files, as_of, is_new=True)
    run_plan.end_build(settings, files, as_of)


def test_only_new_files_and_those_with_rows_that_became_visible_are_read(settings: Settings):
    built(settings, [file("a", SECOND), file("b", AS_OF)], SECOND)
    inventory = [file("a", SECOND), file("b", AS_OF), file("c")]
    found = files_to_read(settings, inventory, AS_OF)
    assert [row.file for row in found or []] == ["tickets/b", "tickets/c"]
    assert files_to_read(settings, [file("a", SECOND), file("b", AS_OF)], SECOND) == [
        file("b", AS_OF)
    ]


def test_a_warehouse_that_cannot_be_carried_on_is_made_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    files = [file("a"), file("b")]
    assert files_to_read(settings, files, AS_OF) is None
    built(settings, files, AS_OF)
    assert files_to_read(settings, files, AS_OF) == []
    # A file is gone, the run looks less far, the models changed, the note does not read.
    assert files_to_read(settings, files[:1], AS_OF) is None
    assert files_to_read(settings, files, SECOND) is None
    with monkeypatch.context() as patch:
        patch.setattr(run_plan, "code_key", lambda _: "edited")
        assert files_to_read(settings, files, AS_OF) is None
    settings.warehouse_path.with_name(run_plan.BUILT_FILE).write_text("{", encoding="utf-8")
    assert files_to_read(settings, files, AS_OF) is None


def test_a_build_that_died_leaves_its_files_to_be_read_again(settings: Settings):
    built(settings, [file("a", FIRST)], FIRST)
    both = [file("a", FIRST), file("b", SECOND)]
    run_plan.begin_build(settings, both, SECOND, is_new=False)
    assert files_to_read(settings, both, SECOND) == [file("b", SECOND)]
    # Its rows may stand in the warehouse: its file may not be missing, nor its day be taken back.
    assert files_to_read(settings, both[:1], SECOND) is None
    assert files_to_read(settings, both, FIRST) is None


def test_a_full_build_that_died_leaves_nothing_to_carry_on(settings: Settings):
    built(settings, [file("a")], FIRST)
    run_plan.begin_build(settings, [file("a")], AS_OF, is_new=True)
    assert files_to_read(settings, [file("a")], AS_OF) is None
