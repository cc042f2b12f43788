"""Java: types and who uses them, the routes of Spring and JAX-RS, the tests of JUnit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from mityflow_stations._analysis.model import Case, Links, Module, Route, Tree, joined, unique
from mityflow_stations._analysis.trees import SyntaxTree, addresses, line, literal, text

if TYPE_CHECKING:
    from tree_sitter import Node

_SPRING = {f"{method.capitalize()}Mapping": method for method in ("GET", "POST", "PUT", "PATCH", "DELETE")}
_JAX = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
_CASES = {"Test", "ParameterizedTest", "RepeatedTest", "TestFactory", "TestTemplate"}
_TYPES = """
[(class_declaration name: (identifier) @name) (interface_declaration name: (identifier) @name)
 (record_declaration name: (identifier) @name) (enum_declaration name: (identifier) @name)
 (annotation_type_declaration name: (identifier) @name)] @type
"""
_USES = (
    "(import_declaration (_) @import) (package_declaration (_) @package) (type_identifier) @used (identifier) @named"
)
_METHODS = "(method_declaration name: (identifier) @name) @method"
_TEXTS = "(string_fragment) @text"

Annotations = dict[str, dict[str, "Node | None"]]


class _Raw(NamedTuple):
    package: str
    imports: tuple[str, ...]
    used: frozenset[str]
    routes: tuple[tuple[str, str, str, int], ...]


class Java:
    """tree-sitter's grammar reads it."""

    suffixes: tuple[str, ...] = (".java",)

    def read(self, path: str, data: bytes) -> Module:
        """What is in one file."""
        return _read(path, SyntaxTree("java", data))

    def is_test(self, path: str) -> bool:
        """Whether a file is one of tests, by its name."""
        return is_test(path)

    def link(self, modules: Mapping[str, Module], tree: Tree) -> Links:  # noqa: ARG002 - the same for all languages
        """Types are looked for in a file's own package, then among what it imports."""
        places = {
            f"{module.raw.package}.{name}".lstrip("."): path
            for path, module in modules.items()
            if module.raw
            for name in module.defines
        }
        packages = {module.raw.package for module in modules.values() if module.raw}
        imports, others = {}, {}
        for path, module in modules.items():
            own, other = _uses(module.raw, places, packages) if module.raw else ([], [])
            imports[path] = tuple(sorted(set(own) - {path}))
            others[path] = tuple(sorted(set(other)))
        routes = tuple(
            Route("http", method, address, handler, path, at)
            for path, module in modules.items()
            for method, address, handler, at in (module.raw.routes if module.raw else ())
        )
        return Links(imports, others, routes)


def is_test(path: str) -> bool:
    """Whether a file is among the tests, as Maven and Gradle lay them out."""
    return "src/test/" in f"/{path}" or path.endswith(("Test.java", "Tests.java", "IT.java"))


def _uses(raw: _Raw, places: Mapping[str, str], packages: set[str]) -> tuple[list[str], list[str]]:
    own = [
        places[f"{raw.package}.{name}".lstrip(".")]
        for name in raw.used
        if f"{raw.package}.{name}".lstrip(".") in places
    ]
    other = []
    for name in raw.imports:
        head, _, last = name.rpartition(".")
        if last == "*" and head in packages:
            own += (places[f"{head}.{each}"] for each in raw.used if f"{head}.{each}" in places)
        elif name in places or head in places:  # a type, or a static member of one
            own.append(places.get(name) or places[head])
        else:
            other.append(head if last == "*" or last[:1].isupper() else head.rpartition(".")[0])
    return own, other


