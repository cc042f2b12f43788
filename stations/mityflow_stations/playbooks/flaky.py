"""Tests that sometimes fail."""

from __future__ import annotations

from mityflow.sdk import Case, Hands


def run_again(case: Case, hands: Hands) -> tuple[str, str] | None:  # noqa: ARG001 - a recipe's signature
    """The same tests once more; where they pass then, they are flaky, and that is said."""
    if case.diagnosis.error_type != "TestFailure" or any(tried.fix == "rerun" for tried in case.tried):
        return None
    return "rerun", "the tests were run again, unchanged"
