"""What a run shows while it goes: plain lines, JSON events, or live progress on a terminal."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mityflow.cli.screen import Screen, first_line, more_lines, printable, seconds
from mityflow.clock import from_iso
from mityflow.step_ids import call_of, path_of

_TAIL = 20
_KEPT_SHOWN = 12
_WORDS = {"succeeded": "ok", "failed": "FAILED"}


if TYPE_CHECKING:
    from mityflow.healing.session import HealingSession


class JsonProgress:
    """Every event as a line of JSON, as the journal has it."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def on_event(self, event: Mapping[str, Any]) -> None:
        """Write the event."""
        self._screen.line(json.dumps(event))

    def on_output(self, step: str, data: bytes) -> None:
        """Output is in the step's log."""


class PlainProgress:
    """A line when a station starts to be worth waiting for, and one when it is over.

    The end of a failed station's output is shown with it; ``verbose`` shows all output as it comes.
    """

    def __init__(self, screen: Screen, *, verbose: bool = False) -> None:
        self._screen = screen
        self._verbose = verbose
        self._tails: dict[str, deque[str]] = {}
        self._rests: dict[str, bytes] = {}
        self._stations: list[str] = []
        self._numbers: dict[str, int] = {}
        self._last_shown = ""
        self._sessions: dict[str, HealingSession] = {}

    def on_event(self, event: Mapping[str, Any]) -> None:
        """Show what people want to know of the event."""
        show = getattr(self, "_" + event["event"].replace(".", "_"), None)
        if show:
            show(event)

    def on_output(self, step: str, data: bytes) -> None:
        """Keep the end of the output, or show all of it."""
        lines = (self._rests.get(step, b"") + data).split(b"\n")
        self._rests[step] = lines.pop()[-4096:]
        for line in lines if self._verbose else lines[-_TAIL:]:
            self._output_line(step, line)

    def _output_line(self, step: str, line: bytes) -> None:
        text = printable(_plain(line.decode(errors="replace")))
        if self._verbose:
            if step != self._last_shown and len(self._tails) > 1:
                self._screen.line(f"  {self._place(step)} {step}")
            self._last_shown = step
            self._screen.line("    | " + text)
        elif text.strip():
            self._tails.setdefault(step, deque(maxlen=_TAIL)).append(text)

    def _run_started(self, event: Mapping[str, Any]) -> None:
        self.know(event["stations"])
        name = printable(event["workflow_name"])
        self._screen.line(f"{self._screen.paint(name, 'bold')}  run {event['run_id']}")
        self._run_resumed(event)

    def _run_resumed(self, event: Mapping[str, Any]) -> None:
        if "plan" in event:
            self.know(event["plan"]["stations"])
        for warning in event["warnings"]:
            self._screen.line(f"  {self._screen.paint('warning', 'skipped')}: {warning}")
        self._changes([tuple(change) for change in event.get("changes", ())])

    def _changes(self, changes: list[tuple[str, str, str]]) -> None:
        """What is kept, done again, new and gone, and why; what is kept in one line."""
        kept = [step for step, what, _ in changes if what == "kept"]
        if kept:
            more = f" and {len(kept) - _KEPT_SHOWN} more" if len(kept) > _KEPT_SHOWN else ""
            self._screen.line(f"  {self._screen.paint('kept', 'dim')} {', '.join(kept[:_KEPT_SHOWN])}{more}")
        for step, what, why in changes:
            if what != "kept":
                self._screen.line(f"  {self._screen.paint(what, 'bold')} {step}" + (f": {why}" if why else ""))

    def _step_expanded(self, event: Mapping[str, Any]) -> None:
        at = self._stations.index(event["step"]) if event["step"] in self._stations else len(self._stations)
        self.know([*self._stations[:at], *event["stations"], *self._stations[at + 1 :]])

    def know(self, stations: list[str]) -> None:
        """The steps of the run."""
        self._stations = list(stations)
        self._numbers = {s: i for i, s in enumerate(stations, 1)}

    def _step_started(self, event: Mapping[str, Any]) -> None:
        self._tails[event["step"]] = deque(maxlen=_TAIL)
        again = f" (attempt {event['attempt']})" if event["attempt"] > 1 else ""
        if self._verbose or again:
            self._last_shown = event["step"]
            self._screen.line(f"  {self._place(event['step'])} {event['step']}{again}")

    def _step_noted(self, event: Mapping[str, Any]) -> None:
        """What healing does, as it does it; with ``verbose`` the same lines come with the output."""
        from mityflow.healing.session import HealingSession
        from mityflow.healing.words import told

        step, note = event["step"], event["note"]
        session = self._sessions.setdefault(step, HealingSession())
        session.apply(note)
        for line in () if self._verbose else told(note, session):
            style = "dim" if line.startswith("  ") else "waiting"
            self._screen.line(f"      {self._screen.paint(printable(line), style)}")

    def _step_retrying(self, event: Mapping[str, Any]) -> None:
        self._end_output(event["step"])
        message = first_line(event["result"]["message"])
        wait = f" in {seconds(event['delay'])}" if event["delay"] else ""
        self._screen.line(f"  {self._place(event['step'])} {event['step']} failed: {message}; again{wait}")

    def _step_completed(self, event: Mapping[str, Any]) -> None:
        result, step = event["result"], event["step"]
        self._end_output(step)
        status = result["status"]
        took = from_iso(result["completed_at"]) - from_iso(result["started_at"])
        word = self._screen.paint(_WORDS.get(status, status), status)
        message = printable(result["message"].split("\n", 1)[0])
        time = f"  {seconds(took)}" if status not in ("skipped", "cached") else ""
        self._screen.line(f"  {self._place(step)} {step}  {word}{time}" + (f"  {message}" if message else ""))
        for line in more_lines(result["message"]):
            self._screen.line(f"      {line}")
        tail = self._tails.pop(step, ())
        if status == "failed" and not self._verbose:
            for line in tail:
                self._screen.line(self._screen.paint("      | " + line, "dim"))

    def _step_waiting(self, event: Mapping[str, Any]) -> None:
        self._end_output(event["step"])
        result = event["result"]
        word = self._screen.paint("waiting", "waiting")
        self._screen.line(f"  {self._place(event['step'])} {event['step']}  {word}  {first_line(result['message'])}")

    def _run_stopping(self, event: Mapping[str, Any]) -> None:
        self._screen.line(f"  {event['reason']}; stopping")

    def _end_output(self, step: str) -> None:
        rest = self._rests.pop(step, b"")
        if rest:
            self._output_line(step, rest)

    def _place(self, step: str) -> str:
        width = len(str(len(self._numbers)))
        number, known = 0, step
        while known and not number:  # of an item of an earlier attempt only the call may be known
            number = self._numbers.get(known) or self._numbers.get(call_of(known), 0)
            known = path_of(known)
        return self._screen.paint(f"{number:>{width}}/{len(self._numbers)}", "dim")


def _plain(text: str) -> str:
    """A line without escape sequences, as it would stand on a screen after its last carriage return."""
    import re

    text = re.sub(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\-_])", "", text)
    return text.rstrip("\r").rpartition("\r")[2]
