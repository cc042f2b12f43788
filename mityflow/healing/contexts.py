"""Which lines say what went wrong, and which merely quote it.

A message counts only where a tool or a program raised it. Inside a diff of an assertion, captured output, the
name of a test, an excerpt of source, a warning, a log line below error, or an exception that the program
survived, the same words mean nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from mityflow.healing.roles import Role
from mityflow.healing.runners import failures, tests_ran

_ASSERTION = re.compile(
    r"\b(?:AssertionError|AssertionFailedError|ComparisonFailure|MultipleFailuresError|XunitException|EqualException"
    r"|ExpectationFailed|JestAssertionError|TestingLibraryElementError)\b|^\s*Assert\.\w+\(\)|\bexpect\(|assertion `?left"
    r"|^E\s+assert |assertion failed:|^\s*(?:Error: )?expected .{0,400}\bto (?:be|equal|match|contain|have|include|throw)"
    r"|\bExpecting (?:actual|code|value|message)|^\s*(?:Error: )?Expected .{0,400}\bto (?:be|equal|contain|have)|^Expected: .* but was:|Expected .{0,200} but (?:got|was|received)"
    r"|\bDID NOT RAISE\b|Unable to find (?:an element|a label|role)"
)
_DIFF = re.compile(
    r"^\s*(?:E\s+)?(?:[-+?] |[-+]{1,2}\s*(?:Expected|Received|Snapshot)\b|(?:Expected|Received|Actual|expected|actual|left|right|got|want"
    r"|Expected substring|Received string|Expected value|but was|to contain|to equal|Erwartet|Tats.chlich|Attendu|Obtenu)\s*[:=])"
)
_EXCERPT = re.compile(r"^\s*(?:(?:[>❯→✘]\s*)?(?:\d+\s*)?[|│┃╭╰├┆]|[>❯]\s*\d+\s*[|│ ]|\d+ [|│]|:\s{2,}|\.\.\. )")
_PASSED = re.compile(
    r"^\s*(?:✓|✔|√|ok \d|PASS\b|\[\s*PASS|--- PASS)|\bPASSED(?:\s+\[|\s*$)|^test .{1,200} \.\.\. (?:ok|ignored)$|^\s*(?:Passed|Bestanden|Réussi) \S"
)
_FAILED_NAME = re.compile(
    r"^\s*(?:✗|✕|×|✖ \w+ >|●(?! Validation| Process)|FAIL\b|❯ (?!\S+:\d)|not ok \d|--- FAIL|\[xUnit\.net|FAILED \S+::)"
    r"|^\S+::\S+ (?:FAILED|ERROR)\b|^test .{1,300} \.\.\. FAILED$|^\s*(?:Failed|Fehlgeschlagen|Échoué|失败) [\w.(]+.{0,200}\[[<\d]|^(?:FAIL|ERROR): test\w* \("
)
_LOGGED = re.compile(
    r"^\W{0,3}(?:\S+[ T]\d\d:\d\d:\d\d\S*\s+|\d\d:\d\d:\d\d\S*\s+|\[[^\]]{1,60}\]\s*){0,3}[\[(<]?"
    r"(?P<level>TRACE|DEBUG|FINE|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL|trace|debug|info|warn|warning|dbug|trce|fail|crit|error)\b[\])>]?[:\s]"
)
_LOGGER_LEVEL = re.compile(r'"level"\s*:\s*"?(?P<level>\w+)"?|\blevel=(?P<plain>\w+)')
_LOW = frozenset(
    [
        "TRACE",
        "DEBUG",
        "FINE",
        "INFO",
        "NOTICE",
        "WARN",
        "WARNING",
        "trace",
        "debug",
        "info",
        "warn",
        "warning",
        "dbug",
        "trce",
        "10",
        "20",
        "30",
        "40",
    ]
)
_BEGINS = re.compile(r"^Traceback|^[\w.$]+(?:Error|Exception)\b")
"""What begins an exception."""
_TOLD = frozenset(["WARN", "WARNING", "warn", "warning", "40"])
"""Levels at which an exception that was caught is told of."""
_WARNING = re.compile(
    r"^\s*(?:npm (?:warn|notice|http|info|verb|sill|timing)|(?:\S{1,200}:\d+(?::\d+)?:?\s+(?:-\s+)?)?(?:warning|Warning|WARNING|\w*DeprecationWarning|hint|note|help|tip|remark|notice|Hint|Note)\b(?!s? (?:are|treated|as))[\s:\[(]"
    r"|\(node:\d+\) (?!Error|Unhandled)|\[(?:WARNING|WARN|warn|INFO|DEBUG|debug|info)\]|▲ \[WARNING\]|(?:⚠|WARN)\s|yarn warn|\d+:\d+\s+warning\s|\S+\(\d+,\d+\): warning |.{0,300}: warning [A-Z]+\d+:"
    r"|go: downloading|(?:\S+ )?\bDEPRECATED\b|WARNING: )",
    re.IGNORECASE,
)
_NOT_WARNING = re.compile(r"^npm (?:error|ERR!)|^error", re.IGNORECASE)
_COMMAND = re.compile(r"^\s*(?:[$%#❯] |\+ \S)|^> \S+@\S+ \S+$")
_SCRIPT = re.compile(r"^> @?[\w./-]+@[\w.+-]+ \S+$")
_CONTINUES = re.compile(
    r"^\s+\S|^Caused by:|^Traceback|^During handling|^The above exception|^[\w.$]+(?:Error|Exception|Warning)\b|^\s*\.\.\. \d+ |^\s*$|^Suppressed:"
)
_PYTEST_SECTION = re.compile(r"^(?:_{3,} .{1,300} _{3,}|={3,} .{1,300} ={3,}|={5,}|-{3,} generated .*)$")
_PYTEST_CAPTURED = re.compile(r"^-{3,} ?Captured (?:stdout|stderr|log)\b.{0,40}-{3,}$")
_PYTEST_RAISED = re.compile(
    r"^\S{1,300}:\d+: ?[\w.]*(?:Error|Exception|Exit|Interrupt|Failed)?$|^(?:E\s|INTERNALERROR>|\S+Error\b|ImportError while)"
)
_PYTEST_BLOCK = re.compile(r"^_{3,} .{1,300} _{3,}$")
_PYTEST_FIRST = re.compile(
    r"^E\s+(?:[\w.]+\.)?(\w*(?:Error|Exception|Exit|Interrupt|Refused|Failed|NotFound|Timeout|Warning|Invalid|Denied|Missing|Required))\b"
)
_LONG_MESSAGE = re.compile(r"ValidationError|SyntaxError|IndentationError|ConfigError")
_CAPTURED_JS = re.compile(r"^(?:stdout|stderr) \| ")
_AFTER_CAPTURED = re.compile(
    r"^\s*(?:[✓✔√×✗❯↓] |FAIL|RUN |Test Files|⎯{3,}|Snapshots |% Coverage)|^(?:npm|yarn|error|ERROR:) "
)
_CONSOLE_JS = re.compile(r"^\s{0,6}console\.(?:log|error|warn|info|debug|trace)\s*(?:\S+:\d+)?$")
_RUST_WARNING = re.compile(r"^warning(?:\[\w+\])?: ")
_DOTNET_LOW = re.compile(r"^(?:info|warn|dbug|trce): ")
_DOTNET_OUTPUT = re.compile(
    r"^\s*(?:Standard Output Messages|Standard Error Messages|Standardausgabemeldungen|Output):\s*$"
)
_NODE_END = re.compile(r"^Node\.js v\d")
_NODE_HEAD = re.compile(r"^(?:node:\S+:\d+|file://\S+:\d+|(?:/|[A-Za-z]:[\\/])\S*:\d+|Uncaught |.*Uncaught )")
_RETRY = re.compile(
    r"\btrying (?:another|port|the next)|using (?:port )?\d+ instead|\bretry(?:ing)?\b.{0,80}\b(?:in|after|attempt|\d)|\battempt \d+ (?:of|/) ?\d+|\btries? (?:remaining|left)|\bwill (?:retry|be retried)|spurious network|(?:falling back|fallback|using (?:the )?default|continuing|ignored|recovered|skipping)\b",
    re.IGNORECASE,
)
_PYTHON_FRAME = re.compile(r"^(\s*)File \".{1,400}\", line \d+")
_NODE_PLACE = re.compile(r"^(?:/|[A-Za-z]:[\\/]|file://|node:)\S*:\d+$")
_NODE_ERROR = re.compile(r"^(?:Uncaught )?[A-Z]\w*(?:Error|Exception)\b")
_DIFF_HEAD = re.compile(r"^(?:\[ERROR\]\s+)?(?:@@ .* @@|Diff in \S+|--- \S+|\+\+\+ \S+|diff --git )")
_DIFF_LINE = re.compile(r"^(?:\[ERROR\]\s+)?[-+ @\\]|^$")
_SOURCE = re.compile(r"^\[[\w-]{1,20}\] ")
_LISTENS = re.compile(
    r"\b(?:(?<!that's )[Ll]istening (?:at|on)|running on (?:http|port)|Now listening on|Local:\s+http|started on port|ready (?:in|on) )"
)
_TAKEN = re.compile(r"in use|EADDRINUSE|AddrInUse|Errno (?:98|48)|10048|already bound|bereits verwendet")
_LOG_LEVEL = re.compile(r"\b(INFO|DEBUG|ERROR|FATAL|CRITICAL|SEVERE)\b|^(info|fail|crit|dbug): ")
_AT_WORK = ("INFO", "DEBUG", "info", "dbug")
_STAMPED = re.compile(
    r"^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d|^\[?\d\d:\d\d:\d\d|^(?:INFO|ERROR|CRITICAL): |^(?:info|fail|crit): "
)
_STOPPING = re.compile(
    r"(?i)shut|stop|clos|exit|was sent|terminat|clean|dispos|error starting|unregister|destroy|releas|cancel|evict|condition evaluation|disconnect"
)
_STARTED = re.compile(
    r"^INFO: +Started server process|^INFO: +Application startup complete|\bListening at: |Running on http"
)
_OF_TRACEBACK = re.compile(r"^Traceback|^\s+\S|^(?:[a-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Refused|Timeout)\b")
_PYTEST_RESULTS = re.compile(r"^=+ (?:FAILURES|ERRORS|short test summary info) =")
_TRACE = "Traceback (most recent call last):"
_CHAINED = re.compile(
    r"^\s*(?:\|\s*)?(?:During handling of the above exception|The above exception was the direct cause)"
)


def roles(lines: Sequence[str]) -> list[Role]:
    """The role of each line."""
    found = [Role.RAISED] * len(lines)
    tested = tests_ran(lines)
    _lone(lines, found, tested=tested)
    marks = (_logs, _blocks, _excerpts, _diffs, _pytest, *([failures] if tested else []))
    for mark in (*marks, _printed_by_tests, _node_crash, _survived_tracebacks, _survived_errors, _bound_later):
        mark(lines, found)
    return found


def _lone(lines: Sequence[str], found: list[Role], *, tested: bool) -> None:
    """What a line shows by itself; ``tested``: a test runner is at work."""
    for i, line in enumerate(lines):
        if not line:
            continue
        if (
            _EXCERPT.match(line)
            or _COMMAND.match(line)
            or (line.startswith("> ") and i and _SCRIPT.match(lines[i - 1]))
            or _PASSED.search(line)
            or (tested and (_DIFF.match(line) or _FAILED_NAME.search(line) or _ASSERTION.search(line)))
        ):
            found[i] = Role.QUOTED
        elif (_WARNING.match(line) and not _NOT_WARNING.match(line)) or _RETRY.search(line):
            found[i] = Role.WARNING


def _excerpts(lines: Sequence[str], found: list[Role]) -> None:
    """Source that is shown below the place it stands at: in a Python traceback, and where Node crashed."""
    for i, line in enumerate(lines[:-1]):
        frame = _PYTHON_FRAME.match(line)
        if frame:
            for j in range(i + 1, min(i + 6, len(lines))):
                if not lines[j].startswith(frame[1] + "  ") or _PYTHON_FRAME.match(lines[j]):
                    break
                found[j] = Role.QUOTED
        elif _NODE_PLACE.match(line):
            for j in range(i + 1, min(i + 6, len(lines))):
                if not lines[j].strip():
                    break
                if not _NODE_ERROR.match(lines[j]):
                    found[j] = Role.QUOTED


def _diffs(lines: Sequence[str], found: list[Role]) -> None:
    """What a formatter or a version control would change."""
    inside = False
    for i, line in enumerate(lines):
        if _DIFF_HEAD.match(line):
            inside = True
        elif inside and _DIFF_LINE.match(line):
            found[i] = Role.QUOTED
        else:
            inside = False


def _pytest(lines: Sequence[str], found: list[Role]) -> None:
    """In a failure's section only the exception counts, and nothing that was captured."""
    inside = unheard = False
    begin = 0
    for i, line in enumerate(lines):
        if _PYTEST_CAPTURED.match(line):
            unheard = True
            found[i] = Role.QUOTED
        elif _PYTEST_SECTION.match(line):
            _pytest_errors(lines, found, begin, i)
            begin = i
            unheard = "warnings summary" in line
            inside = _PYTEST_BLOCK.match(line) is not None or bool(re.search(r"= (?:FAILURES|ERRORS) =", line))
        elif unheard or (inside and not _PYTEST_RAISED.match(line)):
            found[i] = Role.QUOTED
    _pytest_errors(lines, found, begin, len(lines))
    _while_tests_ran(lines, found)


