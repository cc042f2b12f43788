"""Who may import whom, and what a start may load: the tables of docs/architecture.md."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mityflow
import mityflow.sdk
import mityflow.testing

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "mityflow"
STATIONS = ROOT / "stations" / "mityflow_stations"
HEAVY = {
    "asyncio",
    "git",
    "importlib.metadata",
    "jinja2",
    "jsonschema",
    "logging",
    "pydantic",
    "pydantic_ai",
    "referencing",
    "rich",
    "tempfile",
    "yaml",
}
MAY_BE_HEAVY = {
    "cli.live",
    "cli.report",
    "healing.bench",
    "healing.exchange",
    "healing.model",
    "healing.params",
    "healing.private_loop",
    "healing.provider",
    "params",
    "models",
    "testing",
}
TABLE = re.compile(r"^\| `([\w.]+)` \| (.*?) \|", re.MULTILINE)


def modules() -> dict[str, Path]:
    """Every module of the package by its name below ``mityflow``."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        if name not in ("__init__", "__main__"):
            found[name] = path
    return found


def imported(path: Path, *, at_top: bool = False) -> set[str]:
    """The modules that a file imports; with ``at_top`` only what importing it loads."""
    tree = ast.parse(path.read_text())
    nodes: list[ast.AST] = list(tree.body) if at_top else list(ast.walk(tree))
    if at_top:
        nodes = [n for n in nodes if not (isinstance(n, ast.If) and "TYPE_CHECKING" in ast.unparse(n.test))]
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def table() -> dict[str, set[str]]:
    text = (ROOT / "docs" / "architecture.md").read_text().partition("## Who imports whom")[2]
    return {m[1]: set(re.findall(r"`([\w.]+)`", m[2])) for m in TABLE.finditer(text)}


def parts(name: str) -> str:
    """The part of the table that a module belongs to."""
    return name.split(".")[0]


def test_every_module_stands_in_the_table() -> None:
    assert {parts(name) for name in modules()} == set(table())


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_module_imports_only_what_the_table_allows(name: str) -> None:
    known = set(modules())
    used = {i.removeprefix("mityflow.") for i in imported(modules()[name]) if i.startswith("mityflow.")}
    used_parts = {parts(i) for i in used if i in known or parts(i) in {parts(k) for k in known}}
    assert used_parts - {parts(name)} <= table()[parts(name)]


def test_core_never_imports_a_station() -> None:
    for name, path in modules().items():
        assert not [i for i in imported(path) if i.startswith("mityflow_stations")], name


def test_stations_import_the_sdk_and_nothing_else_of_mityflow() -> None:
    for path in STATIONS.glob("*.py"):
        used = {i for i in imported(path) if i == "mityflow" or i.startswith("mityflow.")}
        allowed = ("mityflow.sdk", "mityflow.testing") if path.name == "contracts.py" else "mityflow.sdk"
        assert not [i for i in used if not i.startswith(allowed)], path.name


@pytest.mark.parametrize("name", sorted(n for n in modules() if not n.startswith(tuple(MAY_BE_HEAVY))))
def test_heavy_modules_are_imported_where_they_are_used(name: str) -> None:
    top = imported(modules()[name], at_top=True)
    assert not [i for i in top if i in HEAVY or i.partition(".")[0] in HEAVY]


def test_a_short_run_loads_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text("version: 1\nid: w\nstations:\n  - {station: shell, with: {command: ['true']}}\n")
    code = (
        "import sys; sys.argv = ['mityflow', 'run', 'w.yaml']; from mityflow.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert not set(done.stderr.split()) & (HEAVY - {"yaml"})


def test_the_public_names_are_these() -> None:
    for module in (mityflow, mityflow.sdk, mityflow.testing):
        assert module.__all__ == sorted(module.__all__)
        for name in module.__all__:
            assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        mityflow.nope  # noqa: B018


def test_checking_a_workflow_does_not_load_what_iris_are_checked_by(tmp_path: Path) -> None:
    """It takes a second where it is installed, as with the extra ``secure``."""
    file = tmp_path / "w.yaml"
    file.write_text("version: 1\nid: w\ninputs: {n: {type: integer}}\nstations:\n  - shell\n", encoding="utf-8")
    code = (
        "import sys; from mityflow.cli import main\n"
        f"sys.argv = ['mityflow', 'check', {str(file)!r}]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print('jsonschema' in sys.modules, 'rfc3987_syntax' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "True False", done.stdout + done.stderr
