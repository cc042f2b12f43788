"""What is handed to whoever may mend a failure, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mityflow.errors import MityError

if TYPE_CHECKING:
    from mityflow.healing.diagnosis import Diagnosis
    from mityflow.stacks import Stack


class Cost(NamedTuple):
    """What an agent used up: tokens sent and received, and their price in US dollars (None: not known)."""

    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = 0.0

    def __add__(self, other: object) -> Cost:
        if not isinstance(other, Cost):
            return NotImplemented
        usd = None if self.usd is None or other.usd is None else self.usd + other.usd
        return Cost(self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens, usd)


class Adjustments(NamedTuple):
    """What a fix changes about how the command is run, not about the files: lasts as long as the session.

    ``env`` is added to the command's environment; ``port`` is where an application is to listen.
    """

    env: Mapping[str, str] = {}
    port: int | None = None

    def __bool__(self) -> bool:
        return bool(self.env) or self.port is not None

    def merged(self, other: Adjustments) -> Adjustments:
        """Both; where they differ, ``other`` holds."""
        return Adjustments({**self.env, **other.env}, self.port if other.port is None else other.port)

    def to_data(self) -> dict[str, Any]:
        """As JSON data."""
        return {"env": dict(self.env), "port": self.port}


class Tried(NamedTuple):
    """A fix that was tried in this session. ``verdict`` is one of :data:`mityflow.healing.session.VERDICTS`."""

    signature: str
    agent: str
    fix: str
    title: str
    verdict: str
    reason: str


class Task(NamedTuple):
    """Something to be made where nothing failed, such as a feature.

    ``title`` is one line, ``text`` all that is to be known, as Markdown. ``specialist`` is who makes it.
    Where there is an ``answer``, that file is all that is to be written.
    """

    title: str
    text: str
    specialist: str = "implementer"
    answer: str = ""


class Case(NamedTuple):
    """A failure that somebody is asked to mend, or a ``task``.

    ``output`` is what the command printed, its end where it was long, without secrets. ``root`` is the
    application's folder, ``workspace`` the run's. ``instructions`` are what a person said, empty as long as
    nobody was asked. ``tried`` are the fixes of this session, the latest last. ``seconds_left`` is how long
    the proposal may take, ``spent`` what agents have used up in this session, ``protected`` the patterns of
    paths that no fix may touch, ``adjustments`` those that hold already.
    """

    diagnosis: Diagnosis
    output: str
    exit_code: int | None
    command: tuple[str, ...]
    phase: str
    stack: Stack | None
    app_name: str
    root: Path
    workspace: Path
    instructions: str = ""
    tried: tuple[Tried, ...] = ()
    seconds_left: float = 300.0
    spent: Cost = Cost()
    protected: tuple[str, ...] = ()
    adjustments: Adjustments = Adjustments()
    task: Task | None = None

    def was_tried(self, fix: str) -> bool:
        """True when this fix was tried for this very failure already."""
        return any(t.fix == fix and t.signature == self.diagnosis.signature for t in self.tried)


class Proposal(NamedTuple):
    """A fix that has been made in the application's folder, not verified yet.

    ``fix`` is its id, the same for the same fix, such as ``add-package:requests``; ``title`` says in one
    sentence what was done.
    """

    fix: str
    title: str
    cost: Cost = Cost()


class AgentError(MityError):
    """An agent could not give a whole answer: the attempt failed. ``cost`` is what it used up all the same."""

    def __init__(self, message: str, *, hint: str | None = None, cost: Cost = Cost()) -> None:  # noqa: B008
        super().__init__(message, hint=hint)
        self.cost = cost


class CapReachedError(AgentError):
    """A limit of an agent (``guardrail``, such as ``max_cost_usd``) forbids to go on: a person is asked."""

    def __init__(self, guardrail: str, message: str, *, cost: Cost = Cost()) -> None:  # noqa: B008
        super().__init__(message, cost=cost)
        self.guardrail = guardrail


class NotAllowedError(MityError):
    """A path or a change that no agent may touch or make. ``fix`` is the id of the fix that wanted to."""

    fix: str = ""
