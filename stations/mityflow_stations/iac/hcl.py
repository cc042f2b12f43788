"""Terraform's files as blocks, arguments and the names they refer to, each with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from lark import Lark, Tree

LARGEST = 1_000_000
"""Characters of a file; a larger one is not read."""
_INTERPOLATION = re.compile(
    r"(?<![$%])[$%]\{~?\s{0,20}(?:if |for [^{}]{1,200}? in |else|endif|endfor)?([^{}]{0,2000})\}"
)
_PLAIN = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*")


class HclError(Exception):
    """A file that is no HCL; the place is where reading ended."""

    def __init__(self, message: str, path: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.line = line
        self.column = column


class Place(NamedTuple):
    """Where something stands; lines and columns count from 1."""

    path: str
    line: int
    column: int


class Reference(NamedTuple):
    """A name that an expression refers to, such as ``("var", "region")``; indices are left out."""

    parts: tuple[str, ...]
    place: Place


class Argument(NamedTuple):
    """``name = expression``.

    ``text`` is the value where it is a plain text, and ``literals`` are all texts, numbers and words such as ``true``
    that stand in the expression. ``calls`` are the functions it calls.
    """

    name: str
    place: Place
    references: tuple[Reference, ...]
    calls: tuple[Reference, ...]
    text: str | None
    literals: tuple[str, ...]


class Block(NamedTuple):
    """``type "label" { ... }``; ``again`` are arguments that it gives a second time."""

    type: str
    labels: tuple[str, ...]
    place: Place
    arguments: dict[str, Argument]
    blocks: tuple[Block, ...]
    again: tuple[Argument, ...] = ()

    def all(self) -> Iterator[Argument]:
        """All arguments inside, those of inner blocks too."""
        yield from self.arguments.values()
        for block in self.blocks:
            yield from block.all()

    def references(self) -> Iterator[Reference]:
        """All names that are referred to inside."""
        for argument in self.all():
            yield from argument.references


def parse(text: str, path: str) -> Block:
    """A file as one block without a type. Raises HclError; ImportError where python-hcl2 is not installed."""
    try:
        return _parse(text, path)
    except RecursionError as error:
        raise HclError("it is nested too deep", path) from error


@cache
def _parser() -> Lark:
    """The parser of python-hcl2, without the cache of its own that it writes among the installed packages."""
    import hcl2
    from hcl2.postlexer import PostLexer
    from lark import Lark

    return Lark.open("hcl2.lark", rel_to=hcl2.__file__, parser="lalr", propagate_positions=True, postlex=PostLexer())


def _parse(text: str, path: str) -> Block:
    from lark.exceptions import LarkError

    if len(text) > LARGEST:
        raise HclError(f"it is larger than {LARGEST} characters", path)
    try:
        tree = _parser().parse(text if text.endswith("\n") else text + "\n")
    except LarkError as error:
        line, column = getattr(error, "line", 0) or 0, getattr(error, "column", 0) or 0
        # Never the text itself, which may hold a secret.
        more = str(getattr(error, "token", "") or getattr(error, "char", "")).strip()
        told = "it cannot be read from here on" if more else "it ends too soon"
        raise HclError(told, path, max(line, 0), max(column, 0)) from error
    body = next((child for child in tree.children if _kind(child) == "body"), None)
    top = Place(path, 1, 1)
    return Block("", (), top, {}, ()) if body is None else Block("", (), top, *_body(body, path))


def _body(body: Any, path: str) -> tuple[dict[str, Argument], tuple[Block, ...], tuple[Argument, ...]]:
    arguments: dict[str, Argument] = {}
    blocks, again = [], []
    for child in body.children:
        if _kind(child) == "attribute":
            argument = _argument(child, path)
            if argument.name in arguments:
                again.append(argument)
            arguments.setdefault(argument.name, argument)
        elif _kind(child) == "block":
            blocks.append(_block(child, path))
    return arguments, tuple(blocks), tuple(again)


def _block(tree: Tree[Any], path: str) -> Block:
    words = [_word(child) for child in tree.children if _kind(child) in ("identifier", "string", "keyword")]
    body = next(child for child in tree.children if _kind(child) == "body")
    return Block(words[0], tuple(words[1:]), _place(tree, path), *_body(body, path))


def _argument(tree: Tree[Any], path: str) -> Argument:
    name, value = tree.children[0], tree.children[-1]
    references = tuple(_references(value, path, frozenset()))
    calls = tuple(_calls(value, path))
    return Argument(_word(name), _place(tree, path), references, calls, _text(value), tuple(_literals(value)))


def _references(tree: Any, path: str, bound: frozenset[str]) -> Iterator[Reference]:
    """The names of an expression but for those that a ``for`` binds."""
    kind = _kind(tree)
    if kind in ("for_tuple_expr", "for_object_expr"):
        intro = next(child for child in tree.children if _kind(child) == "for_intro")
        bound = bound | {_word(child) for child in intro.children if _kind(child) == "identifier"}
    if kind == "object_elem_key" and len(tree.children) == 1 and _is_name(tree.children[0]):
        return  # a key, not a name
    if kind in ("get_attr_expr_term", "index_expr_term", "attr_splat_expr_term", "full_splat_expr_term"):
        chain = _chain(tree)
        if chain and chain[0] not in bound:
            yield Reference(tuple(chain), _place(tree, path))
        yield from _inside(tree, path, bound)
        return
    if kind in ("heredoc_template", "heredoc_template_trim"):
        yield from (found for found in _in_heredoc(tree, path) if found.parts[0] not in bound)
        return
    if kind == "function_call":
        for child in tree.children[1:]:
            yield from _references(child, path, bound)
        return
    for child in getattr(tree, "children", ()):
        yield from _references(child, path, bound)


def _inside(tree: Any, path: str, bound: frozenset[str]) -> Iterator[Reference]:
    """References in the indices of a chain, and in what it begins with where that is no name."""
    first, *rest = tree.children
    if _kind(first) in ("get_attr_expr_term", "index_expr_term", "attr_splat_expr_term", "full_splat_expr_term"):
        yield from _inside(first, path, bound)
    elif _kind(first) == "expr_term" and len(first.children) == 1:
        inner = first.children[0]
        if _kind(inner) in ("get_attr_expr_term", "index_expr_term", "attr_splat_expr_term", "full_splat_expr_term"):
            yield from _inside(inner, path, bound)
        elif _kind(inner) != "identifier":
            yield from _references(inner, path, bound)
    else:
        yield from _references(first, path, bound)
    for child in rest:
        yield from _references(child, path, bound)


def _chain(tree: Any) -> list[str]:
    """The names of ``a.b[0].c``: without indices, and nothing after a splat; empty where it begins with none."""
    kind = _kind(tree)
    if kind == "identifier":
        return [_word(tree)]
    if kind == "expr_term":
        return _chain(tree.children[0]) if len(tree.children) == 1 else []
    if kind == "get_attr_expr_term":
        before = _chain(tree.children[0])
        names = [_word(child) for child in tree.children[1].children if _kind(child) == "identifier"]
        return [*before, *names] if before else []
    if kind in ("index_expr_term", "attr_splat_expr_term", "full_splat_expr_term"):
        return _chain(tree.children[0])
    return []


def _text(tree: Any) -> str | None:
    """The value of a text without anything in it that is worked out."""
    if _kind(tree) != "expr_term" or len(tree.children) != 1 or _kind(tree.children[0]) != "string":
        return None
    parts = [child for child in tree.children[0].children if _kind(child) == "string_part"]
    if any(_kind(part.children[0]) for part in parts):
        return None
    return "".join(str(part.children[0]) for part in parts)


def _in_heredoc(tree: Any, path: str) -> Iterator[Reference]:
    """The names in a text of several lines, which the parser leaves as it is; names that its loops bind are none."""
    text, first = str(tree.children[0]), _place(tree, path)
    bound = set(re.findall(r"%\{~?\s*for\s+(\w+)", text)) | set(re.findall(r"%\{~?\s*for\s+\w+\s*,\s*(\w+)", text))
    line, seen = first.line, 0
    for found in _INTERPOLATION.finditer(text):
        line, seen = line + text.count("\n", seen, found.start()), found.start()
        for parts in _named(found[1].strip(" ~\n"), path):
            if parts[0] not in bound:
                yield Reference(parts, Place(path, line, 1))


def _named(expression: str, path: str) -> list[tuple[str, ...]]:
    """The names in an expression; none where it is no expression."""
    if _PLAIN.fullmatch(expression):
        return [tuple(expression.split("."))]
    try:
        return [reference.parts for reference in _parse(f"x = {expression}", path).references()]
    except HclError:
        return []


def _calls(tree: Any, path: str) -> Iterator[Reference]:
    """The functions that are called, each by its name."""
    for part in tree.iter_subtrees_topdown() if hasattr(tree, "iter_subtrees_topdown") else ():
        if part.data == "function_call":
            names = [_word(child) for child in part.children if _kind(child) == "identifier"]
            yield Reference(tuple(names), _place(part, path))


def _literals(tree: Any) -> Iterator[str]:
    for part in tree.iter_subtrees_topdown() if hasattr(tree, "iter_subtrees_topdown") else ():
        if part.data in ("string_part", "int_lit", "float_lit", "literal_value") and not _kind(part.children[0]):
            yield str(part.children[0])


def _is_name(tree: Any) -> bool:
    while _kind(tree) == "expr_term" and len(tree.children) == 1:
        tree = tree.children[0]
    return _kind(tree) == "identifier"


def _word(tree: Any) -> str:
    if _kind(tree) == "string":
        return "".join(str(part.children[0]) for part in tree.children if _kind(part) == "string_part")
    return str(tree.children[0]) if hasattr(tree, "children") else str(tree)


def _place(tree: Any, path: str) -> Place:
    return Place(path, getattr(tree.meta, "line", 0) or 0, getattr(tree.meta, "column", 0) or 0)


def _kind(tree: Any) -> str:
    return str(getattr(tree, "data", ""))
