"""The stations keep their contract; pytest runs the checks of what is imported here."""

from __future__ import annotations

from acme_release.contracts import ChangelogContract, NextVersionContract, ReleaseNoteContract

__all__ = ["ChangelogContract", "NextVersionContract", "ReleaseNoteContract"]
