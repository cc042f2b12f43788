"""Source files as syntax trees of tree-sitter, asked by queries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from mityflow.sdk import UsageError

if TYPE_CHECKING:
    from tree_sitter import Language, Node

_GRAMMARS = {
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "javascript": ("tree_sitter_javascript", "language"),
    "java": ("tree_sitter_java", "language"),
    "html": ("tree_sitter_html", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "c-sharp": ("tree_sitter_c_sharp", "language"),
}
_CLIMBS = 200


class SyntaxTree:
    """One file. A parser in C can neither be interrupted nor trusted: this belongs into a process of its own."""

    def __init__(self, grammar: str, data: bytes) -> None:
        from tree_sitter import Parser

        self.grammar = grammar
        self.root = Parser(_language(grammar)).parse(data).root_node

    @property
    def fault(self) -> str:
        """The line where the syntax is broken, in words; empty where it is not."""
        if not self.root.has_error:
            return ""
        places = [node.start_point.row + 1 for nodes in self.captures(_BROKEN).values() for node in nodes]
        return f"syntax error in line {min(places)}" if places else "syntax error"

    def captures(self, query: str) -> dict[str, list[Node]]:
        """What a query finds, by the names in it, in the order of the text."""
        from tree_sitter import QueryCursor

        found = QueryCursor(_query(self.grammar, query)).captures(self.root)
        return {name: sorted(nodes, key=lambda node: node.start_byte) for name, nodes in found.items()}

    def matches(self, query: str) -> list[dict[str, list[Node]]]:
        """What a query finds, match by match."""
        from tree_sitter import QueryCursor

        return [match for _, match in QueryCursor(_query(self.grammar, query)).matches(self.root)]

    def above(self, node: Node) -> Iterator[Node]:
        """The nodes that a node is in, from the inside to the outside."""
        for _ in range(_CLIMBS):
            if node.parent is None:
                return
            node = node.parent
            yield node


_BROKEN = "[(ERROR) (MISSING)] @broken"


def text(node: Node | None) -> str:
    """The source of a node; empty without one."""
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def line(node: Node) -> int:
    """The line a node begins in, from 1."""
    return int(node.start_point.row) + 1


def literal(node: Node | None) -> str | None:
    """The text between the quotes of a string; None for what is no string, or is made of parts at run time."""
    if node is None or "string" not in node.type:
        return None
    parts = [child for child in node.named_children if child.type != "escape_sequence"]
    whole = all(child.type in _INSIDE for child in parts)
    return "".join(text(child) for child in node.named_children) if whole else None


def addresses(nodes: Iterable[Node]) -> tuple[str, ...]:
    """The texts that may be addresses: those that begin with a slash, each once; of one made of parts the first."""
    texts = (text(node) for node in nodes if not _is_later_part(node))
    return tuple(dict.fromkeys(found for found in texts if found.startswith("/")))


def _is_later_part(node: Node) -> bool:
    before = node.prev_named_sibling
    return before is not None and before.type in ("interpolation", "template_substitution")


_INSIDE = {"string_fragment", "string_content", "string_literal_content", "raw_string_content", "verbatim_string"}


@cache
def _language(grammar: str) -> Language:
    import importlib

    module, function = _GRAMMARS[grammar]
    try:
        from tree_sitter import Language

        return Language(getattr(importlib.import_module(module), function)())
    except ImportError as error:
        raise UsageError(
            f"to read source files of this kind a library is needed: {error}", hint="pip install 'mityflow[analyze]'"
        ) from error


@cache
def _query(grammar: str, query: str) -> Any:
    from tree_sitter import Query

    return Query(_language(grammar), query)
