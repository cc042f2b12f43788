"""Lint and format faults, mended by the stack's own fixer."""

from __future__ import annotations

from mityflow.sdk import Case, Hands

_STYLE = (
    "python-lint",
    "lint",
    "rustfmt",
    "java-style",
    "rustc",
    "cs-error",
)


def run_fixer(case: Case, hands: Hands) -> tuple[str, str] | None:
    """The stack's ``format`` command, where its checkers complain."""
    stack = case.stack
    if stack is None or case.was_tried("format"):
        return None
    if case.phase != "lint" and case.diagnosis.rule not in _STYLE:
        return None
    commands = stack.command_lines("format", case.app_name)
    if not commands:
        return None
    for argv in commands:
        hands.run(argv, timeout=180, env=stack.env)  # what it cannot mend it says with its exit code
    return "format", "the stack's own fixer was run"
