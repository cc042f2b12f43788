"""Analyze: what there is of an application of each stack, exactly; and of repositories that are not as one expects."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mityflow_stations._rendering import render
from mityflow_stations.analyze import Analyze
from stationkit import BUILT_IN_STACKS, context, declare_built_ins, execute, tree, write_stack

from mityflow.context import StackType
from mityflow.errors import UsageError
from mityflow.stackfile import read_stack
from mityflow.station import StationResult

ITEMS = ["GET /items", "POST /items", "GET /items/{id}", "PUT /items/{id}", "DELETE /items/{id}"]
JAVA = "src/main/java/com/example/myapp"
JAVA_TESTS = "src/test/java/com/example/myapp"


@pytest.fixture(autouse=True)
def _built_ins(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    declare_built_ins(monkeypatch, tmp_path_factory.mktemp("installed"))


def application(workspace: Path, stack: str) -> Path:
    """An application as scaffold makes it, without anything installed."""
    made = read_stack(BUILT_IN_STACKS / stack, "mityflow")
    for file in render(made, made.template_values("my-app", {})):
        place = workspace / "my-app" / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.data)
    return workspace / "my-app"


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        put(root, name, text)


def put(root: Path, name: str, text: str | bytes) -> None:
    place = root / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(text if isinstance(text, bytes) else text.encode())


def result(workspace: Path, stack: str | None = None, **values: Any) -> StationResult:
    return execute(Analyze(), context(Analyze(), workspace, "my-app", stack, **values))


def analysis(workspace: Path, stack: str | None = None, **values: Any) -> dict[str, Any]:
    done = result(workspace, stack, **values)
    assert done.success, done.message
    return done.outputs["analysis"]


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=U", "-c", "user.email=u@x", "-c", "init.defaultBranch=main", *arguments],
        cwd=folder, capture_output=True, check=True,
    )  # fmt: skip


def routes(found: dict[str, Any]) -> list[str]:
    return [f"{route['method']} {route['path']}".strip() for route in found["routes"]]


def imports(found: dict[str, Any]) -> dict[str, list[str]]:
    return {module["path"]: module["imports"] for module in found["modules"]}


def covered(found: dict[str, Any]) -> dict[str, tuple[int, list[str]]]:
    return {test["path"]: (len(test["cases"]), test["covers"]) for test in found["tests"]}


# Every stack, exactly.


@pytest.mark.parametrize("stack", sorted(StackType))
def test_the_stack_of_our_own_applications_is_known_from_their_manifests(workspace: Path, stack: str) -> None:
    application(workspace, stack)

    done = result(workspace)

    found = done.outputs["analysis"]
    assert (found["stack"], found["stack_is"]) == (stack, "detected")
    assert found["stacks_found"] == [{"path": ".", "stack": stack}]
    assert done.outputs["stack"] == stack
    assert found["not_read"] == []
    assert found["platform"]
    assert done.message.startswith(f"{stack} (detected): ")


def test_python_fastapi(workspace: Path) -> None:
    application(workspace, "python-fastapi")

    found = analysis(workspace)

    assert routes(found) == ["GET /health", *(route.replace("{id}", "{item_id}") for route in ITEMS)]
    assert [(r["handler"], r["line"]) for r in found["routes"][:2]] == [("health", 20), ("list_items", 67)]
    assert imports(found) == {
        "src/my_app/__init__.py": [],
        "src/my_app/__main__.py": ["src/my_app/main.py", "src/my_app/settings.py"],
        "src/my_app/health.py": ["src/my_app/__init__.py"],
        "src/my_app/items.py": [],
        "src/my_app/main.py": ["src/my_app/__init__.py", "src/my_app/health.py", "src/my_app/items.py"],
        "src/my_app/settings.py": [],
    }
    assert covered(found) == {
        "tests/test_health.py": (1, ["src/my_app/__init__.py"]),
        "tests/test_items.py": (6, []),
        "tests/test_settings.py": (3, ["src/my_app/settings.py"]),
    }
    assert found["tests"][1]["routes"] == routes(found)[1:]
    assert {"name": "test_there_are_no_items_at_first", "line": 5} in found["tests"][1]["cases"]
    assert found["untested"] == ["src/my_app/__main__.py"]
    fastapi = next(package for package in found["packages"] if package["name"] == "fastapi")
    constraints = (workspace / "my-app" / "constraints.txt").read_text()
    assert f"fastapi=={fastapi['locked']}\n" in constraints
    assert fastapi["development"] is False
    assert {p["name"] for p in found["packages"] if p["development"]} == {"httpx2", "mypy", "pytest", "ruff"}


def test_rust_api(workspace: Path) -> None:
    application(workspace, "rust-api")

    found = analysis(workspace)

    assert routes(found) == ["GET /health", *ITEMS]
    assert [route["handler"] for route in found["routes"]] == ["health", "list", "add", "find", "replace", "remove"]
    assert imports(found) == {
        "src/health.rs": [],
        "src/items.rs": [],
        "src/lib.rs": ["src/health.rs", "src/items.rs", "src/settings.rs"],
        "src/main.rs": ["src/lib.rs", "src/settings.rs"],
        "src/settings.rs": [],
    }
    assert covered(found) == {"src/settings.rs": (4, ["src/settings.rs"]), "tests/api.rs": (8, ["src/lib.rs"])}
    axum = next(package for package in found["packages"] if package["name"] == "axum")
    assert (axum["wanted"], axum["locked"].split(".")[:2]) == ("0.8", ["0", "8"])


@pytest.mark.parametrize(
    ("stack", "resource", "extra"),
    [
        ("java-springboot", "ItemController", {"Application": []}),
        ("java-quarkus", "ItemResource", {"Health": [], "Problem": []}),
    ],
)
def test_java(workspace: Path, stack: str, resource: str, extra: dict[str, list[str]]) -> None:
    application(workspace, stack)

    found = analysis(workspace)

    assert routes(found) == ITEMS
    assert [route["handler"] for route in found["routes"]] == [
        f"{resource}.{method}" for method in ("list", "add", "get", "replace", "remove")
    ]
    used = ["Item", "ItemStore", "NewItem", *(["Problem"] if "Problem" in extra else [])]
    expected = {"Item": [], "NewItem": [], "Settings": [], "ItemStore": ["Item", "NewItem"], resource: used, **extra}
    assert imports(found) == {
        f"{JAVA}/{name}.java": [f"{JAVA}/{other}.java" for other in others] for name, others in sorted(expected.items())
    }
    assert {path.rpartition("/")[2]: count for path, (count, _) in covered(found).items()} == {
        "HealthTest.java": 3 if stack == "java-springboot" else 1,
        f"{resource}Test.java": 8,
        "SettingsTest.java": 3,
    }
    assert f"{JAVA}/ItemStore.java" in covered(found)[f"{JAVA_TESTS}/{resource}Test.java"][1]
    assert all(route["tested_by"] == [f"{JAVA_TESTS}/{resource}Test.java"] for route in found["routes"])


def test_dotnet_webapi(workspace: Path) -> None:
    application(workspace, "dotnet-webapi")

    found = analysis(workspace)

    assert routes(found) == ["GET /health", *(route.replace("{id}", "{id:long}") for route in ITEMS)]
    assert [route["handler"] for route in found["routes"]] == ["", "List", "Add", "Find", "Replace", "Remove"]
    assert imports(found) == {
        "src/MyApp/Health.cs": [],
        "src/MyApp/Item.cs": [],
        "src/MyApp/ItemEndpoints.cs": ["src/MyApp/Item.cs", "src/MyApp/ItemStore.cs"],
        "src/MyApp/ItemStore.cs": ["src/MyApp/Item.cs"],
        "src/MyApp/Program.cs": [
            "src/MyApp/Health.cs", "src/MyApp/ItemEndpoints.cs", "src/MyApp/ItemStore.cs", "src/MyApp/Settings.cs",
        ],
        "src/MyApp/Settings.cs": [],
    }  # fmt: skip
    assert {path.rpartition("/")[2]: found for path, found in covered(found).items()} == {
        "HealthTests.cs": (2, ["src/MyApp/Health.cs"]),
        "ItemTests.cs": (8, ["src/MyApp/Item.cs"]),
        "SettingsTests.cs": (4, ["src/MyApp/Settings.cs"]),
    }
    wanted = {package["name"]: package["wanted"] for package in found["packages"]}
    assert wanted["Microsoft.AspNetCore.OpenApi"].startswith("10.")


def test_frontend_react(workspace: Path) -> None:
    application(workspace, "frontend-react")

    found = analysis(workspace)

    assert [(route["kind"], route["path"], route["handler"]) for route in found["routes"]] == [
        ("page", "/index.html", "/src/main.tsx")
    ]
    assert imports(found)["src/main.tsx"] == ["src/App.tsx", "src/index.css", "src/settings.ts"]
    assert covered(found) == {
        "tests/App.test.tsx": (6, ["src/App.tsx"]),
        "tests/items.test.ts": (4, ["src/items.ts"]),
        "tests/settings.test.ts": (3, ["src/settings.ts"]),
    }
    assert found["tests"][0]["cases"][0]["name"] == "the page > shows its title and that there is nothing yet"
    react = next(package for package in found["packages"] if package["name"] == "react")
    assert react["locked"] == react["wanted"]


def test_frontend_vue(workspace: Path) -> None:
    application(workspace, "frontend-vue")

    found = analysis(workspace)

    assert [(route["path"], route["handler"], route["line"]) for route in found["routes"]] == [
        ("/", "HomePage", 11),
        ("/:rest(.*)*", "NotFoundPage", 12),
    ]
    assert imports(found)["src/pages.ts"] == ["src/HomePage.vue", "src/NotFoundPage.vue"]
    assert imports(found)["src/HomePage.vue"] == ["src/items.ts"]
    assert covered(found)["tests/pages.test.ts"] == (7, ["src/App.vue", "src/pages.ts"])
    assert found["untested"] == ["src/HomePage.vue", "src/NotFoundPage.vue"]


def test_frontend_angular(workspace: Path) -> None:
    application(workspace, "frontend-angular")

    found = analysis(workspace)

    assert [(route["path"], route["handler"]) for route in found["routes"]] == [
        ("/", "ItemsPage"),
        ("/**", "./not-found/not-found-page"),
    ]
    assert imports(found)["src/app/app.routes.ts"] == [
        "src/app/items/items-page.ts", "src/app/not-found/not-found-page.ts",
    ]  # fmt: skip
    assert covered(found)["src/app/items/item-store.spec.ts"] == (7, ["src/app/items/item-store.ts"])
    assert found["untested"] == ["src/app/not-found/not-found-page.ts"]


def test_electron_app(workspace: Path) -> None:
    application(workspace, "electron-app")

    found = analysis(workspace)

    assert [(route["path"], route["handler"]) for route in found["routes"]] == [
        ("/src/renderer/index.html", "./index.ts")
    ]
    assert imports(found)["src/main/index.ts"] == [
        "src/main/navigation.ts", "src/main/smoke.ts", "src/main/window.ts", "src/shared/api.ts",
    ]  # fmt: skip
    assert covered(found)["tests/scripts/smoke.test.ts"] == (10, ["scripts/smoke.mjs"])
    assert len(found["tests"]) == 7


# What people read.


def test_the_report_is_a_page_and_the_data_are_beside_it(workspace: Path) -> None:
    application(workspace, "python-fastapi")

    done = result(workspace)

    page = workspace / done.outputs["analysis_report"]
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# my-app\n\n- Stack: python-fastapi (detected)\n")
    assert "| `GET /items/{item_id}` | `get_item` | `src/my_app/items.py:81` | `tests/test_items.py` |" in text
    assert json.loads((page.parent / "analysis.json").read_text(encoding="utf-8")) == done.outputs["analysis"]
    assert [artifact.name for artifact in done.artifacts] == ["analysis-report"]


def test_nothing_of_the_application_is_changed(workspace: Path) -> None:
    root = application(workspace, "rust-api")
    git(root, "init", "-q")
    before = tree(root)

    analysis(workspace)

    assert tree(root) == before


def test_names_cannot_break_out_of_the_report(workspace: Path) -> None:
    put(workspace / "my-app", "a`|b\n# c.py", "def f(): ...\n")

    done = result(workspace)

    lines = (workspace / done.outputs["analysis_report"]).read_text(encoding="utf-8").splitlines()
    assert "| `a'¦b # c.py` | `f` |  |" in lines


# The stack.


def test_a_stack_that_is_given_is_kept_and_what_the_manifests_look_like_is_told(workspace: Path) -> None:
    application(workspace, "rust-api")

    done = result(workspace, "python-fastapi")

    found = done.outputs["analysis"]
    assert (found["stack"], found["stack_is"]) == ("python-fastapi", "given")
    assert "Manifests that look like: rust-api in `.`" in (workspace / done.outputs["analysis_report"]).read_text()
    with pytest.raises(UsageError, match="unknown stack 'cobol'"):
        result(workspace, "cobol")


def test_an_application_of_no_known_stack_is_read_all_the_same(workspace: Path) -> None:
    put(workspace / "my-app", "main.py", "import tool\n")
    put(workspace / "my-app", "tool.py", "def run(): ...\n")

    done = result(workspace)

    assert "stack" not in done.outputs
    assert done.outputs["analysis"]["stack_is"] == "unknown"
    assert imports(done.outputs["analysis"]) == {"main.py": ["tool.py"], "tool.py": []}


def test_in_a_repository_of_several_applications_none_is_the_stack_of_it_all(workspace: Path) -> None:
    root = workspace / "my-app"
    put(root, "backend/pyproject.toml", '[project]\nname = "b"\ndependencies = ["fastapi"]\n')
    put(root, "web/package.json", '{"dependencies": {"react": "19.0.0", "react-dom": "19.0.0"}}')
    put(root, "desktop/package.json", '{"devDependencies": {"electron": "45.0.0", "vue": "3"}}')
    put(
        root,
        "shop/pom.xml",
        "<project><parent><groupId>org.springframework.boot</groupId><artifactId>p</artifactId></parent></project>",
    )
    put(
        root,
        "shop/core/pom.xml",
        "<project><parent><groupId>org.springframework.boot</groupId><artifactId>p</artifactId></parent></project>",
    )
    put(root, "net/Shop.sln", "")
    put(root, "net/src/Shop/Shop.csproj", '<Project Sdk="Microsoft.NET.Sdk.Web"/>')

    found = analysis(workspace)

    assert found["stack"] is None
    assert [(each["path"], each["stack"]) for each in found["stacks_found"]] == [
        ("backend", "python-fastapi"),
        ("desktop", "electron-app"),
        ("net", "dotnet-webapi"),
        ("shop", "java-springboot"),
        ("web", "frontend-react"),
    ]


def test_a_workspaces_own_stack_is_recognised_by_its_file(workspace: Path) -> None:
    write_stack(workspace, "flask", {"a": ""}, "detect: {ecosystem: python, packages: [flask, 'flask-*']}\n")
    put(workspace / "my-app", "requirements.txt", "Flask==3.1.0  # the web\nflask-cors>=5\n-r other.txt\n")

    found = analysis(workspace)

    assert found["stack"] is None, "names are compared as they are written"
    put(workspace / "my-app", "requirements.txt", "flask==3.1.0\nflask-cors>=5\n")
    found = analysis(workspace)
    assert found["stack"] == "flask"
    assert [(p["name"], p["wanted"], p["locked"]) for p in found["packages"]] == [
        ("flask", "==3.1.0", "3.1.0"),
        ("flask-cors", ">=5", ""),
    ]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("package.json", "{", "cannot be parsed"),
        ("package.json", "[]", "cannot be parsed"),
        ("package.json", '{"dependencies": ["react"]}', "cannot be parsed"),
        ("Cargo.toml", "[package", "cannot be parsed"),
        ("pyproject.toml", "[project]\ndependencies = 1\n", "cannot be parsed"),
        ("pom.xml", "<!DOCTYPE x [<!ENTITY a 'b'>]><project/>", "it declares a document type"),
        ("pom.xml", "<project>", "cannot be parsed"),
        ("a.csproj", "", "cannot be parsed"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_told(workspace: Path, name: str, text: str, told: str) -> None:
    put(workspace / "my-app", name, text)

    found = analysis(workspace)

    assert [each["path"] for each in found["not_read"]] == [name]
    assert told in found["not_read"][0]["reason"]


def test_locked_versions_are_those_of_the_nearest_lock_file(workspace: Path) -> None:
    root = workspace / "my-app"
    put(root, "package.json", '{"dependencies": {"react": "^19"}}')
    put(
        root,
        "pnpm-lock.yaml",
        "importers:\n  .:\n    dependencies:\n      react: {specifier: ^19, version: 19.3.1(x@1)}\n",
    )
    put(
        root,
        "api/pyproject.toml",
        '[project]\ndependencies = ["Ruamel.yaml>=0.1"]\n[dependency-groups]\ndev = ["pytest"]\n',
    )
    put(
        root,
        "uv.lock",
        '[[package]]\nname = "ruamel-yaml"\nversion = "0.18.1"\n[[package]]\nname = "pytest"\nversion = "9.0"\n',
    )

    packages = {p["name"]: (p["locked"], p["development"]) for p in analysis(workspace)["packages"]}

    assert packages == {"react": ("19.3.1", False), "Ruamel.yaml": ("0.18.1", False), "pytest": ("9.0", True)}


# Files and folders as they come.


def test_an_empty_folder_is_an_application_without_anything(workspace: Path) -> None:
    (workspace / "my-app").mkdir()

    done = result(workspace)

    assert done.message == "unknown stack: 0 modules, 0 routes, 0 tests in 0 files"
    assert done.outputs["analysis"]["size"] == {"files": 0, "bytes": 0, "lines": 0, "languages": []}


def test_a_folder_that_is_not_there_is_a_fault(workspace: Path) -> None:
    with pytest.raises(UsageError, match="there is no application folder"):
        result(workspace)


def test_without_git_what_builds_and_others_wrote_is_left_out(workspace: Path) -> None:
    root = workspace / "my-app"
    for name in ("src/a.js", "node_modules/b/b.js", "dist/c.js", "target/d.js", "packages/e/node_modules/f/f.js"):
        put(root, name, "export const x = 1;\n")

    found = analysis(workspace)

    assert list(imports(found)) == ["src/a.js"]
    assert found["history"]["reason"] == "no git repository"


def test_with_git_what_is_ignored_is_left_out_and_what_is_new_is_not(workspace: Path) -> None:
    root = workspace / "my-app"
    put(root, ".gitignore", "made/\n")
    for name in ("build/a.py", "made/b.py", "new.py", "vendor/c.py", "gone.py"):
        put(root, name, "X = 1\n")
    git(root, "init", "-q")
    git(root, "add", "-f", "build/a.py", "vendor/c.py", "gone.py")
    git(root, "commit", "-qm", "one")
    (root / "gone.py").unlink()

    found = analysis(workspace)

    assert sorted(imports(found)) == ["build/a.py", "new.py"]


def test_the_application_may_be_a_folder_of_the_workspaces_repository(workspace: Path) -> None:
    put(workspace / "my-app", "a.py", "X = 1\n")
    put(workspace / "other", "b.py", "X = 1\n")
    git(workspace, "init", "-q")
    git(workspace, "add", ".")
    git(workspace, "commit", "-qm", "one")
    put(workspace / "my-app", "a.py", "X = 2\n")
    put(workspace / "other", "b.py", "X = 2\n")
    git(workspace, "commit", "-qam", "two")

    found = analysis(workspace)

    assert list(imports(found)) == ["a.py"]
    assert found["history"]["hot_files"] == [{"path": "a.py", "changes": 1}]


def test_hot_files_are_those_that_change_most_and_are_still_there(workspace: Path) -> None:
    root = workspace / "my-app"
    root.mkdir()
    git(root, "init", "-q")
    for number in range(6):
        put(root, "often.py", f"X = {number}\n")
        put(root, "gone.py", f"X = {number}\n")
        if number % 2:
            put(root, "ä b.py", f"X = {number}\n")
        git(root, "add", ".")
        git(root, "commit", "-qm", "x")
    git(root, "rm", "-q", "gone.py")
    git(root, "commit", "-qm", "y")

    whole = analysis(workspace)["history"]
    last = analysis(workspace, commits=3)["history"]

    assert whole["hot_files"] == [{"path": "often.py", "changes": 5}, {"path": "ä b.py", "changes": 3}]
    assert (whole["commits"], whole["shallow"]) == (7, False)
    assert last["hot_files"] == [{"path": "often.py", "changes": 2}, {"path": "ä b.py", "changes": 1}]


def test_a_shallow_clone_is_told_as_one_and_its_edge_changes_nothing(workspace: Path, tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    git(origin, "init", "-q")
    for number in range(4):
        put(origin, "a.py", f"X = {number}\n")
        put(origin, "b.py", "X = 1\n")
        git(origin, "add", ".")
        git(origin, "commit", "-qm", "x")
    git(workspace, "clone", "-q", "--depth", "2", f"file://{origin}", "my-app")

    found = analysis(workspace)["history"]

    assert found == {
        "commits": 2, "shallow": True, "reason": "", "hot_files": [{"path": "a.py", "changes": 1}],
    }  # fmt: skip


def test_a_repository_without_a_commit_and_a_damaged_one_are_read_without_a_history(workspace: Path) -> None:
    root = workspace / "my-app"
    put(root, "a.py", "X = 1\n")
    git(root, "init", "-q")
    assert analysis(workspace)["history"]["reason"] == "no commit yet"

    (root / ".git" / "HEAD").write_text("nonsense\n")
    found = analysis(workspace)

    assert "not a git repository" in found["history"]["reason"]
    assert list(imports(found)) == ["a.py"]


def test_names_that_are_no_utf_8_are_told_and_read(workspace: Path) -> None:
    root = workspace / "my-app"
    root.mkdir()
    name = os.fsdecode(b"caf\xe9.py")
    put(root, name, "X = 1\n")
    put(root, os.fsdecode(b"broken\xe9.py"), "def f(:\n")
    git(root, "init", "-q")

    done = result(workspace)

    found = done.outputs["analysis"]
    assert "caf�.py" in imports(found)
    assert found["not_read"][0]["path"] == "broken�.py"
    json.dumps(found, ensure_ascii=False).encode("utf-8")


def test_links_are_not_followed(workspace: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    put(outside, "secret.py", "TOKEN = 1\n")
    root = workspace / "my-app"
    put(root, "real/a.py", "X = 1\n")
    (root / "linked.py").symlink_to(outside / "secret.py")
    (root / "folder").symlink_to(outside, target_is_directory=True)
    (root / "package.json").symlink_to(outside / "none.json")

    for repository in (False, True):
        if repository:
            git(root, "init", "-q")
            git(root, "add", ".")
        found = analysis(workspace)
        assert list(imports(found)) == ["real/a.py"]
        assert {"path": "linked.py", "reason": "a link"} in found["not_read"]


def test_a_folder_that_became_a_link_after_it_was_added_is_not_read(workspace: Path, tmp_path: Path) -> None:
    root = workspace / "my-app"
    put(root, "pkg/a.py", "X = 1\n")
    git(root, "init", "-q")
    git(root, "add", ".")
    (root / "pkg").rename(tmp_path / "pkg")
    (root / "pkg").symlink_to(tmp_path / "pkg", target_is_directory=True)

    found = analysis(workspace)

    assert found["modules"] == []
    assert {"path": "pkg/a.py", "reason": "behind a link"} in found["not_read"]


def test_what_no_person_wrote_is_not_parsed_and_told(workspace: Path) -> None:
    root = workspace / "my-app"
    put(root, "huge.py", "X = 1\n" * 100_000)
    put(root, "app.min.js", "var a=1")
    put(root, "binary.py", b"\0\1\2")
    os.mkfifo(root / "pipe.py")

    found = analysis(workspace)

    assert {each["path"]: each["reason"] for each in found["not_read"]} == {
        "huge.py": "larger than 500000 bytes",
        "app.min.js": "minified",
        "binary.py": "no text",
        "pipe.py": "no plain file",
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", "def f(:\n"),
        ("a.py", "X = " + "(" * 5_000),
        ("a.py", "X = " + "-" * 60_000 + "1\n"),
        ("a.py", "\udcff".encode("utf-8", "surrogateescape")),
        ("a.ts", "export function f( {"),
        ("a.tsx", "<a><b></a>"),
        ("a.vue", '<script setup lang="ts">\nconst a = {;\n</script>'),
        ("A.java", "class A { void f( }"),
        ("a.cs", "class A { void f( }"),
        ("a.rs", "fn f( {"),
    ],
)
def test_broken_source_is_told_and_stops_nothing(workspace: Path, name: str, text: str | bytes) -> None:
    put(workspace / "my-app", name, text)
    put(workspace / "my-app", "fine.py", "def g(): ...\n")

    found = analysis(workspace)

    assert [each["path"] for each in found["not_read"]] == [name]
    assert "syntax error" in found["not_read"][0]["reason"] or "cannot be parsed" in found["not_read"][0]["reason"]
    assert "fine.py" in imports(found)


@pytest.mark.parametrize("name", ["a.js", "a.tsx", "A.java", "a.cs", "a.rs", "a.py"])
def test_deep_nesting_takes_no_long_time(workspace: Path, name: str) -> None:
    opening = {"a.js": "import 'vue-router';", "a.tsx": "import 'react-router';"}.get(name, "")
    put(workspace / "my-app", name, opening + "x = {path: '/', component: " * 8_000)
    before = time.monotonic()

    analysis(workspace)

    assert time.monotonic() - before < 30


@pytest.mark.slow
def test_a_large_repository_takes_seconds(workspace: Path) -> None:
    root = workspace / "my-app"
    body = "".join(f"export function f{n}(a: number) {{ return a + {n}; }}\n" for n in range(40))
    for number in range(1_000):
        put(root, f"src/m{number}.ts", f"import {{ f1 }} from './m{(number + 1) % 1000}';\n{body}")
        put(root, f"lib/m{number}.py", f"from lib import m{(number + 1) % 1000}\n" + "def f(a):\n    return a\n" * 40)
    before = time.monotonic()

    found = analysis(workspace)

    assert time.monotonic() - before < 60, "it takes some seconds where the machine is free"
    assert len(found["modules"]) == 2_000
    assert imports(found)["src/m7.ts"] == ["src/m8.ts"]
    assert imports(found)["lib/m7.py"] == ["lib/m8.py"]


def test_a_library_that_is_missing_is_said(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[str, str], Path]
) -> None:
    broken = write("libraries/tree_sitter_rust.py", "raise ImportError('there is no tree_sitter_rust')\n")
    monkeypatch.setenv("PYTHONPATH", str(broken.parent))
    put(workspace / "my-app", "a.rs", "fn f() {}\n")

    with pytest.raises(UsageError, match="a library is needed: there is no tree_sitter_rust") as told:
        result(workspace)

    assert told.value.hint == "pip install 'mityflow[analyze]'"


@pytest.mark.parametrize("signal", ["ALRM", "SEGV"])
def test_a_file_that_ends_its_parser_stops_no_other(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[str, str], Path], signal: str
) -> None:
    killer = write("libraries/tree_sitter_rust.py", f"import os, signal\nos.kill(os.getpid(), signal.SIG{signal})\n")
    monkeypatch.setenv("PYTHONPATH", str(killer.parent))
    for name in ("a.py", "b.rs", "c.py"):
        put(workspace / "my-app", name, "X = 1\n")

    found = analysis(workspace)

    assert list(imports(found)) == ["a.py", "c.py"]
    (fault,) = found["not_read"]
    assert fault["path"] == "b.rs"
    assert ("took longer than 5 s" if signal == "ALRM" else "its parser ended with exit code") in fault["reason"]


@pytest.mark.slow
def test_a_file_that_takes_too_long_is_given_up(workspace: Path) -> None:
    put(workspace / "my-app", "a.js", "{" * 200_000)
    put(workspace / "my-app", "b.js", "export const x = 1;\n")

    found = analysis(workspace)

    assert list(imports(found)) == ["b.js"]
    assert found["not_read"] == [{"path": "a.js", "reason": "it took longer than 5 s to read"}]


def test_nothing_is_imported_from_the_workspace(workspace: Path) -> None:
    put(workspace, "mityflow_stations/__init__.py", "raise SystemExit(9)\n")
    put(workspace, "pickle.py", "raise SystemExit(9)\n")
    put(workspace / "my-app", "a.py", "X = 1\n")

    assert list(imports(analysis(workspace))) == ["a.py"]
