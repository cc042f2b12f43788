"""The text of a YAML file as a tree of nodes that know where they stand.

``parse`` reads UTF-8 YAML with the scalars of the YAML 1.2 core schema and returns every fault of this
layer at once. It never raises for what a file holds, and its time and memory are bounded by the limits
below. Of several documents only the first is read; tags, non-text keys and duplicate keys are faults.

Faults have these rules: ``size``, ``encoding``, ``character``, ``directive``, ``syntax``, ``empty``,
``multiple-documents``, ``too-deep``, ``too-many-nodes``, ``tag``, ``duplicate-key``,
``yaml-1.1-boolean``, ``non-string-key``, ``unknown-alias``, ``recursive-alias``, ``merge``, ``number``
and ``too-many-faults``.
"""

from __future__ import annotations

from typing import NamedTuple

from mityflow.errors import Fault
from mityflow.source.compose import compose
from mityflow.source.nodes import Node
from mityflow.source.places import MAX_BYTES, MAX_LISTED, MAX_NODES, MAX_SHOWN, Faults, Lines, Place
from mityflow.source.text import decode, replace_directives, replace_forbidden

__all__ = ["MAX_BYTES", "MAX_LISTED", "MAX_NODES", "MAX_SHOWN", "Node", "Place", "Source", "line_text", "parse"]


class Source(NamedTuple):
    """What was read of a file: its text without a byte order mark, its tree, its faults by place.

    ``root`` is None when the file has no tree that could be read to its end.
    """

    path: str
    text: str
    root: Node | None
    faults: list[Fault]
    lines: Lines


def parse(data: bytes, path: str) -> Source:
    """Read the bytes of a YAML file. ``path`` is its name in faults; nothing is opened."""
    text, refusal = decode(data)
    lines = Lines(text)
    faults = Faults(path, lines)
    root = None
    if refusal is not None:
        faults.add(*refusal)
    else:
        root = compose(replace_directives(replace_forbidden(text, faults), faults), lines, faults)
    return Source(path, text, root, faults.listed(), lines)


def line_text(source: Source, line: int) -> str:
    """A line for display, without its end and cut after ``MAX_SHOWN`` characters."""
    return source.lines.line(line)[:MAX_SHOWN]
