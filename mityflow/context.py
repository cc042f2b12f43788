"""What a workflow works on: the workspace, the application, its stack and cloud, environment values."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from copy import copy, deepcopy
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, Self

from mityflow.errors import UsageError


class StackType(StrEnum):
    """The stacks mityflow knows by name; a plugin's stack is given as plain text."""

    PYTHON_FASTAPI = "python-fastapi"
    JAVA_SPRINGBOOT = "java-springboot"
    JAVA_QUARKUS = "java-quarkus"
    DOTNET_WEBAPI = "dotnet-webapi"
    RUST_API = "rust-api"
    FRONTEND_REACT = "frontend-react"
    FRONTEND_ANGULAR = "frontend-angular"
    FRONTEND_VUE = "frontend-vue"
    ELECTRON_APP = "electron-app"


CLOUDS = ("azure", "aws", "gcp")


class IacConfig(NamedTuple):
    """Infrastructure as code: which tool describes which cloud."""

    provider: str
    cloud: str

    @classmethod
    def terraform(cls, cloud: str) -> IacConfig:
        """Terraform on ``azure``, ``aws`` or ``gcp``; raises UsageError for any other cloud."""
        if cloud not in CLOUDS:
            raise UsageError(f"unknown cloud '{cloud}'", hint=f"one of {', '.join(CLOUDS)}")
        return cls("terraform", cloud)

    @classmethod
    def from_data(cls, data: Any) -> IacConfig:
        """Read ``{provider: terraform, cloud: azure|aws|gcp}``; raises UsageError for anything else."""
        if not isinstance(data, Mapping) or set(data) != {"provider", "cloud"}:
            raise UsageError("iac must be a mapping {provider: terraform, cloud: azure|aws|gcp}")
        if data["provider"] != "terraform":
            raise UsageError(f"unknown iac provider '{data['provider']}'", hint="use terraform")
        return cls.terraform(data["cloud"])


class WorkflowContext:
    """The workspace a workflow runs on, and what its author knows about the application.

    The ``with_*`` methods return a changed copy, so they can be chained. ``inputs`` are the
    workflow's input values; ``env`` values are secrets: they reach children and expressions, and
    are never written anywhere.

    Raises UsageError when ``app_name`` is not a plain folder name.
    """

    def __init__(
        self,
        workspace: str | os.PathLike[str],
        app_name: str | None = None,
        stack: StackType | str | None = None,
        *,
        inputs: Mapping[str, Any] | None = None,
    ) -> None:
        self.workspace = Path(os.path.abspath(workspace))
        self.app_name = None if app_name is None else _folder_name(app_name)
        self.stack = None if stack is None else str(stack)
        self.iac: IacConfig | None = None
        self.env: Mapping[str, str] = {}
        self.metadata: Mapping[str, Any] = {}
        self.inputs: Mapping[str, Any] = dict(inputs or {})
        self.outputs: MutableMapping[str, Any] = {}

    def with_iac(self, iac: IacConfig) -> Self:
        """A copy that targets this cloud."""
        return self._with(iac=iac)

    def with_env(self, name: str, value: str) -> Self:
        """A copy with an environment value, treated as a secret: shown as ``***`` wherever it appears."""
        if not name or "=" in name or "\0" in name + value:
            raise UsageError(f"'{name}' cannot be an environment variable")
        return self._with(env={**self.env, name: value})

    def with_metadata(self, key: str, value: Any) -> Self:
        """A copy with a piece of data of the caller's; ``value`` is anything JSON can hold."""
        return self._with(metadata={**self.metadata, key: value})

    def with_input(self, key: str, value: Any) -> Self:
        """A copy with the value of a workflow input."""
        return self._with(inputs={**self.inputs, key: value})

    def _with(self, **changes: Any) -> Self:
        other = copy(self)
        other.outputs = dict(self.outputs)
        for name, value in changes.items():
            setattr(other, name, value)
        return other

    @property
    def output_path(self) -> Path:
        """The application's folder: ``<workspace>/<app_name>``, the workspace itself without a name."""
        return self.workspace / self.app_name if self.app_name else self.workspace

    @property
    def templates_path(self) -> Path:
        """Where a workspace keeps stacks of its own: ``<workspace>/templates``."""
        return self.workspace / "templates"

    def set_output(self, key: str, value: Any) -> None:
        """Publish an output; the same as carrying it in the station's result."""
        self.outputs[key] = value

    def get_output(self, key: str, default: Any = None) -> Any:
        """The latest value any station gave this output, or ``default``."""
        value = self.outputs.get(key)
        return default if value is None else deepcopy(value)

    def get_input(self, key: str, default: Any = None) -> Any:
        """An output of an earlier station, else the workflow input of that name, else ``default``."""
        value = self.outputs.get(key)
        if value is None:
            value = self.inputs.get(key)
        return default if value is None else deepcopy(value)

    def to_data(self) -> dict[str, Any]:
        """What may be written down: everything but the values of ``env``, of which only names appear."""
        return {
            "workspace": str(self.workspace),
            "app_name": self.app_name,
            "stack": self.stack,
            "iac": self.iac._asdict() if self.iac else None,
            "inputs": dict(self.inputs),
            "output_path": str(self.output_path),
            "metadata": dict(self.metadata),
            "env_names": sorted(self.env),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any], env: Mapping[str, str]) -> Self:
        """Rebuild a context from :meth:`to_data` and environment values, which are never stored."""
        context = cls(data["workspace"], data["app_name"], data["stack"], inputs=data["inputs"])
        iac = data.get("iac")
        return context._with(iac=IacConfig.from_data(iac) if iac else None, env=dict(env), metadata=data["metadata"])


def _folder_name(name: str) -> str:
    unsafe = not name or name in {".", ".."} or any(c in "/\\\0" or ord(c) < 32 for c in name)
    if unsafe or name.startswith((".mity", ".git")) or len(name.encode()) > 255:
        raise UsageError(f"app_name {name!r} is not a plain folder name")
    return name
