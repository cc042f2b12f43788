"""From a workflow to a plan: stations resolved and ordered, the flow of data checked, nothing run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from mityflow.context import WorkflowContext
from mityflow.errors import MityError, Problem, nearest
from mityflow.order import stable_order
from mityflow.station import Station, StationInput, StationOutput
from mityflow.step_ids import call_of, joined, local_of, path_of
from mityflow.workflow import StationCall, Workflow

CONTEXT_FIELDS = ("app_name", "stack", "iac")


class Stations(Protocol):
    """Stations by name, as the registry has them."""

    def get(self, name: str) -> Station:
        """The station; raises MityError when there is none."""

    def names(self) -> list[str]:
        """All names."""

    def origin(self, name: str) -> tuple[str, str]:
        """The distribution a station comes with, and its version; both empty for a registered class."""

    def __contains__(self, name: object) -> bool: ...


class Given(NamedTuple):
    """What is there before the first station: names of inputs, of outputs and of context fields."""

    inputs: frozenset[str] = frozenset()
    outputs: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    env: frozenset[str] = frozenset()
    metadata: bool = False

    @classmethod
    def of(cls, workflow: Workflow, context: WorkflowContext | None = None) -> Given:
        """What the workflow's declarations, and a context that a program made, provide."""
        inputs = frozenset(workflow.inputs)
        fields = inputs & set(CONTEXT_FIELDS)
        env = frozenset(workflow.env) | frozenset(workflow.secrets)
        if context is None:
            return cls(inputs, frozenset(), fields, env)
        return cls(
            inputs | frozenset(context.inputs),
            frozenset(context.outputs),
            fields | {name for name in CONTEXT_FIELDS if getattr(context, name) is not None},
            env | frozenset(context.env),
            metadata=True,
        )


class CalledWorkflow(Station):
    """Stands in a plan where a workflow is called; it gives what that workflow's ``outputs`` say."""

    name = "workflow"

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow

    def output(self) -> StationOutput:
        """The outputs of the workflow."""
        return StationOutput(tuple(self.workflow.outputs))


@dataclass(frozen=True)
class Step:
    """One call in its place. ``sources`` says for each key it reads where that comes from.

    ``sub`` is the plan of the workflow it calls, if it calls one.
    """

    call: StationCall
    station: Station
    input: StationInput
    output: StationOutput
    sources: Mapping[str, str]
    sub: Plan | None = None

    @property
    def id(self) -> str:
        """The step's id, unique in its workflow."""
        return self.call.id

    @property
    def output_keys(self) -> tuple[str, ...]:
        """The keys this step's station may produce."""
        return self.output.all_keys

    @cached_property
    def may_be_null(self) -> bool:
        """True when the step may end without outputs: skipped, or failed and gone on from."""
        return (
            self.call.when is not None
            or self.call.on_failure != "fail"
            or self.station.may_skip(self.call.with_)
            or type(self.station).should_run is not Station.should_run
            or self.may_be_empty
        )

    @property
    def may_be_empty(self) -> bool:
        """True when its ``foreach`` may turn out to have no item."""
        foreach = self.call.foreach
        return foreach is not None and (isinstance(foreach, str) or not foreach)


class Move(NamedTuple):
    """A step that was moved forward: ``step`` now comes before ``before``, which needs it, ``why``."""

    step: str
    before: str
    why: str


