"""What a station is: its contract, what it is given, and what it answers.

A station is a class with a ``name``. mityflow makes one instance without arguments, asks it what
it needs and gives, and calls :meth:`Station.execute` with a :class:`StationContext`.
"""

from __future__ import annotations

import os
import time
from collections import ChainMap
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, overload

from mityflow.context import WorkflowContext
from mityflow.errors import UsageError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from mityflow.apps import Launched
    from mityflow.process import CommandResult


class LimitReached(KeyboardInterrupt):
    """The time of :meth:`StationContext.within` is up. Not an Exception, so that no handler in between takes it."""


FAILURE_QUESTION = "on_failure"
SUBMIT = "submit"
_LONGEST_WAIT = 366 * 86400
STATUSES = ("succeeded", "failed", "skipped", "cached", "waiting", "cancelled")


class Artifact(NamedTuple):
    """A file or folder a station made. ``path`` is absolute, or relative to the workspace.

    A success that names an artifact which is not there becomes a failure.
    """

    name: str
    path: str
    description: str = ""


class Option(NamedTuple):
    """One answer a person can choose. ``takes_message``: a text may go with it."""

    id: str
    label: str = ""
    description: str = ""
    takes_message: bool = False


class Answer(NamedTuple):
    """What a person answered: the option's id, and a text where the option takes one.

    ``values`` are the fields of a form, None without one. ``by`` says who answered and ``at`` when
    (UTC, ISO 8601); both are filled in when the answer is recorded, ``by`` only if it is empty. An
    answer ``by`` ``timeout`` is what the question's ``on_timeout`` says.
    """

    option: str
    message: str = ""
    values: Mapping[str, Any] | None = None
    by: str = ""
    at: str = ""

    def to_data(self) -> dict[str, Any]:
        """The answer as JSON data, without what the record of it says: by whom and when."""
        data: dict[str, Any] = {"option": self.option, "message": self.message}
        return data if self.values is None else {**data, "values": dict(self.values)}


class Question:
    """Something only a person can decide: one of ``options``, or a form to fill in.

    ``form`` is a JSON Schema of type object; a question with one has the single option ``submit``.
    ``expires_after`` is for how many seconds it can be answered. What holds after that is
    ``on_timeout``: ``fail``, ``skip``, or the id of an option.
    Raises UsageError when there is no option, or one twice, or only one of the last two is given.
    """

    __slots__ = ("expires_after", "form", "id", "on_timeout", "options", "text")

    def __init__(
        self,
        id: str,  # noqa: A002 - the contract's name
        text: str,
        options: Iterable[Option | str] = (),
        *,
        form: Mapping[str, Any] | None = None,
        expires_after: float | None = None,
        on_timeout: str | None = None,
    ) -> None:
        self.id = id
        self.text = text
        self.options = tuple(Option(o) if isinstance(o, str) else o for o in options)
        self.form = form
        self.expires_after = expires_after
        self.on_timeout = on_timeout
        if form is not None:
            self.options = self.options or (Option(SUBMIT, "Send the form"),)
        ids = [option.id for option in self.options]
        if not ids or len(set(ids)) != len(ids):
            raise UsageError(f"question '{id}' needs at least one option, each with an id of its own")
        if form is not None and ids != [SUBMIT]:
            raise UsageError(f"question '{id}' has a form, so its only option is '{SUBMIT}'")
        if (expires_after is None) != (on_timeout is None):
            raise UsageError(f"question '{id}' needs both of expires_after and on_timeout, or none")
        if expires_after is not None and not 0 < expires_after <= _LONGEST_WAIT:
            raise UsageError(f"expires_after of question '{id}' is seconds, at most a year, not {expires_after!r}")
        if on_timeout is not None and on_timeout not in ("fail", "skip", *ids):
            raise UsageError(f"on_timeout of question '{id}' is fail, skip or an option, not '{on_timeout}'")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Question) and self.to_data() == other.to_data()

    def __hash__(self) -> int:
        return hash((self.id, self.text, self.options))

    def __repr__(self) -> str:
        return f"Question({self.id!r}, {self.text!r}, {[o.id for o in self.options]})"

    def option(self, option_id: str) -> Option | None:
        """The option with this id."""
        return next((o for o in self.options if o.id == option_id), None)

    def to_data(self) -> dict[str, Any]:
        """The question as JSON data."""
        data: dict[str, Any] = {"id": self.id, "text": self.text, "options": [o._asdict() for o in self.options]}
        if self.form is not None:
            data["form"] = self.form
        if self.on_timeout is not None:
            data |= {"expires_after": self.expires_after, "on_timeout": self.on_timeout}
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Question:
        """Read what :meth:`to_data` wrote."""
        return cls(
            data["id"],
            data["text"],
            [Option(**o) for o in data["options"]],
            form=data.get("form"),
            expires_after=data.get("expires_after"),
            on_timeout=data.get("on_timeout"),
        )


