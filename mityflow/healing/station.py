"""The base class of stations that heal themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from mityflow.errors import UsageError
from mityflow.station import Station, StationContext, StationResult

if TYPE_CHECKING:
    from mityflow.healing.case import Adjustments, Task
    from mityflow.healing.diagnosis import Diagnosis
    from mityflow.stacks import Stack


class CommandFailure(NamedTuple):
    """How the command failed, for those who classify and mend it.

    ``output`` is all it printed. ``stage`` is how far it came, a number that grows: a failure at a later
    stage is better than one at an earlier. ``diagnosis`` is given where the station knows the cause itself,
    and the output need not be read. ``task`` is what is to be made, where that and no fault is why the command
    did not succeed.
    """

    output: str
    exit_code: int | None = None
    command: tuple[str, ...] = ()
    phase: str = ""
    stage: int = 0
    diagnosis: Diagnosis | None = None
    task: Task | None = None


class Trial(NamedTuple):
    """One run of the command: the ``result`` that it would be without healing.

    ``failure`` is None where it did not fail, or failed in a way that nobody can mend. The counts are those
    of the tests that ran, None where none did.
    """

    result: StationResult
    failure: CommandFailure | None = None
    tests_total: int | None = None
    tests_failed: int | None = None
    tests_skipped: int | None = None


class SelfHealingStation(Station):
    """A station whose command is classified when it fails, mended, and run again.

    Subclasses say in :meth:`trial` how the command is run; the rest is done by :meth:`execute`: the
    guardrails, checkpoints before each fix, the rollback of one that did not help, the question to a person.
    A step with ``heal: false`` among its settings runs the command once and fails as any other. With
    ``escalates = False`` nobody is asked: what cannot be mended is a failure.
    """

    escalates: ClassVar[bool] = True

    def trial(self, context: StationContext, adjustments: Adjustments) -> Trial:
        """Run the command once and say how it went. ``adjustments`` are what fixes changed about how it is run."""
        raise TypeError(f"station '{self.name}' has no trial method")

    def folder(self, context: StationContext) -> Path:
        """The application's folder: what checkpoints keep and what fixes may change."""
        return context.output_path

    def stack(self, context: StationContext) -> Stack | None:
        """The application's stack, where it is known."""
        return None

    def untouchable(self, context: StationContext) -> Sequence[str]:
        """Patterns of paths that no fix of this step may touch, beside those of the guardrails."""
        return ()

    def own_files(self, context: StationContext) -> Collection[str]:
        """Protected files that fixes may touch all the same, since the run has made them; tests get no weaker."""
        return ()

    def presentable(self, diff: str) -> str:
        """What a fix has changed, as it may be shown and written down: a station can take secrets out of it."""
        return diff

    def protected_paths(self, context: StationContext) -> tuple[str, ...]:
        """All patterns of paths that no fix of this step may touch."""
        from mityflow.healing.limits import Guardrails

        limits = Guardrails.from_data(context.guardrails, context.values.get("guardrails") or {})
        return (*limits.protected_paths, *self.untouchable(context))

    def can_rescaffold(self, context: StationContext) -> bool:
        """Whether the application can be made again from its template."""
        return False

    def rescaffold(self, context: StationContext, aside: Path) -> str:
        """Move the application to ``aside`` and make it again; a sentence that says what was done.

        It may be called again after a crash in the middle.
        """
        raise UsageError(f"station '{self.name}' cannot make the application again")

    def may_skip(self, values: Mapping[str, object]) -> bool:
        """A person may answer that the step is to be skipped."""
        return True

    def execute(self, context: StationContext) -> StationResult:
        """Run the command, and heal it where it fails."""
        if not context.values.get("heal", True):
            from mityflow.healing.case import Adjustments

            return self.trial(context, Adjustments()).result
        from mityflow.healing.loop import Healer

        return Healer(self, context).run()