@dataclass(frozen=True)
class Plan:
    """What a run will do: the steps in order, and what was moved to get it."""

    workflow: Workflow
    main: tuple[Step, ...]
    finally_: tuple[Step, ...]
    moves: tuple[Move, ...] = ()

    @cached_property
    def steps(self) -> dict[str, Step]:
        """All steps by id, in order, ``finally`` last."""
        return {step.id: step for step in self.main + self.finally_}

    @cached_property
    def output_keys(self) -> frozenset[str]:
        """Every output key that some station declares."""
        return frozenset(key for step in self.steps.values() for key in step.output_keys)

    @property
    def in_order(self) -> bool:
        """True when one step follows the other; False when steps may run side by side."""
        return self.workflow.max_parallel == 1

    @cached_property
    def waits(self) -> Mapping[str, frozenset[str]]:
        """For each main step the ids of those that must be over before it may run."""
        from mityflow.waits import waits

        return waits(self)

    @cached_property
    def size(self) -> int:
        """How many steps there are, those of called workflows included; items of ``foreach`` are not known."""
        return sum(1 + (step.sub.size if step.sub else 0) for step in self.main + self.finally_)

    def plan_at(self, path: str) -> Plan:
        """The plan of the workflow at work at ``path``. Raises KeyError when there is none."""
        plan = self
        for part in path.split("/") if path else ():
            sub = plan.steps[call_of(part)].sub
            if sub is None:
                raise KeyError(path)
            plan = sub
        return plan

    def step(self, step_id: str) -> Step:
        """The step of this id, in whichever workflow it is. Raises KeyError when there is none."""
        return self.plan_at(path_of(step_id)).steps[local_of(step_id)]

    def step_ids(self, path: str = "") -> list[str]:
        """The ids of all steps as far as they are known before a run, in order.

        What a called workflow does comes before the call itself, which ends with it.
        """
        ids: list[str] = []
        for step in self.main + self.finally_:
            ids += ids_of(step, joined(path, step.id)) if step.call.foreach is None else [joined(path, step.id)]
        return ids


def ids_of(step: Step, step_id: str) -> list[str]:
    """The ids of one step, and of those of the workflow it calls."""
    return [*(step.sub.step_ids(step_id) if step.sub else ()), step_id]


class Planned(NamedTuple):
    """A plan as far as it could be made, and everything that is wrong with it."""

    plan: Plan
    problems: list[Problem]


class _Resolved(NamedTuple):
    call: StationCall
    station: Station
    input: StationInput
    output: StationOutput
    dependencies: Sequence[str]
    sub: Plan | None


Plans = MutableMapping[int, Plan]


def resolve(
    workflow: Workflow, stations: Stations, given: Given, *, partial: bool = False, plans: Plans | None = None
) -> Planned:
    """Resolve, order and connect the stations.

    ``partial`` is for a workflow that had to be read with pieces left out: what may be missing only
    because of that is no problem then. ``plans`` holds the plans of workflows that are called, by the
    identity of the workflow; what is wrong in these is no problem of this one.
    """
    problems: list[Problem] = []
    plans = {} if plans is None else plans
    main = _resolved(workflow.stations, stations, problems, plans)
    cleanup = _resolved(workflow.finally_, stations, problems, plans)
    partial = partial or bool(problems)
    problems += _repeated_ids(workflow)
    ordered_main, moves = _ordered(main, [], stations, problems, partial)
    ordered_cleanup, more = _ordered(cleanup, ordered_main, stations, problems, partial)
    provided = _Provided(given, stations)
    main_steps = [provided.connect(r, problems, ordered_main, partial) for r in ordered_main]
    cleanup_steps = [provided.connect(r, problems, ordered_cleanup, partial) for r in ordered_cleanup]
    return Planned(Plan(workflow, tuple(main_steps), tuple(cleanup_steps), (*moves, *more)), problems)


def _resolved(
    calls: Sequence[StationCall], stations: Stations, problems: list[Problem], plans: Plans
) -> list[_Resolved]:
    found = []
    for call in calls:
        try:
            sub = _sub_plan(call.sub, stations, plans) if call.sub else None
            station = CalledWorkflow(call.sub) if call.sub else stations.get(call.station)
            wanted, given = station.input(), station.output()
            found.append(_Resolved(call, station, wanted, given, tuple(station.dependencies()), sub))
        except MityError as error:
            problems.append(_unresolved(call, error, stations))
    return found


