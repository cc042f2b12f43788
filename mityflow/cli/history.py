"""``runs``, ``show`` and ``logs``."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click

from mityflow.cli.options import complete_run, json_option, workspace_option
from mityflow.cli.screen import Screen, all_lines, first_line, more_lines, printable, seconds, table
from mityflow.clock import Clock, from_iso
from mityflow.errors import UsageError
from mityflow.log import ExecutionLog
from mityflow.step_ids import below, file_name
from mityflow.store import RunSummary, Store

_CHUNK = 65536
_POLL = 0.2


@click.command()
@workspace_option
@click.option("-n", "--limit", type=click.IntRange(1), default=20, show_default=True, help="How many at most.")
@json_option("Print the list as JSON.")
def runs(workspace: Path, limit: int, as_json: bool) -> int:
    """List the runs of a workspace, the latest first."""
    store = _store(workspace)
    store.try_settle_dead_logs()
    begun = (run_id for run_id in store.run_ids() if store.begun(run_id))
    summaries = [store.summary(run_id) for run_id in islice(begun, limit)]
    screen = Screen()
    if as_json:
        screen.line(json.dumps([s._asdict() for s in summaries], indent=2))
        return 0
    if not summaries:
        screen.line("no runs here yet; start one with 'mityflow run WORKFLOW'")
    for line in table([_run_row(s) for s in summaries]):
        screen.line(line)
    return 0


def _run_row(run: RunSummary) -> list[str]:
    took = ""
    if run.started_at and run.completed_at:
        took = seconds(from_iso(run.completed_at) - from_iso(run.started_at))
    started = run.started_at[:19].replace("T", " ")
    return [run.run_id, run.workflow_id, run.state, started, took, printable(run.error or "")[:100]]


@click.command()
@click.argument("run_ref", metavar="[RUN]", required=False, shell_complete=complete_run)
@workspace_option
@json_option("Print the whole log as JSON.")
def show(run_ref: str | None, workspace: Path, as_json: bool) -> int:
    """Show how RUN went: each station, what it gave, what is asked, how to go on.

    RUN is a run's id, a unique prefix of one, a workflow's id, or nothing for the latest run.
    """
    store = _store(workspace)
    log = store.load(store.find(run_ref))
    store.try_settle_dead_logs()
    screen = Screen()
    if as_json:
        screen.line(json.dumps(log.to_data(), indent=2))
        return 0
    for line in _log_lines(log, screen):
        screen.line(line)
    return 0


def _log_lines(log: ExecutionLog, screen: Screen) -> list[str]:
    state = log.head()["state"]
    lines = [
        f"{printable(log.workflow_name)} ({log.workflow_id})  run {log.run_id}  {screen.paint(state, state)}",
        f"started {log.started_at}" + (f", ended {log.completed_at}" if log.completed_at else ""),
    ]
    lines += [f"input {key} = {printable(json.dumps(value))}" for key, value in log.context.get("inputs", {}).items()]
    rows, messages = [], []
    for number, step in enumerate(log.stations, 1):
        result = log.results.get(step)
        status = result.status if result else "-"
        if step in log.running and not result:
            status = "interrupted" if log.died else "running"
        took = ""
        if result and result.started_at and result.completed_at:
            took = seconds(from_iso(result.completed_at) - from_iso(result.started_at))
        rows.append([f"  {number}", step, status, took, result.message.split("\n", 1)[0] if result else ""])
        messages.append(result.message if result else "")
    for row, message in zip(table(rows), messages, strict=True):
        lines += [printable(row), *(f"      {line}" for line in more_lines(message))]
    for step, notes in log.notes.items():
        lines += _healing_lines(step, notes)
    if log.error:
        lines.append(f"error: {first_line(log.error)}")
    lines += [f"output {key} = {printable(json.dumps(value))}" for key, value in log.workflow_outputs.items()]
    if log.question:
        from mityflow.cli.asking import answer_commands, question_lines

        first, *more = all_lines(log.question.text)
        lines += [f"asks: {first}", *(f"  {line}" for line in more)]
        asked, now = log.results[log.current or ""], Clock().now()
        commands = [command for command, _ in answer_commands(log.run_id, asked, now)]
        lines += [f"  {line}" for line in [*question_lines(asked, now), *commands]]
    elif log.can_resume():
        lines.append(f"go on with: mityflow resume {log.run_id}")
    return lines


def _healing_lines(step: str, notes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each attempt of healing: what failed, who mended it and how, and what came of it."""
    from mityflow.healing.session import HealingSession
    from mityflow.healing.words import cost_text, told

    session = HealingSession()
    lines = []
    for note in notes:
        session.apply(note)
        lines += [f"  {printable(line)}" for line in told(note, session)]
    if not session.actions_taken:
        return []
    count = len(session.actions_taken)
    spent = cost_text(session.cost._asdict())
    end = f"{count} attempt{'' if count == 1 else 's'}, {session.iterations} runs, {seconds(session.elapsed)}{spent}"
    return [f"healing of {step}: {end}", *lines]


