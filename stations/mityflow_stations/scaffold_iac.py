"""The ``scaffold-iac`` station: Terraform modules that run an application's container in a cloud."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from mityflow.sdk import (
    Artifact,
    IacConfig,
    Option,
    Question,
    Stack,
    Station,
    StationContext,
    StationInput,
    StationOutput,
    StationResult,
    UsageError,
)

ENVIRONMENTS = ("dev", "staging", "prod")
_TEMPLATES = Path(__file__).parent / "iac" / "templates"
_HEALTH_PATH = re.compile(r"/[A-Za-z0-9._~/-]{0,200}")
_EXPOSED = re.compile(r"^\s*EXPOSE\s+(\d{1,5})(?:/tcp)?\s*$", re.IGNORECASE | re.MULTILINE)
_LONGEST_DOCKERFILE = 1_000_000


class ScaffoldIac(Station):
    """Renders modules, and a root module for each of dev, staging and prod, into a folder of the application.

    They run the image of the application with its registry, network, logs, secrets and an identity that may do no
    more than it must. The port and the health path come from the application's Dockerfile and its stack. What
    somebody else wrote, or changed since, is a conflict: nothing is written, unless the settings say otherwise.
    """

    name: ClassVar[str] = "scaffold-iac"
    description: ClassVar[str] = "Write the Terraform code that runs an application's container in a cloud"
    Params = "mityflow_stations.iac_params:ScaffoldIacParams"

    def input(self) -> StationInput:
        """The cloud; the application's name and stack, where the workflow has them."""
        return StationInput(["iac"], optional=["app_name", "stack"])

    def output(self) -> StationOutput:
        """The files, relative to the application's folder; what they say of the container; where an old folder went."""
        return StationOutput(["changed_files", "container"], optional=["kept_path"], artifacts=["infrastructure"])

    def execute(self, context: StationContext) -> StationResult:
        """Render, compare, and write."""
        from mityflow_stations._checks import stack_of

        if context.iac is None:
            return StationResult.failure(
                "there is no iac; give it as the input 'iac', such as {provider: terraform, cloud: aws}"
            )
        try:
            container = _container(context, stack_of(context))
        except UsageError as error:
            return StationResult.failure(error.message)
        return _scaffold(context, context.iac, container)


class _Container(NamedTuple):
    """What runs: where it listens and is asked how it is, and from where the port is known."""

    port: int
    health_path: str
    source: str


def _container(context: StationContext, stack: Stack) -> _Container:
    """Raises UsageError for an application that serves nothing."""
    given = context.values.get("port")
    exposed = _exposed(context.output_path / "Dockerfile")
    if given:
        port, source = given, "the settings"
    elif exposed:
        port, source = exposed, "the Dockerfile"
    elif stack.port:
        port, source = stack.port.default, f"the stack {stack.id}"
    else:
        raise UsageError(
            f"an application of stack '{stack.id}' serves nothing, so that there is no container to run in a cloud"
        )
    health = context.values.get("health_path") or (stack.health.path if stack.health else "")
    if not health:
        raise UsageError(f"stack '{stack.id}' has no health path; set 'health_path'")
    if not _HEALTH_PATH.fullmatch(health):
        raise UsageError(f"the health path {health!r} cannot be written into Terraform's files; set 'health_path'")
    return _Container(port, health, source)


def _exposed(dockerfile: Path) -> int | None:
    """The port that the last stage of a Dockerfile exposes, where it says one."""
    try:
        with dockerfile.open(encoding="utf-8", errors="replace") as stream:
            found = _EXPOSED.findall(stream.read(_LONGEST_DOCKERFILE))
    except OSError:
        return None
    port = int(found[-1]) if found else 0
    return port if 0 < port < 65536 else None


class _Template(NamedTuple):
    """A cloud's files, all of which are rendered."""

    template: Path
    copy_without_rendering: tuple[str, ...] = ()
    literal_braces: tuple[str, ...] = ()


def _scaffold(context: StationContext, iac: IacConfig, container: _Container) -> StationResult:
    from mityflow_stations._placing import ConflictError, Placing, PlacingError
    from mityflow_stations._rendering import TemplateError, render
    from mityflow_stations.iac.naming import short_name

    app_name = context.app_name or context.output_path.name
    path, conflict = context.values.get("path", "infra"), context.values.get("conflict", "fail")
    asks = conflict == "ask"
    if asks:
        conflict = context.answer.option if context.answer and context.answer.option != "stop" else "fail"
    name = short_name(app_name)
    values: dict[str, Any] = {
        "app_name": app_name,
        "name": name,
        "flat_name": name.replace("-", ""),
        "port": str(container.port),
        "health_path": container.health_path,
        "from_environment": "/".join([".."] * (3 + path.count("/"))),
    }
    place = f"{context.app_name}/{path}" if context.app_name else path
    made_from = f"{iac.provider}-{iac.cloud}"
    try:
        files = {
            file.path: file
            for environment in ENVIRONMENTS
            for file in render(_Template(_TEMPLATES / iac.cloud), {**values, "environment": environment})
        }
        placed = Placing(context.workspace, place, made_from).place(sorted(files.values()), conflict)
    except ConflictError as error:
        return _ask(error) if asks and context.answer is None else StationResult.failure(str(error))
    except (TemplateError, PlacingError) as error:
        return StationResult.failure(str(error))
    except OSError as error:
        return StationResult.failure(f"writing to {place} failed: {error}")
    outputs: dict[str, Any] = {
        "changed_files": [f"{path}/{file}" for file in placed.files],
        "container": {"image": name, "port": container.port, "health_path": container.health_path},
    }
    if placed.kept_path:
        outputs["kept_path"] = str(placed.kept_path)
    return StationResult.success(
        outputs=outputs,
        artifacts=[Artifact("infrastructure", place, f"{iac.provider} for {iac.cloud}")],
        message=_message(context, iac, container, placed.written, len(placed.files), placed.kept),
    )


def _ask(error: Exception) -> StationResult:
    head, *lines = str(error).split("\n")
    shown = "\n".join([f"{head}. What is to be done with them?", *lines[:-1]])
    choices = [
        Option("keep", "Leave them as they are", "the other files are written"),
        Option("overwrite", "Move the folder aside", "and write all files anew"),
        Option("stop", "Write nothing", "the run fails"),
    ]
    return StationResult.needs_input(Question("conflict", shown, choices))


def _message(
    context: StationContext, iac: IacConfig, container: _Container, written: int, files: int, kept: list[str]
) -> str:
    from mityflow_stations._checks import counted

    lines = [f"wrote {counted(written, 'file')} for {iac.provider} on {iac.cloud}"]
    if files > written:
        lines[0] += f", {files - written} were there already"
    lines.append(f"container: port {container.port} (from {container.source}), health path {container.health_path}")
    if not (context.output_path / "Dockerfile").is_file():
        lines.append("remark: the application has no Dockerfile; the image must be built in another way")
    return "\n".join([*lines, *(f"left alone: {path}" for path in kept)])
