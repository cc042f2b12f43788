"""Putting steps in an order in which what must come first does, and nothing else moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Ordering(NamedTuple):
    """``order`` lists indices; ``pulled`` maps an index that moved to the one it had to precede.

    ``cycle`` holds the indices of a cycle, each needing the next, when there is one.
    """

    order: list[int]
    pulled: dict[int, int]
    cycle: list[int]


def stable_order(predecessors: Sequence[Sequence[int]]) -> Ordering:
    """Keep the given order, moving a predecessor that comes too late to just before who needs it.

    A depth-first topological sort in the author's order:

    >>> stable_order([[2], [], []])
    Ordering(order=[2, 0, 1], pulled={2: 0}, cycle=[])
    """
    order: list[int] = []
    pulled: dict[int, int] = {}
    done: set[int] = set()
    for start in range(len(predecessors)):
        if start in done:
            continue
        path = [start]
        on_path = {start}
        while path:
            step = path[-1]
            missing = next((p for p in predecessors[step] if p not in done), None)
            if missing is None:
                done.add(step)
                order.append(step)
                on_path.discard(path.pop())
            elif missing in on_path:
                return Ordering(order, pulled, path[path.index(missing) :])
            else:
                if missing > start:
                    pulled[missing] = step
                path.append(missing)
                on_path.add(missing)
    return Ordering(order, pulled, [])
