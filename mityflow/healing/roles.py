"""What a line of a log is: raised, quoted, a warning, or survived."""

from __future__ import annotations

from enum import Enum


class Role(Enum):
    """What a line is."""

    RAISED = "raised"
    QUOTED = "quoted"
    WARNING = "warning"
    SURVIVED = "survived"
