"""Rust: modules and what they use, the routes of axum, the functions that are tests."""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from mityflow_stations._analysis.model import Case, Links, Module, Route, Tree, joined, unique
from mityflow_stations._analysis.trees import SyntaxTree, addresses, line, literal, text

if TYPE_CHECKING:
    from tree_sitter import Node

_METHODS = {"get", "post", "put", "patch", "delete", "head", "options", "trace", "any"}
_DEEPEST = 20
_MOST_ATTRIBUTES = 50
_USES = """
(use_declaration argument: (_) @use)
(mod_item name: (identifier) @mod)
(scoped_identifier path: (_) @path) (scoped_type_identifier path: (_) @path)
"""
_ITEMS = """
(source_file [(function_item name: (_) @name) (struct_item name: (_) @name) (enum_item name: (_) @name)
 (trait_item name: (_) @name) (type_item name: (_) @name) (const_item name: (_) @name)] @item)
"""
_FUNCTIONS = "(function_item name: (identifier) @name) @function"
_CALLS = """
(call_expression function: (field_expression field: (field_identifier) @name)
  arguments: (arguments) @arguments (#match? @name "^(route|nest|merge|nest_service)$")) @call
"""
_TEXTS = "(string_content) @text"

Names = tuple[str, ...]
Place = tuple[str, str]
"""Who adds routes: a function, and the variable that gets them, empty without one."""


class _Raw(NamedTuple):
    uses: tuple[Names, ...]
    aliases: Mapping[str, Names]
    modules: tuple[str, ...]
    routes: tuple[tuple[Place, str, str, str, int], ...]  # place, method, path, handler, line
    parts: tuple[tuple[Place, str, Names], ...]  # place, prefix, the function or variable whose routes are added


class Rust:
    """tree-sitter's grammar reads it."""

    suffixes: tuple[str, ...] = (".rs",)

    def read(self, path: str, data: bytes) -> Module:
        """What is in one file."""
        return _read(path, SyntaxTree("rust", data))

    def is_test(self, path: str) -> bool:
        """Whether a file is one of tests, by its name."""
        return is_test(path)

    def link(self, modules: Mapping[str, Module], tree: Tree) -> Links:
        """Names are followed through the tree of modules of each crate."""
        linker = _Linker(modules, tree)
        imports, packages = {}, {}
        for path, module in modules.items():
            own: set[str] = set()
            other: set[str] = set()
            for names in module.raw.uses if module.raw else ():
                found = linker.file(path, names)
                if found:
                    own.add(found)
                elif names[0] not in _BUILT_IN and names in module.raw.aliases.values():
                    other.add(names[0])
            imports[path], packages[path] = tuple(sorted(own - {path})), tuple(sorted(other))
        return Links(imports, packages, tuple(linker.routes()))


_BUILT_IN = {"std", "core", "alloc", "crate", "self", "super", "Self"}


def is_test(path: str) -> bool:
    """Whether Cargo builds a file as a test of its own."""
    return "tests" in path.split("/")[:-1]


def _read(path: str, tree: SyntaxTree) -> Module:
    found = tree.captures(_USES)
    aliases = {
        alias: _outside(names, _depth(tree, node)) for node in found.get("use", ()) for alias, names in _used(node)
    }
    paths = [
        _outside(_names(node), _depth(tree, node)) for node in _outermost(found.get("path", ()), found.get("use", ()))
    ]
    declared = tuple(text(node) for node in found.get("mod", ()))
    defines = [text(match["name"][0]) for match in tree.matches(_ITEMS) if _is_public(match["item"][0])]
    cases = []
    for match in tree.matches(_FUNCTIONS):
        function = match["function"][0]
        if _is_case(function):
            inner = [text(n.child_by_field_name("name")) for n in tree.above(function) if n.type == "mod_item"]
            cases.append(Case("::".join([*inner[::-1], text(match["name"][0])]), line(function)))
    routes, parts = _routes(tree)
    texts = addresses(tree.captures(_TEXTS).get("text", ())) if cases else ()
    uses = unique([*aliases.values(), *((name,) for name in declared), *paths])
    return Module(
        path,
        "Rust",
        unique(defines),
        tuple(sorted(cases, key=lambda case: case.line)),
        texts,
        _Raw(tuple(names for names in uses if all(names)), aliases, declared, routes, parts),
        tree.fault,
    )


def _outermost(paths: Iterable[Node], uses: Iterable[Node]) -> Iterator[Node]:
    """The paths that are not part of a longer one, nor of a ``use``."""
    end = 0
    for node in sorted([*paths, *uses], key=lambda node: (node.start_byte, -node.end_byte)):
        if node.start_byte >= end:
            end = node.end_byte
            if node.type in ("identifier", "scoped_identifier"):
                yield node


