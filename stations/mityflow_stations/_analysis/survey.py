"""The whole look at an application: :func:`survey`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mityflow.sdk import MityError, Stack, StationContext, find_stack, stack_names
from mityflow_stations._analysis.detection import detected, the_one
from mityflow_stations._analysis.files import Folder, place_of, shown
from mityflow_stations._analysis.history import MOST_COMMITS, history
from mityflow_stations._analysis.manifests import Manifest, manifests
from mityflow_stations._analysis.model import Module, Route
from mityflow_stations._analysis.reader import LANGUAGES, language_of
from mityflow_stations._analysis.reading import read_all

FORMAT = 1
MOST_MODULES = 5_000
MOST_LISTED = 2_000
MOST_CASES = 20_000
LONGEST = 4_096
_TEST_FOLDERS = {"test", "tests", "__tests__", "e2e", "spec", "testdata", "fixtures"}


class _Read(NamedTuple):
    """What all parsers together have found."""

    modules: Mapping[str, Module]
    imports: Mapping[str, tuple[str, ...]]
    packages: Mapping[str, tuple[str, ...]]
    routes: Sequence[Route]
    tests: frozenset[str]


def survey(context: StationContext, given: str | None, commits: int = MOST_COMMITS) -> dict[str, Any]:
    """What there is of the application in the context's folder, as JSON data; ``given`` is its stack, if known."""
    root, place = context.output_path, place_of(context)
    folder = Folder(root, place)
    found = manifests(folder)
    stacks = detected(found, _stacks(context.workspace), folder.paths)
    read = _read(context, folder)
    files, size, languages = folder.sizes()
    changed = history(place, folder.paths, commits)
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
        "cut": _cut(folder, found, read),
    }


def stack_by_files(context: StationContext) -> str | None:
    """The stack of the application as a whole, by what its manifests name; None where that is not one stack."""
    folder = Folder(context.output_path, place_of(context))
    return the_one(detected(manifests(folder), _stacks(context.workspace), folder.paths))


def _stacks(workspace: Path) -> list[Stack]:
    """The stacks that are there; one whose file is wrong cannot be recognised."""
    found = []
    for name in stack_names(workspace):
        try:
            found.append(find_stack(name, workspace))
        except MityError:
            continue
    return found


def _read(context: StationContext, folder: Folder) -> _Read:
    wanted = sorted(path for path in folder.paths if language_of(path))
    for path in wanted[MOST_MODULES:]:
        folder.left_out[path] = "there are too many files to read them all"
    readable = [path for path in wanted[:MOST_MODULES] if folder.source(path) is not None]
    modules = {module.path: module for module in read_all(context, folder.root, readable)}
    imports: dict[str, tuple[str, ...]] = {}
    packages: dict[str, tuple[str, ...]] = {}
    routes: list[Route] = []
    for language in LANGUAGES:
        links = language.link({path: modules[path] for path in modules if language_of(path) is language}, folder)
        imports |= links.imports
        packages |= links.packages
        routes += (route for route in links.routes if not of_tests(route.file))
    tests = frozenset(path for path, module in modules.items() if module.cases)
    return _Read(modules, imports, packages, routes, tests)


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
        if module.language not in ("", "HTML") and not of_tests(path)
    ]


def of_tests(path: str) -> bool:
    """Whether a file is a test, or there to help tests."""
    if "src/main/" in path:  # as Maven lays it out, whatever its packages are called
        return False
    folders = path.split("/")[:-1]
    named = not _TEST_FOLDERS.isdisjoint(folders) or path.endswith("conftest.py")
    language = language_of(path)
    return named or (language is not None and language.is_test(path))


def _tests(read: _Read) -> tuple[list[dict[str, Any]], dict[Route, list[str]]]:
    """The files of tests with what they use of the application, and the tests that address each route."""
    addressed: dict[Route, list[str]] = {}
    listed = []
    left = MOST_CASES
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
                    "cases": [case._asdict() for case in module.cases[:left]],
                    "covers": sorted(set(covers)),
                    "routes": list(dict.fromkeys(f"{route.method} {route.path}".strip() for route in asked)),
                }
            )
        )
        left = max(0, left - len(module.cases))
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


def _cut(folder: Folder, found: Iterable[Manifest], read: _Read) -> list[str]:
    """What is longer than what is told of it."""
    counts = {
        "packages": (sum(len(manifest.packages) for manifest in found), MOST_LISTED),
        "routes": (len(read.routes), MOST_LISTED),
        "modules": (len(read.modules), MOST_MODULES - 1),
        "tests": (sum(len(module.cases) for module in read.modules.values()), MOST_CASES),
    }
    return [name for name, (count, most) in counts.items() if count > most] + (["files"] if folder.cut else [])


def _shown(value: Any) -> Any:
    """Data that can be written down: bytes of names that are no UTF-8 are replaced."""
    if isinstance(value, str):
        return value[:LONGEST].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, list | tuple):
        return [_shown(each) for each in value]
    if isinstance(value, dict):
        return {key: _shown(each) for key, each in value.items()}
    return value
