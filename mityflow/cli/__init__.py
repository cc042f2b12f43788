"""The command line."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the ``mityflow`` command."""
    if sys.argv[1:] == ["--version"]:  # answered at once: scripts and editors ask often
        from mityflow import __version__

        sys.stdout.write(f"mityflow {__version__}\n")
        return
    from mityflow.cli.app import run

    raise SystemExit(run())
