"""Entry points, found without importing anything."""

from __future__ import annotations

import sys
import textwrap
import time
from pathlib import Path

import pytest

from mityflow.plugins import EntryPoint, PluginError, entry_points


def _distribution(folder: Path, info: str, text: str, metadata: str | None = None) -> Path:
    place = folder / info
    place.mkdir(parents=True)
    (place / "entry_points.txt").write_text(textwrap.dedent(text), encoding="utf-8")
    if metadata is not None:
        (place / "METADATA").write_text(metadata, encoding="utf-8")
    return place


def _found(group: str, *folders: Path) -> dict[str, list[tuple[str, str, str]]]:
    points = entry_points(group, [str(folder) for folder in folders])
    return {name: [(p.value, p.distribution, p.version) for p in entries] for name, entries in points.items()}


def test_only_the_groups_own_entries_are_found(tmp_path: Path) -> None:
    _distribution(
        tmp_path,
        "hello_plugin-1.2.dist-info",
        """\
        [console_scripts]
        hello = hello:main

        # a comment
        [mityflow.stations]
        greet = hello.stations:Greet
        bye=hello.stations:Bye [extra]

        [mityflow.stations.other]
        no = x:y
        """,
        "Metadata-Version: 2.1\nName: Hello.Plugin\nVersion: 1.2\n\nName: not this one\n",
    )

    assert _found("mityflow.stations", tmp_path) == {
        "greet": [("hello.stations:Greet", "Hello.Plugin", "1.2")],
        "bye": [("hello.stations:Bye", "Hello.Plugin", "1.2")],
    }


