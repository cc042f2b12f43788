"""The ``validate-iac`` station: is infrastructure code in order, by the best tools that are there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any, ClassVar

from mityflow.sdk import (
    Artifact,
    Finding,
    Station,
    StationContext,
    StationInput,
    StationOutput,
    StationResult,
    findings_sarif,
)
from mityflow_stations._checks import counted
from mityflow_stations._reporting import report_place
from mityflow_stations._security import Judged, Rules, findings_data, findings_told, judged, masked, scans_data, waivers
from mityflow_stations.iac import checkov, exposure, language, names, providers, terraform
from mityflow_stations.iac.modules import TOOL, Read, read
from mityflow_stations.scanners import Scan, answer, scanned

_SHOWN = 20
_MOST = 1000
_STATIC = (language, names, providers)
_FORM = ("syntax", "duplicate")
"""Rules about what Terraform finds without any provider."""
_MISSING = "python-hcl2 is not installed: pip install 'mityflow[iac]'"
_TIERS = {
    "terraform": "Terraform initialised and validated every root module",
    "static": "HCL, names and providers' schemas were checked; Terraform did not validate",
    "none": "neither Terraform nor the static checks looked at all of it",
}


class ValidateIac(Station):
    """Looks at Terraform code: its form, whether it is valid, what it opens to the world, and known weaknesses.

    Where Terraform and the providers are there, Terraform validates. Where they are not, the files are parsed, every
    name is looked for, and arguments are compared with the schemas of the providers' types. The result says which of
    the two it was (``tier``), and what could not be checked. A finding at the threshold (``fail_at``) or worse fails
    the step.
    """

    name: ClassVar[str] = "validate-iac"
    description: ClassVar[str] = "Check Terraform code: format, validity, exposure and known weaknesses"
    Params = "mityflow_stations.iac_params:ValidateIacParams"

    def input(self) -> StationInput:
        """The application's name, where the workflow has it."""
        return StationInput(optional=["app_name", "stack", "changed_files"])

    def output(self) -> StationOutput:
        """What was found, how each check came out, which tier it was, and what was not checked."""
        return StationOutput(
            ["findings", "findings_count", "ignored", "accepted", "scans", "tier", "not_checked"],
            artifacts=["infrastructure-findings"],
        )

    def execute(self, context: StationContext) -> StationResult:
        """Look, and judge."""
        path = os.path.normpath(context.params.path)
        folder = context.output_path / path
        if not folder.is_dir() or not _is_inside(folder, context.output_path):
            return StationResult.failure(f"there is no folder {folder}; 'path' says where the Terraform code is")
        try:
            found = read(context.output_path, path)
        except ImportError:
            return StationResult.failure(_MISSING)
        except OSError as error:
            return StationResult.failure(f"{folder} cannot be read: {error}")
        if not found.modules:
            return StationResult.failure(f"there is no Terraform code in {folder}; 'path' says where it is")
        look = _Look(context, path, found)
        scans = {name: look.at(name) for name in look.wanted()}
        return _result(context, look, judged(scans, _rules(context)))


def _is_inside(folder: Path, top: Path) -> bool:
    """Whether a folder lies in another where links are followed."""
    return folder.resolve().is_relative_to(top.resolve())


