"""Stations that keep their contract and give, in place of their work, what a test says."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from mityflow.errors import UsageError
from mityflow.registry import Origin, StationRegistry
from mityflow.station import Artifact, Option, Question, Station, StationContext, StationResult
from mityflow.step_ids import call_of, file_name

Given = StationResult | Callable[[StationContext], StationResult]
"""What one execution of a step gives: a result, or a function of the context that makes one."""
Results = Mapping[str, Given | Sequence[Given]]
"""What the steps give, by id; a list is for successive executions of the step, and its last entry stays."""

_INDEX = re.compile(r"\[\d+\]")


def succeeded(
    message: str = "", *, outputs: Mapping[str, Any] | None = None, artifacts: Iterable[Artifact] = ()
) -> StationResult:
    """A success. Declared outputs and artifacts that are not given are filled in with placeholders."""
    return StationResult.success(outputs=outputs, artifacts=artifacts, message=message)


def failed(reason: str = "failed", *, outputs: Mapping[str, Any] | None = None) -> StationResult:
    """A failure."""
    return StationResult.failure(reason, outputs=outputs)


def skipped(reason: str = "skipped") -> StationResult:
    """The station found nothing to do."""
    return StationResult.skipped(reason)


def asks(
    text: str,
    options: Iterable[Option | str] = ("yes", "no"),
    *,
    id: str = "question",  # noqa: A002 - as in Question
) -> StationResult:
    """A question. Once it is answered the step gives its next result, a success if there is none."""
    return StationResult.needs_input(Question(id, text, options))


def without_indices(step: str) -> str:
    """The id of a step without the index of an item, in each of its parts."""
    return _INDEX.sub("", step)


class Fakes(StationRegistry):
    """The stations of another registry, each with its contract, without its work.

    ``ran`` are the steps that were executed, in order; ``fault`` is what was wrong with a result, or an
    assertion of a test that did not hold.
    """

    def __init__(self, real: StationRegistry, results: Results) -> None:
        super().__init__()
        self._real = real
        self._results = results
        self._executions: dict[str, int] = {}
        self.ran: list[str] = []
        self.fault: Exception | None = None

    def get(self, name: str) -> Station:
        """The fake of a station; raises what the real registry does."""
        if name not in self._loaded:
            self._loaded[name] = self._fake(self._real.get(name))
        return self._loaded[name]

    def names(self) -> list[str]:
        """The names of the real stations."""
        return self._real.names()

    def __contains__(self, name: object) -> bool:
        return name in self._real

    def origin(self, name: str) -> Origin:
        """Where the real station comes from."""
        return self._real.origin(name)

    def _fake(self, station: Station) -> Station:
        kind = type(station)
        body: dict[str, Any] = {
            "__doc__": kind.__doc__,
            "execute": lambda fake, context: self._execute(station, context),  # noqa: ARG005
        }
        if kind.should_run is not Station.should_run:  # a station that may skip itself makes other plans
            body["should_run"] = lambda fake, context: True  # noqa: ARG005 - the contract's signature
        fake: Station = type(kind.__name__, (kind,), body)()
        return fake

    def _execute(self, station: Station, context: StationContext) -> StationResult | Awaitable[StationResult]:
        count = self._executions[context.step] = self._executions.get(context.step, 0) + 1
        if context.step not in self.ran:
            self.ran.append(context.step)
        try:
            result = self._given(context, count)
            _check_outputs(station, context.step, result)
        except (AssertionError, UsageError) as fault:
            self.fault = self.fault or fault
            return StationResult.failure(str(fault) or "an assertion of the test does not hold")
        if result is None and station.asks:  # to ask is all it does
            return station.execute(context)
        result = result or succeeded()
        return _completed(result, station, context) if result.success else result

    def _given(self, context: StationContext, count: int) -> StationResult | None:
        """What the test gives for this execution, None if that is nothing."""
        step = context.step
        key = next((k for k in (step, call_of(step), without_indices(step)) if k in self._results), None)
        if key is None:
            return None
        given = self._results[key]
        every = given if isinstance(given, Sequence) else [given]
        if not every:
            raise UsageError(f"the list of results for step '{key}' is empty")
        result = every[min(count, len(every)) - 1]
        if callable(result):
            result = result(context)
        if not isinstance(result, StationResult):
            raise UsageError(f"the result for step '{key}' is {type(result).__name__} instead of a StationResult")
        return None if result.question and count > len(every) and not callable(every[-1]) else result


def _check_outputs(station: Station, step: str, result: StationResult | None) -> None:
    """A fake gives nothing that the real station never would."""
    declared = station.output().all_keys
    strange = [key for key in result.outputs if key not in declared] if result else []
    if strange:
        raise UsageError(
            f"the result for step '{step}' has the output '{strange[0]}', unknown to station '{station.name}'",
            hint=f"it declares {', '.join(declared)}" if declared else "it declares no outputs",
        )


def _completed(result: StationResult, station: Station, context: StationContext) -> StationResult:
    """The success with a placeholder for everything the station declares and the test did not give."""
    given = station.output()
    outputs = {key: f"{key} of {context.step}" for key in given.keys} | result.outputs
    artifacts = list(result.artifacts)
    for name in given.artifacts:
        if name not in {artifact.name for artifact in artifacts}:
            artifacts.append(_placeholder(name, len(artifacts), context))
    return StationResult.success(outputs=outputs, artifacts=artifacts, message=result.message)


def _placeholder(name: str, number: int, context: StationContext) -> Artifact:
    """A success must show its artifacts, so there is a file; it lies with what mityflow keeps of the run."""
    place = context.workspace / ".mity" / "fakes" / file_name(context.step) / str(number)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"In place of the artifact '{name}', which no station made.\n", encoding="utf-8")
    return Artifact(name, str(place.relative_to(context.workspace)), "a placeholder of a test")
