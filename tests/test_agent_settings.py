"""What ``check`` finds in the agents of a guardrails file, and of a workflow that holds them itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mityflow.errors import FaultsError
from mityflow.filekind import check_any_file
from mityflow.healing.agents import AgentSettings
from mityflow.loader import load_guardrails
from mityflow.models.guardrails import AgentModel
from mityflow.registry import StationRegistry


def faults(tmp_path: Path, agent: str, more: str = "") -> list[tuple[str, str | None]]:
    path = tmp_path / "guardrails.yaml"
    path.write_text(f"version: 1\nagents:\n  tester: {agent}\n{more}", encoding="utf-8")
    return [(fault.message, fault.suggestion) for fault in check_any_file(path, StationRegistry.discover())]


@pytest.mark.parametrize(
    "agent",
    [
        "{kind: playbook}",
        "{kind: llm, model: 'openai:gpt-5-mini'}",
        "{kind: llm, model: 'gateway/openai:gpt-5', base_url: 'http://localhost:8000/v1', max_requests: 5}",
        "{kind: llm, model: 'ollama:qwen3:8b', timeout_secs: 1.5, max_cost_usd: 0.5, max_tokens: 9}",
        "{kind: command, command: [my-agent, '{{ task_file }}', '--in={{workspace}}', '{\"a\": {\"b\": 1}}']}",
    ],
)
def test_what_can_work_is_taken(tmp_path: Path, agent: str) -> None:
    assert faults(tmp_path, agent) == []


@pytest.mark.parametrize(
    ("agent", "message", "suggestion"),
    [
        ("{kind: llm}", "the key 'model' is missing", None),
        ("{kind: command}", "the key 'command' is missing", None),
        ("{kind: command, command: []}", "must not be empty", None),
        ("{kind: llm, model: gpt-5}", "is no model with its provider, such as openai:gpt-5-mini", None),
        ("{kind: llm, model: 'openai:'}", "is no model with its provider", None),
        ("{kind: llm, model: 'o:x', base_url: localhost}", "no address that begins with http:// or https://", None),
        ("{kind: llm, model: 'o:x', base_ulr: 'http://x'}", "unknown key 'base_ulr'", "base_url"),
        ("{kind: llm, model: 'o:x', max_requests: 0}", "at least 1", None),
        ("{kind: llm, model: 'o:x', timeout_secs: 0}", "more than 0", None),
        ("{kind: command, command: [x, '{{ taskfile }}']}", "'taskfile' stands for nothing", "task_file"),
        ("{kind: command, command: [x, '{{ nonsense }}']}", "'nonsense' stands for nothing", None),
        ("{kind: command, command: [x, '{{ task_file']}", "holds braces that are no placeholder", None),
        ("{kind: command, command: [x, 'workspace }}']}", "holds braces that are no placeholder", None),
    ],
)
def test_what_cannot_work_is_a_fault(tmp_path: Path, agent: str, message: str, suggestion: str | None) -> None:
    ((found, meant),) = faults(tmp_path, agent)
    assert message in found
    assert meant == suggestion


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cassettes: {mode: replay}\n", "the key 'folder' is missing"),
        ("cassettes: {folder: x, mode: play}\n", "record"),
        ("cassettes: tapes\n", "mapping"),
    ],
)
def test_wrong_cassettes_are_a_fault(tmp_path: Path, text: str, message: str) -> None:
    ((found, _),) = faults(tmp_path, "{kind: playbook}", text)
    assert message in found


def test_the_fault_stands_where_the_placeholder_does(tmp_path: Path) -> None:
    path = tmp_path / "workflow.yaml"
    path.write_text(
        "version: 1\nid: w\nguardrails:\n  agents:\n    tester:\n      kind: command\n      command:\n"
        "        - my-agent\n        - '{{ task }}'\nstations:\n  - {station: shell, with: {command: ['true']}}\n",
        encoding="utf-8",
    )
    (fault,) = check_any_file(path, StationRegistry.discover())
    assert (fault.rule, fault.line, fault.column) == ("placeholder", 9, 11)


def test_a_wrong_guardrails_file_is_refused_before_anything_runs(tmp_path: Path) -> None:
    path = tmp_path / "guardrails.yaml"
    path.write_text(json.dumps({"agents": {"tester": {"kind": "llm", "model": "x"}}}), encoding="utf-8")
    with pytest.raises(FaultsError):
        load_guardrails(path)


def test_the_settings_have_the_keys_and_defaults_of_the_file() -> None:
    fields: dict[str, Any] = {name: field.default for name, field in AgentModel.model_fields.items()}
    assert set(fields) == set(AgentSettings._fields)
    assert AgentSettings().max_requests == fields["max_requests"]
