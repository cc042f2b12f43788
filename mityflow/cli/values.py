"""Values for a run: from options, from files, from a person at the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

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
    """Answers questions from a file (:func:`mityflow.answers.read_answer`), by step, then by asking.

    An answer of the file is given once, that of a ``foreach`` once to each item: a question that comes
    again goes to the person, if there is one. Values of ``secrets`` are masked in what is said of wrong answers.
    """

    def __init__(self, file: Path | None, *, ask: bool, secrets: Sequence[str] = ()) -> None:
        self._file = dict(mapping_file(file)) if file else {}
        self._given: set[str] = set()
        self._ask = ask
        self._secrets = secrets
        for step, given in self._file.items():
            if not isinstance(given, str | dict):
                raise UsageError(f"the answer for '{step}' must be text, or a mapping; put text in quotes")

    def check_steps(self, steps: Sequence[str]) -> None:
        """Raises UsageError when the file names a step that is not there."""
        known = {*steps, *map(call_of, steps)}
        for step in self._file:
            if step not in known and call_of(step) not in known:
                meant = nearest(step, known)
                raise UsageError(f"no step '{step}' to answer" + (f"; did you mean '{meant}'?" if meant else ""))

    def __call__(self, step: str, question: Question) -> Answer | None:
        """The answer, None when nobody has one."""
        key = next((k for k in (step, call_of(step)) if k in self._file), None)
        if key is not None and step not in self._given:
            self._given.add(step)
            from mityflow.answers import check_answer, read_answer
            from mityflow.masking import Masker

            mask = Masker(os.environ.get(name, "") for name in self._secrets).text
            try:
                return check_answer(question, read_answer(question, self._file[key]), mask)
            except MityError as error:  # the question stays open
                wrong = [str(f) for f in error.faults] if isinstance(error, FaultsError) else [str(error)]
                click.echo("\n".join(f"{step}: {mask(sentence)}" for sentence in wrong), err=True)
                return None
        if not self._ask:
            return None
        from mityflow.cli.asking import ask_question

        return ask_question(step, question)
