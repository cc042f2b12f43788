"""The ``secure`` station: secrets, weak code, vulnerable packages, an SBOM, licences and a team's policies."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from mityflow.sdk import (
    Artifact,
    FaultsError,
    Policy,
    Station,
    StationContext,
    StationInput,
    StationOutput,
    StationResult,
    UsageError,
    find_stack,
    findings_sarif,
)
from mityflow_stations import policies
from mityflow_stations._checks import counted
from mityflow_stations._reporting import report_place
from mityflow_stations._security import Judged, Rules, findings_data, findings_told, judged, masked, scans_data, waivers
from mityflow_stations.scanners import Scan, code, dependencies, files, licences, sbom, secrets

CHECKS = ("secrets", "code", "dependencies", "sbom", "licences", "policies")
_SHOWN = 20


class Secure(Station):
    """Looks at an application for secrets, weak code, vulnerable packages and licences, and evaluates policies.

    It also writes down what the application is made of, as a CycloneDX SBOM. Findings are told as data, as SARIF
    and as a page; one at its threshold (``fail_at``) or worse fails the step. What could not be looked at is told
    as not checked, and fails the step where it is required.
    """

    name: ClassVar[str] = "secure"
    description: ClassVar[str] = "Look for secrets, weak code, vulnerable packages, licences and broken policies"
    Params = "mityflow_stations.secure_params:SecureParams"

    def input(self) -> StationInput:
        """The application's name and stack, where the workflow has them."""
        return StationInput(optional=["app_name", "stack"])

    def output(self) -> StationOutput:
        """What was found, how each scanner and each policy came out, and what was not checked."""
        return StationOutput(
            ["findings", "findings_count", "ignored", "scans", "policies", "licences", "not_checked"],
            artifacts=["security", "security-page"],
            optional_artifacts=["sbom"],
        )

    def execute(self, context: StationContext) -> StationResult:
        """Look at it all, and judge."""
        try:
            look = _Look(context)
        except FaultsError as error:
            return StationResult.failure("\n".join(map(str, error.faults)))
        except UsageError as error:
            return StationResult.failure(f"{error.message} ({error.hint})" if error.hint else error.message)
        found = {name: list(look.at(name)) for name in CHECKS if name in context.params.checks}
        return _result(context, look, judged(found, _rules(context)))


class _Look:
    """What each look at an application finds. Raises MityError where it is asked for what is not there."""

    def __init__(self, context: StationContext) -> None:
        self._context = context
        self._params = context.params
        self.root = context.output_path
        if not self.root.is_dir():
            raise UsageError(f"there is no application folder {self.root}")
        self.stack = context.params.stack or context.stack
        if self.stack:
            find_stack(self.stack, context.workspace)
        _check_licences([*context.params.allow_licences, *context.params.deny_licences])
        self._policies = self._read_policies()
        self._rules = [self._place(path, "semgrep_rules") for path in context.params.semgrep_rules]
        self.files = files.own_files(context, self.root)
        self._sbom: sbom.Made | None = None
        self.verdicts: list[policies.Verdict] = []
        self.packages: dict[str, licences.Package] = {}

    def at(self, name: str) -> Sequence[Scan]:
        """The scans of one kind."""
        looks: dict[str, Callable[[], Sequence[Scan]]] = {
            "secrets": lambda: [secrets.scan(self.root, self.files)],
            "code": self._code,
            "dependencies": self._dependencies,
            "sbom": lambda: [self.sbom().scan],
            "licences": self._licences,
            "policies": self._evaluated,
        }
        scans = looks[name]()
        for scan in scans:
            self._context.say(f"{name}: {scan.name}: {scan.status}: {scan.detail}")
        return scans

    def sbom(self) -> sbom.Made:
        """The SBOM, made once."""
        if self._sbom is None:
            self._sbom = sbom.make(self._context, self.root, self._context.app_name or self.root.name)
        return self._sbom

    def _code(self) -> Sequence[Scan]:
        scans = code.scans(self._context, self.root, self.files, semgrep_rules=self._rules)
        return scans or [Scan(code.NAME, "not checked", detail="there is no source of a language that is read")]

    def _dependencies(self) -> Sequence[Scan]:
        url = self._params.osv_url
        parts = self.sbom().components if url else ()
        scans = dependencies.scans(self._context, self.root, osv_url=url, components=parts)
        return scans or [Scan(dependencies.NAME, "not checked", detail="no manifest of packages is there")]

    def _licences(self) -> Sequence[Scan]:
        known = licences.packages(self._context, self.root)
        if isinstance(known, str) and self.sbom().components:
            known = licences.packages_of(self.sbom().components)
        self.packages = {} if isinstance(known, str) else known
        place = dependencies.manifest(self.root)
        return [licences.scan(known, self._params.allow_licences, self._params.deny_licences, place)]

    def _evaluated(self) -> Sequence[Scan]:
        self.verdicts = policies.evaluate(self._context, self.root, self.files, self._policies)
        return [policies.as_scan(self.verdicts)]

    def _read_policies(self) -> list[tuple[Policy, str]]:
        if "policies" not in self._params.checks:
            return []
        given = self._params.policies
        workspace = self._context.workspace
        places = (
            policies.policy_files(workspace, self.root)
            if given is None
            else [self._place(path, "policies") for path in given]
        )
        return policies.read(places, workspace)

    def _place(self, path: str, setting: str) -> Path:
        place = self._context.workspace / path
        if not place.is_file():
            raise UsageError(f"'{setting}' names {path}, which is no file in the workspace")
        return place


