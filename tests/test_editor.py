"""The schemas at work in an editor: the YAML language server that editors use, spoken to as they do."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lsp import LanguageServer

ROOT = Path(__file__).parent.parent
STACKS = ROOT / "stations" / "mityflow_stations" / "stacks"
FILES = [*sorted((ROOT / "workflows").glob("*.yaml")), *sorted(STACKS.glob("*/stack.yaml"))]
STATIONS = "version: 1\nid: w\nstations:\n"
CALL = STATIONS + "  - station: shell\n    "
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    """The server, installed from npm. It downloads no schema: only what a file names counts."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("server")
    install = ["npm", "install", "--no-audit", "--no-fund", "--cache", str(folder / "cache"), "yaml-language-server@1"]
    subprocess.run(install, cwd=folder, check=True, capture_output=True, timeout=300)
    command = [str(folder / "node_modules" / ".bin" / "yaml-language-server"), "--stdio"]
    settings = {"validate": True, "completion": True, "hover": True, "schemaStore": {"enable": False}}
    with LanguageServer(command, ROOT, {"yaml": settings}) as running:
        yield running


@pytest.fixture
def path(request: pytest.FixtureRequest) -> Path:
    """A file of the test's own, which is nowhere but in the editor."""
    return ROOT / f"{abs(hash(request.node.nodeid))}.yaml"


def of(schema: str, text: str) -> str:
    return f"# yaml-language-server: $schema=schemas/{schema}.schema.json\n{text}"


def labels(items: list[dict[str, Any]]) -> set[str]:
    return {item["label"] for item in items}


def places(diagnostics: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """Line and column, counted from 1."""
    starts = [d["range"]["start"] for d in diagnostics]
    return [(start["line"] + 1, start["character"] + 1) for start in starts]


@pytest.mark.parametrize("file", FILES, ids=lambda f: f"{f.parent.name}/{f.name}")
def test_what_comes_with_mityflow_has_no_fault_in_an_editor(server: LanguageServer, file: Path) -> None:
    text = file.read_text()
    assert server.diagnostics(file, text) == []
    wrong = server.diagnostics(file.with_suffix(".typo.yaml"), f"{text}\nno_such_key: 1\n")
    assert places(wrong) == [(text.count("\n") + 2, 1)], "its first line names a schema that is found"


@pytest.mark.parametrize(
    ("schema", "text", "place", "message"),
    [
        ("workflow", "nmae: x\n" + STATIONS + "  - shell\n", (2, 1), "nmae"),
        ("workflow", CALL + "wen: x\n", (6, 5), "wen"),
        ("workflow", CALL + "on_failure: contineu\n", (6, 17), "continue"),
        ("workflow", CALL + "retry: {attempts: 2, dealy: 1s}\n", (6, 26), "dealy"),
        ("workflow", STATIONS + "  - Shell\n", (5, 5), "pattern"),
        ("workflow", STATIONS + "  - 3\n", (5, 5), "station call"),
        ("workflow", STATIONS + "  - shell\nguardrails: {max_total: 3}\n", (6, 14), "max_total"),
        ("workflow", "version: 1\nid: w\n", (2, 1), "stations"),
        ("workflow", STATIONS + "  - when: inputs.x\n", (5, 5), "station"),
        ("guardrails", "max_total_iteration: 3\n", (2, 1), "max_total_iteration"),
        ("guardrails", "agents: {a: {kind: llm}}\n", (2, 10), "model"),
        ("guardrails", "agents: {a: {}}\n", (2, 10), "kind"),
        ("stack", "version: 1\nid: s\nname: S\ndescription: S\ncommands: {tst: [[a]]}\n", (6, 12), "tst"),
    ],
)
def test_a_mistake_is_marked_once_and_where_it_stands(
    server: LanguageServer, path: Path, schema: str, text: str, place: tuple[int, int], message: str
) -> None:
    found = server.diagnostics(path, of(schema, text))
    assert places(found) == [place]
    assert message in found[0]["message"]


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ("workflow", f"x-note: 1\n{CALL}x-note: [free]\n"),
        ("workflow", STATIONS + "  - shell\nguardrails: guardrails.yaml\n"),
        ("workflow", STATIONS + "  - shell\nguardrails: {max_total_iterations: 3}\nfinally: [shell]\n"),
        ("workflow", STATIONS + "  - workflow: ./other.yaml\n    foreach: [a, b]\n"),
        ("guardrails", "version: 1\nspecialists: {TestFailure: tester}\nagents: {a: {kind: llm, model: 'openai:m'}}\n"),
    ],
)
def test_what_is_right_is_not_marked(server: LanguageServer, path: Path, schema: str, text: str) -> None:
    assert server.diagnostics(path, of(schema, text)) == []


@pytest.mark.parametrize(
    ("schema", "text", "offered"),
    [
        ("workflow", "|", {"version", "id", "inputs", "secrets", "env", "stations", "finally", "outputs"}),
        ("workflow", STATIONS + "  - |", {"station", "workflow", "when", "retry"}),
        ("workflow", CALL + "|", {"id", "with", "when", "timeout", "retry", "on_failure", "needs"}),
        ("workflow", CALL + "w|", {"with", "when"}),
        ("workflow", CALL + "on_failure: |", {"fail", "continue", "ask"}),
        ("workflow", CALL + "retry:\n      |\n", {"attempts", "delay", "backoff"}),
        ("workflow", f"finally:\n  - station: shell\n    |\n{STATIONS}  - shell\n", {"when", "retry"}),
        ("workflow", f"guardrails:\n  |\n{STATIONS}  - shell\n", {"max_total_iterations", "protected_paths"}),
        ("workflow", f"inputs:\n  a:\n    |\n{STATIONS}  - shell\n", {"type", "default", "enum", "pattern"}),
        ("workflow", f"inputs:\n  a:\n    type: |\n{STATIONS}  - shell\n", {"string", "integer", "array"}),
        ("guardrails", "|", {"max_attempts_per_error", "specialists", "agents"}),
        ("guardrails", "agents:\n  a:\n    kind: |\n", {"playbook", "llm", "command"}),
        ("stack", "|", {"id", "commands", "tools", "port", "health"}),
        ("stack", "commands:\n  |\n", {"install", "build", "lint", "test", "run"}),
    ],
)
def test_the_editor_offers_what_can_stand_there(
    server: LanguageServer, path: Path, schema: str, text: str, offered: set[str]
) -> None:
    assert offered <= labels(server.completion(path, of(schema, text)))


def test_keys_that_are_there_are_not_offered_again(server: LanguageServer, path: Path) -> None:
    assert "station" not in labels(server.completion(path, of("workflow", CALL + "|")))


@pytest.mark.parametrize(
    ("schema", "text", "told"),
    [
        ("workflow", f"sec|rets: [A]\n{STATIONS}  - shell\n", "never written anywhere"),
        ("workflow", CALL + "wh|en: x\n", "the step is skipped where it is false"),
        ("workflow", CALL + "retry: {attempts: 2, del|ay: 1s}\n", "before the second attempt"),
        ("guardrails", "max_total_it|erations: 3\n", "Runs of the command in all"),
        ("stack", "required_f|iles: [a]\n", "cannot do without"),
    ],
)
def test_a_key_is_explained_where_one_points_at_it(
    server: LanguageServer, path: Path, schema: str, text: str, told: str
) -> None:
    assert told in server.hover(path, of(schema, text))
