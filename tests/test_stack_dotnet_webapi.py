"""The dotnet-webapi stack, as far as it can be looked at without an SDK: its C#, its projects, its names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from xml.etree import ElementTree

import pytest
import tree_sitter_c_sharp
from mityflow_stations._rendering import render
from stationkit import BUILT_IN_STACKS
from tree_sitter import Language, Node, Parser

from mityflow.stackfile import read_stack

STACK = read_stack(BUILT_IN_STACKS / "dotnet-webapi", "mityflow")


def _files(app_name: str = "my-app") -> dict[str, str]:
    return {file.path: file.data.decode() for file in render(STACK, STACK.template_values(app_name, {}))}


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _nodes(child)


def _parsed(text: str) -> list[Node]:
    return list(_nodes(Parser(Language(tree_sitter_c_sharp.language())).parse(text.encode()).root_node))


@pytest.mark.parametrize("app_name", ["my-app", "a", "a" * 39, "namespace", "x1-2y", "task"])
def test_the_source_is_c_sharp(app_name: str) -> None:
    sources = {path: text for path, text in _files(app_name).items() if path.endswith(".cs")}

    assert len(sources) >= 10
    for path, text in sources.items():
        faults = [node for node in _parsed(text) if node.is_error or node.is_missing]
        assert faults == [], path


def _is_looked_up(node: Node) -> bool:
    """Whether a name is looked for in the namespaces around it, and is not that of a member."""
    if node.type != "identifier":
        return False
    parent = node.parent
    if parent is not None and parent.type == "generic_name":
        node, parent = parent, parent.parent
    if parent is None or parent.type in ("argument", "invocation_expression"):
        return False
    declares = parent.type in ("attribute", "class_declaration", "record_declaration")
    return declares or parent.child_by_field_name("name") != node


def _looked_up() -> set[str]:
    """The names the source looks up, as an application would be called that has one of them in Pascal case."""
    names = set()
    for path, text in _files("zzz").items():
        if path.endswith(".cs"):
            names |= {node.text.decode() for node in _parsed(text) if _is_looked_up(node) and node.text}
    return {"_".join(re.findall("[A-Z][a-z0-9]*", name)).lower() for name in names if re.match("[A-Z]", name)}


def test_no_application_has_the_name_of_something_the_source_names() -> None:
    """Within a namespace its own name, and that of each namespace around it, goes before what is imported."""
    assert _looked_up() - {"zzz"} - STACK.reserved_names == set()


def test_no_application_has_the_name_of_a_package() -> None:
    packages = ElementTree.fromstring(_files()["Directory.Packages.props"]).iter("PackageVersion")

    names = {package.attrib["Include"].lower() for package in packages}
    assert {name for name in names if re.fullmatch("[a-z0-9]+", name)} - STACK.reserved_names == set()


@pytest.mark.parametrize(
    "app_name", ["program", "auto-generated-program", "mscorlib", "netstandard", "testhost", "x-unit", "bin", "obj"]
)
def test_no_application_is_named_like_what_the_tools_add(app_name: str) -> None:
    """The class of top-level statements, that of the test runner, assemblies, and the folders of the build."""
    assert STACK.names(app_name)["app_name_pascal"].endswith("App")


def test_every_package_has_one_version_and_every_version_is_used() -> None:
    files = _files()
    versions = {
        package.attrib["Include"]: package.attrib["Version"]
        for package in ElementTree.fromstring(files["Directory.Packages.props"]).iter("PackageVersion")
    }
    used = {
        reference.attrib["Include"]
        for path, text in files.items()
        if path.endswith(".csproj")
        for reference in ElementTree.fromstring(text).iter("PackageReference")
    }

    assert used == versions.keys()
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions.values())


@pytest.mark.parametrize("app_name", ["my-app", "a", "xunit"])
def test_the_solution_and_the_projects_name_files_that_are_there(app_name: str) -> None:
    files = _files(app_name)
    pascal = STACK.names(app_name)["app_name_pascal"]

    projects = re.findall(r'= "([^"]+)", "([^"]+\.csproj)", "(\{[0-9A-F-]{36}\})"', files[f"{pascal}.sln"])

    assert [name for name, _, _ in projects] == [pascal, f"{pascal}.Tests"]
    assert {path.replace("\\", "/") for _, path, _ in projects} == {path for path in files if path.endswith(".csproj")}
    for _, _, guid in projects:
        assert files[f"{pascal}.sln"].count(guid) == 5
    tests = f"tests/{pascal}.Tests/{pascal}.Tests.csproj"
    [reference] = ElementTree.fromstring(files[tests]).iter("ProjectReference")
    target = PurePosixPath(tests).parent / reference.attrib["Include"]
    assert str(target).replace(f"tests/{pascal}.Tests/../../", "") in files


def test_every_type_is_in_the_namespace_of_its_project() -> None:
    for path, text in _files("my-app").items():
        if path.endswith(".cs") and not path.endswith("Program.cs"):
            wanted = "MyApp.Tests" if path.startswith("tests/") else "MyApp"
            assert re.findall(r"^namespace (\S+);$", text, re.MULTILINE) == [wanted]


def test_the_image_starts_what_is_published() -> None:
    lines = _files("my-app")["Dockerfile"].splitlines()

    assert lines[-1] == 'CMD ["dotnet", "MyApp.dll"]'
    assert any("dotnet publish src/MyApp " in line for line in lines)