def _while_tests_ran(lines: Sequence[str], found: list[Role]) -> None:
    """What was printed while tests ran stopped nobody, where their results follow."""
    begin = next((i for i, line in enumerate(lines) if "= test session starts =" in line), None)
    if begin is None:
        return
    end = next((i for i in range(begin, len(lines)) if _PYTEST_RESULTS.match(lines[i])), begin)
    for i in range(begin, end):
        if found[i] is Role.RAISED and _OF_TRACEBACK.match(lines[i]):
            found[i] = Role.SURVIVED


def _pytest_errors(lines: Sequence[str], found: list[Role], begin: int, end: int) -> None:
    """The exceptions of one section, in lines that begin with E: their first lines were raised.

    One that was caught before an assertion failed was survived.
    """
    raised: list[int] = []
    before = ""
    handling = more = False
    for i in range(begin, end):
        line = lines[i]
        if line.startswith("E ") or line == "E":
            new = not (before.startswith("E ") or before == "E")
            error = _PYTEST_FIRST.match(line)
            if new or (error and not line.startswith("E       ")):
                assertion = error is None or "AssertionError" in line[:40] or error[0].endswith("Warning")
                more = error is not None and _LONG_MESSAGE.search(line) is not None
                found[i] = Role.QUOTED if assertion else Role.RAISED
                if assertion and new and handling:
                    for j in raised:
                        found[j] = Role.SURVIVED
                raised += [] if assertion else [i]
            else:
                found[i] = Role.RAISED if more else Role.QUOTED
        handling = handling or line.startswith("During handling of")
        before = line if line.strip() else before


