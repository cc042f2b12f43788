"""The ``architect`` station: how a feature is to be made, as a decision record and a work plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from mityflow.sdk import (
    AgentError,
    Artifact,
    Station,
    StationContext,
    StationInput,
    StationOutput,
    StationResult,
    Task,
    UsageError,
    consult,
)
from mityflow_stations._feature import KEYS, Feature, feature_of

SPECIALIST = "architect"
_FORMAT = 1
_MOST = 150
_ASKED = """\
Plan how this feature is added to the application. Look at its files as far as you need to; change none of them.

Answer with a JSON object:

{{"decision": "how it is made, and why so, in a few sentences",
  "consequences": ["what follows from that, good and bad, a sentence each"],
  "files": [{{"path": "src/...", "action": "add"|"change"|"remove", "reason": "one sentence"}}],
  "criteria": [{{"number": 1, "file": "the file of tests, which is among 'files'", "test": "the test's name"}}]}}

Paths begin in the application's folder. Each acceptance criterion has a test, and only what is really to be touched is
among the files. Say only what the files show. Tests are called as the application's own are.

# {title}

{feature}

# What there is

{known}
"""


class Architect(Station):
    """Plans a feature on what ``analyze`` found: files to touch, and a test for each acceptance criterion.

    The plan is written down as a decision record, ``docs/adr/NNNN-title.md``. Where the guardrails name a model or a
    program for ``architect``, it makes the plan, which is checked: its paths must be inside of the application and
    each criterion must have a test. Otherwise it is an outline, and says that it is one.
    """

    name: ClassVar[str] = "architect"
    description: ClassVar[str] = "Plan a feature: a decision record, files to touch, a test per criterion"
    Params = "mityflow_stations.analyze_params:ArchitectParams"

    def input(self) -> StationInput:
        """What there is, and the feature."""
        return StationInput(["analysis"], optional=["app_name", "changed_files", *KEYS])

    def output(self) -> StationOutput:
        """The plan, and the files that the run changed so far, the record among them."""
        return StationOutput(["work_plan", "changed_files"], optional=["adr"], optional_artifacts=["adr"])

    def execute(self, context: StationContext) -> StationResult:
        """Plan it."""
        from mityflow_stations._adr import AdrError
        from mityflow_stations._plan import outline

        analysis = context.get_input("analysis")
        if not isinstance(analysis, dict) or analysis.get("format") != _FORMAT:
            raise UsageError("'analysis' is not what 'analyze' gives", hint="let a step 'analyze' come before")
        feature = feature_of(context)
        try:
            plan = _ask_agent(context, feature, analysis) or outline(feature, analysis)
        except AgentError as error:
            return StationResult.failure(f"there is no plan: {error.message}")
        changed = list(context.get_input("changed_files") or ())
        outputs: dict[str, Any] = {"work_plan": plan.to_data(), "changed_files": changed}
        artifacts = []
        if context.values.get("adr", True):
            try:
                path = _written(context, feature, analysis, plan)
            except AdrError as error:
                return StationResult.failure(str(error))
            outputs |= {"adr": path, "changed_files": sorted({*changed, path})}
            artifacts.append(Artifact("adr", str(context.output_path / path), "the decision record"))
        return StationResult.success(outputs=outputs, artifacts=artifacts, message=_message(plan, outputs.get("adr")))


def _ask_agent(context: StationContext, feature: Feature, analysis: Mapping[str, Any]) -> Any:
    """The plan of the guardrails' architect; None where there is no model or program for it.

    Raises AgentError where its answer cannot be used.
    """
    from mityflow_stations._plan import plan_of

    text = _ASKED.format(
        title=feature.title, feature=context.masked(feature.markdown), known=context.masked(_known(analysis))
    )
    root = context.output_path
    said = consult(
        context, Task(feature.title, text, SPECIALIST), lambda data: plan_of(data, "", feature, analysis, root)
    )
    return said.answer._replace(by=said.agent) if said else None


def _known(analysis: Mapping[str, Any]) -> str:
    """The analysis as an agent is given it: nothing that changes by itself, such as the history."""
    import yaml

    routes = [f"{r['method']} {r['path']} -> {r['handler']} ({r['file']})".strip() for r in analysis["routes"]]
    data = {
        "stack": analysis["stack"],
        "platform": analysis["platform"],
        "packages": [f"{p['name']} {p['locked'] or p['wanted']}".strip() for p in analysis["packages"]][:_MOST],
        "routes": routes[:_MOST],
        "modules": {
            m["path"]: {"gives": m["defines"][:20], "imports": m["imports"]} for m in analysis["modules"][:_MOST]
        },
        "tests": {t["path"]: [case["name"] for case in t["cases"]][:30] for t in analysis["tests"][:_MOST]},
    }
    cut = [key for key in ("packages", "routes", "modules", "tests") if len(analysis[key]) > _MOST]
    more = f"\nThere are more {', '.join(cut)} than are listed." if cut else ""
    return f"```yaml\n{yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110)}```{more}"


def _written(context: StationContext, feature: Feature, analysis: Mapping[str, Any], plan: Any) -> str:
    """The record's path. One that this step wrote before a crash, or that says the same, is not written twice."""
    from mityflow_stations import _adr

    date = datetime.now(UTC).date().isoformat()

    def content(number: int) -> str:
        return context.masked(_adr.record(number, date, feature, analysis, plan))

    root = context.output_path
    _undone(context, root)
    path, there = _adr.place_of(root, feature.slug, content)
    if not there:
        text = content(_adr.number_of(path))
        context.note({"kind": "adr", "path": path, "digest": _adr.digest(text)})
        _adr.write(root, path, text)
    return path


def _undone(context: StationContext, root: Path) -> None:
    """Remove the record that this very step wrote before it was cut short, unless somebody has changed it since."""
    from mityflow_stations import _adr

    for note in context.notes:
        if note["kind"] == "adr" and _adr.is_as_written(root, note["path"], note["digest"]):
            (root / note["path"]).unlink()


def _message(plan: Any, path: str | None) -> str:
    from mityflow_stations._checks import counted
    from mityflow_stations._plan import OUTLINE

    what = "an outline, not a decision" if plan.by == OUTLINE else f"planned by {plan.by}"
    tests = (
        f"{len(plan.criteria)} criteri{'on' if len(plan.criteria) == 1 else 'a'} with a test to be"
        if plan.criteria
        else "no acceptance criteria"
    )
    where = f"; {path}" if path else ""
    return f"{what}: {counted(len(plan.files), 'file')} to touch, {tests}{where}"
