"""The ``implement`` station: a feature made by an agent, or taken from a patch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from mityflow.sdk import (
    Adjustments,
    Artifact,
    CommandFailure,
    Diagnosis,
    Option,
    Question,
    SelfHealingStation,
    Stack,
    StationContext,
    StationInput,
    StationOutput,
    StationResult,
    Task,
    Trial,
    UsageError,
    find_stack,
    refusal,
)
from mityflow_stations._changes import Base, base_of, cut, size, some
from mityflow_stations._feature import KEYS, Feature, feature_of
from mityflow_stations._git import GitError
from mityflow_stations._reporting import report_place
from mityflow_stations.scanners.secrets import hidden

SPECIALIST = "implementer"
QUESTION = "implement"
_LARGEST = 20_000_000
_TOLD = 3


class Implement(SelfHealingStation):
    """Makes a feature: by the agent of the guardrails' ``implementer``, or by a patch that is given.

    Only files without uncommitted changes are touched, and protected paths not at all, but for tests that are
    added; where tests get weaker the change is undone. No change is a failure. With ``approve`` a person sees
    the difference before a file is changed.
    """

    name: ClassVar[str] = "implement"
    description: ClassVar[str] = "Make a feature, by an agent or from a patch"
    Params = "mityflow_stations.feature_params:ImplementParams"
    escalates: ClassVar[bool] = False

    def input(self) -> StationInput:
        """The feature, and what was planned for it."""
        return StationInput(optional=["app_name", "stack", "changed_files", "work_plan", *KEYS])

    def output(self) -> StationOutput:
        """The files that the run changed so far, what was done to them, and the feature's title and short name."""
        return StationOutput(
            ["changed_files", "diff", "feature_title", "feature_slug"], optional=["healing"], artifacts=["patch"]
        )

    def may_skip(self, values: Mapping[str, object]) -> bool:  # noqa: ARG002 - the contract's signature
        """A feature is made, or it is a failure."""
        return False

    def stack(self, context: StationContext) -> Stack | None:
        """The application's stack, where it is known."""
        name = context.values.get("stack") or context.get_input("stack")
        return find_stack(name, context.workspace) if name else None

    def presentable(self, diff: str) -> str:
        """Without what looks like a secret."""
        return hidden(diff)

    def untouchable(self, context: StationContext) -> Sequence[str]:
        """The files that a person is at work on, but for those that this run has made."""
        made = set(context.get_input("changed_files") or ())
        return [f"/{path}" for path in base_of(context).dirty() if path not in made]

    def trial(self, context: StationContext, adjustments: Adjustments) -> Trial:  # noqa: ARG002 - the contract's
        """It is made once an agent has changed files, and may have."""
        if context.notes and context.notes[-1]["kind"] == "fixed":
            return Trial(StationResult.success(outputs={"changed_files": [], "diff": ""}))
        feature = feature_of(context)
        task = Task(feature.title, _brief(context, feature), SPECIALIST)
        found = Diagnosis("Task", f"task: {feature.slug}", (feature.title,), rule="task")
        return Trial(StationResult.failure("it is not made yet"), CommandFailure("", diagnosis=found, task=task))

    def execute(self, context: StationContext) -> StationResult:
        """Make it."""
        try:
            return self._execute(context, base_of(context))
        except (GitError, UsageError) as error:
            return StationResult.failure(str(error))

    def _execute(self, context: StationContext, base: Base) -> StationResult:
        feature = feature_of(context)
        proposal = _open_proposal(context) or self._propose(context, base)
        if isinstance(proposal, StationResult):
            return proposal
        if proposal["in_place"] and not _has(context, "withdrawn"):
            base.write(proposal["head"], proposal["files"])
            context.note({"kind": "withdrawn"})
        if _has(context, "writing"):  # cut short by a crash
            return self._write(context, base, feature, proposal)
        if base.head != proposal["head"]:
            proposal = {**proposal, "tree": _moved(base, proposal), "head": base.head}
        wrong = self._refused(context, base, proposal)
        if wrong:
            context.note({"kind": "dropped"})
            return StationResult.failure(wrong)
        if context.values.get("approve"):
            if context.answer is None:
                return _question(context, feature, base, proposal)
            if context.answer.option != "approve":
                context.note({"kind": "dropped"})
                why = f": {context.answer.message}" if context.answer.message else ""
                return StationResult.failure(f"a person did not approve it{why}")
        context.note({**proposal, "kind": "proposed", "in_place": False})
        context.note({"kind": "writing"})
        return self._write(context, base, feature, proposal)

    def _propose(self, context: StationContext, base: Base) -> dict[str, Any] | StationResult:
        """The change as a tree, from the patch or the agent; a failure where there is none."""
        patch = context.values.get("patch")
        outputs: dict[str, Any] = {}
        if patch:
            tree = base.tree_of_patch(_read(context, patch))
            files = base.changed(tree)
            if not files:
                return StationResult.failure("the patch changes nothing: what it makes is there already")
        else:
            if not _made(context):
                result = super().execute(context)
                if not result.success:
                    return _unmade(result, context)
                outputs = {"healing": result.outputs["healing"]}
            files = _made(context)
            tree = base.tree_with(files)
        proposal = {"head": base.head, "tree": tree, "files": files, "in_place": not patch, "outputs": outputs}
        context.note({"kind": "proposed", **proposal})
        return proposal

    def _refused(self, context: StationContext, base: Base, proposal: Mapping[str, Any]) -> str:
        """Why a change may not be written; empty where it may."""
        made = set(context.get_input("changed_files") or ())
        files = [path for path in proposal["files"] if path not in made]
        dirty = set(base.dirty())
        theirs = [path for path in files if path in dirty]
        if theirs:
            return f"{some(theirs)}: not committed yet, and the feature would change it; commit or stash it first"
        before, after = (
            {path: base.text(t, path) for path in proposal["files"]} for t in (base.head, proposal["tree"])
        )
        ignored = [path for path in files if not base.holds(path) and os.path.lexists(context.output_path / path)]
        if ignored:
            return f"{some(ignored)}: git ignores it, and the feature would overwrite it; move it away first"
        refused = refusal(before, after, self.protected_paths(context), adds_tests=True)
        return refused.reason if refused else ""

    def _write(
        self, context: StationContext, base: Base, feature: Feature, proposal: Mapping[str, Any]
    ) -> StationResult:
        files = list(proposal["files"])
        base.write(proposal["tree"], files)
        diff = hidden(base.diff(proposal["tree"], files))
        artifact = Artifact("patch", _kept(context, diff), "what was changed")
        outputs = {
            **proposal["outputs"],
            "changed_files": sorted({*(context.get_input("changed_files") or ()), *files}),
            "diff": cut(diff),
            "feature_title": feature.title,
            "feature_slug": feature.slug,
        }
        message = f"changed {some(files)} ({size(diff)})"
        return StationResult.success(outputs=outputs, artifacts=[artifact], message=message)


