"""Reads source files in a process of its own: ``python -m mityflow_stations._analysis.reader ROOT RESULTS``.

A parser in C cannot be interrupted, and may crash on what somebody has put there for it. Here it takes no more with it
than one file. The paths come from standard input, NUL after each; what is read is appended to RESULTS.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys

from mityflow.sdk import UsageError
from mityflow_stations._analysis import csharp, java, javascript, python, rust
from mityflow_stations._analysis.model import Language, Missing, Module

SECONDS = 5.0
"""How long one file may take; then the system ends the process."""

LANGUAGES: tuple[Language, ...] = (
    python.Python(),
    javascript.JavaScript(),
    java.Java(),
    csharp.CSharp(),
    rust.Rust(),
)


def language_of(path: str) -> Language | None:
    """Who reads a file of this name."""
    return next((language for language in LANGUAGES if path.endswith(language.suffixes)), None)


def main() -> None:
    """Read file by file, in their order."""
    root, results = sys.argv[1:]
    paths = os.fsdecode(sys.stdin.buffer.read()).split("\0")[:-1]
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with open(results, "wb") as file:
        for path in paths:
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
            pickle.dump(_read(root, path), file)
            file.flush()


def _read(root: str, path: str) -> Module | Missing:
    language = language_of(path)
    assert language is not None  # noqa: S101 - no other file is asked for
    try:
        handle = os.open(os.path.join(root, path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(handle, "rb") as file:
            return language.read(path, file.read())
    except OSError as error:
        return Module(path, "", fault=error.strerror or "cannot be read")
    except UsageError as error:
        return Missing(error.message, error.hint)


if __name__ == "__main__":
    main()