def _read(path: str, tree: SyntaxTree) -> Module:
    found = tree.captures(_USES)
    used = {text(node) for key in ("used", "named") for node in found.get(key, ())}
    imports = [text(node) for node in found.get("import", ()) if node.type != "asterisk"]
    stars = {text(node) for node in found.get("import", ()) if node.next_named_sibling is not None}
    package = next((text(node) for node in found.get("package", ()) if node.type != "modifiers"), "")
    types = [(match["type"][0], text(match["name"][0])) for match in tree.matches(_TYPES)]
    outermost = [name for node, name in types if node.parent is not None and node.parent.type == "program"]
    cases: list[Case] = []
    routes: list[tuple[str, str, str, int]] = []
    for match in tree.matches(_METHODS):
        method, name = match["method"][0], text(match["name"][0])
        marks = _annotations(method)
        if marks.keys() & _CASES:
            cases.append(Case(".".join([*_types_around(tree, method), name]), line(method)))
        routes += _routes(tree, method, marks, name)
    texts = addresses(tree.captures(_TEXTS).get("text", ())) if is_test(path) else ()
    raw = _Raw(
        package,
        unique(f"{name}.*" if name in stars else name for name in imports),
        frozenset(used),
        tuple(sorted(routes, key=lambda route: route[3])),
    )
    return Module(
        path,
        "Java",
        unique(outermost),
        tuple(sorted(cases, key=lambda case: case.line)),
        texts,
        raw,
        tree.fault,
    )


def _types_around(tree: SyntaxTree, node: Node) -> list[str]:
    names = [
        text(each.child_by_field_name("name"))
        for each in tree.above(node)
        if each.type in ("class_declaration", "record_declaration", "interface_declaration")
    ]
    return names[::-1]


def _annotations(node: Node) -> Annotations:
    """The annotations of a declaration by their names, each with its values; that without a name is ``value``."""
    modifiers = next((child for child in node.children if child.type == "modifiers"), None)
    found: Annotations = {}
    for each in modifiers.named_children if modifiers is not None else ():
        if each.type in ("annotation", "marker_annotation"):
            values: dict[str, Node | None] = {}
            arguments = each.child_by_field_name("arguments")
            for value in arguments.named_children if arguments is not None else ():
                if value.type == "element_value_pair":
                    values[text(value.child_by_field_name("key"))] = value.child_by_field_name("value")
                elif "comment" not in value.type:
                    values["value"] = value
            found[text(each.child_by_field_name("name")).rpartition(".")[2]] = values
    return found


def _routes(tree: SyntaxTree, method: Node, marks: Annotations, name: str) -> Iterator[tuple[str, str, str, int]]:
    spring = next((mark for mark in marks if mark in _SPRING or mark == "RequestMapping"), None)
    jax = sorted(marks.keys() & _JAX)
    if spring is None and not jax:
        return
    holder = next(
        (node for node in tree.above(method) if node.type in ("class_declaration", "interface_declaration")), None
    )
    around = _annotations(holder) if holder is not None else {}
    handler = f"{text(holder.child_by_field_name('name'))}.{name}" if holder is not None else name
    at = line(method)
    if spring is not None:
        methods = [_SPRING[spring]] if spring in _SPRING else _methods(marks[spring].get("method"))
        before = _paths(around.get("RequestMapping", {}))
        own = _paths(marks[spring])
    else:
        methods, before, own = jax, _paths(around.get("Path", {})), _paths(marks.get("Path", {}))
    for outer in before:
        for inner in own:
            for verb in methods:
                yield verb, joined(outer, inner), handler, at


def _paths(values: Mapping[str, Node | None]) -> list[str]:
    """What an annotation names: texts, or the source of what makes them."""
    given = values.get("value") or values.get("path")
    if given is None:
        return [""]
    each = given.named_children if given.type == "element_value_array_initializer" else [given]
    found = [(literal(node), node) for node in each]
    return [f"<{text(node)}>" if value is None else value for value, node in found] or [""]


def _methods(node: Node | None) -> list[str]:
    if node is None:
        return ["ANY"]
    each = node.named_children if node.type == "element_value_array_initializer" else [node]
    return [text(value).rpartition(".")[2] for value in each]
