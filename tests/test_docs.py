"""The documentation tells the truth: its examples are run, its reference pages are generated.

In README.md and docs/, a page is one session in an empty folder. ``<!-- file: NAME -->`` before a code
block writes that file. A ``console`` block is run: lines after ``$ `` are commands, the others what they
print, where ``...`` stands for anything within a line; ``[exit N]`` is the exit code if it is not 0.
``<!-- slow -->`` before a block makes it a slow test, run in a copy of the project;
``<!-- slow session -->`` makes the page's session a slow one; ``<!-- not run -->`` leaves a block out.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import BIN

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


class Block(NamedTuple):
    mark: str
    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    pattern = r"(?:<!-- ([^\n]*?) -->\n)?```(\w*)\n(.*?)```"
    return [Block(m[1] or "", m[2], m[3]) for m in re.finditer(pattern, page.read_text(), re.DOTALL)]


def sessions(text: str) -> list[tuple[str, str]]:
    """Commands with what they print."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    return [(part.partition("\n")[0], part.partition("\n")[2]) for part in parts]


def check_command(command: str, expected: str, folder: Path) -> None:
    env = dict(os.environ, PATH=f"{BIN}:{os.environ['PATH']}")
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    printed = done.stdout + done.stderr + (f"[exit {done.returncode}]\n" if done.returncode else "")
    lines = [line.rstrip() for line in expected.splitlines()]
    pattern = "\n".join(".*".join(map(re.escape, line.split("..."))) for line in lines)
    actual = "\n".join(line.rstrip() for line in printed.splitlines())
    assert re.fullmatch(pattern, actual), f"$ {command}\n{actual}\n-- but the page says --\n{expected}"


FIRST = ("README.md", "tutorial.md")
"""What a newcomer reads, and so the quick tests too."""


@pytest.mark.parametrize("page", [p for p in PAGES if p.name in FIRST], ids=lambda p: p.name)
def test_the_examples_of_the_first_pages_do_what_they_say(page: Path, tmp_path: Path) -> None:
    play(page, "", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if p.name not in FIRST], ids=lambda p: p.name)
def test_the_examples_of_a_page_do_what_it_says(page: Path, tmp_path: Path) -> None:
    play(page, "", tmp_path)


def play(page: Path, mark: str, folder: Path) -> None:
    """Write a page's files and run those of its console blocks that have this mark, in their order."""
    for block in blocks(page):
        if block.mark.startswith("file: "):
            path = folder / block.mark.removeprefix("file: ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        elif block.language == "console" and block.mark == mark:
            for command, expected in sessions(block.text):
                check_command(command, expected, folder)


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if "<!-- slow session -->" in p.read_text()], ids=lambda p: p.name)
def test_the_slow_session_of_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    play(page, "slow session", tmp_path)


@pytest.mark.slow
def test_the_slow_examples_do_what_they_say_in_a_fresh_copy_of_the_project(tmp_path: Path) -> None:
    copy = tmp_path / "project"
    shutil.copytree(
        ROOT, copy, ignore=shutil.ignore_patterns(".venv", ".tools", ".git", ".mity", "playground", "__pycache__")
    )
    for page in PAGES:
        for block in blocks(page):
            if block.mark == "slow":
                for command, expected in sessions(block.text):
                    check_command(command, expected, copy)


def test_the_reference_pages_say_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