class StationInput:
    """The keys and artifacts a station reads.

    ``required`` keys must be provided by an earlier station or a workflow input; of each group in
    ``one_of`` at least one key must; ``optional`` ones may. ``artifacts`` are names of artifacts
    that an earlier station must declare. All of it is checked before anything runs.
    """

    __slots__ = ("artifacts", "one_of", "optional", "required")

    def __init__(
        self,
        required: Sequence[str] = (),
        *,
        one_of: Sequence[Sequence[str]] = (),
        optional: Sequence[str] = (),
        artifacts: Sequence[str] = (),
    ) -> None:
        self.required = tuple(required)
        self.one_of = tuple(tuple(group) for group in one_of)
        self.optional = tuple(optional)
        self.artifacts = tuple(artifacts)


class StationOutput:
    """The keys and artifacts a station produces.

    A success that lacks one of ``keys`` or ``artifacts`` becomes a failure; ``optional`` keys may
    be missing and read as null then, and so may ``optional_artifacts``, which no station can need.
    """

    __slots__ = ("artifacts", "keys", "optional", "optional_artifacts")

    def __init__(
        self,
        keys: Sequence[str] = (),
        *,
        optional: Sequence[str] = (),
        artifacts: Sequence[str] = (),
        optional_artifacts: Sequence[str] = (),
    ) -> None:
        self.keys = tuple(keys)
        self.optional = tuple(optional)
        self.artifacts = tuple(artifacts)
        self.optional_artifacts = tuple(optional_artifacts)

    @property
    def all_keys(self) -> tuple[str, ...]:
        """Every key an expression may name."""
        return self.keys + self.optional


class _Success:
    """``StationResult.success(...)`` makes a result; on a result, ``.success`` says whether it is one."""

    @overload
    def __get__(self, result: None, owner: type[StationResult]) -> Callable[..., StationResult]: ...
    @overload
    def __get__(self, result: StationResult, owner: type[StationResult]) -> bool: ...
    def __get__(self, result: StationResult | None, owner: type[StationResult]) -> bool | Callable[..., StationResult]:
        if result is None:
            return owner._succeeded
        return result.status in ("succeeded", "cached")


