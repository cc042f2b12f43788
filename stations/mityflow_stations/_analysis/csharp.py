"""C#: types and who uses them, the routes of minimal APIs and controllers, the tests of xUnit, NUnit and MSTest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from mityflow_stations._analysis.model import Case, Links, Module, Route, Tree, joined, unique
from mityflow_stations._analysis.trees import SyntaxTree, addresses, line, literal, text

if TYPE_CHECKING:
    from tree_sitter import Node

_MAPS = {f"Map{method.capitalize()}": method for method in ("GET", "POST", "PUT", "PATCH", "DELETE")} | {"Map": "ANY"}
_ATTRIBUTES = {f"Http{method.capitalize()}": method for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")}
_CASES = {"Fact", "Theory", "Test", "TestCase", "TestMethod", "DataTestMethod"}
_GROUP = "MapGroup"
_DEEPEST = 20
_TYPES = """
[(class_declaration name: (identifier) @name) (interface_declaration name: (identifier) @name)
 (record_declaration name: (identifier) @name) (enum_declaration name: (identifier) @name)
 (struct_declaration name: (identifier) @name)]
"""
_USES = """
(using_directive) @using (identifier) @used
(file_scoped_namespace_declaration name: (_) @namespace) (namespace_declaration name: (_) @namespace)
"""
_METHODS = "(method_declaration name: (identifier) @name) @method"
_CALLS = """
(invocation_expression function: (member_access_expression expression: (_) @on name: (_) @name)
  arguments: (argument_list) @arguments) @call
"""
_TEXTS = "(string_literal_content) @text (interpolated_string_expression (string_content) @text)"


class _Call(NamedTuple):
    """A call such as ``items.MapGet("/", List)``: in which method, on which name, below which address."""

    method: str
    on: str
    prefix: str
    name: str
    path: str
    handler: str
    line: int


class _Raw(NamedTuple):
    namespaces: tuple[str, ...]
    usings: tuple[str, ...]
    used: frozenset[str]
    extensions: Mapping[str, str]  # method -> the name of what it extends
    calls: tuple[_Call, ...]
    routes: tuple[tuple[str, str, str, int], ...]


class CSharp:
    """tree-sitter's grammar reads it."""

    suffixes: tuple[str, ...] = (".cs",)

    def read(self, path: str, data: bytes) -> Module:
        """What is in one file."""
        return _read(path, SyntaxTree("c-sharp", data.removeprefix(b"\xef\xbb\xbf")))

    def is_test(self, path: str) -> bool:
        """Whether a file is one of tests, by its name."""
        return is_test(path)

    def link(self, modules: Mapping[str, Module], tree: Tree) -> Links:  # noqa: ARG002 - the same for all languages
        """Files use those that declare a type, or extend one with a method, of a name in them."""
        places: dict[str, list[str]] = {}
        for path, module in modules.items():
            for name in (*module.defines, *(module.raw.extensions if module.raw else ())):
                places.setdefault(name, []).append(path)
        spaces = {space for module in modules.values() if module.raw for space in module.raw.namespaces}
        imports, packages = {}, {}
        for path, module in modules.items():
            used = module.raw.used if module.raw else ()
            own = {found for name in used if len(places.get(name, ())) == 1 for found in places[name]}
            imports[path] = tuple(sorted(own - {path}))
            packages[path] = tuple(sorted(set(module.raw.usings) - spaces)) if module.raw else ()
        return Links(imports, packages, tuple(_linked(modules)))


def is_test(path: str) -> bool:
    """Whether a file belongs to a project of tests, by its folder's name or its own."""
    folders = path.split("/")[:-1]
    return path.endswith(("Tests.cs", "Test.cs")) or any(part.endswith(("Tests", ".Test", "tests")) for part in folders)


def _read(path: str, tree: SyntaxTree) -> Module:
    found = tree.captures(_USES)
    usings = [text(node).removeprefix("using").rstrip("; ").strip() for node in found.get("using", ())]
    used = frozenset(text(node) for node in found.get("used", ()))
    defines = [text(match["name"][0]) for match in tree.matches(_TYPES)]
    extensions: dict[str, str] = {}
    cases: list[Case] = []
    routes: list[tuple[str, str, str, int]] = []
    for match in tree.matches(_METHODS):
        method, name = match["method"][0], text(match["name"][0])
        extended = _extended(method)
        if extended:
            extensions[name] = extended
        marks = _attributes(method)
        if marks.keys() & _CASES:
            cases.append(Case(".".join([*_types_around(tree, method), name]), line(method)))
        routes += _controller_routes(tree, method, marks, name)
    texts = addresses(tree.captures(_TEXTS).get("text", ())) if is_test(path) else ()
    raw = _Raw(
        unique(text(node) for node in found.get("namespace", ())),
        unique(name for name in usings if name and "=" not in name),
        used,
        extensions,
        tuple(_calls(tree)),
        tuple(routes),
    )
    return Module(
        path,
        "C#",
        unique(defines),
        tuple(sorted(cases, key=lambda case: case.line)),
        texts,
        raw,
        tree.fault,
    )


def _types_around(tree: SyntaxTree, node: Node) -> list[str]:
    names = [
        text(each.child_by_field_name("name"))
        for each in tree.above(node)
        if each.type in ("class_declaration", "record_declaration", "struct_declaration")
    ]
    return names[::-1]


