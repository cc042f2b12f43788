"""Agents of kind ``command``: any program that changes files, given a task in a file and a copy to work on."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from mityflow.errors import MityError, UsageError
from mityflow.healing import briefing
from mityflow.healing.agents import AgentSettings, Means, within_budget
from mityflow.healing.case import AgentError, Case, Cost, Proposal
from mityflow.healing.cassettes import Tape
from mityflow.healing.edits import apply, edits_from_data, edits_of, fix_id
from mityflow.healing.hands import Hands
from mityflow.healing.specialists import Specialist
from mityflow.placeholders import command_problems, filled

KIND = "command"
ANSWER = "MITY_ANSWER_FILE"
_LARGEST_ANSWER = 100_000
_MOST_DOLLARS = 1e9
_HOW = """\
Change files in the folder you were started in, and nowhere else: it is a copy of the project, and what is changed
in it is taken over. End with exit code 0; without a change where you know no fix. Do not ask, for nobody is there
to answer.
"""


class ProgramAgent:
    """Runs a program on a copy of the application's files, and takes over what it changed, checked as any change is."""

    def __init__(self, settings: AgentSettings, specialist: Specialist, means: Means) -> None:
        wrong = next((problem for part in settings.command for problem, _ in command_problems(part)), None)
        if wrong or not settings.command:
            raise UsageError(f"the agent of '{specialist.name}': {wrong or 'its command is empty'}")
        self.name = os.path.basename(settings.command[0])
        self._settings = settings
        self._specialist = specialist
        self._means = means
        self._replaying = means.cassettes is not None and means.cassettes.mode == "replay"
        self._program = settings.command[0] if self._replaying else self._found(settings.command[0])

    def propose(self, case: Case, hands: Hands) -> Proposal | None:
        """Run the program, or play back what it did; None where it changed nothing."""
        facts = briefing.facts(case, hands, self._means.mask)
        tape = None
        if self._means.cassettes:
            tape = self._means.cassettes.tape(KIND, self._specialist.name, case, facts, self._means.mask)
        if tape and tape.replaying:
            answer = _played(tape, facts, hands)
        else:
            within_budget(self._settings, case.spent)
            answer = self._run(case, hands, facts)
            if tape:
                tape.add(facts, _recorded(answer, hands))
        if not hands.changes:
            return None
        fix = fix_id(self.name, hands.changes)
        if case.was_tried(fix):
            raise AgentError(f"{self.name} made a change that was tried before", cost=answer.cost)
        return Proposal(fix, answer.title or f"{self.name} changed {_listed(hands.changes)}", answer.cost)

    def _run(self, case: Case, hands: Hands, facts: str) -> Answer:
        limit = min(filter(None, (self._settings.timeout_secs, case.seconds_left)))
        with _aside(hands.scratch) as folder, hands.copy() as copy:
            task, place = folder / "task.md", folder / "answer.json"
            parts = (briefing.rules(case, self._specialist), _HOW, facts, briefing.output(case, self._means.mask))
            task.write_text(
                "\n\n".join(part.strip() for part in parts if part) + "\n", encoding="utf-8", errors="replace"
            )
            values = {"task_file": str(task), "workspace": str(copy)}
            argv = [filled(part, values) for part in self._settings.command[1:]]
            try:
                done = hands.run([self._program, *argv], cwd=copy, env={ANSWER: str(place)}, timeout=limit)
            except MityError as error:
                raise AgentError(error.message, hint=error.hint) from error
            answer = _read(place, self._means.mask)
            if done.timed_out:
                raise AgentError(f"{self.name} took longer than {limit:.0f} s", cost=answer.cost)
            if done.exit_code:
                raise AgentError(f"{self.name} ended with exit code {done.exit_code}", cost=answer.cost)
        return answer

    def _found(self, program: str) -> str:
        """The program's place: from PATH, or from the workspace on for a path."""
        if os.sep in program:
            place = self._means.workspace / os.path.expanduser(program)
            found = str(place) if os.access(place, os.X_OK) and place.is_file() else None
        else:
            found = shutil.which(program, path=self._means.env.get("PATH"))
        if found is None:
            where = "" if os.sep in program else " on PATH"
            raise UsageError(
                f"the agent of '{self._specialist.name}' cannot be started: there is no program '{program}'{where}",
                hint="install it, or change 'command' in the guardrails",
            )
        return found


class Answer(NamedTuple):
    """What a program says of its work, in the file that the environment names."""

    title: str = ""
    cost: Cost = Cost(usd=None)


@contextmanager
def _aside(scratch: Path) -> Iterator[Path]:
    """A folder for the task and the answer, outside of what the program changes."""
    import tempfile

    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        yield Path(folder)


def _read(place: Path, mask: Any) -> Answer:
    """The answer, as far as it is one: a program need not give any."""
    try:
        with open(place, "rb") as file:
            data = json.loads(file.read(_LARGEST_ANSWER))
    except (OSError, ValueError, RecursionError):
        return Answer()
    if not isinstance(data, dict):
        return Answer()
    title = data.get("title")
    return Answer(briefing.one_line(mask(title)) if isinstance(title, str) else "", _cost(data))


def _cost(data: Mapping[str, Any]) -> Cost:
    usd: Any = data.get("usd")
    known = type(usd) in (int, float) and 0 <= usd < _MOST_DOLLARS
    return Cost(_count(data.get("input_tokens")), _count(data.get("output_tokens")), float(usd) if known else None)


def _count(value: Any) -> int:
    right = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12
    return int(value) if right else 0


def _listed(paths: Iterable[str]) -> str:
    """Some paths, and how many more there are."""
    some = sorted(paths)
    return ", ".join(some[:3]) + (f" and {len(some) - 3} more" if len(some) > 3 else "")


def _recorded(answer: Answer, hands: Hands) -> dict[str, Any]:
    edits = edits_of(hands.changes)
    if edits is None:
        raise AgentError("the change cannot be recorded: it is too large, or holds a file that is no text")
    return {"title": answer.title, "edits": [edit.to_data() for edit in edits]}


def _played(tape: Tape, facts: str, hands: Hands) -> Answer:
    data = tape.next(facts)
    try:
        edits = edits_from_data(data.get("edits"))
    except TypeError as error:
        raise tape.misfit() from error
    if not apply(edits, hands):
        raise tape.misfit()
    title = data.get("title")
    return Answer(briefing.one_line(title) if isinstance(title, str) else "", Cost())
