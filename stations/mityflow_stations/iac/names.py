"""Names in Terraform's modules: what is declared twice or nowhere, and calls that do not fit."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from mityflow.sdk import Finding, nearest
from mityflow_stations.iac.hcl import Block, Place, Reference
from mityflow_stations.iac.modules import Module, finding

_ROOTS = ("each", "count", "path", "terraform", "self", "ephemeral")
_OF_CALLS = ("source", "version", "count", "for_each", "depends_on", "providers")
_MANY = 500
"""Names among which one that is meant is looked for."""
_ABOUT_STATE = ("moved", "removed", "import")
"""Blocks that name what is in the state, and not what is declared."""
_DECLARED_ONCE = ("variable", "output", "module", "resource", "data")
# What 'terraform metadata functions' lists, of Terraform 1.15.
_WORDS = """
    abs abspath alltrue anytrue base64decode base64encode base64gzip base64sha256 base64sha512 basename bcrypt can
    ceil chomp chunklist cidrhost cidrnetmask cidrsubnet cidrsubnets coalesce coalescelist compact concat contains
    convert csvdecode dirname distinct element endswith ephemeralasnull file filebase64 filebase64sha256
    filebase64sha512 fileexists filemd5 fileset filesha1 filesha256 filesha512 flatten floor format formatdate
    formatlist indent index issensitive join jsondecode jsonencode keys length log lookup lower matchkeys max md5
    merge min nonsensitive one parseint pathexpand plantimestamp pow range regex regexall replace reverse rsadecrypt
    sensitive setintersection setproduct setsubtract setunion sha1 sha256 sha512 signum slice sort split startswith
    strcontains strrev substr sum templatefile templatestring textdecodebase64 textencodebase64 timeadd timecmp
    timestamp title tobool tolist tomap tonumber toset tostring transpose trim trimprefix trimspace trimsuffix try
    upper urlencode uuid uuidv5 values yamldecode yamlencode zipmap list map
