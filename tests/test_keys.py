"""A folder for every key of a workflow file: a workflow that uses it, its plan and its log.

``tests/cases/keys/KEY/`` holds ``workflow.yaml``, perhaps ``inputs.yaml`` and what else it needs, and the expected
``plan.json`` and ``log.json``; with a file ``twice`` the log is that of a second run. ``UPDATE_GOLDEN=1`` writes
these anew; look at the difference before you keep it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mityflow import StationRegistry, WorkflowContext, WorkflowExecutor
from mityflow.cli.plans import plan_data
from mityflow.prepare import prepare
from mityflow.resources import schema_text

FOLDER = Path(__file__).parent / "cases" / "keys"
CASES = sorted(p.parent for p in FOLDER.glob("*/workflow.yaml"))
UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))


@pytest.mark.parametrize("case", CASES, ids=lambda p: p.name)
def test_a_key_does_what_its_folder_says(
    case: Path, tmp_path: Path, registry: StationRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "very-secret-token")
    folder = tmp_path / "here"
    shutil.copytree(case, folder, ignore=shutil.ignore_patterns("*.json"))
    values = folder / "inputs.yaml"
    inputs = yaml.safe_load(values.read_text()) if values.exists() else {}
    prepared = prepare(folder / "workflow.yaml", registry, workspace=folder)
    for _ in range(2 if (case / "twice").exists() else 1):
        log = WorkflowExecutor(registry).execute(
            prepared.workflow, WorkflowContext(folder, inputs=inputs), plan=prepared.plan
        )
    expect(case / "plan.json", plan_data(prepared.plan, registry, inputs), folder)
    assert log.path is not None
    expect(case / "log.json", json.loads(log.path.read_text()), folder)


def expect(golden: Path, data: Any, folder: Path) -> None:
    text = json.dumps(data, indent=2, ensure_ascii=False).replace(str(folder), "HERE") + "\n"
    text = re.sub(r"\b\d{8}T\d{6}\.\d{6}Z", "RUN", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME", text)
    text = re.sub(r'"mityflow [^"]*"', '"mityflow VERSION"', text)
    if UPDATE:
        golden.write_text(text)
    assert text == golden.read_text()


SCHEMA = json.loads(schema_text("workflow"))
PARTS = {
    "": SCHEMA["properties"],
    "call": SCHEMA["$defs"]["StationCallModel"]["properties"],
    "retry": SCHEMA["$defs"]["RetryModel"]["properties"],
    "cache": SCHEMA["$defs"]["CacheModel"]["properties"],
    "guardrails": SCHEMA["$defs"]["GuardrailsFile"]["properties"],
}


def folders_and_keys() -> Iterator[tuple[str, str]]:
    """Each key of the schema with the folder that has to use it; ``id`` means a workflow and a step."""
    for part, keys in PARTS.items():
        for key in keys:
            if part == "call" and key == "id":
                yield "step-id", key
            else:
                yield (part if part not in ("", "call") else key), key


@pytest.mark.parametrize(("folder", "key"), list(folders_and_keys()))
def test_every_key_of_the_schema_is_used_in_its_folder(folder: str, key: str) -> None:
    workflow = yaml.safe_load((FOLDER / folder / "workflow.yaml").read_text())
    assert key in keys_of(workflow)
    for golden in ("plan.json", "log.json"):
        assert (FOLDER / folder / golden).is_file()


def test_every_part_of_the_schema_is_looked_at() -> None:
    known = {"StationCallModel", "RetryModel", "CacheModel", "GuardrailsFile"}
    closed = {name for name, part in SCHEMA["$defs"].items() if "properties" in part}
    agents = closed - known
    used = keys_of(yaml.safe_load((FOLDER / "guardrails" / "workflow.yaml").read_text()))
    for name in agents:
        assert set(SCHEMA["$defs"][name]["properties"]) <= used, name


def keys_of(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {str(key) for key in value} | {key for part in value.values() for key in keys_of(part)}
    return {key for part in value for key in keys_of(part)} if isinstance(value, list) else set()


@pytest.mark.parametrize("folder", sorted({folder for folder, _ in folders_and_keys()}))
def test_every_key_has_a_reference_page_with_its_example(folder: str) -> None:
    page = Path(__file__).parent.parent / "docs" / "reference" / "keys" / f"{folder}.md"
    assert (FOLDER / folder / "workflow.yaml").read_text() in page.read_text()