def _blocks(lines: Sequence[str], found: list[Role]) -> None:
    """What belongs to a warning."""
    _until(lines, found, _RUST_WARNING.match, lambda line: not line.strip() or line.startswith("error"), Role.WARNING)
    _until(lines, found, _DOTNET_LOW.match, lambda line: not line.startswith("      "), Role.WARNING)


def _printed_by_tests(lines: Sequence[str], found: list[Role]) -> None:
    """What tests and the code under test printed."""
    _until(lines, found, _CAPTURED_JS.match, lambda line: _AFTER_CAPTURED.match(line) is not None, Role.QUOTED)
    _until(
        lines, found, _CONSOLE_JS.match, lambda line: bool(line.strip()) and not line.startswith("    "), Role.QUOTED
    )
    _until(lines, found, _DOTNET_OUTPUT.match, lambda line: not line.strip() or not line.startswith("  "), Role.QUOTED)


def _until(
    lines: Sequence[str],
    found: list[Role],
    begins: Callable[[str], object],
    ends: Callable[[str], bool],
    role: Role,
) -> None:
    inside = False
    for i, line in enumerate(lines):
        if inside and ends(line):
            inside = False
        if not inside and begins(line):
            inside = True
        if inside:
            found[i] = role


def _logs(lines: Sequence[str], found: list[Role]) -> None:
    """Log lines below error, with what follows them."""
    low = told = False
    shown = 0  # up to here goes the traceback that was judged by its beginning
    for i, line in enumerate(lines):
        level = _level_of(line)
        if level is not None:
            told = level in _TOLD
            low = level in _LOW and not line.startswith(("[INFO]", "[WARNING]"))
        elif low and line.strip():
            begins = i >= shown and _BEGINS.match(line) is not None
            low = _CONTINUES.match(line) is not None and (not begins or (told and _goes_on(lines, i)))
            shown = _end_of_traceback(lines, i) if low and line.startswith(_TRACE) else shown
        if found[i] is Role.RAISED and (low or level in _LOW):
            found[i] = Role.WARNING


