"""Graphs as text for other programs: Mermaid, and the DOT language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

from mityflow.graph import Graph, Group, Node

COLOURS = {
    "succeeded": ("#d9f2e0", "#1a7f37"),
    "cached": ("#d8ecf7", "#0b6e99"),
    "failed": ("#fbdcdc", "#b42318"),
    "skipped": ("#eeeeee", "#767676"),
    "waiting": ("#fff1cc", "#946200"),
    "cancelled": ("#f3e3f7", "#7a3e8e"),
    "running": ("#dce6fb", "#1f4fa3"),
    "not run": ("#ffffff", "#9a9a9a"),
}
"""Fill and line of each state, dark enough on light to be read."""


def mermaid(graph: Graph) -> str:
    """The graph as a Mermaid flowchart."""
    names = {node.id: f"n{i}" for i, node in enumerate(graph.root.nodes())}
    lines = ["flowchart TD"]
    counter = iter(range(10**9))

    def parts(group: Group, indent: str) -> Iterator[str]:
        for part in group.parts:
            if isinstance(part, Node):
                text = "<br/>".join(_mermaid_text(line) for line in part.lines)
                yield f'{indent}{names[part.id]}["{text}"]' + (f":::{_class(part.state)}" if part.state else "")
            else:
                yield f'{indent}subgraph g{next(counter)}["{_mermaid_text(part.title)}"]'
                yield from parts(part, indent + "  ")
                yield f"{indent}end"

    lines += parts(graph.root, "  ")
    for edge in graph.edges:
        arrow = f'-->|"{_mermaid_text(edge.why)}"|' if edge.why else "-.->"
        lines.append(f"  {names[edge.source]} {arrow} {names[edge.target]}")
    for state in dict.fromkeys(node.state for node in graph.root.nodes() if node.state):
        fill, line = COLOURS[state]
        lines.append(f"  classDef {_class(state)} fill:{fill},stroke:{line},color:#1f2328")
    return "\n".join(lines) + "\n"


def _class(state: str) -> str:
    return "is-" + state.replace(" ", "-")


def _mermaid_text(text: str) -> str:
    """Text in which nothing means anything to Mermaid: what might is written as its code."""
    return "".join(c if c.isalnum() or c in " .,:/_()-=+'" else f"#{ord(c)};" for c in " ".join(text.split()))


def dot(graph: Graph) -> str:
    """The graph in the DOT language."""
    names = {node.id: f"n{i}" for i, node in enumerate(graph.root.nodes())}
    lines = ["digraph workflow {", f"  label={_dot_text([graph.root.title])};", '  labelloc="t";']
    lines += ['  node [shape=box, style="rounded,filled", fillcolor="#ffffff", fontname="Helvetica"];']
    lines += ['  edge [fontname="Helvetica", fontsize=10];']
    counter = iter(range(10**9))

    def parts(group: Group, indent: str) -> Iterator[str]:
        for part in group.parts:
            if isinstance(part, Node):
                fill, line = COLOURS.get(part.state, ("#ffffff", "#57606a"))
                yield f'{indent}{names[part.id]} [label={_dot_text(part.lines)}, fillcolor="{fill}", color="{line}"];'
            else:
                yield f"{indent}subgraph cluster_{next(counter)} {{"
                yield f'{indent}  label={_dot_text([part.title])}; style="rounded"; color="#8c959f";'
                yield from parts(part, indent + "  ")
                yield indent + "}"

    lines += parts(graph.root, "  ")
    for edge in graph.edges:
        looks = f"label={_dot_text([edge.why])}" if edge.why else "style=dashed"
        lines.append(f"  {names[edge.source]} -> {names[edge.target]} [{looks}];")
    return "\n".join([*lines, "}"]) + "\n"


def _dot_text(lines: list[str] | tuple[str, ...]) -> str:
    escaped = (" ".join(line.split()).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'
