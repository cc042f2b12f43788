"""The command line."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Entry point of the ``mityflow`` command."""
    if sys.argv[1:] == ["--version"]:  # answered at once: scripts and editors ask often
        from mityflow import __version__

        sys.stdout.write(f"mityflow {__version__}\n")
        return
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - for as long as we run
    from mityflow.cli.app import run

    raise SystemExit(run())
