"""What a test runner shows of each failed test: the error that was raised, and all that merely quotes.

Each runner frames a failure in its own way; inside, the first line of the message tells. Where that is an
assertion's, the rest compares texts, and whatever these say nobody raised. Where it is another error, that was raised.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from mityflow.healing.project import is_test
from mityflow.healing.roles import Role

_SEEN = re.compile(
    r"^=+ (?:test session starts|short test summary|FAILURES|ERRORS|no tests ran)"
    r"|^\d+ (?:passed|failed)[, ].* in [\d.]+s|^FAILED \S+::|^Ran \d+ tests? in "
    r"|^\s*(?:Test Files|Test Suites:|Tests:|Tests  \d) |^\s*RUN  v\d|^(?:FAIL|PASS) \S+"
    r"|^\s+\d+ (?:passing|failing)\b|^# fail \d|Executed \d+ of \d+|^Running \d+ tests? using|^\s*\(Run Starting\)"
    r"|^\[INFO\]  T E S T S|Tests run: \d|> Task :\w*[tT]est\b"
    r"|^running \d+ tests?$|^test result: |^ Nextest run "
    r"|^Test run for |^(?:Failed|Passed|Fehler|Bestanden|Erfolgreich|Échec|Réussi|失败|已通过)!\s|Test run summary:"
)
_ASSERTION = re.compile(
    r"Assert(?:ion)?(?:Failed)?(?:Error|Exception)|\bAssert\.|^assert\b|^E\s+assert\b|\bassertion\b|ComparisonFailure"
    r"|MultipleFailures|ExpectationFailed|TestingLibraryElementError|ConditionTimeout|XunitException|Shouldly"
    r"|NSubstitute\.|Moq\.Mock|Verification(?:In)?|WantedButNotInvoked|ArgumentsAreDifferent"
    r"|\bexpect(?:ed|ation|ing|\()|\bExpect(?:ed|ing|ation)|Attendu|Erwartet|预期"
    r"|^Snapshot|Snapshot `|toMatchSnapshot|\bshould (?:have|be|not)\b|^thrown:|DID NOT RAISE|^Failed:"
    r"|[Tt]imed? ?out (?:in|of|retrying)|^Exceeded timeout|[Tt]imeout of \d|Test timeout of|Hook timed out"
    r"|Unable to find (?:an? )?(?:element|label|role|accessible)|Called \d+ time|was not called"
    r"|Status expected|JSON path|Response status|No value at JSON|Range for response"
)
_COMPILED = re.compile(
    r"\W*(?:\w*SyntaxError\b|IndentationError|PARSE_ERROR|(?:Error: )?(?:Parse failure|Transform failed|Build failed)"
    r"|(?:Error: )?(?:Failed to (?:resolve|parse|load)|Cannot find (?:module|package)))"
)
_COUNTS = re.compile(r"^ {2}\d+ (?:passing|failing)\b")
_FRAME = re.compile(r"^\s+at |^\s*❯ ")
_FRAME_PLACE = re.compile(r"(?<![\w@./\\-])([\w@./\\-]+):\d+:\d+")
_LOG_LINE = re.compile(r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|^\d\d:\d\d:\d\d[.,]\d+ |^(?:fail|crit|warn|info): ")
_LEVELLED = re.compile(r"\b(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL)\b|^(?:fail|crit|warn|info): ")
_PANIC = re.compile(r"\s*thread '([^']*)'(?: \(\d+\))? panicked at")
_FAILED_TEST = re.compile(r"test (\S+) \.\.\. (?:.{0,200} )?FAILED$")

Mark = Callable[[Sequence[str], list[Role], int, int], None]


def tests_ran(lines: Sequence[str]) -> bool:
    """Whether a test runner is at work."""
    return any(_SEEN.search(line) for line in lines if line)


def is_assertion(line: str) -> bool:
    """Whether a message is one of an assertion."""
    return _ASSERTION.search(line) is not None and _COMPILED.match(line) is None


def failures(lines: Sequence[str], found: list[Role]) -> None:
    """Mark what is inside the blocks of failed tests."""
    seen: set[re.Pattern[str]] = set()
    wanted = {block.only_after for block in _BLOCKS if block.only_after}
    i = 0
    while i < len(lines):
        block = None
        if lines[i]:
            seen |= {pattern for pattern in wanted - seen if pattern.search(lines[i])}
            block = next((b for b in _BLOCKS if _allowed(b, seen) and b.begins.search(lines[i])), None)
        if block is None:
            i += 1
            continue
        end = i + 1
        while end < len(lines) and not (lines[end] and block.is_over(lines[end])):
            end += 1
        block.mark(lines, found, i, end)
        i = end
    _logs_of_java_tests(lines, found)
    _uncaptured_tests_of_rust(lines, found)
    _titles_of_mocha(lines, found)


def _titles_of_mocha(lines: Sequence[str], found: list[Role]) -> None:
    """The tree of titles above the counts of Mocha."""
    counts = next((i for i, line in enumerate(lines) if _COUNTS.match(line)), 0)
    for i in range(counts - 1, -1, -1):
        if lines[i].strip() and not lines[i].startswith("  "):
            break
        found[i] = Role.QUOTED


def _allowed(block: _Block, seen: Collection[re.Pattern[str]]) -> bool:
    return block.only_after is None or block.only_after in seen


_SUITE = re.compile(r" \[ \S+ \]$")


def _judge(lines: Sequence[str], found: list[Role], head: int, end: int) -> None:
    """By the first line of its message, an error was raised, or two texts are compared to the end."""
    if head >= end:
        return
    line = lines[head].strip()
    made_up = _thrown_by_test(lines, head, end) or ("EADDRINUSE" in line and not _listened(lines, head, end))
    if not is_assertion(line) and not made_up:
        found[head] = Role.RAISED
        return
    for i in range(head, end):
        if lines[i].startswith("Caused by:"):
            break
        found[i] = Role.QUOTED


def _thrown_by_test(lines: Sequence[str], head: int, end: int) -> bool:
    """Whether the code of a test made the error itself, whatever it says."""
    if not lines[head].strip().startswith("Error: "):
        return False
    frame = next((lines[i] for i in range(head + 1, min(end, head + 30)) if _FRAME.match(lines[i])), "")
    place = _FRAME_PLACE.search(frame)
    return place is not None and is_test(place[1]) and "node_modules" not in frame


def _listened(lines: Sequence[str], head: int, end: int) -> bool:
    """Whether Node's own code met a port that is taken, as far as frames tell."""
    frames = [line for line in lines[head + 1 : min(end, head + 30)] if _FRAME.match(line)]
    return not frames or any("node:net" in line or "istenInCluster" in line or "istenHandle" in line for line in frames)