class StationResult:
    """What a station answers. Made by :meth:`success`, :meth:`failure`, :meth:`needs_input`, :meth:`skipped`.

    Attributes: ``station`` (the step's id once recorded), ``status`` (one of :data:`STATUSES`),
    ``message``, ``outputs``, ``artifacts``, ``question``, ``error`` (the cause of a failure as
    data), ``started_at`` and ``completed_at`` (UTC, ISO 8601), ``attempts``, and for ``cached`` the
    run whose work it is in ``cached_from``; these five are filled in by the executor.
    """

    __slots__ = (
        "artifacts",
        "attempts",
        "cached_from",
        "completed_at",
        "error",
        "message",
        "outputs",
        "question",
        "started_at",
        "station",
        "status",
    )

    success = _Success()

    def __init__(
        self,
        station: str,
        status: str,
        message: str = "",
        *,
        outputs: Mapping[str, Any] | None = None,
        artifacts: Iterable[Artifact] = (),
        question: Question | None = None,
        error: Mapping[str, Any] | None = None,
        started_at: str | None = None,
        completed_at: str | None = None,
        attempts: int = 1,
        cached_from: str | None = None,
    ) -> None:
        if status not in STATUSES:
            raise UsageError(f"'{status}' is no status of a station")
        self.station = station
        self.status = status
        self.message = message
        self.outputs = dict(outputs or {})
        self.artifacts = tuple(artifacts)
        self.question = question
        self.error = dict(error) if error else None
        self.started_at = started_at
        self.completed_at = completed_at
        self.attempts = attempts
        self.cached_from = cached_from

    def __repr__(self) -> str:
        return f"StationResult({self.station!r}, {self.status!r}, {self.message!r})"

    @classmethod
    def _succeeded(
        cls,
        station: str = "",
        *,
        outputs: Mapping[str, Any] | None = None,
        artifacts: Iterable[Artifact] = (),
        message: str = "",
    ) -> StationResult:
        return cls(station, "succeeded", message, outputs=outputs, artifacts=artifacts)

    @classmethod
    def failure(
        cls, reason: str, *, outputs: Mapping[str, Any] | None = None, artifacts: Iterable[Artifact] = ()
    ) -> StationResult:
        """What was tried did not work; ``reason`` is one sentence for the person who must act."""
        return cls("", "failed", reason, outputs=outputs, artifacts=artifacts)

    @classmethod
    def needs_input(cls, question: Question, *, outputs: Mapping[str, Any] | None = None) -> StationResult:
        """A person must decide; the station is executed again with ``context.answer``."""
        return cls("", "waiting", question.text, question=question, outputs=outputs)

    @classmethod
    def skipped(cls, reason: str) -> StationResult:
        """Nothing was run, and this is why; never a success."""
        return cls("", "skipped", reason)

    def to_data(self) -> dict[str, Any]:
        """The result as the log holds it."""
        data: dict[str, Any] = {
            "success": self.success,
            "status": self.status,
            "message": self.message,
            "outputs": self.outputs,
            "artifacts": [a._asdict() for a in self.artifacts],
            "started_at": self.started_at,
            "completed_at": self.completed_at,
            "attempts": self.attempts,
        }
        if self.question:
            data["question"] = self.question.to_data()
        if self.error:
            data["error"] = self.error
        if self.cached_from:
            data["cached_from"] = self.cached_from
        return data

    @classmethod
    def from_data(cls, station: str, data: Mapping[str, Any]) -> StationResult:
        """Read what :meth:`to_data` wrote."""
        return cls(
            station,
            data["status"],
            data["message"],
            outputs=data["outputs"],
            artifacts=[Artifact(**a) for a in data["artifacts"]],
            question=Question.from_data(data["question"]) if data.get("question") else None,
            error=data.get("error"),
            started_at=data["started_at"],
            completed_at=data["completed_at"],
            attempts=data.get("attempts", 1),
            cached_from=data.get("cached_from"),
        )


class Runtime(Protocol):
    """What the executor lends a station while it runs."""

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        timeout: float | None,
        stdin: bytes | None,
        until: Callable[[int], bool | None] | None,
        keep: int | None,
    ) -> CommandResult:
        """Run a command under the step's limits, its output going to the step's log."""

    def keep(self, name: str, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], url: str) -> Launched:
        """Start an application that may go on running after the run."""

    def write(self, text: str) -> None:
        """Put text into the step's log and on the screen."""

    def note(self, note: Mapping[str, Any]) -> None:
        """Put a note into the run's journal."""

    def masked(self, text: str) -> str:
        """The text without secrets."""

    def environment(self) -> Mapping[str, str]:
        """The environment that commands get."""


