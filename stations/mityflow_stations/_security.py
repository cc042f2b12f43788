"""What a look at an application's security found, and what of it counts. Nothing here reads a file or a clock."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from mityflow.sdk import Finding, at_least, count_by_severity, sorted_findings
from mityflow_stations.policies import Verdict
from mityflow_stations.policies.globs import fits
from mityflow_stations.scanners import Scan

if TYPE_CHECKING:
    from mityflow_stations.secure_params import Ignored

NEVER = "never"


class Waiver(NamedTuple):
    """An entry of ``ignore``: findings that do not count until a day is over."""

    rule: str
    path: str | None
    text: str | None
    reason: str
    until: date

    def holds(self, finding: Finding, today: date) -> bool:
        """Whether the finding does not count."""
        return today <= self.until and self.means(finding)

    def means(self, finding: Finding) -> bool:
        """Whether the entry is about the finding."""
        return (
            fnmatch.fnmatchcase(rule_of(finding), self.rule)
            and (self.path is None or fits(finding.path, [self.path]))
            and (self.text is None or self.text in finding.message)
        )


def waivers(entries: Iterable[Ignored]) -> list[Waiver]:
    """What the setting ``ignore`` says."""
    return [
        Waiver(entry.rule, entry.path, entry.text, entry.reason, date.fromisoformat(entry.until)) for entry in entries
    ]


class Rules(NamedTuple):
    """What counts: thresholds by what is looked at, what must have been looked at, and waivers."""

    fail_at: Mapping[str, str]
    require: Sequence[str]
    ignore: Sequence[Waiver]
    today: date


class Judged(NamedTuple):
    """What was found, and what follows from it.

    ``counted`` and ``ignored`` are findings; of the first, those in ``over`` are at their threshold or worse.
    ``reasons`` say why the step fails; none means that it does not.
    """

    scans: Mapping[str, Sequence[Scan]]
    counted: list[Finding]
    ignored: list[tuple[Finding, Waiver]]
    over: list[Finding]
    not_checked: list[str]
    remarks: list[str]
    reasons: list[str]


def rule_of(finding: Finding) -> str:
    """A finding's rule as reports tell it: the tool and the id."""
    return f"{finding.tool}/{finding.rule}"


def judged(scans: Mapping[str, Sequence[Scan]], rules: Rules) -> Judged:
    """What of the scans counts, and whether it is too much."""
    counted: list[Finding] = []
    ignored: list[tuple[Finding, Waiver]] = []
    over: list[Finding] = []
    for look, some in scans.items():
        threshold = rules.fail_at.get(look, NEVER)
        for finding in (finding for scan in some for finding in scan.findings):
            entry = next((entry for entry in rules.ignore if entry.holds(finding, rules.today)), None)
            if entry:
                ignored.append((finding, entry))
                continue
            counted.append(finding)
            if threshold != NEVER and at_least(threshold, finding.severity):
                over.append(finding)
    over = sorted_findings(over)
    not_checked = [
        f"{look}: {_named(look, scan)}{scan.detail}"
        for look, some in scans.items()
        for scan in some
        if scan.status == "not checked"
    ]
    return Judged(
        scans,
        sorted_findings(counted),
        ignored,
        over,
        not_checked,
        _remarks(scans, rules),
        _reasons(scans, rules, over),
    )


def findings_data(found: Judged) -> dict[str, Any]:
    """The findings as JSON data: those that count, how many of each severity, and those that are ignored."""
    return {
        "findings": [finding._asdict() for finding in found.counted],
        "findings_count": count_by_severity(found.counted),
        "ignored": [
            {**finding._asdict(), "reason": entry.reason, "until": str(entry.until)} for finding, entry in found.ignored
        ],
    }


def findings_told(found: Judged) -> str:
    """How many findings there are, in words."""
    counts = count_by_severity(found.counted)
    return ", ".join(f"{number} {severity}" for severity, number in counts.items() if number) or "nothing found"


def masked(found: Judged, mask: Callable[[str], str]) -> Judged:
    """The same without the workflow's own secrets, in case a tool quotes one."""

    def clean(finding: Finding) -> Finding:
        return finding._replace(message=mask(finding.message))

    return found._replace(
        counted=[clean(finding) for finding in found.counted],
        ignored=[(clean(finding), entry) for finding, entry in found.ignored],
        over=[clean(finding) for finding in found.over],
    )


def scans_data(scans: Mapping[str, Sequence[Scan]]) -> list[dict[str, Any]]:
    """The scans as JSON data, without their findings."""
    return [
        {
            "check": look,
            "scanner": scan.name,
            "status": scan.status,
            "findings": len(scan.findings),
            "detail": scan.detail,
        }
        for look, some in scans.items()
        for scan in some
    ]


def verdict_counts(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """How many policies came out each way."""
    return {
        status: sum(v.status == status for v in verdicts) for status in ("passed", "failed", "not checked", "not due")
    }


def _reasons(scans: Mapping[str, Sequence[Scan]], rules: Rules, over: Sequence[Finding]) -> list[str]:
    reasons = []
    if over:
        thresholds = dict.fromkeys(
            f"{look} from {rules.fail_at[look]} on"
            for look, some in scans.items()
            for scan in some
            if set(scan.findings) & set(over)
        )
        number = "1 finding" if len(over) == 1 else f"{len(over)} findings"
        reasons.append(f"{number} too severe ({', '.join(thresholds)})")
    for look, some in scans.items():
        reasons += [f"{_named(look, scan)}failed: {scan.detail}" for scan in some if scan.status == "failed"]
        unknown = [scan for scan in some if scan.status == "not checked"]
        if look in rules.require and unknown:
            reasons.append(f"{look} must be checked, and could not be: {unknown[0].detail}")
    reasons += [f"{look} must be checked, and is not among the 'checks'" for look in rules.require if look not in scans]
    return reasons


def _remarks(scans: Mapping[str, Sequence[Scan]], rules: Rules) -> list[str]:
    """Exceptions that are over, or about nothing."""
    found = [finding for some in scans.values() for scan in some for finding in scan.findings]
    remarks = []
    for entry in rules.ignore:
        meant = any(entry.means(finding) for finding in found)
        if meant and rules.today > entry.until:
            remarks.append(f"what 'ignore' says of {entry.rule} ended on {entry.until}: {entry.reason}")
        elif not meant:
            remarks.append(f"what 'ignore' says of {entry.rule} is about nothing that was found: {entry.reason}")
    return remarks


def _named(look: str, scan: Scan) -> str:
    return "" if scan.name == look else f"{scan.name}: "