def _first(lines: Sequence[str], begin: int, end: int, without: str = "\n") -> int:
    """The first line that is not blank and does not hold a text."""
    return next((i for i in range(begin, end) if lines[i].strip() and without not in lines[i]), end)


def _jest(lines: Sequence[str], found: list[Role], begin: int, end: int) -> None:
    found[begin] = Role.QUOTED
    head = _first(lines, begin + 1, end, "Test suite failed to run")
    _judge(lines, found, head, end)


def _vitest(lines: Sequence[str], found: list[Role], begin: int, end: int) -> None:
    found[begin] = Role.QUOTED
    head = _first(lines, begin + 1, end, "⎯⎯")
    if _SUITE.search(lines[begin]) and head < end:
        found[head] = Role.RAISED  # the file could not be imported, so no test of it has thrown anything
    else:
        _judge(lines, found, head, end)


def _mocha(lines: Sequence[str], found: list[Role], begin: int, end: int) -> None:
    head = begin
    while head < end and lines[head].strip() and not lines[head].rstrip().endswith(":"):
        found[head] = Role.QUOTED
        head += 1
    if head < end:
        found[head] = Role.QUOTED
    _judge(lines, found, _first(lines, head + 1, end), end)


def _unittest(lines: Sequence[str], found: list[Role], begin: int, end: int) -> None:
    found[begin] = Role.QUOTED
    for i in range(begin + 1, end):
        line = lines[i]
        if re.match(r"(?:Stdout|Stderr):$", line):
            for j in range(i, end):
                found[j] = Role.QUOTED
            return
        if line and not line.startswith((" ", "-", "Traceback", "During", "The above")) and is_assertion(line):
            _judge(lines, found, i, end)
            return


