"""The shape of what mityflow wrote itself, looked at before it is trusted again.

A journal, a plan or a log that was damaged, or changed by hand, is told from one that is sound where it is
read, and not where its values are used. Whatever is wrong raises TypeError.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mityflow.step_ids import is_step_id

_NONE = type(None)
_NUMBER = (int, float)

_EVENT: dict[str, Any] = {
    "event": str,
    "at": str,
    "run_id": str,
    "workflow_id": str,
    "workflow_name": str,
    "step": str,
    "main_count": int,
    "attempt": int,
    "delay": _NUMBER,
    "then": str,
    "state": str,
    "reason": str,
    "error": (str, _NONE),
    "by": str,
    "pid": (int, _NONE),
    "outputs": dict,
    "context": dict,
    "result": dict,
    "answer": dict,
    "note": dict,
    "plan": dict,
    "items": list,
    "changes": list,
    "warnings": list,
}
_RESULT = {
    "status": str,
    "message": str,
    "outputs": dict,
    "artifacts": list,
    "started_at": (str, _NONE),
    "completed_at": (str, _NONE),
    "attempts": int,
    "cached_from": (str, _NONE),
    "question": (dict, _NONE),
}
_ANSWER = {"option": str, "message": str, "values": (dict, _NONE)}
_CONTEXT = {
    "workspace": str,
    "app_name": (str, _NONE),
    "stack": (str, _NONE),
    "iac": (dict, _NONE),
    "inputs": dict,
    "metadata": dict,
    "env_names": list,
}
_WORKFLOW = {
    "id": str,
    "name": str,
    "description": str,
    "inputs": dict,
    "secrets": list,
    "env": dict,
    "guardrails": (dict, _NONE),
    "stations": list,
    "finally": list,
    "outputs": dict,
    "max_parallel": int,
}
_CALL = {
    "id": str,
    "station": str,
    "workflow": str,
    "with": dict,
    "when": str,
    "timeout": _NUMBER,
    "retry": list,
    "on_failure": str,
    "needs": list,
    "foreach": (list, dict, str),
    "cache": dict,
    "sub": dict,
}
_CACHE = {"paths": list, "key": (str, _NONE)}


def check_event(event: Mapping[str, Any]) -> None:
    """An event of a journal."""
    _kinds(event, _EVENT)
    if not is_step_id(event.get("step", "a")):
        raise TypeError(f"{event['step']!r} is no step")
    for key in ("stations", "steps", "forget", "reopen", "fresh"):
        _step_ids(event.get(key, []), key)
    if "items" in event and bool(event["items"]) != bool(event.get("stations")):
        raise TypeError("'items' and 'stations' do not go together")
    if "context" in event:
        check_context(event["context"])
    _kinds(event.get("result", {}), _RESULT)
    _kinds(event.get("answer", {}), _ANSWER)
    plan = event.get("plan", {})
    for steps in (plan.get("stations", []), *plan.get("items", {}).values()):
        _step_ids(steps, "plan")
    for frame in plan.get("workflows", {}).values():
        _kinds(frame, {"steps": list, "main_count": int})
        _step_ids(frame["steps"], "plan")


def check_context(context: Any) -> None:
    """The data of a context."""
    _kinds(context, _CONTEXT, *_CONTEXT)
    _texts(context["env_names"], "env_names")


def check_workflow(workflow: Any) -> None:
    """The data of a workflow, with those it calls."""
    _kinds(workflow, _WORKFLOW, "id", "stations", "finally")
    _texts(workflow["secrets"], "secrets")
    _texts([*workflow["env"], *workflow["env"].values()], "env")
    _kinds(workflow["inputs"], dict.fromkeys(workflow["inputs"], dict))
    for call in (*workflow["stations"], *workflow["finally"]):
        _kinds(call, _CALL, "id")
        _texts(call.get("needs", []), "needs")
        if "station" not in call and not ("workflow" in call and "sub" in call):
            raise TypeError(f"'{call['id']}' calls nothing")
        if "cache" in call:
            _kinds(call["cache"], _CACHE, "paths")
            _texts(call["cache"]["paths"], "paths")
        if "sub" in call:
            check_workflow(call["sub"])


def _kinds(data: Any, kinds: Mapping[str, Any], *required: str) -> None:
    if not isinstance(data, dict):
        raise TypeError(f"{data!r} is no mapping")
    for key in required:
        if key not in data:
            raise TypeError(f"'{key}' is missing")
    for key, value in data.items():
        if key in kinds and (not isinstance(value, kinds[key]) or (value is True or value is False)):
            raise TypeError(f"'{key}' cannot be {value!r}")


def _texts(values: list[Any], key: str) -> None:
    if not all(isinstance(value, str) for value in values):
        raise TypeError(f"'{key}' is no list of texts")


def _step_ids(values: Any, key: str) -> None:
    if not isinstance(values, list) or not all(isinstance(value, str) and is_step_id(value) for value in values):
        raise TypeError(f"'{key}' is no list of steps")
