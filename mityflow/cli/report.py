"""The report of a bug in mityflow itself."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback

from mityflow import __version__
from mityflow.masking import Masker

_LONG = 6
_LIKE_A_SECRET = ("TOKEN", "SECRET", "PASSWORD", "PASSWD", "KEY", "CREDENTIAL", "AUTH")


def write_report(error: BaseException) -> str:
    """Write the report to a file, and say in a sentence where it is."""
    masker = Masker(_values_to_hide())
    text = "\n".join(
        [
            f"mityflow {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"command: {' '.join(sys.argv[1:2])}",
            "",
            "".join(traceback.format_exception(error)),
        ]
    )
    what = masker.text(f"a bug in mityflow: {type(error).__name__}: {error}")
    try:
        fd, path = tempfile.mkstemp(prefix="mityflow-report-", suffix=".txt")
        with os.fdopen(fd, "w", encoding="utf-8", errors="replace") as file:
            file.write(masker.text(text))
    except OSError as fault:
        return f"{what}\n  the report could not be written: {fault}"
    return f"{what}\n  the report is in {path}"


def _values_to_hide() -> list[str]:
    """Values of the environment that may be secrets, and of the inputs on the command line."""
    hidden = [
        value
        for name, value in os.environ.items()
        if any(word in name.upper() for word in _LIKE_A_SECRET) or (len(value) >= _LONG and value[0] not in "/~.")
    ]
    return hidden + [a.partition("=")[2] for a in sys.argv if "=" in a]
