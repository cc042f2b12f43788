"""Values for a run: from options, from files, from a person at the terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from mityflow.answers import check_answer
from mityflow.cli.screen import printable
from mityflow.errors import FaultsError, MityError, UsageError, nearest
from mityflow.inputs import missing_inputs, parse_input, why_refused
from mityflow.station import Answer, Question
from mityflow.step_ids import call_of
from mityflow.workflow import Workflow


def interactive(*, refused: bool = False) -> bool:
    """True when a person can be asked: standard input is a terminal, and asking is not refused."""
    return not refused and sys.stdin is not None and sys.stdin.isatty()


def input_values(
    workflow: Workflow, options: Sequence[str], file: Path | None, *, ask: bool, known: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """All input values that were given; those that are missing are asked for if ``ask``.

    ``known`` are values that are settled. Raises UsageError for one of them that is given again.
    """
    values: dict[str, Any] = dict(mapping_file(file)) if file else {}
    for option in options:
        name, equals, text = option.partition("=")
        if not equals:
            raise UsageError(f"'-i {option}' is no KEY=VALUE")
        values[name] = parse_input(name, text, workflow.inputs)
    for name in known or {}:
        if name in values:
            raise UsageError(f"the plan holds the input '{name}' already", hint="save a plan with the other value")
    values |= known or {}
    if ask:
        for name in missing_inputs(workflow.inputs, values):
            values[name] = _ask_input(name, workflow.inputs[name], workflow.inputs)
    return values


def mapping_file(path: Path) -> Mapping[str, Any]:
    """A YAML or JSON file that holds a mapping. Raises FaultsError or UsageError."""
    from mityflow.filecheck import ambiguous, placed
    from mityflow.loader import read_bytes
    from mityflow.source import parse

    source = parse(read_bytes(path), str(path))
    if source.faults or source.root is None:
        raise FaultsError(source.faults)
    data = source.root.data()
    if not isinstance(data, dict):
        raise UsageError(f"{path} must hold a mapping")
    wrong = [placed(problem, source) for problem in ambiguous(source.root, lambda _: False)]
    if wrong:
        raise FaultsError(wrong)
    return data


def _ask_input(name: str, schema: Mapping[str, Any], schemas: Mapping[str, Mapping[str, Any]]) -> Any:
    description = schema.get("description")
    label = f"{name} ({printable(str(description))})" if description else name
    options = schema.get("enum")
    if options:
        return _choose(label, options)
    if schema.get("type") == "boolean":
        return click.confirm(label, err=True)
    while True:
        text = click.prompt(label, err=True)
        try:
            value = parse_input(name, text, schemas)
            wrong = why_refused(value, schema)
        except UsageError as error:
            wrong = [str(error)]
        if not wrong:
            return value
        click.echo(f"  {'; '.join(wrong)}", err=True)


def _choose(label: str, options: Sequence[Any]) -> Any:
    click.echo(f"{label}:", err=True)
    for number, option in enumerate(options, 1):
        click.echo(f"  {number}) {option}", err=True)
    by_text = {str(option): option for option in options}
    while True:
        text = click.prompt(f"1-{len(options)} or a name", err=True).strip()
        if text in by_text:
            return by_text[text]
        if text.isdigit() and 1 <= int(text) <= len(options):
            return options[int(text) - 1]
        click.echo(f"  '{text}' is none of them", err=True)


class Answering:
    """Answers questions from a file (``{step: option}``, ``{step: {option, message}}``), then by asking.

    An answer of the file is given once: a question that comes again goes to the person, if there is one.
    """

    def __init__(self, file: Path | None, *, ask: bool) -> None:
        self._file = dict(mapping_file(file)) if file else {}
        self._ask = ask
        for step, given in self._file.items():
            _answer(step, given)

    def check_steps(self, steps: Sequence[str]) -> None:
        """Raises UsageError when the file names a step that is not there."""
        known = {*steps, *map(call_of, steps)}
        for step in self._file:
            if step not in known and call_of(step) not in known:
                meant = nearest(step, known)
                raise UsageError(f"no step '{step}' to answer" + (f"; did you mean '{meant}'?" if meant else ""))

    def __call__(self, step: str, question: Question) -> Answer | None:
        """The answer, None when nobody has one."""
        if step in self._file:
            answer = _answer(step, self._file.pop(step))
            try:
                check_answer(question, answer)
            except MityError as error:  # the question stays open
                click.echo(f"{step}: {error}", err=True)
                return None
            return answer
        return ask_question(step, question) if self._ask else None


def _answer(step: str, given: Any) -> Answer:
    if isinstance(given, str):
        return Answer(given)
    if isinstance(given, dict) and isinstance(given.get("option"), str) and set(given) <= {"option", "message"}:
        return Answer(given["option"], str(given.get("message", "")))
    raise UsageError(f"the answer for '{step}' must be an option, or a mapping {{option, message}}")


def ask_question(step: str, question: Question) -> Answer:
    """Ask the person at the terminal."""
    click.echo(f"\n{step}: {printable(question.text)}", err=True)
    for number, option in enumerate(question.options, 1):
        more = printable(" - ".join(part for part in (option.label, option.description) if part))
        click.echo(f"  {number}) {option.id}" + (f"  {more}" if more else ""), err=True)
    ids = [option.id for option in question.options]
    while True:
        text = click.prompt(f"1-{len(ids)} or a name", err=True).strip()
        chosen = ids[int(text) - 1] if text.isdigit() and 1 <= int(text) <= len(ids) else text
        found = question.option(chosen)
        if found:
            message = click.prompt("message", default="", show_default=False, err=True) if found.takes_message else ""
            return Answer(chosen, message)
        click.echo(f"  '{text}' is none of them", err=True)
