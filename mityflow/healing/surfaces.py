"""What no fix and no agent may do to an application, whoever proposed it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from mityflow.healing.protected import protected
from mityflow.healing.testcode import is_test_file
from mityflow.healing.weaker import weakened


class Refusal(NamedTuple):
    """Why a change may not stay: ``verdict`` is ``refused`` or ``weaker``."""

    verdict: str
    reason: str


def refusal(
    before: Mapping[str, str | None],
    after: Mapping[str, str | None],
    protected_paths: Sequence[str],
    *,
    adds_tests: bool = False,
    own: Collection[str] = (),
) -> Refusal | None:
    """Why a change may not stay, None where it may.

    Both map the paths of the files that are changed to their text, None where the file is not there or is no text.
    Where it ``adds_tests``, protected tests may be made, and added to; the files of ``own`` may be changed in any way
    that leaves tests as strong as they are.
    """
    forbidden = [path for path in before if path not in own and protected(path, protected_paths)]
    if adds_tests:
        forbidden = [path for path in forbidden if not _only_adds(path, before[path], after.get(path))]
    if forbidden:
        return Refusal("refused", f"{', '.join(forbidden)}: protected, so no fix may touch it")
    weaker = weakened(before, after)
    return Refusal("weaker", f"tests got weaker: {'; '.join(weaker)}") if weaker else None


def _only_adds(path: str, before: str | None, after: str | None) -> bool:
    """Whether a change makes a test, or adds lines to one and takes none away."""
    if after is None or not is_test_file(path):
        return False
    lines = iter(after.splitlines())
    return all(line in lines for line in (before or "").splitlines())
