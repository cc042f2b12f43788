"""The contract every station keeps, as checks that run on an example of its use."""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from unittest.case import SkipTest

from mityflow.answers import check_answer, read_answer
from mityflow.clock import iso
from mityflow.contract import contract_of
from mityflow.errors import MityError
from mityflow.masking import Masker
from mityflow.registry import StationRegistry
from mityflow.settings import check_settings
from mityflow.station import Answer, Station, StationResult
from mityflow.testing.sandbox import Sandbox, differences, sandbox
from mityflow.testing.trial import Case, Trial, execute, plan_of, worded

CANARY = "MITYFLOW_CONTRACT_SECRET"
_UNKNOWN = "no_such_setting"
_SHOWN = 5
_LARGEST = 16 * 1024 * 1024


class StationContract:
    """Derive a class from this one, give it a ``station`` and an example, and pytest runs the checks.

    ``settings`` is a valid ``with:``. ``inputs`` are workflow inputs; ``app_name``, ``stack`` and ``iac`` fill
    the context. ``outputs`` are what earlier stations gave. Each of ``bad_settings`` must be refused.
    ``secrets`` are names of environment variables that hold secrets, and ``env`` gives further variables.
    ``answer`` is given when the station asks. ``programs`` must be installed, or the station is not tried.
    ``may_write`` are patterns of paths outside of the workspace, such as ``home/.cache/*``, that it may change.
    ``time_limit`` is for one execution, such as ``90s``.

    A check that cannot be made is skipped, as unittest and pytest do; this class needs neither to run.
    """

    station: ClassVar[type[Station]]
    settings: ClassVar[Mapping[str, Any]] = {}
    inputs: ClassVar[Mapping[str, Any]] = {}
    outputs: ClassVar[Mapping[str, Any]] = {}
    bad_settings: ClassVar[Sequence[Mapping[str, Any]]] = ()
    secrets: ClassVar[Sequence[str]] = ()
    env: ClassVar[Mapping[str, str]] = {}
    answer: ClassVar[Answer | str | Mapping[str, Any] | None] = None
    programs: ClassVar[Sequence[str]] = ()
    may_write: ClassVar[Sequence[str]] = ()
    time_limit: ClassVar[str] = "1m"
    has_example: ClassVar[bool] = True
    _tried: ClassVar[_Tried]

    def prepare(self, workspace: Path) -> None:
        """Put into the workspace what the station needs."""

    def missing(self) -> str:
        """Why the station cannot be tried here, as a sentence; empty when it can."""
        absent = [program for program in self.programs if shutil.which(program) is None]
        return f"{' and '.join(absent)} not installed" if absent else ""

    def test_it_says_what_it_is(self) -> None:
        """It has a description and a documentation of its own."""
        station = self._instance()
        _demand(station.description.strip(), f"station '{station.name}' has no description; set 'description'")
        written = type(station).__dict__.get("__doc__") or ""
        _demand(written.strip(), f"station '{station.name}' has no docstring; say in it what the station does")

    def test_planning_touches_nothing(self) -> None:
        """Asking for its contract, and planning a workflow with it, leaves every folder as it is."""
        with sandbox() as place:
            self._prepare(place)
            inside, around = place.inside(), place.around()
            with place.entered(self.env) as elsewhere:
                self._plan(place)
            found = [*differences(inside, place.inside()), *differences(around, place.around())]
            found += [(path, "was written") for path in sorted(elsewhere)]
        changes = _some([f"{path} {what}" for path, what in found])
        _demand(not found, f"planning must touch nothing, but {changes}; do the work in 'execute'")

    def test_wrong_settings_are_refused(self) -> None:
        """Valid settings pass; an unknown key and each of ``bad_settings`` is a fault that names a key."""
        station = self._instance()
        if self.has_example:
            wrong = _faults(station, self.settings)
            _demand(not wrong, f"its 'settings' are wrong: {'; '.join(message for message, _ in wrong)}")
        for values in ({**self.settings, _UNKNOWN: 1}, *self.bad_settings):
            found = _faults(station, values)
            shown = json.dumps(values, default=repr)
            _demand(found, f"the settings {shown} are wrong but not refused; say so in 'Params'")
            keys = {*values, *((contract_of(station)["params"] or {}).get("properties", ()))}
            named = any(where & keys or any(str(key) in message for key in keys) for message, where in found)
            _demand(named, f"the settings {shown} are refused without naming a key: {found[0][0]}")

    def test_it_gives_what_it_declares(self) -> None:
        """On its example it succeeds, with every output and artifact it declares."""
        result = self._once().result
        _demand(result.status != "failed", f"its example failed: {result.message}")
        _went_well(result)

    def test_it_gives_nothing_else(self) -> None:
        """Every output and artifact it gives is one it declares."""
        result, declared = self._once().result, self._instance().output()
        strange = [f"the output '{key}'" for key in result.outputs if key not in declared.all_keys]
        known = (*declared.artifacts, *declared.optional_artifacts)
        strange += [f"the artifact '{a.name}'" for a in result.artifacts if a.name not in known]
        _demand(not strange, f"it gives {_some(strange)} undeclared; add it to 'output', or leave it out")
        _went_well(result)

    def test_it_writes_in_the_workspace_alone(self) -> None:
        """The home folder, the folder for temporary files, the current folder and others stay as they are."""
        tried = self._once()
        found = [f"{path} {what}" for path, what in tried.outside if not self._may_write(path)]
        _demand(not found, f"it wrote outside of the workspace: {_some(found)}")
        _went_well(tried.result)

    def test_it_shows_no_secret(self) -> None:
        """No secret of its environment is in its output, its result or its artifacts."""
        tried = self._once()
        _demand(not tried.leaks, f"it shows a secret in {_some(tried.leaks)}")
        _went_well(tried.result)

    def test_it_runs_twice_or_says_no(self) -> None:
        """A second run in the same workspace ends well, or as a failure that says why and changes nothing."""
        self._able()
        with sandbox() as place:
            self._prepare(place)
            _went_well(self._run(place)[-1].result)
            before = place.inside()
            second = self._run(place)[-1].result
            changed = [f"{path} {what}" for path, what in differences(before, place.inside())]
        if second.status == "failed":
            way_out = "return StationResult.failure(...) with the reason, or make it safe"
            _demand(not second.error, f"the second run raised {second.message}; {way_out}")
            _demand(second.message.strip(), f"the second run failed without a message; {way_out}")
            _demand(not changed, f"the second run failed ({second.message}), but {_some(changed)}")

    def _instance(self) -> Station:
        try:
            return StationRegistry([self.station]).get(self.station.name)
        except MityError as error:
            raise AssertionError(f"{error.message}; {error.hint}" if error.hint else error.message) from error

    def _able(self) -> None:
        reason = self.missing()
        if reason:
            raise SkipTest(reason)

    def _case(self) -> Case:
        secrets = {name: f"canary-{uuid.uuid4().hex}" for name in (CANARY, *self.secrets)}
        return Case(self.station, self.settings, self.inputs, self.outputs, secrets, self.env, self.time_limit)

    def _prepare(self, place: Sandbox) -> None:
        if self.has_example:
            with place.entered(self.env):
                self.prepare(place.workspace)

    def _plan(self, place: Sandbox) -> None:
        contract_of(self._instance())
        if self.has_example:
            try:
                plan_of(self._case(), place)
            except MityError as error:
                raise AssertionError(f"its example cannot be planned: {error}") from error

    def _once(self) -> _Tried:
        """One run of the example in a new sandbox, shared by the checks that look at it."""
        self._able()
        if "_tried" not in type(self).__dict__:
            case = self._case()
            with sandbox() as place:
                self._prepare(place)
                around = place.around()
                elsewhere: set[str] = set()
                trials = self._run(place, case, elsewhere)
                outside = [*differences(around, place.around()), *((path, "was written") for path in sorted(elsewhere))]
                type(self)._tried = _Tried(trials[-1].result, outside, _leaks(trials, case, place.workspace))
        return type(self)._tried

    def _run(self, place: Sandbox, case: Case | None = None, elsewhere: set[str] | None = None) -> list[Trial]:
        """Execute the station; when it asks and the contract has an answer, once more."""
        case = case or self._case()
        with place.entered(case.whole_env) as heard:
            try:
                trials = [execute(case, place)]
                question = trials[0].result.question
                if question and self.answer is not None:
                    given = self.answer if isinstance(self.answer, Answer) else read_answer(question, self.answer)
                    answer = check_answer(question, given)._replace(by="contract", at=iso(time.time()))
                    trials.append(execute(case, place, answer))
            except MityError as error:
                raise AssertionError(f"its example cannot be run: {error}") from error
        if elsewhere is not None:
            elsewhere |= heard
        return trials

    def _may_write(self, path: str) -> bool:
        return any(fnmatchcase(path, pattern) for pattern in self.may_write)