class StationContext(WorkflowContext):
    """What a station is given to work with: the workflow's context, and this step's own things.

    ``step`` is the step's id; ``values`` its ``with:`` after rendering, as plain data; ``answer``
    what a person answered to the step's own question, if it asked one; ``attempt`` counts from 1;
    ``deadline`` is the moment (:func:`time.monotonic`) at which the step's time is up, or None;
    ``guardrails`` the workflow's limits for healing stations, as data; ``notes`` what the step has noted
    in this run so far, those from before a crash and a resume included.
    """

    step: str
    notes: Sequence[Mapping[str, Any]]
    values: Mapping[str, Any]
    answer: Answer | None
    attempt: int
    deadline: float | None
    guardrails: Mapping[str, Any]
    _log: str
    _limit: float | None
    _model: type[BaseModel] | None
    _runtime: Runtime
    _params: Any
    _chain: ChainMap[str, Any]

    @classmethod
    def for_step(
        cls,
        base: WorkflowContext,
        *,
        step: str,
        values: Mapping[str, Any],
        runtime: Runtime,
        params: type[BaseModel] | str | None = None,
        answer: Answer | None = None,
        attempt: int = 1,
        deadline: float | None = None,
        guardrails: Mapping[str, Any] | None = None,
        notes: Sequence[Mapping[str, Any]] = (),
        log: str = "",
    ) -> StationContext:
        """The context of one step; ``base.outputs`` are what earlier stations gave."""
        context = cls.__new__(cls)
        context.__dict__.update(base.__dict__)
        context.inputs, context.metadata = deepcopy(base.inputs), deepcopy(base.metadata)
        context.outputs = context._chain = ChainMap({}, base.outputs)
        context.step = step
        context.values = values
        context.answer = answer
        context.attempt = attempt
        context.deadline = deadline
        context.guardrails = guardrails or {}
        context.notes = tuple(notes)
        context._limit = None
        context._log = log
        context._runtime = runtime
        context._model = params  # type: ignore[assignment]
        context._params = None
        return context

    @property
    def params(self) -> Any:
        """The step's ``with:`` as an instance of the station's ``Params``, None without one."""
        if self._params is None and self._model is not None:
            self._params = load_params(self._model).model_validate(dict(self.values))
        return self._params

    @property
    def log(self) -> str:
        """The file that keeps what the step prints, relative to the workspace; empty when nothing keeps it."""
        return os.path.relpath(self._log, self.workspace) if self._log else ""

    @property
    def own_outputs(self) -> dict[str, Any]:
        """What this station itself has set so far."""
        return dict(self._chain.maps[0])

    def run(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
        stdin: bytes | None = None,
        until: Callable[[int], bool | None] | None = None,
        keep: int | None = None,
    ) -> CommandResult:
        """Run a command without a shell and wait for it; its output goes to the step's log, masked.

        ``cwd`` defaults to the workspace, a relative one starts there. ``env`` is added to the
        process's own environment and the context's. ``timeout`` is in seconds; the step's own limit
        holds as well. ``until`` is called with the process's id, some fifty times a second as long as it
        runs, and must not block; once it answers True, the process and its children are ended, once it
        answers None it is asked no more. ``keep`` is how many bytes, the last ones, the result holds of
        what was printed on each of the two ways, 64 KiB by default. The exit code is the caller's to
        judge. Raises CommandError when the command cannot be started. No child outlives the call.
        """
        left = None if self._limit is None else max(0.001, self._limit - time.monotonic())
        limited = left is not None and (timeout is None or left < timeout)
        result = self._runtime.run(
            [os.fspath(a) for a in argv],
            cwd=self.workspace / (cwd or ""),
            env=env or {},
            timeout=left if limited else timeout,
            stdin=stdin,
            until=until,
            keep=keep,
        )
        if result.timed_out and limited:
            raise LimitReached
        return result

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """While the body runs, commands are ended when so many seconds are over, and LimitReached is raised."""
        before = self._limit
        end = time.monotonic() + seconds
        self._limit = end if before is None else min(before, end)
        try:
            yield
        finally:
            self._limit = before

    def keep(
        self,
        name: str,
        argv: Sequence[str | os.PathLike[str]],
        *,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
        url: str = "",
    ) -> Launched:
        """Start an application that may go on running after the run: what ``mityflow ps`` lists.

        It ends with this process unless :meth:`Launched.keep` is called, and its output goes to a file of
        its own, masked. One of the same ``name`` that runs in the workspace is ended first. Raises MityError
        when it cannot be started.
        """
        return self._runtime.keep(
            name, [os.fspath(a) for a in argv], cwd=self.workspace / (cwd or ""), env=env or {}, url=url
        )

    def say(self, text: str) -> None:
        """Write a line to the step's log and the screen."""
        self._runtime.write(text if text.endswith("\n") else text + "\n")

    def note(self, note: Mapping[str, Any]) -> None:
        """Put JSON data into the run's journal, masked; it is on the disk when this returns.

        ``kind`` says what it is. Raises StoreError when it cannot be recorded.
        """
        self._runtime.note(note)
        self.notes = (*self.notes, note)

    def masked(self, text: str) -> str:
        """The text without secrets, as it may be given to others."""
        return self._runtime.masked(text)

    def environment(self) -> Mapping[str, str]:
        """The environment that the step's commands get, secrets included: it is not to be written anywhere."""
        return self._runtime.environment()

    def time_left(self) -> float | None:
        """Seconds until the step's time limit, or that of :meth:`within`; None without one."""
        ends = [end for end in (self.deadline, self._limit) if end is not None]
        return max(0.0, min(ends) - time.monotonic()) if ends else None


