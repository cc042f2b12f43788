"""The built-in recipes on small projects, without a network: where they fit, and where they keep their hands off."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from mityflow_stations._placing import Placing
from mityflow_stations._rendering import render
from mityflow_stations.playbooks.environment import set_documented_variable
from mityflow_stations.playbooks.fixers import run_fixer
from mityflow_stations.playbooks.flaky import run_again
from mityflow_stations.playbooks.maven import add_artifact
from mityflow_stations.playbooks.packages import _with_dependency, add_package
from mityflow_stations.playbooks.ports import end_own_application, use_another_port
from mityflow_stations.playbooks.restore import restore_configuration, restore_manifest, restore_named
from stationkit import write_stack

from mityflow.healing.case import Case, NotAllowedError, Tried
from mityflow.healing.checkpoints import Checkpoints
from mityflow.healing.classify import classify
from mityflow.healing.hands import Hands
from mityflow.masking import Masker
from mityflow.process import CommandResult, run
from mityflow.sdk import find_stack

_PROTECTED = (".git/**", ".mity/**", ".env", "tests/**")


class Bench:
    """An application in a workspace, and what a recipe would be given."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.app = workspace / "my-app"
        self.app.mkdir(parents=True, exist_ok=True)
        self.commands: list[list[str]] = []

    def write(self, files: Mapping[str, str]) -> Bench:
        for path, text in files.items():
            place = self.app / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        return self

    def read(self, path: str) -> str:
        return (self.app / path).read_text(encoding="utf-8")

    def case(self, printed: str, stack: str | None = None, **more: Any) -> Case:
        found = classify(printed, exit_code=1)
        kind = find_stack(stack, self.workspace) if stack else None
        return Case(found, printed, 1, ("x",), "test", kind, "my-app", self.app, self.workspace, **more)

    def hands(self, answers: Callable[[Sequence[str]], int] | None = None) -> Hands:
        def tool(argv: Sequence[str], *, cwd: Path, timeout: float, env: Mapping[str, str]) -> CommandResult:
            self.commands.append(list(argv))
            if answers is None:
                return run(argv, cwd=cwd, masker=Masker(()), timeout=timeout)
            return CommandResult(tuple(argv), answers(argv), "", "", 0.0, False, False)

        tree = Checkpoints(self.app, self.workspace / ".mity" / "checkpoints" / "app.git")
        return Hands(self.app, tree, _PROTECTED, tool, self.workspace / ".mity" / "work")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def made(bench: Bench) -> Bench:
    """An application that scaffold made from a small stack."""
    files = {
        "package.json": '{\n  "name": "{{ app_name }}",\n  "scripts": {}\n}\n',
        "src/main.js": "export const one = 1;\nexport const two = 2;\n",
        "tool.config.js": "export default {};\n",
    }
    write_stack(bench.workspace, "small", files, "commands: {format: [[sh, -c, 'echo fine > src/main.js']]}\n")
    stack = find_stack("small", bench.workspace)
    Placing(bench.workspace, "my-app", "small").place(render(stack, stack.template_values("my-app", {})), "fail")
    return bench


_CONFIG = "npm error code EJSONPARSE\nnpm error JSON.parse Invalid package.json: JSONParseError: Unexpected end"


def test_a_file_that_was_cut_off_is_as_the_template_makes_it(made: Bench) -> None:
    whole = made.read("package.json")
    made.write({"package.json": whole[:20]})

    done = restore_named(made.case(_CONFIG, "small"), made.hands())

    assert done == ("restore:package.json", "package.json was restored from the template")
    assert made.read("package.json") == whole


def test_a_file_with_lines_of_ones_own_stays(made: Bench) -> None:
    own = made.read("src/main.js").replace("two = 2", "two = ") + "export const mine = 3;\n"
    made.write({"src/main.js": own})
    case = made.case("src/main.js(2,20): error TS1109: Expression expected.", "small")

    assert restore_named(case, made.hands()) is None
    assert made.read("src/main.js") == own


def test_what_was_committed_last_goes_before_the_template(made: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from git import Repo

    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "test")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "test@example.org")
    made.write({"package.json": '{"name": "my-app", "own": true}\n'})
    repo = Repo.init(made.app)
    repo.git.add("--all")
    repo.git.commit("-qm", "Begin")
    made.write({"package.json": '{"name": "my'})

    done = restore_named(made.case(_CONFIG, "small"), made.hands())

    assert done is not None
    assert done[1] == "package.json was restored as it was committed"
    assert json.loads(made.read("package.json"))["own"] is True


def test_marks_of_a_merge_are_damage(made: Bench) -> None:
    made.write({"src/main.js": made.read("src/main.js") + "<<<<<<< HEAD\nx\n=======\ny\n>>>>>>> b\n"})
    case = made.case("src/main.js(3,1): error TS1185: Merge conflict marker encountered.", "small")

    assert restore_named(case, made.hands()) is not None


