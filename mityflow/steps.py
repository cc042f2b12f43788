"""Running one step: its settings rendered, its station executed, its answer checked."""

from __future__ import annotations

import inspect
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mityflow.context import WorkflowContext
from mityflow.errors import MityError, StoreError, UsageError
from mityflow.expressions import ExpressionError, has_expression, render_value
from mityflow.interpreter import Task
from mityflow.plan import Step
from mityflow.prints import Capture
from mityflow.process import Cancelled, CommandResult, TimedOut
from mityflow.station import FAILURE_QUESTION, Answer, Artifact, Question, StationContext, StationResult
from mityflow.workflow import format_duration

if TYPE_CHECKING:
    from mityflow.apps import Launched
    from mityflow.masking import Masker
    from mityflow.workers import Guard

_LONGEST_TRACE = 8000
_LARGEST = 10**300
_BEAT = 0.1
"""Seconds after which a station that waits in an event loop finds out that it is to stop."""


class StepRun(NamedTuple):
    """What one attempt at a step needs."""

    task: Task
    base: WorkflowContext
    scope: Callable[[], Mapping[str, Any]]
    child_env: Mapping[bytes, bytes]
    guard: Guard
    capture: Capture
    masker: Masker
    write: Callable[[bytes], None]
    attempt: int
    answer: Answer | None
    guardrails: Mapping[str, Any]
    workflow_id: str
    workflow_env: Mapping[str, str]
    note: Callable[[Mapping[str, Any]], None] = lambda note: None  # noqa: ARG005 - where there is no journal
    notes: Sequence[Mapping[str, Any]] = ()
    log: str = ""

    @property
    def step(self) -> Step:
        """The step as planned."""
        return self.task.step


def run_step(run: StepRun) -> StationResult:
    """Execute the step once. Whatever the station does, there is a result.

    Raises StoreError alone: when its output can no longer be recorded.
    """
    call = run.step.call
    deadline = None if call.timeout is None else time.monotonic() + call.timeout
    try:
        values, script_env = settings(run)
        runtime = _Runtime(run, deadline, script_env)
        context = StationContext.for_step(
            run.base,
            step=run.task.id,
            values=values,
            runtime=runtime,
            params=run.step.station.Params,
            answer=run.answer,
            attempt=run.attempt,
            deadline=deadline,
            guardrails=run.guardrails,
            notes=run.notes,
            log=run.log,
        )
        _need_inputs(run.step, context)
        with run.guard.station(deadline), run.capture(runtime.write):
            result = _execute(run.step, context)
        return _checked(run.task, result, context)
    except Cancelled:
        return StationResult(run.task.id, "cancelled", run.guard.reason)
    except TimedOut:
        return StationResult.failure(f"timed out after {format_duration(call.timeout or 0)}")
    except StoreError:
        raise
    except MityError as error:
        return StationResult.failure(f"{error.message} ({error.hint})" if error.hint else error.message)
    except ExpressionError as error:
        return StationResult.failure(str(error))
    except KeyboardInterrupt:
        run.guard.cancel()
        return StationResult(run.task.id, "cancelled", "interrupted")
    except BaseException as error:  # noqa: BLE001 - a station may raise anything
        return _raised(error, run)


def _execute(step: Step, context: StationContext) -> Any:
    if not step.station.should_run(context):
        return StationResult.skipped("the station found nothing to do")
    answer: Any = step.station.execute(context)
    if inspect.isawaitable(answer):
        answer = _awaited(answer)
    if (
        context.deadline is not None and time.monotonic() >= context.deadline
    ):  # where nothing could interrupt it: in another thread, or against its will
        raise TimedOut
    return answer


def _awaited(answer: Any) -> Any:
    import asyncio

    async def beat() -> None:
        while True:
            await asyncio.sleep(_BEAT)

    async def wait() -> Any:
        heart = asyncio.ensure_future(beat())  # what is raised in this thread comes when Python code runs next
        try:
            return await answer
        finally:
            heart.cancel()

    if asyncio._get_running_loop() is None:
        return asyncio.run(wait())
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:  # our caller has a loop of its own in this thread
        return pool.submit(asyncio.run, wait()).result()


def settings(run: StepRun) -> tuple[Mapping[str, Any], dict[str, str]]:
    """The step's ``with:`` after rendering, and the values its script reads from the environment."""
    values = run.step.call.with_
    script_env: dict[str, str] = {}
    rendered = {}
    for key, value in values.items():
        if key == run.step.station.script_param and isinstance(value, str):
            if has_expression(value):
                from mityflow.shell_script import render_script

                value, script_env = render_script(value, run.scope())
        elif _dynamic(value):
            value = render_value(value, run.scope())
        rendered[key] = value
    if run.step.station.Params is not None and any(_dynamic(v) for v in values.values()):
        _check_rendered(run.step, rendered)
    return rendered, script_env


def _check_rendered(step: Step, values: Mapping[str, Any]) -> None:
    from mityflow.settings import check_settings

    problems = check_settings(step.station, values, rendered=True)
    if problems:
        raise MityError("with: " + "; ".join(problem.fault().message for problem in problems))


def _dynamic(value: Any) -> bool:
    if isinstance(value, str):
        return has_expression(value)
    if isinstance(value, Mapping):
        return any(_dynamic(v) for v in value.values())
    return isinstance(value, list) and any(_dynamic(v) for v in value)


def _need_inputs(step: Step, context: StationContext) -> None:
    """What the plan found a provider for may still be missing when that was skipped."""
    for group in [*((key,) for key in step.input.required), *step.input.one_of]:
        if all(_missing(context, key) for key in group):
            named = " or ".join(f"'{key}'" for key in group)
            source = next((step.sources[k] for k in group if k in step.sources), "nothing")
            raise MityError(f"needs {named}, which {source} did not give")


