"""Write the JSON Schemas of the file models: ``python -m mityflow.models.generate [--check]``."""

from __future__ import annotations

import json
import sys
from typing import Any

from mityflow.models.base import FileModel
from mityflow.models.guardrails import GuardrailsFile
from mityflow.models.log import ExecutionLogFile
from mityflow.models.policy import PolicyFile
from mityflow.models.rules import RulesFile
from mityflow.models.stack import StackFile
from mityflow.models.workflow import WorkflowFile
from mityflow.resources import schemas_folder

MODELS: dict[str, tuple[type[FileModel], str]] = {
    "execution-log": (ExecutionLogFile, "mityflow execution log"),
    "guardrails": (GuardrailsFile, "mityflow guardrails"),
    "policy": (PolicyFile, "mityflow policies"),
    "rules": (RulesFile, "mityflow rules"),
    "stack": (StackFile, "mityflow stack"),
    "workflow": (WorkflowFile, "mityflow workflow"),
}


def schema_of(name: str) -> str:
    """The text of a schema as it belongs into its file."""
    model, title = MODELS[name]
    body = _tidy(model.model_json_schema())
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"mityflow:{name}", "title": title}
    return json.dumps(head | body | head, indent=2, ensure_ascii=False) + "\n"


def stale() -> list[str]:
    """The names of the schemas whose file does not say what the model says."""
    folder = schemas_folder()
    return [
        name
        for name in MODELS
        if not (folder / f"{name}.schema.json").is_file()
        or (folder / f"{name}.schema.json").read_text(encoding="utf-8") != schema_of(name)
    ]


def _tidy(schema: Any) -> Any:
    """A key that may be left out is not written as null; keys that match no pattern are unknown."""
    if isinstance(schema, list):
        return [_tidy(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: _tidy(part) for key, part in schema.items() if (key, part) != ("default", None)}
    if "patternProperties" in schema:
        schema.setdefault("additionalProperties", False)
    options = schema.get("anyOf")
    if options and {"type": "null"} in options and len(options) == 2:
        only = next(option for option in options if option != {"type": "null"})
        return {**only, **{key: part for key, part in schema.items() if key != "anyOf"}}
    return schema


def main(arguments: list[str]) -> int:
    """Write what is stale; with ``--check`` only say so, as exit code 1."""
    names = stale()
    for name in names:
        sys.stdout.write(f"{name}.schema.json is {'stale' if '--check' in arguments else 'written'}\n")
        if "--check" not in arguments:
            (schemas_folder() / f"{name}.schema.json").write_text(schema_of(name), encoding="utf-8")
    return 1 if names and "--check" in arguments else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
