"""Scanners: each looks at an application's files for one kind of thing, and says what it could not check."""

from __future__ import annotations

from typing import Literal, NamedTuple

from mityflow.sdk import Finding

Status = Literal["clean", "found", "not checked", "failed"]


class Scan(NamedTuple):
    """What a scanner found.

    ``status`` is ``clean`` or ``found`` where it looked at all it should, ``not checked`` where it could not, and
    ``failed`` where it broke; ``detail`` says why, or what ran.
    """

    name: str
    status: Status
    findings: tuple[Finding, ...] = ()
    detail: str = ""


def scanned(name: str, findings: list[Finding], detail: str) -> Scan:
    """A scan that looked at everything."""
    return Scan(name, "found" if findings else "clean", tuple(findings), detail)
