"""``run`` and ``resume``."""

from __future__ import annotations

import gc
import json
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from mityflow.cli.options import (
    at_work_options,
    complete_run,
    complete_workflow,
    input_options,
    workspace_option,
)
from mityflow.cli.progress import JsonProgress, PlainProgress
from mityflow.cli.screen import Screen, all_lines, first_line, printable, seconds
from mityflow.clock import Clock, from_iso
from mityflow.errors import MityError, UsageError
from mityflow.executor import WorkflowExecutor
from mityflow.log import ExecutionLog, ExecutionState
from mityflow.plan import Plan
from mityflow.recipe import Source, source_of, stored_workflow
from mityflow.registry import StationRegistry
from mityflow.station import Answer
from mityflow.workflow import Workflow

if TYPE_CHECKING:
    from mityflow.prepare import CheckCache

_EXIT = {
    ExecutionState.COMPLETED: 0,
    ExecutionState.FAILED: 1,
    ExecutionState.WAITING: 3,
}


@click.command()
@click.argument("workflow", required=False, shell_complete=complete_workflow)
@input_options
@workspace_option
@click.option("--plan", "plan_file", type=click.Path(path_type=Path), metavar="FILE", help="Run a saved plan.")
@click.option("--guardrails", type=click.Path(path_type=Path), metavar="FILE", help="Limits for stations that heal.")
@at_work_options
def run(
    workflow: str | None,
    inputs: tuple[str, ...],
    inputs_file: Path | None,
    workspace: Path,
    plan_file: Path | None,
    guardrails: Path | None,
    answers: Path | None,
    non_interactive: bool,
    verbose: bool,
    as_json: bool,
) -> int:
    """Run WORKFLOW: a file, or the name of a predefined or plugin workflow.

    With --plan it runs what 'mityflow plan -o FILE' saved, or refuses when anything differs now.

    \b
    mityflow run create-app -i app_name=my-app -i stack=python-fastapi
    mityflow run ci.yaml --workspace ../service --non-interactive
    """
    from mityflow.cli.values import Answering, input_values, interactive
    from mityflow.context import WorkflowContext
    from mityflow.inputs import resolve_inputs
    from mityflow.prepare import CheckCache
    from mityflow.store import FOLDER

    if (workflow is None) == (plan_file is None):
        raise click.UsageError("Give a WORKFLOW, or a saved plan with --plan.")
    ask = interactive(refused=non_interactive)
    workspace = Path(os.path.abspath(workspace))
    registry = StationRegistry.discover()
    cache = CheckCache(workspace / FOLDER)
    todo = _from_plan(plan_file, registry, workspace) if plan_file else _from_file(workflow, registry, cache, workspace)
    with _masked_faults(todo.workflow.secrets):
        values = input_values(todo.workflow, inputs, inputs_file, ask=ask, known=todo.inputs)
        context = WorkflowContext(workspace, inputs=resolve_inputs(todo.workflow.inputs, values))
    progress = progress_of(as_json=as_json, verbose=verbose)
    _warn(_lock_warnings(todo.workflow, todo.source.path, registry), as_json=as_json)
    answering = Answering(answers, ask=ask, secrets=_secrets(todo.workflow))
    answering.check_steps(todo.plan.step_ids())
    executor = WorkflowExecutor(registry, observer=progress, answers=answering)
    with at_work(progress, executor):
        log = executor.execute(
            todo.workflow, context, plan=todo.plan, source=todo.source, guardrails=read_guardrails(guardrails)
        )
    cache.save()
    return report(log, executor, as_json=as_json)


class _Todo(NamedTuple):
    """What is to be run; ``inputs`` are values that are settled already."""

    workflow: Workflow
    plan: Plan
    source: Source
    inputs: Mapping[str, Any]


def _from_file(workflow: str | None, registry: StationRegistry, cache: CheckCache, workspace: Path) -> _Todo:
    from mityflow.catalog import find_workflow
    from mityflow.prepare import prepare

    path = find_workflow(workflow or "")
    prepared = prepare(path, registry, cache, shown=_shown(workflow or "", path), workspace=workspace)
    return _Todo(prepared.workflow, prepared.plan, Source(path.absolute(), prepared.text), {})


def _from_plan(file: Path, registry: StationRegistry, workspace: Path) -> _Todo:
    from mityflow.checks import build_plan
    from mityflow.saved_plan import read_plan, refuse_drift

    saved = read_plan(file)
    plan = build_plan(saved.workflow, registry)
    refuse_drift(saved, _file_now(saved.source.path, workspace), plan, registry)
    return _Todo(saved.workflow, plan, saved.source, saved.inputs)