def _depth(tree: SyntaxTree, node: Node) -> int:
    """How many modules, written inside the file, a node is in."""
    return sum(each.type == "mod_item" for each in tree.above(node))


def _outside(names: Names, depth: int) -> Names:
    """A path as the file itself would write it that a module inside of it writes."""
    while depth and names[:1] == ("super",):
        names, depth = names[1:], depth - 1
        names = names if names[:1] == ("super",) else ("self", *names)
    return names


def _used(node: Node, before: Names = ()) -> Iterator[tuple[str, Names]]:
    """Each name that a ``use`` brings in, and what it stands for."""
    pending = [(node, before)]
    while pending:
        each, above = pending.pop()
        if each.type == "scoped_use_list":
            inner = each.child_by_field_name("list")
            names = (*above, *_names(each.child_by_field_name("path")))
            pending += ((child, names) for child in (inner.named_children if inner is not None else ()))
        elif each.type == "use_list":
            pending += ((child, above) for child in each.named_children)
        elif each.type == "use_as_clause":
            yield text(each.child_by_field_name("alias")), (*above, *_names(each.child_by_field_name("path")))
        elif each.type == "use_wildcard":
            names = (*above, *_names(each.named_children[0] if each.named_children else None))
            yield f"{'::'.join(names)}::*", names
        elif each.type == "self":
            yield above[-1] if above else "self", above
        elif "comment" not in each.type:
            names = (*above, *_names(each))
            yield names[-1], names


def _names(node: Node | None) -> Names:
    return tuple(text(node).replace(" ", "").split("::")) if node is not None else ()


def _is_public(item: Node) -> bool:
    return any(child.type == "visibility_modifier" for child in item.children)


def _is_case(function: Node) -> bool:
    before = function.prev_named_sibling
    for _ in range(_MOST_ATTRIBUTES):
        if before is None or before.type not in ("attribute_item", "line_comment", "block_comment"):
            break
        attribute = before.named_children[0] if before.type == "attribute_item" and before.named_children else None
        name = text(attribute.named_children[0]) if attribute is not None and attribute.named_children else ""
        if name.rpartition("::")[2] in ("test", "rstest", "test_case"):
            return True
        before = before.prev_named_sibling
    return False


def _routes(
    tree: SyntaxTree,
) -> tuple[tuple[tuple[Place, str, str, str, int], ...], tuple[tuple[Place, str, Names], ...]]:
    routes: list[tuple[Place, str, str, str, int]] = []
    parts: list[tuple[Place, str, Names]] = []
    for match in tree.matches(_CALLS):
        call, name, given = match["call"][0], text(match["name"][0]), match["arguments"][0].named_children
        if not given:
            continue
        place, prefix = _around(tree, call)
        if name == "merge":
            parts.append((place, prefix, _begins(given[0])))
        elif len(given) > 1:
            path = literal(given[0])
            path = f"<{text(given[0])}>" if path is None else path
            if name == "route":
                at = line(match["name"][0])
                routes += ((place, method, joined(prefix, path), handler, at) for method, handler in _served(given[1]))
            elif name == "nest":
                parts.append((place, joined(prefix, path), _begins(given[1])))
    return tuple(sorted(routes, key=lambda route: route[4])), tuple(part for part in parts if part[2])


def _around(tree: SyntaxTree, call: Node) -> tuple[Place, str]:
    """Who gets the routes of a call, and the prefix of the ``nest`` that it is written inside of."""
    prefix, variable = "", ""
    for node in tree.above(call):
        if node.type == "call_expression":
            function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
            nested = function is not None and text(function.child_by_field_name("field")) == "nest"
            given = arguments.named_children if arguments is not None else []
            if nested and len(given) > 1 and call.start_byte >= given[1].start_byte:
                prefix = joined(literal(given[0]) or "", prefix)
        elif node.type == "let_declaration" and not variable:
            variable = text(node.child_by_field_name("pattern"))
        elif node.type == "function_item":
            return (text(node.child_by_field_name("name")), variable), prefix
    return ("", variable), prefix


def _begins(node: Node) -> Names:
    """The function or variable whose routes an expression stands for."""
    for _ in range(200):
        if node.type == "call_expression":
            function = node.child_by_field_name("function")
        elif node.type == "field_expression":
            function = node.child_by_field_name("value")
        elif node.type in ("identifier", "scoped_identifier"):
            names = _names(node)
            return () if names[-1] == "new" else names
        else:
            return ()
        if function is None:
            return ()
        node = function
    return ()


def _served(node: Node) -> list[tuple[str, str]]:
    """Methods and handlers of an expression such as ``get(list).post(add)``."""
    found: list[tuple[str, str]] = []
    for _ in range(50):
        function = node.child_by_field_name("function") if node.type == "call_expression" else None
        if function is None:
            break
        arguments = node.child_by_field_name("arguments")
        given = arguments.named_children if arguments is not None else []
        handler = text(given[0]) if given and given[0].type in ("identifier", "scoped_identifier") else ""
        if function.type == "field_expression":
            name, inner = text(function.child_by_field_name("field")), function.child_by_field_name("value")
        else:
            name, inner = text(function).rpartition("::")[2], None
        if name in _METHODS:
            found.append((name.upper(), handler))
        if inner is None:
            break
        node = inner
    return found[::-1] or [("ANY", "")]


