"""Asking a person at the terminal: a choice among options, or a form field by field."""

from __future__ import annotations

import json
import os
import select
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from mityflow.answers import expires_at, nobody_answered, timed_out
from mityflow.cli.screen import all_lines, printable
from mityflow.clock import iso
from mityflow.errors import MityError, UsageError
from mityflow.forms import Field, Form, fields, filled, wrong_fields
from mityflow.inputs import read_text
from mityflow.process import TimedOut
from mityflow.station import SUBMIT, Answer, Question, StationResult
from mityflow.workflow import format_duration

_LEFT_OUT = object()
_SAMPLES = {"integer": 1, "number": 1.5, "boolean": True, "array": [], "object": {}, "null": None}
_KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list, as JSON",
    "object": "a mapping, as JSON",
    "null": "null",
}


def ask_question(step: str, question: Question) -> Answer:
    """Ask the person at the terminal.

    Raises Abort at the end of the input; what interrupts the executor's question passes through.
    """
    try:
        _say(f"\n{step}: " + "\n".join(all_lines(question.text)))
        if question.expires_after is not None:
            _say(f"  to be answered within {format_duration(question.expires_after)}; then: {question.on_timeout}")
        if question.form is not None:
            return Answer(SUBMIT, values=_ask_form(question.form))
        return _ask_options(question)
    except TimedOut:
        _say(f"\n{step}: {nobody_answered(question)}")
        raise


def _ask_options(question: Question) -> Answer:
    lines = [" - ".join(part for part in (option.label, option.description) if part) for option in question.options]
    chosen = question.options[_chosen([option.id for option in question.options], lines, "")]
    return Answer(chosen.id, _line("message") if chosen.takes_message else "")


def _ask_form(form: Form) -> dict[str, Any]:
    """The values of all fields; what does not fit is asked again."""
    values: dict[str, Any] = {}
    again = {field.name for field in fields(form)}
    while True:
        for field in fields(form):
            if field.name in again:
                given = _ask_field(form, field, values.get(field.name, _LEFT_OUT))
                values.pop(field.name, None)
                if given is not _LEFT_OUT:
                    values[field.name] = given
        values = filled(form, values)
        wrong = _wrong(form, values)
        if not wrong:
            return values
        for _, sentence in wrong:
            _say(f"  {printable(sentence)}")
        again = {name for name, _ in wrong}
        for name in again:
            values.pop(name, None)
        if "" in again:  # several fields together: any of them may have to change
            again = {field.name for field in fields(form)}


def _ask_field(form: Form, field: Field, before: Any) -> Any:
    """A value for the field that fits by itself; the marker when it was left out."""
    schema = field.schema
    default = schema.get("default", _LEFT_OUT) if before is _LEFT_OUT else before
    options = schema.get("enum")
    _say(f"{printable(field.name)}{_about(field)}")
    if isinstance(options, list) and options:
        for number, option in enumerate(options, 1):
            _say(f"  {number}) {_shown(option)}")
    prompt = "true or false" if schema.get("type") == "boolean" else "value"
    if isinstance(options, list) and options:
        prompt = f"1-{len(options)} or a name"
    while True:
        text = _line(prompt, "" if default is _LEFT_OUT else _shown(default))
        if not text and (default is not _LEFT_OUT or not field.required):
            return default
        value = _value(text, schema)
        wrong = _complaints(form, field.name, value) if text else [f"'{field.name}' needs a value"]
        if not wrong:
            return value
        _say("\n".join(f"  {printable(sentence)}" for sentence in wrong))


def _value(text: str, schema: Mapping[str, Any]) -> Any:
    """What a person typed, as data; what cannot be read stays the text it is."""
    options = schema.get("enum")
    if isinstance(options, list):
        by_text = {_shown(option): option for option in options}
        if text in by_text:
            return by_text[text]
        if text.isascii() and text.isdigit() and 1 <= int(text) <= len(options):
            return options[int(text) - 1]
    if schema.get("type") == "boolean" and text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    try:
        return read_text(text, schema)
    except UsageError:
        return text


_BOOLEANS = {"y": True, "yes": True, "true": True, "n": False, "no": False, "false": False}