def _level_of(line: str) -> str | None:
    logged = _LOGGED.match(line)
    if logged is None and "level" in line:
        other = _LOGGER_LEVEL.search(line)
        return (other["level"] or other["plain"]) if other else None
    return logged["level"] if logged else None


def _goes_on(lines: Sequence[str], thrown: int) -> bool:
    """Whether a program went on after an exception it told of: the one that ended it is the last it prints."""
    if lines[thrown].startswith(_TRACE):
        return any(line.strip() for line in lines[_end_of_traceback(lines, thrown) :])
    return any(_level_of(line) is not None for line in lines[thrown + 1 : thrown + 400])


def _node_crash(lines: Sequence[str], found: list[Role]) -> None:
    """Node prints its version after what ended it: what came before that error was survived."""
    ends = [i for i, line in enumerate(lines) if _NODE_END.match(line)]
    if not ends or any("npm" in line[:4] for line in lines[ends[-1] : ends[-1] + 2]):
        return
    begin = next((i for i in range(ends[0] - 1, -1, -1) if _NODE_HEAD.match(lines[i])), None)
    if begin is None:
        return
    for i in range(begin):
        if found[i] is Role.RAISED and re.match(r"^\s*(?:\[?\w*\]?\s*)?(?:\w*Error|.*\bError:)|^\s+at ", lines[i]):
            found[i] = Role.SURVIVED


