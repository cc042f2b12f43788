"""The ``analyze`` station: what there is of an application, read from its files."""

from __future__ import annotations

import json
import os
from typing import ClassVar

from mityflow.sdk import (
    Artifact,
    Station,
    StationContext,
    StationInput,
    StationOutput,
    StationResult,
    UsageError,
    find_stack,
)
from mityflow_stations._changes import base_of, some
from mityflow_stations._git import GitError
from mityflow_stations._reporting import report_place


class Analyze(Station):
    """Looks at an application that is there: ours, or any repository.

    What it finds is read by parsers and never guessed: the stack by what the manifests name, packages with their
    locked versions, modules and their imports, routes or pages, tests and what they use, size, and the files that
    change most. What could not be read is told. Nothing is changed, and nothing of the application is run.
    """

    name: ClassVar[str] = "analyze"
    description: ClassVar[str] = "Read an application's stack, modules, routes, tests and history"
    Params = "mityflow_stations.analyze_params:AnalyzeParams"

    def input(self) -> StationInput:
        """The application's name and stack, where the workflow has them."""
        return StationInput(optional=["app_name", "stack"])

    def output(self) -> StationOutput:
        """All that was found, the page that says it, and the stack where it is known."""
        return StationOutput(["analysis", "analysis_report"], optional=["stack"], artifacts=["analysis-report"])

    def execute(self, context: StationContext) -> StationResult:
        """Read it."""
        from mityflow_stations._analysis.report import report, summary
        from mityflow_stations._analysis.survey import survey
        from mityflow_stations._checks import UNKNOWN_STACK

        if not context.output_path.is_dir():
            raise UsageError(f"there is no application folder {context.output_path}")
        given = context.values.get("stack") or context.get_input("stack") or context.stack
        if given:
            find_stack(given, context.workspace)
        for_change = context.values.get("for_change", False)
        try:
            if for_change:
                base_of(context)
            analysis = survey(context, given, context.values.get("commits", 500))
        except GitError as error:
            return StationResult.failure(str(error))
        if for_change and not analysis["stack"]:
            return StationResult.failure(UNKNOWN_STACK)
        place = report_place(context, "analysis.md")
        place.write_text(context.masked(report(analysis)), encoding="utf-8")
        data = report_place(context, "analysis.json")
        data.write_text(context.masked(json.dumps(analysis, indent=1, ensure_ascii=False)) + "\n", encoding="utf-8")
        path = os.path.relpath(place, context.workspace)
        outputs = {"analysis": analysis, "analysis_report": path}
        if analysis["stack"]:
            outputs["stack"] = analysis["stack"]
        artifact = Artifact("analysis-report", path, "what there is of the application")
        message = "\n".join([summary(analysis), *_left_alone(context)])
        return StationResult.success(outputs=outputs, artifacts=[artifact], message=message)


def _left_alone(context: StationContext) -> list[str]:
    """What a person is at work on, said before anything is changed."""
    try:
        dirty = base_of(context).dirty()
    except GitError:
        return []
    if not dirty:
        return []
    what = "1 file has" if len(dirty) == 1 else f"{len(dirty)} files have"
    return [f"{what} uncommitted changes, which are left alone: {some(dirty)}"]