def _sub_plan(workflow: Workflow, stations: Stations, plans: Plans) -> Plan:
    if id(workflow) not in plans:
        plans[id(workflow)] = resolve(workflow, stations, Given.of(workflow), plans=plans).plan
    return plans[id(workflow)]


def _unresolved(call: StationCall, error: MityError, stations: Stations) -> Problem:
    where = (*call.where, "station")
    if call.station not in stations:
        meant = nearest(call.station, stations.names())
        return Problem("unknown-station", f"unknown station '{call.station}'", where, meant)
    return Problem("broken-station", error.message, where)


def _repeated_ids(workflow: Workflow) -> list[Problem]:
    problems = []
    seen: set[str] = set()
    for call in workflow.calls():
        if call.id in seen:
            problems.append(
                Problem(
                    "repeated-id",
                    f"the id '{call.id}' is taken by an earlier step; give this one an 'id' of its own",
                    (*call.where, "id"),
                )
            )
        seen.add(call.id)
    return problems


def _ordered(
    steps: list[_Resolved],
    before: Sequence[_Resolved],
    stations: Stations,
    problems: list[Problem],
    partial: bool,
) -> tuple[list[_Resolved], list[Move]]:
    found: list[Problem] = []
    needs = _needed_steps(steps, {r.call.id for r in before}, found)
    dependencies = _needed_stations(steps, {r.call.station for r in before}, stations, found)
    if not partial:
        problems += found
    ordering = stable_order([[*n, *d] for n, d in zip(needs, dependencies, strict=True)])
    if ordering.cycle:
        ring = [steps[i].call.id for i in ordering.cycle]
        message = "these steps wait for each other: " + " -> ".join([*ring, ring[0]])
        problems.append(Problem("cycle", message, steps[ordering.cycle[0]].call.where))
        return steps, []
    moves = [_move(steps[late], steps[user]) for late, user in sorted(ordering.pulled.items())]
    return [steps[i] for i in ordering.order], moves


def _needed_steps(steps: Sequence[_Resolved], before: set[str], problems: list[Problem]) -> list[list[int]]:
    """For each step the indices of those its ``needs`` names."""
    by_id = {r.call.id: i for i, r in enumerate(steps)}
    for r in steps:
        for n, need in enumerate(r.call.needs):
            where = (*r.call.where, "needs", n)
            if need == r.call.id:
                problems.append(Problem("needs", "a step cannot need itself", where))
            elif need not in by_id and need not in before:
                meant = nearest(need, [*by_id, *before])
                problems.append(Problem("needs", f"no step has the id '{need}'", where, meant))
    return [[by_id[n] for n in r.call.needs if n in by_id and n != r.call.id] for r in steps]


def _needed_stations(
    steps: Sequence[_Resolved], before: set[str], stations: Stations, problems: list[Problem]
) -> list[list[int]]:
    """For each step the indices of the first steps of the stations that its own depends on."""
    first: dict[str, int] = {}
    for i, r in enumerate(steps):
        first.setdefault(r.call.station, i)
    for r in steps:
        absent = [d for d in r.dependencies if d not in first and d not in before]
        problems += [_missing_dependency(r, dependency, stations) for dependency in absent]
    return [[first[d] for d in r.dependencies if d in first and first[d] != i] for i, r in enumerate(steps)]


def _missing_dependency(r: _Resolved, dependency: str, stations: Stations) -> Problem:
    origin = _distribution(stations, dependency)
    if dependency not in stations:
        known = "it is not installed"
    elif origin:
        known = f"'{dependency}' ({origin}) is installed: add it to the stations"
    else:
        known = "add it to the stations"
    return Problem(
        "missing-dependency",
        f"station '{r.call.station}' depends on station '{dependency}', which is not in the workflow; {known}",
        r.call.where,
        None if dependency in stations else nearest(dependency, stations.names()),
    )


