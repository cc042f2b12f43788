"""What a feature is to be: a Markdown file with acceptance criteria, or inputs that say the same."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mityflow.sdk import StationContext, UsageError

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

_LARGEST = 1_000_000
_LONGEST_SLUG = 50
_CRITERIA = re.compile(r"acceptance criteria", re.IGNORECASE)
_CHECKBOX = re.compile(r"^\[[ xX]\]\s+")
KEYS = ("feature", "title", "text", "criteria")
"""The inputs that say what the feature is: a file, or its parts."""


class Feature(NamedTuple):
    """A feature; ``criteria`` are its acceptance criteria, one sentence each, in their order."""

    title: str
    text: str
    criteria: tuple[str, ...]

    @property
    def slug(self) -> str:
        """The title as part of a branch's or a file's name."""
        plain = unicodedata.normalize("NFKD", self.title.casefold()).encode("ascii", "ignore").decode()
        words = re.findall(r"[a-z0-9]+", plain)
        slug = ""
        for word in words:
            longer = f"{slug}-{word}" if slug else word[:_LONGEST_SLUG]
            if len(longer) > _LONGEST_SLUG:
                break
            slug = longer
        # Without a Latin letter, the titles are still told apart.
        return slug or f"feature-{hashlib.sha256(self.title.encode()).hexdigest()[:8]}"

    @property
    def markdown(self) -> str:
        """The text and the criteria, as a person or an agent reads them."""
        listed = "".join(f"{number}. {criterion}\n" for number, criterion in enumerate(self.criteria, 1))
        parts = [self.text, f"Acceptance criteria:\n\n{listed}" if listed else ""]
        return "\n\n".join(part.strip() for part in parts if part.strip())


def feature_of(context: StationContext) -> Feature:
    """The feature of a run, from its input ``feature``, a file, or from ``title``, ``text`` and ``criteria``.

    Raises UsageError where there is none, or the file is not what it should be.
    """
    path, title = context.get_input("feature"), context.get_input("title")
    if path and title:
        raise UsageError("the feature is given twice: as the file 'feature' and by 'title'; give one of them")
    if path:
        return read_feature(_place(context, str(path)), str(path))
    if not title:
        raise UsageError(
            "there is no feature to add",
            hint="-i feature=FILE.md, a file with a title and acceptance criteria, or -i title='...'",
        )
    criteria = context.get_input("criteria") or ()
    if isinstance(criteria, str):
        criteria = criteria.splitlines()
    kept = tuple(" ".join(str(criterion).split()) for criterion in criteria if str(criterion).strip())
    return Feature(_one_line(str(title)), str(context.get_input("text") or ""), kept)


def read_feature(place: Path, shown: str) -> Feature:
    """A feature's file; ``shown`` is how it is called in messages. Raises UsageError."""
    try:
        if place.stat().st_size > _LARGEST:
            raise UsageError(f"{shown} is larger than {_LARGEST} bytes")
        text = place.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{shown} is not UTF-8", hint="save it as UTF-8") from error
    except OSError as error:
        raise UsageError(f"cannot read the feature {shown}: {error.strerror}") from error
    return parse_feature(text, shown)


def parse_feature(text: str, shown: str) -> Feature:
    """A feature from Markdown: its first heading is the title, the bullets below ``Acceptance Criteria`` the criteria.

    Raises UsageError that names the line.
    """
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

    nodes = SyntaxTreeNode(MarkdownIt("commonmark").parse(text)).children
    heading = next((i for i, node in enumerate(nodes) if node.type == "heading"), None)
    if heading is None or not _text(nodes[heading]):
        raise UsageError(
            f"{shown}:1: the feature has no title", hint="begin with a heading, such as '# Search for items'"
        )
    at = next((i for i, node in enumerate(nodes) if node.type == "heading" and _CRITERIA.search(_text(node))), None)
    lines = text.splitlines()
    after = _line(nodes[heading])[1]
    if at is None or at == heading:
        return Feature(_one_line(_text(nodes[heading])), "\n".join(lines[after:]).strip(), ())
    end = next(
        (i for i in range(at + 1, len(nodes)) if nodes[i].type == "heading" and nodes[i].tag <= nodes[at].tag),
        len(nodes),
    )
    criteria = [item for node in nodes[at + 1 : end] for item in _items(node)]
    begin, stop = _line(nodes[at])[0], _line(nodes[end])[0] if end < len(nodes) else len(lines)
    if not criteria:
        raise UsageError(
            f"{shown}:{begin + 1}: there are no acceptance criteria below the heading",
            hint="write them as bullets: '- ...'",
        )
    return Feature(
        _one_line(_text(nodes[heading])), "\n".join(lines[after:begin] + lines[stop:]).strip(), tuple(criteria)
    )


def _items(node: SyntaxTreeNode) -> list[str]:
    """The bullets of a list; one below another is a criterion of its own, said after the one above it."""
    if node.type not in ("bullet_list", "ordered_list"):
        return []
    found = []
    for item in node.children:
        own = " ".join(_text(child) for child in item.children if child.type == "paragraph")
        own = _CHECKBOX.sub("", _one_line(own))
        below = [criterion for child in item.children for criterion in _items(child)]
        found += [f"{own.rstrip(':')}: {criterion}" if own else criterion for criterion in below] or (
            [own] if own else []
        )
    return found


def _text(node: SyntaxTreeNode) -> str:
    """The words of a node, without its marks."""
    parts = [
        leaf.content if leaf.type in ("text", "code_inline") else " "
        for leaf in node.walk()
        if leaf.type in ("text", "code_inline", "softbreak", "hardbreak")
    ]
    return _one_line("".join(parts))


def _line(node: SyntaxTreeNode) -> tuple[int, int]:
    return node.map or (0, 0)


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _place(context: StationContext, path: str) -> Path:
    """A path as it was given: from the workspace on, or a whole one."""
    return Path(os.path.abspath(context.workspace / os.path.expanduser(path)))
