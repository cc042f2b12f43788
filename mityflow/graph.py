"""A workflow or a run as a graph: its steps, what each comes after and why, how each went."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from mityflow.clock import from_iso
from mityflow.interpreter import status_of
from mityflow.log import ExecutionLog
from mityflow.plan import Plan, Step
from mityflow.station import StationResult
from mityflow.step_ids import item_id, joined
from mityflow.waits import reasons

MOST_ITEMS = 20
"""How many items of a ``foreach`` are drawn one by one; more are drawn as one."""
STATES = ("succeeded", "failed", "skipped", "cached", "waiting", "cancelled", "running", "not run")


class Node(NamedTuple):
    """A step. ``lines`` is what stands in its box; ``state`` is one of STATES for a run, else empty."""

    id: str
    lines: tuple[str, ...]
    state: str = ""


class Edge(NamedTuple):
    """``target`` comes after ``source``; ``why`` is empty where that is only the author's order."""

    source: str
    target: str
    why: str


class Group(NamedTuple):
    """What belongs together: a workflow, the items of a ``foreach``, what is in ``finally``."""

    title: str
    parts: tuple[Node | Group, ...]

    def nodes(self) -> Iterator[Node]:
        """All its steps, in order."""
        for part in self.parts:
            if isinstance(part, Node):
                yield part
            else:
                yield from part.nodes()


class Graph(NamedTuple):
    """The whole: ``root`` holds the steps, ``edges`` connect them by id."""

    root: Group
    edges: tuple[Edge, ...]


def graph_of(plan: Plan, log: ExecutionLog | None = None) -> Graph:
    """The graph of a workflow, or of a run of it."""
    drawing = _Drawing(log)
    root = Group(plan.workflow.name or plan.workflow.id, tuple(drawing.workflow(plan, "").parts))
    return Graph(root, tuple(dict.fromkeys(drawing.edges)))


class _Drawn(NamedTuple):
    """What was drawn, and the steps at which arrows come in and go out."""

    parts: list[Node | Group]
    entries: list[str]
    exits: list[str]


class _Drawing:
    def __init__(self, log: ExecutionLog | None) -> None:
        self._log = log
        self.edges: list[Edge] = []

    def workflow(self, plan: Plan, path: str) -> _Drawn:
        """The steps of a workflow."""
        drawn = {step.id: self._call(step, path) for step in plan.main}
        entries: list[str] = []
        followed: set[str] = set()
        before = ""
        for step in plan.main:
            why: Mapping[str, str] = reasons(plan, step)
            if plan.in_order and before and before not in why:
                why = {before: "", **why}
            for earlier, reason in why.items():
                self._connect(drawn[earlier].exits, drawn[step.id].entries, reason)
                followed.add(earlier)
            if not why:
                entries += drawn[step.id].entries
            before = step.id
        exits = [last for step in plan.main if step.id not in followed for last in drawn[step.id].exits]
        parts = [part for step in plan.main for part in drawn[step.id].parts]
        cleanup: list[Node | Group] = []
        for step in plan.finally_:
            last = self._call(step, path)
            self._connect(exits, last.entries, "")
            entries, exits = entries or last.entries, last.exits
            cleanup += last.parts
        return _Drawn([*parts, Group("finally", tuple(cleanup))] if cleanup else parts, entries, exits)

    def _connect(self, sources: Iterable[str], targets: Iterable[str], why: str) -> None:
        targets = list(targets)
        self.edges += [Edge(source, target, why) for source in sources for target in targets]

    def _call(self, step: Step, path: str) -> _Drawn:
        call = joined(path, step.id)
        group = self._log.groups.get(call) if self._log else None
        if group is None:
            return self._step(step, call)
        if len(group.items) > MOST_ITEMS or not group.items:
            return self._all_items(step, call, len(group.items))
        items = [self._step(step, item_id(call, i)) for i in range(len(group.items))]
        parts = tuple(part for item in items for part in item.parts)
        return _Drawn(
            [Group(f"{step.id}: for each", parts)],
            [entry for item in items for entry in item.entries],
            [last for item in items for last in item.exits],
        )

    def _step(self, step: Step, step_id: str) -> _Drawn:
        node = Node(step_id, (step_id.rpartition("/")[2], *_facts(step), *self._how(step_id)), self._state(step_id))
        if step.sub is None:
            return _Drawn([node], [step_id], [step_id])
        inner = self.workflow(step.sub, step_id)
        self._connect(inner.exits, [step_id], "")
        return _Drawn(
            [Group(f"{node.lines[0]}: workflow {step.call.called}", (*inner.parts, node))],
            inner.entries or [step_id],
            [step_id],
        )

    def _all_items(self, step: Step, call: str, count: int) -> _Drawn:
        results = [self._result(item_id(call, i)) for i in range(count)]
        state = (status_of(results) or "running") if count else "skipped"
        node = Node(call, (f"{step.id} x {count}", *_facts(step), state), state)
        return _Drawn([node], [call], [call])

    def _result(self, step_id: str) -> StationResult | None:
        return self._log.results.get(step_id) if self._log else None

    def _state(self, step_id: str) -> str:
        if self._log is None:
            return ""
        result = self._log.results.get(step_id)
        if result is not None:
            return result.status
        return "running" if step_id in self._log.running or step_id in self._log.frames else "not run"

    def _how(self, step_id: str) -> Iterator[str]:
        if self._log is None:
            return
        result = self._result(step_id)
        took = ""
        if result and result.started_at and result.completed_at and result.status not in ("skipped", "cached"):
            took = f" {from_iso(result.completed_at) - from_iso(result.started_at):.1f}s"
        yield self._state(step_id) + took


def _facts(step: Step) -> Iterator[str]:
    call = step.call
    if step.sub is None and call.station != call.id:
        yield f"station {call.station}"
    if call.foreach is not None:
        yield "for each item"
    if call.when is not None:
        yield f"when {call.when}"
    if call.on_failure != "fail":
        yield f"on failure: {call.on_failure}"
