"""Measures the classifier on the labelled outputs: ``python docs/accuracy.py [--check]``.

Writes ``docs/healing-accuracy.md``; with ``--check`` it only says, as exit code 1, that the page is stale.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from mityflow.healing.classify import classify
from mityflow.healing.rulebook import CLASSES

ROOT = Path(__file__).parent.parent
OUTPUTS = ROOT / "tests" / "outputs"
PAGE = ROOT / "docs" / "healing-accuracy.md"
MARK = "<!-- generated from here on: python docs/accuracy.py -->\n"
_EVERY = 3
_KEPT_APART = ("dotnet-webapi", "electron-app", "frontend-angular", "frontend-react", "frontend-vue")
"""Stacks whose outputs others collected: of these every third is held out."""


class Case(NamedTuple):
    """One output: what it is, what it was read as. ``held_out``: its text was never looked at."""

    name: str
    stack: str
    label: str
    read_as: str
    misleading: bool
    origin: str
    held_out: bool


def cases() -> Iterator[Case]:
    """Every labelled output, classified."""
    for labels in sorted(OUTPUTS.rglob("labels.yaml")):
        stack = labels.parent.name
        apart = labels.parent.parent == OUTPUTS and stack in _KEPT_APART
        for number, (name, known) in enumerate(sorted(_labels(labels).items())):
            found = classify(
                (labels.parent / f"{name}.txt").read_bytes(),
                exit_code=known["exit_code"],
                phase=known["phase"],
                stack=stack,
            )
            held_out = apart and number % _EVERY == _EVERY - 1
            misleading, origin = known["misleading"], known["origin"]
            yield Case(name, stack, known["label"], found.error_type, misleading, origin, held_out)


def _labels(path: Path) -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def share(found: list[Case]) -> str:
    """How many are right, and which part of all that is."""
    right = sum(case.label == case.read_as for case in found)
    return f"{right} of {len(found)} ({100 * right / len(found):.1f} %)" if found else "-"


def page(found: list[Case]) -> Iterator[str]:
    """The tables."""
    yield "| outputs | read right |"
    yield "|---|---:|"
    yield f"| all | {share(found)} |"
    yield f"| every third, kept apart at first | {share([c for c in found if c.held_out])} |"
    yield f"| misleading on purpose | {share([c for c in found if c.misleading])} |"
    yield f"| printed by real commands | {share([c for c in found if c.origin == 'run'])} |"
    yield f"| written from knowledge of the tools | {share([c for c in found if c.origin == 'written'])} |"
    for stack in sorted({c.stack for c in found}):
        yield f"| `{stack}` | {share([c for c in found if c.stack == stack])} |"
    yield ""
    yield "What was read as what; a row is a label, a column what the classifier said:"
    yield ""
    yield f"| label | {' | '.join(CLASSES)} | found | right when said |"
    yield f"|---|{'---:|' * (len(CLASSES) + 2)}"
    counts = Counter((c.label, c.read_as) for c in found)
    for label in CLASSES:
        row = [counts[label, other] for other in CLASSES]
        said = sum(counts[other, label] for other in CLASSES)
        right = counts[label, label]
        cells = " | ".join(str(n) if n else "." for n in row)
        yield f"| {label} | {cells} | {100 * right / max(sum(row), 1):.1f} % | {100 * right / max(said, 1):.1f} % |"


def main(arguments: list[str]) -> int:
    """Measure, and write the page or compare it."""
    found = list(cases())
    text = "\n".join(page(found)) + "\n"
    print(text)
    before = PAGE.read_text(encoding="utf-8").partition(MARK)
    if "--check" in arguments:
        return 0 if before[2] == "\n" + text else 1
    PAGE.write_text(f"{before[0]}{MARK}\n{text}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
