"""Graphs as SVG pictures, drawn here: rows of boxes from top to bottom, groups as boxes around their own rows.

What comes after something stands in a row below it. Boxes of a row stand side by side, so none covers another. An arrow
to a row further down goes around, through the gaps between rows and a lane of its own at the right.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from xml.sax.saxutils import escape

from mityflow.graph import Edge, Graph, Group, Node
from mityflow.graph_text import COLOURS

_LINE, _CHARACTER, _LONGEST = 17.0, 7.1, 44
_PAD, _GAP, _ROW_GAP, _LANE, _TITLE = 12.0, 28.0, 42.0, 14.0, 22.0
_LANES = 12

_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.name { font-weight: 600; }
.why, .title { fill: #57606a; font-size: 11px; }
.box { fill: #ffffff; stroke: #57606a; }
.group { fill: none; stroke: #8c959f; stroke-dasharray: 4 3; }
.arrow { fill: none; stroke: #57606a; }
.order { stroke-dasharray: 3 4; }
.head { fill: #57606a; }
@media (prefers-color-scheme: dark) {
  .title, .why { fill: #adbac7; }
  .group, .arrow { stroke: #adbac7; }
  .head { fill: #adbac7; }
}
"""


class Box(NamedTuple):
    """Where something stands, in pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.height

    @property
    def middle(self) -> float:
        """The middle of its upper and lower edge."""
        return self.x + self.width / 2


class Row(NamedTuple):
    """A row of a group: which, and from where to where it reaches."""

    group: Group
    number: int
    top: float
    bottom: float


class Layout(NamedTuple):
    """Where everything stands: nodes by id, groups with their titles, and the size of the whole.

    ``rows`` has for each node the rows it stands in, that of the outermost group first.
    """

    nodes: dict[str, Box]
    groups: list[tuple[str, Box]]
    rows: dict[str, tuple[Row, ...]]
    width: float
    height: float


class _Block(NamedTuple):
    """A node or a group with its size, and all that is in it, relative to its own corner."""

    width: float
    height: float
    nodes: dict[str, Box]
    groups: list[tuple[str, Box]]
    rows: dict[str, tuple[Row, ...]]

    def moved(self, x: float, y: float) -> _Block:
        """The same, seen from a corner that is so far away."""
        rows = {n: tuple(r._replace(top=r.top + y, bottom=r.bottom + y) for r in each) for n, each in self.rows.items()}
        nodes = {name: _moved(box, x, y) for name, box in self.nodes.items()}
        return _Block(self.width, self.height, nodes, [(t, _moved(b, x, y)) for t, b in self.groups], rows)


def layout(graph: Graph) -> Layout:
    """Find a place for every box; none covers another."""
    root = _rows(graph.root, graph.edges).moved(_PAD, _PAD + _TITLE)
    lanes = sum(1 for edge in graph.edges if _way(root.rows, edge)[2])
    title = len(graph.root.title) * _CHARACTER
    width = max(root.width, title) + 2 * _PAD + ((min(lanes, _LANES) + 1) * _LANE if lanes else 0)
    return Layout(root.nodes, root.groups, root.rows, width, root.height + 2 * _PAD + _TITLE)


def _way(rows: dict[str, tuple[Row, ...]], edge: Edge) -> tuple[float, float, bool]:
    """Where the row of the source ends and that of the target begins, and whether there is one between."""
    pairs = zip(rows[edge.source], rows[edge.target], strict=False)
    source, target = next((s, t) for s, t in pairs if s.group is t.group and s.number != t.number)
    return source.bottom, target.top, target.number - source.number > 1


def _rows(group: Group, edges: tuple[Edge, ...]) -> _Block:
    """The parts of a group in rows, each below all that it comes after."""
    part_of = {}
    for i, part in enumerate(group.parts):
        for node in [part] if isinstance(part, Node) else part.nodes():
            part_of[node.id] = i
    after: dict[int, set[int]] = {i: set() for i in range(len(group.parts))}
    for edge in edges:
        source, target = part_of.get(edge.source), part_of.get(edge.target)
        if source is not None and target is not None and source < target:
            after[target].add(source)
    row_of: dict[int, int] = {}
    for i in range(len(group.parts)):
        row_of[i] = max((row_of[j] + 1 for j in after[i]), default=0)
    blocks = [_node(part) if isinstance(part, Node) else _framed(part, edges) for part in group.parts]
    rows: list[list[_Block]] = [[] for _ in range(max(row_of.values(), default=-1) + 1)]
    for i, block in enumerate(blocks):
        rows[row_of[i]].append(block)
    width = max((_row_width(row) for row in rows), default=0.0)
    whole = _Block(width, 0.0, {}, [], {})
    y = 0.0
    for number, row in enumerate(rows):
        x = (width - _row_width(row)) / 2
        height = max(block.height for block in row)
        for block in row:
            placed = block.moved(x, y)
            this = Row(group, number, y, y + height)
            whole.nodes.update(placed.nodes)
            whole.groups.extend(placed.groups)
            whole.rows.update({name: (this, *placed.rows.get(name, ())) for name in placed.nodes})
            x += block.width + _GAP
        y += height + _ROW_GAP
    return whole._replace(height=max(0.0, y - _ROW_GAP))


def _row_width(row: list[_Block]) -> float:
    return sum(block.width for block in row) + _GAP * (len(row) - 1)


def _node(node: Node) -> _Block:
    width = max(len(_short(line)) for line in node.lines) * _CHARACTER + 2 * _PAD
    height = len(node.lines) * _LINE + _PAD
    return _Block(width, height, {node.id: Box(0, 0, width, height)}, [], {})


def _framed(group: Group, edges: tuple[Edge, ...]) -> _Block:
    inner = _rows(group, edges)
    width = max(inner.width, len(_short(group.title)) * _CHARACTER) + 2 * _PAD
    height = inner.height + 2 * _PAD + _TITLE
    placed = inner.moved((width - inner.width) / 2, _PAD + _TITLE)
    return _Block(width, height, placed.nodes, [(group.title, Box(0, 0, width, height)), *placed.groups], placed.rows)


def _moved(box: Box, x: float, y: float) -> Box:
    return box._replace(x=box.x + x, y=box.y + y)


def _short(text: str) -> str:
    text = "".join(c if c.isprintable() else " " for c in text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def svg(graph: Graph) -> str:
    """The graph as an SVG document, complete in itself."""
    places = layout(graph)
    width, height = f"{places.width:.0f}", f"{places.height:.0f}"
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{_text(graph.root.title)}</title>",
        f"<desc>{_text('; '.join(': '.join(node.lines) for node in graph.root.nodes()))}</desc>",
        f"<style>{_STYLE}{''.join(_state_style())}</style>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path class="head" d="M0,0 L8,4 L0,8 z"/></marker></defs>',
        f'<text class="name title" x="{_PAD}" y="{_PAD + 6}">{_text(graph.root.title)}</text>',
    ]
    for title, box in places.groups:
        lines.append(f'<rect class="group" rx="8" {_at(box)}/>')
        lines.append(f'<text class="title" x="{box.x + _PAD:.1f}" y="{box.y + 16:.1f}">{_text(_short(title))}</text>')
    lines += _arrows(graph, places)
    for node in graph.root.nodes():
        lines += _drawn(node, places.nodes[node.id])
    return "\n".join([*lines, "</svg>"]) + "\n"


def _state_style() -> Iterator[str]:
    for state, (fill, line) in COLOURS.items():
        yield f".{_class(state)} {{ fill: {fill}; stroke: {line}; }}\n"


def _class(state: str) -> str:
    return "is-" + state.replace(" ", "-")


def _at(box: Box) -> str:
    return f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'


def _drawn(node: Node, box: Box) -> Iterator[str]:
    yield f"<g><title>{_text(' - '.join((node.id, *node.lines[1:])))}</title>"
    yield f'<rect class="box {_class(node.state) if node.state else ""}" rx="6" {_at(box)}/>'
    for i, line in enumerate(node.lines):
        y = box.y + _PAD / 2 + (i + 0.75) * _LINE
        name = ' class="name"' if i == 0 else ""
        yield f'<text{name} text-anchor="middle" x="{box.middle:.1f}" y="{y:.1f}">{_text(_short(line))}</text>'
    yield "</g>"


def _arrows(graph: Graph, places: Layout) -> Iterator[str]:
    lane = 0
    right = places.width - _LANE * 1.5
    for edge in graph.edges:
        source, target = places.nodes[edge.source], places.nodes[edge.target]
        start, end = (source.middle, source.bottom), (target.middle, target.y - 2)
        leave, arrive, around = _way(places.rows, edge)
        if around:
            x = right - (lane % _LANES) * _LANE
            down, up = leave + _ROW_GAP / 3, arrive - _ROW_GAP / 3
            points = [start, (start[0], down), (x, down), (x, up), (end[0], up), end]
            path = "M" + " L".join(f"{px:.1f},{py:.1f}" for px, py in points)
            label = (x - 4, (down + up) / 2 + (lane % _LANES) * _LINE, "end")
            lane += 1
        else:
            half = (leave + arrive) / 2
            path = (
                f"M{start[0]:.1f},{start[1]:.1f} L{start[0]:.1f},{leave:.1f}"
                f" C{start[0]:.1f},{half:.1f} {end[0]:.1f},{half:.1f} {end[0]:.1f},{arrive:.1f}"
                f" L{end[0]:.1f},{end[1]:.1f}"
            )
            label = ((start[0] + end[0]) / 2 + 6, half + 4, "start")
        yield f'<path class="{"arrow" if edge.why else "arrow order"}" marker-end="url(#head)" d="{path}"/>'
        if edge.why:
            x, y, anchor = label
            yield f'<text class="why" text-anchor="{anchor}" x="{x:.1f}" y="{y:.1f}">{_text(_short(edge.why))}</text>'


def _text(text: str) -> str:
    """Text that is text in XML, whatever it holds."""
    return escape("".join(c if c.isprintable() else " " for c in text), {'"': "&quot;"})
