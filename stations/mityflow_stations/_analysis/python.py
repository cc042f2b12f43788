"""Python: modules and their imports by ``ast``, the routes of FastAPI and Flask, the tests of pytest and unittest."""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from mityflow_stations._analysis.model import Case, Links, Module, Route, Tree, joined, unique

_METHODS = {"get", "post", "put", "patch", "delete", "head", "options", "trace", "websocket"}
_MANY = {"api_route", "route"}
_ROUTERS = {"FastAPI", "APIRouter", "Flask", "Blueprint"}
_DEEPEST = 20

Import = tuple[int, str, tuple[str, ...]]
"""The dots before the name, the name, and what is imported from it; nothing is for ``import name``."""
Found = tuple[str, str, str, str, int]
"""A route in its file: the router, the method, the path, what serves it, and the line."""
Key = tuple[str, str]
"""A router: its file and its name there."""


class _Raw(NamedTuple):
    imports: tuple[Import, ...]
    names: Mapping[str, str]  # what a name of the file stands for, dotted, with leading dots
    routers: Mapping[str, str]  # name -> its own prefix
    routes: tuple[Found, ...]
    includes: tuple[tuple[str, str, str], ...]  # who includes, what, below which prefix


class Python:
    """Python's own parser reads them."""

    suffixes: tuple[str, ...] = (".py",)

    def read(self, path: str, data: bytes) -> Module:
        """What is in one file."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the file's own text
                return _read(path, ast.parse(data))
        except SyntaxError as error:
            return Module(path, "Python", fault=f"syntax error in line {error.lineno or 1}: {error.msg}")
        except (ValueError, RecursionError, MemoryError) as error:
            return Module(path, "Python", fault=f"cannot be parsed: {error or type(error).__name__}")

    def is_test(self, path: str) -> bool:
        """Whether a file is one of tests, by its name."""
        return is_test(path)

    def link(self, modules: Mapping[str, Module], tree: Tree) -> Links:  # noqa: ARG002 - the same for all languages
        """Imports by the packages that the files are in; routes by who includes which router."""
        linker = _Linker(modules)
        imports, packages = {}, {}
        for path, module in modules.items():
            own, other = linker.imports(path, module.raw.imports if module.raw else ())
            imports[path], packages[path] = own, other
        return Links(imports, packages, tuple(linker.routes()))


def is_test(path: str) -> bool:
    """Whether pytest looks for tests in a file of this name."""
    name = PurePosixPath(path).name
    return name.startswith("test_") or name.endswith("_test.py") or name == "tests.py"


def _read(path: str, tree: ast.Module) -> Module:
    defines = [name for node in tree.body for name in _defined(node)]
    nodes = list(ast.walk(tree))
    later = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values[1:]}
    texts = [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in later]
    return Module(
        path,
        "Python",
        tuple(name for name in unique(defines) if not name.startswith("_")),
        tuple(_cases(tree)) if is_test(path) else (),
        unique(text for text in texts if text.startswith("/")) if is_test(path) else (),
        _Reader().raw(nodes),
    )


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def _cases(tree: ast.Module) -> Iterator[Case]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            unittest = any("TestCase" in ast.unparse(base) for base in node.bases)
            if unittest or node.name.startswith("Test"):
                yield from (case for each in node.body for case in _case(each, f"{node.name}."))
        else:
            yield from _case(node)


def _case(node: ast.stmt, owner: str = "") -> Iterator[Case]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
        yield Case(f"{owner}{node.name}", node.lineno)


class _Reader:
    """Gathers from a file's nodes, whatever they are inside of."""

    def __init__(self) -> None:
        self._imports: list[Import] = []
        self._names: dict[str, str] = {}
        self._routers: dict[str, str] = {}
        self._routes: list[Found] = []
        self._includes: list[tuple[str, str, str]] = []

    def raw(self, nodes: Iterable[ast.AST]) -> _Raw:
        """What is in the nodes."""
        for node in nodes:
            if isinstance(node, ast.Import):
                self._import(node)
            elif isinstance(node, ast.ImportFrom):
                self._import_from(node)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                self._assignment(node)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self._routers |= dict.fromkeys(_given_routers(node.args), "")
                self._routes += (route for each in node.decorator_list for route in _routes(each, node.name))
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                self._call(node, node.func)
        return _Raw(tuple(self._imports), self._names, self._routers, tuple(self._routes), tuple(self._includes))

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._imports.append((0, alias.name, ()))
            self._names[alias.asname or alias.name] = alias.name

    def _import_from(self, node: ast.ImportFrom) -> None:
        origin = node.module or ""
        self._imports.append((node.level, origin, tuple(alias.name for alias in node.names)))
        for alias in node.names:
            dotted = f"{origin}.{alias.name}" if origin else alias.name
            self._names[alias.asname or alias.name] = "." * node.level + dotted

    def _assignment(self, node: ast.Assign | ast.AnnAssign) -> None:
        if not isinstance(node.value, ast.Call):
            return
        made = _dotted(node.value.func).rpartition(".")[2]
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if made in _ROUTERS:
            prefix = _text(node.value, "prefix", "url_prefix")
            self._routers |= {name: prefix for name in map(_dotted, targets) if name}

    def _call(self, node: ast.Call, func: ast.Attribute) -> None:
        owner = _dotted(func.value)
        if func.attr in ("include_router", "register_blueprint"):
            self._includes.append((owner, _dotted(node.args[0]), _text(node, "prefix", "url_prefix")))
        elif func.attr in ("add_api_route", "add_url_rule") and isinstance(node.args[0], ast.Constant):
            path = str(node.args[0].value)
            handler = next((_dotted(arg) for arg in node.args[1:] if not isinstance(arg, ast.Constant)), "")
            self._routes += ((owner, method, path, handler, node.lineno) for method in _methods_of(node))


