"""Reads the words of a bash script: what quotes, escapes or expands in them, and where values stand.

Each construct that quotes, or begins quoting afresh, has a method that steps over it. Constructs whose
quoting cannot be followed with certainty are refused.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import NoReturn

from mityflow.expressions import ExpressionError, Span
from mityflow.shell_commands import USE_ENV, Word, refuse

META = frozenset(" \t\n;&|<>()")
"""The characters that end a word, unless they are quoted."""

_DEEPEST = 50
_PLAIN = re.compile(r"[\w ,.:/=+@%^~-]+")
_ORDINARY = re.compile(r"""[^\s;&|<>()\0\\'"$`\[]+""")
_VARIABLE = re.compile(r"\$(?:[A-Za-z_]\w*|[0-9@*#?$!-])?")
_PARAMETER = re.compile(r"\$\{([!#]?)([A-Za-z_]\w*|[0-9]+|[@*#?$!-])")
_OR_WORD = re.compile(r":?[-=+?]")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_ARRAY = re.compile(r"[A-Za-z_]\w*(\[\w*\])?\+?=")
_PLAIN_INDEX = re.compile(r"\[\w+\]=")
_ESCAPED_IN_QUOTES = re.compile(r'\\(["\\$`])|\\\n')
_INDEX = "in an array index, which bash evaluates"
_ARITHMETIC = "in arithmetic, which evaluates it"


class Quoting(Enum):
    """What is around: nothing, double quotes, or an unquoted here-document."""

    NONE = 1
    DOUBLE = 2
    DOCUMENT = 3


class WordReader(ABC):
    """A place in a script, and what was found before it.

    ``quoted`` has, for the offset of each expression, whether its variable needs double quotes of its
    own. ``text`` has NUL for each character of the expressions.
    """

    def __init__(self, text: str, spans: Sequence[Span]) -> None:
        self.quoted: dict[int, bool] = {}
        self._text = text
        self._ends = dict(spans)
        self._at = 0
        self._end = len(text)
        self._depth = 0
        self._placed: list[int] = []
        self._refusal: str | None = None
        self._arrays = False
        self._piped: int | None = None

    @abstractmethod
    def _commands(self, closer: str | None, opened: int) -> str:
        """Read commands up to what ``closer`` names, and step over it."""

    @abstractmethod
    def _blank_lines(self) -> None:
        """Step over blanks, comments and line breaks."""

    # Moving and placing

    def _char(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._text[at] if at < self._end else ""

    def _match(self, pattern: re.Pattern[str]) -> str:
        """Step over what the pattern matches here."""
        found = pattern.match(self._text, self._at, self._end)
        if not found:
            return ""
        self._at = found.end()
        return found.group()

    def _step(self) -> None:
        """Step over characters that mean nothing anywhere, at least over one."""
        if not self._match(_PLAIN):
            self._at += 1

    def _place(self, *, quoted: bool) -> None:
        if self._refusal:
            refuse(self._at, self._refusal)
        self.quoted[self._at] = quoted
        self._placed.append(self._at)
        self._at = self._ends[self._at]

    @contextmanager
    def _refusing(self, where: str) -> Iterator[None]:
        """While values are refused, however deep inside they stand."""
        before, self._refusal = self._refusal, self._refusal or where
        yield
        self._refusal = before

    @contextmanager
    def _deeper(self, opened: int) -> Iterator[None]:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._lost(opened, "this script is nested too deeply")
        yield
        self._depth -= 1

    @contextmanager
    def _piping(self, value: int | None) -> Iterator[None]:
        """While commands are read whose standard input holds the value at this offset."""
        before, self._piped = self._piped, value
        yield
        self._piped = before

    def _refuse_until(self, stop: int, where: str, hint: str = USE_ENV) -> None:
        found = self._text.find("\0", self._at, stop)
        if found >= 0:
            refuse(found, where, hint)

    def _lost(self, at: int, why: str) -> NoReturn:
        raise ExpressionError(f"{why}, so values cannot be placed in the script", at, hint=USE_ENV)

    # Words

    def _word(self, *, assigns: bool = False) -> Word:
        """Read one word; ``assigns`` where it may be an assignment."""
        start, before = self._at, len(self._placed)
        pieces: list[str] = []
        known, splits = True, False
        while self._at < self._end:
            char = self._char()
            if char in META and not self._opens_in_word(start):
                break
            piece: str | None = self._match(_ORDINARY)
            if not piece:
                piece = self._piece(start, assigns=assigns)
                assigns = False
                splits = splits or char in "$`"
            known = known and piece is not None
            pieces.append(piece or "")
        literal = "".join(pieces)
        text = literal if known else None
        return Word(self._text[start : self._at], start, text, tuple(self._placed[before:]), literal, splits)

    def _opens_in_word(self, start: int) -> bool:
        """Whether a parenthesis here is part of the word: of an array, a pattern or a substitution."""
        if self._char() in ("<", ">"):
            return self._char(1) == "("
        if self._char() != "(" or self._at == start:
            return False
        return self._text[self._at - 1] in "?*+@!" or _ARRAY.fullmatch(self._text, start, self._at) is not None

    def _piece(self, start: int, *, assigns: bool) -> str | None:
        """Read a part of a word that is not ordinary; gives what it means, None if only bash knows."""
        at, char = self._at, self._char()
        if char in "(<>":
            self._parentheses_in_word()
            return None
        if char == "[":
            if assigns and _IDENTIFIER.fullmatch(self._text, start, at):
                self._arrays = True
                with self._refusing(_INDEX):
                    self._brackets(Quoting.NONE)
            else:
                self._at += 1
            return self._text[at : self._at]
        if char == "\\":
            self._escape()
            return self._text[at + 1 : self._at].replace("\n", "")
        if char == "'":
            self._single_quotes()
            return self._text[at + 1 : self._at - 1]
        if char == '"':
            plain = self._double_quotes()
            return _ESCAPED_IN_QUOTES.sub(r"\1", self._text[at + 1 : self._at - 1]) if plain else None
        if self._quotation(Quoting.NONE):
            return None
        self._at += 1
        return char

    def _parentheses_in_word(self) -> None:
        opened = self._at
        if self._char() in "<>":
            written_to = self._char() == ">"
            self._at += 2
            with self._piping(opened if written_to else self._piped):
                self._commands(")", opened)
            return
        self._at += 1
        if self._text[opened - 1] == "=":
            self._array(opened)
        else:
            self._commands(")", opened)

    def _array(self, opened: int) -> None:
        """``(...)`` of an array assignment, after the parenthesis."""
        self._arrays = True
        while True:
            self._blank_lines()
            char = self._char()
            if char == ")":
                self._at += 1
                return
            if char == "" or (char in META and not (char in "<>" and self._char(1) == "(")):
                self._lost(opened, "this array has no ')'")
            word = self._word()
            if word.values and word.raw.startswith("[") and not _PLAIN_INDEX.match(word.raw):
                refuse(word.values[0], _INDEX)

    def _brackets(self, quoting: Quoting) -> None:
        """``[...]``, up to the bracket that closes it, on the same line."""
        opened, depth = self._at, 0
        while True:
            char = self._char()
            if char in ("", "\n"):
                self._lost(opened, "this '[' has no ']'")
            if self._quotation_within(quoting):
                continue
            depth += {"[": 1, "]": -1}.get(char, 0)
            self._step()
            if depth == 0:
                return

    # Quotes

    def _quotation(self, quoting: Quoting) -> bool:
        """Step over whatever quotes, escapes, expands or is a value here; false if nothing is."""
        char = self._char()
        if char == "\0":
            self._place(quoted=quoting is Quoting.NONE)
        elif char == "\\":
            self._escape()
        elif char == "`":
            self._backquotes()
        elif char == "$":
            self._dollar(quoting)
        elif char == "'" and quoting is Quoting.NONE:
            self._single_quotes()
        elif char == '"' and quoting is Quoting.NONE:
            self._double_quotes()
        else:
            return False
        return True

    def _quotation_within(self, quoting: Quoting) -> bool:
        """The same inside an expansion, where quotes may begin afresh, or may mean themselves."""
        if self._quotation(quoting):
            return True
        char = self._char()
        if char == "'" or (char == '"' and quoting is Quoting.DOCUMENT):
            self._lost(self._at, "a quote has different meanings in this place")
        if char == '"':
            self._double_quotes()
        return char == '"'

    def _escape(self) -> None:
        if self._char(1) == "\0":
            refuse(self._at + 1, "after a backslash, which would make it literal")
        self._at = min(self._at + 2, self._end)

    def _single_quotes(self) -> None:
        stop = self._text.find("'", self._at + 1, self._end)
        if stop < 0:
            self._lost(self._at, "this quote is never closed")
        self._refuse_until(stop, "inside single quotes", "use double quotes, or " + USE_ENV)
        self._at = stop + 1

    def _double_quotes(self) -> bool:
        """Step over ``"..."``; true when bash expands nothing in it."""
        opened, plain = self._at, True
        self._at += 1
        while self._char() != '"':
            if self._char() == "":
                self._lost(opened, "this quote is never closed")
            plain = plain and self._char() not in "\0`$"
            if not self._quotation(Quoting.DOUBLE):
                self._step()
        self._at += 1
        return plain

    def _escaped_quotes(self) -> None:
        """``$'...'``, in which a backslash escapes a quote."""
        opened = self._at
        self._at += 2
        while self._char() != "'":
            if self._char() == "":
                self._lost(opened, "this quote is never closed")
            if self._char() == "\0":
                refuse(self._at, "inside $'...'")
            if self._char() == "\\":
                self._escape()
            else:
                self._step()
        self._at += 1

    def _backquotes(self) -> None:
        opened = self._at
        self._at += 1
        while self._char() != "`":
            if self._char() == "":
                self._lost(opened, "this backquote is never closed")
            if self._char() == "\0":
                refuse(self._at, "inside backquotes", "use $(...), or " + USE_ENV)
            if self._char() == "\\":
                self._escape()
            else:
                self._step()
        self._at += 1

    # Expansions

    def _dollar(self, quoting: Quoting) -> None:
        opened, following = self._at, self._char(1)
        if following == "\0":
            refuse(opened + 1, "right after '$'", "write {{ ... }} without the '$'")
        if following == "(":
            self._substitution(opened, quoting)
        elif following == "{":
            self._parameter(quoting)
        elif following == "[":
            self._at += 1
            with self._refusing(_ARITHMETIC):
                self._brackets(quoting)
        elif following == "'" and quoting is Quoting.NONE:
            self._escaped_quotes()
        elif following == '"' and quoting is Quoting.NONE:
            self._at += 1
            with self._refusing('inside $"..."'):
                self._double_quotes()
        else:
            self._match(_VARIABLE)

    def _substitution(self, opened: int, quoting: Quoting) -> None:
        if self._char(2) == "(":
            self._at += 3
            self._arithmetic(opened, quoting)
        else:
            self._at += 2
            self._commands(")", opened)

    def _arithmetic(self, opened: int, quoting: Quoting) -> None:
        """The rest of ``((...))``, after the two parentheses."""
        depth = 0
        with self._deeper(opened), self._refusing(_ARITHMETIC):
            while depth or self._char() != ")":
                char = self._char()
                if char == "":
                    self._lost(opened, "this '((' has no '))'")
                if not self._quotation_within(quoting):
                    depth += {"(": 1, ")": -1}.get(char, 0)
                    self._step()
        if self._char(1) != ")":
            self._lost(opened, "this may be arithmetic or two pairs of parentheses")
        self._at += 2

    def _parameter(self, quoting: Quoting) -> None:
        """``${...}``: a value may stand only in the word of ``:-`` and its like."""
        opened = self._at
        found = _PARAMETER.match(self._text, opened, self._end)
        if not found:
            if self._char(2) == "\0":
                refuse(opened + 2, "in the name of a variable")
            self._lost(opened, "this '${' is not understood")
        self._at = found.end()
        if self._char() == "[":
            with self._refusing(_INDEX):
                self._brackets(quoting)
        operator = self._match(_OR_WORD)
        with self._deeper(opened):
            if operator and not operator.endswith("=") and not found.group(1):
                self._parameter_word(opened, quoting)
            else:
                with self._refusing("in this part of '${...}', which bash evaluates, matches or splits"):
                    self._parameter_word(opened, quoting)

    def _parameter_word(self, opened: int, quoting: Quoting) -> None:
        while self._char() != "}":
            char = self._char()
            if char == "":
                self._lost(opened, "this '${' has no '}'")
            if not self._quotation_within(quoting):
                self._step()
        self._at += 1
