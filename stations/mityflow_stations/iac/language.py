"""What Terraform's language itself knows: the blocks of a file, and what stands in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mityflow.sdk import Finding
from mityflow_stations.iac.hcl import Block
from mityflow_stations.iac.modules import Module, finding
from mityflow_stations.iac.names import meant
from mityflow_stations.iac.providers import Schema, fits


def _schema(required: str = "", optional: str = "", **blocks: Schema) -> Schema:
    arguments = dict.fromkeys(required.split(), True) | dict.fromkeys(optional.split(), False)
    return {"required": False, "arguments": arguments, "blocks": blocks}


_CONDITION = _schema("condition error_message")
_LIFECYCLE = _schema(
    optional="create_before_destroy prevent_destroy ignore_changes replace_triggered_by enabled",
    precondition=_CONDITION,
    postcondition=_CONDITION,
    action_trigger=_schema(optional="events actions condition"),
)
# As Terraform 1.15 reads them.
_BLOCKS: Mapping[str, Schema] = {
    "variable": _schema(
        optional="type default description sensitive nullable ephemeral deprecated const", validation=_CONDITION
    ),
    "output": _schema("value", "description sensitive depends_on ephemeral deprecated type", precondition=_CONDITION),
    "moved": _schema("from to"),
    "import": _schema("to", "id identity provider for_each"),
}
_LABELS = {"variable": 1, "output": 1, "module": 1, "resource": 2, "data": 2, "provider": 1, "check": 1, "ephemeral": 2}
_OTHERS = ("locals", "terraform", "removed", "action", "list")


def check(modules: Mapping[str, Module]) -> Iterator[Finding]:
    """Blocks that the language does not have, and what does not fit those that it has."""
    for block in (block for module in modules.values() if module.whole for block in module.blocks):
        yield from _block(block)


def _block(block: Block) -> Iterator[Finding]:
    known = {*_BLOCKS, *_LABELS, *_OTHERS}
    if block.type not in known:
        told = f"there is no block '{block.type}'{meant(block.type, known)}"
        yield finding("unknown-block", "high", told, block.place)
        return
    labels = _LABELS.get(block.type, len(block.labels))
    if len(block.labels) != labels:
        told = f"'{block.type}' has {labels} label{'' if labels == 1 else 's'}, and not {len(block.labels)}"
        yield finding("labels", "high", told, block.place)
    if block.type in _BLOCKS:
        yield from fits(block.type, block, _BLOCKS[block.type])
    for inner in block.blocks:
        if inner.type == "lifecycle" and block.type in ("resource", "data"):
            yield from fits("lifecycle", inner, _LIFECYCLE)
