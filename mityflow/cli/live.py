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
    """Plain lines for what is over, above a line that moves for the station at work."""

    def __init__(self, screen: Screen, *, verbose: bool = False) -> None:
        super().__init__(screen, verbose=verbose)
        self._console = Console(file=screen.stream, no_color=not screen.colours, highlight=False)
        self._live = Live(_AtWork(self), console=self._console, refresh_per_second=8, transient=True)
        self._spinner = Spinner("dots")
        self.step: str | None = None
        self.since = 0.0
        self.last = ""

    def on_event(self, event: Mapping[str, Any]) -> None:
        """Show the event, the moving line out of the way."""
        if event["event"] == "step.started":
            super().on_event(event)
            self.step, self.since, self.last = event["step"], time.monotonic(), ""
            self._live.start()
            return
        self._live.stop()
        self.step = None
        super().on_event(event)

    def _output_line(self, line: bytes) -> None:
        super()._output_line(line)
        self.last = self._tail[-1].strip() if self._tail else self.last

    def close(self) -> None:
        """Leave the terminal as it was, if it is still there."""
        with suppress(OSError):
            self._live.stop()

    def row(self) -> Table:
        """The moving line, never wider than the terminal."""
        grid = Table.grid(padding=(0, 1))
        grid.width = max(20, self._console.width - 4)  # room for the ^C that a terminal echoes
        grid.add_column(no_wrap=True, width=3)
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        took = seconds(time.monotonic() - self.since)
        place = Text.from_ansi(self._place(self.step or ""))
        name = Text.assemble(place, " ", self.step or "")
        grid.add_row(self._spinner, name, took, Text(self.last, style="dim" if self._screen.colours else ""))
        return grid


class _AtWork:
    def __init__(self, progress: LiveProgress) -> None:
        self._progress = progress

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._progress.step:
            yield self._progress.row()
