"""``run`` and ``resume``."""

from __future__ import annotations

import gc
import json
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from mityflow.cli.options import (
    complete_run,
    complete_workflow,
    input_options,
    json_option,
    workspace_option,
)
from mityflow.cli.progress import JsonProgress, PlainProgress
from mityflow.cli.screen import Screen, printable, seconds
from mityflow.clock import Clock, from_iso
from mityflow.errors import MityError, UsageError
from mityflow.executor import WorkflowExecutor
from mityflow.log import ExecutionLog, ExecutionState
from mityflow.recipe import Source
from mityflow.registry import StationRegistry
from mityflow.station import Answer

_EXIT = {
    ExecutionState.COMPLETED: 0,
    ExecutionState.FAILED: 1,
    ExecutionState.WAITING: 3,
}


@click.command()
@click.argument("workflow", shell_complete=complete_workflow)
@input_options
@workspace_option
@click.option("--guardrails", type=click.Path(path_type=Path), metavar="FILE", help="Limits for stations that heal.")
@click.option("--answers", type=click.Path(path_type=Path), metavar="FILE", help="Answers to questions, by step.")
@click.option("--non-interactive", is_flag=True, help="Ask nothing, even on a terminal.")
@click.option("-v", "--verbose", is_flag=True, help="Show all that the stations print.")
@json_option("Print every event as a line of JSON.")
def run(
    workflow: str,
    inputs: tuple[str, ...],
    inputs_file: Path | None,
    workspace: Path,
    guardrails: Path | None,
    answers: Path | None,
    non_interactive: bool,
    verbose: bool,
    as_json: bool,
) -> int:
    """Run WORKFLOW: a file, or the name of a predefined or plugin workflow.

    \b
    mityflow run create-app -i app_name=my-app -i stack=python-fastapi
    mityflow run ci.yaml --workspace ../service --non-interactive
    """
    from mityflow.catalog import find_workflow
    from mityflow.cli.values import Answering, input_values, interactive
    from mityflow.context import WorkflowContext
    from mityflow.inputs import resolve_inputs
    from mityflow.prepare import CheckCache, prepare
    from mityflow.store import FOLDER

    ask = interactive(refused=non_interactive)
    workspace = Path(os.path.abspath(workspace))
    registry = StationRegistry.discover()
    cache = CheckCache(workspace / FOLDER)
    path = find_workflow(workflow)
    prepared = prepare(path, registry, cache, shown=_shown(workflow, path))
    with _masked_faults(prepared.workflow.secrets):
        values = input_values(prepared.workflow, inputs, inputs_file, ask=ask)
        context = WorkflowContext(workspace, inputs=resolve_inputs(prepared.workflow.inputs, values))
    progress = _progress(as_json=as_json, verbose=verbose)
    answering = Answering(answers, ask=ask, secrets=prepared.workflow.secrets)
    answering.check_steps(list(prepared.plan.steps))
    executor = WorkflowExecutor(registry, observer=progress, answers=answering)
    with _at_work(progress, executor):
        log = executor.execute(
            prepared.workflow,
            context,
            plan=prepared.plan,
            source=Source(path.absolute(), prepared.text),
            guardrails=_guardrails(guardrails),
        )
    cache.save()
    return _report(log, executor, as_json=as_json)


@click.command()
@click.argument("run_ref", metavar="[RUN]", required=False, shell_complete=complete_run)
@workspace_option
@click.option(
    "--answer", metavar="TEXT", help="The answer to the question the run waits with: an option, or a form as JSON."
)
@click.option("--message", metavar="TEXT", default="", help="A text that goes with the answer.")
@click.option("--answers", type=click.Path(path_type=Path), metavar="FILE", help="Answers to questions, by step.")
@click.option("--non-interactive", is_flag=True, help="Ask nothing, even on a terminal.")
@click.option("-v", "--verbose", is_flag=True, help="Show all that the stations print.")
@json_option("Print every event as a line of JSON.")
def resume(
    run_ref: str | None,
    workspace: Path,
    answer: str | None,
    message: str,
    answers: Path | None,
    non_interactive: bool,
    verbose: bool,
    as_json: bool,
) -> int:
    """Go on with RUN where it stopped; what completed does not run again.

    RUN is a run's id, a unique prefix of one, a workflow's id, or nothing for the latest run.

    \b
    mityflow resume
    mityflow resume --answer retry
    mityflow resume --answer '{"region": "eu", "replicas": 3}'
    """
    from mityflow.cli.values import Answering, interactive
    from mityflow.store import Store

    if message and answer is None:
        raise UsageError("--message goes with --answer")
    ask = interactive(refused=non_interactive)
    registry = StationRegistry.discover()
    store = Store(Path(os.path.abspath(workspace)))
    run_id = store.find(run_ref)
    log = store.load(run_id)
    progress = _progress(as_json=as_json, verbose=verbose)
    if isinstance(progress, PlainProgress):
        progress.know(log.stations)
    plan = store.plan(run_id)
    answering = Answering(answers, ask=ask, secrets=_secrets(plan))
    answering.check_steps(log.stations)
    executor = WorkflowExecutor(registry, observer=progress, answers=answering)
    with _at_work(progress, executor):
        log = executor.resume(
            log,
            answer=_answer(log, answer, message) if answer is not None else None,
            workflow=_present_workflow(plan),
        )
    return _report(log, executor, as_json=as_json)


