"""Counts that the fault suite prints: how many kills, flips, bad inputs were really tried.

Belongs here: appending one count to the file that CX_FAULT_COUNTS names, and adding them up for
`make faults`. Does not belong here: what is tried.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path


def count(what: str, number: int) -> None:
    """Note that `number` more of `what` were tried; without CX_FAULT_COUNTS nothing is written."""
    path = os.environ.get("CX_FAULT_COUNTS")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"count": what, "n": number}) + "\n")


def total(path: Path) -> Counter[str]:
    """What was tried, and how often, by the notes in a file."""
    tried: Counter[str] = Counter()
    for line in path.read_text("utf-8").splitlines():
        note = json.loads(line)
        tried[note["count"]] += note["n"]
    return tried


if __name__ == "__main__":
    for what, number in sorted(total(Path(sys.argv[1])).items()):
        print(f"{what.replace('_', ' ')}: {number:,}")