def _attributes(node: Node) -> dict[str, str]:
    """The attributes of a declaration by their names, each with the first text that it is given."""
    found = {}
    for attributes in node.children:
        for each in attributes.named_children if attributes.type == "attribute_list" else ():
            name = text(each.child_by_field_name("name")).rpartition(".")[2].removesuffix("Attribute")
            given = next((child for child in each.named_children if child.type == "attribute_argument_list"), None)
            values = (
                [value for each in given.named_children for value in each.named_children] if given is not None else []
            )
            found[name] = next((value for value in map(literal, values) if value is not None), "")
    return found


def _extended(method: Node) -> str:
    """The name of the parameter that a method extends, empty for any other method."""
    parameters = method.child_by_field_name("parameters")
    first = parameters.named_children[0] if parameters is not None and parameters.named_children else None
    if first is None or not any(child.type == "modifier" and text(child) == "this" for child in first.children):
        return ""
    return text(first.child_by_field_name("name"))


def _controller_routes(
    tree: SyntaxTree, method: Node, marks: Mapping[str, str], name: str
) -> Iterator[tuple[str, str, str, int]]:
    verbs = [mark for mark in marks if mark in _ATTRIBUTES]
    if not verbs:
        return
    holder = next((node for node in tree.above(method) if node.type == "class_declaration"), None)
    around = _attributes(holder) if holder is not None else {}
    owner = text(holder.child_by_field_name("name")) if holder is not None else ""
    before = around.get("Route", "")
    for verb in verbs:
        own = marks[verb] or marks.get("Route", "")
        whole = own.removeprefix("~") if own.startswith(("/", "~/")) else joined(before, own)
        words = {"[controller]": owner.removesuffix("Controller"), "[action]": name}
        for word, value in words.items():
            whole = whole.replace(word, value)
        yield _ATTRIBUTES[verb], joined(whole), f"{owner}.{name}", line(method)


def _calls(tree: SyntaxTree) -> Iterator[_Call]:
    """Calls by name, each with the name it begins with and the groups of addresses that it is in."""
    groups: dict[tuple[str, str], tuple[str, str]] = {}  # (method, variable) -> what it groups, below which prefix
    matches = [(m["call"][0], m["on"][0], m["name"][0], m["arguments"][0]) for m in tree.matches(_CALLS)]
    for call, on, name, arguments in sorted(matches, key=lambda each: (each[0].start_byte, -each[0].end_byte)):
        called = text(name).partition("<")[0]
        if not called.startswith("Map"):
            continue
        method, variable = _around(tree, call)
        base, prefix = _chain(on)
        given = [part for argument in arguments.named_children for part in argument.named_children[-1:]]
        first = literal(given[0]) if given else None
        path = first if first is not None else f"<{text(given[0])}>" if given else ""
        if (method, base) in groups:
            base, above = groups[method, base]
            prefix = joined(above, prefix)
        if called == _GROUP:
            if variable:
                groups[method, variable] = (base, joined(prefix, path))
        else:
            handler = text(given[1]) if len(given) > 1 and given[1].type in _NAMES else ""
            yield _Call(method, base, prefix, called, path, handler, line(name))


_NAMES = ("identifier", "member_access_expression")


def _around(tree: SyntaxTree, node: Node) -> tuple[str, str]:
    """The method that a call is in, empty at the top, and the variable that gets its value."""
    variable = ""
    for each in tree.above(node):
        if each.type == "variable_declarator" and not variable:
            variable = text(each.child_by_field_name("name") or each.named_children[0])
        elif each.type in ("method_declaration", "local_function_statement"):
            return text(each.child_by_field_name("name")), variable
    return "", variable


def _chain(node: Node) -> tuple[str, str]:
    """What a chain of calls begins with, and the prefix that its groups add."""
    prefix = ""
    for _ in range(200):
        function = node.child_by_field_name("function") if node.type == "invocation_expression" else None
        if function is None or function.type != "member_access_expression":
            break
        if text(function.child_by_field_name("name")) == _GROUP:
            arguments = node.child_by_field_name("arguments")
            given = (
                [part for each in arguments.named_children for part in each.named_children]
                if arguments is not None
                else []
            )
            prefix = joined((literal(given[0]) or f"<{text(given[0])}>") if given else "", prefix)
        inner = function.child_by_field_name("expression")
        if inner is None:
            break
        node = inner
    return text(node), prefix


def _linked(modules: Mapping[str, Module]) -> Iterator[Route]:
    """The routes; those of a method that extends a group are below what it is called on."""
    extensions = {name: on for module in modules.values() if module.raw for name, on in module.raw.extensions.items()}
    callers: dict[str, list[_Call]] = {}
    for module in modules.values():
        for call in module.raw.calls if module.raw else ():
            if call.name in extensions:
                callers.setdefault(call.name, []).append(call)

    def prefixes(call: _Call, depth: int = 0) -> list[str]:
        if extensions.get(call.method) != call.on or depth > _DEEPEST:
            return [call.prefix]
        above = [found for caller in callers.get(call.method, ()) for found in prefixes(caller, depth + 1)]
        return [joined(found, call.prefix) for found in unique(above or [""])]

    for path, module in modules.items():
        if module.raw is None or is_test(path):
            continue
        found = [
            Route("http", _MAPS[call.name], joined(prefix, call.path), call.handler, path, call.line)
            for call in module.raw.calls
            if call.name in _MAPS and call.name not in extensions
            for prefix in prefixes(call)
        ]
        found += (
            Route("http", method, address, handler, path, at) for method, address, handler, at in module.raw.routes
        )
        yield from sorted(found, key=lambda route: route.line)