class _Look:
    """What each look at the code finds."""

    def __init__(self, context: StationContext, path: str, found: Read) -> None:
        self._context = context
        self._root = context.output_path
        self._path = path
        self.found = found
        self.accepted: list[dict[str, Any]] = []
        self.tier = "none"
        self._terraform_read_it = False

    def wanted(self) -> list[str]:
        """The names of the looks, in their order; Terraform's comes before the static one, which it may spare."""
        return [name for name in self._looks() if name in self._context.params.checks]

    def at(self, name: str) -> list[Scan]:
        """The scans of one kind."""
        scans = self._looks()[name]()
        for scan in scans:
            self._context.say(f"{name}: {scan.name}: {scan.status}: {scan.detail}")
        return scans

    def _looks(self) -> dict[str, Callable[[], list[Scan]]]:
        return {
            "format": self._format,
            "terraform": self._terraform,
            "static": self._static,
            "exposure": lambda: [scanned(TOOL, list(exposure.check(self.found.modules)), "rules of firewalls")],
            "checkov": self._checkov,
        }

    def _format(self) -> list[Scan]:
        def look() -> tuple[list[Finding], str]:
            tool = terraform.find(self._context)
            return terraform.unformatted(self._context, tool, self._root, self._path)

        return [answer("format", look)]

    def _terraform(self) -> list[Scan]:
        def look() -> tuple[list[Finding], str]:
            tool = terraform.find(self._context)
            try:
                return terraform.invalid(self._context, tool, self._root, self._path, self.found.roots)
            except terraform.NotReadyError:
                self._terraform_read_it = True
                raise

        scan = answer("terraform", look)
        if scan.status in ("clean", "found"):
            self.tier = "terraform"
        return [scan]

    def _static(self) -> list[Scan]:
        if self.tier == "terraform":
            return []
        self.tier = "static"
        modules = self.found.modules
        found = chain(self.found.findings, *(look.check(modules) for look in _STATIC))
        findings = list(islice(found, _MOST))
        if self._terraform_read_it:
            findings = [finding for finding in findings if finding.rule not in _FORM]
        versions = providers.known_versions(modules.values())
        against = f", against the schemas of {', '.join(versions)}" if versions else ""
        scans = [scanned("static", findings, f"{counted(len(self.found.files), 'file')}{against}")]
        return [*scans, *(Scan("static", "not checked", detail=detail) for detail in self._unseen(findings))]

    def _unseen(self, findings: list[Finding]) -> list[str]:
        """What the static checks cannot see."""
        unseen = [f"what comes after {_MOST} findings"] if len(findings) == _MOST else []
        unread = [finding.path for finding in self.found.findings if finding.rule == "syntax"]
        if unread and self._terraform_read_it:
            unseen.append(f"{_some(unread)}: Terraform can read it, and the parser used here cannot")
        types = providers.unknown_types(self.found.modules.values())
        if types:
            unseen.append(f"arguments of {_some(types)}: no schema of theirs is here")
        called = names.elsewhere(self.found.modules)
        if called:
            unseen.append(f"modules that are not in {self._path}: {_some(called)}")
        if self.found.unread:
            unseen.append(f"{_some(self.found.unread)}: files of this kind are not read, nor the modules they are in")
        return unseen

    def _checkov(self) -> list[Scan]:
        def look() -> tuple[list[Finding], str]:
            looked = checkov.look(self._context, self._root, self._path)
            self.accepted = looked.accepted
            return looked.findings, looked.detail

        return [answer("checkov", look)]


def _some(items: list[str]) -> str:
    return ", ".join(items[:5]) + (f" and {len(items) - 5} more" if len(items) > 5 else "")


def _rules(context: StationContext) -> Rules:
    params = context.params
    thresholds = dict.fromkeys(params.checks, params.fail_at)
    return Rules(thresholds, params.require, waivers(params.ignore), datetime.now(UTC).date())


def _result(context: StationContext, look: _Look, found: Judged) -> StationResult:
    found = masked(found, context.masked)
    outputs: dict[str, Any] = {
        **findings_data(found),
        "accepted": look.accepted,
        "scans": scans_data(found.scans),
        "tier": look.tier,
        "not_checked": found.not_checked,
    }
    place = report_place(context, "infrastructure.sarif")
    log = findings_sarif(found.counted, root=str(context.output_path))
    text = json.dumps(log, indent=2, ensure_ascii=False) + "\n"
    place.write_text(text, encoding="utf-8", errors="replace")
    sarif = os.path.relpath(place, context.workspace)
    artifacts = [Artifact("infrastructure-findings", sarif, "the findings, as SARIF")]
    lines = [f"{findings_told(found)} in {counted(len(look.found.files), 'file')}"]
    lines += [str(finding) for finding in found.counted[:_SHOWN]]
    lines += [f"... and {len(found.counted) - _SHOWN} more, in {sarif}"] if len(found.counted) > _SHOWN else []
    lines += [f"tier: {look.tier}: {_TIERS[look.tier]}"]
    lines += [f"not checked: {what}" for what in found.not_checked]
    lines += [f"accepted by comments in the files: {counted(len(look.accepted), 'finding')}"] if look.accepted else []
    lines += [f"remark: {what}" for what in found.remarks]
    if found.reasons:
        lines[0] = f"{'; '.join(found.reasons)}: {lines[0]}"
        return StationResult.failure("\n".join(lines), outputs=outputs, artifacts=artifacts)
    return StationResult.success(outputs=outputs, artifacts=artifacts, message="\n".join(lines))
