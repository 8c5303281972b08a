"""States to do damage to: copies of what a real run left, so that the shared runs stay whole.

Belongs here: making and copying them, and what has to hold of each after a fault. Does not belong
here: the faults.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import FIRST_BOUND, Workspace, make_once
from tests.published import MARTS

SEED = 20261110


def after_first_run(small_sample: Workspace, runs_root: Path) -> Workspace:
    """The small sample with the first of its two runs behind it; only to be copied."""
    made = Workspace(small_sample.raw_root, runs_root / "first_run" / "state", threads=1)
    make_once(runs_root / "first_run", lambda: made.run("--as-of", FIRST_BOUND))
    return made


def copy_of(workspace: Workspace, folder: Path, threads: int = 1) -> Workspace:
    """A workspace with a state of its own on the same raw files."""
    state = folder / "state"
    shutil.copytree(workspace.state_root, state, symlinks=True)
    return Workspace(workspace.raw_root, state, threads=threads)


def assert_same_marts(one: Path, other: Path) -> None:
    """Both folders hold every mart, byte for byte alike."""
    differing = [
        mart
        for mart in sorted(MARTS)
        if (one / f"{mart}.parquet").read_bytes() != (other / f"{mart}.parquet").read_bytes()
    ]
    assert not differing


def flipped(path: Path, places: int, seed: int = SEED) -> Iterator[tuple[int, int]]:
    """One bit of the file at a time turned over, first and last byte among them, and back again;
    yields place and bit."""
    sound = path.read_bytes()
    mode = path.stat().st_mode
    drawn = random.Random(seed)
    chosen = [0, len(sound) - 1, *(drawn.randrange(len(sound)) for _ in range(places - 2))]
    path.chmod(0o600)
    try:
        for place in chosen:
            bit = drawn.randrange(8)
            damaged = bytearray(sound)
            damaged[place] ^= 1 << bit
            path.write_bytes(damaged)
            yield place, bit
    finally:
        path.write_bytes(sound)
        path.chmod(mode)
