"""Terraform code that has nothing wrong with it, and faults that are planted in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mityflow_stations.scaffold_iac import ScaffoldIac
from mityflow_stations.validate_iac import ValidateIac
from stationkit import Runtime, execute

from mityflow.context import IacConfig, WorkflowContext
from mityflow.sdk import Station, StationContext, StationResult

CLOUDS = ("aws", "azure", "gcp")
NETWORK = "infra/modules/network/main.tf"


class Fault(NamedTuple):
    """A text of a cloud's network that becomes another; what is said of it, and the line's text where it is said."""

    cloud: str
    old: str
    new: str
    rule: str
    told: str
    at: str


FAULTS = [
    Fault("aws", "= var.cidr\n", "= var.cidrs\n", "undeclared-variable", "'cidrs'", "= var.cidrs\n"),
    Fault("azure", "[var.cidr]", "[var.cidrs]", "undeclared-variable", "'cidrs'", "[var.cidrs]"),
    Fault("gcp", "= var.cidr\n", "= var.cidrs\n", "undeclared-variable", "'cidrs'", "= var.cidrs\n"),
    Fault("aws", "enable_dns_support ", "enable_dns_suport ", "unknown-argument", "'enable_dns_support'", "dns_suport"),
    Fault("azure", "address_space ", "address_spaces ", "unknown-argument", "'address_space'", "address_spaces"),
    Fault(
        "gcp",
        "auto_create_subnetworks ",
        "auto_create_subnetwork ",
        "unknown-argument",
        "'auto_create_subnetworks'",
        "auto_create_subnetwork ",
    ),
    Fault(
        "aws",
        "  vpc_id            = aws_vpc.this.id\n",
        "",
        "missing-argument",
        "'vpc_id'",
        'resource "aws_subnet" "public"',
    ),
    Fault(
        "azure",
        "  virtual_network_name = azurerm_virtual_network.this.name\n",
        "",
        "missing-argument",
        "'virtual_network_name'",
        'resource "azurerm_subnet" "apps"',
    ),
    Fault(
        "gcp",
        "  network                  = google_compute_network.this.id\n",
        "",
        "missing-argument",
        "'network'",
        'resource "google_compute_subnetwork" "apps"',
    ),
    Fault(
        "aws",
        'resource "aws_vpc" "this" {',
        """\
resource "aws_security_group" "ssh" {
  name        = "ssh"
  description = "SSH"
  vpc_id      = aws_vpc.this.id

  ingress {
    description = "Everybody"
    protocol    = "tcp"
    from_port   = 22
    to_port     = 22
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_vpc" "this" {""",
        "open-to-the-world",
        "'aws_security_group.ssh' lets the whole world in to port 22",
        'cidr_blocks = ["0.0.0.0/0"]',
    ),
    Fault(
        "azure",
        'resource "azurerm_subnet" "apps" {',
        """\
resource "azurerm_network_security_rule" "ssh" {
  name                        = "ssh"
  resource_group_name         = var.resource_group_name
  network_security_group_name = azurerm_network_security_group.apps.name
  priority                    = 200
  direction                   = "Inbound"
  access                      = "Allow"
  protocol                    = "Tcp"
  source_address_prefix       = "Internet"
  source_port_range           = "*"
  destination_address_prefix  = "*"
  destination_port_range      = "22"
}

resource "azurerm_subnet" "apps" {""",
        "open-to-the-world",
        "'azurerm_network_security_rule.ssh' lets the whole world in to port 22",
        "source_address_prefix  ",
    ),
    Fault(
        "gcp",
        'resource "google_compute_router" "this" {',
        """\
resource "google_compute_firewall" "ssh" {
  name          = "${var.name}-ssh"
  network       = google_compute_network.this.id
  source_ranges = ["0.0.0.0/0"]

  allow {
    protocol = "tcp"
    ports    = ["22"]
  }
}

resource "google_compute_router" "this" {""",
        "open-to-the-world",
        "'google_compute_firewall.ssh' lets the whole world in to port 22",
        'source_ranges = ["0.0.0.0/0"]',
    ),
]


def step(
    station: Station, workspace: Path, cloud: str | None = None, app_name: str | None = "my-app", /, **values: Any
) -> StationContext:
    """What a step of this station would be given, for an application of python-fastapi."""
    base = WorkflowContext(workspace, app_name, values.pop("of_stack", "python-fastapi"))
    base = base.with_iac(IacConfig.terraform(cloud)) if cloud else base
    return StationContext.for_step(
        base, step=station.name, values=values, runtime=Runtime(workspace), params=station.Params
    )


def scaffold(workspace: Path, cloud: str, app_name: str = "my-app", /, **values: Any) -> StationResult:
    """Write a cloud's code for an application."""
    (workspace / app_name).mkdir(exist_ok=True)
    return execute(ScaffoldIac(), step(ScaffoldIac(), workspace, cloud, app_name, **values))


def validate(workspace: Path, files: Mapping[str, str] | None = None, /, **values: Any) -> StationResult:
    """What ``validate-iac`` says, by nothing but its own checks unless the values say otherwise.

    ``files`` are written first, into the application's ``infra``.
    """
    for path, text in (files or {}).items():
        place = workspace / "my-app" / "infra" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    settings = {"checks": ["static", "exposure"]} | values
    return execute(ValidateIac(), step(ValidateIac(), workspace, None, **settings))


def plant(workspace: Path, fault: Fault) -> int:
    """Write the code of the fault's cloud with the fault in it; the line that is to be told."""
    scaffold(workspace, fault.cloud)
    place = workspace / "my-app" / NETWORK
    text = place.read_text(encoding="utf-8")
    assert fault.old in text
    text = text.replace(fault.old, fault.new, 1)
    place.write_text(text, encoding="utf-8")
    return text[: text.index(fault.at)].count("\n") + 1


def findings(result: StationResult) -> list[tuple[str, str, str, int]]:
    """The rule, the severity, the path and the line of each finding."""
    return [(f["rule"], f["severity"], f["path"], f["line"]) for f in result.outputs["findings"]]
