"""Golden files: what people read when a workflow file is wrong.

``tests/cases/faults/NAME.yaml`` is wrong as its name says; ``NAME.expected`` is what ``check`` prints.
``UPDATE_GOLDEN=1`` writes them anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mityflow import StationRegistry
from mityflow.prepare import check_file

FOLDER = Path(__file__).parent / "cases" / "faults"
CASES = sorted(FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda p: p.stem)
def test_the_faults_of_a_file_read_as_agreed(case: Path) -> None:
    faults = check_file(case, StationRegistry.discover(), shown=case.name)
    text = "".join(f"{fault}\n" for fault in faults)
    expected = case.with_suffix(".expected")
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(text, encoding="utf-8")
    assert faults, "a case must have a fault"
    assert text == expected.read_text(encoding="utf-8")


def test_a_pattern_that_explodes_is_a_fault_and_no_hang(tmp_path: Path) -> None:
    path = tmp_path / "slow.yaml"
    path.write_text(
        "version: 1\nid: slow\ninputs:\n"
        f'  a: {{type: string, pattern: "^(a+)+$", default: "{"a" * 40}!"}}\n'
        "stations:\n  - station: shell\n    with: {command: [echo]}\n"
    )
    faults = check_file(path, StationRegistry.discover())
    assert [(f.line, "a pattern that explodes" in f.message) for f in faults] == [(4, True)]
