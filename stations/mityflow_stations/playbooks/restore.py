"""Damaged files put right: missing, cut off, merged badly, or changed in a line that breaks them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mityflow.sdk import Case, Hands, NotAllowedError
from mityflow_stations.playbooks.reference import Reference, damaged

MANIFESTS = {
    "package.json": "package-lock.json",
    "pyproject.toml": "constraints.txt",
    "requirements.txt": "",
    "Cargo.toml": "Cargo.lock",
    "pom.xml": "",
}
_PATH = re.compile(r"[\w@.+/\\-]+\.\w{1,10}")


def restore_named(case: Case, hands: Hands) -> tuple[str, str] | None:
    """The files that the failure names."""
    reference = Reference(case)
    return _restore(case, hands, reference, _named(case, reference))


def restore_manifest(case: Case, hands: Hands) -> tuple[str, str] | None:
    """The manifest and its lock file, where what is missing or contradicts itself stands in them."""
    found = [path for pair in MANIFESTS.items() for path in pair if path]
    found += [path for path in hands.files("*.csproj")]
    return _restore(case, hands, Reference(case), found)


def restore_configuration(case: Case, hands: Hands) -> tuple[str, str] | None:
    """Every configuration file of the stack."""
    if case.stack is None:
        return None
    paths = case.stack.paths((*case.stack.config_files, *case.stack.required_files), case.app_name)
    reference = Reference(case)
    return _restore(case, hands, reference, [*_named(case, reference), *paths])


def _named(case: Case, reference: Reference) -> Iterator[str]:
    lines = [*case.diagnosis.evidence, *case.diagnosis.details.values()]
    files = [case.diagnosis.file or "", *(path for line in lines for path in _PATH.findall(line))]
    for file in dict.fromkeys(files):
        path = reference.path_of(file) if file else None
        if path:
            yield path
    yield from reference.lost(lines)


def _restore(case: Case, hands: Hands, reference: Reference, paths: object) -> tuple[str, str] | None:
    done = []
    for path in dict.fromkeys(paths):  # type: ignore[call-overload]
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
