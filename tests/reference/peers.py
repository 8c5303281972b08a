"""What peers did with the like: leave-one-out means over cells that widen until they are enough.

Belongs here: the search for a cell with enough of others, and the mean of that cell. Does not
belong here: what is compared (facts.py names the amounts and the cells).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from fractions import Fraction
from typing import Any

Row = dict[str, Any]
Level = tuple[str, ...]

PEER_FACTS = 30
PEER_AGENTS = 3


def round6(number: Fraction) -> Fraction:
    """Rounded half away from zero to 6 decimals."""
    if 10**6 % number.denominator == 0:
        return number
    scaled = abs(number) * 10**6
    rounded = Fraction((2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator))
    return (rounded if number >= 0 else -rounded) / 10**6


def peer_means(
    rows: list[Row], levels: tuple[Level, ...], amount: Callable[[Row], Fraction | int]
) -> list[Fraction | None]:
    """For each row the mean amount of other agents' rows of its month in the first level of cells
    that has enough of them; None where no level has.

    A level names the columns two rows must share. Rows have agent_id, month and those columns.
    """
    # Per level and cell: agent -> [rows, amount].
    cells: dict[tuple, dict[str, list]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for row in rows:
        for level in levels:
            totals = cells[cell_of(row, level)][row["agent_id"]]
            totals[0] += 1
            totals[1] += amount(row)
    means = []
    for row in rows:
        found = (mean_of_others(cells[cell_of(row, level)], row["agent_id"]) for level in levels)
        means.append(next((mean for mean in found if mean is not None), None))
    return means


def cell_of(row: Row, level: Level) -> tuple:
    return (row["month"], level, *(row[column] for column in level))


def mean_of_others(totals: dict[str, list], agent_id: str) -> Fraction | None:
    """Mean over the others in a cell; None where they are too few to be a yardstick."""
    others = [total for agent, total in totals.items() if agent != agent_id]
    count = sum(total[0] for total in others)
    if count < PEER_FACTS or len(others) < PEER_AGENTS:
        return None
    return round6(Fraction(sum(total[1] for total in others)) / count)
