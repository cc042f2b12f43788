"""The whole look at an application: :func:`survey`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mityflow.sdk import MityError, Stack, StationContext, find_stack, stack_names
from mityflow_stations._analysis import csharp, java, javascript, python, rust
from mityflow_stations._analysis.detection import detected, the_one
from mityflow_stations._analysis.files import Folder, repository_of, shown
from mityflow_stations._analysis.history import MOST_COMMITS, history
from mityflow_stations._analysis.manifests import Manifest, manifests
from mityflow_stations._analysis.model import Language, Links, Module, Route

FORMAT = 1
MOST_MODULES = 5_000
MOST_LISTED = 2_000
MOST_SECONDS = 60.0
_TEST_FOLDERS = {"test", "tests", "__tests__", "e2e", "spec", "testdata", "fixtures"}
_LANGUAGES: tuple[tuple[Language, Any], ...] = (
    (python.Python(), python.is_test),
    (javascript.JavaScript(), javascript.is_test),
    (java.Java(), java.is_test),
    (csharp.CSharp(), csharp.is_test),
    (rust.Rust(), rust.is_test),
)


class _Read(NamedTuple):
    """What all parsers together have found."""

    modules: Mapping[str, Module]
    imports: Mapping[str, tuple[str, ...]]
    packages: Mapping[str, tuple[str, ...]]
    routes: Sequence[Route]
    tests: frozenset[str]


def survey(context: StationContext, given: str | None, commits: int = MOST_COMMITS) -> dict[str, Any]:
    """What there is of the application in the context's folder, as JSON data; ``given`` is its stack, if known."""
    root = context.output_path
    repository, prefix = repository_of(context, root, context.workspace)
    folder = Folder(root, repository, prefix)
    found = manifests(folder)
    stacks = detected(found, _stacks(context.workspace), folder.paths)
    read = _read(folder)
    files, size, languages = folder.sizes()
    changed = history(repository, prefix, folder.paths, commits)
    tests, covered = _tests(read)
    return {
        "format": FORMAT,
        "application": context.app_name or root.name,
        "stack": given or the_one(stacks),
        "stack_is": "given" if given else "detected" if the_one(stacks) else "unknown",
        "stacks_found": [each._asdict() for each in stacks],
        "platform": _platform(found),
        "packages": [package._asdict() for manifest in found for package in manifest.packages][:MOST_LISTED],
        "size": {
            "files": files,
            "bytes": size,
            "lines": sum(each.lines for each in languages),
            "languages": [each._asdict() for each in languages],
        },
        "modules": _modules(read),
        "routes": [
            _shown({**each._asdict(), "tested_by": covered.get(each, [])}) for each in read.routes[:MOST_LISTED]
        ],
        "tests": tests,
        "untested": _untested(read, covered),
        "history": {
            "commits": changed.commits,
            "shallow": changed.shallow,
            "reason": changed.reason,
            "hot_files": [{"path": shown(path), "changes": count} for path, count in changed.changes],
        },
        "not_read": [{"path": shown(path), "reason": why} for path, why in sorted(_faults(folder, found, read))][
            :MOST_LISTED
        ],
        "cut": _cut(folder, read),
    }


def _stacks(workspace: Path) -> list[Stack]:
    """The stacks that are there; one whose file is wrong cannot be recognised."""
    found = []
    for name in stack_names(workspace):
        try:
            found.append(find_stack(name, workspace))
        except MityError:
            continue
    return found


def _read(folder: Folder) -> _Read:
    end = time.monotonic() + MOST_SECONDS
    modules: dict[str, Module] = {}
    imports: dict[str, tuple[str, ...]] = {}
    packages: dict[str, tuple[str, ...]] = {}
    routes: list[Route] = []
    tests: set[str] = set()
    for language, _ in _LANGUAGES:
        own: dict[str, Module] = {}
        for path in sorted(path for path in folder.paths if path.endswith(language.suffixes)):
            if len(modules) + len(own) >= MOST_MODULES or time.monotonic() > end:
                folder.left_out[path] = "there are too many files to read them all"
                continue
            data = folder.source(path)
            if data is not None:
                own[path] = language.read(path, data)
        if not own:
            continue
        links: Links = language.link(own, folder)
        modules |= own
        imports |= links.imports
        packages |= links.packages
        routes += (route for route in links.routes if not of_tests(route.file))
        tests |= {path for path, module in own.items() if module.cases}
    return _Read(modules, imports, packages, routes, frozenset(tests))