class _Linker:
    """Finds the files that paths such as ``crate::items`` stand for."""

    def __init__(self, modules: Mapping[str, Module], tree: Tree) -> None:
        self._modules = modules
        self._crates: dict[str, str] = {}  # folder of the crate -> its name
        for path in tree.paths:
            if posixpath.basename(path) == "Cargo.toml":
                self._crates[posixpath.dirname(path)] = _crate_name(tree.read(path))
        self._by_place = {place: path for path in modules if (place := self._place(path)) is not None}

    def _place(self, path: str) -> tuple[str, Names] | None:
        """The crate's folder and the module's names in it."""
        folder = posixpath.dirname(path)
        while folder not in self._crates:
            if not folder:
                return None
            folder = posixpath.dirname(folder)
        inner = path.removeprefix(f"{folder}/" if folder else "")
        parts = inner.removesuffix(".rs").split("/")
        if parts[0] != "src":
            return folder, ("<file>", *parts)
        names = parts[1:]
        if names[-1] in ("mod", "lib"):
            names = names[:-1]
        elif names == ["main"] or names[0] == "bin":
            return folder, ("<file>", *names)
        return folder, tuple(names)

    def file(self, path: str, names: Names) -> str | None:
        """The file of the innermost module that a path names."""
        return self._find(path, names)[0]

    def _find(self, path: str, names: Names) -> tuple[str | None, Names]:
        """The file, and what of the path is left for a thing in it."""
        place = self._place(path)
        if place is None or not names:
            return None, names
        folder, own = place
        raw = self._modules[path].raw
        if raw is not None and names[0] in raw.aliases and raw.aliases[names[0]] != names[:1] and len(names) > 1:
            names = (*raw.aliases[names[0]], *names[1:])
        base: Names
        if names[0] == "crate":
            base, names = (), names[1:]
        elif names[0] in ("self", "super"):
            base = own
            while names and names[0] in ("self", "super"):
                base, names = (base[:-1] if names[0] == "super" else base), names[1:]
        elif raw is not None and names[0] in raw.modules:
            base = own[:-2] if own[:1] == ("<file>",) and own[1:] in (("main",),) else own
        else:
            found = next((each for each, name in self._crates.items() if name == names[0]), None)
            if found is None:
                return None, names
            folder, base, names = found, (), names[1:]
        for length in range(len(names), -1, -1):
            place = (folder, (*base, *names[:length]))
            if place in self._by_place:
                return self._by_place[place], names[length:]
        return None, names

    def routes(self) -> Iterator[Route]:
        """Every route, below the prefixes of all that its router is nested in."""
        above: dict[tuple[str, Place], list[tuple[tuple[str, Place], str]]] = {}
        for path, module in self._modules.items():
            for place, prefix, names in module.raw.parts if module.raw else ():
                for key in self._targets(path, place, names):
                    above.setdefault(key, []).append(((path, place), prefix))

        def prefixes(key: tuple[str, Place], depth: int = 0) -> list[str]:
            path, (function, variable) = key
            found = [
                joined(before, prefix)
                for parent, prefix in (above.get(key, []) if depth < _DEEPEST else [])
                for before in prefixes(parent, depth + 1)
            ]
            if not found and variable:
                return prefixes((path, (function, "")), depth + 1)
            return list(unique(found)) or [""]

        for path, module in self._modules.items():
            if module.raw is None or is_test(path):
                continue
            for place, method, address, handler, at in module.raw.routes:
                for prefix in prefixes((path, place)):
                    yield Route("http", method, joined(prefix, address), handler, path, at)

    def _targets(self, path: str, place: Place, names: Names) -> list[tuple[str, Place]]:
        """Whose routes a name stands for: a variable's of the same function, or a function's."""
        if len(names) == 1:
            raw = self._modules[path].raw
            if raw is not None and names[0] in raw.aliases:
                found, rest = self._find(path, raw.aliases[names[0]])
                return [(found, (rest[0], ""))] if found and len(rest) == 1 else []
            return [(path, (place[0], names[0])), (path, (names[0], ""))]
        found, rest = self._find(path, names)
        return [(found, (rest[0], ""))] if found and len(rest) == 1 else []


def _crate_name(data: bytes | None) -> str:
    try:
        return str(tomllib.loads((data or b"").decode("utf-8", "replace"))["package"]["name"]).replace("-", "_")
    except (tomllib.TOMLDecodeError, KeyError, TypeError, RecursionError):
        return ""