@click.command()
@click.argument("run_ref", metavar="[RUN]", required=False, shell_complete=complete_run)
@click.argument("station", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on printing while the run is at work.")
@workspace_option
def logs(run_ref: str | None, station: str | None, follow: bool, workspace: Path) -> int:
    """Print what the stations of RUN printed, or only STATION (a step's id); secrets are masked.

    \b
    mityflow logs                    everything of the latest run
    mityflow logs create-app validate
    """
    store = _store(workspace)
    run_id = store.find(run_ref)
    log = store.load(run_id)
    if station is not None and not any(below(step, station) for step in log.stations):
        from mityflow.errors import nearest

        meant = nearest(station, log.stations)
        raise UsageError(
            f"run {run_id} has no step '{station}'" + (f"; did you mean '{meant}'?" if meant else ""),
            hint=f"one of {', '.join(log.stations)}" if len(log.stations) < 30 else None,
        )
    printer = _Printer(store.run_folder(run_id) / "stations", station)
    while True:
        at_work = follow and not log.state.ended and store.at_work(run_id)
        printer.print_new()
        if not at_work:
            return 0
        time.sleep(_POLL)
        log = store.load(run_id)


class _Printer:
    """Prints files of captured output, each from where it was left."""

    def __init__(self, folder: Path, station: str | None) -> None:
        self._folder = folder
        self._station = station
        self._printed: dict[str, int] = {}

    def print_new(self) -> None:
        """Print what is new in the files, in the order of the steps."""
        names = sorted(os.listdir(self._folder), key=_number) if self._folder.is_dir() else []
        for name in names:
            if self._station is None or _is_of(name, self._station):
                self._print_file(name)
        sys.stdout.flush()

    def _print_file(self, name: str) -> None:
        with open(self._folder / name, "rb") as file:
            file.seek(self._printed.get(name, 0))
            if name not in self._printed and self._station is None:
                sys.stdout.write(f"== {name.removesuffix('.log')}\n")
                sys.stdout.flush()
            while chunk := file.read(_CHUNK):
                sys.stdout.buffer.write(_harmless(chunk) if sys.stdout.isatty() else chunk)
            self._printed[name] = file.tell()


def _is_of(name: str, station: str) -> bool:
    """True for the file of a step, of an item of it, or of a step that it called."""
    step, wanted = name.partition("-")[2].removesuffix(".log"), file_name(station)
    return step.startswith(wanted) and step[len(wanted) : len(wanted) + 1] in ("", "[", ".")


def _harmless(data: bytes) -> bytes:
    """Output without what would steer the terminal; colours stay."""
    return re.sub(rb"\x1b(?!\[[0-9;]*m)|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]", b"", data)


def _number(name: str) -> tuple[int, str]:
    number = name.partition("-")[0]
    return (int(number) if number.isdigit() else 0, name)


def _store(workspace: Path) -> Store:
    return Store(Path(os.path.abspath(workspace)))