def _surefire(lines: Sequence[str], found: list[Role], begin: int, end: int) -> None:
    found[begin] = Role.QUOTED
    _judge(lines, found, _first(lines, begin + 1, end), end)


def _all_quoted(_: Sequence[str], found: list[Role], begin: int, end: int) -> None:
    for i in range(begin, end):
        found[i] = Role.QUOTED


def _dotnet(lines: Sequence[str], found: list[Role], begin: int, end: int) -> None:
    found[begin] = Role.QUOTED
    _judge(lines, found, _first(lines, begin + 1, end), end)


def _cargo(lines: Sequence[str], found: list[Role], begin: int, end: int) -> None:
    """Before its panic a test prints what it likes."""
    compiled = any("Couldn't compile the test" in lines[i] for i in range(begin, end))
    panic = _fatal_panic(lines, begin, end)
    if compiled:
        return
    for i in range(begin, end if panic is None else panic):
        if not lines[i].startswith("Error: "):
            found[i] = Role.QUOTED
    if panic is None:
        return
    for i in range(panic + 1, end):
        if is_assertion(lines[i]) or is_assertion(lines[panic]):
            _all_quoted(lines, found, panic, end)
            return


def _fatal_panic(lines: Sequence[str], begin: int, end: int) -> int | None:
    """The first panic of a thread that does not panic again: one that does has caught it."""
    panics = [(i, found[1]) for i in range(begin, end) if (found := _PANIC.match(lines[i]))]
    threads = [thread for _, thread in panics]
    return next((i for n, (i, thread) in enumerate(panics) if thread not in threads[n + 1 :]), None)


def _uncaptured_tests_of_rust(lines: Sequence[str], found: list[Role]) -> None:
    """With ``--nocapture`` a test panics where it runs, before the line that says that it failed."""
    begin = next((i for i, line in enumerate(lines) if line.startswith("running ") and line.endswith(" tests")), None)
    if begin is None:
        return
    threads = {thread[1]: i for i in range(begin, len(lines)) if (thread := _PANIC.match(lines[i]))}
    for i in range(begin, len(lines)):
        failed = _FAILED_TEST.match(lines[i])
        if failed and begin < threads.get(failed[1], len(lines)) < i:
            _cargo(lines, found, begin, i)
            begin = i


def _indented(lines: Sequence[str], found: list[Role], begin: int, end: int) -> None:
    found[begin] = Role.QUOTED
    stop = next((i for i in range(begin + 1, end) if lines[i].strip() and not lines[i].startswith((" ", "\t"))), end)
    _judge(lines, found, _first(lines, begin + 1, stop), stop)


def _logs_of_java_tests(lines: Sequence[str], found: list[Role]) -> None:
    """What the application logs while its tests run is no more than captured output: a failure is shown again."""
    begin = next(
        (i for i, line in enumerate(lines) if line.startswith("[INFO]  T E S T S") or " Running " in line[:20]), None
    )
    if begin is None or not any("<<< " in line for line in lines):
        return
    inside = False
    for i in range(begin, len(lines)):
        line = lines[i]
        if _LOG_LINE.match(line) and _LEVELLED.search(line):
            inside = True
        elif line.startswith("[") or "<<< " in line:
            inside = False
        if inside:
            found[i] = Role.QUOTED


