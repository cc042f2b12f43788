"""The loop: run the command; where it fails classify, fix, and run it again; or ask a person."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mityflow.errors import MityError, StoreError
from mityflow.healing.agents import Agent, AgentSettings, Means, make_agent
from mityflow.healing.case import AgentError, CapReachedError, Case, Cost, NotAllowedError, Proposal
from mityflow.healing.checkpoints import CheckpointError, Checkpoints, store_of
from mityflow.healing.classify import classify
from mityflow.healing.edits import Edit, edits_of
from mityflow.healing.hands import Change, Hands
from mityflow.healing.judge import Verdict, judge
from mityflow.healing.limits import Exceeded, Guardrails
from mityflow.healing.memory import FixMemory, RememberedFix
from mityflow.healing.session import PROGRESS, Attempt, Failure, HealingSession, fold
from mityflow.healing.specialists import find_specialist
from mityflow.healing.surfaces import refusal
from mityflow.healing.words import told
from mityflow.station import Answer, LimitReached, Option, Question, StationContext, StationResult

if TYPE_CHECKING:
    from mityflow.healing.station import SelfHealingStation, Trial

QUESTION = "healing"
RERUN = "rerun"
"""The id of a fix that changes nothing: where the command passes then, what failed was flaky."""
_TAIL = 16_000
_NO_FIX = "no_fix"
_CHECKPOINTS = "checkpoints"
_at_work: set[Path] = set()


class _NotMade(NamedTuple):
    """An attempt without a fix: what it came to, what it used up, and what forbids another one."""

    verdict: Verdict
    cost: Cost = Cost()
    stop: Exceeded | None = None
    fix: str = ""


class Healer:
    """Heals one step. What it does is noted in the journal before it is done."""

    def __init__(self, station: SelfHealingStation, context: StationContext) -> None:
        self._station = station
        self._context = context
        self._limits = Guardrails.from_data(context.guardrails, context.values.get("guardrails") or {})
        self._rules = self._limits.rules()
        self._root = station.folder(context)
        self._checkpoints = Checkpoints(self._root, store_of(context.workspace, self._root))
        self._session: HealingSession = fold(context.notes)
        self._begun = time.monotonic()

    def run(self) -> StationResult:
        """To a success, a skip, or a question."""
        store = self._checkpoints.store
        if store in _at_work:
            return StationResult.failure(
                f"another step is healing {self._root}; let one wait for the other with 'needs'"
            )
        _at_work.add(store)
        try:
            return self._reopen() or self._heal()
        except CheckpointError as error:
            return self._ask(Exceeded(_CHECKPOINTS, error.message))
        finally:
            _at_work.discard(store)

    # How a session begins and goes on.

    def _reopen(self) -> StationResult | None:
        """Go on with the session of before a crash or a question, or begin one; a result where it is over already."""
        session = self._session
        if session.restoring:
            self._restore(session.restoring)
        elif session.pending and not session.pending.fix:
            self._close_attempt(Verdict("interrupted", "mityflow ended before the fix was whole"), restore=True)
        if not session.open:
            self._begin()
        elif session.asked is not None:
            answer = self._context.answer
            return self._question() if answer is None else self._answered(answer)
        self._begun = time.monotonic() - session.elapsed
        return None

    def _begin(self, instructions: str = "") -> None:
        self._begun = time.monotonic()
        self._note("session", at=datetime.now(UTC).isoformat(timespec="seconds"), instructions=instructions)

    def _answered(self, answer: Answer) -> StationResult | None:
        if answer.option == "skip":
            failure = self._session.failure
            self._note("ended", how="skipped")
            what = f"{failure.diagnosis.error_type}: {_first(failure)}" if failure else "healing was given up"
            return StationResult.skipped(f"skipped by a person: {what}")
        if answer.option == "rescaffold":
            self._rescaffold()
        self._begin(answer.message if answer.option == "help" else "")
        return None

    def _rescaffold(self) -> None:
        last = self._context.notes[-1]
        if last["kind"] == "rescaffolding":  # begun before a crash
            aside = Path(last["aside"])
        else:
            aside = _free(self._context.workspace / ".mity" / "kept", self._root.name)
            self._note("rescaffolding", aside=str(aside))
        self._context.say(self._station.rescaffold(self._context, aside))

    # The loop.

    def _heal(self) -> StationResult:
        while True:
            trial = self._try()
            if trial is None:
                return self._ask(self._limits.time_is_up())
            mended = self._session.failure is None
            if mended or (trial.failure is None and not trial.result.success):
                return self._over(trial)
            exceeded = None
            while exceeded is None and self._session.pending is None:
                exceeded = self._attempt()
            if exceeded is not None:
                return self._ask(exceeded)

    def _try(self) -> Trial | None:
        """Run the command, and settle what the fix before it came to; None when the time was up before."""
        session = self._session
        adjustments = session.adjustments
        if session.pending:
            adjustments = adjustments.merged(session.pending.adjustments)
        try:
            if session.failure is None:
                trial = self._station.trial(self._context, adjustments)
            else:
                with self._context.within(self._time_left()):
                    trial = self._station.trial(self._context, adjustments)
        except LimitReached:
            if session.pending:
                self._close_attempt(Verdict("interrupted", "the time was up before it was verified"), restore=True)
            return None
        counts = {"tests_total": trial.tests_total, "tests_skipped": trial.tests_skipped}
        if session.failure is None:
            self._begun = time.monotonic()  # healing begins with the first failure, however long that took
        failure = self._failure_of(trial)
        seen = frozenset(session.failures_seen)
        if failure:
            self._note("failed", failure=failure.to_data(), **counts)
        elif trial.result.success:
            self._note("passed", **counts)
        if session.pending:
            self._settle(session.pending, trial, failure, seen)
        return trial

    def _settle(self, pending: Attempt, trial: Trial, failure: Failure | None, seen: frozenset[str]) -> None:
        """What the fix made before this run came to; one that did not help is undone."""
        before = self._session.failure
        assert before is not None  # noqa: S101 - a fix is for a failure
        weaker = _fewer_tests(self._session, trial)
        if weaker:
            verdict = Verdict("weaker", f"tests got weaker: {weaker}")
        elif failure is None and not trial.result.success:
            verdict = Verdict("worse", trial.result.message)
        elif before.task and failure is None:
            verdict = Verdict("fixed", "it is made")
        else:
            verdict = judge(before, failure, seen, pending.files)
        progress = verdict.name in PROGRESS
        more: dict[str, Any] = {"tests_total": trial.tests_total, "tests_skipped": trial.tests_skipped}
        if failure and progress:
            more["failure"] = failure.to_data()
        if progress:
            self._remember(pending, before)
        elif pending.agent == FixMemory.name:
            self._memory.settle(pending.signature, pending.fix, worked=False)
        self._close_attempt(verdict, restore=not progress, **more)

    def _remember(self, attempt: Attempt, failure: Failure) -> None:
        """Keep a fix that helped and that a model or a program found."""
        signature = attempt.signature
        if attempt.agent == FixMemory.name:
            self._memory.settle(signature, attempt.fix, worked=True)
        elif failure.task is None and self._specialist(failure)[1].kind != "playbook":
            edits = self._edits(attempt)
            if edits is not None:
                stack = self._station.stack(self._context)
                of = stack.id if stack else None
                fix = RememberedFix(attempt.fix, attempt.title, attempt.agent, of, tuple(edits), attempt.adjustments)
                self._memory.remember(signature, fix)

    def _specialist(self, failure: Failure) -> tuple[str, AgentSettings]:
        if failure.task:
            return failure.task.specialist, self._limits.settings_of(failure.task.specialist)
        return self._limits.agent_of(failure.diagnosis.error_type)

    def _attempt(self) -> Exceeded | None:
        """One attempt at a fix; what forbids it, or makes another one useless. Afterwards a fix may be pending."""
        session, failure = self._session, self._session.failure
        assert failure is not None  # noqa: S101 - there is something to mend
        error_type = failure.diagnosis.error_type
        exceeded = self._limits.exceeded(session, error_type, self._elapsed())
        if exceeded:
            return exceeded
        name, settings = self._specialist(failure)
        case, hands = self._case(failure), self._hands(adds_tests=failure.task is not None)
        memory = self._memory if settings.kind != "playbook" and failure.task is None else None
        if memory and memory.knows(case, hands):
            agent: Agent = memory
        else:
            agent = make_agent(settings, find_specialist(name), self._means)
        checkpoint = self._checkpoints.take()
        began = self._elapsed()
        self._note(
            "fixing",
            number=len(session.actions_taken) + 1,
            error_type=error_type,
            signature=failure.diagnosis.signature,
            evidence=_first(failure),
            specialist=name,
            agent=agent.name,
            checkpoint=checkpoint,
        )
        proposal = self._proposed(agent, name, case, hands)
        if isinstance(proposal, _NotMade):
            known = {"fix": proposal.fix} if proposal.fix else {}
            self._close_attempt(proposal.verdict, restore=True, cost=proposal.cost, began=began, **known)
            return proposal.stop
        self._take_over(proposal, hands, checkpoint, began)
        return None

    def _proposed(self, agent: Agent, specialist: str, case: Case, hands: Hands) -> Proposal | _NotMade:
        """The fix that an agent made, or why there is none."""
        try:
            with self._context.within(self._time_left()):
                proposal = agent.propose(case, hands)
        except CapReachedError as error:
            return _NotMade(Verdict("failed", error.message), error.cost, Exceeded(error.guardrail, error.message))
        except LimitReached:
            return _NotMade(Verdict("interrupted", "the time was up"), stop=self._limits.time_is_up())
        except KeyboardInterrupt:
            self._close_attempt(Verdict("interrupted", "the run was asked to stop"), restore=True)
            raise
        except NotAllowedError as error:
            return _NotMade(Verdict("refused", error.message), fix=error.fix)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whoever mends may come from a plugin
            reason = error.message if isinstance(error, MityError) else f"{type(error).__name__}: {error}"
            return _NotMade(Verdict("failed", reason), error.cost if isinstance(error, AgentError) else Cost())
        if proposal is None and case.task:
            nothing = f"{agent.name} changed nothing"
            return _NotMade(Verdict("none", nothing), stop=Exceeded(_NO_FIX, nothing))
        if proposal is None:
            stop = Exceeded(_NO_FIX, f"{specialist} ({agent.name}) knows no further fix")
            return _NotMade(Verdict("none", f"the {agent.name} of {specialist} knows no fix"), stop=stop)
        return proposal

    def _take_over(self, proposal: Proposal, hands: Hands, checkpoint: str, began: float) -> None:
        """Look at what a fix has changed, and note it; one that is not allowed is undone."""
        after = self._checkpoints.now()
        files = self._checkpoints.changed(checkpoint, after)
        before, now = ({path: self._checkpoints.text(tree, path) for path in files} for tree in (checkpoint, after))
        task = self._session.failure.task if self._session.failure else None
        refused = refusal(before, now, self._protected, adds_tests=task is not None, own=self._own)
        if task and not files:
            verdict = Verdict("none", "nothing was changed")
        elif refused:
            verdict = Verdict(*refused)
        else:
            self._note(
                "fixed",
                fix=proposal.fix,
                title=proposal.title,
                files=files,
                diff=self._station.presentable(self._checkpoints.diff(checkpoint, after)),
                adjustments=hands.adjustments.to_data(),
                cost=proposal.cost._asdict(),
            )
            return
        known = {"fix": proposal.fix, "title": proposal.title, "files": files}
        self._close_attempt(verdict, restore=True, cost=proposal.cost, began=began, **known)

    # What is known of the failure.

    def _failure_of(self, trial: Trial) -> Failure | None:
        failed = trial.failure
        if failed is None:
            return None
        stack = self._station.stack(self._context)
        diagnosis = failed.diagnosis
        if diagnosis is None or self._rules:
            read = classify(
                failed.output,
                exit_code=failed.exit_code,
                phase=failed.phase,
                stack=stack.id if stack else None,
                command=shlex.join(failed.command),
                more_rules=self._rules,
            )
            if diagnosis is None or any(rule.id == read.rule for rule in self._rules):
                diagnosis = read
        return Failure(
            diagnosis,
            failed.phase,
            failed.stage,
            failed.command,
            failed.exit_code,
            trial.tests_failed,
            self._context.masked(failed.output[-_TAIL:]),
            failed.task,
        )

    def _case(self, failure: Failure) -> Case:
        session = self._session
        return Case(
            failure.diagnosis,
            failure.tail,
            failure.exit_code,
            failure.command,
            failure.phase,
            self._station.stack(self._context),
            self._context.app_name or self._root.name,
            self._root,
            self._context.workspace,
            session.instructions,
            session.tried,
            self._time_left(),
            session.cost,
            self._protected,
            session.adjustments,
            failure.task,
        )

    def _hands(self, *, adds_tests: bool) -> Hands:
        scratch = self._context.workspace / ".mity" / "work"
        return Hands(
            self._root,
            self._checkpoints,
            self._protected,
            self._context.run,
            scratch,
            adds_tests=adds_tests,
            own=self._own,
        )

    @cached_property
    def _own(self) -> frozenset[str]:
        return frozenset(self._station.own_files(self._context))

    @cached_property
    def _protected(self) -> tuple[str, ...]:
        return self._station.protected_paths(self._context)

    def _edits(self, attempt: Attempt) -> list[Edit] | None:
        """What an attempt changed; None where a file is no text."""
        trees = (attempt.checkpoint, self._checkpoints.now())
        changes = {path: Change(*(_encoded(self._checkpoints.text(t, path)) for t in trees)) for path in attempt.files}
        return None if Change(None, None) in changes.values() else edits_of(changes)

    @cached_property
    def _means(self) -> Means:
        context = self._context
        return Means.of(context.masked, context.environment(), context.workspace, self._limits.data)

    @cached_property
    def _memory(self) -> FixMemory:
        return FixMemory(self._context.workspace, self._means.mask, self._context.say)

    # What is noted.

    def _note(self, kind: str, **data: Any) -> None:
        note = {"kind": kind, "elapsed": round(self._elapsed(), 3), **data}
        self._context.note(note)
        self._session.apply(note)
        for line in told(note, self._session):
            self._context.say(line)

    def _close_attempt(
        self, verdict: Verdict, *, restore: bool, cost: Cost | None = None, began: float | None = None, **more: Any
    ) -> None:
        """Note what an attempt came to, and put the files back where it did not help."""
        pending = self._session.pending
        assert pending is not None  # noqa: S101 - there is an attempt
        if cost is not None:
            more["cost"] = cost._asdict()
        if began is not None:
            more["seconds"] = round(self._elapsed() - began, 3)
        self._note("verdict", verdict=verdict.name, reason=verdict.reason, restore=restore, **more)
        if restore:
            self._restore(pending.checkpoint)

    def _restore(self, checkpoint: str) -> None:
        self._checkpoints.restore(checkpoint)
        self._note("restored")

    # How it ends.

    def _over(self, trial: Trial) -> StationResult:
        """The command passed, was skipped, or failed in a way that nobody can mend."""
        session = self._session
        self._note("ended", how=trial.result.status)
        result = trial.result
        if session.actions_taken:
            result.outputs = {**result.outputs, "healing": session.to_data()}
            mended = [attempt for attempt in session.actions_taken if attempt.verdict in PROGRESS]
            if result.success and mended:
                word = "flaky" if mended[-1].fix == RERUN else "healed"
                told = f"{word}: {', '.join(attempt.title for attempt in mended)}"
                result.message = "; ".join(filter(None, [result.message, told]))
        return result

    def _ask(self, why: Exceeded) -> StationResult:
        if not self._station.escalates:
            self._note("ended", how="failed")
            return StationResult.failure(why.reason, outputs={"healing": self._session.to_data()})
        self._note("asked", guardrail=why.guardrail, reason=why.reason)
        return self._question()

    def _question(self) -> StationResult:
        session = self._session
        asked = session.asked or {}
        failure = session.failure
        options = [
            Option("retry", "Try again", "a new session, with all its limits"),
            Option("skip", "Go on without it", "the step is skipped, which is no success"),
            Option("help", "Say what to do", "your instructions, given to the agent", takes_message=True),
        ]
        if self._station.can_rescaffold(self._context):
            label = "the application from its template; the old tree is kept aside"
            options.insert(2, Option("rescaffold", "Make the application again", label))
        text = _question_text(failure, asked, sum(bool(attempt.fix) for attempt in session.actions_taken))
        question = Question(QUESTION, text, options)
        outputs: dict[str, Any] = {"healing": {**session.to_data(), "guardrail": asked.get("guardrail")}}
        if failure:
            outputs["error_type"] = failure.diagnosis.error_type
        return StationResult.needs_input(question, outputs=outputs)

    # Time.

    def _elapsed(self) -> float:
        return max(0.0, time.monotonic() - self._begun)

    def _time_left(self) -> float:
        return max(0.001, self._limits.max_healing_time_secs - self._elapsed())


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogateescape")


def _first(failure: Failure) -> str:
    """The line that shows the cause."""
    evidence = failure.diagnosis.evidence
    return evidence[0] if evidence else f"{failure.phase} ended with exit code {failure.exit_code}"


def _fewer_tests(session: HealingSession, trial: Trial) -> str:
    """What says that fewer tests were run than before, or more skipped; empty where none was lost."""
    total, skipped = trial.tests_total, trial.tests_skipped
    if total is not None and session.most_tests is not None and total < session.most_tests:
        return f"{total} tests were collected, and {session.most_tests} before"
    if skipped is not None and session.fewest_skipped is not None and skipped > session.fewest_skipped:
        return f"{skipped} tests were skipped, and {session.fewest_skipped} before"
    return ""


def _free(folder: Path, name: str) -> Path:
    """A path that is not taken."""
    place, number = folder / name, 2
    while place.exists():
        place, number = folder / f"{name}-{number}", number + 1
    return place


def _question_text(failure: Failure | None, asked: Mapping[str, Any], fixes: int) -> str:
    what = f"{failure.diagnosis.error_type}: {_first(failure)}" if failure else "it failed"
    tried = "nothing was tried" if not fixes else f"{fixes} {'fix was' if fixes == 1 else 'fixes were'} tried"
    guardrail = asked.get("guardrail")
    limit = "" if guardrail in (None, _NO_FIX, _CHECKPOINTS) else f" (guardrail {guardrail})"
    return f"not healed: {asked.get('reason', '')}{limit}; {tried}. {what}"