class _Tried(NamedTuple):
    """How a run of the example ended, what changed outside of the workspace, and where it shows a secret."""

    result: StationResult
    outside: list[tuple[str, str]]
    leaks: list[str]


def _demand(holds: object, message: str) -> None:
    __tracebackhide__ = True
    if not holds:
        raise AssertionError(message)


def _went_well(result: StationResult) -> None:
    """Raises SkipTest when there was no success to look at."""
    if result.question:
        raise SkipTest(f"it asks '{result.question.text}'; give the contract an 'answer'")
    if result.status == "skipped":
        raise SkipTest(f"the station skipped itself: {result.message}")
    if not result.success:
        raise SkipTest(f"its example failed: {result.message}")


def _faults(station: Station, values: Mapping[str, Any]) -> list[tuple[str, set[Any]]]:
    """What is wrong with settings: messages, each with the keys of its place."""
    try:
        return [(worded(problem), set(problem.where)) for problem in check_settings(station, values)]
    except Exception as error:
        shown = json.dumps(values, default=repr)
        raise AssertionError(
            f"'Params' raised {type(error).__name__} for the settings {shown}: {error}; raise ValueError in a validator"
        ) from error


def _leaks(trials: Sequence[Trial], case: Case, workspace: Path) -> list[str]:
    """Where a secret stands, as it is or in one of the spellings that mityflow masks."""
    found = []
    for name, value in case.secrets.items():
        masker = Masker([value])
        for trial in trials:
            data = trial.result.to_data()
            places: dict[str, Any] = {
                "its log": trial.output.decode(errors="replace"),
                "its message": trial.result.message,
                **{f"the output '{key}'": given for key, given in trial.result.outputs.items()},
                "its question": data.get("question"),
                "its error": data.get("error"),
                "its artifacts": data["artifacts"],
            }
            found += [f"{place} ({name})" for place, shown in places.items() if masker.data(shown) != shown]
            for path in _files(trial.result, workspace):
                text = _text(path)
                if masker.text(text) != text:
                    found.append(f"the artifact's file {os.path.relpath(path, workspace)} ({name})")
    return list(dict.fromkeys(found))


def _files(result: StationResult, workspace: Path) -> list[Path]:
    places = [workspace / artifact.path for artifact in result.artifacts]
    return [path for place in places for path in (place, *place.rglob("*")) if path.is_file()]


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST).decode(errors="replace")
    except OSError:
        return ""


def _some(lines: Sequence[str]) -> str:
    return ", ".join(lines[:_SHOWN]) + (f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else "")