class _Block(NamedTuple):
    begins: re.Pattern[str]
    ends: re.Pattern[str]
    mark: Mark
    only_after: re.Pattern[str] | None = None

    def is_over(self, line: str) -> bool:
        """Whether the block ends before this line."""
        return self.ends.search(line) is not None or self.begins.search(line) is not None


_BLOCKS = (
    _Block(
        re.compile(r"^\s{0,4}● (?!Validation|Console|Process|Deprecation|Cannot)\S"),
        re.compile(
            r"^(?:Test Suites:|Tests:|Snapshot Summary|PASS |FAIL |RUNS |Summary of all|npm |yarn |error Command)"
        ),
        _jest,
    ),
    _Block(
        re.compile(r"^\s+FAIL\s{2,}\S|^\s*⎯+ (?:Uncaught|Unhandled) "),
        re.compile(r"^\s*⎯{3,}|^\s*(?:Test Files|Tests|Snapshots) {1,}\d|^\s+FAIL\s{2,}"),
        _vitest,
    ),
    _Block(
        re.compile(r"^ {2}\d+\) "),
        re.compile(r"^ {2}\d+\) |^(?:npm|yarn|error|ELIFECYCLE) "),
        _mocha,
        re.compile(r"^\s+\d+ failing"),
    ),
    _Block(re.compile(r"^(?:FAIL|ERROR): \S+ \("), re.compile(r"^={30,}$|^Ran \d+ test"), _unittest),
    _Block(
        re.compile(r"<<< (?:FAILURE|ERROR)!"), re.compile(r"^\[(?:INFO|ERROR|WARNING)\]|^\d{4}-\d\d-\d\d"), _surefire
    ),
    _Block(
        re.compile(r"^(?:\[ERROR\] )?(?:Failures|Errors|Failed tests|Tests in error): *$"),
        re.compile(r"^\[INFO\]|^(?:\[\w+\] )?Tests run:"),
        _all_quoted,
        re.compile(r"Tests run:"),
    ),
    _Block(
        re.compile(r"^\s*(?:Error Message|Fehlermeldung|Message d.erreur|错误消息|エラー メッセージ):\s*$"),
        re.compile(
            r"^\s*(?:Stack Trace|Stapel(?:überwachung|verfolgung)|Arborescence des appels|Trace de la pile"
            r"|堆栈跟踪|スタック トレース):"
        ),
        _dotnet,
    ),
    _Block(
        re.compile(r"^failed \S.*\(\d[\w. ]*\)$"),
        re.compile(r"^(?:failed|passed|skipped) \S|^Test run summary|^\S"),
        _indented,
    ),
    _Block(
        re.compile(r"^\s*-{3,4} .+ (?:stdout|stderr) -{3,4}$|^\s*(?:stdout|stderr) ───|^-+ (?:STDOUT|STDERR): "),
        re.compile(r"^failures:$|^─{3,}$|^\s+(?:PASS|FAIL|SIGKILL|Canceling) \["),
        _cargo,
    ),
    _Block(re.compile(r"^(?:HeadlessChrome|Chrome|Firefox|\S+ Headless).*\S FAILED$"), re.compile(r"^\S"), _indented),
    _Block(
        re.compile(r"^(?:LOG|ERROR|WARN|INFO|DEBUG): ['\"A-Z(]"),
        re.compile(r"^\S"),
        _all_quoted,
        re.compile(r"\[karma|\[launcher\]"),
    ),
    _Block(
        re.compile(r"^\s+\d+\) (?:\[[\w ]+\] )?› "),
        re.compile(r"^\s+\d+ (?:failed|passed|skipped|flaky|did not run)"),
        _jest,
    ),
    _Block(re.compile(r"^\S+ > .+ FAILED$"), re.compile(r"^\S"), _indented),
)
