"""Which bash commands a value may be an argument of; loaded with the first script that has one.

Quoted as it is, a value stays one word. Some commands run their words as code all the same, or take
them for the names of variables, whose subscripts bash evaluates. For those a value is refused. A
refusal that was not needed costs its author an ``env:``; one that is missing lets a value run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, NoReturn

from mityflow.expressions import ExpressionError

USE_ENV = "hand it over through the step's 'env:' and read that variable"
PLAIN_ASSIGNMENT = "assign it on a line of its own, as in name={{ ... }}"
ARRAYS_ELSEWHERE = "in 'declare' and 'local', which read a list in parentheses, in a script with arrays"

_NAME = re.compile(r"[A-Za-z_]\w*")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\[.*?\])?\+?=", re.DOTALL)
_SIMPLE_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\+?=")
_ASSIGNED = re.compile(r'(["\w\0]+)(\[.*\])?\+?=', re.DOTALL)
_INDEXED = re.compile(r"[A-Za-z_]\w*\[")
_INDEXED_PLAINLY = re.compile(r"[A-Za-z_]\w*\[\w*\]")


class Word(NamedTuple):
    """One word of a script.

    ``raw`` is how it is written, with NUL for the characters of expressions; ``start`` is its offset;
    ``text`` is what it means, None when that is known only in bash. ``values`` are the offsets of the
    expressions in it, also of those in a command substitution inside. ``literal`` is what is left when
    everything in it that bash expands is empty; ``splits`` is true when bash may make several words of
    it, or none.
    """

    raw: str
    start: int
    text: str | None
    values: tuple[int, ...]
    literal: str = ""
    splits: bool = False

    @property
    def is_assignment(self) -> bool:
        """Whether it assigns, where an assignment may stand."""
        return _ASSIGNMENT.match(self.raw) is not None


class Command:
    """A simple command, or with ``compound`` what follows the end of a compound one, such as ``done``.

    ``fed`` is the offset of an expression in what its standard input is read from; ``inner`` that of one
    inside the compound command.
    """

    __slots__ = ("assignments", "compound", "fed", "inner", "words")

    def __init__(self, *, compound: bool = False, inner: int | None = None) -> None:
        self.assignments: list[Word] = []
        self.words: list[Word] = []
        self.fed: int | None = None
        self.compound = compound
        self.inner = inner

    @property
    def begins(self) -> bool:
        """Whether the next word is the command's first, and may be a reserved one."""
        return not self.words and not self.assignments

    @property
    def name(self) -> str | None:
        """What it calls, when the script says it plainly."""
        return self.words[0].text if self.words else None

    @property
    def value(self) -> int | None:
        """The offset of an expression whose value it may write."""
        own = [offset for offset in (self.fed, self.inner) if offset is not None]
        return next(iter(_values(self.words) or own), None)


def refuse(offset: int, where: str, hint: str = USE_ENV) -> NoReturn:
    """Raise the ExpressionError for a value at a place where it must not stand."""
    raise ExpressionError(f"a value cannot stand {where}", offset, hint=hint)


def check_word(word: Word) -> None:
    """Refuse a value in an array index, which bash evaluates."""
    if word.values and _INDEXED.match(word.raw) and not _INDEXED_PLAINLY.match(word.raw):
        refuse(word.values[0], "in an array index, which bash evaluates")


def check_command(command: Command) -> int | None:
    """Refuse values where the command would run or evaluate them.

    Gives the offset of a value that ``declare`` or ``local`` assigns, which is right only in a script
    without arrays.
    """
    for word in command.assignments:
        _check_assignment(word)
    words = command.words
    first = _first(words)
    if first is None:
        return None
    head, rest = words[first], words[first + 1 :]
    assigned = _ASSIGNED.match(words[0].raw)
    if assigned and "\0" in assigned.group(1):
        refuse(words[0].values[0], "in the name of a variable")
    if _split_values([head]):
        refuse(head.values[0], "in an unquoted $(...) that is run as a command")
    name = head.literal
    declared = None
    if name in _DECLARING:
        declared = _check_declaration(name, rest)
    elif name in _EVALUATING and _values(rest):
        refuse(_values(rest)[0], f"in the arguments of '{name}', {_EVALUATING[name]}")
    elif name in ("[", "test"):
        _check_test(rest[:-1] if name == "[" else rest)
    elif name == "printf":
        _check_printf(rest)
    _check_passed_on(rest)
    _check_programs(words, first)
    return declared


def check_conditional(words: Sequence[Word]) -> None:
    """Refuse values that ``[[ ]]`` would evaluate."""
    for i, word in enumerate(words):
        after = _values(words[i + 1 : i + 2])
        beside = _values(words[max(0, i - 1) : i]) + after
        if word.text in _ARITHMETIC_TESTS and beside:
            refuse(beside[0], f"beside '{word.text}', which evaluates it")
        if word.text in _NAME_TESTS and after:
            refuse(after[0], f"after '{word.text}', which evaluates array indices")


