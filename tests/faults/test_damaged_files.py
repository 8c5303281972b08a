"""Files in which single bits are turned over, or that are cut, emptied or overwritten.

Belongs here: damage to what lies on disk between two runs - raw files and their manifest, what was
landed, the records of a state, vintages, releases, the warehouse - and that it is refused by name,
or mended from the raw files. Does not belong here: raw files that say something wrong
(test_bad_input*.py), and processes that die while they write.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.lib import run_plan
from orchestration.lib.errors import BadInput, Fault
from orchestration.lib.landing import ingest, inventory_path, read_inventory
from orchestration.lib.settings import Settings
from orchestration.lib.verification import verify
from orchestration.lib.vintages import read_vintages, verify_vintages
from tests.conftest import SECOND_BOUND, Workspace
from tests.faults.counted import count
from tests.faults.states import SEED, after_first_run, assert_same_marts, copy_of, flipped
from tests.unit.raw_batch import CANARY, SURVEY, stamped, valid_batch, write_manifest

PLACES = 20
ROWS = 400
NAME = "surveys/1.parquet"
AS_OF = datetime(2026, 3, 1, 6)


# --- raw files ----------------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A sound batch, one file of which is Parquet with checksums of its pages."""
    made = valid_batch(tmp_path)
    rows = [
        stamped(SURVEY, survey_id=f"V{number}", ticket_id=f"T{number}") for number in range(ROWS)
    ]
    path = made.raw_root / NAME
    path.parent.mkdir()
    pq.write_table(pa.Table.from_pylist(rows), path, write_page_checksum=True)
    list_files(made)
    return made


def list_files(settings: Settings) -> None:
    """The loader's manifest, with the Parquet file in it."""
    manifest = write_manifest(settings.raw_root)
    sha256 = hashlib.sha256((settings.raw_root / NAME).read_bytes()).hexdigest()
    entry = {"path": NAME, "sha256": sha256, "rows": ROWS, "batch_id": NAME}
    with manifest.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def landed(settings: Settings) -> dict[str, bytes]:
    """Every landed raw file, byte for byte."""
    root = settings.landing_root
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.glob("[a-z]*/*.parquet")
        if path.is_file()
    }


def refuse(settings: Settings, where: str) -> None:
    """Asserts that a run stops before it lands anything, naming the file and no cell."""
    before = landed(settings) if settings.landing_root.exists() else {}
    with pytest.raises(BadInput) as caught:
        ingest(settings)
    assert NAME in caught.value.message, where
    assert CANARY not in caught.value.message
    assert (landed(settings) if settings.landing_root.exists() else {}) == before, where


def test_a_flipped_bit_of_a_listed_file_is_refused_by_name(settings: Settings) -> None:
    """As a new file, and as one that was landed before."""
    path = settings.raw_root / NAME
    for place, bit in flipped(path, PLACES):
        refuse(settings, f"new, byte {place}, bit {bit}")
    first = ingest(settings)
    for place, bit in flipped(path, PLACES, SEED + 1):
        refuse(settings, f"landed, byte {place}, bit {bit}")
    assert ingest(settings).release_id == first.release_id
    count("bit_flips", 2 * PLACES)


def test_a_flipped_bit_of_a_page_with_a_checksum_is_refused_without_a_manifest(
    settings: Settings,
) -> None:
    """Or it changes no cell: statistics and the like are not read."""
    (settings.raw_root / "manifest.jsonl").unlink()
    sound = ingest(settings)
    expected = rows_of(settings)
    path = settings.raw_root / NAME
    content = path.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    drawn = random.Random(SEED)
    refused = 0
    for _ in range(PLACES):
        place = drawn.randrange(footer)
        damaged = bytearray(content)
        damaged[place] ^= 1 << drawn.randrange(8)
        path.write_bytes(damaged)
        try:
            ingest(settings, full=True)
        except BadInput as refusal:
            refused += 1
            assert NAME in refusal.message
        else:
            assert rows_of(settings) == expected, f"byte {place}"
    assert refused > PLACES / 2
    path.write_bytes(content)
    assert ingest(settings, full=True).release_id == sound.release_id
    count("bit_flips", PLACES)


