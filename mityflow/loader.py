"""From the text of a workflow file to a :class:`Workflow`, or to every fault in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mityflow.errors import Fault, FaultsError, Problem, UsageError
from mityflow.filecheck import file_problems, placed
from mityflow.source import Source, parse
from mityflow.workflow import (
    ID_PATTERN,
    STATION_ONLY,
    Retry,
    StationCall,
    Workflow,
    make_cache,
    make_retry,
    parse_duration,
)

_LARGEST = 5 * 1024 * 1024
_BRACE = re.compile("[{}]")


class Loaded(NamedTuple):
    """What a file holds: the workflow as far as it can be read, and everything wrong with its text.

    ``workflow`` is None when too little could be read; ``partial`` tells that pieces were left out,
    ``incomplete`` of which calls.
    """

    source: Source
    workflow: Workflow | None
    faults: list[Fault]
    incomplete: frozenset[tuple[str | int, ...]] = frozenset()

    @property
    def partial(self) -> bool:
        """True when the workflow lacks pieces that were wrong."""
        return bool(self.faults)


def read_bytes(path: Path) -> bytes:
    """A file's bytes. Raises UsageError when it cannot be read; one that is too large is cut."""
    try:
        if path.is_dir():
            raise UsageError(f"{path} is a folder, not a workflow file")
        with open(path, "rb") as file:
            return file.read(_LARGEST + 1)
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}") from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def parse_workflow(data: bytes, path: Path, shown: str | None = None, *, known_good: bool = False) -> Loaded:
    """Read a workflow's text. ``shown`` is the name that faults give the file.

    ``known_good`` spares the checks against the schema, for a text that has passed them before.
    """
    source = parse(data, shown or str(path))
    if source.root is None:
        return Loaded(source, None, list(source.faults))
    problems = [] if known_good else file_problems(source.root, "workflow", numeric=_wants_number)
    tree = source.root.data()
    if not isinstance(tree, dict):
        return Loaded(source, None, [*source.faults, *(placed(p, source) for p in problems)])
    if not known_good:
        problems += _meaning_problems(tree)
    clean = _without(tree, {p.where for p in problems if p.rule != "missing-key"})
    guardrails, guardrail_faults = _guardrails(clean, path, source)
    faults = _once([placed(p, source) for p in problems], source.faults)
    workflow = _build({**clean, "guardrails": guardrails}, path)
    incomplete = frozenset(p.where[:2] for p in problems)
    return Loaded(source, workflow, [*source.faults, *faults, *guardrail_faults], incomplete)


def _once(faults: list[Fault], before: Collection[Fault]) -> list[Fault]:
    """Without those that stand where an earlier one stands: they are about the same mistake."""
    places = {(f.line, f.column) for f in before}
    return [f for f in faults if (f.line, f.column) not in places]


def load_guardrails(path: Path) -> Mapping[str, Any]:
    """The settings of a guardrails file. Raises FaultsError with all that is wrong with it."""
    settings, faults = _guardrails_file(path)
    if faults:
        raise FaultsError(faults)
    return settings or {}


def _guardrails(tree: Mapping[str, Any], path: Path, source: Source) -> tuple[Mapping[str, Any] | None, list[Fault]]:
    named = tree.get("guardrails")
    if not isinstance(named, str):
        return _with_rules(named, ("guardrails",), path, source)
    try:
        return _guardrails_file(path.parent / named)
    except UsageError as error:
        return None, [placed(Problem("guardrails", error.message, ("guardrails",)), source)]


def _guardrails_file(path: Path) -> tuple[Mapping[str, Any] | None, list[Fault]]:
    source = parse(read_bytes(path), str(path))
    if source.root is None:
        return None, list(source.faults)
    problems = file_problems(source.root, "guardrails", numeric=lambda where: where[-1] in _GUARDRAIL_NUMBERS)
    tree = source.root.data()
    if isinstance(tree, dict):
        problems += _agent_problems(tree, ())
    faults = [*source.faults, *(placed(p, source) for p in problems)]
    settings, more = _with_rules(tree, (), path, source)
    return settings, [*faults, *_once(more, faults)]