def _move(late: _Resolved, user: _Resolved) -> Move:
    if late.call.id in user.call.needs:
        why = f"'{user.call.id}' needs '{late.call.id}'"
    else:
        why = f"station '{user.call.station}' depends on station '{late.call.station}'"
    return Move(late.call.id, user.call.id, why)


class _Provided:
    """Who provides which key, on the way through the steps."""

    def __init__(self, given: Given, stations: Stations) -> None:
        self._stations = stations
        self._keys: dict[str, str] = {name: f"context '{name}'" for name in given.fields}
        self._keys |= {name: f"input '{name}'" for name in given.inputs}
        self._keys |= dict.fromkeys(given.outputs, "the caller's context")
        self._artifacts: dict[str, str] = {}

    def connect(self, r: _Resolved, problems: list[Problem], steps: Sequence[_Resolved], partial: bool) -> Step:
        """The step with the sources of what it reads; afterwards what it produces is provided too."""
        sources = {k: self._keys[k] for k in _keys_read(r.input) if k in self._keys}
        if not partial:
            groups = [*((key,) for key in r.input.required), *r.input.one_of]
            lacking = [group for group in groups if not any(key in self._keys for key in group)]
            problems += [self._missing(r, group, steps) for group in lacking]
            absent = [name for name in r.input.artifacts if name not in self._artifacts]
            problems += [self._missing_artifact(r, name, steps) for name in absent]
        sources |= {f"artifact {n}": self._artifacts[n] for n in r.input.artifacts if n in self._artifacts}
        self._keys |= dict.fromkeys(r.output.all_keys, f"step '{r.call.id}'")
        self._artifacts |= dict.fromkeys(r.output.artifacts, f"step '{r.call.id}'")
        return Step(r.call, r.station, r.input, r.output, sources, r.sub)

    def _missing(self, r: _Resolved, group: Sequence[str], steps: Sequence[_Resolved]) -> Problem:
        named = " or ".join(f"'{key}'" for key in group)
        makers = self._makers([lambda output, key=key: key in output.keys for key in group], r, steps)
        return Problem(
            "missing-input",
            f"station '{r.call.station}' needs {named}; nothing before it produces it{makers}",
            r.call.where,
        )

    def _missing_artifact(self, r: _Resolved, name: str, steps: Sequence[_Resolved]) -> Problem:
        makers = self._makers([lambda output: name in output.artifacts], r, steps)
        return Problem(
            "missing-artifact",
            f"station '{r.call.station}' needs the artifact '{name}'; nothing before it produces it{makers}",
            r.call.where,
        )

    def _makers(self, ways: Sequence[Any], r: _Resolved, steps: Sequence[_Resolved]) -> str:
        """``; 'test' does`` for a later step, else ``; 'scaffold' (mityflow) does`` for what is installed."""
        later = [s.call.called for produces in ways for s in steps if s is not r and produces(s.output)]
        installed = self._stations.names()
        names = later or [n for produces in ways for n in installed if produces(_output_of(self._stations, n))]
        names = [n for n in dict.fromkeys(names) if n != r.call.station]
        if not names:
            return ""
        origins = ["" if later else _distribution(self._stations, n) for n in names[:3]]
        shown = [f"'{n}' ({o})" if o else f"'{n}'" for n, o in zip(names, origins, strict=False)]
        return "; " + " and ".join(shown) + (" does" if len(names) == 1 else " do")


def _distribution(stations: Stations, name: str) -> str:
    """What a station comes with; empty for one that a program registered, or that is not there."""
    try:
        return stations.origin(name)[0]
    except MityError:
        return ""


def _output_of(stations: Stations, name: str) -> StationOutput:
    try:
        return stations.get(name).output()
    except MityError:
        return StationOutput()


def _keys_read(wanted: StationInput) -> Iterable[str]:
    yield from wanted.required
    for group in wanted.one_of:
        yield from group
    yield from wanted.optional
