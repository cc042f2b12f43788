"""Evaluating policies: what a team demands of its applications, found out by looking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mityflow.sdk import CommandError, Finding, MityError, Policy, StationContext, parse_duration, read_policies
from mityflow_stations.policies import coverage, documented, forbidden
from mityflow_stations.policies.globs import matching
from mityflow_stations.scanners import BrokenError, NotCheckedError, Scan, secrets

NAME = "policies"
FOLDER = "policies"
_MOST = 50
Status = Literal["passed", "failed", "not checked", "not due"]


class Verdict(NamedTuple):
    """How one policy came out; ``detail`` says what was seen, ``file`` is where the policy stands."""

    policy: Policy
    status: Status
    detail: str
    file: str
    findings: tuple[Finding, ...] = ()

    def to_data(self) -> dict[str, Any]:
        """The verdict as JSON data."""
        policy = self.policy
        return {
            "id": policy.id,
            "description": policy.description,
            "severity": policy.severity,
            "check": policy.check,
            "status": self.status,
            "detail": self.detail,
            "file": self.file,
        }


class Looked(NamedTuple):
    """What a check saw: whether the policy is met, in words, and the places where it is not."""

    met: bool
    detail: str
    places: Sequence[tuple[str, int]] = ()


def policy_files(workspace: Path, root: Path) -> list[Path]:
    """The policy files of a workspace and of the application in ``root``."""
    folders = dict.fromkeys((workspace / FOLDER, root / FOLDER))
    return [place for folder in folders for kind in ("*.yaml", "*.yml") for place in sorted(folder.glob(kind))]


def read(places: Sequence[Path], workspace: Path) -> list[tuple[Policy, str]]:
    """The policies of all files, each with its file. Raises MityError with all that is wrong with one."""
    found = []
    for place in places:
        shown = place.relative_to(workspace).as_posix() if place.is_relative_to(workspace) else str(place)
        found += [(policy, shown) for policy in read_policies(place)]
    return found


def evaluate(
    context: StationContext, root: Path, files: Sequence[str], policies: Sequence[tuple[Policy, str]]
) -> list[Verdict]:
    """How each policy comes out on the application in ``root``, whose own files these are."""
    stack = context.values.get("stack") or context.stack
    return [_verdict(context, root, files, policy, shown, stack) for policy, shown in policies]


def as_scan(verdicts: Sequence[Verdict]) -> Scan:
    """All verdicts as one scan; one that could not be told leaves it unchecked."""
    findings = tuple(finding for verdict in verdicts for finding in verdict.findings)
    counts = {
        status: sum(v.status == status for v in verdicts) for status in ("passed", "failed", "not checked", "not due")
    }
    told = ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "there are none"
    unknown = [f"{v.policy.id}: {v.detail}" for v in verdicts if v.status == "not checked"]
    if unknown:
        return Scan(NAME, "not checked", findings, f"{len(unknown)} of {len(verdicts)}: {'; '.join(unknown)}")
    return Scan(NAME, "found" if findings else "clean", findings, told)


def _verdict(
    context: StationContext, root: Path, files: Sequence[str], policy: Policy, shown: str, stack: str | None
) -> Verdict:
    try:
        if not policy.applies(stack=stack, app_name=context.app_name):
            return Verdict(policy, "not due", f"when: {policy.when}", shown)
        looked = _CHECKS[policy.check](context, root, files, policy.settings)
    except (NotCheckedError, BrokenError, CommandError) as reason:
        return Verdict(policy, "not checked", str(reason), shown)
    except MityError as error:
        return Verdict(policy, "not checked", error.message, shown)
    if looked.met:
        return Verdict(policy, "passed", looked.detail, shown)
    places = looked.places or [("", 0)]
    told = f"{policy.description.rstrip('.')}: {looked.detail}"
    findings = [
        Finding(policy.id, policy.severity, told, "policy", "policy", path, line)  # type: ignore[arg-type]
        for path, line in places[:_MOST]
    ]
    return Verdict(policy, "failed", looked.detail, shown, tuple(findings))


def _command(context: StationContext, root: Path, _: Sequence[str], settings: Mapping[str, Any]) -> Looked:
    limit = parse_duration(settings["timeout"])
    done = context.run(settings["run"], cwd=root, timeout=limit)
    shown = " ".join(settings["run"])
    if done.timed_out:
        return Looked(False, f"'{shown}' took longer than {limit:g} s")
    met = done.exit_code == settings["exit_code"]
    wanted = "" if met else f", not {settings['exit_code']}"
    return Looked(met, f"'{shown}' ended with exit code {done.exit_code}{wanted}")


def _file_exists(context: StationContext, root: Path, _: Sequence[str], settings: Mapping[str, Any]) -> Looked:  # noqa: ARG001
    absent = [pattern for pattern in settings["paths"] if not any(map(_is_filled, root.glob(pattern)))]
    if absent:
        return Looked(False, f"there is no file that holds something at {', '.join(absent)}")
    return Looked(True, f"{', '.join(settings['paths'])} {'is' if len(settings['paths']) == 1 else 'are'} there")


def _is_filled(place: Path) -> bool:
    return place.is_file() and place.stat().st_size > 0


def _forbidden(context: StationContext, root: Path, files: Sequence[str], settings: Mapping[str, Any]) -> Looked:
    some = matching(files, settings["files"], settings["exclude"])
    hits = forbidden.search(context, root, some, settings["pattern"], parse_duration(settings["timeout"]))
    number = f"{len(some)} file{'' if len(some) == 1 else 's'}"
    if hits:
        return Looked(False, f"the pattern stands in {len({path for path, _ in hits})} of {number}", hits)
    return Looked(True, f"the pattern stands in none of {number}")


def _coverage(context: StationContext, root: Path, _: Sequence[str], settings: Mapping[str, Any]) -> Looked:  # noqa: ARG001
    share = coverage.measured(root, settings["reports"])
    source = f"{share.lines} lines, as {', '.join(share.reports)} says"
    told = f"{share.percent:g} % of {source}; {settings['minimum']:g} % is the least"
    return Looked(share.covered * 100 >= settings["minimum"] * share.lines, told)


def _secrets(context: StationContext, root: Path, files: Sequence[str], settings: Mapping[str, Any]) -> Looked:  # noqa: ARG001
    scan = secrets.scan(root, matching(files, ["**"], settings["exclude"]))
    if scan.status == "failed":
        raise BrokenError(scan.detail)
    if scan.status == "not checked":
        raise NotCheckedError(scan.detail)
    return Looked(not scan.findings, scan.detail, [(finding.path, finding.line) for finding in scan.findings])


def _docs(context: StationContext, root: Path, files: Sequence[str], settings: Mapping[str, Any]) -> Looked:  # noqa: ARG001
    told, places = [], []
    absent = documented.absent_headings(root / settings["file"], settings["headings"]) if settings["headings"] else []
    if absent:
        told.append(f"{settings['file']} has no heading {', '.join(repr(name) for name in absent)}")
        places.append((settings["file"] if (root / settings["file"]).is_file() else "", 0))
    if settings["symbols"] is not None:
        symbols = documented.symbols(root, files)
        without = [symbol for symbol in symbols if not symbol.documented]
        share = f"{len(symbols) - len(without)} of {len(symbols)} public symbols are documented"
        if (len(symbols) - len(without)) * 100 < settings["symbols"] * len(symbols):
            told.append(f"{share}; {settings['symbols']:g} % is the least")
            places += [(symbol.path, symbol.line) for symbol in without]
        elif not told:
            return Looked(True, share)
    return Looked(not told, "; ".join(told) or f"{settings['file']} has the headings", places)


_CHECKS: Mapping[str, Callable[[StationContext, Path, Sequence[str], Mapping[str, Any]], Looked]] = {
    "command": _command,
    "file_exists": _file_exists,
    "forbidden_pattern": _forbidden,
    "coverage": _coverage,
    "secrets": _secrets,
    "docs": _docs,
}
