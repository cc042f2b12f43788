"""Agents of kind ``llm``: a language model with checked tools over the application's files."""

from __future__ import annotations

from mityflow.errors import UsageError
from mityflow.healing import briefing
from mityflow.healing.agents import AgentSettings, Means, within_budget
from mityflow.healing.case import AgentError, Case, Cost, Proposal
from mityflow.healing.edits import fix_id
from mityflow.healing.hands import Hands
from mityflow.healing.specialists import Specialist

KIND = "llm"


class ModelAgent:
    """Talks with a model, which reads and edits files with tools and then says what it has done."""

    def __init__(self, settings: AgentSettings, specialist: Specialist, means: Means) -> None:
        self.name = settings.model
        self._settings = settings
        self._specialist = specialist
        self._means = means
        try:
            from mityflow.healing import provider
        except ImportError as error:
            raise UsageError(
                f"the agent of '{specialist.name}' talks with a model, and that needs a library: {error}",
                hint="pip install 'mityflow[llm]'",
            ) from error
        self._replaying = means.cassettes is not None and means.cassettes.mode == "replay"
        if not self._replaying:
            try:
                provider.check(settings, means.env)
            except UsageError as error:
                message = f"the agent of '{specialist.name}' cannot use '{settings.model}': {error.message}"
                raise UsageError(means.mask(message), hint=error.hint) from error

    def propose(self, case: Case, hands: Hands) -> Proposal | None:
        """Let the model make a fix; None where it says that it knows none."""
        from mityflow.healing import model

        mask = self._means.mask
        if not self._replaying:
            within_budget(self._settings, case.spent)
        facts = briefing.facts(case, hands, mask)
        tape = None
        if self._means.cassettes:
            tape = self._means.cassettes.tape(KIND, self._specialist.name, case, facts, mask)
        limit = min(filter(None, (self._settings.timeout_secs, case.seconds_left)))
        talk = model.Talk(self._settings, self._means, case.spent, limit, tape)
        said = talk.hold(briefing.rules(case, self._specialist), facts, briefing.output(case, mask), hands)
        if said is None:
            return None
        cost = talk.cost
        return self._proposal(said, case, hands, cost)

    def _proposal(self, said: str, case: Case, hands: Hands, cost: Cost) -> Proposal:
        fix = fix_id(self.name, hands.changes)
        if case.was_tried(fix):
            raise AgentError(f"{self.name} made a change that was tried before", cost=cost)
        return Proposal(fix, briefing.one_line(self._means.mask(said)) or f"{self.name} made a change", cost)
