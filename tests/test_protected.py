"""Paths that no fix may touch, and paths that lead astray."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mityflow.healing.case import NotAllowedError
from mityflow.healing.protected import protected, resolved

_DEFAULTS = (".git/**", ".mity/**", ".env", "tests/**")


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        (".git/config", ".git/**"),
        ("sub/.git/hooks/pre-commit", ".git/**"),
        (".env", ".env"),
        ("backend/.env", ".env"),
        ("tests/test_a.py", "tests/**"),
        ("backend/tests/deep/test_a.py", "tests/**"),
        ("Tests/Test_A.py", "tests/**"),
        ("./tests//test_a.py", "tests/**"),
        ("tests\\test_a.py", "tests/**"),
        ("tests./test_a.py", "tests/**"),
        ("\uff54ests/test_a.py", "tests/**"),
    ],
)
def test_a_path_falls_under_a_pattern(path: str, pattern: str) -> None:
    assert protected(path, _DEFAULTS) == pattern


@pytest.mark.parametrize(
    "path", ["src/main.py", ".env.example", ".gitignore", "mytests/a.py", "src/tests.rs", "environment"]
)
def test_a_path_is_free(path: str) -> None:
    assert protected(path, _DEFAULTS) is None


@pytest.mark.parametrize(
    ("pattern", "path", "found"),
    [
        ("/tests/**", "backend/tests/a", False),
        ("/tests/**", "tests/a", True),
        ("docs/", "docs/a/b", True),
        ("*.pem", "keys/a.pem", True),
        ("src/*.py", "src/a.py", True),
        ("src/*.py", "src/deep/a.py", False),
        ("src/**/*.py", "src/a.py", True),
        ("src/**/*.py", "src/deep/er/a.py", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[x].py", "[x].py", True),
    ],
)
def test_patterns_mean_what_they_say(pattern: str, path: str, found: bool) -> None:
    assert (protected(path, [pattern]) is not None) is found


@given(st.text(max_size=50), st.text(max_size=20))
def test_no_path_or_pattern_raises(path: str, pattern: str) -> None:
    protected(path, [pattern])


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "../x",
        "a/../../x",
        "/etc/passwd",
        "a\\..\\..\\x",
        "C:\\x",
        "~/x",
        "a\0b",
        "link/x",
        "file-link",
        "pipe",
    ],
)
def test_a_path_that_leads_astray_is_refused(tmp_path: Path, path: str) -> None:
    root = tmp_path / "app"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    (root / "file-link").symlink_to("/etc/passwd")
    os.mkfifo(root / "pipe")

    with pytest.raises(NotAllowedError, match=r"path|link|no file"):
        resolved(root, path)


def test_a_path_inside_is_resolved(tmp_path: Path) -> None:
    assert resolved(tmp_path, "./new/deep//file.py") == tmp_path / "new" / "deep" / "file.py"
