"""The built-in stations keep their contract: pytest collects what is imported here."""

from __future__ import annotations

from mityflow_stations.contracts import (
    AskContract,
    AskFormContract,
    BuildTestContract,
    CommitContract,
    LaunchContract,
    ScaffoldContract,
    SecureContract,
    ShellContract,
    SmokeReportContract,
    ValidateContract,
)

__all__ = [
    "AskContract",
    "AskFormContract",
    "BuildTestContract",
    "CommitContract",
    "LaunchContract",
    "ScaffoldContract",
    "SecureContract",
    "ShellContract",
    "SmokeReportContract",
    "ValidateContract",
]
