"""What a run needs to be resumed by another process: ``plan.json``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mityflow import __version__
from mityflow.context import WorkflowContext
from mityflow.errors import ResumeError, StoreError, UsageError
from mityflow.plan import Plan
from mityflow.registry import StationRegistry
from mityflow.store import masked_context, masked_values
from mityflow.workflow import Workflow

FORMAT = 1


class Source(NamedTuple):
    """The file a workflow came from, kept with the run."""

    path: Path
    text: str


class Recipe(NamedTuple):
    """A workflow, the context it runs on, and the limits for healing stations.

    ``stored`` is the workflow that the run had so far.
    """

    workflow: Workflow
    context: WorkflowContext
    guardrails: Mapping[str, Any]
    stored: Workflow


def new_recipe(
    run_id: str,
    plan: Plan,
    context: WorkflowContext,
    registry: StationRegistry,
    source: Source | None,
    guardrails: Mapping[str, Any],
) -> dict[str, Any]:
    """The recipe of a run as JSON data; secrets in it are still to be masked."""
    return {
        "format": FORMAT,
        "run_id": run_id,
        "mityflow": __version__,
        "workflow_file": str(source.path) if source else None,
        "workflow_text": source.text if source else None,
        "workflow": plan.workflow.to_data(),
        "digest": plan.workflow.digest(),
        "order": plan.step_ids(),
        "context": context.to_data(),
        "guardrails": guardrails,
        "stations": {name: registry.origin(name)._asdict() for name in plan.workflow.station_names()},
    }


def source_of(recipe: Mapping[str, Any]) -> Source | None:
    """The file that a recipe's workflow came from. Raises StoreError when it cannot be read."""
    path, text = recipe.get("workflow_file"), recipe.get("workflow_text")
    if not isinstance(path, str | None) or not isinstance(text, str | None):
        raise StoreError(f"plan.json of run {recipe.get('run_id')} is damaged: 'workflow_file' is no text")
    return Source(Path(path), text or "") if path else None


def masked(recipe: dict[str, Any], mask: Callable[[Any], Any]) -> dict[str, Any]:
    """The recipe without secrets; the inputs that held one are named, since they are lost."""
    context = masked_context(recipe["context"], mask)
    lost = [name for name, value in recipe["context"]["inputs"].items() if context["inputs"][name] != value]
    return {
        **recipe,
        "workflow_text": mask(recipe["workflow_text"]),
        "workflow": _masked_workflow(recipe["workflow"], mask),
        "context": context,
        "guardrails": mask(recipe["guardrails"]),
        "masked_inputs": lost,
    }


def _masked_workflow(data: Mapping[str, Any], mask: Callable[[Any], Any]) -> dict[str, Any]:
    parts = {key: masked_values(data[key], mask) for key in ("name", "description", "inputs", "env", "outputs")}
    calls = {key: [_masked_call(call, mask) for call in data[key]] for key in ("stations", "finally")}
    return {**data, **parts, **calls, "guardrails": mask(data["guardrails"])}


def _masked_call(call: Mapping[str, Any], mask: Callable[[Any], Any]) -> dict[str, Any]:
    values = {key: masked_values(call[key], mask) for key in ("with", "when", "foreach", "cache") if key in call}
    sub = {"sub": _masked_workflow(call["sub"], mask)} if "sub" in call else {}
    return {**call, **values, **sub}


def stored_workflow(data: Mapping[str, Any], run_id: str) -> Workflow:
    """The workflow of a recipe. Raises StoreError when it cannot be read."""
    from mityflow.shapes import check_workflow

    try:
        path = data.get("workflow_file")
        check_workflow(data["workflow"])
        return Workflow.from_data(data["workflow"], Path(path) if path else None)
    except (KeyError, TypeError, AttributeError, ValueError, UsageError) as error:
        raise StoreError(f"plan.json of run {run_id} is damaged: {error!r}") from error


def restore(
    data: Mapping[str, Any],
    run_id: str,
    workflow: Workflow | None,
    env: Mapping[str, str],
    *,
    edited: bool = False,
    replaced: Collection[str] | None = None,
) -> Recipe:
    """The recipe from its JSON data, with the environment values that were not stored.

    ``replaced`` are inputs that will have another value, where that can be. Raises ResumeError when the workflow means
    something else now and need not be ``edited``, or when a value was masked because it held a secret and so is lost.
    """
    import os

    from mityflow.shapes import check_context

    try:
        stored = stored_workflow(data, run_id)
        digest, kept = data["digest"], data["context"]
        check_context(kept)
        names = [n for n in kept["env_names"] if n not in env and n not in os.environ]
        lost = [name for name in data["masked_inputs"] if name not in (replaced or ())]
    except (KeyError, TypeError, AttributeError, ValueError, UsageError) as error:
        raise StoreError(f"plan.json of run {run_id} is damaged: {error!r}") from error
    workflow = workflow or stored
    if workflow.digest() != digest and not edited:
        changed = changed_parts(stored, workflow)
        what = f" ({changed})" if changed else ""
        raise ResumeError(
            f"the workflow '{stored.id}' is not the one that run {run_id} began with{what}",
            hint="undo the change, go on with 'mityflow resume --with-edits', or start a new run",
        )
    if names:
        raise ResumeError(
            f"the environment value {' and '.join(names)} is not stored and must be given again",
            hint="set it in the environment, or pass env={...} to resume",
        )
    if lost:
        raise ResumeError(
            f"the input {' and '.join(lost)} held a secret and was not stored",
            hint="start a new run" if replaced is None else f"give it again, with -i {lost[0]}=VALUE",
        )
    values = {n: env[n] if n in env else os.environ[n] for n in kept["env_names"]}
    context = WorkflowContext.from_data(kept, values)
    limits = data.get("guardrails") or {}
    if edited:
        limits = workflow.guardrails or {} if stored.guardrails == limits else limits
        context = _with_new_inputs(context, workflow)
    return Recipe(workflow, context, limits, stored)


def _with_new_inputs(context: WorkflowContext, workflow: Workflow) -> WorkflowContext:
    """The context with the inputs that the workflow declares now; the values they have stay."""
    from mityflow.environment import with_inputs
    from mityflow.inputs import missing_inputs, resolve_inputs

    kept = {name: value for name, value in context.inputs.items() if name in workflow.inputs}
    for name in missing_inputs(workflow.inputs, kept):
        raise ResumeError(f"the new input '{name}' has no default", hint="give it one, or start a new run")
    return with_inputs(context, resolve_inputs(workflow.inputs, kept))


def changed_parts(before: Workflow, now: Workflow) -> str:
    """Which parts differ, in words."""
    old, new = before.to_data(), now.to_data()
    steps = {c["id"]: c for c in old["stations"] + old["finally"]}
    steps_now = {c["id"]: c for c in new["stations"] + new["finally"]}
    parts = [f"step '{i}' is gone" for i in steps if i not in steps_now]
    parts += [f"step '{i}' is new" for i in steps_now if i not in steps]
    parts += [f"step '{i}' changed" for i in steps if i in steps_now and steps[i] != steps_now[i]]
    if not parts and list(steps) != list(steps_now):
        parts.append("the order of the steps changed")
    keys = ("id", "inputs", "secrets", "env", "guardrails", "outputs", "max_parallel")
    parts += [f"'{key}' changed" for key in keys if old.get(key) != new.get(key)]
    return ", ".join(parts[:5])