"""
_FUNCTIONS = frozenset(_WORDS.split())
_TYPES = frozenset(["list", "set", "map", "object", "tuple", "optional"])

Declared = Mapping[str, Mapping[str, Place]]


def check(modules: Mapping[str, Module]) -> Iterator[Finding]:
    """What is wrong with the names of modules that could be read."""
    for module in (module for module in modules.values() if module.whole):
        declared = _declared(module)
        yield from _twice(module)
        yield from _references(module, declared, modules)
        yield from _functions(module)
        yield from _unused(module, declared)
        yield from _calls(module, modules)
        yield from _values(module, declared)


def _declared(module: Module) -> Declared:
    """What a module declares: of each kind the names, with the place of each."""
    return {
        "var": {b.labels[0]: b.place for b in module.of("variable") if b.labels},
        "local": {a.name: a.place for b in module.of("locals") for a in b.arguments.values()},
        "module": {b.labels[0]: b.place for b in module.of("module") if b.labels},
        "data": {".".join(b.labels): b.place for b in module.of("data")},
        "resource": {".".join(b.labels): b.place for b in (*module.of("resource"), *module.of("ephemeral"))},
    }


def _twice(module: Module) -> Iterator[Finding]:
    seen: dict[tuple[str, str], Place] = {}
    for block in module.blocks:
        if block.type in _DECLARED_ONCE:
            name = ".".join(block.labels)
            first = seen.setdefault((block.type, name), block.place)
            if first != block.place:
                told = f"{block.type} '{name}' is declared already, at {first.path}:{first.line}"
                yield finding("duplicate", "high", told, block.place)
        yield from _given_twice(block)


def _given_twice(block: Block) -> Iterator[Finding]:
    for argument in block.again:
        told = f"the argument '{argument.name}' is given already, at line {block.arguments[argument.name].place.line}"
        yield finding("duplicate", "high", told, argument.place)
    for inner in block.blocks:
        yield from _given_twice(inner)


def _references(module: Module, declared: Declared, modules: Mapping[str, Module]) -> Iterator[Finding]:
    for block in (block for block in module.blocks if block.type not in _ABOUT_STATE):
        bound = _bound(block)
        for reference in block.references():
            if reference.parts[0] not in bound:
                yield from _resolved(reference, module, declared, modules)


def _bound(block: Block) -> frozenset[str]:
    """The names that ``dynamic`` blocks bind, inside."""
    found = set()
    for inner in block.blocks:
        if inner.type == "dynamic" and inner.labels:
            iterator = inner.arguments.get("iterator")
            found.add(iterator.references[0].parts[0] if iterator and iterator.references else inner.labels[0])
        found |= _bound(inner)
    return frozenset(found)


def _resolved(
    reference: Reference, module: Module, declared: Declared, modules: Mapping[str, Module]
) -> Iterator[Finding]:
    root, *rest = reference.parts
    if root in _ROOTS or not rest:
        return
    if root in ("var", "local"):
        kind = "variable" if root == "var" else "local value"
        yield from _known(kind, rest[0], declared[root], reference.place)
    elif root == "module":
        yield from _known("module", rest[0], declared["module"], reference.place)
        yield from _output(rest, module, modules, reference.place)
    elif root == "data" and len(rest) >= 2:
        yield from _known("data source", ".".join(rest[:2]), declared["data"], reference.place)
    elif "_" in root:
        yield from _known("resource", f"{root}.{rest[0]}", declared["resource"], reference.place)


def _output(parts: Sequence[str], module: Module, modules: Mapping[str, Module], place: Place) -> Iterator[Finding]:
    """An output that a called module does not have."""
    block = next((b for b in module.of("module") if b.labels[:1] == (parts[0],)), None)
    called = module.called(block, modules) if block else None
    if called is not None and called.whole and len(parts) > 1:
        outputs = [b.labels[0] for b in called.of("output") if b.labels]
        yield from _known(f"output of module '{parts[0]}'", parts[1], outputs, place)


def _known(kind: str, name: str, known: Collection[str], place: Place) -> Iterator[Finding]:
    if name not in known:
        told = f"no {kind} '{name}' is declared{meant(name, known)}"
        yield finding(f"undeclared-{kind.split()[0]}", "high", told, place)


def _functions(module: Module) -> Iterator[Finding]:
    for block in module.blocks:
        for argument in block.all():
            types = _TYPES if block.type == "variable" and argument.name == "type" else frozenset()
            for call in argument.calls:
                if len(call.parts) == 1 and call.parts[0] not in _FUNCTIONS | types:
                    told = f"there is no function '{call.parts[0]}'{meant(call.parts[0], _FUNCTIONS)}"
                    yield finding("unknown-function", "high", told, call.place)


def _unused(module: Module, declared: Declared) -> Iterator[Finding]:
    used = {r.parts[1] for b in module.blocks for r in b.references() if r.parts[0] == "var" and len(r.parts) > 1}
    for name, place in declared["var"].items():
        if name not in used:
            yield finding("unused-variable", "low", f"variable '{name}' is used nowhere", place)


def _calls(module: Module, modules: Mapping[str, Module]) -> Iterator[Finding]:
    for block in module.of("module"):
        source = block.arguments.get("source")
        if source is None:
            yield finding("missing-argument", "high", "a module needs the argument 'source'", block.place)
            continue
        called = module.called(block, modules)
        if called is not None and called.whole:
            yield from _fits(block, source.text or "", called)


def elsewhere(modules: Mapping[str, Module]) -> list[str]:
    """The calls of modules that are not among these, each by its place and source."""
    return [
        f"{source.place.path}:{source.place.line} calls {source.text or 'a module whose source is worked out'}"
        for module in modules.values()
        for block in module.of("module")
        if (source := block.arguments.get("source")) and module.called(block, modules) is None
    ]


def _fits(block: Block, source: str, called: Module) -> Iterator[Finding]:
    """Whether a call gives a module's variables, and nothing else."""
    variables = {b.labels[0]: b for b in called.of("variable") if b.labels}
    for name, argument in block.arguments.items():
        if name not in variables and name not in _OF_CALLS:
            told = f"module '{source}' has no variable '{name}'{meant(name, variables)}"
            yield finding("unknown-argument", "high", told, argument.place)
    for name, variable in variables.items():
        if "default" not in variable.arguments and name not in block.arguments:
            yield finding("missing-argument", "high", f"module '{source}' needs the argument '{name}'", block.place)


def _values(module: Module, declared: Declared) -> Iterator[Finding]:
    """Values of variables that the module does not have; Terraform only warns of these."""
    for file in module.values.values():
        for argument in file.arguments.values():
            if argument.name not in declared["var"]:
                told = f"no variable '{argument.name}' is declared{meant(argument.name, declared['var'])}"
                yield finding("undeclared-variable", "medium", told, argument.place)


def meant(word: str, known: Collection[str]) -> str:
    """What somebody may have meant, as the end of a sentence."""
    close = nearest(word, known) if len(known) <= _MANY else None
    return f"; did you mean '{close}'?" if close else ""
