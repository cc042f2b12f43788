"""The ``review`` station: what speaks against a change, found by tools and by an agent."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from mityflow.sdk import (
    AgentError,
    Artifact,
    Finding,
    Severity,
    Station,
    StationContext,
    StationInput,
    StationOutput,
    StationResult,
    Task,
    UsageError,
    at_least,
    consult,
    count_by_severity,
    find_stack,
    findings_sarif,
    sorted_findings,
    weakened,
)
from mityflow_stations._added import added_lines, leftovers, new_packages
from mityflow_stations._changes import Base, base_of, size, some
from mityflow_stations._checks import Check, Checks, failed_check
from mityflow_stations._complaints import complaints
from mityflow_stations._criteria import untested
from mityflow_stations._feature import KEYS, feature_of
from mityflow_stations._git import GitError
from mityflow_stations._reporting import report_place
from mityflow_stations.scanners import licences, secrets

REVIEWER = "reviewer"
LOOKS = ("lint", "secrets", "tests", "criteria", "size", "leftovers", "licences", "agent")
_MOST_LINES = 1000
_LARGE_FILE = 1_000_000
_LONGEST_DIFF = 60_000
_SHOWN = 20
_ASKED = """\
Review this change. Say what is wrong with it: faults, cases that are not handled, criteria that are not met, unsafe
code, tests that show nothing. Do not praise, and do not tell what a formatter or a compiler would.

Answer with a JSON object {{"findings": [...]}}, each of them {{"severity": "critical"|"high"|"medium"|"low"|"info",
"message": "one sentence", "path": "the file, as in the difference", "line": 12}}; an empty list where nothing is wrong.

{about}

The difference:

```diff
{diff}
```
"""


class Review(Station):
    """Looks at what the run changed: lint and types, secrets, tests that got weaker, its size, leftovers, licences.

    Where the guardrails name an agent for ``reviewer``, it is asked too. Findings are told as data and as SARIF; one of
    the severity ``fail_at`` or worse fails the step. What could not be looked at is told as not checked.
    """

    name: ClassVar[str] = "review"
    description: ClassVar[str] = "Look at what the run changed, by tools and by an agent"
    Params = "mityflow_stations.feature_params:ReviewParams"

    def input(self) -> StationInput:
        """The files that were changed."""
        return StationInput(["changed_files"], optional=["app_name", "stack", "tested_criteria", *KEYS])

    def output(self) -> StationOutput:
        """The findings, how many there are of each severity, and what was not checked."""
        return StationOutput(["findings", "findings_count", "not_checked"], artifacts=["review"])

    def execute(self, context: StationContext) -> StationResult:
        """Look at it all, and judge."""
        try:
            look = _Look(context, base_of(context))
        except GitError as error:
            return StationResult.failure(str(error))
        if not look.files:
            return StationResult.failure("nothing was changed, so there is nothing to review")
        not_checked = []
        findings: list[Finding] = []
        for name in context.values.get("checks") or LOOKS:
            try:
                findings += getattr(look, name)()
            except _NotChecked as reason:
                findings += reason.findings
                not_checked.append(f"{name}: {reason}")
            except (AgentError, UsageError) as error:
                return StationResult.failure(f"the review is not whole: {error}")
        return _judged(context, look, sorted_findings(findings), not_checked)


class _NotChecked(Exception):  # noqa: N818 - an answer, not an error
    """Something that could not be looked at, and why; ``findings`` are what was found nevertheless."""

    def __init__(self, reason: str, findings: Sequence[Finding] = ()) -> None:
        super().__init__(reason)
        self.findings = findings


class _Look:
    """What each look at a change finds. The texts are those of the last commit and of the files as they are."""

    def __init__(self, context: StationContext, base: Base) -> None:
        self._context = context
        self._base = base
        listed = sorted(set(context.get_input("changed_files") or ()))
        tree = base.tree_with(listed)
        changed = set(base.changed(tree))
        self.files = [path for path in listed if path in changed]
        self.diff = base.diff(tree, self.files)
        self._before = {path: base.text(base.head, path) for path in self.files}
        self._after = {path: base.text(tree, path) for path in self.files}
        self._added = added_lines(self.diff)

    def lint(self) -> list[Finding]:
        """What the stack's own linters and type checkers say; of other files too, since a change can break them."""
        context = self._context
        name = context.values.get("stack") or context.get_input("stack")
        if not name:
            raise _NotChecked("the stack is not known")
        stack = find_stack(name, context.workspace)
        checks = Checks(context, stack)
        report = checks.run(["lint"])
        failed = failed_check(report)
        if failed is None:
            if report[-1].status == "skipped":
                raise _NotChecked(report[-1].detail)
            return []
        found = self._complaints(checks.failure.output if checks.failure else "", failed)
        commands = [
            shlex.join(argv) for argv in stack.command_lines("lint", context.app_name or context.output_path.name)
        ]
        left = commands[commands.index(failed.command) + 1 :] if failed.command in commands else []
        if left:
            raise _NotChecked(f"not run after a failure: {', '.join(left)}", found)
        return found

    def _complaints(self, printed: str, failed: Check) -> list[Finding]:
        """What the command that failed says of the application's files; where it says nothing severe, its failure."""
        root, tool = self._context.output_path.resolve(), _tool(failed.command or "lint")
        found = []
        for said in complaints(printed):
            place = (root / said.path).resolve()
            if place.is_file() and place.is_relative_to(root):
                path, message = place.relative_to(root).as_posix(), self._context.masked(said.message)
                severity: Severity = "high" if said.severe else "low"
                found.append(
                    Finding(said.rule or "lint", severity, message, tool, "lint", path, said.line, said.column)
                )
        if any(finding.severity == "high" for finding in found):
            return found
        return [*found, Finding("lint", "high", failed.reason, tool, "lint")]

    def secrets(self) -> Iterator[Finding]:
        """Secrets on lines that were added."""
        scan = secrets.scan(self._context.output_path, [path for path in self.files if self._after[path] is not None])
        if scan.status in ("not checked", "failed"):
            raise _NotChecked(scan.detail)
        yield from (finding for finding in scan.findings if finding.line in self._added.get(finding.path, ()))

    def tests(self) -> Iterator[Finding]:
        """Tests and gates that got weaker."""
        for sentence in weakened(self._before, self._after):
            path, _, rest = sentence.partition(":")
            number = rest.partition(":")[0]
            line = int(number) if number.isdigit() else 0
            yield Finding(
                "tests-weaker", "high", sentence, "mityflow", "tests", path if path in self.files else "", line
            )

    def criteria(self) -> Iterator[Finding]:
        """Criteria without a test."""
        found = self._context.get_input("tested_criteria")
        if found is None:
            raise _NotChecked("no test was run")
        for criterion in untested(found):
            yield Finding("untested-criterion", "medium", f"no test shows: {criterion}", "mityflow", "tests")

    def size(self) -> Iterator[Finding]:
        """A change that is too large to be read, and large files."""
        most = self._context.values.get("max_lines") or _MOST_LINES
        lines = sum(len(added) for added in self._added.values())
        if lines > most:
            yield Finding("large-change", "medium", f"{lines} lines are added; {most} can be read", "mityflow", "size")
        for path in self.files:
            place = self._context.output_path / path
            if place.is_file() and place.stat().st_size > _LARGE_FILE:
                told = f"it is larger than {_LARGE_FILE} bytes"
                yield Finding("large-file", "medium", told, "mityflow", "size", path)

    def leftovers(self) -> Iterator[Finding]:
        """Marks of work that is not done, on lines that were added."""
        for path, lines in self._added.items():
            yield from leftovers(path, lines)

    def licences(self) -> Iterator[Finding]:
        """Licences of packages that the change adds to the application."""
        new = new_packages(self._before, self._after)
        if not new:
            return
        known = licences.packages(self._context, self._context.output_path)
        if isinstance(known, str):
            raise _NotChecked(f"{', '.join(sorted(new))}: {known}")
        denied = self._context.values.get("deny_licences") or ()
        for name, path in sorted(new.items()):
            package = known.get(name)
            if package is None:
                told = f"{name} is new, and not installed, so its licence is not known"
                yield Finding("licence-unknown", "medium", told, "mityflow", "licence", path)
            elif not package.licence:
                told = f"{name} {package.version} is new, and names no licence"
                yield Finding("licence-unknown", "medium", told, "mityflow", "licence", path)
            elif any(word.lower() in package.licence.lower() for word in denied):
                told = f"{name} {package.version} is new, and has a licence that is denied: {package.licence}"
                yield Finding("licence-denied", "high", told, "mityflow", "licence", path)
            else:
                told = f"{name} {package.version} is new; its licence: {package.licence}"
                yield Finding("licence", "info", told, "mityflow", "licence", path)

    def agent(self) -> Iterator[Finding]:
        """What the agent of ``reviewer`` says."""
        context = self._context
        feature = feature_of(context) if any(context.get_input(key) for key in KEYS) else None
        about = f"It is to be this: {feature.title}\n\n{feature.markdown}" if feature else ""
        diff = context.masked(secrets.hidden(self.diff))
        if len(diff) > _LONGEST_DIFF:
            raise _NotChecked(f"the difference has {len(diff)} characters, and an agent is given {_LONGEST_DIFF}")
        task = Task("Review a change", _ASKED.format(about=about, diff=diff), REVIEWER)
        said = consult(context, task, self._read)
        if said is None:
            raise _NotChecked(f"the guardrails name no agent for '{REVIEWER}'")
        yield from said.answer

    def _read(self, data: Mapping[str, Any]) -> list[Finding]:
        """An agent's findings. Raises ValueError for what is none."""
        entries = data.get("findings")
        if not isinstance(entries, list):
            raise ValueError("it has no list 'findings'")  # noqa: TRY004 - told to the agent as any other fault
        return [self._finding(entry) for entry in entries]

    def _finding(self, entry: Any) -> Finding:
        if not isinstance(entry, dict) or not isinstance(entry.get("message"), str) or not entry["message"].strip():
            raise ValueError("a finding has no 'message'")
        try:
            at_least("info", str(entry.get("severity")))
        except UsageError as error:
            raise ValueError(str(error)) from error
        path, line = entry.get("path") or "", entry.get("line") or 0
        if path and path not in self.files:
            raise ValueError(f"a finding is about '{path}', which was not changed")
        if not isinstance(line, int) or line < 0:
            raise ValueError("a finding's 'line' is a number from 1")
        message = " ".join(self._context.masked(entry["message"]).split())
        return Finding("review", entry["severity"], message, REVIEWER, "review", path, line)