def test_configuration_that_is_gone_comes_back(made: Bench) -> None:
    (made.app / "tool.config.js").unlink()
    case = made.case("ESLint couldn't find an eslint.config.* file.", "small")

    done = restore_configuration(case, made.hands())

    assert done is not None
    assert made.read("tool.config.js") == "export default {};\n"


def test_an_application_of_another_origin_has_no_template(bench: Bench) -> None:
    bench.write({"package.json": "{"})

    assert restore_named(bench.case(_CONFIG), bench.hands()) is None
    assert restore_manifest(bench.case(_CONFIG), bench.hands()) is None


# Packages


_MISSING = "Error: Cannot find module 'left-pad'\nRequire stack:\n- /home/dev/my-app/src/main.js"


def test_a_package_that_the_source_imports_is_added(bench: Bench) -> None:
    bench.write({"package.json": '{"dependencies": {"a": "1.0.0"}}', "src/main.js": "import pad from 'left-pad'\n"})

    done = add_package(bench.case(_MISSING), bench.hands(lambda _: 0))

    assert done == ("add-package:left-pad", "left-pad was added to package.json")
    argv = bench.commands[0]
    assert argv[:4] == ["npm", "install", "--save", "--save-exact"]
    assert argv[-2:] == ["--", "left-pad"]
    assert "--ignore-scripts" in argv


def test_a_package_that_only_a_log_names_is_not(bench: Bench) -> None:
    bench.write({"package.json": "{}", "src/main.js": "console.log(\"Cannot find module 'left-pad'\")\n"})

    assert add_package(bench.case(_MISSING), bench.hands(lambda _: 0)) is None
    assert bench.commands == []


@pytest.mark.parametrize("name", ["--global", "../x", "a;rm", "-rf", "@/x", "node:fs"])
def test_a_hostile_name_is_no_package(bench: Bench, name: str) -> None:
    bench.write({"package.json": "{}", "src/main.js": f"import x from '{name}'\n"})

    assert add_package(bench.case(_MISSING.replace("left-pad", name)), bench.hands(lambda _: 0)) is None
    assert bench.commands == []


def test_what_was_tried_for_the_failure_is_not_tried_again(bench: Bench) -> None:
    bench.write({"package.json": "{}", "src/main.js": "import pad from 'left-pad'\n"})
    case = bench.case(_MISSING)
    tried = Tried(case.diagnosis.signature, "playbook", "add-package:left-pad", "", "same", "")

    assert add_package(case._replace(tried=(tried,)), bench.hands(lambda _: 0)) is None


def test_an_import_under_another_name_is_known(bench: Bench) -> None:
    bench.write({"pyproject.toml": "[project]\ndependencies = []\n", "app/main.py": "import yaml\n"})
    (bench.app / ".venv" / "bin").mkdir(parents=True)
    (bench.app / ".venv" / "bin" / "python").touch()
    printed = "Traceback (most recent call last):\nModuleNotFoundError: No module named 'yaml'"

    add_package(bench.case(printed), bench.hands(lambda _: 1))

    assert bench.commands[0][-1] == "pyyaml"


def test_without_an_environment_of_its_own_nothing_is_installed(bench: Bench) -> None:
    bench.write({"pyproject.toml": "[project]\ndependencies = []\n", "app/main.py": "import yaml\n"})
    printed = "Traceback (most recent call last):\nModuleNotFoundError: No module named 'yaml'"

    assert add_package(bench.case(printed), bench.hands(lambda _: 0)) is None
    assert bench.commands == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("dependencies = []\n", 'dependencies = ["x>=1"]\n'),
        ('dependencies = ["a"]\n', 'dependencies = ["a", "x>=1"]\n'),
        ('dependencies = [\n    "a[b]>=1",\n]\n', 'dependencies = [\n    "a[b]>=1",\n    "x>=1",\n]\n'),
        ('dependencies = [\n  "a"\n]\n', 'dependencies = [\n  "a",\n  "x>=1",\n]\n'),
    ],
)
def test_a_dependency_is_added_in_the_manifests_own_style(before: str, after: str) -> None:
    assert _with_dependency(f"[project]\n{before}", '"x>=1"', "dependencies") == f"[project]\n{after}"


def test_an_artifact_is_added_to_a_pom(bench: Bench) -> None:
    entry = "        <dependency>\n            <groupId>a</groupId>\n        </dependency>\n"
    pom = f"<project>\n    <dependencies>\n{entry}    </dependencies>\n</project>\n"
    source = "package a;\nimport org.apache.commons.io.FileUtils;\nclass A {}\n"
    bench.write({"pom.xml": pom, "src/main/java/a/A.java": source})
    printed = "[ERROR] /home/dev/my-app/src/main/java/a/A.java:[2,29] package org.apache.commons.io does not exist"

    done = add_artifact(bench.case(printed), bench.hands())

    assert done == ("add-package:commons-io:commons-io", "commons-io:commons-io was added to pom.xml")
    assert "            <artifactId>commons-io</artifactId>\n            <version>2.20.0</version>\n" in bench.read(
        "pom.xml"
    )
    assert add_artifact(bench.case(printed), bench.hands()) is None


