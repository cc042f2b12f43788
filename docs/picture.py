"""Writes ``docs/run.svg``, the picture of a real run of create-app: ``python docs/picture.py``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

COMMAND = ["run", "create-app", "-i", "app_name=my-app"]


def main() -> None:
    """Run the workflow in an empty folder and draw what it printed."""
    program = Path(sys.executable).parent / "mityflow"
    with tempfile.TemporaryDirectory() as folder:
        env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"FORCE_COLOR": "1"}
        done = subprocess.run([program, *COMMAND], cwd=folder, env=env, capture_output=True, text=True, check=True)
    console = Console(record=True, width=88, file=StringIO(), force_terminal=True)
    console.print(Text.from_ansi(f"$ mityflow {' '.join(COMMAND)}\n{done.stdout.rstrip()}"))
    target = Path(__file__).parent / "run.svg"
    drawing = console.export_svg(title="mityflow", unique_id="mityflow")
    drawing = re.sub(r"@font-face \{.*?\}\s*", "", drawing, flags=re.DOTALL)  # the fonts lie elsewhere
    target.write_text(drawing, encoding="utf-8")


if __name__ == "__main__":
    main()