@click.command()
@click.argument("run_ref", metavar="[RUN]", required=False, shell_complete=complete_run)
@workspace_option
@click.option(
    "--answer", metavar="TEXT", help="The answer to the question the run waits with: an option, or a form as JSON."
)
@click.option("--message", metavar="TEXT", default="", help="A text that goes with the answer.")
@click.option("--from", "from_step", metavar="STATION", help="Run this station again, and all that comes after it.")
@click.option("--with-edits", is_flag=True, help="Take the workflow file as it is now; say first what is re-run.")
@at_work_options
def resume(
    run_ref: str | None,
    workspace: Path,
    answer: str | None,
    message: str,
    from_step: str | None,
    with_edits: bool,
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
    mityflow resume --from build            also of a run that completed
    mityflow resume --with-edits            after the workflow file was changed
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
    plan = store.plan(run_id)
    stored = source_of(plan)
    present, source = _present(stored, store.workspace, registry, edited=with_edits)
    progress = progress_of(as_json=as_json, verbose=verbose)
    if isinstance(progress, PlainProgress):
        progress.know(log.stations)
    answering = Answering(answers, ask=ask, secrets=_secrets(stored_workflow(plan, run_id)))
    if not with_edits:
        answering.check_steps(log.stations)
    if present and stored:
        _warn(_lock_warnings(present, stored.path, registry), as_json=as_json)
    executor = WorkflowExecutor(registry, observer=progress, answers=answering)
    with at_work(progress, executor):
        log = executor.resume(
            log,
            answer=_answer(log, answer, message) if answer is not None else None,
            workflow=present,
            from_step=from_step,
            with_edits=with_edits,
            source=source,
        )
    return report(log, executor, as_json=as_json)


def _secrets(workflow: Workflow) -> list[str]:
    return [name for each in (workflow, *workflow.called()) for name in each.secrets]


def _answer(log: ExecutionLog, text: str, message: str) -> Answer:
    """The answer in this text, for what the run asks now."""
    if log.question is None:
        return Answer(text, message)
    from mityflow.answers import read_answer

    return read_answer(log.question, text, message)


def _present(
    stored: Source | None, workspace: Path, registry: StationRegistry, *, edited: bool
) -> tuple[Workflow | None, Source | None]:
    """The workflow as its file says now, fully checked where its edits are to be taken."""
    if not edited:
        return (_file_now(stored.path, workspace) if stored else None), None
    if stored is None or not stored.path.is_file():
        where = f"the file {stored.path} is gone" if stored else "the run came from no file"
        raise UsageError(f"{where}, so there are no edits to take")
    from mityflow.prepare import prepare

    shown = os.path.relpath(stored.path)
    shown = str(stored.path) if shown.startswith("..") else shown
    prepared = prepare(stored.path, registry, shown=shown, workspace=workspace)
    return prepared.workflow, Source(stored.path, prepared.text)


@click.command()
@click.argument("run_ref", metavar="[RUN]", required=False, shell_complete=complete_run)
@input_options
@workspace_option
@at_work_options
def rerun(
    run_ref: str | None,
    inputs: tuple[str, ...],
    inputs_file: Path | None,
    workspace: Path,
    answers: Path | None,
    non_interactive: bool,
    verbose: bool,
    as_json: bool,
) -> int:
    """Run again what RUN ran, as a new run, with other inputs where they are given.

    The workflow is the one that RUN had, also when its file has changed since.

    \b
    mityflow rerun -i target=staging
    mityflow rerun create-app -i app_name=another
    """
    from mityflow.cli.values import Answering, input_values, interactive
    from mityflow.store import Store

    ask = interactive(refused=non_interactive)
    registry = StationRegistry.discover()
    store = Store(Path(os.path.abspath(workspace)))
    run_id = store.find(run_ref)
    log = store.load(run_id)
    stored = store.plan(run_id)
    workflow = stored_workflow(stored, run_id)
    with _masked_faults(workflow.secrets):
        values = input_values(workflow, inputs, inputs_file, ask=False)
    source = source_of(stored)
    if source and (now := _file_now(source.path, store.workspace)) and now.digest() != workflow.digest():
        _warn([f"{source.path} has changed since; this runs what run {run_id} ran"], as_json=as_json)
    progress = progress_of(as_json=as_json, verbose=verbose)
    executor = WorkflowExecutor(
        registry, observer=progress, answers=Answering(answers, ask=ask, secrets=_secrets(workflow))
    )
    with at_work(progress, executor), _masked_faults(workflow.secrets):
        log = executor.rerun(log, inputs=values)
    return report(log, executor, as_json=as_json)


def _lock_warnings(workflow: Workflow, file: Path, registry: StationRegistry) -> list[str]:
    """What differs from the lock file beside the workflow; raises UsageError where a promise is broken."""
    if not os.path.exists(f"{file}.lock"):
        return []
    from mityflow.pins import check_lock

    return check_lock(workflow, file, registry)


def _warn(warnings: Sequence[str], *, as_json: bool) -> None:
    for warning in warnings if not as_json else ():
        click.echo(f"{click.style('warning', fg='yellow')}: {printable(warning)}", err=True)


def _shown(ref: str, path: Path) -> str:
    """How faults name the file: as it was given."""
    return ref if ref == str(path) else str(path)


def read_guardrails(path: Path | None) -> Mapping[str, Any] | None:
    """The settings of a guardrails file, None without one. Raises FaultsError."""
    if path is None:
        return None
    from mityflow.loader import load_guardrails

    return load_guardrails(path)


def _file_now(path: Path, workspace: Path) -> Workflow | None:
    """The workflow as its file says now; None when the file is gone."""
    if not path.is_file():
        return None
    from mityflow.workflow_files import load_workflow

    return load_workflow(path, workspace=workspace)


def progress_of(*, as_json: bool, verbose: bool) -> Any:
    """Who shows a run: on a terminal, piped, or as JSON."""
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
def at_work(progress: Any, executor: WorkflowExecutor) -> Iterator[None]:
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


def report(log: ExecutionLog, executor: WorkflowExecutor, *, as_json: bool) -> int:
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
        screen.line(f"  {first_line(log.error)}")
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
        return [*all_lines(log.question.text), *question_lines(asked, now), *lines]
    if log.state is ExecutionState.COMPLETED:
        return []
    return [f"details: mityflow show {log.run_id}", f"go on:   mityflow resume {log.run_id}"]
