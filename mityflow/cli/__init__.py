"""The command line."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress


def main() -> None:
    """Entry point of the ``mityflow`` command."""
    if sys.argv[1:] == ["--version"] and sys.stdout:  # answered at once: scripts and editors ask often
        from mityflow import __version__

        with suppress(OSError):
            os.write(sys.stdout.fileno(), f"mityflow {__version__}\n".encode())
        return
    gc.disable()  # starting makes no garbage, and looking for it costs a tenth of a short run
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - for as long as we run
    from mityflow.cli.app import run

    exit_code = run()
    gc.freeze()  # the process ends: nothing is worth taking apart
    raise SystemExit(exit_code)