def _given_routers(arguments: ast.arguments) -> Iterator[str]:
    """The parameters of a function that are routers or applications, as their annotations say."""
    for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        kind = _dotted(each.annotation).rpartition(".")[2] if each.annotation else ""
        if kind in _ROUTERS:
            yield each.arg


def _routes(decorator: ast.expr, handler: str) -> Iterator[Found]:
    if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
        return
    name, owner = decorator.func.attr, _dotted(decorator.func.value)
    path = _path(decorator)
    if not owner or path is None or (path and not path.startswith("/")):
        return
    methods = [name.upper()] if name in _METHODS else _methods_of(decorator) if name in _MANY else []
    for method in methods:
        yield owner, method, path, handler, decorator.lineno


def _path(call: ast.Call) -> str | None:
    """The address that a decorator names: text, or the source of what makes it."""
    given = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "path"), None)
    if given is None:
        return None
    if isinstance(given, ast.Constant):
        return given.value if isinstance(given.value, str) else None
    return f"/<{ast.unparse(given)}>"


def _methods_of(call: ast.Call) -> list[str]:
    given = next((keyword.value for keyword in call.keywords if keyword.arg == "methods"), None)
    if not isinstance(given, ast.List | ast.Tuple | ast.Set):
        return ["GET"]
    return [str(each.value).upper() for each in given.elts if isinstance(each, ast.Constant)]


def _text(call: ast.Call, *keywords: str) -> str:
    given = next((keyword.value for keyword in call.keywords if keyword.arg in keywords), None)
    if given is None:
        return ""
    return str(given.value) if isinstance(given, ast.Constant) else f"/<{ast.unparse(given)}>"