def _tool(command: str) -> str:
    """What a command line runs: ``ruff`` of ``python -m ruff check .``."""
    words = shlex.split(command)
    return words[2] if words[1:2] == ["-m"] and len(words) > 2 else os.path.basename(words[0])


def _judged(
    context: StationContext, look: _Look, findings: Sequence[Finding], not_checked: Sequence[str]
) -> StationResult:
    fail_at = context.values.get("fail_at") or "high"
    counts = count_by_severity(findings)
    place = report_place(context, "review.sarif")
    log = findings_sarif(findings, root=str(context.output_path))
    place.write_text(json.dumps(log, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", errors="replace")
    artifact = Artifact("review", os.path.relpath(place, context.workspace), "the findings, as SARIF")
    outputs = {
        "findings": [finding._asdict() for finding in findings],
        "findings_count": counts,
        "not_checked": list(not_checked),
    }
    told = ", ".join(f"{number} {severity}" for severity, number in counts.items() if number) or "nothing found"
    lines = [f"{told} in {some(look.files)} ({size(look.diff)})"]
    lines += [str(finding) for finding in findings[:_SHOWN]]
    lines += [f"... and {len(findings) - _SHOWN} more"] if len(findings) > _SHOWN else []
    lines += [f"not checked: {what}" for what in not_checked]
    bad = [finding for finding in findings if at_least(fail_at, finding.severity)]
    if bad:
        reason = f"{len(bad)} of severity {fail_at} or worse: {lines[0]}"
        return StationResult.failure("\n".join([reason, *lines[1:]]), outputs=outputs, artifacts=[artifact])
    return StationResult.success(outputs=outputs, artifacts=[artifact], message="\n".join(lines))
