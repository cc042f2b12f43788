"""What a workflow is given when it begins: its input values in a context, and its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from mityflow.context import IacConfig, WorkflowContext
from mityflow.errors import UsageError
from mityflow.expressions import ExpressionError, render_value
from mityflow.masking import SHORT
from mityflow.process import CommandError, encoded
from mityflow.workflow import Workflow


def with_inputs(context: WorkflowContext, values: Mapping[str, Any]) -> WorkflowContext:
    """The context with all input values; those named after its fields fill them too."""
    filled = WorkflowContext(
        context.workspace,
        values.get("app_name") or context.app_name,
        values.get("stack") or context.stack,
        inputs=values,
    )
    iac = values.get("iac")
    filled.iac = IacConfig.from_data(iac) if iac else context.iac
    filled.env, filled.metadata, filled.outputs = context.env, context.metadata, context.outputs
    return filled


def environment(workflow: Workflow, context: WorkflowContext) -> dict[str, str]:
    """What expressions and children see as ``env``: the workflow's own, its secrets, and those of the context.

    Raises UsageError for a secret that is not set, and for a value that cannot be rendered.
    """
    secrets = _declared(workflow, context) | dict(context.env)
    early = {
        "inputs": context.inputs,
        "env": secrets,
        **{key: context.to_data()[key] for key in _CONTEXT_VALUES},
    }
    try:
        plain = {name: str(render_value(value, early)) for name, value in workflow.env.items()}
        encoded({**plain, **secrets})
    except (ExpressionError, CommandError) as error:
        raise UsageError(f"env: {error}") from error
    return {**plain, **secrets}


def secrets_of(workflow: Workflow, context: WorkflowContext) -> dict[str, str]:
    """The secrets of a workflow and of all that it calls, by name. Raises UsageError for one that is not set."""
    found: dict[str, str] = dict(context.env)
    for each in (workflow, *workflow.called()):
        found |= _declared(each, context)
    return found


def warnings(secrets: Mapping[str, str]) -> list[str]:
    """What the user should know of the secrets."""
    weak = [n for n, value in secrets.items() if any(0 < len(p) < SHORT for p in value.split("\n"))]
    return [f"the secret {n} has fewer than {SHORT} characters: it is masked as a whole word only" for n in weak]


def _declared(workflow: Workflow, context: WorkflowContext) -> dict[str, str]:
    given = {**os.environ, **context.env}
    absent = [name for name in workflow.secrets if name not in given]
    if absent:
        raise UsageError(
            f"the secret {' and '.join(absent)} is not set",
            hint=f"the workflow '{workflow.id}' takes it from the environment",
        )
    return {name: given[name] for name in workflow.secrets}


_CONTEXT_VALUES = ("app_name", "stack", "iac", "metadata", "workspace", "output_path")