class Station:
    """Base class of stations.

    ``Params`` is a pydantic model that ``with:`` is checked against, or ``"module:Class"`` to load it
    only when something must be checked. ``script_param`` names the one key of ``with:`` that holds a
    bash script: a ``{{ }}`` in it reaches the script through the environment and never as text.
    ``asks`` is true of a station that always asks a person, which a step of ``finally`` cannot.
    """

    name: ClassVar[str]
    description: ClassVar[str] = ""
    Params: ClassVar[type[BaseModel] | str | None] = None
    script_param: ClassVar[str | None] = None
    asks: ClassVar[bool] = False

    def input(self) -> StationInput:
        """What the station reads."""
        return StationInput()

    def output(self) -> StationOutput:
        """What the station produces."""
        return StationOutput()

    def dependencies(self) -> Sequence[str]:
        """Names of stations that must have run before."""
        return ()

    def should_run(self, context: StationContext) -> bool:  # noqa: ARG002 - the contract's signature
        """False skips the station, with null outputs."""
        return True

    def may_skip(self, values: Mapping[str, Any]) -> bool:  # noqa: ARG002 - the contract's signature
        """True when a step with these settings may end without outputs.

        What reads them must then say what else, with ``default(...)``.
        """
        return False

    def execute(self, context: StationContext) -> StationResult | Awaitable[StationResult]:  # noqa: ARG002
        """Do the work. May be ``async``. Raising is a failure with its cause."""
        raise TypeError(f"station '{self.name}' has no execute method")


def load_params(params: type[BaseModel] | str) -> type[BaseModel]:
    """The model that ``Params`` stands for, imported if it is given as ``"module:Class"``."""
    if not isinstance(params, str):
        return params
    import importlib

    module, _, name = params.partition(":")
    with _no_pydantic_plugins():
        model: type[BaseModel] = getattr(importlib.import_module(module), name)
    return model


@contextmanager
def _no_pydantic_plugins() -> Iterator[None]:
    """Looking for pydantic's own plugins takes longer than making a model, and settings need none."""
    name = "PYDANTIC_DISABLE_PLUGINS"
    before = os.environ.get(name)
    os.environ[name] = "__all__"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