# Settings, ports, tests


def test_a_documented_variable_is_set_for_the_run(bench: Bench) -> None:
    bench.write({".env.example": "# what it is\nDATABASE_URL=sqlite:///a.db  # a file\nTOKEN=changeme\n"})
    hands = bench.hands()

    done = set_documented_variable(bench.case("KeyError: 'DATABASE_URL'"), hands)

    assert done is not None
    assert hands.adjustments.env == {"DATABASE_URL": "sqlite:///a.db"}
    assert set_documented_variable(bench.case("KeyError: 'TOKEN_OF_MINE'"), bench.hands()) is None
    assert set_documented_variable(bench.case("RuntimeError: TOKEN is not set"), bench.hands()) is None


def test_a_taken_port_is_left_to_whoever_has_it(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        case = bench.case(f"Error: listen EADDRINUSE: address already in use 127.0.0.1:{port}")
        hands = bench.hands()

        assert end_own_application(case, hands) is None
        assert use_another_port(case, hands) is not None
        assert hands.adjustments.port not in (None, port)
        assert bench.commands == []


def test_tests_are_run_again_once(bench: Bench) -> None:
    case = bench.case("FAILED tests/test_a.py::test_a - assert 1 == 2\n=== 1 failed, 2 passed in 0.10s ===")
    tried = Tried("any", "playbook", "rerun", "", "same", "")

    assert run_again(case, bench.hands()) == ("rerun", "the tests were run again, unchanged")
    assert run_again(case._replace(tried=(tried,)), bench.hands()) is None
    assert run_again(bench.case("KeyError: 'DATABASE_URL'"), bench.hands()) is None


def test_the_stacks_own_fixer_is_run(made: Bench) -> None:
    case = made.case("src/main.js\n  1:1  error  wrong  some-rule\n\n✖ 1 problem (1 error, 0 warnings)", "small")

    assert run_fixer(case, made.hands()) == ("format", "the stack's own fixer was run")
    assert made.read("src/main.js") == "fine\n"


# Hands


def test_hands_do_not_reach_what_they_must_not(made: Bench) -> None:
    made.write({".env": "TOKEN=x", "tests/test_a.py": "", ".gitignore": "out/\n.env\n", "key.pem": "x"})
    (made.app / "link").symlink_to("/etc")
    hands = made.hands()
    for path in ("../x", "/etc/passwd", "link/passwd", ".git/config", "tests/test_a.py", ".env", "out/x"):
        with pytest.raises(NotAllowedError):
            hands.write(path, "x")
    for path in (".env", "key.pem", "../x", "link/passwd"):
        with pytest.raises(NotAllowedError):
            hands.read(path)
    assert not {".env", "key.pem"} & set(hands.files())
    assert os.path.exists(made.app / "tests" / "test_a.py")


def test_hands_replace_what_stands_once(made: Bench) -> None:
    hands = made.hands()
    hands.replace("src/main.js", "one = 1", "one = 11")

    assert "one = 11" in made.read("src/main.js")
    for old in ("export", "nowhere", ""):
        with pytest.raises(NotAllowedError, match="times"):
            hands.replace("src/main.js", old, "x")


def test_a_copy_is_taken_over_only_as_a_whole(made: Bench) -> None:
    made.write({"tests/test_a.py": "whole\n"})
    hands = made.hands()

    def weaken() -> None:
        with hands.copy() as folder:
            (folder / "src" / "main.js").write_text("changed\n", encoding="utf-8")
            (folder / "tests" / "test_a.py").write_text("weak\n", encoding="utf-8")

    with pytest.raises(NotAllowedError, match="protected"):
        weaken()
    assert "one = 1" in made.read("src/main.js")

    with hands.copy() as folder:
        (folder / "src" / "main.js").write_text("changed\n", encoding="utf-8")
    assert made.read("src/main.js") == "changed\n"
    assert not any((made.workspace / ".mity" / "work").iterdir())


def test_every_rule_that_a_recipe_asks_for_exists() -> None:
    import re

    import mityflow_stations.playbooks as playbooks

    from mityflow.healing.rulebook import rulebook

    known = {rule.id for rule in rulebook().rules} | {"tool-version"}
    asked = set()
    for place in Path(next(iter(playbooks.__path__))).glob("*.py"):
        text = place.read_text(encoding="utf-8")
        asked |= set(re.findall(r"diagnosis\.rule (?:==|!=) \"([\w-]+)\"", text))
        for group in re.findall(r"diagnosis\.rule (?:not )?in \(([^)]*)\)|_STYLE = \(([^)]*)\)", text):
            asked |= set(re.findall(r"\"([\w-]+)\"", "".join(group)))
    assert len(asked) > 10
    assert asked - known == set()