def rows_of(settings: Settings) -> list[dict]:
    rows = pq.read_table(settings.landing_root / "surveys").to_pylist()
    return sorted(rows, key=lambda row: row["_row"])


def test_a_bit_that_rots_after_the_file_was_taken_in_changes_nothing(settings: Settings) -> None:
    """Nothing is read from there any more. A run that reads it again refuses it."""
    first = ingest(settings)
    path = settings.raw_root / NAME
    sound, rows = path.stat(), landed(settings)
    for place, bit in flipped(path, 4):
        os.utime(path, ns=(sound.st_atime_ns, sound.st_mtime_ns))
        again = ingest(settings)
        assert (again.release_id, landed(settings)) == (first.release_id, rows), (place, bit)
        with pytest.raises(BadInput, match=NAME):
            ingest(settings, full=True)
    count("bit_flips", 4)


def test_a_damaged_loaders_manifest_is_refused_or_says_the_same(settings: Settings) -> None:
    sound = ingest(settings)
    rows = landed(settings)
    refused = 0
    for place, bit in flipped(settings.raw_root / "manifest.jsonl", 3 * PLACES):
        try:
            again = ingest(settings)
        except BadInput as refusal:
            refused += 1
            first = refusal.message.splitlines()[0]
            assert "manifest.jsonl" in first, (place, bit)
        else:
            # A letter of a batch's own name.
            assert (again.release_id, landed(settings)) == (sound.release_id, rows), (place, bit)
    assert refused > 2 * PLACES
    count("bit_flips", 3 * PLACES)


# --- what a state remembers ---------------------------------------------------------------------


def test_a_landed_file_that_was_damaged_is_landed_anew(settings: Settings) -> None:
    """A flipped bit may decode, to other cells: no build may read them."""
    first = ingest(settings)
    rows = landed(settings)
    [name] = [name for name in rows if name.startswith("surveys/") and "/0000" not in name]
    for place, bit in flipped(settings.landing_root / name, PLACES):
        again = ingest(settings)
        assert again.release_id == first.release_id
        assert landed(settings) == rows, (place, bit)
    count("bit_flips", PLACES)


def test_a_damaged_inventory_is_made_anew_or_says_the_same(settings: Settings) -> None:
    """An instant that is another would leave rows unread, or read them twice."""
    first = ingest(settings)
    path = inventory_path(settings)
    sound = read_inventory(path)
    for place, bit in flipped(path, 3 * PLACES):
        assert read_inventory(path) in (sound, []), (place, bit)
    assert ingest(settings).release_id == first.release_id
    count("bit_flips", 3 * PLACES)


@pytest.fixture
def built(settings: Settings) -> Path:
    """The note of what a warehouse was built of."""
    ingest(settings)
    settings.warehouse_path.parent.mkdir(parents=True)
    settings.warehouse_path.touch()
    run_plan.end_build(settings, read_inventory(inventory_path(settings)), AS_OF)
    return settings.warehouse_path.with_name(run_plan.BUILT_FILE)


def test_a_damaged_note_of_the_build_is_not_believed(settings: Settings, built: Path) -> None:
    """Then the warehouse is built anew. One digit of its instant would leave rows unread."""
    sound = run_plan.read_built(settings)
    assert sound is not None
    for place, bit in flipped(built, 5 * PLACES):
        assert run_plan.read_built(settings) in (sound, None), (place, bit)
    for garbage in (b"", b"{}", b"[]", b'"built"', b"\xff\xfe", built.read_bytes()[:-20]):
        built.write_bytes(garbage)
        assert run_plan.read_built(settings) is None
    count("bit_flips", 5 * PLACES)


# --- a real state -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def published(small_sample: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy of a state with releases and closed months."""
    return copy_of(small_sample, tmp_path_factory.mktemp("published"))


def settings_of(workspace: Workspace) -> Settings:
    return Settings(raw_root=workspace.raw_root, state_root=workspace.state_root)


