"""Whether a fix made tests or gates weaker, whoever proposed it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from mityflow.healing.gates import lowered_gates
from mityflow.healing.testcode import NONE, Assertion, FileTests, is_test_file, tests_in

_SNAPSHOT = (".snap", ".approved.txt", ".verified.txt", ".snap.new")


def weakened(before: Mapping[str, str | None], after: Mapping[str, str | None]) -> list[str]:
    """Every way in which tests or gates got weaker, as sentences that name the place; empty where none.

    Both map the paths of the files that a fix changed to their text, None where the file is not there. A
    test that moved to another file is no weaker, nor is one that was only formatted.
    """
    old = {path: tests_in(path, before.get(path)) for path in before}
    new = {path: tests_in(path, after.get(path)) for path in after}
    found = list(_tests(old, new))
    for path in sorted(before):
        if before[path] is not None and path.endswith(_SNAPSHOT) and before[path] != after.get(path):
            found.append(f"{path}: a snapshot was changed")
        found += [f"{path}{what}" for what in lowered_gates(path, before[path], after.get(path))]
    return found


def _tests(old: Mapping[str, FileTests], new: Mapping[str, FileTests]) -> Iterator[str]:
    lost = sum(code.tests for code in old.values()) - sum(code.tests for code in new.values())
    if lost > 0:
        where = [path for path, code in old.items() if code.tests > new.get(path, NONE).tests]
        yield f"{', '.join(where)}: {lost} {'test is' if lost == 1 else 'tests are'} gone"
    for path, code in new.items():
        was = old.get(path, NONE)
        if was.tests and is_test_file(path) is False and not code.tests:
            continue  # told above
        if len(code.skips) > len(was.skips) and (is_test_file(path) or was.tests):
            yield f"{path}:{code.skips[-1]}: a test is left out"
        if len(code.only) > len(was.only):
            yield f"{path}:{code.only[-1]}: all other tests are left out"
        if code.swallowed > was.swallowed and is_test_file(path):
            yield f"{path}: what a test catches is no longer told"
    yield from _assertions(old, new)


def _assertions(old: Mapping[str, FileTests], new: Mapping[str, FileTests]) -> Iterator[str]:
    """Assertions that are gone, or say less; those of all files together, since tests may move."""
    before = [(path, a) for path, code in old.items() if _counts(path, code) for a in code.assertions]
    after = [(path, a) for path, code in new.items() if _counts(path, code) for a in code.assertions]
    kept = Counter(a.text for _, a in after)
    gone: list[tuple[str, Assertion]] = []
    for path, assertion in before:
        if kept[assertion.text]:
            kept[assertion.text] -= 1
        else:
            gone.append((path, assertion))
    known = Counter(a.text for _, a in before)
    added: list[tuple[str, Assertion]] = []
    for path, assertion in after:
        if known[assertion.text]:
            known[assertion.text] -= 1
        else:
            added.append((path, assertion))
    for path, assertion in added:
        if assertion.empty:
            yield f"{path}:{assertion.line}: this assertion always holds"
    for path, assertion in gone:
        replaced = next((a for p, a in added if p == path and not a.empty), None)
        if replaced is None:
            yield f"{path}:{assertion.line}: an assertion was removed"
        elif replaced.vague and not assertion.vague:
            yield f"{path}:{replaced.line}: an assertion says less than before"
        else:
            yield f"{path}:{replaced.line}: the expected value of an assertion was changed"


def _counts(path: str, code: FileTests) -> bool:
    """Assertions in the program itself are no tests."""
    return is_test_file(path) or code.tests > 0