def _complaints(form: Form, name: str, value: Any) -> list[str]:
    return [sentence for field, sentence in _wrong(form, {name: value}) if field == name]


def _wrong(form: Form, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    try:
        return wrong_fields(form, values)
    except MityError as error:
        raise UsageError(f"the form cannot be checked: {error.message}") from error


def _about(field: Field) -> str:
    """`` (what it is; its type; optional)``."""
    kind = field.schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    known = " or ".join(_KINDS[k] for k in kinds if isinstance(k, str) and k in _KINDS)
    description = printable(str(field.schema.get("description") or field.schema.get("title") or ""))
    parts = [description, "" if "enum" in field.schema else known, "" if field.required else "may be left out"]
    return f" ({'; '.join(part for part in parts if part)})" if any(parts) else ""


def _shown(value: Any) -> str:
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _chosen(ids: Sequence[str], remarks: Sequence[str], default: str) -> int:
    """The index of what a person chose, by number or by name."""
    for number, (option, remark) in enumerate(zip(ids, remarks, strict=True), 1):
        _say(f"  {number}) {option}" + (f"  {printable(remark)}" if remark else ""))
    while True:
        text = _line(f"1-{len(ids)} or a name", default)
        if text in ids:
            return ids.index(text)
        if text.isascii() and text.isdigit() and 1 <= int(text) <= len(ids):
            return int(text) - 1
        _say(f"  '{printable(text)}' is none of them")


def _line(prompt: str, default: str = "") -> str:
    """A line that a person types. A time limit that ends it leaves the terminal as it is."""
    shown = f"{prompt} [{default}]: " if default else f"{prompt}: "
    click.echo(shown, nl=False, err=True)
    data = _typed()
    if not data:
        raise click.Abort
    return data.decode(sys.stdin.encoding or "utf-8", "replace").strip()


def _typed() -> bytes:
    """What a terminal gives for one line.

    Waiting is left to ``select``, which a signal wakes through a pipe: one that came just before a plain read
    would only be seen after the next line.
    """
    terminal = sys.stdin.fileno()
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    before = signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    try:
        while True:
            ready, _, _ = select.select([terminal, wake], [], [])
            if terminal in ready:
                return os.read(terminal, 65536)
            os.read(wake, 4096)
    finally:
        signal.set_wakeup_fd(before)
        os.close(wake)
        os.close(waker)


def _say(text: str) -> None:
    click.echo(text, err=True)


def question_lines(asked: StationResult, now: float) -> list[str]:
    """What there is to know of a question beside its text: the fields of its form, and its time."""
    question = asked.question
    if question is None:
        return []
    lines = []
    for field in fields(question.form) if question.form is not None else ():
        options = field.schema.get("enum")
        choice = f": {', '.join(map(_shown, options))}" if isinstance(options, list) else ""
        default = f" [{_shown(field.schema['default'])}]" if "default" in field.schema else ""
        lines.append(f"field {printable(field.name)}{_about(field)}{choice}{default}")
    end = expires_at(asked)
    if end is not None:
        until = f"{iso(end)[:19].replace('T', ' ')} UTC"
        said = f"an answer was awaited until {until}" if now >= end else f"an answer is awaited until {until}"
        lines.append(f"{said}; then: {question.on_timeout}")
    return lines


def answer_commands(run_id: str, asked: StationResult, now: float) -> list[tuple[str, str]]:
    """The commands that go on from a question, each with what it means."""
    question = asked.question
    if question is None:
        return []
    begin = f"mityflow resume {run_id}"
    if timed_out(asked, now):
        return [(begin, nobody_answered(question))]
    if question.form is None:
        return [(f"{begin} --answer {shlex.quote(o.id)}", printable(o.label)) for o in question.options]
    known = fields(question.form)
    wanted = {f.name: _sample(f) for f in [f for f in known if f.required] or known}
    return [(f"{begin} --answer {printable(shlex.quote(json.dumps(wanted, ensure_ascii=False)))}", "")]


def _sample(field: Field) -> Any:
    schema = field.schema
    if "default" in schema:
        return schema["default"]
    options, kind = schema.get("enum"), schema.get("type")
    if isinstance(options, list) and options:
        return options[0]
    return _SAMPLES.get(kind[0] if isinstance(kind, list) and kind else str(kind), "...")
