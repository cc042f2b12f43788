"""JavaScript, TypeScript and Vue: imports, tests, and the routes of React Router, vue-router and Angular."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from mityflow_stations._analysis.model import Case, Links, Module, Route, Tree, joined, unique
from mityflow_stations._analysis.trees import SyntaxTree, addresses, line, literal, text

if TYPE_CHECKING:
    from tree_sitter import Node

_SUFFIXES = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".vue")
_ROUTERS = ("react-router", "vue-router", "@angular/router")
_SHOWN_BY = ("component", "element", "Component", "loadComponent", "lazy", "components", "loadChildren", "redirectTo")
_RUNNERS = {"it", "test", "specify"}
_GROUPS = {"describe", "suite", "context"}
_IMPORTS = """
(import_statement source: (string) @from)
(export_statement source: (string) @from)
(call_expression function: (import) arguments: (arguments . (string) @from))
(call_expression function: (identifier) @require arguments: (arguments . (string) @from) (#eq? @require "require"))
"""
_EXPORTS = """
(export_statement declaration: (_ name: (_) @name))
(export_statement declaration: (_ (variable_declarator name: (identifier) @name)))
(export_statement (export_clause (export_specifier name: (identifier) @name)))
"""
_CALLS = """
(call_expression function: [(identifier) (member_expression) (call_expression)] @called
  arguments: (arguments . [(string) (template_string)] @name)) @call
"""
_SCRIPTS = "(script_element) @script"
_TEXTS = "(string_fragment) @text"
_RECORDS = '(object (pair key: (property_identifier) @key (#match? @key "^(path|index)$"))) @record'
_ELEMENTS = """
[(jsx_self_closing_element name: (_) @name) (jsx_opening_element name: (_) @name)] @element
"""


class _Raw(NamedTuple):
    imports: tuple[str, ...]
    routes: tuple[tuple[tuple[str, ...], str, int], ...]  # the paths from the outside to the inside, who shows it, line
    children: tuple[tuple[tuple[str, ...], str], ...]  # the paths above, and the module that lists what is below
    scripts: tuple[str, ...] = ()  # of a page, those of the application that it loads


class JavaScript:
    """Also its dialects; of a Vue component what is in its ``<script>``."""

    suffixes: tuple[str, ...] = (*_SUFFIXES, ".html")

    def read(self, path: str, data: bytes) -> Module:
        """What is in one file."""
        suffix = PurePosixPath(path).suffix
        if suffix == ".html":
            return Module(path, "HTML", raw=_Raw((), (), (), _loaded(data)))
        name = "Vue" if suffix == ".vue" else "TypeScript" if "ts" in suffix else "JavaScript"
        grammar = "typescript" if suffix in (".ts", ".mts", ".cts") else "tsx" if suffix == ".tsx" else "javascript"
        if suffix == ".vue":
            data, grammar = _script(data)
        return _read(path, name, SyntaxTree(grammar, data))

    def is_test(self, path: str) -> bool:
        """Whether a file is one of tests, by its name."""
        return is_test(path)

    def link(self, modules: Mapping[str, Module], tree: Tree) -> Links:
        """Imports by the files that relative names and the aliases of ``tsconfig.json`` stand for."""
        aliases = _aliases(tree)
        imports, packages = {}, {}
        for path, module in modules.items():
            own: list[str] = []
            other: list[str] = []
            for name in module.raw.imports if module.raw else ():
                found = _file(path, name, tree, aliases)
                if found:
                    own.append(found)
                elif not name.startswith((".", "/", "node:")):
                    other.append("/".join(name.split("/")[: 2 if name.startswith("@") else 1]))
            imports[path] = tuple(sorted(set(own) - {path}))
            packages[path] = tuple(sorted(set(other)))
        routes = tuple(_routes(modules, tree, aliases))
        return Links(imports, packages, routes or tuple(_entries(modules)))


def is_test(path: str) -> bool:
    """Whether a runner looks for tests in a file of this name."""
    place = PurePosixPath(path)
    return ".test." in place.name or ".spec." in place.name or "__tests__" in place.parts


def _read(path: str, language: str, tree: SyntaxTree) -> Module:
    imports = unique(filter(None, map(literal, tree.captures(_IMPORTS).get("from", ()))))
    exported = tree.captures(_EXPORTS).get("name", ())
    defines = [text(node) for node in exported if node.type in ("identifier", "type_identifier")]
    if language == "Vue":
        defines.append(PurePosixPath(path).stem)
    tests = is_test(path)
    texts = addresses(tree.captures(_TEXTS).get("text", ())) if tests else ()
    routed = any(name.startswith(_ROUTERS) for name in imports) and not tests
    raw = _Raw(imports, *(_routes_in(tree) if routed else ((), ())))
    return Module(
        path,
        language,
        unique(defines),
        tuple(_cases(tree)) if tests else (),
        texts,
        raw,
        tree.fault,
    )


def _cases(tree: SyntaxTree) -> Iterator[Case]:
    """The tests, each with the names of the groups around it before its own."""
    groups: list[tuple[int, int, str]] = []
    found = [(match["call"][0], match["called"][0], match["name"][0]) for match in tree.matches(_CALLS)]
    for call, called, name in sorted(found, key=lambda each: each[0].start_byte):
        head = text(called).split(".")[0].split("(")[0].strip()
        shown = literal(name)
        shown = text(name).strip("`\"'") if shown is None else shown
        if head in _GROUPS:
            groups.append((call.start_byte, call.end_byte, shown))
        elif head in _RUNNERS:
            around = [group for start, end, group in groups if start <= call.start_byte < end]
            yield Case(" > ".join([*around, shown]), line(call))


def _routes_in(
    tree: SyntaxTree,
) -> tuple[tuple[tuple[tuple[str, ...], str, int], ...], tuple[tuple[tuple[str, ...], str], ...]]:
    routes: list[tuple[tuple[str, ...], str, int]] = []
    children: list[tuple[tuple[str, ...], str]] = []
    for record in tree.captures(_RECORDS).get("record", ()):
        keys = _keys(record)
        shown = next((keys[key] for key in _SHOWN_BY if key in keys), None)
        paths = (*_paths_above(tree, record), _path(keys.get("path")))
        if shown is None:
            continue
        below = _imported(keys.get("loadChildren"))
        if below:
            children.append((paths, below))
        else:
            routes.append((paths, _shown(shown), line(record)))
    for element in tree.captures(_ELEMENTS).get("element", ()) if tree.grammar != "typescript" else ():
        if text(element.child_by_field_name("name")) != "Route":
            continue
        given = _attributes(element)
        shown = next((given[key] for key in _SHOWN_BY if key in given), None)
        if shown is not None:
            routes.append(((*_elements_above(tree, element), _path(given.get("path"))), _shown(shown), line(element)))
    return tuple(sorted(routes, key=lambda route: route[2])), tuple(children)


def _keys(record: Node) -> dict[str, Node]:
    pairs = [pair for pair in record.named_children if pair.type == "pair"]
    values = {text(pair.child_by_field_name("key")).strip("\"'"): pair.child_by_field_name("value") for pair in pairs}
    return {key: value for key, value in values.items() if value is not None}


def _paths_above(tree: SyntaxTree, record: Node) -> tuple[str, ...]:
    paths = []
    for node in tree.above(record):
        if node.type == "object":
            keys = _keys(node)
            if "path" in keys and "children" in keys:
                paths.append(_path(keys["path"]))
        elif "function" in node.type or node.type == "statement_block":
            break
    return tuple(reversed(paths))


def _attributes(element: Node) -> dict[str, Node | None]:
    found: dict[str, Node | None] = {}
    for attribute in element.named_children:
        if attribute.type == "jsx_attribute":
            parts = attribute.named_children
            found[text(parts[0])] = parts[1] if len(parts) > 1 else None
    return found


def _elements_above(tree: SyntaxTree, element: Node) -> tuple[str, ...]:
    paths = []
    for node in tree.above(element):
        opening = node.child_by_field_name("open_tag") if node.type == "jsx_element" else None
        is_own = opening is not None and opening.start_byte == element.start_byte
        if opening is not None and not is_own and text(opening.child_by_field_name("name")) == "Route":
            paths.append(_path(_attributes(opening).get("path")))
    return tuple(reversed(paths))


def _path(node: Node | None) -> str:
    """An address: the text that is there, or the source of what makes it."""
    if node is None:
        return ""
    if node.type == "jsx_expression" and node.named_children:
        node = node.named_children[0]
    found = literal(node)
    return f"<{text(node)}>" if found is None else found


def _shown(node: Node | None) -> str:
    """What shows a page: a name, or the file that is loaded."""
    loaded = _imported(node)
    if loaded or node is None:
        return loaded
    words = text(node).strip("{}<>/ \n").split()
    return words[0].strip("\"'") if words else ""


def _imported(node: Node | None) -> str:
    """The module that an expression such as ``() => import('./page')`` loads."""
    pending = [node] if node is not None else []
    for _ in range(200):
        if not pending:
            break
        each = pending.pop()
        function = each.child_by_field_name("function") if each.type == "call_expression" else None
        if function is not None and function.type == "import":
            given = each.child_by_field_name("arguments")
            return literal(given.named_children[0]) or "" if given is not None and given.named_children else ""
        pending += each.named_children
    return ""


def _routes(modules: Mapping[str, Module], tree: Tree, aliases: Mapping[str, str]) -> Iterator[Route]:
    """The pages; those that are listed by a file which another one loads are below the paths there."""
    above: dict[str, list[tuple[str, ...]]] = {}
    for path, module in modules.items():
        for paths, name in module.raw.children if module.raw else ():
            found = _file(path, name, tree, aliases)
            if found:
                above.setdefault(found, []).append(paths)
    for path, module in modules.items():
        for paths, shown, at in module.raw.routes if module.raw else ():
            for before in above.get(path, [()]):
                yield Route("page", "", joined(*before, *paths), shown, path, at)


def _entries(modules: Mapping[str, Module]) -> Iterator[Route]:
    """Where no router says which pages there are: the HTML files that load a script of the application."""
    for path, module in modules.items():
        for script in module.raw.scripts[:1] if module.raw else ():
            yield Route("page", "", f"/{path}", script, path, 1)


def _loaded(page: bytes) -> tuple[str, ...]:
    """The scripts that a page loads and that are not somebody else's."""
    scripts = SyntaxTree("html", page).captures(_SCRIPTS).get("script", ())
    sources = [_attribute(script, "src") for script in scripts]
    return tuple(source for source in sources if source and not source.startswith(("http:", "https:", "//")))


def _script(source: bytes) -> tuple[bytes, str]:
    """The scripts of a Vue component, in the lines they are in, and their grammar."""
    whole, grammar = b"", "javascript"
    for element in SyntaxTree("html", source).captures(_SCRIPTS).get("script", ()):
        code = next((child for child in element.named_children if child.type == "raw_text"), None)
        if element.parent is None or element.parent.type != "document" or code is None:
            continue
        whole += b"\n" * (code.start_point.row - whole.count(b"\n")) + (code.text or b"")
        grammar = {"ts": "typescript", "tsx": "tsx"}.get(_attribute(element, "lang"), grammar)
    return whole, grammar


def _attribute(element: Node, name: str) -> str:
    """The value of an attribute of an element of HTML; empty without one."""
    opening = element.named_children[0]
    for attribute in opening.named_children:
        if attribute.type == "attribute" and text(attribute.named_children[0]) == name:
            return text(attribute.named_children[-1]).strip("\"'") if len(attribute.named_children) > 1 else ""
    return ""


def _aliases(tree: Tree) -> dict[str, str]:
    """What ``paths`` of the TypeScript settings say, as beginnings of names; those with comments are not read."""
    found: dict[str, str] = {}
    for path in sorted(tree.paths):
        place = PurePosixPath(path)
        if not place.name.startswith("tsconfig") or place.suffix != ".json":
            continue
        try:
            options = json.loads(tree.read(path) or b"{}").get("compilerOptions", {})
            base = posixpath.join(str(place.parent), options.get("baseUrl", "."))
            for name, targets in options.get("paths", {}).items():
                found.setdefault(name.rstrip("*"), posixpath.normpath(posixpath.join(base, targets[0].rstrip("*"))))
        except (ValueError, AttributeError, TypeError, IndexError, KeyError, RecursionError):
            continue
    return found


def _file(path: str, name: str, tree: Tree, aliases: Mapping[str, str]) -> str | None:
    """The application's file that a name in an import stands for."""
    name = name.partition("?")[0]
    if name.startswith("."):
        places = [posixpath.join(posixpath.dirname(path), name)]
    else:
        fitting = sorted((alias for alias in aliases if alias and name.startswith(alias)), key=len, reverse=True)
        places = [posixpath.join(aliases[alias], name.removeprefix(alias)) for alias in fitting]
    for place in places:
        base = posixpath.normpath(place)
        stem, suffix = posixpath.splitext(base)
        named = [base, *(base + each for each in _SUFFIXES), *(f"{base}/index{each}" for each in _SUFFIXES)]
        if suffix in (".js", ".mjs", ".cjs", ".jsx"):  # TypeScript names what a file becomes
            named += [stem + each for each in _SUFFIXES]
        for each in named:
            if each in tree.paths:
                return each
    return None
