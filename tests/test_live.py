"""Live progress on a real terminal: what stands there at the end is all that happened."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path

import pyte
from conftest import BIN

WORKFLOW = """
version: 1
id: live
max_parallel: 3
stations:
  - station: shell
    id: build
    foreach: [linux, mac, windows, bsd]
    with: {script: "echo compiling {{ item }}; sleep 0.2; echo compiled {{ item }}"}
  - station: shell
    id: lint
    with: {script: "echo linted"}
  - station: shell
    id: last
    needs: [build, lint]
    with: {script: "exit 3"}
"""


def test_no_line_of_what_is_over_is_lost(workspace: Path) -> None:
    (workspace / "w.yaml").write_text(WORKFLOW)
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    running = subprocess.Popen(
        [BIN / "mityflow", "run", "w.yaml"],
        cwd=workspace,
        stdin=side,
        stdout=side,
        stderr=side,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(side)
    screen = pyte.Screen(100, 30)
    stream = pyte.ByteStream(screen)
    try:
        while data := os.read(main, 4096):
            stream.feed(data)
    except OSError:  # the other side is closed: it has ended
        pass
    os.close(main)
    assert running.wait(30) == 1
    shown = [line.rstrip() for line in screen.display if line.strip()]
    assert shown[0].startswith("live  run ")
    over = [line.split()[1:3] for line in shown if "/6 " in line]
    assert sorted(over[:5]) == [[f"build[{i}]", "ok"] for i in range(4)] + [["lint", "ok"]]
    assert over[5] == ["last", "FAILED"]
    assert shown[-4].startswith("failed in ")
    assert shown[-3] == "  last: exit code 3"