def reads_code(command: Command) -> str | None:
    """The name of the program, when the command runs what it reads from its standard input."""
    for at, name in _programs(command.words, _first(command.words)):
        if name in _REMOTE or name in _SOURCING:
            return name
        if name in _INTERPRETERS:
            options = _Options(name, command.words, at)
            if options.reads_code or (options.has_code and command.words[0].text == "xargs"):
                return name
    return None


def uses_array(command: Command) -> bool:
    """Whether the command may make an array, as ``read -a`` does."""
    return any(word.text in _ARRAY_WORDS for word in command.words)


def _values(words: Sequence[Word]) -> list[int]:
    return [offset for word in words for offset in word.values]


def _split_values(words: Sequence[Word]) -> list[int]:
    return _values([word for word in words if word.splits])


def _first(words: Sequence[Word]) -> int | None:
    """The index of the word that names the command, after ``command``, ``$SUDO`` and their like."""
    for i, word in enumerate(words):
        vanishes = word.splits and not word.values and not word.literal
        if not vanishes and word.text not in _PREFIXES and not (i and word.literal.startswith("-")):
            return i
    return None


def _check_assignment(word: Word) -> None:
    found = _NAME.match(word.raw)
    if word.values and found and found.group() in _EVALUATED_NAMES:
        refuse(word.values[0], f"in '{found.group()}', which bash evaluates")


# Builtins

_PREFIXES = frozenset({"command", "builtin", "exec", "time", "-p"})

_RUNS = "which runs them"
_NAMES = "which takes them for names and evaluates array indices"
_EVALUATING = {
    **dict.fromkeys(("eval", "trap", "source", ".", "alias", "bind", "complete", "compgen", "enable", "fc"), _RUNS),
    **dict.fromkeys(("unset", "read", "mapfile", "readarray", "getopts", "wait"), _NAMES),
    "let": "which evaluates them",
}

_DECLARING = frozenset({"declare", "typeset", "local", "export", "readonly"})
_SCALAR_OPTIONS = re.compile(r"--|-[xrg]+")

_ARRAY_WORDS = frozenset({"mapfile", "readarray", "-a", "-A"})

_EVALUATED_NAMES = frozenset(
    {"RANDOM", "SRANDOM", "SECONDS", "OPTIND", "HISTCMD", "LINENO", "BASHPID", "EPOCHSECONDS"}
    | {"PS0", "PS1", "PS2", "PS3", "PS4", "PROMPT_COMMAND", "BASH_ENV", "ENV"}
)

_ARITHMETIC_TESTS = frozenset({"-eq", "-ne", "-lt", "-le", "-gt", "-ge"})
_NAME_TESTS = frozenset({"-v", "-R"})
_TEXT_TESTS = frozenset({"=", "==", "!=", "<", ">", "-nt", "-ot", "-ef"})


def _check_declaration(name: str, words: Sequence[Word]) -> int | None:
    """Check the arguments of ``declare`` and its like; see check_command for the result."""
    options = [word for word in words if (word.text or "").startswith(("-", "+"))]
    evaluates = [word for word in options if name in ("declare", "typeset", "local") and set("in") & set(word.raw)]
    if evaluates:
        what = f"'{name} {evaluates[0].raw}' makes a variable that evaluates what it is given"
        raise ExpressionError(what, evaluates[0].start, hint=USE_ENV)
    values = _values(words)
    if not values:
        return None
    if not all(_SCALAR_OPTIONS.fullmatch(word.raw) for word in options):
        refuse(values[0], f"in this '{name}', which may evaluate it", PLAIN_ASSIGNMENT)
    for word in words:
        if word.values and not _SIMPLE_ASSIGNMENT.match(word.raw):
            refuse(word.values[0], f"in a name that '{name}' is given")
        _check_assignment(word)
    return None if name in ("export", "readonly") else values[0]


def _check_passed_on(words: Sequence[Word]) -> None:
    """The command may be a function that runs its arguments."""
    evals = [i for i, word in enumerate(words) if word.text == "eval"]
    if evals and _values(words[evals[0] :]):
        refuse(_values(words[evals[0] :])[0], "after 'eval', which runs it")


def _check_test(words: Sequence[Word]) -> None:
    """``[`` and ``test`` see values after quoting is gone, so one could pass for an operator."""
    check_conditional(words)
    if _split_values(words):
        refuse(_split_values(words)[0], "in an unquoted $(...) of a test", "use [[ ... ]]")
    while words and words[0].text == "!":
        words = words[1:]
    if not _values(words) or len(words) == 1:
        return
    if len(words) == 2 and (words[0].text or "").startswith("-"):
        return
    if len(words) == 3 and words[1].text in _TEXT_TESTS:
        return
    refuse(_values(words)[0], "in a test of this form, where it could act as an operator", "use [[ ... ]]")