def _check_licences(patterns: Sequence[str]) -> None:
    """A licence that is misspelt would allow or deny nothing."""
    try:
        wrong = [name for name in patterns if not set(name) & set("*?[") and not licences.spdx(name)]
    except ImportError:
        return
    if wrong:
        raise UsageError(f"'{wrong[0]}' is no SPDX id of a licence", hint="such as MIT, Apache-2.0 or GPL-*")


def _rules(context: StationContext) -> Rules:
    params = context.params
    return Rules(params.fail_at.model_dump(), params.require, waivers(params.ignore), datetime.now(UTC).date())


def _result(context: StationContext, look: _Look, found: Judged) -> StationResult:
    found = masked(found, context.masked)
    outputs: dict[str, Any] = {
        **findings_data(found),
        "scans": scans_data(found.scans),
        "policies": [verdict.to_data() for verdict in look.verdicts],
        "licences": licences.count(look.packages) if look.packages else {},
        "not_checked": found.not_checked,
    }
    artifacts = _artifacts(context, look, found, outputs)
    lines = [f"{findings_told(found)} in {counted(len(look.files), 'file')}"]
    lines += [str(finding) for finding in found.counted[:_SHOWN]]
    lines += [f"... and {len(found.counted) - _SHOWN} more"] if len(found.counted) > _SHOWN else []
    lines += [f"not checked: {what}" for what in found.not_checked]
    lines += [f"remark: {what}" for what in found.remarks]
    lines += [f"page: {next(artifact.path for artifact in artifacts if artifact.name == 'security-page')}"]
    if found.reasons:
        reason = "; ".join(found.reasons)
        return StationResult.failure(
            "\n".join([f"{reason}: {lines[0]}", *lines[1:]]), outputs=outputs, artifacts=artifacts
        )
    return StationResult.success(outputs=outputs, artifacts=artifacts, message="\n".join(lines))


def _artifacts(context: StationContext, look: _Look, found: Judged, outputs: dict[str, Any]) -> list[Artifact]:
    from mityflow_stations._security_page import page

    artifacts = []

    def write(name: str, file: str, text: str, description: str) -> None:
        place = report_place(context, file)
        place.write_text(text, encoding="utf-8", errors="replace")
        artifacts.append(Artifact(name, os.path.relpath(place, context.workspace), description))

    log = findings_sarif(found.counted, root=str(look.root))
    write("security", "security.sarif", json.dumps(log, indent=2, ensure_ascii=False) + "\n", "the findings, as SARIF")
    made = look.sbom().bom if "sbom" in found.scans else None
    if made:
        write("sbom", "sbom.cdx.json", json.dumps(made, indent=2, ensure_ascii=False) + "\n", "the SBOM, as CycloneDX")
    about = {
        "application": context.app_name or look.root.name,
        "stack": look.stack or "",
        "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "packages": sorted(look.packages.values()),
    }
    write("security-page", "security.html", page(about, found, outputs), "the report, as a page")
    return artifacts
