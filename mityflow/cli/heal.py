"""``heal``: the loop of healing around any command, in any folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from mityflow.cli.options import at_work_options, workspace_option
from mityflow.cli.runs import at_work, progress_of, read_guardrails, report
from mityflow.executor import WorkflowExecutor
from mityflow.registry import StationRegistry

_ID = "heal"


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@workspace_option
@click.option("--stack", metavar="NAME", help="The stack of the application, where it has one.")
@click.option(
    "--guardrails", type=click.Path(path_type=Path), metavar="FILE", help="How far healing may go, and who heals."
)
@click.option("--timeout", metavar="TIME", help="How long one run of the command may take, such as 10m.")
@at_work_options
def heal(
    command: tuple[str, ...],
    workspace: Path,
    stack: str | None,
    guardrails: Path | None,
    timeout: str | None,
    answers: Path | None,
    non_interactive: bool,
    verbose: bool,
    as_json: bool,
) -> int:
    """Run COMMAND; where it fails, say why, mend it, and run it again.

    It works on a project that mityflow did not create. Every fix is undone unless the command gets further with
    it; a person is asked when a guardrail is exceeded. What was done stays in the folder's .mity, so that
    'mityflow show' tells it and 'mityflow resume' goes on.

    \b
    mityflow heal -- npm test
    mityflow heal --guardrails guardrails.yaml -- cargo test --locked
    """
    from mityflow.checks import build_plan
    from mityflow.cli.values import Answering, interactive
    from mityflow.context import WorkflowContext
    from mityflow.workflow import Workflow

    settings: dict[str, Any] = {"command": list(command)}
    settings |= {key: value for key, value in (("stack", stack), ("timeout", timeout)) if value is not None}
    workflow = Workflow(_ID, f"Heal {' '.join(command)}").station("heal", with_=settings)
    registry = StationRegistry.discover()
    plan = build_plan(workflow, registry)
    progress = progress_of(as_json=as_json, verbose=verbose)
    answering = Answering(answers, ask=interactive(refused=non_interactive), secrets=[])
    answering.check_steps(plan.step_ids())
    executor = WorkflowExecutor(registry, observer=progress, answers=answering)
    context = WorkflowContext(Path(os.path.abspath(workspace)))
    with at_work(progress, executor):
        log = executor.execute(workflow, context, plan=plan, guardrails=read_guardrails(guardrails))
    return report(log, executor, as_json=as_json)
