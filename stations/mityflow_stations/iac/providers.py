"""What Terraform's providers know: whether arguments, blocks and attributes are those of a resource's type."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from mityflow.sdk import Finding
from mityflow_stations.iac.hcl import Argument, Block, Reference
from mityflow_stations.iac.modules import Module, finding
from mityflow_stations.iac.names import meant

PROVIDERS = ("aws", "azurerm", "google")
_META = ("count", "for_each", "depends_on", "provider", "alias", "version")
_META_BLOCKS = ("lifecycle", "provisioner", "connection", "timeouts", "dynamic")
_OF_TERRAFORM = ("terraform_data", "terraform_remote_state")

Schema = Mapping[str, Any]


def check(modules: Mapping[str, Module]) -> Iterator[Finding]:
    """What does not fit the types of resources and data sources that are known."""
    for module in (module for module in modules.values() if module.whole):
        for block in (*module.resources, *module.of("provider")):
            schema = schema_of(block)
            if schema:
                yield from fits(block.labels[0], block, schema)
        yield from _attributes(module)


def unknown_types(modules: Iterable[Module]) -> list[str]:
    """The types that no schema is known of, so that their arguments are not checked."""
    blocks = [block for module in modules for block in module.resources]
    return sorted({_name(b) for b in blocks if schema_of(b) is None and b.labels[0] not in _OF_TERRAFORM})


def known_versions(modules: Iterable[Module]) -> list[str]:
    """The providers whose schemas were looked into, each with its version, such as ``aws 6.25.0``."""
    used = {block.labels[0].partition("_")[0] for module in modules for block in module.resources if schema_of(block)}
    abouts = [(name, _member(name, "about")) for name in sorted(used)]
    return [f"{name} {about['version']}" for name, about in abouts if about]


def schema_of(block: Block) -> Schema | None:
    """What is known of the type of a resource or a data source, or of a provider."""
    provider = "".join(block.labels[:1]).partition("_")[0]
    return _member(provider, _name(block)) if provider in PROVIDERS else None


@cache
def _member(provider: str, name: str) -> Schema | None:
    """A member of a provider's archive, which ``scripts/provider_schemas.py`` writes."""
    try:
        schema: Schema = json.loads(_archive(provider).read(f"{name}.json"))
    except KeyError:
        return None
    return schema


@cache
def _archive(provider: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(str(files("mityflow_stations.iac") / "schemas" / f"{provider}.zip"))


def _name(block: Block) -> str:
    return block.labels[0] if block.type == "resource" else f"{block.type}.{block.labels[0]}"


def fits(what: str, block: Block, schema: Schema) -> Iterator[Finding]:
    """Whether the arguments and blocks of a block, and of those in it, are those of its type."""
    arguments, blocks = schema["arguments"], schema["blocks"]
    known = {*arguments, *blocks}
    for argument in block.arguments.values():
        if argument.name not in known and argument.name not in _META:
            yield _unknown(argument, what, known, schema)
    there = {inner.labels[0] if inner.type == "dynamic" and inner.labels else inner.type for inner in block.blocks}
    there |= set(block.arguments)
    for name, required in arguments.items():
        if required and name not in there:
            yield finding("missing-argument", "high", f"'{what}' needs the argument '{name}'", block.place)
    for name, inner_schema in blocks.items():
        if inner_schema["required"] and name not in there:
            yield finding("missing-block", "high", f"'{what}' needs a block '{name}'", block.place)
    for inner in block.blocks:
        yield from _inner(what, inner, schema)


def _inner(what: str, inner: Block, schema: Schema) -> Iterator[Finding]:
    name, body = inner.type, inner
    if inner.type == "dynamic":
        name = inner.labels[0] if inner.labels else ""
        body = next((b for b in inner.blocks if b.type == "content"), inner)
    if name in schema["blocks"]:
        yield from fits(f"{what}.{name}", body, schema["blocks"][name])
    elif name not in _META_BLOCKS and name not in schema["arguments"]:
        known = schema["blocks"]
        yield finding("unknown-block", "high", f"'{what}' has no block '{name}'{meant(name, known)}", inner.place)


def _unknown(argument: Argument, what: str, known: set[str], schema: Schema) -> Finding:
    if argument.name in schema.get("gives", ()):
        told = f"'{what}' gives '{argument.name}', which cannot be set"
    else:
        told = f"'{what}' has no argument '{argument.name}'{meant(argument.name, known)}"
    return finding("unknown-argument", "high", told, argument.place)


def _attributes(module: Module) -> Iterator[Finding]:
    """Attributes that the type of what they are asked of does not have."""
    declared = {(*(("data",) if block.type == "data" else ()), *block.labels): block for block in module.resources}
    for reference in (reference for block in module.blocks for reference in block.references()):
        at = 3 if reference.parts[0] == "data" else 2
        block = declared.get(reference.parts[:at])
        if block is not None and len(reference.parts) > at:
            yield from _attribute(reference, reference.parts[at], block)


def _attribute(reference: Reference, name: str, block: Block) -> Iterator[Finding]:
    schema = schema_of(block)
    if schema is None:
        return
    known = {*schema["arguments"], *schema["blocks"], *schema["gives"], "id"}
    if name not in known:
        told = f"'{_name(block)}' has no attribute '{name}'{meant(name, known)}"
        yield finding("unknown-attribute", "high", told, reference.place)