def _check_printf(words: Sequence[Word]) -> None:
    """The first argument may be the option ``-v NAME``, whose array index is evaluated."""
    first = next((i for i, word in enumerate(words) if word.values or not word.splits), None)
    if first is None:
        return
    start, name = words[first], words[first + 1 : first + 2]
    if start.values and start.raw.lstrip("\"'").startswith(("\0", "-", "$", "`")):
        refuse(start.values[0], "at the start of printf's format", "write printf '%s' {{ ... }}")
    if start.text == "-v" and _values(name):
        refuse(_values(name)[0], "in the name that printf -v is given")


# Programs that run code they are given


class _Interpreter(NamedTuple):
    """``code``: option letters before code; ``taking``: those before some other argument.

    ``ending``: letters after which only arguments follow. A shell's code is its first operand, and
    not the word after the letter.
    """

    code: str
    taking: str = ""
    ending: str = ""
    long_taking: tuple[str, ...] = ()
    is_shell: bool = False


_SHELL = _Interpreter("c", "oO", long_taking=("--rcfile", "--init-file"), is_shell=True)
_INTERPRETERS = {
    **dict.fromkeys(("sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"), _SHELL),
    "python": _Interpreter("c", "cmWXQ", "cm"),
    "perl": _Interpreter("eE", "eEIMm"),
    "ruby": _Interpreter("e", "erICE"),
    "node": _Interpreter("ep", "eprC", long_taking=("--eval", "--print", "--require", "--import", "--loader")),
    "php": _Interpreter("rBRE", "rBREcdfzt"),
}
_SOURCING = frozenset({"source", "."})
_LANGUAGES = frozenset({"awk", "gawk", "mawk", "nawk", "sed", "gsed"})
_REMOTE = frozenset({"ssh", "su", "watch", "parallel"})
_WRAPPERS = frozenset(
    {"env", "sudo", "doas", "nohup", "nice", "ionice", "timeout", "xargs", "find", "stdbuf", "setsid", "chroot"}
    | {"flock", "strace", "docker", "podman", "kubectl", "uv", "poetry", "pipenv", "pdm", "hatch", "npx", "busybox"}
)


def _check_programs(words: Sequence[Word], first: int) -> None:
    split = _split_values(words)
    if split and _program(words[first]) in _WRAPPERS:
        refuse(split[0], f"in an unquoted $(...) among the arguments of '{words[first].text}'")
    for at, name in _programs(words, first):
        if name in _LANGUAGES and _values(words[at + 1 :]):
            refuse(_values(words[at + 1 :])[0], f"in the arguments of '{name}', whose programs can run commands")
        if name in _REMOTE and _values(words[at + 1 :]):
            refuse(_values(words[at + 1 :])[0], f"in the arguments of '{name}', which a shell evaluates once more")
        if name in _INTERPRETERS:
            options = _Options(name, words, at)
            values = _values(words[at + 1 : options.end + 1])
            if values:
                refuse(values[0], f"where '{name}' takes options, code or the name of a script")


def _programs(words: Sequence[Word], first: int | None) -> Iterator[tuple[int, str]]:
    """The words that may name a program this command runs, each with its bare name."""
    if first is None:
        return
    wrapped = _program(words[first]) in _WRAPPERS
    for at in range(first, len(words)):
        name = _program(words[at])
        explicit = at + 1 < len(words) and re.fullmatch(r"-\w*c", words[at + 1].raw) is not None
        if at == first or wrapped or (explicit and name in _INTERPRETERS):
            yield at, name


def _program(word: Word) -> str:
    """``python`` for ``/usr/bin/python3.12``."""
    name = word.literal.rpartition("/")[2]
    return name.rstrip("0123456789.") or name


class _Options:
    """What an interpreter's words say: ``end`` is the index of the last one that is no mere argument."""

    def __init__(self, name: str, words: Sequence[Word], at: int) -> None:
        self._interpreter = _INTERPRETERS[name]
        self._reads_input = False
        self.has_code = False
        self.end = self._read(words, at + 1)
        no_file = self.end >= len(words) or words[self.end].text == "-"
        self.reads_code = self._reads_input or (no_file and not self.has_code)

    def _read(self, words: Sequence[Word], at: int) -> int:
        while at < len(words):
            word = words[at]
            text = word.text if word.text is not None else word.raw
            if not word.values and (word.splits or "@" in text):
                at += 1  # it may be an option, or nothing at all
                continue
            if word.values or text == "-" or not text.startswith(("-", "+")):
                return at if word.values or self._interpreter.is_shell or not self.has_code else at - 1
            if text == "--":
                return at + 1 if self._interpreter.is_shell or not self.has_code else at
            taken, ends = self._option(text)
            at += 1 + taken
            if ends:
                return at - 1
        return at

    def _option(self, text: str) -> tuple[int, bool]:
        """How many words one option takes, and whether options end with it."""
        if text.startswith("--"):
            self.has_code |= text in ("--eval", "--print")
            return int(text in self._interpreter.long_taking), False
        for i, letter in enumerate(text[1:], 2):
            self.has_code |= letter in self._interpreter.code + self._interpreter.ending
            self._reads_input |= self._interpreter.is_shell and letter in "si"
            if letter in self._interpreter.taking:
                return int(i == len(text)), letter in self._interpreter.ending
        return 0, False
