"""The two Java stacks, as far as they can be looked at without Maven."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from xml.etree import ElementTree

import pytest
from mityflow_stations._rendering import render
from stationkit import BUILT_IN_STACKS

from mityflow.errors import UsageError
from mityflow.stackfile import read_stack
from mityflow.stacks import Stack

_KEYWORDS = (
    "abstract assert boolean break byte case catch char class const continue default do double else enum extends"
    " final finally float for goto if implements import instanceof int interface long native new package private"
    " protected public return short static strictfp super switch synchronized this throw throws transient try void"
    " volatile while true false null"
)
_WINDOWS = ["con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))]
_POM = {"": "http://maven.apache.org/POM/4.0.0"}


@pytest.fixture(scope="module", params=["java-springboot", "java-quarkus"])
def stack(request: pytest.FixtureRequest) -> Stack:
    """Each of the two."""
    return read_stack(BUILT_IN_STACKS / request.param, "mityflow")


def _files(stack: Stack, app_name: str = "my-app", **variables: str) -> dict[str, str]:
    return {file.path: file.data.decode() for file in render(stack, stack.template_values(app_name, variables))}


def _pom(stack: Stack, **variables: str) -> ElementTree.Element:
    return ElementTree.fromstring(_files(stack, **variables)["pom.xml"])


def _texts(pom: ElementTree.Element, path: str) -> list[str]:
    return [element.text or "" for element in pom.iterfind(path, _POM)]


def _app_variables(text: str) -> dict[str, str]:
    return dict(re.findall(r"\b(APP_\w+)[=:]([\w.]+)", text))


# Names


def test_words_of_java_and_names_that_windows_keeps_are_reserved(stack: Stack) -> None:
    assert {*_KEYWORDS.split(), *_WINDOWS} - stack.reserved_names == set()


@pytest.mark.parametrize(("app_name", "package"), [("my-app", "myapp"), ("in-t", "intapp"), ("class", "classapp")])
def test_every_source_lies_in_the_folder_of_its_package(stack: Stack, app_name: str, package: str) -> None:
    sources = {path: text for path, text in _files(stack, app_name).items() if path.endswith(".java")}

    assert len(sources) >= 8
    for path, text in sources.items():
        folder = PurePosixPath(path).parent
        assert folder.parts[:3] in {("src", "main", "java"), ("src", "test", "java")}
        assert ".".join(folder.parts[3:]) == f"com.example.{package}"
        assert text.startswith(f"package com.example.{package};\n")


def test_no_source_imports_the_applications_own_package(stack: Stack) -> None:
    # The formatter sorts imports, so where such an import stands would depend on the name of the group.
    sources = [text for path, text in _files(stack, group_id="zz.group").items() if path.endswith(".java")]

    assert not [text for text in sources if re.search(r"^import (static )?zz\.", text, re.MULTILINE)]


@pytest.mark.parametrize("group_id", ["com.example", "a", "org.acme_2.new_things", "interesting.classes", "javas.con1"])
def test_a_group_becomes_the_package_and_its_folders(stack: Stack, group_id: str) -> None:
    files = _files(stack, group_id=group_id)

    assert f"src/main/java/{group_id.replace('.', '/')}/myapp/ItemStore.java" in files
    assert _texts(_pom(stack, group_id=group_id), "groupId") == [group_id]


@pytest.mark.parametrize(
    "group_id",
    [
        "", "Com.example", "com..example", ".com", "com.", "com.1st", "com.my-group", "com/example", "com.example\n",
        "com.new", "class", "com.int.x", "com.true", "com.aux", "nul.example", "com.com1", "java.mine", "java",
        "javax.x", "x" * 101,
    ],
)  # fmt: skip
def test_a_group_that_is_no_package_is_refused(stack: Stack, group_id: str) -> None:
    with pytest.raises(UsageError, match="variable 'group_id'"):
        stack.template_values("my-app", {"group_id": group_id})


def test_the_packages_of_the_framework_are_its_own() -> None:
    for name, group_id in (("java-springboot", "org.springframework.boot"), ("java-quarkus", "io.quarkus")):
        with pytest.raises(UsageError, match="variable 'group_id'"):
            read_stack(BUILT_IN_STACKS / name, "mityflow").template_values("my-app", {"group_id": group_id})


def test_a_description_stays_what_it_is_unless_maven_would_fill_it_in(stack: Stack) -> None:
    description = "Says \"hi\" \\ 'there' <&> ]]> $x {{ y }} 日本 😀"

    assert _texts(_pom(stack, description=description), "description") == [description]
    with pytest.raises(UsageError, match="variable 'description'"):
        stack.template_values("my-app", {"description": "for ${project.description}"})
    with pytest.raises(UsageError, match="variable 'description'"):
        stack.template_values("my-app", {"description": "one line\n"})


# Versions


def test_every_version_is_one_version(stack: Stack) -> None:
    pom = _pom(stack)
    properties = {element.tag.rpartition("}")[2]: element.text or "" for element in pom.iterfind("properties/*", _POM)}

    versions = [text for element in pom.iter() if element.tag.endswith("}version") for text in [element.text or ""]]
    filled = [properties[text[2:-1]] if text.startswith("${") else text for text in versions]

    assert len(filled) >= 3
    assert all(re.fullmatch(r"\d+(\.\d+)+", version) for version in filled), filled
    assert all(
        f"${{{name}}}" in versions for name in properties if name.endswith(".version") and name != "java.version"
    )


def test_plugins_that_nothing_manages_have_a_version() -> None:
    for name, managed in (
        ("java-springboot", {"org.apache.maven.plugins", "org.springframework.boot"}),
        ("java-quarkus", set()),
    ):
        for plugin in _pom(read_stack(BUILT_IN_STACKS / name, "mityflow")).iterfind("build/plugins/plugin", _POM):
            group = plugin.findtext("groupId", "", _POM)
            assert group in managed or plugin.findtext("version", "", _POM), plugin.findtext("artifactId", "", _POM)


def test_the_images_and_the_ci_have_a_java_that_the_compiler_writes_for(stack: Stack) -> None:
    files = _files(stack)
    [release] = re.findall(r"<(?:java\.version|maven\.compiler\.release)>(\d+)<", files["pom.xml"])

    images = [int(version) for version in re.findall(r"temurin[:-](\d+)", files["Dockerfile"])]
    assert len(images) == 2
    assert int(release) <= images[0] <= images[1]
    assert f'java: ["{release}"]' in files[".github/workflows/ci.yml"]
    assert [tool.minimum for tool in stack.tools if tool.name == "javac"] == [release]
    assert f"JDK {release} " in files["README.md"]


# Settings


def test_settings_and_their_defaults_are_the_same_everywhere(stack: Stack) -> None:
    assert stack.port
    files = _files(stack)
    example = _app_variables(files[".env.example"])
    table = dict(re.findall(r"^\| `(APP_\w+)` \| `([\w.]+)` \|", files["README.md"], re.MULTILINE))
    properties = files["src/main/resources/application.properties"]
    used = _app_variables(properties) or {
        f"APP_{name.upper().replace('-', '_')}": value
        for name, value in re.findall(r"^app\.([\w-]+)=(.*)$", properties, re.MULTILINE)
    }

    assert example == table == used
    assert example[str(stack.port.env)] == str(stack.port.default)
    assert example[str(stack.port.host_env)] == "127.0.0.1"
    assert _app_variables(files["Dockerfile"]) == {"APP_HOST": "0.0.0.0", "APP_PORT": str(stack.port.default)}


def test_tests_do_not_see_the_settings_of_the_machine(stack: Stack) -> None:
    excluded = _texts(_pom(stack), ".//excludedEnvironmentVariable")

    assert sorted(excluded) == sorted(_app_variables(_files(stack)[".env.example"]))


def test_what_is_started_is_what_is_built(stack: Stack) -> None:
    [*_, jar] = stack.launch("class", "127.0.0.1", 8080)[0]
    pom, dockerfile = _pom(stack), _files(stack, "class")["Dockerfile"]

    if stack.id == "java-springboot":
        assert _texts(pom, "build/finalName") == ["${project.artifactId}"]
        assert jar == "target/class-app.jar"
        assert f"-jar {jar} extract" in dockerfile
    else:
        assert "build" in _texts(pom, "build/plugins/plugin/executions/execution/goals/goal")
        assert jar == "target/quarkus-app/quarkus-run.jar"
    assert f'"-jar", "{PurePosixPath(jar).name}"]' in dockerfile


def test_maven_waits_for_no_server_for_long(stack: Stack) -> None:
    lines = _files(stack)[".mvn/maven.config"].split()
    waits = dict(re.findall(r"-Daether\.connector\.(\w+)=(\d+)", "\n".join(lines)))

    assert waits.keys() == {"connectTimeout", "requestTimeout"}
    assert all(0 < int(milliseconds) <= 60_000 for milliseconds in waits.values())
