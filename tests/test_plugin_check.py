"""``mityflow plugin check``: installed plugins, good and bad, each station in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from stationkit import declare_distribution

from mityflow.cli.app import mityflow
from mityflow.cli.options import complete_plugin
from mityflow.errors import UsageError

GREET = """\
from pathlib import Path
from mityflow.sdk import Station, StationOutput, StationResult

class Greet(Station):
    '''Writes a greeting.'''

    name = "greet"
    description = "Writes a greeting"

    def output(self):
        return StationOutput(["path"])

    def execute(self, context):
        (context.workspace / "greeting").write_text("hello")
        return StationResult.success(outputs={"path": "greeting"})
"""
CONTRACT = """\
from mityflow.testing import StationContract
from greeter import Greet

class GreetContract(StationContract):
    station = Greet
"""
LOADED = {"check": "it can be loaded", "status": "ok", "reason": ""}
GREETER = {"greet": "greeter:Greet"}
DECLARED = {"greet": "greeter_contracts:GreetContract"}

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a plugin ``greeter`` with these modules and entry points."""
    monkeypatch.chdir(tmp_path)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    def make(
        stations: dict[str, str] = GREETER, contracts: dict[str, str] = DECLARED, name: str = "greeter", **modules: str
    ) -> None:
        folder = tmp_path / f"installed-{name}"
        groups = {"mityflow.stations": stations, "mityflow.contracts": contracts}
        declare_distribution(monkeypatch, folder, name, {group: lines for group, lines in groups.items() if lines})
        for module, text in {"greeter": GREET, "greeter_contracts": CONTRACT, **modules}.items():
            (folder / f"{module}.py").write_text(textwrap.dedent(text))

    return make


def plugin_check(*arguments: str) -> Result:
    return CliRunner().invoke(mityflow, ["plugin", "check", *arguments], standalone_mode=False, catch_exceptions=False)


def report(*arguments: str) -> tuple[int, dict[str, dict[str, tuple[str, str]]]]:
    """The exit code, and for each station what became of each check."""
    done = plugin_check("--json", *arguments)
    data = json.loads(done.stdout)
    stations = {s["station"]: {c["check"]: (c["status"], c["reason"]) for c in s["checks"]} for s in data["stations"]}
    statuses = [status for checks in stations.values() for status, _ in checks.values()]
    assert data["counts"] == {s: statuses.count(s) for s in ("ok", "failed", "skipped", "not checked")}
    return done.return_value, stations


def test_a_good_plugin_passes_and_leaves_nothing_behind(install: Install, tmp_path: Path) -> None:
    install()
    done = plugin_check()
    assert done.return_value == 0
    assert done.stdout.splitlines() == [
        "greet  greeter 1.0",
        "  ok           it can be loaded",
        "  ok           it says what it is",
        "  ok           planning touches nothing",
        "  ok           wrong settings are refused",
        "  ok           it gives what it declares",
        "  ok           it gives nothing else",
        "  ok           it writes in the workspace alone",
        "  ok           it shows no secret",
        "  ok           it runs twice or says no",
        "1 station: 9 ok",
    ]
    assert list((tmp_path / "temporary").iterdir()) == []
    assert {p.name for p in tmp_path.iterdir()} == {"installed-greeter", "temporary"}


def test_a_station_without_a_contract_is_not_checked_as_far_as_it_is_run(install: Install) -> None:
    install(contracts={})
    code, stations = report("greet")
    assert code == 0
    assert [status for status, _ in stations["greet"].values()] == ["ok"] * 4 + ["not checked"] * 5
    assert stations["greet"]["it shows no secret"] == (
        "not checked",
        "the plugin declares no contract for it (mityflow.contracts)",
    )


def test_what_fails_is_told_with_why_as_text_too(install: Install) -> None:
    install(greeter=GREET.replace('"path": "greeting"', '"path": "greeting", "more": 1'))
    done = plugin_check("Greeter")
    assert done.return_value == 1
    assert "\n  FAILED       it gives nothing else: it gives the output 'more' undeclared; add it to" in done.stdout
    assert done.stdout.splitlines()[-1] == "1 station: 8 ok, 1 failed"


def test_what_is_missing_is_skipped_and_no_failure(install: Install) -> None:
    install(greeter_contracts=CONTRACT + "    programs = ['no-such-program']\n")
    code, stations = report()
    assert code == 0
    assert stations["greet"]["it shows no secret"] == ("skipped", "no-such-program not installed")