def _answer(log: ExecutionLog, text: str, message: str) -> Answer:
    """The answer in this text, for what the run asks now."""
    if log.question is None:
        return Answer(text, message)
    from mityflow.answers import read_answer

    return read_answer(log.question, text, message)


def _secrets(plan: Mapping[str, Any]) -> list[str]:
    workflow = plan.get("workflow")
    return list(workflow.get("secrets", ())) if isinstance(workflow, dict) else []


def _shown(ref: str, path: Path) -> str:
    """How faults name the file: as it was given."""
    return ref if ref == str(path) else str(path)


def _guardrails(path: Path | None) -> Mapping[str, Any] | None:
    if path is None:
        return None
    from mityflow.loader import load_guardrails

    return load_guardrails(path)


def _present_workflow(plan: Mapping[str, Any]) -> Any:
    """The workflow as its file says now; None when the file is gone."""
    file = plan.get("workflow_file")
    if not file or not Path(file).is_file():
        return None
    from mityflow.loader import load_workflow

    return load_workflow(Path(file))


def _progress(*, as_json: bool, verbose: bool) -> Any:
    screen = Screen()
    if as_json:
        return JsonProgress(screen)
    if screen.stream.isatty() and not verbose and os.environ.get("TERM") != "dumb":
        from mityflow.cli.live import LiveProgress

        return LiveProgress(screen)
    return PlainProgress(screen, verbose=verbose)


@contextmanager
def _masked_faults(secrets: Sequence[str]) -> Iterator[None]:
    """What is said of wrong values must not show a secret that one of them holds."""
    try:
        yield
    except MityError as error:
        from mityflow.masking import Masker

        masker = Masker(os.environ.get(name, "") for name in secrets)
        raise UsageError(masker.text(str(error))) if masker else error from None


@contextmanager
def _at_work(progress: Any, executor: WorkflowExecutor) -> Iterator[None]:
    """A run may be long, so garbage is looked for again; at the end the terminal is left as it was.

    Who is interrupted at a question leaves the run waiting.
    """
    gc.freeze()
    gc.enable()
    try:
        yield
    except (click.Abort, KeyboardInterrupt) as error:
        click.echo("\nthe question stays open; 'mityflow resume' asks it again", err=True)
        raise click.exceptions.Exit(_interrupted(executor)) from error
    finally:
        close = getattr(progress, "close", None)
        if close:
            close()


def _report(log: ExecutionLog, executor: WorkflowExecutor, *, as_json: bool) -> int:
    """Say how it ended and what to do now; the exit code."""
    code = _interrupted(executor) if log.state is ExecutionState.CANCELLED else _EXIT[log.state]
    if as_json:
        return code
    screen = Screen()
    took = ""
    if log.started_at and log.completed_at:
        took = f" in {seconds(from_iso(log.completed_at) - from_iso(log.started_at))}"
    screen.line(f"{screen.paint(str(log.state), log.state.value)}{took}")
    for key, value in log.workflow_outputs.items():
        screen.line(f"  {key}: {printable(value.strip() if isinstance(value, str) else json.dumps(value))}")
    if log.error:
        screen.line(f"  {printable(log.error)}")
    for line in _what_now(log):
        screen.line(f"  {line}")
    return code


def _interrupted(executor: WorkflowExecutor) -> int:
    return 130 if executor.signal in (None, signal.SIGINT) else 143


def _what_now(log: ExecutionLog) -> list[str]:
    if log.question:
        from mityflow.cli.asking import answer_commands, question_lines

        asked, now = log.results[log.current or ""], Clock().now()
        commands = [(f"answer with: {c}", label) for c, label in answer_commands(log.run_id, asked, now)]
        lines = [c + (f"  ({label})" if label else "") for c, label in commands]
        return [printable(log.question.text), *question_lines(asked, now), *lines]
    if log.state is ExecutionState.COMPLETED:
        return []
    return [f"details: mityflow show {log.run_id}", f"go on:   mityflow resume {log.run_id}"]
