"""Weak Rust code, by those lints of the compiler and of clippy that are about safety."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mityflow.sdk import Finding, Severity, StationContext
from mityflow_stations.scanners import BrokenError, NotCheckedError, Scan, answer
from mityflow_stations.scanners._tools import Ran, run_tool

NAME = "clippy"
SUFFIXES = (".rs",)
_LINTS: Mapping[str, Severity] = {
    # Memory that is not what it is taken for.
    "clippy::cast_slice_different_sizes": "high",
    "clippy::eager_transmute": "high",
    "clippy::mem_replace_with_uninit": "high",
    "clippy::not_unsafe_ptr_arg_deref": "high",
    "clippy::size_of_in_element_count": "high",
    "clippy::transmute_null_to_fn": "high",
    "clippy::transmuting_null": "high",
    "clippy::uninit_assumed_init": "high",
    "clippy::uninit_vec": "high",
    "clippy::unsound_collection_transmute": "high",
    "clippy::wrong_transmute": "high",
    "invalid_value": "high",
    "static_mut_refs": "high",
    "clippy::missing_safety_doc": "low",
    "clippy::undocumented_unsafe_blocks": "medium",
    "unsafe_code": "low",
    # What is started and opened.
    "clippy::join_absolute_paths": "medium",
    "clippy::non_octal_unix_permissions": "high",
    "clippy::path_buf_push_overwrite": "medium",
    "clippy::permissions_set_readonly_false": "high",
    "clippy::suspicious_command_arg_space": "medium",
    "clippy::suspicious_open_options": "medium",
    "clippy::zombie_processes": "medium",
    # Locks.
    "clippy::await_holding_lock": "medium",
    "clippy::mut_mutex_lock": "low",
}


def scan(context: StationContext, root: Path, files: Sequence[str] | None = None) -> Scan:
    """What clippy has against the crate in ``root``; of the files that are given, where some are."""
    return answer(NAME, lambda: _look(context, root, files))


def _look(context: StationContext, root: Path, files: Sequence[str] | None) -> tuple[list[Finding], str]:
    version = _version(context, root)
    found = _messages(context, root, list(_LINTS), version)
    findings = {_finding(m, code, _LINTS[code]) for m, code in found if code in _LINTS}
    kept = [finding for finding in findings if files is None or finding.path in files]
    return kept, f"clippy {version}, {len(_LINTS)} lints"


def _version(context: StationContext, root: Path) -> str:
    done = run_tool(context, ["cargo", "clippy", "--version"], root, timeout=30)
    if done.exit_code != 0:
        raise NotCheckedError("clippy is not installed: rustup component add clippy")
    return done.output.split()[1]


def _messages(context: StationContext, root: Path, lints: Sequence[str], version: str) -> Iterator[tuple[Any, str]]:
    """What the compiler says of this application's own code, each with its lint."""
    argv = ["cargo", "clippy", "--quiet", "--message-format", "json", "--", "--cap-lints", "warn"]
    done = run_tool(context, [*argv, *(part for lint in lints for part in ("-W", lint))], root)
    told = list(_compiler_messages(done))
    wrong = [m for m in told if m["level"] == "error"]
    if done.exit_code != 0:
        reason = f": {wrong[0]['message'][:300]}" if wrong else done.last_line
        raise NotCheckedError(f"clippy {version} cannot compile the application{reason}")
    return ((m, m["code"]["code"]) for m in told if m.get("code") and m.get("spans"))


def _compiler_messages(done: Ran) -> Iterator[Any]:
    for line in done.output.splitlines():
        try:
            entry = json.loads(line) if line.startswith("{") else {}
        except ValueError as error:
            raise BrokenError("clippy's answer cannot be read") from error
        if entry.get("reason") == "compiler-message":
            yield entry["message"]


def _finding(message: Any, code: str, severity: Severity) -> Finding:
    span = next((span for span in message["spans"] if span["is_primary"]), message["spans"][0])
    path, line, column = span["file_name"], span["line_start"], span["column_start"]
    return Finding(code.removeprefix("clippy::"), severity, message["message"], NAME, "code", path, line, column)