def damaged_in_turn(files: list[Path], places: int) -> Iterator[tuple[Path, int]]:
    """One of the files after the other with a bit turned over; yields file and place."""
    for number in range(places):
        path = files[number % len(files)]
        for place, _ in list_of_last(flipped(path, 3, SEED + number)):
            yield path, place


def list_of_last(flips: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The drawn places without the first and the last byte."""
    for number, flip in enumerate(flips):
        if number == 2:
            yield flip


@pytest.mark.slow_fault
def test_verify_names_every_damaged_file_of_a_release(published: Workspace) -> None:
    settings = settings_of(published)
    release = published.managers.parent
    assert verify(settings).faults == []
    files = [*sorted(published.managers.iterdir()), release / "manifest.json"]
    for path, place in damaged_in_turn(files, len(files)):
        found = verify(settings).faults
        name = path.relative_to(settings.state_root).as_posix()
        assert name.replace("current", release.name) in " ".join(found), (name, place)
        assert len(found) == 1, found
    assert verify(settings).faults == []
    count("bit_flips", len(files))


@pytest.mark.slow_fault
def test_a_run_stops_at_a_damaged_vintage_and_names_it(published: Workspace) -> None:
    """Before it builds: a closed month is made of nothing else."""
    settings = settings_of(published)
    current = os.readlink(settings.releases_root / "current")
    files = sorted(path for path in settings.vintages_root.rglob("*") if path.is_file())
    places = max(PLACES, len(files))
    for path, place in damaged_in_turn(files, places):
        folder = "/".join(path.parts[-4:-1])
        with pytest.raises(Fault, match=folder):
            verify_vintages(read_vintages(settings))
        assert any(folder in fault for fault in verify(settings).faults), (path, place)
    path = next(path for path in files if path.name == "agent_scorecard.parquet")
    for _ in flipped(path, 2):
        refused = published.cx("run", "--as-of", SECOND_BOUND)
        assert refused.returncode == 1, refused.stdout + refused.stderr
        assert "/".join(path.parts[-4:]) in refused.stderr and "backup" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert os.readlink(settings.releases_root / "current") == current
    again = published.run("--as-of", SECOND_BOUND)
    assert "nothing new" in again.stdout.lower()
    count("bit_flips", places + 2)


# --- the warehouse ------------------------------------------------------------------------------


def garbage(path: Path) -> None:
    path.write_bytes(b"no database " * 100_000)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def first_block(path: Path) -> None:
    turn_bits(path, [9, 5_000, 9_000])


def everywhere(path: Path) -> None:
    drawn = random.Random(SEED)
    size = path.stat().st_size
    turn_bits(path, [drawn.randrange(12_288, size) for _ in range(PLACES)])


def turn_bits(path: Path, places: list[int]) -> None:
    with path.open("r+b") as file:
        for place in places:
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ 4]))


def emptied(path: Path) -> None:
    path.write_bytes(b"")


@pytest.fixture(scope="module")
def before(small_sample: Workspace, runs_root: Path) -> Workspace:
    return after_first_run(small_sample, runs_root)


@pytest.mark.slow_fault
@pytest.mark.timeout(3600)
def test_a_damaged_warehouse_is_built_again_by_one_command(
    small_sample: Workspace, before: Workspace, tmp_path: Path
) -> None:
    """A run that meets it says which command that is; readers see the release of before."""
    workspace = copy_of(before, tmp_path)
    current = os.readlink(workspace.state_root / "releases" / "current")
    for damage in (garbage, emptied, cut, first_block, everywhere):
        shutil.copyfile(before.warehouse, workspace.warehouse)
        damage(workspace.warehouse)
        refused = workspace.cx("run", "--as-of", SECOND_BOUND)
        assert refused.returncode == 1, (damage.__name__, refused.stdout, refused.stderr)
        assert "cx run --full" in refused.stderr, damage.__name__
        assert len(refused.stderr.strip().splitlines()) == 1, refused.stderr
        assert os.readlink(workspace.state_root / "releases" / "current") == current
    workspace.run("--full", "--as-of", SECOND_BOUND)
    assert_same_marts(small_sample.managers, workspace.managers)
    count("bit_flips", PLACES + 3)
