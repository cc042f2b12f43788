"""Asking an agent for an answer that is data: it may look at an application's files, and changes none of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from mityflow.errors import MityError
from mityflow.healing.agents import Means, make_agent
from mityflow.healing.case import AgentError, CapReachedError, Case, Cost, Task
from mityflow.healing.checkpoints import Checkpoints, store_of
from mityflow.healing.diagnosis import Diagnosis
from mityflow.healing.hands import Hands
from mityflow.healing.limits import Guardrails
from mityflow.healing.specialists import find_specialist
from mityflow.station import LimitReached, StationContext

ANSWER = "mityflow-answer.json"
_TRIES = 2

T = TypeVar("T")


class Consulted(NamedTuple):
    """An agent's answer, as it was read; ``agent`` is who gave it, ``cost`` what it used up."""

    answer: Any
    agent: str
    cost: Cost


def consult(context: StationContext, task: Task, read: Callable[[Mapping[str, Any]], T]) -> Consulted | None:
    """What the agent of ``task.specialist`` answers; None where the guardrails name no model or program for it.

    ``task.text`` says which JSON object is wanted. ``read`` makes of it what is returned as the answer, and raises
    ValueError for one that is not as it should be: the agent is told so, and asked once more.

    Raises AgentError where there is no answer, UsageError where the agent cannot be started.
    """
    limits = Guardrails.from_data(context.guardrails, context.values.get("guardrails") or {})
    settings = limits.settings_of(task.specialist)
    if settings.kind == "playbook":
        return None
    root = context.output_path
    means = Means.of(context.masked, context.environment(), context.workspace, limits.data)
    agent = make_agent(settings, find_specialist(task.specialist), means)
    tree = Checkpoints(root, store_of(context.workspace, root))
    whole = task._replace(text=f"{task.text}\n\nWrite the object into the new file `{ANSWER}`.", answer=ANSWER)
    spent, wrong = Cost(), ""
    for _ in range(_TRIES):
        _remove(root / ANSWER)
        hands = Hands(root, tree, (), context.run, context.workspace / ".mity" / "work", only=ANSWER)
        case = _case(context, whole, wrong, limits.max_healing_time_secs, spent)
        try:
            with context.within(limits.max_healing_time_secs):
                proposal = agent.propose(case, hands)
            if proposal is None:
                raise AgentError(f"{agent.name} gave no answer")
            spent += proposal.cost
            return Consulted(read(_object(hands.read(ANSWER))), agent.name, spent)
        except LimitReached as error:
            raise AgentError(f"{agent.name} took longer than {limits.max_healing_time_secs:g} s") from error
        except CapReachedError:
            raise
        except (MityError, ValueError) as error:
            wrong = error.message if isinstance(error, MityError) else str(error)
            spent += error.cost if isinstance(error, AgentError) else Cost()
        finally:
            _remove(root / ANSWER)
    raise AgentError(f"{agent.name}: {wrong}", cost=spent)


def _case(context: StationContext, task: Task, wrong: str, seconds: float, spent: Cost) -> Case:
    found = Diagnosis("Task", f"task: {task.title}", (task.title,), rule="task")
    said = f"Your last answer could not be used: {wrong}" if wrong else ""
    root = context.output_path
    name = context.app_name or root.name
    return Case(
        found, "", None, (), "", None, name, root, context.workspace, said, (), seconds, spent, (), task=task
    )  # fmt: skip


def _object(text: str) -> Mapping[str, Any]:
    try:
        data = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if not isinstance(data, dict):
        raise ValueError(f"{ANSWER} holds no JSON object")  # noqa: TRY004 - told to the agent as any other fault
    return data


def _remove(place: Path) -> None:
    if os.path.lexists(place) and not place.is_dir():
        place.unlink()
