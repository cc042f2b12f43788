"""Damaged files put right: missing, cut off, merged badly, or changed in a line that breaks them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from mityflow.sdk import Case, Hands, NotAllowedError
from mityflow_stations.playbooks.reference import Reference, changed_little, cut_off, is_settings, only_lost

MANIFESTS = {
    "package.json": "package-lock.json",
    "pyproject.toml": "constraints.txt",
    "requirements.txt": "",
    "Cargo.toml": "Cargo.lock",
    "pom.xml": "",
}
_PATH = re.compile(r"[\w@.+/\\-]+\.\w{1,10}")


def restore_named(case: Case, hands: Hands) -> tuple[str, str] | None:
    """The files that the failure names, where they are cut off; nothing of anybody's own is lost."""
    reference = Reference(case)
    return _restore(case, hands, reference, _named(case, reference), cut_off)


def restore_lost_entries(case: Case, hands: Hands) -> tuple[str, str] | None:
    """The manifest and its lock file, where they lack entries and have none of anybody's own."""
    return _restore(case, hands, Reference(case), _manifests(hands), only_lost)


def restore_manifest(case: Case, hands: Hands) -> tuple[str, str] | None:
    """The same where a line or two are changed: those are lost, and are shown."""
    return _restore(case, hands, Reference(case), _manifests(hands), changed_little)


def _manifests(hands: Hands) -> list[str]:
    return [*(path for pair in MANIFESTS.items() for path in pair if path), *hands.files("*.csproj")]


def restore_configuration(case: Case, hands: Hands) -> tuple[str, str] | None:
    """The configuration files that the failure names, and the stack's; a line or two may be lost, and are shown."""
    if case.stack is None:
        return None
    paths = case.stack.paths((*case.stack.config_files, *case.stack.required_files), case.app_name)
    reference = Reference(case)
    named = [path for path in _named(case, reference) if is_settings(path)]
    return _restore(
        case, hands, reference, [*named, *filter(is_settings, paths), *reference.lost_configuration()], changed_little
    )


def _named(case: Case, reference: Reference) -> Iterator[str]:
    lines = [*case.diagnosis.evidence, *case.diagnosis.details.values()]
    files = [case.diagnosis.file or "", *(path for line in lines for path in _PATH.findall(line))]
    for file in dict.fromkeys(files):
        path = reference.path_of(file) if file else None
        if path:
            yield path
    yield from reference.lost(lines)


def _restore(
    case: Case,
    hands: Hands,
    reference: Reference,
    paths: Iterable[str],
    damaged: Callable[[str | None, str], bool],
) -> tuple[str, str] | None:
    done = []
    for path in dict.fromkeys(paths):
        sound = reference.text(path)
        if sound is None or not damaged(_text(hands, path), sound):
            continue
        done.append(path)
    fix = "restore:" + ",".join(done)
    if not done or case.was_tried(fix):
        return None
    for path in done:
        hands.write(path, reference.text(path) or "")
    told = ", ".join(f"{path} was restored {reference.source(path)}" for path in done)
    return fix, told


def _text(hands: Hands, path: str) -> str | None:
    """The file as it is; None where it is not there or is no text any more."""
    if not hands.exists(path):
        return None
    try:
        return hands.read(path)
    except NotAllowedError:
        return None