def _missing(context: StationContext, key: str) -> bool:
    fields = {"app_name": context.app_name, "stack": context.stack, "iac": context.iac}
    return context.get_input(key) is None and fields.get(key) is None


class _Runtime:
    """Runs a station's commands under its step's limits."""

    def __init__(self, run: StepRun, deadline: float | None, script_env: Mapping[str, str]) -> None:
        self._run = run
        self._deadline = deadline
        self._script_env = script_env

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
        """See :meth:`mityflow.station.StationContext.run`."""
        from mityflow.process import KEEP, encoded, run

        left = None if self._deadline is None else self._deadline - time.monotonic()
        if left is not None and left <= 0:
            raise TimedOut
        step_limits = left is not None and (timeout is None or left < timeout)
        result = run(
            argv,
            cwd=cwd,
            env={**self._run.child_env, **encoded({**self._script_env, **env})},
            timeout=left if step_limits else timeout,
            sink=self._run.write,
            masker=self._run.masker,
            cancel=self._run.guard.token,
            stdin=stdin,
            keep=KEEP if keep is None else keep,
            until=until,
        )
        if result.timed_out and step_limits:
            raise TimedOut
        return result

    def keep(self, name: str, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], url: str) -> Launched:
        """See :meth:`mityflow.station.StationContext.keep`."""
        from mityflow.apps import launch_app

        inherited = dict(self.environment())
        run_id = inherited.pop("MITY_RUN_ID", "")
        return launch_app(
            self._run.base.workspace,
            name,
            argv,
            cwd=cwd,
            env={**inherited, **env},
            secrets=self._run.masker.secrets,
            url=url,
            run_id=run_id,
        )

    def write(self, text: str) -> None:
        """See :meth:`mityflow.station.StationContext.say`."""
        self._run.write(self._run.masker.text(text).encode(errors="replace"))

    def note(self, note: Mapping[str, Any]) -> None:
        """See :meth:`mityflow.station.StationContext.note`."""
        self._run.note(as_data(note))

    def masked(self, text: str) -> str:
        """See :meth:`mityflow.station.StationContext.masked`."""
        return self._run.masker.text(text)

    def environment(self) -> Mapping[str, str]:
        """See :meth:`mityflow.station.StationContext.environment`."""
        own = {os.fsdecode(name): os.fsdecode(value) for name, value in self._run.child_env.items()}
        return {**own, **self._script_env}


def _checked(task: Task, result: Any, context: StationContext) -> StationResult:
    """The result with everything the station set; a success without its evidence is a failure."""
    if not isinstance(result, StationResult):
        kind = type(result).__name__
        return StationResult.failure(f"the station answered with {kind} instead of a StationResult")
    try:
        outputs = as_data({**context.own_outputs, **result.outputs})
    except TypeError as error:
        return StationResult.failure(f"the station's outputs are not data: {error}")
    try:
        artifacts = [Artifact(str(a.name), os.fspath(a.path), str(a.description)) for a in result.artifacts]
        question = Question.from_data(as_data(result.question.to_data())) if result.question else None
        cause = as_data(result.error)
    except (TypeError, AttributeError, UsageError) as fault:
        return StationResult.failure(f"the station's answer is not data: {fault}")
    if result.status == "waiting" and (question is None or question.id == FAILURE_QUESTION):
        return StationResult.failure("the station waits without a question of its own")
    if question and question.form is not None:
        from mityflow.forms import question_problems

        wrong = "; ".join(question_problems(question))
        if wrong:
            return StationResult.failure(f"the station's form is wrong: {wrong}")
    lacking = _lacking(task.step, artifacts, outputs, context.workspace) if result.success else ""
    status = "failed" if lacking else result.status
    message = lacking or str(result.message)
    return StationResult(task.id, status, message, outputs=outputs, artifacts=artifacts, question=question, error=cause)


def _lacking(step: Step, artifacts: list[Artifact], outputs: Mapping[str, Any], workspace: Path) -> str:
    for key in step.output.keys:
        if key not in outputs:
            return f"the station said it succeeded, but did not produce its output '{key}'"
    for artifact in artifacts:
        if not (workspace / artifact.path).exists():
            return f"the station said it succeeded, but its artifact '{artifact.name}' is not there: {artifact.path}"
    names = {artifact.name for artifact in artifacts}
    for name in step.output.artifacts:
        if name not in names:
            return f"the station said it succeeded, but did not produce its artifact '{name}'"
    return ""


def as_data(value: Any, depth: int = 0) -> Any:
    """``value`` as plain JSON data; paths become text, tuples lists. Raises TypeError for anything else."""
    if isinstance(value, Enum):
        return as_data(value.value, depth)
    if value is None or isinstance(value, bool | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, int) and abs(value) < _LARGEST:
        return value
    if depth > 100:
        raise TypeError("it is nested too deeply")
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"the key {key!r} is not text")
        return {key: as_data(v, depth + 1) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [as_data(v, depth + 1) for v in value]
    raise TypeError(f"a value of type {type(value).__name__}")


def _raised(error: BaseException, run: StepRun) -> StationResult:
    """An exception as a failure with its cause; the traceback goes to the step's log."""
    import traceback

    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - an exception's own text may raise anything
        message = "(its text cannot be made)"
    text = run.masker.text("".join(traceback.format_exception(error)))
    run.write(text.encode(errors="replace"))
    result = StationResult.failure(f"{type(error).__name__}: {message}")
    result.error = {"type": type(error).__name__, "message": message, "traceback": text[-_LONGEST_TRACE:]}
    return result