def _with_rules(settings: Any, where: tuple[str | int, ...], path: Path, source: Source) -> tuple[Any, list[Fault]]:
    """Guardrails with the rules of the files that they name in place of these, so that a run keeps them."""
    entries = settings.get("rules") if isinstance(settings, dict) else None
    if not isinstance(entries, list):
        return settings, []
    from mityflow.rulesfile import pattern_problems, read_rules_file

    faults = [placed(problem, source) for problem in pattern_problems(entries, (*where, "rules"))]
    rules: list[Any] = []
    for i, entry in enumerate(entries):
        if not isinstance(entry, str):
            rules.append(entry)
            continue
        try:
            rules += read_rules_file(path.parent / entry)
        except UsageError as error:
            faults.append(placed(Problem("unreadable", error.message, (*where, "rules", i)), source))
        except FaultsError as error:
            faults += error.faults
    return {**settings, "rules": rules}, faults


def _wants_number(where: tuple[str | int, ...]) -> bool:
    """True for the places of a workflow file where a number is wanted."""
    if where[0] == "inputs":
        return len(where) > 2 and where[-1] in _INPUT_NUMBERS
    if where[0] in ("stations", "finally"):
        return where[2:] in (("retry", "attempts"), ("retry", "backoff"))
    return where in (("version",), ("max_parallel",)) or (where[0] == "guardrails" and where[-1] in _GUARDRAIL_NUMBERS)


_INPUT_NUMBERS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minContains",
    "maxContains",
)
_GUARDRAIL_NUMBERS = (
    "version",
    "max_attempts_per_error",
    "max_total_iterations",
    "max_healing_time_secs",
    "max_consecutive_failures",
    "max_tokens",
    "max_requests",
    "max_cost_usd",
    "timeout_secs",
)
SPECIALISTS = ("implementer", "tester", "devops", "architect", "factory")


def _agent_problems(tree: Mapping[str, Any], where: tuple[str | int, ...]) -> list[Problem]:
    """A specialist must be one that is built in, or declared under ``agents``."""
    from mityflow.errors import nearest

    agents, routes = tree.get("agents") or {}, tree.get("specialists") or {}
    if not isinstance(agents, dict) or not isinstance(routes, dict):
        return []
    known = [*SPECIALISTS, *agents]
    unknown = [
        Problem("agent", f"no agent '{name}' is declared", (*where, "specialists", kind), nearest(name, known))
        for kind, name in routes.items()
        if isinstance(name, str) and name not in known
    ]
    return [*unknown, *_command_problems(agents, (*where, "agents"))]


def _command_problems(agents: Mapping[str, Any], where: tuple[str | int, ...]) -> Iterator[Problem]:
    """What stands between braces in the command of an agent must be known."""
    for name, agent in agents.items():
        command = agent.get("command") if isinstance(agent, dict) else None
        if not isinstance(command, list) or not _BRACE.search(str(command)):
            continue
        from mityflow.placeholders import command_problems

        for at, part in enumerate(command):
            for message, meant in command_problems(part) if isinstance(part, str) else ():
                yield Problem("placeholder", message, (*where, name, "command", at), meant)


def _meaning_problems(tree: Mapping[str, Any]) -> list[Problem]:
    """What no schema can say: durations, schemas of inputs, agents."""
    from mityflow.input_schemas import input_problems

    problems: list[Problem] = []
    inputs = tree.get("inputs")
    for name, schema in inputs.items() if isinstance(inputs, dict) else ():
        if isinstance(schema, dict) and not name.startswith("x-"):
            problems += input_problems(name, schema, ("inputs", name))
    for key in ("stations", "finally"):
        calls = tree.get(key)
        for i, call in enumerate(calls) if isinstance(calls, list) else ():
            if isinstance(call, dict):
                problems += _duration_problems(call, (key, i))
                problems += _called_problems(call, (key, i))
    if isinstance(tree.get("guardrails"), dict):
        problems += _agent_problems(tree["guardrails"], ("guardrails",))
    return problems


