"""``diagnose``: what a command printed when it failed, and why it failed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mityflow.cli.screen import Screen
from mityflow.errors import UsageError

if TYPE_CHECKING:
    from mityflow.healing.diagnosis import Diagnosis
    from mityflow.healing.rulebook import Rule

_PHASES = ("install", "build", "lint", "test", "launch")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--exit-code", type=int, metavar="N", help="What the command ended with.")
@click.option("--phase", type=click.Choice(_PHASES), help="What the command was for.")
@click.option("--stack", metavar="NAME", help="The stack of the application; without it all tools are looked for.")
@click.option("--command", metavar="TEXT", help="The command, where the output does not show it.")
@click.option(
    "--rules",
    "rules_files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="More rules, from a rules file or a guardrails file; may be repeated.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print; json for programs.",
)
def diagnose(
    file: Path,
    exit_code: int | None,
    phase: str | None,
    stack: str | None,
    command: str | None,
    rules_files: tuple[Path, ...],
    form: str,
) -> int:
    """Say which class of error a failed command's output shows, and why.

    FILE holds what the command printed; - reads it from standard input. Nothing is run. Exit code 0 whatever the
    class is, 'Unknown' included; 2 when FILE cannot be read.

    \b
    npm test 2>&1 | mityflow diagnose -
    mityflow diagnose build.log --exit-code 137 --stack rust-api
    """
    from mityflow.healing.classify import diagnoses
    from mityflow.healing.rulebook import rulebook

    more = [rule for path in rules_files for rule in _rules(path)]
    for fault in rulebook().faults:
        print(f"warning: {fault}", file=sys.stderr)  # noqa: T201 - a plugin's fault is no part of the answer
    found = diagnoses(
        _lines(file), exit_code=exit_code, phase=phase or "", stack=stack, command=command or "", more_rules=more
    )
    screen = Screen()
    if form == "json":
        first, *others = (diagnosis.to_data() for diagnosis in found)
        screen.line(json.dumps({**first, "others": others}, indent=2, ensure_ascii=False))
        return 0
    for line in _told(found):
        screen.line(line)
    return 0


def _told(found: list[Diagnosis]) -> Iterator[str]:
    first, *others = found
    place = f"  {first.file}{f':{first.line}' if first.line else ''}" if first.file else ""
    yield f"{first.error_type}{place}"
    for line in first.evidence:
        yield f"  | {line}"
    yield f"why: {first.reason} (rule {first.rule})"
    for name, value in first.details.items():
        yield f"{name}: {value}"
    yield f"signature: {first.signature}"
    if others:
        yield "not the root cause:"
    for other in others:
        yield f"  {other.error_type}: {other.evidence[0]} (rule {other.rule})"


def _lines(file: Path) -> Iterator[str]:
    """The lines of a file, one after another, so that its size does not matter."""
    try:
        if str(file) == "-":
            yield from (line.decode("utf-8", "replace") for line in sys.stdin.buffer)
            return
        with open(file, "rb") as binary:
            head = binary.read(2)
        encoding = "utf-16" if head in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
        with open(file, encoding=encoding, errors="replace", newline="\n") as text:
            yield from text
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error


def _rules(path: Path) -> list[Rule]:
    from mityflow.filekind import kind_of
    from mityflow.healing.rulebook import rules_from_data
    from mityflow.loader import load_guardrails, read_bytes
    from mityflow.rulesfile import read_rules_file
    from mityflow.source import parse

    root = parse(read_bytes(path), str(path)).root
    if kind_of(root.data() if root is not None else None, path.name) == "guardrails":
        return rules_from_data(list(load_guardrails(path).get("rules") or ()), str(path))
    return rules_from_data(read_rules_file(path), str(path))