@pytest.mark.parametrize(
    ("modules", "contracts", "reason"),
    [
        ({"greeter": "raise RuntimeError('no licence')"}, DECLARED, "RuntimeError: no licence"),
        ({"greeter": "import sys; sys.exit(3)"}, DECLARED, "SystemExit: 3"),
        ({"greeter": "import os; os._exit(7)"}, DECLARED, "its process ended with exit code 7"),
        ({"greeter": "import os; os.kill(os.getpid(), 9)"}, DECLARED, "its process ended with signal 9"),
        ({"greeter": "class Greet: pass"}, {}, "greeter:Greet of greeter is no station"),
        ({"greeter": GREET.replace('"greet"', '"great"')}, {}, "calls itself 'great'"),
        ({}, {"greet": "nowhere:Contract"}, "No module named 'nowhere'"),
        ({"greeter_contracts": "GreetContract = 1"}, DECLARED, "is no contract; derive it from"),
        ({"greeter_contracts": CONTRACT + "    station = StationContract"}, DECLARED, "is not for station 'greet'"),
    ],
)
def test_a_broken_plugin_is_reported_as_failed(
    install: Install, modules: dict[str, str], contracts: dict[str, str], reason: str
) -> None:
    install(contracts=contracts, **modules)
    code, stations = report()
    assert code == 1
    assert list(stations["greet"]) == ["it can be loaded"]
    status, why = stations["greet"]["it can be loaded"]
    assert status == "failed"
    assert reason in why


@pytest.mark.slow
@pytest.mark.parametrize(
    ("own", "reason"),
    [
        ("import os; os._exit(5)", "its process ended with exit code 5"),
        ("import time; time.sleep(60)", "it took longer than 3s"),
        ("import signal as s; s.pthread_sigmask(s.SIG_BLOCK, range(1, 32)); s.pause()", "it took longer than 3s"),
    ],
)
def test_a_check_that_ends_its_process_or_hangs_has_failed_and_the_others_are_made(
    install: Install, own: str, reason: str
) -> None:
    extra = f"\n    def test_it_is_odd(self):\n        {own}\n\n    def test_it_is_last(self):\n        pass\n"
    install(greeter_contracts=CONTRACT + extra)
    started = time.monotonic()
    code, stations = report("--timeout", "3s")
    assert time.monotonic() - started < 30
    assert code == 1
    assert stations["greet"].pop("it is odd") == ("failed", reason)
    assert set(stations["greet"].values()) == {("ok", "")}
    assert len(stations["greet"]) == 10


def test_programs_that_a_station_leaves_running_are_ended(install: Install, tmp_path: Path) -> None:
    left = GREET.replace(
        "        (context",
        "        import subprocess\n"
        f"        child = subprocess.Popen(['sleep', '300'])\n"
        f"        Path({str(tmp_path)!r}, 'pids').open('a').write(f'{{child.pid}} ')\n"
        "        (context",
        1,
    )
    install(greeter=left)
    _, stations = report()
    assert stations["greet"]["it writes in the workspace alone"][0] == "failed"
    pids = (tmp_path / "pids").read_text().split()
    assert pids
    end = time.monotonic() + 10
    while any(running(pid) for pid in pids) and time.monotonic() < end:
        time.sleep(0.05)
    assert not [pid for pid in pids if running(pid)]


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_signal_ends_the_checks_and_leaves_nothing(name: str, code: int, install: Install, tmp_path: Path) -> None:
    began = f"open({str(tmp_path / 'began')!r}, 'w')"
    slow = f"\n    def prepare(self, workspace):\n        {began}; import time; time.sleep(60)\n"
    install(greeter_contracts=CONTRACT + slow)
    path = f"import sys; sys.path.insert(0, {str(tmp_path / 'installed-greeter')!r}); from mityflow.cli import main; "
    program = [sys.executable, "-c", path + "sys.argv[1:] = ['plugin', 'check', 'greet']; main()"]
    env = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    with subprocess.Popen(program, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + 30
        while not (tmp_path / "began").exists() and time.monotonic() < end:
            time.sleep(0.05)
        process.send_signal(getattr(signal, name))
        assert process.wait(30) == code
    assert list((tmp_path / "temporary").iterdir()) == []


def running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_a_plugin_prints_is_no_part_of_the_report(install: Install) -> None:
    noise = "import os\nprint('noise'); os.write(1, b'more noise')\n"
    install(greeter=noise + GREET, greeter_contracts=noise + CONTRACT)
    code, _ = report()
    assert code == 0


def test_two_plugins_with_one_station_and_a_contract_without_one(install: Install) -> None:
    install()
    install(name="rival", stations=GREETER, contracts={"bow": "greeter:Bow"})
    code, stations = report("rival")
    assert code == 1
    assert stations == {
        "greet": {
            "it can be loaded": ("failed", "station 'greet' is provided by greeter and rival; uninstall one of them")
        },
        "bow": {
            "it can be loaded": (
                "failed",
                "there is a contract for station 'bow' (mityflow.contracts), but no such station (mityflow.stations)",
            )
        },
    }


def test_names(install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert plugin_check().stdout == "no plugin with stations is installed\n"
    assert plugin_check().return_value == 0
    install()
    declare_distribution(monkeypatch, tmp_path / "only-stacks", "only-stacks", {"mityflow.stacks": {"x": "x"}})
    with pytest.raises(UsageError, match="no plugin and no station 'greter'; did you mean 'greet") as error:
        plugin_check("greter")
    assert error.value.exit_code == 2
    assert plugin_check("only_stacks").stdout == "only_stacks has no stations to check\n"
    with pytest.raises(UsageError, match="'soon' is no duration"):
        plugin_check("--timeout", "soon")
    assert complete_plugin(None, None, "gree") == ["greet", "greeter"]  # type: ignore[arg-type]
    assert os.getcwd() == str(tmp_path)
