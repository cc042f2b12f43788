"""A folder for each case: a workflow, the commands a user types, and all that they print.

``tests/cases/workflows/NAME/`` holds ``commands`` (a command line each line; ``VAR=x mityflow ...``
sets variables, other programs than mityflow may be called too) and ``expected.txt``, the transcript.
``UPDATE_GOLDEN=1`` writes the transcripts anew; look at the difference before you keep it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import BIN

CASES = sorted(p.parent for p in (Path(__file__).parent / "cases" / "workflows").glob("*/commands"))
UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))


@pytest.mark.parametrize("case", CASES, ids=lambda p: p.name)
def test_case(case: Path, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    shutil.copytree(case, folder, ignore=shutil.ignore_patterns("commands", "expected.txt"))
    transcript = "".join(
        run_line(line, folder) for line in (case / "commands").read_text().splitlines() if line.strip()
    )
    expected = case / "expected.txt"
    if UPDATE:
        expected.write_text(transcript)
    assert transcript == expected.read_text()


def run_line(line: str, folder: Path) -> str:
    """What a command line prints, as a transcript."""
    words = shlex.split(line)
    env = dict(os.environ, PATH=f"{BIN}:{os.environ['PATH']}")
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        env[name] = value
    done = subprocess.run(
        words, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    return normal(f"$ {line}\n{done.stdout}{done.stderr}[exit {done.returncode}]\n", folder)


def normal(text: str, folder: Path) -> str:
    """The text without what differs from run to run."""
    text = text.replace(os.path.realpath(folder), "HERE").replace(str(folder), "HERE")
    text = re.sub(r"\b\d{8}T\d{6}\.\d{6}Z", "RUN", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?", "TIME", text)
    text = re.sub(r"\b\d+\.\d+( ?s)\b", r"0.0\1", text)
    text = re.sub(r'"pid": ?\d+', '"pid": 1', text)
    return re.sub(r'"by": ?"[^"]*"', '"by": "me"', text)
