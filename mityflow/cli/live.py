"""Live progress on a terminal: what is over stays, what is at work is shown with its time and last line."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from mityflow.cli.progress import PlainProgress
from mityflow.cli.screen import Screen, seconds


class LiveProgress(PlainProgress):
    """Plain lines for what is over, above a line that moves for each station at work."""

    def __init__(self, screen: Screen, *, verbose: bool = False) -> None:
        super().__init__(screen, verbose=verbose)
        self._console = Console(file=screen.stream, no_color=not screen.colours, highlight=False)
        self._live: Live | None = None
        self._spinner = Spinner("dots")
        self._since: dict[str, float] = {}
        self._last: dict[str, str] = {}

    def on_event(self, event: Mapping[str, Any]) -> None:
        """Show the event, the moving lines out of the way."""
        step = event.get("step", "")
        if event["event"] == "step.started" and not self._since:
            super().on_event(event)
            self._since[step] = time.monotonic()
            self._show()
            return
        self._hide()
        if event["event"] == "step.started":
            self._since[step] = time.monotonic()
        elif event["event"] in ("step.completed", "step.waiting", "run.ended"):
            self._since.pop(step, None)
            self._last.pop(step, None)
        super().on_event(event)
        if self._since and event["event"] != "run.ended":
            self._show()

    def _show(self) -> None:
        """Begin with the moving lines below what stands there: a new display knows of no earlier ones."""
        self._live = Live(_AtWork(self), console=self._console, refresh_per_second=8, transient=True)
        self._live.start()

    def _hide(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _output_line(self, step: str, line: bytes) -> None:
        super()._output_line(step, line)
        tail = self._tails.get(step)
        if tail:
            self._last[step] = tail[-1].strip()

    def close(self) -> None:
        """Leave the terminal as it was, if it is still there."""
        with suppress(OSError):
            self._hide()

    def rows(self) -> Table:
        """The moving lines, never wider than the terminal."""
        grid = Table.grid(padding=(0, 1))
        grid.width = max(20, self._console.width - 4)  # room for the ^C that a terminal echoes
        grid.add_column(no_wrap=True, width=3)
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        dim = "dim" if self._screen.colours else ""
        for step, since in list(self._since.items())[: max(1, self._console.height - 2)]:
            name = Text.assemble(Text.from_ansi(self._place(step)), " ", step)
            took = seconds(time.monotonic() - since)
            grid.add_row(self._spinner, name, took, Text(self._last.get(step, ""), style=dim))
        return grid

    @property
    def at_work(self) -> bool:
        """True while a station is at work."""
        return bool(self._since)


class _AtWork:
    def __init__(self, progress: LiveProgress) -> None:
        self._progress = progress

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._progress.at_work:
            yield self._progress.rows()