def test_the_first_distribution_of_a_name_shadows_later_ones(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    _distribution(first, "my_plugin-2.0.dist-info", "[g]\nnew = a:b\n")
    _distribution(second, "My.Plugin-1.0.dist-info", "[g]\nold = a:b\n")

    assert list(_found("g", first, second)) == ["new"]


def test_a_distribution_without_the_group_shadows_too(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    _distribution(first, "plugin-2.0.dist-info", "[other]\nx = a:b\n")
    _distribution(second, "plugin-1.0.dist-info", "[g]\nold = a:b\n")

    assert _found("g", first, second) == {}


def test_a_name_of_two_distributions_has_both_in_the_order_of_the_path(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    _distribution(first, "one-1.0.dist-info", "[g]\nx = one:X\n")
    _distribution(second, "two-3.dist-info", "[g]\nx = two:X\n")

    assert _found("g", first, second) == {"x": [("one:X", "one", "1.0"), ("two:X", "two", "3")]}


def test_an_egg_info_folder_counts_and_its_version_comes_from_its_headers(tmp_path: Path) -> None:
    info = _distribution(tmp_path, "dev_plugin.egg-info", "[g]\nx = dev:X\n")
    (info / "PKG-INFO").write_text("Name: dev-plugin\nVersion: 0.1.dev3\n", encoding="utf-8")

    assert _found("g", tmp_path) == {"x": [("dev:X", "dev-plugin", "0.1.dev3")]}


def test_without_headers_the_folders_name_must_do(tmp_path: Path) -> None:
    _distribution(tmp_path, "a_b-1.0-py3.11.egg-info", "[g]\nx = a:X\n")

    assert _found("g", tmp_path) == {"x": [("a:X", "a-b", "1.0")]}


@pytest.mark.parametrize(
    "text",
    ["", "[g", "[g]\n=\n = x\nx =\n", "no section = g\n", "[g]\n[]\nx = a:b\n", "\ufeff[g]\nx = a:b\n"],
    ids=["empty", "open", "half lines", "no section", "closed again", "byte order mark"],
)
def test_a_malformed_file_has_no_entries(tmp_path: Path, text: str) -> None:
    _distribution(tmp_path, "broken-1.0.dist-info", text)

    assert _found("g", tmp_path) == {}


def test_what_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    binary = _distribution(tmp_path, "binary-1.0.dist-info", "")
    (binary / "entry_points.txt").write_bytes(b"[g]\nx = \xff\xfe\n\x00")
    (tmp_path / "folder-1.0.dist-info" / "entry_points.txt").mkdir(parents=True)
    (tmp_path / "file-1.0.dist-info").write_text("", encoding="utf-8")
    (tmp_path / ".dist-info").mkdir()
    good = tmp_path / "good"
    _distribution(good, "good-1.0.dist-info", "[g]\ny = a:b\n")

    found = _found("g", tmp_path / "missing", tmp_path / "file-1.0.dist-info", tmp_path, good)

    assert found["y"] == [("a:b", "good", "1.0")]


def test_the_current_folder_on_the_path_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _distribution(tmp_path, "here-1.0.dist-info", "[g]\nx = a:b\n")
    monkeypatch.chdir(tmp_path)

    assert list(entry_points("g", [""])) == ["x"]


def test_finding_imports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "explosive.py").write_text("raise RuntimeError\n", encoding="utf-8")
    _distribution(tmp_path, "explosive-1.0.dist-info", "[g]\nx = explosive:X\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    assert entry_points("g")["x"][0].value == "explosive:X"
    assert "explosive" not in sys.modules


def test_a_folder_of_sixty_distributions_is_scanned_in_a_few_milliseconds(tmp_path: Path) -> None:
    for number in range(60):
        _distribution(tmp_path, f"package_{number}-1.0.dist-info", "[console_scripts]\nx = a:b\n")
    _distribution(tmp_path, "plugin-1.0.dist-info", "[g]\nx = a:b\n")

    def scan() -> float:
        started = time.perf_counter()
        assert len(entry_points("g", [str(tmp_path)])) == 1
        return time.perf_counter() - started

    assert min(scan() for _ in range(20)) < 0.02


def test_load_imports_a_nested_attribute() -> None:
    assert EntryPoint("x", "os:path.join", "d", "1").load() is __import__("os").path.join
    assert EntryPoint("x", "os.path", "d", "1").load() is __import__("os").path


@pytest.mark.parametrize(
    ("code", "value", "cause"),
    [
        ("raise ValueError('inside')", "plug_a:X", "ValueError: inside"),
        ("import sys; sys.exit(3)", "plug_b:X", "SystemExit: 3"),
        ("Y = 1", "plug_c:X", "AttributeError"),
        ("def broken(:", "plug_d:X", "SyntaxError"),
        ("", "no_such_plugin_module:X", "ModuleNotFoundError"),
        ("", ":X", "ValueError"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_an_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, value: str, cause: str
) -> None:
    (tmp_path / f"{value.partition(':')[0] or 'unused'}.py").write_text(code, encoding="utf-8") if code else None
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(PluginError) as caught:
        EntryPoint("greet", value, "hello-plugin", "1.2").load()

    for part in ("greet", "hello-plugin", "1.2", cause):
        assert part in str(caught.value)


def test_an_interrupt_while_loading_is_no_fault_of_the_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plug_interrupted.py").write_text("raise KeyboardInterrupt", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(KeyboardInterrupt):
        EntryPoint("x", "plug_interrupted:X", "d", "1").load()


def _package(folder: Path, path: str) -> Path:
    place = folder / path
    place.mkdir(parents=True)
    first = folder / path.split("/")[0]
    (first / "__init__.py").write_text("raise RuntimeError('imported')\n", encoding="utf-8")
    return place


def test_the_folder_of_a_package_is_found_without_importing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = _package(tmp_path, "datapack_a/stacks")
    monkeypatch.syspath_prepend(str(tmp_path))

    assert EntryPoint("x", "datapack_a.stacks", "d", "1").folder() == data
    assert EntryPoint("x", "datapack_a", "d", "1").folder() == data.parent
    assert "datapack_a" not in sys.modules


def test_the_folder_is_found_in_any_part_of_a_namespace_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one" / "spacepack" / "other").mkdir(parents=True)
    wanted = tmp_path / "two" / "spacepack" / "stacks"
    wanted.mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path / "two"))
    monkeypatch.syspath_prepend(str(tmp_path / "one"))

    assert EntryPoint("x", "spacepack.stacks", "d", "1").folder() == wanted


def test_the_folder_is_found_through_the_finder_of_an_editable_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib.machinery import ModuleSpec, PathFinder

    data = _package(tmp_path, "editable_pack/stacks")

    class Finder:
        @staticmethod
        def find_spec(name: str, path: object, target: object = None) -> ModuleSpec | None:
            return PathFinder.find_spec(name, [str(tmp_path)]) if name == "editable_pack" else None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])

    assert EntryPoint("x", "editable_pack.stacks", "d", "1").folder() == data


@pytest.mark.parametrize("value", ["no_such_package", "json.nothing", "os", "a/b", "..", "json:x", ""])
def test_a_package_that_is_not_there_has_no_folder(value: str) -> None:
    assert EntryPoint("x", value, "d", "1").folder() is None