def _called_problems(call: Mapping[str, Any], where: tuple[str, int]) -> list[Problem]:
    """A call is of a station or of a workflow, which take different keys."""
    if "workflow" not in call:
        return []
    if "station" in call:
        return [Problem("call", "a step calls a station or a workflow, not both", (*where, "workflow"), key=True)]
    problems = [
        Problem("call", f"'{key}' is for stations; the steps of a workflow have their own", (*where, key), key=True)
        for key in STATION_ONLY
        if key in call
    ]
    ref = call["workflow"]
    if "id" not in call and isinstance(ref, str) and not re.fullmatch(ID_PATTERN, _default_id(call)):
        problems.append(Problem("call", f"'{_default_id(call)}' is no id of a step; give it an 'id'", where))
    return problems


def _default_id(entry: Mapping[str, Any]) -> str:
    """The name of what is called."""
    ref = entry.get("workflow")
    return Path(ref).stem if isinstance(ref, str) else str(entry.get("station"))


def _duration_problems(call: Mapping[str, Any], where: tuple[str, int]) -> list[Problem]:
    retry = call.get("retry")
    values: list[tuple[tuple[str, ...], Any]] = [(("timeout",), call.get("timeout"))]
    if isinstance(retry, dict):
        values.append((("retry", "delay"), retry.get("delay")))
    problems = []
    for path, value in values:
        if isinstance(value, str) and value[-1:] in {"s", "m", "h", "d"} and value[:1].isdigit():
            try:
                parse_duration(value)
            except UsageError as error:
                problems.append(Problem("duration", error.message, (*where, *path)))
    return problems


def _without(value: Any, wrong: Collection[tuple[str | int, ...]], where: tuple[str | int, ...] = ()) -> Any:
    """The data without what is wrong; in a list an empty place stays, so that indices keep."""
    if isinstance(value, dict):
        return {
            k: _without(v, wrong, (*where, k))
            for k, v in value.items()
            if (*where, k) not in wrong and not (k.startswith("x-") and _closed(where))
        }
    if isinstance(value, list):
        return [None if (*where, i) in wrong else _without(v, wrong, (*where, i)) for i, v in enumerate(value)]
    return value


def _closed(where: tuple[str | int, ...]) -> bool:
    """True for a mapping with a closed set of keys, in which ``x-`` keys are remarks."""
    if len(where) < 2:
        return where in ((), ("inputs",), ("env",), ("outputs",), ("guardrails",))
    if where[0] in ("stations", "finally"):
        return len(where) == 2 or (len(where) == 3 and where[2] in ("with", "retry", "cache"))
    return where[0] == "guardrails"


def _build(tree: Mapping[str, Any], path: Path) -> Workflow:
    """The workflow of what is left of the file."""
    return Workflow(
        id=tree.get("id") or "unnamed",
        name=tree.get("name") or tree.get("id") or "",
        description=tree.get("description") or "",
        inputs=tree.get("inputs") or {},
        secrets=tuple(s for s in tree.get("secrets") or () if s),
        env=tree.get("env") or {},
        guardrails=tree.get("guardrails"),
        stations=_calls(tree, "stations"),
        finally_=_calls(tree, "finally"),
        outputs=tree.get("outputs") or {},
        path=path,
        max_parallel=tree.get("max_parallel") or 1,
    )


def _calls(tree: Mapping[str, Any], key: str) -> tuple[StationCall, ...]:
    calls = []
    for i, entry in enumerate(tree.get(key) or ()):
        entry = {"station": entry} if isinstance(entry, str) else entry
        if isinstance(entry, dict) and isinstance(entry.get("workflow", entry.get("station")), str):
            calls.append(_call(entry, (key, i)))
    return tuple(calls)


def _call(entry: Mapping[str, Any], where: tuple[str, int]) -> StationCall:
    timeout, cache = entry.get("timeout"), entry.get("cache")
    return StationCall(
        station=entry.get("station", "") if "workflow" not in entry else "",
        id=entry.get("id") or _default_id(entry),
        with_=entry.get("with") or {},
        when=entry.get("when"),
        timeout=parse_duration(timeout) if timeout else None,
        retry=_retry(entry.get("retry")),
        on_failure=entry.get("on_failure") or "fail",
        needs=tuple(n for n in entry.get("needs") or () if n),
        where=where,
        foreach=entry.get("foreach"),
        cache=make_cache(cache) if cache else None,
        workflow=entry.get("workflow"),
    )


def _retry(data: Mapping[str, Any] | None) -> Retry | None:
    return make_retry(data) if data and "attempts" in data else None
