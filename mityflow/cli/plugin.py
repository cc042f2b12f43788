"""``plugin check``."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import click

from mityflow.cli.options import complete_plugin, json_option
from mityflow.cli.screen import Screen, printable
from mityflow.testing.installed import Subject, examine, subjects, summary
from mityflow.testing.suite import Outcome
from mityflow.workflow import parse_duration

_MARKS = {"ok": "ok", "failed": "FAILED", "skipped": "skipped", "not checked": "not checked"}
_STYLES = {"ok": "succeeded", "failed": "failed", "skipped": "skipped", "not checked": "skipped"}


@click.group()
def plugin() -> None:
    """Check what plugins promise."""


@plugin.command()
@click.argument("name", required=False, shell_complete=complete_plugin)
@click.option("--timeout", default="2m", show_default=True, metavar="DURATION", help="How long each check may take.")
@json_option("Print the report as JSON.")
def check(name: str | None, timeout: str, as_json: bool) -> int:
    """Check that stations keep their contract: those of the plugin NAME, the station NAME, or all plugins.

    Each station is tried on the example that its plugin declares (entry points mityflow.contracts), in a
    temporary folder and a process of its own. Exit code 0 when nothing failed, 1 otherwise.

    \b
    mityflow plugin check                  every plugin that is installed
    mityflow plugin check mityflow         the built-in stations
    """
    seconds = parse_duration(timeout)
    screen, chosen = Screen(), subjects(name)
    found: dict[Subject, list[Outcome]] = {}
    for subject in chosen:
        if not as_json:
            screen.line(screen.paint(subject.station, "bold") + f"  {subject.distribution} {subject.version}")
        found[subject] = []
        with _ended_in_order():
            for outcome in examine(subject, seconds):
                found[subject].append(outcome)
                if not as_json:
                    screen.line(_line(screen, outcome))
    counts = summary(found)
    if as_json:
        screen.line(json.dumps(_data(found, counts), indent=2))
    elif not chosen:
        screen.line(f"{name} has no stations to check" if name else "no plugin with stations is installed")
    else:
        many = f"{len(found)} station" + ("" if len(found) == 1 else "s")
        screen.line(f"{many}: " + ", ".join(f"{n} {status}" for status, n in counts.items() if n or status == "ok"))
    return 1 if counts["failed"] else 0


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the body as Ctrl-C does: nothing is left running, or in temporary folders."""

    def end(number: int, frame: object) -> None:  # noqa: ARG001 - a handler's signature
        raise click.exceptions.Exit(128 + signal.SIGTERM)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _line(screen: Screen, outcome: Outcome) -> str:
    mark = screen.paint(_MARKS[outcome.status].ljust(11), _STYLES[outcome.status])
    reason = f": {printable(outcome.reason)}" if outcome.reason else ""
    return f"  {mark}  {outcome.check}{reason}"


def _data(found: Mapping[Subject, list[Outcome]], counts: Mapping[str, int]) -> dict[str, object]:
    stations = [
        {
            "station": subject.station,
            "from": f"{subject.distribution} {subject.version}",
            "checks": [outcome._asdict() for outcome in outcomes],
        }
        for subject, outcomes in found.items()
    ]
    return {"stations": stations, "counts": dict(counts)}
