"""The contract suite: a good station passes, and for each check there is a bad one that does not."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from mityflow import Artifact, Question, Station, StationContext, StationInput, StationOutput, StationResult
from mityflow.sdk import Params
from mityflow.testing import StationContract
from mityflow.testing.suite import Outcome, check, checks_of, without_example

CHECKS = [
    "it says what it is",
    "planning touches nothing",
    "wrong settings are refused",
    "it gives what it declares",
    "it gives nothing else",
    "it writes in the workspace alone",
    "it shows no secret",
    "it runs twice or says no",
]


class GreetParams(Params):
    greeting: str
    times: int = 1

    @field_validator("times")
    @classmethod
    def _few(cls, times: int) -> int:
        if times == 13:
            raise ZeroDivisionError("unlucky")
        return times


class Greet(Station):
    """Writes a greeting."""

    name = "greet"
    description = "Writes a greeting"
    Params = GreetParams

    def input(self) -> StationInput:
        return StationInput(["app_name"], artifacts=["page"])

    def output(self) -> StationOutput:
        return StationOutput(["path"], optional=["words"], artifacts=["greeting"])

    def dependencies(self) -> list[str]:
        return ["layout"]

    def execute(self, context: StationContext) -> StationResult:
        (context.workspace / "greeting").write_text(f"{context.params.greeting} {context.app_name}")
        return self.result(context)

    def result(self, context: StationContext, **outputs: Any) -> StationResult:
        with tempfile.TemporaryFile() as file:
            file.write(b"fine, for it is gone afterwards")
        return StationResult.success(
            outputs={"path": "greeting", **outputs}, artifacts=[Artifact("greeting", "greeting")]
        )


class Good(StationContract):
    station = Greet
    settings = {"greeting": "Hello"}
    inputs = {"app_name": "my-app"}
    bad_settings = ({}, {"greting": "Hello"}, {"greeting": 7})


def contract(
    execute: Callable[[Greet, StationContext], Any] | None = None,
    base: type[Station] = Greet,
    body: dict[str, Any] | None = None,
    **attributes: Any,
) -> type[StationContract]:
    """The contract of a station that differs from the good one."""
    own = {"__doc__": "A station.", **({"execute": execute} if execute else {}), **(body or {})}
    return type("Contract", (Good,), {"station": type("Other", (base,), own), **attributes})


def outcome(of: type[StationContract], name: str) -> tuple[str, str]:
    return check(of, name)[1:]


def others(of: type[StationContract], *but: str) -> set[str]:
    """What became of all other checks."""
    return {check(of, name).status for name in CHECKS if name not in but}


def test_the_checks_are_these_and_a_good_station_passes_them_all() -> None:
    assert checks_of(Good) == CHECKS
    assert [check(Good, name) for name in CHECKS] == [Outcome(name, "ok") for name in CHECKS]


def test_the_sandbox_leaves_the_process_as_it_was() -> None:
    before = (dict(os.environ), Path.cwd(), tempfile.gettempdir(), sys.dont_write_bytecode)
    for name in CHECKS:
        check(Good, name)
    assert before == (dict(os.environ), Path.cwd(), tempfile.gettempdir(), sys.dont_write_bytecode)


# A bad station for each check


def test_a_station_without_words() -> None:
    name = CHECKS[0]
    assert outcome(contract(body={"description": " "}), name) == (
        "failed",
        "station 'greet' has no description; set 'description'",
    )
    assert "has no docstring" in outcome(contract(body={"__doc__": None}), name)[1]
    assert others(contract(body={"description": ""}), name) == {"ok"}


def test_a_station_that_cannot_be_made() -> None:
    def init(self: Station) -> None:
        raise OSError("no licence")

    found = outcome(contract(body={"__init__": init}), CHECKS[0])
    assert found == ("failed", "Other cannot be made: OSError: no licence")
    assert "has no name" in outcome(contract(body={"name": ""}), CHECKS[0])[1]


@pytest.mark.parametrize("where", ["home", "temp", "current", "workspace", "elsewhere"])
def test_a_station_that_works_while_it_is_planned(where: str, tmp_path: Path) -> None:
    class Busy(StationContract):
        station: Any = None
        folder: Path

        def prepare(self, workspace: Path) -> None:
            type(self).folder = workspace

    def written(self: Station) -> StationOutput:
        folder = {
            "home": Path.home(),
            "temp": Path(tempfile.gettempdir()),
            "current": Path(),
            "workspace": Busy.folder,
            "elsewhere": tmp_path,
        }[where]
        (folder / "trace").write_text("here")
        return StationOutput()

    Busy.station = type("Busy", (Station,), {"name": "busy", "description": "x", "__doc__": "x", "output": written})
    status, reason = outcome(Busy, CHECKS[1])
    assert status == "failed"
    assert "planning must touch nothing, but" in reason
    assert "trace was" in reason


def test_a_station_that_depends_on_itself_is_tried_and_not_what_stands_in_for_others() -> None:
    of = contract(lambda self, context: StationResult.success(), body={"dependencies": lambda self: ["greet"]})
    assert "did not produce its output 'path'" in outcome(of, CHECKS[3])[1]


def test_an_example_with_gaps() -> None:
    found = outcome(contract(inputs={}), CHECKS[1])
    assert found == (
        "failed",
        "its example cannot be planned: station 'greet' needs 'app_name'; nothing before it produces it",
    )
    assert outcome(contract(inputs={}), CHECKS[3])[0] == "failed"


class Loose(BaseModel, extra="allow"):
    greeting: str


@pytest.mark.parametrize(
    ("attributes", "params", "reason"),
    [
        ({}, Loose, 'the settings {"greeting": "Hello", "no_such_setting": 1} are wrong but not refused'),
        ({"bad_settings": [{"greeting": "Hi"}]}, GreetParams, '{"greeting": "Hi"} are wrong but not refused'),
        ({"bad_settings": [{"greeting": "Hi", "times": 13}]}, GreetParams, "'Params' raised ZeroDivisionError"),
        ({"settings": {"greting": "Hi"}}, GreetParams, "its 'settings' are wrong: station 'greet' has no"),
        ({}, "nowhere.at_all:Params", "'Params' raised ModuleNotFoundError"),
    ],
)  # fmt: skip
def test_settings_that_are_not_refused_clearly(attributes: dict[str, Any], params: Any, reason: str) -> None:
    status, why = outcome(contract(body={"Params": params}, **attributes), CHECKS[2])
    assert status == "failed"
    assert reason in why


def test_a_fault_of_settings_that_names_no_key() -> None:
    class Vague(Params):
        greeting: str

        @field_validator("*")
        @classmethod
        def _wrong(cls, value: str) -> str:
            return value

    from pydantic import model_validator

    class Vaguer(Vague):
        @model_validator(mode="after")
        def _no(self) -> Vaguer:
            if self.greeting == "Hi":
                raise ValueError("that will not do")
            return self

    found = outcome(contract(body={"Params": Vaguer}, bad_settings=[{"greeting": "Hi"}]), CHECKS[2])
    assert found == (
        "failed",
        """the settings {"greeting": "Hi"} are refused without naming a key: station 'greet': that will not do""",
    )


def test_a_station_without_settings_takes_none() -> None:
    plain = type("Plain", (Station,), {"name": "plain", "description": "x", "__doc__": "x", "output": Station.output})
    of = type("Plain", (StationContract,), {"station": plain})
    assert outcome(of, CHECKS[2]) == ("ok", "")


def test_a_station_that_gives_less_than_it_declares() -> None:
    nothing = contract(lambda self, context: StationResult.success())
    assert outcome(nothing, CHECKS[3]) == (
        "failed",
        "its example failed: the station said it succeeded, but did not produce its output 'path'",
    )
    no_file = contract(lambda self, context: self.result(context))
    assert "its artifact 'greeting' is not there" in outcome(no_file, CHECKS[3])[1]


def test_a_station_that_raises_fails_its_example_and_other_checks_are_no_success() -> None:
    def broken(self: Greet, context: StationContext) -> StationResult:
        raise OSError("disk full")

    assert outcome(contract(broken), CHECKS[3]) == ("failed", "its example failed: OSError: disk full")
    assert [outcome(contract(broken), name) for name in CHECKS[4:]] == [
        ("skipped", "its example failed: OSError: disk full")
    ] * 4


def test_a_station_that_gives_more_than_it_declares() -> None:
    def more(self: Greet, context: StationContext) -> StationResult:
        (context.workspace / "greeting").write_text("x")
        return self.result(context, extra=1)

    assert outcome(contract(more), CHECKS[4]) == (
        "failed",
        "it gives the output 'extra' undeclared; add it to 'output', or leave it out",
    )
    assert others(contract(more), CHECKS[4]) == {"ok"}

    def artifact(self: Greet, context: StationContext) -> StationResult:
        (context.workspace / "greeting").write_text("x")
        result = self.result(context)
        result.artifacts = (*result.artifacts, Artifact("other", "greeting"))
        return result

    assert "it gives the artifact 'other' undeclared" in outcome(contract(artifact), CHECKS[4])[1]


def writes(place: Callable[[], Path]) -> type[StationContract]:
    def execute(self: Greet, context: StationContext) -> StationResult:
        place().write_text("x")
        return Greet.execute(self, context)

    return contract(execute)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (lambda: Path.home() / ".greetrc", "home/.greetrc was made"),
        (lambda: Path(tempfile.gettempdir(), "left"), "tmp/left was made"),
        (lambda: Path("relative"), "current/relative was made"),
    ],
)
def test_a_station_that_writes_around_its_workspace(place: Callable[[], Path], reason: str) -> None:
    of = writes(place)
    assert outcome(of, CHECKS[5]) == ("failed", f"it wrote outside of the workspace: {reason}")
    assert others(of, CHECKS[5]) == {"ok"}


def test_a_station_that_writes_far_away_is_heard_of(tmp_path: Path) -> None:
    far = tmp_path / "far"
    far.mkdir()
    assert outcome(writes(lambda: far / "x"), CHECKS[5]) == (
        "failed", f"it wrote outside of the workspace: {far / 'x'} was written",
    )  # fmt: skip

    def moved(self: Greet, context: StationContext) -> StationResult:
        (context.workspace / "y").write_text("y")
        os.rename(context.workspace / "y", far / "y")
        (far / "folder").mkdir()
        os.unlink(far / "x")
        return Greet.execute(self, context)

    (far / "x").touch()
    reason = outcome(contract(moved), CHECKS[5])[1]
    assert all(f"{far / name} was written" in reason for name in ("x", "y", "folder"))


def test_a_program_that_writes_at_home_is_seen_and_what_is_allowed_is_not() -> None:
    def execute(self: Greet, context: StationContext) -> StationResult:
        context.run(["sh", "-c", 'mkdir -p "$HOME/.cache/greet"'])
        return Greet.execute(self, context)

    reason = outcome(contract(execute), CHECKS[5])[1]
    assert reason == "it wrote outside of the workspace: home/.cache was made, home/.cache/greet was made"
    assert outcome(contract(execute, may_write=["home/.cache*"]), CHECKS[5]) == ("ok", "")


@pytest.mark.parametrize(
    ("leak", "place"),
    [
        (lambda context, secret: print("token", secret), "its log"),
        (lambda context, secret: context.run(["env"]), "its log"),
        (lambda context, secret: {"words": ["a", secret]}, "the output 'words'"),
        (lambda context, secret: {"words": {"curl": f"https://x/?t={secret}"}}, "the output 'words'"),
        (lambda context, secret: (context.workspace / "greeting").write_text(secret), "the artifact's file greeting"),
    ],
)  # fmt: skip
def test_a_station_that_shows_a_secret(leak: Callable[[StationContext, str], Any], place: str) -> None:
    def execute(self: Greet, context: StationContext) -> StationResult:
        Greet.execute(self, context)
        outputs = leak(context, context.env["API_TOKEN"])
        return self.result(context, **(outputs if isinstance(outputs, dict) else {}))

    status, reason = outcome(contract(execute, secrets=["API_TOKEN"]), CHECKS[6])
    assert status == "failed"
    assert f"it shows a secret in {place}" in reason
    assert "API_TOKEN" in reason


def test_a_secret_in_a_message_or_an_exception_is_seen_though_the_example_fails() -> None:
    def tells(self: Greet, context: StationContext) -> StationResult:
        return StationResult.failure("refused: " + os.environ["API_TOKEN"])

    def raises(self: Greet, context: StationContext) -> StationResult:
        raise OSError(context.env["API_TOKEN"])

    of = contract(tells, secrets=["API_TOKEN"])
    assert outcome(of, CHECKS[6]) == ("failed", "it shows a secret in its message (API_TOKEN)")
    assert "its error (API_TOKEN)" in outcome(contract(raises, secrets=["API_TOKEN"]), CHECKS[6])[1]


def second(then: Callable[[Greet, StationContext], StationResult]) -> type[StationContract]:
    def execute(self: Greet, context: StationContext) -> StationResult:
        return then(self, context) if (context.workspace / "greeting").exists() else Greet.execute(self, context)

    return contract(execute)


def raising(self: Greet, context: StationContext) -> StationResult:
    raise FileExistsError("greeting")


def changing(self: Greet, context: StationContext) -> StationResult:
    (context.workspace / "greeting").write_text("spoilt")
    return StationResult.failure("it is there already")


@pytest.mark.parametrize(
    ("then", "status", "reason"),
    [
        (lambda self, context: StationResult.failure("it is there already"), "ok", ""),
        (lambda self, context: StationResult.skipped("it is there already"), "ok", ""),
        (lambda self, context: StationResult.needs_input(Question("q", "Again?", ["yes"])), "ok", ""),
        (lambda self, context: StationResult.failure(""), "failed", "the second run failed without a message"),
        (raising, "failed", "the second run raised FileExistsError: greeting; return StationResult.failure"),
        (changing, "failed", "the second run failed (it is there already), but greeting was changed"),
    ],
)
def test_a_second_run(then: Callable[[Greet, StationContext], StationResult], status: str, reason: str) -> None:
    found = outcome(second(then), CHECKS[7])
    assert found[0] == status
    assert found[1].startswith(reason)


# What cannot be checked is no success


def test_what_is_not_installed_is_told_and_the_station_is_not_tried() -> None:
    of = contract(programs=["sh", "no-such-program"])
    assert [outcome(of, name)[0] for name in CHECKS] == ["ok"] * 3 + ["skipped"] * 5
    assert outcome(of, CHECKS[3]) == ("skipped", "no-such-program not installed")
    by_hand = contract(missing=lambda self: "there is no database")
    assert outcome(by_hand, CHECKS[7]) == ("skipped", "there is no database")


def test_a_station_that_skips_itself_or_asks_without_an_answer() -> None:
    skips = contract(body={"should_run": lambda self, context: False})
    assert outcome(skips, CHECKS[3]) == ("skipped", "the station skipped itself: the station found nothing to do")

    def asking(self: Greet, context: StationContext) -> StationResult:
        if context.answer is None:
            return StationResult.needs_input(Question("q", "Greet?", ["yes", "no"]))
        return Greet.execute(self, context)

    assert outcome(contract(asking), CHECKS[3]) == ("skipped", "it asks 'Greet?'; give the contract an 'answer'")
    assert {outcome(contract(asking, answer="yes"), name)[0] for name in CHECKS} == {"ok"}
    assert "'maybe' is no answer" in outcome(contract(asking, answer="maybe"), CHECKS[3])[1]


def test_a_station_that_hangs_is_ended() -> None:
    def hangs(self: Greet, context: StationContext) -> StationResult:
        time.sleep(60)
        return StationResult.success()

    started = time.monotonic()
    assert outcome(contract(hangs, time_limit="200ms"), CHECKS[3]) == (
        "failed",
        "its example failed: timed out after 200ms",
    )
    assert time.monotonic() - started < 30


def test_without_an_example_only_what_needs_none_is_checked() -> None:
    of = without_example(Greet)
    statuses = [check(of, name).status for name in CHECKS]
    assert statuses == ["ok"] * 3 + ["not checked"] * 5
    assert check(of, CHECKS[3]).reason == "the plugin declares no contract for it (mityflow.contracts)"


def test_a_check_of_ones_own_is_made_and_one_that_needs_pytest_is_not() -> None:
    class Own(Good):
        def test_it_is_polite(self) -> None:
            raise AssertionError("it is not")

        def test_with_a_fixture(self, tmp_path: Path) -> None:
            raise AssertionError

    assert checks_of(Own)[len(CHECKS) :] == ["it is polite", "with a fixture"]
    assert outcome(Own, "it is polite") == ("failed", "it is not")
    assert outcome(Own, "with a fixture") == ("not checked", "it needs pytest")


# pytest


PLUGIN_TESTS = """
from mityflow.testing import StationContract
from mityflow_stations.shell import Shell

class ShellContract(StationContract):
    station = Shell
    settings = {"command": ["no-such-program"]}

class TestSkipped(StationContract):
    station = Shell
    settings = {"command": ["true"]}
    programs = ["no-such-program"]
"""


def test_pytest_collects_contracts_by_kind_and_tells_failures_and_skips(tmp_path: Path) -> None:
    (tmp_path / "test_shell.py").write_text(textwrap.dedent(PLUGIN_TESTS))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-q", "-p", "no:cacheprovider", "-W", "error", "."],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "1 failed, 6 passed, 9 skipped" in done.stdout, done.stdout
    assert "AssertionError: its example failed: 'no-such-program' is not found" in done.stdout
    assert "no-such-program not installed" in done.stdout


@pytest.mark.slow
def test_the_plugin_costs_a_project_that_does_not_use_it_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(
        "import sys\n"
        "def test_x():\n"
        "    ours = {n for n in sys.modules if n.startswith('mityflow')}\n"
        "    assert ours == {'mityflow', 'mityflow.testing', 'mityflow.testing.plugin'}\n"
        "    assert not {'pydantic', 'jsonschema', 'yaml'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "."],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
