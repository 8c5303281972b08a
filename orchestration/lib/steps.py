"""The steps of a run: who listens to their progress, and what they cost.

Belongs here: naming a step, measuring its wall seconds, CPU seconds and peak memory, telling a
listener (the command line) how far it is, and keeping the figures of a release for `cx status
--timings`.
Does not belong here: what a step does, and anything of Dagster; the assets in orchestration/defs
call this.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

TIMINGS_SUFFIX = ".timings.json"


@dataclass(frozen=True)
class StepEvent:
    """What a listener is told: a step began, came further, ended or failed.

    `done` and `total` count the parts of the step (dbt nodes, marts); both are 0 where there is
    nothing to count. `seconds` is the wall time since the step began; `error` is what a failed
    step died of.
    """

    step: str
    state: Literal["started", "progressed", "finished", "failed"]
    seconds: float = 0.0
    done: int = 0
    total: int = 0
    detail: str = ""
    error: BaseException | None = None


@dataclass(frozen=True)
class StepCost:
    """Cost of one finished step: seconds of wall and CPU time, bytes of peak resident memory.

    CPU seconds include the child processes a step waited for. Peak memory is that of the largest
    single process: this one during the step, or the largest child so far where the step ran one.
    """

    step: str
    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int


_listeners: list[Callable[[StepEvent], None]] = []
_costs: list[StepCost] = []


def listen(listener: Callable[[StepEvent], None]) -> Callable[[], None]:
    """Have `listener` called with every StepEvent of this process; returns the function that ends
    it.
    """
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def forget_costs() -> None:
    """Forget the costs of the run that ends here: a test may run several in one process."""
    _costs.clear()


class Step:
    """A running step; `progress` tells the listeners how many of its parts are done."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._began = time.monotonic()

    def progress(self, done: int, total: int, detail: str = "") -> None:
        """Tell that `done` of `total` parts are done; `detail` names the part just finished."""
        seconds = time.monotonic() - self._began
        _tell(StepEvent(self.name, "progressed", seconds, done, total, detail))


@contextmanager
def step(name: str) -> Iterator[Step]:
    """Run the body as step `name`: told to the listeners, and its cost noted when it ends well."""
    _reset_peak_memory()
    wall, own, children = (
        time.monotonic(),
        _cpu(resource.RUSAGE_SELF),
        _cpu(resource.RUSAGE_CHILDREN),
    )
    _tell(StepEvent(name, "started"))
    try:
        yield Step(name)
    except BaseException as error:
        _tell(StepEvent(name, "failed", time.monotonic() - wall, error=error))
        raise
    children_cpu = _cpu(resource.RUSAGE_CHILDREN) - children
    peak = _peak_memory()
    if children_cpu > 0:
        peak = max(peak, _bytes(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
    wall = time.monotonic() - wall
    cpu = _cpu(resource.RUSAGE_SELF) - own + children_cpu
    _costs.append(StepCost(name, round(wall, 3), round(cpu, 3), peak))
    _tell(StepEvent(name, "finished", wall))


def write_timings(logs_root: Path, release_id: str) -> Path:
    """Write the costs known so far beside the logs of a release; returns the file."""
    logs_root.mkdir(parents=True, exist_ok=True)
    path = logs_root / f"{release_id}{TIMINGS_SUFFIX}"
    building = path.with_name(f".{path.name}.{os.getpid()}")
    building.write_text(
        json.dumps([asdict(cost) for cost in _costs], indent=2) + "\n", encoding="utf-8"
    )
    os.replace(building, path)
    return path


def read_timings(logs_root: Path, release_id: str) -> list[StepCost]:
    """Costs noted for a release, empty where none were kept (another machine, logs cleared)."""
    path = logs_root / f"{release_id}{TIMINGS_SUFFIX}"
    if not path.exists():
        return []
    return [StepCost(**cost) for cost in json.loads(path.read_text(encoding="utf-8"))]


def _tell(event: StepEvent) -> None:
    for listener in list(_listeners):
        listener(event)


def _cpu(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def _bytes(maxrss: int) -> int:
    # ru_maxrss counts bytes on macOS and kibibytes elsewhere.
    return maxrss if sys.platform == "darwin" else maxrss * 1024


def _reset_peak_memory() -> None:
    # Linux lets a process reset its own high-water mark; elsewhere the peak is that of the process
    # so far.
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        return


def _peak_memory() -> int:
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        return _bytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return _bytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
