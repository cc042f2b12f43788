"""Healing in words: the lines that tell of a note, on the terminal, in a step's log and in ``mityflow show``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mityflow.healing.session import Failure, HealingSession

TASK = "Task"
"""What stands in place of a class of error where something is to be made."""
_SHOWN = 40
_UNDONE = {
    "same": "no better",
    "worse": "worse",
    "weaker": "refused",
    "refused": "refused",
    "none": "no fix",
    "failed": "the attempt failed",
    "interrupted": "cut short",
}


def told(note: Mapping[str, Any], session: HealingSession) -> list[str]:
    """The lines for a note that was just applied to a session."""
    kind = note["kind"]
    if kind == "failed":
        return [_failure(Failure.from_data(note["failure"]), session.iterations)]
    if kind not in ("fixing", "fixed", "verdict"):
        return []
    attempt = session.pending or session.actions_taken[-1]
    is_task = attempt.error_type == TASK
    word = "task" if is_task else "heal"
    if kind == "fixing":
        on = "" if is_task else f" on {note['error_type']}"
        return [f"{word}: attempt {note['number']}: {note['specialist']} ({note['agent']}){on}"]
    if kind == "fixed":
        return [f"{word}: {note['title']}", *_diff(note["diff"])]
    return [f"{word}: {_verdict(note, session)}"]


def _failure(failure: Failure, run: int) -> str:
    if failure.task:
        return f"task: {failure.task.title}"
    found = failure.diagnosis
    place = f" at {found.file}:{found.line}" if found.file and found.line else f" in {found.file}" if found.file else ""
    evidence = f": {found.evidence[0]}" if found.evidence else ""
    return f"heal: run {run} failed with {found.error_type}{place}{evidence}"


def _verdict(note: Mapping[str, Any], session: HealingSession) -> str:
    name, reason = note["verdict"], note["reason"]
    attempt = session.actions_taken[-1]
    price = cost_text(attempt.cost._asdict())
    end = f" [{attempt.seconds:.1f} s{price}]" if attempt.seconds or price else ""
    if name == "fixed":
        return f"{'healed' if attempt.error_type != TASK else 'done'}: {reason}{end}"
    if name == "better":
        return f"better, so it is kept: {reason}{end}"
    undone = "; undone" if attempt.files else ""
    return f"{_UNDONE[name]}: {reason}{undone}{end}"


def cost_text(cost: Mapping[str, Any]) -> str:
    """What an agent used up, for people; empty where it used nothing."""
    tokens = cost["input_tokens"] + cost["output_tokens"]
    if not tokens and not cost["usd"]:
        return ""
    price = "price not known" if cost["usd"] is None else f"${cost['usd']:.4f}"
    return f", {tokens} tokens, {price}"


def _diff(diff: str) -> list[str]:
    lines = [line for line in diff.splitlines() if not line.startswith(("index ", "diff --git "))]
    more = len(lines) - _SHOWN
    return [f"  {line}" for line in lines[:_SHOWN]] + ([f"  ... {more} more lines"] if more > 0 else [])
