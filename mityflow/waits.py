"""Which steps must be over before another may run, where steps may run side by side.

A step waits for what its ``needs`` and its station's dependencies name, for every earlier step that may
write a key or make an artifact it reads, and for every step its expressions mention. A name that is only known when
the expression is rendered waits for all steps before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mityflow.expressions import Reference, parse_condition, parse_template, walk
from mityflow.step_ids import call_of

if TYPE_CHECKING:
    from mityflow.plan import Plan, Step


def waits(plan: Plan) -> Mapping[str, frozenset[str]]:
    """For each main step the ids of those before it that it waits for."""
    found: dict[str, frozenset[str]] = {}
    earlier: list[Step] = []
    for step in plan.main:
        found[step.id] = frozenset(_reasons(step, earlier))
        earlier.append(step)
    return found


def all_waits(plan: Plan, step_id: str) -> set[str]:
    """What a main step waits for, what that waits for, and so on."""
    found: set[str] = set()
    pending = [*plan.waits[step_id]]
    while pending:
        earlier = pending.pop()
        if earlier not in found:
            found.add(earlier)
            pending += plan.waits[earlier]
    return found


def reasons(plan: Plan, step: Step) -> Mapping[str, str]:
    """Why a main step waits for others, by their ids, in a word or two."""
    return _reasons(step, plan.main[: plan.main.index(step)])


def _reasons(step: Step, earlier: Sequence[Step]) -> dict[str, str]:
    named = set(step.station.dependencies())
    keys = {*step.input.required, *step.input.optional, *(key for group in step.input.one_of for key in group)}
    references = list(references_of(step))
    keys |= {str(r.path[1]) for r in references if r.path[0] == "outputs" and len(r.path) > 1}
    steps = {call_of(str(r.path[1])) for r in references if r.path[0] == "stations" and len(r.path) > 1}
    everything = "*" in keys or "*" in steps or any(r.path in (("outputs",), ("stations",)) for r in references)
    found: dict[str, str] = {}
    for other in earlier:
        shared = [key for key in other.output_keys if key in keys]
        shared += [name for name in other.output.artifacts if name in step.input.artifacts]
        if shared:
            found[other.id] = ", ".join(shared)
        elif other.id in step.call.needs:
            found[other.id] = "needs"
        elif other.call.station in named:
            found[other.id] = "depends on it"
        elif other.id in steps or everything:
            found[other.id] = "reads it"
    return found


def references_of(step: Step) -> Iterator[Reference]:
    """What the expressions of a step read."""
    call = step.call
    if call.when is not None:
        yield from parse_condition(call.when).references
    for value in (call.with_, call.foreach, call.cache and [*call.cache.paths, call.cache.key]):
        yield from _in_value(value)


def _in_value(value: Any) -> Iterator[Reference]:
    for _, text in walk(value):
        yield from parse_template(text).references
