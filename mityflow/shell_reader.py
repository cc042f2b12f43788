"""Reads the commands of a bash script, to know how the value of each expression must be written in it.

This is a reader by recursive descent. It follows bash far enough to tell quotes, here-documents and
the commands that words belong to; what it cannot follow with certainty, it refuses.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from mityflow.expressions import Span
from mityflow.shell_commands import (
    ARRAYS_ELSEWHERE,
    PLAIN_ASSIGNMENT,
    Command,
    Word,
    check_command,
    check_conditional,
    check_word,
    refuse,
    uses_array,
)
from mityflow.shell_pipes import Frame, Pipes
from mityflow.shell_words import META, Quoting, WordReader

_BLANKS = re.compile(r"(?:[ \t]|\\\n)+")
_SEPARATOR = re.compile(r"\|\||&&|\|&|\||&|;")
_CASE_END = re.compile(r";;&|;;|;&")
_ESAC = re.compile(r"esac(?=[\s;&|)]|$)")
_REDIRECTION = re.compile(r"&>>|&>|<<<|<<-|<<|<&|<>|>>|>&|>\||<|>")
_DESCRIPTOR = re.compile(r"[0-9]+|\{[A-Za-z_]\w*\}")
_EMPTY_PARENTHESES = re.compile(r"\([ \t]*\)")

_OPENING = frozenset({"if", "while", "until", "for", "select", "{"})
_CLOSING = frozenset({"fi", "done", "}"})
_NAMING = frozenset({"for", "select", "function"})
_BEFORE_COMMANDS = frozenset({"if", "then", "else", "elif", "while", "until", "do", "!", "{", "time"})


class _Document(NamedTuple):
    """A here-document whose text is still to come. ``depth`` is how deep its command stands."""

    end: str
    tabs: bool
    quoted: bool
    frame: Frame
    command: Command
    pipeline: list[Command]
    depth: int


def place_values(text: str, spans: Sequence[Span]) -> list[bool]:
    """For each expression, whether its variable needs double quotes of its own.

    ``text`` has NUL for each character of the expressions. Raises ExpressionError where a value cannot
    stand, and for scripts that cannot be followed.
    """
    reader = _Reader(text, spans)
    reader.read()
    for span in spans:
        if span.start not in reader.quoted:
            refuse(span.start, "here")
    return [reader.quoted[span.start] for span in spans]


class _Reader(WordReader):
    """Reads commands; ``declared`` values are right only if the script turns out to have no arrays."""

    def __init__(self, text: str, spans: Sequence[Span]) -> None:
        super().__init__(text, spans)
        self._documents: list[_Document] = []
        self._declared: list[int] = []
        self._pipes = Pipes()

    def read(self) -> None:
        """Read the whole script."""
        self._commands(None, 0)
        self._pipes.script_ends(self._placed_after(0))
        if self._arrays and self._declared:
            refuse(self._declared[0], ARRAYS_ELSEWHERE, PLAIN_ASSIGNMENT)

    # Lists of commands

    def _commands(self, closer: str | None, opened: int) -> str:
        """Read commands up to the end that ``closer`` names: ``)``, ``esac`` or, for None, the text's.

        Gives what ended them; for ``esac`` that may be ``;;`` too.
        """
        with self._deeper(opened):
            documents = len(self._documents)
            frame = Frame(self._piped)
            ended = ""
            while not ended:
                ended = self._next(frame, closer, opened)
            if len(self._documents) > documents:
                self._lost(opened, "a here-document here does not begin")
            return ended

    def _next(self, frame: Frame, closer: str | None, opened: int) -> str:
        """Read one token; gives what ends the commands, if this does."""
        self._match(_BLANKS)
        char = self._char()
        if char == "" or (char == ")" and closer == ")"):
            if closer and not char:
                self._lost(opened, f"this has no end ('{closer}' is missing)")
            self._finish(frame)
            self._at += 1
            return char or "end"
        if char == "\n":
            if not frame.goes_on:
                self._finish(frame)
            self._line_break()
        elif char == "#":
            self._comment()
        elif char == "(":
            self._parenthesis(frame)
        elif char == ")":
            self._lost(self._at, "this ')' has no beginning")
        elif self._redirects():
            self._redirection(frame)
        elif char in ";&|":
            return self._separator(frame, closer)
        else:
            return self._command_word(frame, closer)
        return ""

    def _finish(self, frame: Frame, *, piped: bool = False) -> None:
        """The end of a simple command."""
        command = frame.command
        declared = check_command(command)
        if declared is not None:
            self._declared.append(declared)
        self._arrays |= uses_array(command)
        self._pipes.command_ends(frame)
        frame.end_command(piped=piped)

    def _placed_after(self, count: int) -> int | None:
        """The first value that stands after so many others."""
        return self._placed[count] if count < len(self._placed) else None

    def _separator(self, frame: Frame, closer: str | None) -> str:
        start = self._at
        end = self._match(_CASE_END)
        if end:
            if closer != "esac":
                self._lost(start, f"this '{end}' is in no 'case'")
            self._finish(frame)
            return ";;"
        separator = self._match(_SEPARATOR)
        self._finish(frame, piped=separator in ("|", "|&"))
        return ""

    def _line_break(self) -> None:
        """Step over a line break, and over the here-documents that begin after it."""
        self._at += 1
        documents, self._documents = self._documents, []
        for document in documents:
            if document.depth != self._depth:
                self._lost(self._at, "a here-document begins inside another construct")
            self._document(document)

    def _comment(self) -> None:
        stop = self._text.find("\n", self._at, self._end)
        stop = self._end if stop < 0 else stop
        self._refuse_until(stop, "in a comment")
        self._at = stop

    def _blank_lines(self) -> None:
        while True:
            self._match(_BLANKS)
            if self._char() == "#":
                self._comment()
            elif self._char() == "\n":
                self._line_break()
            else:
                return

    # The words of a command

    def _command_word(self, frame: Frame, closer: str | None) -> str:
        command = frame.command
        word = self._word(assigns=not command.words)
        if self._char() in ("<", ">") and _DESCRIPTOR.fullmatch(word.raw):
            return ""
        if command.begins and self._reserved(frame, word):
            return "esac" if word.raw == closer == "esac" else ""
        if not command.words and word.is_assignment:
            command.assignments.append(word)
        else:
            check_word(word)
            command.words.append(word)
        return ""

    def _reserved(self, frame: Frame, word: Word) -> bool:
        """Go on after a reserved word; false when the word is none."""
        placed = len(self._placed)
        if word.raw in _CLOSING:
            self._leave(frame, frame.opened.pop() if frame.opened else 0)
        elif word.raw in ("case", "[["):
            with self._piping(frame.read_from_pipe):
                self._case(word.start) if word.raw == "case" else self._conditional(word.start)
            self._leave(frame, placed)
        elif word.raw == "coproc":
            self._lost(word.start, "'coproc' is not followed")
        elif word.raw in _BEFORE_COMMANDS or word.raw in _NAMING:
            if word.raw in _OPENING:
                frame.opened.append(placed)
            frame.piped = frame.read_from_pipe
            if word.raw in _NAMING:
                self._named(word.raw)
        else:
            return word.raw == "esac"
        return True

    def _leave(self, frame: Frame, placed: int) -> None:
        """A compound command has ended; only redirections, separators and reserved words can follow."""
        frame.command = Command(compound=True, inner=self._placed_after(placed))

    def _named(self, keyword: str) -> None:
        """The name after ``for``, ``select`` or ``function``."""
        self._match(_BLANKS)
        if keyword == "for" and self._text.startswith("((", self._at):
            self._at += 2
            self._arithmetic(self._at - 2, Quoting.NONE)
            return
        name = self._word()
        if name.values:
            refuse(name.values[0], f"in the name that '{keyword}' is given")
        if keyword == "function":
            self._pipes.define(name.text)

    def _parenthesis(self, frame: Frame) -> None:
        """A subshell, an arithmetic command, or the parentheses of a function's definition."""
        opened, placed = self._at, len(self._placed)
        if not frame.command.begins:
            if frame.command.value is not None:
                refuse(frame.command.value, "in the name of a function")
            if not self._match(_EMPTY_PARENTHESES):
                self._lost(opened, "this '(' is not expected here")
            self._pipes.define(frame.command.name)
            frame.command = Command()
            return
        if self._text.startswith("((", opened):
            self._at += 2
            self._arithmetic(opened, Quoting.NONE)
        else:
            self._at += 1
            with self._piping(frame.read_from_pipe):
                self._commands(")", opened)
        self._leave(frame, placed)

    def _redirects(self) -> bool:
        """Whether a redirection begins here, and no process substitution."""
        if self._char() == "&":
            return self._char(1) == ">"
        return self._char() in ("<", ">") and self._char(1) != "("

    def _redirection(self, frame: Frame) -> None:
        start = self._at
        operator = self._match(_REDIRECTION)
        self._match(_BLANKS)
        if self._char() == "" or (self._char() in META and self._char(1) != "("):
            self._lost(start, "a redirection has no target")
        target = self._word()
        if operator in ("<<", "<<-"):
            self._expect_document(frame, target, tabs=operator == "<<-")
        elif operator.startswith("<"):
            self._pipes.feed(frame.command, next(iter(target.values), None))

    # Compound commands

    def _case(self, opened: int) -> None:
        self._blank_lines()
        self._word()
        self._blank_lines()
        if self._word().raw != "in":
            self._lost(opened, "this 'case' has no 'in'")
        ended = ""
        while ended != "esac":
            self._blank_lines()
            if self._match(_ESAC):
                return
            if self._char() == "(":
                self._at += 1
            self._patterns(opened)
            ended = self._commands("esac", opened)

    def _patterns(self, opened: int) -> None:
        """The patterns of one branch of a ``case``, with the parenthesis that ends them."""
        while True:
            self._match(_BLANKS)
            char = self._char()
            if char == ")":
                self._at += 1
                return
            if char == "|":
                self._at += 1
            elif char == "" or char in META:
                self._lost(opened, "a pattern of this 'case' has no ')'")
            else:
                check_word(self._word())

    def _conditional(self, opened: int) -> None:
        words: list[Word] = []
        while not words or words[-1].raw != "]]":
            self._blank_lines()
            char = self._char()
            if char == "":
                self._lost(opened, "this '[[' has no ']]'")
            if words and words[-1].raw == "=~":
                words.append(self._regular_expression(opened))
            elif char in META and not (char in "<>" and self._char(1) == "("):
                words.append(Word(char, self._at, char, ()))
                self._at += 1
            else:
                words.append(self._word())
        check_conditional(words)

    def _regular_expression(self, opened: int) -> Word:
        """The word after ``=~``: blanks end it, and parentheses, in which they do not, are part of it."""
        start, before, depth = self._at, len(self._placed), 0
        while self._char() and (depth or self._char() not in " \t\n"):
            if self._char() == "\n":
                self._lost(opened, "this '[[' breaks the line in parentheses")
            depth += {"(": 1, ")": -1}.get(self._char(), 0)
            if not self._quotation(Quoting.NONE):
                self._at += 1
        return Word(self._text[start : self._at], start, None, tuple(self._placed[before:]))

    # Here-documents

    def _expect_document(self, frame: Frame, end: Word, *, tabs: bool) -> None:
        if end.values:
            refuse(end.values[0], "in the word that ends a here-document")
        if end.text is None:
            self._lost(end.start, "the word that ends this here-document is not plain")
        quoted = any(c in end.raw for c in "\\'\"")
        self._documents.append(_Document(end.text, tabs, quoted, frame, frame.command, frame.pipeline, self._depth))

    def _document(self, document: _Document) -> None:
        """Read the text of a here-document, which begins here."""
        stop, following = self._document_end(document)
        before = len(self._placed)
        if document.quoted:
            self._refuse_until(stop, "in a here-document whose end is quoted")
        else:
            end, self._end = self._end, stop
            while self._at < stop:
                if not self._quotation(Quoting.DOCUMENT):
                    self._step()
            self._end = end
        self._at = following
        value = self._placed_after(before)
        self._pipes.feed_document(document.frame, document.command, document.pipeline, value)

    def _document_end(self, document: _Document) -> tuple[int, int]:
        """Where the text ends, and where the script goes on."""
        line = start = self._at
        text = ""
        while line < self._end and text != document.end:
            start = line
            line = self._line_end(start)
            while not document.quoted and self._continues(line):
                line = self._line_end(line)
            text = self._text[start:line].replace("\\\n", "").removesuffix("\n")
            text = text.lstrip("\t") if document.tabs else text
        if text != document.end:
            self._lost(self._at, f"this here-document has no end ('{document.end}' is missing)")
        return start, line

    def _line_end(self, start: int) -> int:
        found = self._text.find("\n", start, self._end)
        return self._end if found < 0 else found + 1

    def _continues(self, end: int) -> bool:
        """Whether the line that ends here is joined with the next by a backslash."""
        last = end - 2
        while last >= 0 and self._text[last] == "\\":
            last -= 1
        return end < self._end and (end - 2 - last) % 2 == 1