def _brief(context: StationContext, feature: Feature) -> str:
    """What the agent is to know."""
    parts = [feature.markdown]
    plan = context.get_input("work_plan")
    if plan:
        import yaml

        parts.append(f"The work plan:\n\n```yaml\n{yaml.safe_dump(plan, sort_keys=False, allow_unicode=True)}```")
    return "\n\n".join(part for part in parts if part)


def _unmade(result: StationResult, context: StationContext) -> StationResult:
    """A failure that says what would help, where nobody could do it."""
    healing = result.outputs.get("healing") or {}
    layers = (context.guardrails, context.values.get("guardrails") or {})
    agents = {name: agent for layer in layers for name, agent in (layer.get("agents") or {}).items()}
    if agents.get(SPECIALIST, {}).get("kind", "playbook") == "playbook":
        reason = (
            "nobody can make it: give a patch (the setting, or the input, 'patch'), or name an agent for 'implementer'"
            " in the guardrails, of kind llm or command"
        )
        return StationResult.failure(reason)
    reasons = dict.fromkeys(action["reason"] for action in healing.get("actions_taken", ()) if action["reason"])
    why = "; ".join([reason for reason in reasons if reason not in result.message][-_TOLD:])
    told = f"it was not made: {result.message}" + (f": {why}" if why else "")
    return StationResult.failure(told, outputs={"healing": healing})


def _made(context: StationContext) -> list[str]:
    """The files that the agent has changed and that were kept, as the notes of its session tell."""
    made: set[str] = set()
    fixed: Sequence[str] = ()
    for note in context.notes:
        if note["kind"] in ("session", "proposed", "dropped"):
            made = set()
        elif note["kind"] == "fixed":
            fixed = note["files"]
        elif note["kind"] == "verdict" and note["verdict"] == "fixed":
            made |= set(fixed)
    return sorted(made)


def _open_proposal(context: StationContext) -> dict[str, Any] | None:
    """The change of before a crash or a question, where it was not dropped."""
    found = None
    for note in context.notes:
        if note["kind"] in ("proposed", "dropped"):
            found = dict(note) if note["kind"] == "proposed" else None
    return found


def _has(context: StationContext, kind: str) -> bool:
    """Whether this was noted since the last proposal."""
    for note in reversed(context.notes):
        if note["kind"] == kind:
            return True
        if note["kind"] == "proposed":
            return False
    return False


def _moved(base: Base, proposal: Mapping[str, Any]) -> str:
    """The change on the last commit, where it was made on another one."""
    patch = base._replace(head=proposal["head"]).diff(proposal["tree"], proposal["files"])
    return base.tree_of_patch(patch.encode("utf-8", "surrogateescape"))


def _read(context: StationContext, patch: str) -> bytes:
    place = Path(os.path.abspath(context.workspace / os.path.expanduser(patch)))
    try:
        if place.stat().st_size > _LARGEST:
            raise UsageError(f"the patch {patch} is larger than {_LARGEST} bytes")
        return place.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the patch {patch}: {error.strerror}") from error


def _kept(context: StationContext, diff: str) -> str:
    """Where the whole difference is written down, from the workspace on."""
    place = report_place(context, "feature.patch")
    place.write_text(context.masked(diff), encoding="utf-8", errors="surrogateescape")
    return os.path.relpath(place, context.workspace)


def _question(context: StationContext, feature: Feature, base: Base, proposal: Mapping[str, Any]) -> StationResult:
    diff = hidden(base.diff(proposal["tree"], proposal["files"]))
    options = [
        Option("approve", "Make the change"),
        Option("reject", "Do not", "the run fails, and no file is changed", takes_message=True),
    ]
    text = f"{feature.title}: change {some(proposal['files'])}?\n\n{cut(diff)}\nThe whole: {_kept(context, diff)}"
    return StationResult.needs_input(Question(QUESTION, text, options))
