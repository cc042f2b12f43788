"""The ``test`` station: an application built and tested, and each acceptance criterion with its test."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from mityflow.sdk import Stack, StationContext, StationInput, StationOutput, Trial
from mityflow_stations._changes import base_of
from mityflow_stations._checks import Checks
from mityflow_stations._criteria import criteria_with_tests, untested
from mityflow_stations._feature import KEYS, feature_of
from mityflow_stations._git import GitError
from mityflow_stations.build_test import BuildTest


class FeatureTest(BuildTest):
    """Installs, builds, lints and tests an application as ``build-test`` does, and mends what fails.

    Each acceptance criterion of the feature is listed with a test that passed and shows it, or as untested. A person's
    uncommitted files are not touched.
    """

    name: ClassVar[str] = "test"
    description: ClassVar[str] = "Build and test an application, and name the test of each acceptance criterion"

    def input(self) -> StationInput:
        """The application, and the feature."""
        return StationInput(optional=["app_name", "stack", "changed_files", "work_plan", *KEYS])

    def output(self) -> StationOutput:
        """What ``build-test`` gives, and the criteria."""
        whole = super().output()
        return StationOutput(
            [*whole.keys, "tested_criteria"], optional=whole.optional, optional_artifacts=whole.optional_artifacts
        )

    def untouchable(self, context: StationContext) -> Sequence[str]:
        """The files that a person is at work on, but for those that this run has made."""
        made = set(context.get_input("changed_files") or ())
        try:
            return [f"/{path}" for path in base_of(context).dirty() if path not in made]
        except GitError:
            return ()

    def own_files(self, context: StationContext) -> Collection[str]:
        """The files that this run has made: tests too, but for those that were there before."""
        try:
            base = base_of(context)
        except GitError:
            return ()
        return [path for path in context.get_input("changed_files") or () if not base.holds(path)]

    def can_rescaffold(self, context: StationContext) -> bool:  # noqa: ARG002 - the contract's signature
        """The application is somebody's work, and a feature no reason to make it again."""
        return False

    def judged(self, context: StationContext, stack: Stack, checks: Checks) -> Trial:
        """What the phases come to, and which test shows which criterion."""
        trial = super().judged(context, stack, checks)
        if trial.result.success:
            plan = context.get_input("work_plan") or {}
            found = criteria_with_tests(feature_of(context).criteria, checks.passing, plan.get("criteria") or ())
            trial.result.outputs = {**trial.result.outputs, "tested_criteria": found}
            left = untested(found)
            if found:
                shown = f"; {len(found) - len(left)} of {len(found)} acceptance criteria have a test"
                trial.result.message += shown + (f", not: {'; '.join(left)}" if left else "")
        return trial
