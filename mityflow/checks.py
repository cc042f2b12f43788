"""The checks of a whole workflow that need no file: order and data flow, settings, expressions.

:func:`check_plan` is what ``check``, ``plan`` and ``run`` share.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from mityflow.errors import FaultsError, Problem, nearest
from mityflow.expressions import (
    ExpressionError,
    Reference,
    has_expression,
    parse_condition,
    parse_template,
    walk,
)
from mityflow.plan import CONTEXT_FIELDS, Given, Plan, Planned, Stations, Step, resolve
from mityflow.step_ids import call_of, index_of, is_step_id
from mityflow.workflow import MOST_ITEMS, Workflow

Where = tuple[str | int, ...]
RUN_KEYS = ("id", "state", "workflow_id")
MOST_STEPS = 100_000
_EARLY_ROOTS = ("inputs", "env", "run", *CONTEXT_FIELDS, "workspace", "output_path", "metadata")
ROOTS = (*_EARLY_ROOTS, "outputs", "stations")
ITEM_ROOTS = ("item", "index")


def build_plan(workflow: Workflow, stations: Stations, given: Given | None = None) -> Plan:
    """The plan of a workflow. Raises FaultsError with every problem found, in called workflows too."""
    planned = check_plan(workflow, stations, given or Given.of(workflow))
    faults = [problem.fault() for problem in planned.problems]
    for sub in workflow.called():
        faults += [problem.fault(sub.id) for problem in check_plan(sub, stations, Given.of(sub)).problems]
    if faults:
        raise FaultsError(faults)
    return planned.plan


def check_plan(
    workflow: Workflow,
    stations: Stations,
    given: Given,
    *,
    partial: bool = False,
    settings_checked: Collection[str] = (),
    incomplete: Collection[Where] = (),
) -> Planned:
    """Resolve the workflow and check all of it.

    ``partial``: see :func:`mityflow.plan.resolve`. ``settings_checked`` names stations whose
    ``with:`` is known to be right, from an earlier check of the same text; ``incomplete`` the places
    of calls that had to be read with pieces left out.
    """
    planned = resolve(workflow, stations, given, partial=partial)
    problems = [*planned.problems, *_secrets(workflow)]
    for step in planned.plan.main + planned.plan.finally_:
        if step.sub is not None:
            problems += _inputs(step, step.sub.workflow)
        elif step.call.station not in settings_checked:
            problems += _settings(step, partial=step.call.where in incomplete)
        problems += [*_foreach(step), *_cache(step)]
    if planned.plan.size > MOST_STEPS:
        problems.append(Problem("too-large", f"with the workflows it calls it has more than {MOST_STEPS} steps"))
    problems += _Names(planned.plan, given, partial or bool(planned.problems)).check()
    return Planned(planned.plan, problems)


def _settings(step: Step, *, partial: bool) -> list[Problem]:
    values = step.call.with_
    if step.station.Params is None and not values:
        return []
    from mityflow.settings import check_settings

    return check_settings(step.station, values, (*step.call.where, "with"), partial=partial)


def _inputs(step: Step, called: Workflow) -> Iterator[Problem]:
    """What is wrong with the inputs that a call gives to a workflow."""
    where, values = (*step.call.where, "with"), step.call.with_
    for name, value in values.items():
        if name not in called.inputs:
            message = f"the workflow '{called.id}' has no input '{name}'"
            yield Problem("unknown-input", message, (*where, name), nearest(name, called.inputs), key=True)
        elif not any(True for _ in walk(value)):
            from mityflow.inputs import why_refused

            for why in why_refused(value, called.inputs[name]):
                yield Problem("wrong-input", f"input '{name}': {why}", (*where, name))
    for name, schema in called.inputs.items():
        if name not in values and "default" not in schema:
            place = where if values else step.call.where
            yield Problem("missing-input", f"the workflow '{called.id}' needs the input '{name}'", place)


def _foreach(step: Step) -> Iterator[Problem]:
    foreach, where = step.call.foreach, (*step.call.where, "foreach")
    if isinstance(foreach, str):
        try:
            lone = has_expression(foreach) and parse_template(foreach).lone
        except ExpressionError:
            return  # told with the names
        if not lone:
            yield Problem("foreach", "'foreach' must be a list, a mapping or exactly one {{ expression }}", where)
    elif foreach is not None and len(foreach) > MOST_ITEMS:
        yield Problem("foreach", f"'foreach' can have at most {MOST_ITEMS} items", where)


def _cache(step: Step) -> Iterator[Problem]:
    for i, pattern in enumerate(step.call.cache.paths if step.call.cache else ()):
        if pattern.startswith(("/", "~")) or ".." in pattern.replace("\\", "/").split("/"):
            where = (*step.call.where, "cache", "paths", i)
            yield Problem("cache", f"'{pattern}' leads out of the workspace", where)


def _secrets(workflow: Workflow) -> Iterator[Problem]:
    for i, name in enumerate(workflow.secrets):
        if name in workflow.env:
            yield Problem("secret", f"'{name}' is in 'env' as plain text and cannot be a secret too", ("secrets", i))
        if name in workflow.secrets[:i]:
            yield Problem("secret", f"'{name}' is named twice", ("secrets", i))


class _Names:
    """Checks that every name in every expression will have a value when it is needed."""

    def __init__(self, plan: Plan, given: Given, partial: bool) -> None:
        self._plan = plan
        self._given = given
        self._partial = partial
        self._problems: list[Problem] = []
        self._earlier: dict[str, Step] = {}
        self._makers: dict[str, list[Step]] = {}
        self._in_finally = False
        self._roots: tuple[str, ...] = ROOTS

    def check(self) -> list[Problem]:
        """All problems, in the order of the plan."""
        workflow = self._plan.workflow
        self._roots = _EARLY_ROOTS
        self._values(workflow.env, ("env",))
        self._roots = ROOTS
        for step in self._plan.main:
            self._step(step)
        self._values(workflow.outputs, ("outputs",))
        self._in_finally = True
        for step in self._plan.finally_:
            self._step(step)
            if step.station.asks:
                text = f"station '{step.call.station}' asks, which a step of 'finally' cannot"
                self._problems.append(Problem("finally", text, step.call.where))
            if step.call.on_failure == "ask":
                where = (*step.call.where, "on_failure")
                self._problems.append(Problem("finally", "a step of 'finally' cannot ask", where))
        return self._problems

    def _step(self, step: Step) -> None:
        where = step.call.where
        if step.call.foreach is not None:
            self._values(step.call.foreach, (*where, "foreach"))
            self._roots = (*ROOTS, *ITEM_ROOTS)
        if step.call.when is not None:
            self._references(parse_condition, step.call.when, (*where, "when"))
        if step.call.cache:
            self._values(step.call.cache.paths, (*where, "cache", "paths"))
            self._values(step.call.cache.key, (*where, "cache", "key"))
        script = step.station.script_param
        for key, value in step.call.with_.items():
            if key == script and isinstance(value, str):
                if has_expression(value) or "MITY_" in value:
                    from mityflow.shell_script import parse_script

                    self._references(parse_script, value, (*where, "with", key))
            else:
                self._values(value, (*where, "with", key))
        self._roots = ROOTS
        self._earlier[step.id] = step
        for key in step.output_keys:
            self._makers.setdefault(key, []).append(step)

    def _values(self, value: Any, where: Where) -> None:
        for path, text in walk(value):
            self._references(parse_template, text, (*where, *path))

    def _references(self, parse: Any, text: str, where: Where) -> None:
        try:
            references = parse(text).references
        except ExpressionError as error:
            hint = f" ({error.hint})" if error.hint else ""
            self._problems.append(
                Problem("expression", f"{error.message}{hint}", where, error.suggestion, error.offset)
            )
            return
        for reference in references:
            found = self._check(reference)
            if found:
                message, suggestion = found
                self._problems.append(Problem("expression", message, where, suggestion, reference.offset))

    def _check(self, reference: Reference) -> tuple[str, str | None] | None:
        """What is wrong with a name, and the nearest right one; None when it is fine."""
        root, *rest = reference.path
        if root not in self._roots:
            if root in ROOTS:
                return f"'{root}' has no value before the first station", None
            if root in ITEM_ROOTS:
                return f"'{root}' has a value in a step with 'foreach' only", None
            meant = f"inputs.{root}" if root in self._given.inputs else nearest(str(root), self._roots)
            return f"unknown name '{root}'", meant
        if root in CONTEXT_FIELDS:
            if root not in self._given.fields and not reference.defaulted:
                return f"'{root}' has no value: declare an input of that name", None
            return None
        if not rest or not isinstance(rest[0], str) or rest[0] == "*":
            return None
        return self._check_below(str(root), rest, reference)

    def _check_below(self, root: str, rest: list[str | int], reference: Reference) -> tuple[str, str | None] | None:
        key = str(rest[0])
        if root == "inputs":
            return _among(key, self._given.inputs, "input")
        if root == "env" and not reference.defaulted:
            found = _among(key, self._given.env, "env value")
            return (f"{found[0]}; declare it under 'env' or 'secrets'", found[1]) if found else None
        if root == "run":
            return _among(key, RUN_KEYS, "value of 'run'")
        if root == "outputs":
            return self._flat_output(key, reference)
        if root == "stations":
            return self._station_value(reference, rest)
        return None

    def _flat_output(self, key: str, reference: Reference) -> tuple[str, str | None] | None:
        makers = self._makers.get(key, [])
        if not makers and key not in self._given.outputs:
            return None if self._partial else self._no_maker(key)
        if reference.defaulted or key in self._given.outputs:
            return None
        if self._in_finally or all(self._maybe_null(step, key) for step in makers):
            return self._needs_default(f"'outputs.{key}'", makers), None
        return None

    def _no_maker(self, key: str) -> tuple[str, str | None]:
        later = [s.id for s in self._plan.steps.values() if key in s.output_keys and s.id not in self._earlier]
        if later:
            return f"output '{key}' comes from the later step '{later[0]}'; nothing before produces it", None
        known = [*self._makers, *self._given.outputs]
        return f"no earlier step produces the output '{key}'", nearest(key, known)

    def _station_value(self, reference: Reference, rest: list[str | int]) -> tuple[str, str | None] | None:
        step_id = str(rest[0])
        step = self._earlier.get(call_of(step_id))
        index = index_of(step_id) if step_id.endswith("]") and is_step_id(step_id) else None
        if step is not None and call_of(step_id) != step_id and (index is None or step.call.foreach is None):
            return f"no step has the id '{step_id}'", step.id
        if step is None:
            if self._partial:
                return None
            if step_id in self._plan.steps:
                return f"step '{step_id}' comes later; expressions never reorder steps", None
            return f"no step has the id '{step_id}'", nearest(step_id, self._earlier)
        if len(rest) == 1:
            return None
        found = _among(rest[1], ("outputs", "status", "message"), "value of a step")
        if found or rest[1] != "outputs" or len(rest) == 2 or rest[2] == "*":
            return found
        key = str(rest[2])
        if key not in step.output_keys:
            return (
                f"step '{step_id}' ({_kind(step)}) declares no output '{key}'",
                nearest(key, step.output_keys),
            )
        if not reference.defaulted and (self._in_finally or self._named_null(step, key, index)):
            return self._needs_default(f"output '{key}' of step '{step_id}'", [step]), None
        return None

    def _named_null(self, step: Step, key: str, index: int | None) -> bool:
        """Whether the output of a named step may be null; that of all items is a list, and never is."""
        if step.call.foreach is None:
            return self._maybe_null(step, key)
        return index is not None and (self._maybe_null(step, key) or index >= len(step.call.foreach))

    def _maybe_null(self, step: Step, key: str) -> bool:
        return step.may_be_null or key not in step.output.keys

    def _needs_default(self, what: str, makers: list[Step]) -> str:
        step = makers[0]
        if step.call.when is not None:
            why = f"step '{step.id}' may be skipped by its 'when'"
        elif step.may_be_empty:
            why = f"the 'foreach' of step '{step.id}' may have no item"
        elif step.may_be_null:
            why = f"step '{step.id}' may end without it"
        elif self._in_finally:
            why = "'finally' also runs when the stations did not get that far"
        else:
            why = f"{_kind(step)} does not always produce it"
        return f"{what} may be null, since {why}; say what then, with | default(...)"


def _kind(step: Step) -> str:
    return f"{'workflow' if step.sub else 'station'} '{step.call.called}'"


def _among(name: Any, known: Collection[str] | Mapping[str, Any], what: str) -> tuple[str, str | None] | None:
    if name in known or name == "*":
        return None
    return f"no {what} '{name}'", nearest(str(name), known)
