"""Networks that are open to the world, on AWS, Azure and Google Cloud.

Only what a module says by itself is judged: addresses that stand in it, or in the default of a variable or a local
value that it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import IPv4Address
from typing import NamedTuple

from mityflow.sdk import Finding, Severity
from mityflow_stations.iac.hcl import Argument, Block, Place
from mityflow_stations.iac.modules import Module, finding

_WORLD = frozenset(["0.0.0.0/0", "::/0", "*", "any", "internet"])
_WEB = frozenset(["80", "443"])
_FIRST, _LAST = str(IPv4Address(0)), "255.255.255.255"
_DEPTH = 5


class _Open(NamedTuple):
    """A rule that lets the world in, and to which ports: none means all of them, None that nobody can see it here."""

    what: str
    place: Place
    ports: tuple[str, ...] | None


def check(modules: Mapping[str, Module]) -> Iterator[Finding]:
    """Every rule of a firewall that lets the whole world in."""
    for module in modules.values():
        values = _Values(module)
        for block in module.resources:
            look = _LOOKS.get(block.labels[0]) if block.type == "resource" else None
            for found in look(block, values) if look else ():
                yield finding("open-to-the-world", _severity(found.ports), _told(found), found.place)


def _told(found: _Open) -> str:
    ports = "ports that cannot be seen here" if found.ports is None else "all ports"
    if found.ports:
        ports = f"port{'s' if len(found.ports) > 1 else ''} {', '.join(found.ports)}"
    return f"{found.what} lets the whole world in to {ports}"


def _severity(ports: tuple[str, ...] | None) -> Severity:
    """What a web server listens on is open on purpose, more often than not."""
    return "low" if ports and set(ports) <= _WEB else "high"


class _Values:
    """What arguments of one module hold, where that stands in it."""

    def __init__(self, module: Module) -> None:
        self._of: dict[tuple[str, str], Argument] = {
            ("var", block.labels[0]): block.arguments["default"]
            for block in module.of("variable")
            if block.labels and "default" in block.arguments
        }
        for block in module.of("locals"):
            self._of |= {("local", argument.name): argument for argument in block.arguments.values()}

    def all(self, argument: Argument | None, depth: int = _DEPTH) -> list[str]:
        """The texts and numbers of an expression, and of what it names."""
        if argument is None or not depth:
            return []
        found = list(argument.literals)
        for reference in argument.references:
            found += self.all(self._of.get((reference.parts[0], ".".join(reference.parts[1:2]))), depth - 1)
        return found

    def world(self, arguments: Iterable[Argument | None]) -> Argument | None:
        """The argument that names the whole world, if one does."""
        for argument in arguments:
            if argument is not None and {text.lower() for text in self.all(argument)} & _WORLD:
                return argument
        return None


Look = Callable[[Block, _Values], Iterator[_Open]]


def _group(block: Block, values: _Values) -> Iterator[_Open]:
    """``aws_security_group``, whose rules are blocks, or objects in a list."""
    for inner in _inner(block, "ingress"):
        yield from _rule(block, inner, values)
    world = values.world([block.arguments.get("ingress")])
    if world:
        yield _Open(_called(block), world.place, None)


def _rule(block: Block, rule: Block, values: _Values) -> Iterator[_Open]:
    """A rule of AWS: its addresses, and its ports from one to another."""
    names = ("cidr_blocks", "ipv6_cidr_blocks", "cidr_ipv4", "cidr_ipv6", "cidr_block", "ipv6_cidr_block")
    world = values.world(rule.arguments.get(name) for name in names)
    if world:
        yield _Open(_called(block), world.place, _ports(rule, values))


def _ports(rule: Block, values: _Values) -> tuple[str, ...] | None:
    protocol = values.all(rule.arguments.get("protocol")) + values.all(rule.arguments.get("ip_protocol"))
    if "-1" in protocol or "1" in protocol or "all" in protocol:
        return ()
    first, last = (values.all(rule.arguments.get(name)) for name in ("from_port", "to_port"))
    if not first or not last:
        return None
    if first[0] == "0" and last[0] in ("0", "65535"):
        return ()
    return (first[0],) if first[0] == last[0] else (f"{first[0]}-{last[0]}",)


def _group_rule(block: Block, values: _Values) -> Iterator[_Open]:
    if "ingress" in values.all(block.arguments.get("type")):
        yield from _rule(block, block, values)


def _acl(block: Block, values: _Values) -> Iterator[_Open]:
    """A rule of a network ACL; what these let in still has to pass a security group, so that only all ports count."""
    says = [values.all(block.arguments.get(name)) for name in ("egress", "rule_action")]
    if "true" not in says[0] and "allow" in says[1]:
        yield from (found for found in _rule(block, block, values) if found.ports == ())


def _azure_group(block: Block, values: _Values) -> Iterator[_Open]:
    for inner in _inner(block, "security_rule"):
        yield from _azure_rule(inner, values, _called(block))


def _azure(block: Block, values: _Values) -> Iterator[_Open]:
    yield from _azure_rule(block, values, _called(block))


def _azure_rule(rule: Block, values: _Values, what: str) -> Iterator[_Open]:
    says = {text.lower() for name in ("direction", "access") for text in values.all(rule.arguments.get(name))}
    world = values.world(rule.arguments.get(name) for name in ("source_address_prefix", "source_address_prefixes"))
    if world and {"inbound", "allow"} <= says:
        names = ("destination_port_range", "destination_port_ranges")
        ports = [port for name in names for port in values.all(rule.arguments.get(name))]
        yield _Open(what, world.place, () if "*" in ports else tuple(ports))


def _google(block: Block, values: _Values) -> Iterator[_Open]:
    """``google_compute_firewall``; without addresses and tags everybody is meant."""
    says = [text.upper() for text in values.all(block.arguments.get("direction"))]
    allowed = list(_inner(block, "allow"))
    if not allowed or "EGRESS" in says or "true" in values.all(block.arguments.get("disabled")):
        return
    sources = ("source_ranges", "source_tags", "source_service_accounts")
    world = values.world([block.arguments.get("source_ranges")])
    if world or not any(name in block.arguments for name in sources):
        ports = [values.all(inner.arguments.get("ports")) for inner in allowed]
        every = any(not some for some in ports)
        place = world.place if world else block.place
        yield _Open(_called(block), place, () if every else tuple(port for some in ports for port in some))


def _addresses(first: str, last: str) -> Look:
    """A rule of a database server: from the first address to the last."""

    def look(block: Block, values: _Values) -> Iterator[_Open]:
        texts = [values.all(block.arguments.get(name)) for name in (first, last)]
        if texts == [[_FIRST], [_LAST]]:
            yield _Open(_called(block), block.arguments[first].place, ())

    return look


def _inner(block: Block, name: str) -> Iterator[Block]:
    """The blocks of a name, those that are made by ``dynamic`` too."""
    for inner in block.blocks:
        if inner.type == name:
            yield inner
        elif inner.type == "dynamic" and inner.labels[:1] == (name,):
            yield from (content for content in inner.blocks if content.type == "content")


def _called(block: Block) -> str:
    return f"'{'.'.join(block.labels)}'"


_LOOKS: Mapping[str, Look] = {
    "aws_security_group": _group,
    "aws_default_security_group": _group,
    "aws_security_group_rule": _group_rule,
    "aws_vpc_security_group_ingress_rule": lambda block, values: _rule(block, block, values),
    "aws_network_acl_rule": _acl,
    "azurerm_network_security_group": _azure_group,
    "azurerm_network_security_rule": _azure,
    "azurerm_mssql_firewall_rule": _addresses("start_ip_address", "end_ip_address"),
    "azurerm_postgresql_flexible_server_firewall_rule": _addresses("start_ip_address", "end_ip_address"),
    "google_compute_firewall": _google,
}
