"""Scanners: each looks at an application's files for one kind of thing, and says what it could not check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from mityflow.sdk import CommandError, Finding

Status = Literal["clean", "found", "not checked", "failed"]
MISSING = "{} is not installed: pip install 'mityflow[secure]'"


class Scan(NamedTuple):
    """What a scanner found.

    ``status`` is ``clean`` or ``found`` where it looked at all it should, ``not checked`` where it could not, and
    ``failed`` where it broke; ``detail`` says why, or what ran. What was found counts whatever the status is.
    """

    name: str
    status: Status
    findings: tuple[Finding, ...] = ()
    detail: str = ""


class NotCheckedError(Exception):
    """A scanner could not look at all it should; ``findings`` are what it found nevertheless."""

    def __init__(self, detail: str, findings: Sequence[Finding] = ()) -> None:
        super().__init__(detail)
        self.findings = tuple(findings)


class BrokenError(Exception):
    """A scanner broke: it answered with something that is no answer."""


def scanned(name: str, findings: list[Finding], detail: str) -> Scan:
    """A scan that looked at everything."""
    return Scan(name, "found" if findings else "clean", tuple(findings), detail)


def answer(name: str, look: Callable[[], tuple[list[Finding], str]]) -> Scan:
    """The scan that ``look`` makes: its findings, and what ran."""
    try:
        return scanned(name, *look())
    except NotCheckedError as reason:
        return Scan(name, "not checked", reason.findings, str(reason))
    except CommandError as error:
        return Scan(name, "not checked", detail=error.message)
    except BrokenError as error:
        return Scan(name, "failed", detail=str(error))
