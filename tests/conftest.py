"""Isolation for all tests: no user's git configuration, no colours, no home folder of a person."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mityflow import StationRegistry
from mityflow.clock import Clock

BIN = Path(sys.executable).parent

# Tests start thousands of processes; where bytecode is not kept, each of them compiles all it imports again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Who starts the tests in the background of a shell script has them ignore SIGINT, and all that they start too.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing of the machine's user reaches a test, and nothing of a test reaches the user."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("MITY_RUN_ID", raising=False)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """An empty folder to work on."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
def registry() -> StationRegistry:
    """The stations that are installed."""
    return StationRegistry.discover()


class StoppedClock(Clock):
    """A clock that stands, until a test moves it."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.time = now

    def now(self) -> float:
        return self.time


@pytest.fixture
def clock() -> StoppedClock:
    """A clock that stands."""
    return StoppedClock()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a file, below the test's own folder."""

    def make(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return make
