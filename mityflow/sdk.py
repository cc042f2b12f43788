"""Everything a station author imports.

>>> from mityflow.sdk import Station, StationContext, StationResult
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mityflow.context import IacConfig, StackType
from mityflow.errors import Fault, FaultsError, MityError, Problem, UsageError, nearest
from mityflow.station import (
    Answer,
    Artifact,
    Option,
    Question,
    Station,
    StationContext,
    StationInput,
    StationOutput,
    StationResult,
)

if TYPE_CHECKING:
    from mityflow.apps import Launched, end_app, running_apps
    from mityflow.findings import Finding, Severity, at_least, count_by_severity, findings_sarif, sorted_findings
    from mityflow.forms import question_problems
    from mityflow.healing.case import Adjustments, AgentError, Case, NotAllowedError, Proposal, Task
    from mityflow.healing.classify import classify
    from mityflow.healing.consult import Consulted, consult
    from mityflow.healing.diagnosis import Diagnosis
    from mityflow.healing.hands import Hands
    from mityflow.healing.params import GuardrailParams, HealingParams
    from mityflow.healing.specialists import Recipe, Specialist
    from mityflow.healing.station import CommandFailure, SelfHealingStation, Trial
    from mityflow.healing.surfaces import Refusal, refusal
    from mityflow.healing.weaker import weakened
    from mityflow.params import Duration, Form, Params, wrong_settings
    from mityflow.policyfile import Policy, read_policies
    from mityflow.process import CommandError, CommandResult
    from mityflow.stacks import Detect, Health, Stack, Tool, fill, find_stack, stack_names
    from mityflow.workflow import parse_duration

_LATER = {
    "Adjustments": "mityflow.healing.case",
    "AgentError": "mityflow.healing.case",
    "Case": "mityflow.healing.case",
    "CommandError": "mityflow.process",
    "CommandFailure": "mityflow.healing.station",
    "CommandResult": "mityflow.process",
    "Consulted": "mityflow.healing.consult",
    "Detect": "mityflow.stacks",
    "Diagnosis": "mityflow.healing.diagnosis",
    "Duration": "mityflow.params",
    "Finding": "mityflow.findings",
    "Form": "mityflow.params",
    "GuardrailParams": "mityflow.healing.params",
    "Hands": "mityflow.healing.hands",
    "HealingParams": "mityflow.healing.params",
    "Health": "mityflow.stacks",
    "Launched": "mityflow.apps",
    "NotAllowedError": "mityflow.healing.case",
    "Params": "mityflow.params",
    "Policy": "mityflow.policyfile",
    "Proposal": "mityflow.healing.case",
    "Recipe": "mityflow.healing.specialists",
    "Refusal": "mityflow.healing.surfaces",
    "Severity": "mityflow.findings",
    "SelfHealingStation": "mityflow.healing.station",
    "Specialist": "mityflow.healing.specialists",
    "Stack": "mityflow.stacks",
    "Tool": "mityflow.stacks",
    "Task": "mityflow.healing.case",
    "Trial": "mityflow.healing.station",
    "at_least": "mityflow.findings",
    "classify": "mityflow.healing.classify",
    "consult": "mityflow.healing.consult",
    "count_by_severity": "mityflow.findings",
    "end_app": "mityflow.apps",
    "running_apps": "mityflow.apps",
    "fill": "mityflow.stacks",
    "find_stack": "mityflow.stacks",
    "findings_sarif": "mityflow.findings",
    "parse_duration": "mityflow.workflow",
    "question_problems": "mityflow.forms",
    "read_policies": "mityflow.policyfile",
    "refusal": "mityflow.healing.surfaces",
    "sorted_findings": "mityflow.findings",
    "stack_names": "mityflow.stacks",
    "weakened": "mityflow.healing.weaker",
    "wrong_settings": "mityflow.params",
}

__all__ = [
    "Adjustments",
    "AgentError",
    "Answer",
    "Artifact",
    "Case",
    "CommandError",
    "CommandFailure",
    "CommandResult",
    "Consulted",
    "Detect",
    "Diagnosis",
    "Duration",
    "Fault",
    "FaultsError",
    "Finding",
    "Form",
    "GuardrailParams",
    "Hands",
    "HealingParams",
    "Health",
    "IacConfig",
    "Launched",
    "MityError",
    "NotAllowedError",
    "Option",
    "Params",
    "Policy",
    "Problem",
    "Proposal",
    "Question",
    "Recipe",
    "Refusal",
    "SelfHealingStation",
    "Severity",
    "Specialist",
    "Stack",
    "StackType",
    "Station",
    "StationContext",
    "StationInput",
    "StationOutput",
    "StationResult",
    "Task",
    "Tool",
    "Trial",
    "UsageError",
    "at_least",
    "classify",
    "consult",
    "count_by_severity",
    "end_app",
    "fill",
    "find_stack",
    "findings_sarif",
    "nearest",
    "parse_duration",
    "question_problems",
    "read_policies",
    "refusal",
    "running_apps",
    "sorted_findings",
    "stack_names",
    "weakened",
    "wrong_settings",
]


def __getattr__(name: str) -> Any:
    """Load the names that cost start-up time on first use."""
    if name not in _LATER:
        raise AttributeError(f"module 'mityflow.sdk' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(_LATER[name]), name)