def _survived_tracebacks(lines: Sequence[str], found: list[Role]) -> None:
    """Of several tracebacks the last one ended the program; those it went on after were survived."""
    groups: list[tuple[int, int]] = []
    i = 0
    while i < len(lines):
        if _TRACE not in lines[i]:
            i += 1
            continue
        end = _end_of_traceback(lines, i)
        if groups and any(_CHAINED.match(lines[j]) for j in range(groups[-1][1], i)):
            groups[-1] = (groups[-1][0], end)
        else:
            groups.append((i, end))
        i = end
    if groups and any(_STARTED.search(line) for line in lines[groups[-1][1] :]):
        _survived(found, *groups[-1])
    for number, (begin, end) in enumerate(groups[:-1]):
        following = groups[number + 1][0]
        went_on = any(lines[j].strip() and found[j] is not Role.RAISED for j in range(end, following)) or any(
            re.match(r"^(?:INFO|DEBUG|WARNING)\b|^\d{4}-\d\d-\d\d|^\[?\d\d:\d\d", lines[j])
            for j in range(end, following)
        )
        if went_on:
            for j in range(begin, end):
                if found[j] is Role.RAISED:
                    found[j] = Role.SURVIVED


def _end_of_traceback(lines: Sequence[str], begin: int) -> int:
    """The line after the exception at the end of a traceback."""
    indent = lines[begin].index("Traceback")
    for i in range(begin + 1, min(len(lines), begin + 400)):
        line = lines[i]
        own = line[indent:]
        if own.strip() and not own.startswith((" ", "\t")) and not line[:indent].strip(" |+-"):
            return i + 1
        if own.strip() and line[:indent].strip(" |+-") and not line.startswith(("INTERNALERROR", "ERROR", "E ")):
            return i
    return min(len(lines), begin + 400)


def _survived_errors(lines: Sequence[str], found: list[Role]) -> None:
    """An error that a program logged before it went about its work, and then failed of another, was survived."""
    begin = went_on = None
    for i, line in enumerate(lines):
        level = _LOG_LEVEL.search(line[:80]) if _STAMPED.match(line) else None
        if level and (level[1] or level[2]) not in _AT_WORK:
            if begin is not None and went_on is not None:
                _survived(found, begin, went_on)
                begin = None
            begin, went_on = (i if begin is None else begin), None
        elif level and begin is not None and went_on is None and not _STOPPING.search(line):
            went_on = i
    # What follows the last error that was survived may fail without being logged.
    if begin is not None and went_on is not None and any(_TRACE in line for line in lines[went_on:]):
        _survived(found, begin, went_on)


def _survived(found: list[Role], begin: int, end: int) -> None:
    for i in range(begin, end):
        if found[i] is Role.RAISED:
            found[i] = Role.SURVIVED


def _bound_later(lines: Sequence[str], found: list[Role]) -> None:
    """A port that was taken and then was not, or for which another one was found, stopped nobody."""
    listens = max((i for i, line in enumerate(lines) if line and _LISTENS.search(line)), default=0)
    for i in range(listens):
        if found[i] is Role.RAISED and _TAKEN.search(lines[i]) and _same_source(lines, i, listens):
            found[i] = Role.SURVIVED


def _same_source(lines: Sequence[str], taken: int, listens: int) -> bool:
    """Whether two lines may come from one program: what ran several puts a name in front of each line."""
    first, second = (_SOURCE.match(lines[i]) for i in (taken, listens))
    return (first[0] if first else "") == (second[0] if second else "")