def _platform(found: Iterable[Manifest]) -> list[str]:
    return list(dict.fromkeys(each for manifest in found for each in manifest.platform))


def _modules(read: _Read) -> list[dict[str, Any]]:
    """Every file that has more than tests."""
    return [
        _shown(
            {
                "path": path,
                "language": module.language,
                "defines": list(module.defines[:100]),
                "imports": list(read.imports.get(path, ())),
                "packages": list(read.packages.get(path, ())),
            }
        )
        for path, module in sorted(read.modules.items())
        if not of_tests(path)
    ]


def of_tests(path: str) -> bool:
    """Whether a file is a test, or there to help tests."""
    if "src/main/" in path:  # as Maven lays it out, whatever its packages are called
        return False
    folders = path.split("/")[:-1]
    named = not _TEST_FOLDERS.isdisjoint(folders) or path.endswith("conftest.py")
    return named or any(path.endswith(language.suffixes) and is_test(path) for language, is_test in _LANGUAGES)


def _tests(read: _Read) -> tuple[list[dict[str, Any]], dict[Route, list[str]]]:
    """The files of tests with what they use of the application, and the tests that address each route."""
    addressed: dict[Route, list[str]] = {}
    listed = []
    for path in sorted(read.tests):
        module = read.modules[path]
        asked = [route for route in read.routes if any(_fits(route.path, text) for text in module.texts)]
        for route in asked:
            addressed.setdefault(route, []).append(shown(path))
        covers = [other for other in read.imports.get(path, ()) if not of_tests(other)]
        covers += [] if of_tests(path) else [path]  # as in Rust, where tests are beside what they test
        listed.append(
            _shown(
                {
                    "path": path,
                    "cases": [case._asdict() for case in module.cases[:MOST_LISTED]],
                    "covers": sorted(set(covers)),
                    "routes": list(dict.fromkeys(f"{route.method} {route.path}".strip() for route in asked)),
                }
            )
        )
    return listed, addressed


def _fits(route: str, text: str) -> bool:
    """Whether an address in a test is one of a route; a parameter of it stands for any part, or one cut off."""
    wanted = route.strip("/").split("/")
    given = text.partition("?")[0].removeprefix("/").split("/")
    if wanted[-1].startswith("*") or "(.*)" in wanted[-1] or wanted[-1].startswith("{*"):
        wanted, given = wanted[:-1], given[: len(wanted) - 1] if any(given[len(wanted) - 1 :]) else []
    return len(wanted) == len(given) and all(
        want == got or (want.startswith(("{", ":", "<")) and bool(got or len(wanted) > 1))
        for want, got in zip(wanted, given, strict=True)
    )


def _untested(read: _Read, addressed: Mapping[Route, Sequence[str]]) -> list[str]:
    """The modules that no test, nor what helps tests, imports, and of whose routes none is addressed by one."""
    covered = {other for path, own in read.imports.items() if of_tests(path) for other in own}
    covered |= {route.file for route in addressed} | read.tests
    return [
        shown(path)
        for path, module in sorted(read.modules.items())
        if module.defines and path not in covered and not of_tests(path)
    ]


def _faults(folder: Folder, found: Iterable[Manifest], read: _Read) -> list[tuple[str, str]]:
    faults = [(module.path, module.fault) for module in read.modules.values() if module.fault]
    faults += [(manifest.path, manifest.fault) for manifest in found if manifest.fault]
    return [*faults, *folder.left_out.items()]


def _cut(folder: Folder, read: _Read) -> list[str]:
    """What is longer than what is told of it."""
    counts = {"routes": len(read.routes), "modules": len(read.modules)}
    limits = {"routes": MOST_LISTED, "modules": MOST_MODULES - 1}
    return [name for name, count in counts.items() if count > limits[name]] + (["files"] if folder.cut else [])


def _shown(value: Any) -> Any:
    """Data that can be written down: bytes of names that are no UTF-8 are replaced."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, list | tuple):
        return [_shown(each) for each in value]
    if isinstance(value, dict):
        return {key: _shown(each) for key, each in value.items()}
    return value