def _dotted(node: ast.expr) -> str:
    """A name, or names with dots between them; empty for anything else."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


class _Linker:
    """Finds the files that dotted names stand for."""

    def __init__(self, modules: Mapping[str, Module]) -> None:
        self._modules = modules
        folders = {str(PurePosixPath(path).parent) for path in modules}
        self._packages = {folder for folder in folders if self._file(folder, "__init__.py") in modules}
        self._by_name: dict[str, str] = {}
        for path in modules:
            for name in self._names(path):
                self._by_name.setdefault(name, path)

    @staticmethod
    def _file(folder: str, name: str) -> str:
        return name if folder == "." else f"{folder}/{name}"

    def _names(self, path: str) -> Iterator[str]:
        """A file's name from the folder on that the outermost package around it is in, then from the top on."""
        place = PurePosixPath(path)
        parts = list(place.with_suffix("").parts)
        inner = 0
        for depth in range(len(parts) - 1, 0, -1):
            if "/".join(parts[:depth]) not in self._packages:
                break
            inner += 1
        for start in unique((len(parts) - 1 - inner, 1 if parts[0] == "src" else 0, 0)):
            name = ".".join(parts[start:]).removesuffix(".__init__")
            # A file called as a module of Python is not what others mean by that name.
            if name not in ("", "__init__") and name.partition(".")[0] not in sys.stdlib_module_names:
                yield name

    def imports(self, path: str, imports: Iterable[Import]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The files of the application that a file imports, and the packages of others."""
        own: list[str] = []
        other: list[str] = []
        for level, name, imported in imports:
            base = self._absolute(path, level, name)
            found = [self._by_name[f"{base}.{each}".lstrip(".")] for each in imported if self._known(f"{base}.{each}")]
            if base in self._by_name and (len(found) < len(imported) or not imported):
                found.append(self._by_name[base])
            if found:
                own += found
            elif not level and name.partition(".")[0] not in (*sys.stdlib_module_names, ""):
                other.append(name.partition(".")[0])
        return tuple(sorted(set(own) - {path})), tuple(sorted(set(other)))

    def _known(self, dotted: str) -> bool:
        return dotted.lstrip(".") in self._by_name

    def _absolute(self, path: str, level: int, name: str) -> str:
        if not level:
            return name
        own = next(iter(self._names(path)), "").split(".")
        is_package = PurePosixPath(path).name == "__init__.py"
        kept = own[: len(own) - level + is_package]
        return ".".join([*kept, name] if name else kept)

    def routes(self) -> Iterator[Route]:
        """Every route, below the prefixes of all that include its router."""
        parents: dict[Key, list[tuple[Key, str]]] = {}
        for path, module in self._modules.items():
            for owner, target, prefix in module.raw.includes if module.raw else ():
                key = self._router(path, target)
                if key:
                    above = self._router(path, owner) or (path, owner)
                    parents.setdefault(key, []).append((above, prefix))
        for path, module in self._modules.items():
            for owner, method, address, handler, line in module.raw.routes if module.raw else ():
                key = self._router(path, owner)
                for prefix in self._prefixes(key, parents, 0) if key else ():
                    yield Route("http", method, joined(prefix, address), handler, path, line)

    def _router(self, path: str, target: str, depth: int = 0) -> Key | None:
        """Where a router that a file calls by this name is made; None for what is no router of the application."""
        raw = self._modules[path].raw
        if raw is None or depth > _DEEPEST:
            return None
        if target in raw.routers:
            return path, target
        head, _, rest = target.partition(".")
        whole = ".".join(filter(None, (raw.names.get(head, head), rest)))
        level = len(whole) - len(whole.lstrip("."))
        dotted = self._absolute(path, level, whole.lstrip("."))
        origin, _, name = dotted.rpartition(".")
        found = self._by_name.get(origin)
        return self._router(found, name, depth + 1) if found and head in raw.names else None

    def _prefixes(self, key: Key, parents: Mapping[Key, list[tuple[Key, str]]], depth: int) -> list[str]:
        raw = self._modules[key[0]].raw
        own = raw.routers.get(key[1], "") if raw else ""
        above = parents.get(key, []) if depth < _DEEPEST else []
        found = [
            joined(before, prefix, own)
            for parent, prefix in above
            for before in self._prefixes(parent, parents, depth + 1)
        ]
        return list(unique(found)) or [own]
