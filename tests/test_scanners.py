"""Scanners, with their real tools: what is planted is found, what cannot be looked at is not checked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from advisories import ADVISORY, advisories
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from mityflow_stations.scaffold import Scaffold
from mityflow_stations.scanners import Scan, bandit, code, dependencies, eslint, licences, osv, sbom, secrets, semgrep
from mityflow_stations.scanners.files import own_files
from mityflow_stations.secure import Secure
from stationkit import Runtime, context, execute

from mityflow.sdk import StationContext
from mityflow.stacks import stack_names

AWS = "AKIA" + "IOSFODNN7EXAMPLQ"
GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
PLANTED = {
    "aws-access-key": f"key = '{AWS}'",
    "github-token": f"token: {GITHUB}",
    "private-key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "secret-keyword": "password = 'correct-horse-battery'",
    "basic-auth-credentials": "url = 'https://me:s3cr3tpass@example.org/'",
    "json-web-token": "t = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9Pl'",
}
needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm not found (it comes with Node.js)")


@pytest.fixture
def app(workspace: Path) -> StationContext:
    """The context of a step, with an application folder that is empty."""
    where = context(Secure(), workspace)
    where.output_path.mkdir()
    return where


def write(where: StationContext, files: Mapping[str, str]) -> list[str]:
    for path, text in files.items():
        place = where.output_path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    return list(files)


def printed(where: StationContext) -> str:
    runtime: Any = where._runtime
    assert isinstance(runtime, Runtime)
    return runtime.output.decode()


def found(scan: Scan) -> list[tuple[str, str]]:
    return [(finding.rule, finding.place) for finding in scan.findings]


def site_package(where: StationContext, name: str, version: str, *lines: str) -> None:
    """Something that is installed in the application's environment."""
    folder = f".venv/lib/python3.11/site-packages/{name}-{version}.dist-info"
    write(
        where,
        {f"{folder}/METADATA": "\n".join(["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *lines])},
    )


# --- secrets


@pytest.mark.parametrize("kind", PLANTED)
def test_a_secret_is_found_and_never_told(app: StationContext, kind: str) -> None:
    scan = secrets.scan(app.output_path, write(app, {"src/settings.py": f"x = 1\n{PLANTED[kind]}\n"}))
    assert (kind, "src/settings.py:2") in found(scan)
    secret = PLANTED[kind].split("'")[1] if "'" in PLANTED[kind] else PLANTED[kind].rpartition(" ")[2]
    assert secret not in repr(scan)


def test_what_is_allowed_is_no_secret(app: StationContext) -> None:
    files = write(app, {"a.py": f"key = '{AWS}'  # pragma: allowlist secret\n"})
    assert secrets.scan(app.output_path, files).status == "clean"


def test_what_the_baseline_lists_is_no_secret(app: StationContext) -> None:
    files = write(app, {"a.py": f"key = '{AWS}'\n"})
    made = subprocess.run(
        [sys.executable, "-m", "detect_secrets", "scan", "--no-verify", "a.py"],
        cwd=app.output_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    write(app, {".secrets.baseline": made.stdout})
    assert secrets.scan(app.output_path, files).status == "clean"
    write(app, {"a.py": f"key = '{AWS}'\nother = '{GITHUB}'\n"})
    assert ("github-token", "a.py:2") in found(secrets.scan(app.output_path, files))


def test_a_file_that_is_too_large_is_not_checked(app: StationContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_LARGEST", 50)
    files = write(app, {"a.py": "x = 1\n" * 10, "b.py": "x = 1\n"})
    scan = secrets.scan(app.output_path, files)
    assert (scan.status, "too large to read: a.py" in scan.detail) == ("not checked", True)
    write(app, {"b.py": f"key = '{AWS}'\n"})
    assert secrets.scan(app.output_path, files).status == "found"


def test_a_baseline_that_cannot_be_read_is_a_failure(app: StationContext) -> None:
    scan = secrets.scan(app.output_path, write(app, {".secrets.baseline": "[", "a.py": "x = 1\n"}))
    assert (scan.status, ".secrets.baseline cannot be read" in scan.detail) == ("failed", True)


@pytest.mark.parametrize("stack", stack_names())
def test_our_templates_hold_no_secret(workspace: Path, stack: str) -> None:
    made = context(Scaffold(), workspace, "my-app", stack)
    assert execute(Scaffold(), made).success
    files = own_files(made, made.output_path)
    assert len(files) > 5
    scan = secrets.scan(made.output_path, files)
    assert (scan.status, found(scan)) == ("clean", [])


# --- files


def test_own_files_are_those_of_git(app: StationContext) -> None:
    write(app, {".gitignore": "made/\n", "made/x": "", "a.py": "", "b/c.py": "", "gone.py": "", ".mity/runs/x": ""})
    for argv in (["init", "-q"], ["add", "a.py", "gone.py"]):
        subprocess.run(["git", *argv], cwd=app.output_path, check=True)
    (app.output_path / "gone.py").unlink()
    (app.output_path / "link.py").symlink_to("a.py")
    assert own_files(app, app.output_path) == [".gitignore", "a.py", "b/c.py"]


def test_without_git_what_tools_make_is_left_out(app: StationContext) -> None:
    write(app, {"a.py": "", "node_modules/x/y.js": "", ".venv/z.py": "", "src/target.py": "", "target/debug/b": ""})
    assert own_files(app, app.output_path) == ["a.py", "src/target.py"]


def test_an_application_that_an_outer_repository_ignores_has_files_all_the_same(app: StationContext) -> None:
    (app.workspace / ".gitignore").write_text("my-app/\n")
    subprocess.run(["git", "init", "-q"], cwd=app.workspace, check=True)
    write(app, {"a.py": ""})
    assert own_files(app, app.output_path) == ["a.py"]


# --- code


def test_bandit_finds_a_shell_and_quotes_no_password(app: StationContext) -> None:
    source = f"import subprocess\n\nPASSWORD = '{AWS}'\n\n\ndef f(x):\n    subprocess.call(x, shell=True)\n"
    scan = bandit.scan(app, app.output_path, write(app, {"src/a.py": source, "-odd name.py": "x = eval('1')\n"}))
    assert scan.status == "found"
    assert ("B602", "src/a.py:7:5") in found(scan)
    assert ("B307", "-odd name.py:1:5") in found(scan)
    assert "B105" in [rule for rule, _ in found(scan)]
    assert AWS not in repr(scan) + printed(app)


def test_an_assert_in_a_test_is_no_weakness(app: StationContext) -> None:
    files = write(app, {"tests/test_a.py": "assert 1\n", "src/a.py": "assert 1\n"})
    assert found(bandit.scan(app, app.output_path, files)) == [("B101", "src/a.py:1:1")]


def test_settings_and_comments_of_bandit_hold(app: StationContext) -> None:
    files = write(app, {"a.py": "x = eval('1')  # nosec\nassert 1\n"})
    write(app, {"pyproject.toml": '[tool.bandit]\nskips = ["B101"]\n'})
    assert bandit.scan(app, app.output_path, files).status == "clean"


def test_a_file_that_bandit_cannot_read_is_not_checked(app: StationContext) -> None:
    files = write(app, {"bad.py": "def f(:\n", "a.py": "eval('1')\n"})
    scan = bandit.scan(app, app.output_path, files)
    assert (scan.status, "bad.py" in scan.detail, found(scan)) == ("not checked", True, [("B307", "a.py:1:1")])


def test_the_applications_own_modules_do_not_become_the_tool(app: StationContext) -> None:
    files = write(app, {"bandit.py": "raise SystemExit('mine')\n", "json.py": "raise SystemExit('mine')\n"})
    assert bandit.scan(app, app.output_path, files).status == "clean"


def test_a_tool_that_is_absent_is_told_with_how_to_get_it(app: StationContext, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import PackageNotFoundError

    def nothing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("mityflow_stations.scanners._tools.version", nothing)
    monkeypatch.setattr("mityflow_stations.scanners.secrets.version", nothing)
    monkeypatch.setattr("mityflow_stations.scanners.licences.version", nothing)
    files = write(app, {"a.py": "eval('1')\n", "pyproject.toml": ""})
    scans = [
        bandit.scan(app, app.output_path, files),
        secrets.scan(app.output_path, files),
        *dependencies.scans(app, app.output_path),
        sbom.make(app, app.output_path, "my-app").scan,
        licences.scan({}, [], [], ""),
    ]
    assert {scan.status for scan in scans} == {"not checked"}
    assert all("pip install 'mityflow[secure]'" in scan.detail for scan in scans), scans


def test_a_tool_that_takes_too_long_is_not_checked(workspace: Path) -> None:
    where = context(Secure(), workspace, timeout="50ms")
    where.output_path.mkdir()
    scan = bandit.scan(where, where.output_path, write(where, {"a.py": "eval('1')\n"}))
    assert (scan.status, "took longer than 0.05 s" in scan.detail) == ("not checked", True)


def test_eslint_that_is_not_installed_is_not_checked(app: StationContext) -> None:
    scan = eslint.scan(app, app.output_path, write(app, {"a.ts": "eval('1')", "package.json": "{}"}))
    assert (scan.name, scan.status, "node_modules/eslint" in scan.detail) == ("eslint", "not checked", True)


def test_a_language_that_nothing_reads_is_told(app: StationContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(semgrep, "is_there", lambda: False)
    scans = code.scans(app, app.output_path, write(app, {"A.java": "class A {}", "b.go": "package b"}))
    go, java = scans
    assert (go.status, go.detail) == ("not checked", "Go: no scanner here reads it")
    assert (java.status, java.detail.partition(";")[0]) == ("not checked", "Java: semgrep is not installed")
    assert code.scans(app, app.output_path, ["README.md"]) == []


# --- dependencies


def python_app(where: StationContext) -> None:
    write(where, {"pyproject.toml": "[project]\nname = 'my-app'\nversion = '1'\n"})
    site_package(where, "badlib", "1.0")
    site_package(where, "goodlib", "3.0")


def npm_app(where: StationContext, name: str = "badlib") -> None:
    package = {"name": "my-app", "version": "1.0.0", "dependencies": {name: "1.0.0"}}
    lock = {
        "name": "my-app", "version": "1.0.0", "lockfileVersion": 3, "requires": True,
        "packages": {"": package, f"node_modules/{name}": {"version": "1.0.0", "license": "MIT"}},
    }  # fmt: skip
    write(where, {"package.json": json.dumps(package), "package-lock.json": json.dumps(lock)})


def audit(where: StationContext) -> Scan:
    (scan,) = dependencies.scans(where, where.output_path)
    return scan


@pytest.mark.slow
def test_pip_audit_finds_a_vulnerable_package(app: StationContext, monkeypatch: pytest.MonkeyPatch) -> None:
    python_app(app)
    with advisories() as (url, asked):
        monkeypatch.setenv("PIP_AUDIT_VULNERABILITY_SERVICE", "osv")
        monkeypatch.setenv("PIP_AUDIT_OSV_URL", f"{url}/v1/query")
        scan = audit(app)
    assert {body["package"]["name"] for _, body in asked} == {"badlib", "goodlib"}
    assert (scan.name, scan.status, found(scan)) == ("pip-audit", "found", [("CVE-2026-0001", "pyproject.toml")])
    assert f"badlib 1.0 has a known vulnerability (CVE-2026-0001, {ADVISORY})" in scan.findings[0].message
    assert "mended in 2.0" in scan.findings[0].message


@pytest.mark.slow
def test_pip_audit_without_an_answer_is_not_checked(app: StationContext, monkeypatch: pytest.MonkeyPatch) -> None:
    python_app(app)
    with advisories(refuses=True) as (url, _):
        monkeypatch.setenv("PIP_AUDIT_VULNERABILITY_SERVICE", "osv")
        monkeypatch.setenv("PIP_AUDIT_OSV_URL", f"{url}/v1/query")
        scan = audit(app)
    assert (scan.status, scan.findings) == ("not checked", ())
    assert "No known vulnerabilities" not in printed(app)


def test_packages_that_pip_audit_passes_over_are_not_checked(
    app: StationContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    python_app(app)
    packages = [
        {"name": "goodlib", "version": "3.0", "vulns": []},
        {"name": "badlib", "skip_reason": "Dependency not found on PyPI and could not be audited: badlib (1.0)"},
    ]
    program = app.workspace / "pip_audit.py"
    program.write_text(f"print({json.dumps(json.dumps({'dependencies': packages}))})\n")
    monkeypatch.setattr("mityflow_stations.scanners.dependencies.module", lambda _: [sys.executable, str(program)])
    scan = audit(app)
    assert (scan.status, "checked 1 of 2 packages" in scan.detail) == ("not checked", True)
    packages[1] = {"name": "my-app", "skip_reason": "distribution marked as editable"}
    program.write_text(f"print({json.dumps(json.dumps({'dependencies': packages}))})\n")
    assert audit(app).status == "clean"


def test_without_an_environment_no_package_is_checked(app: StationContext) -> None:
    write(app, {"pyproject.toml": ""})
    assert (audit(app).status, "there is no .venv" in audit(app).detail) == ("not checked", True)


@pytest.mark.slow
@needs_npm
def test_npm_audit_finds_a_vulnerable_package(app: StationContext, monkeypatch: pytest.MonkeyPatch) -> None:
    npm_app(app)
    with advisories() as (url, _):
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", url)
        scan = audit(app)
    assert (scan.status, found(scan)) == ("found", [(ADVISORY, "package-lock.json")]), scan
    assert (scan.findings[0].severity, "badlib <2.0.0" in scan.findings[0].message) == ("medium", True)


@pytest.mark.slow
@needs_npm
@pytest.mark.parametrize("refuses", [False, True], ids=["clean", "refused"])
def test_npm_audit_is_clean_only_where_it_was_answered(
    app: StationContext, monkeypatch: pytest.MonkeyPatch, refuses: bool
) -> None:
    npm_app(app, "goodlib")
    with advisories(refuses=refuses) as (url, _):
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", url)
        scan = audit(app)
    assert scan.status == ("not checked" if refuses else "clean")
    assert ("405" in scan.detail) is refuses


CARGO = """#!/bin/sh
case "$*" in
  "audit --version") echo "cargo-audit-audit 0.22.0" ;;
  "audit --json --quiet") cat "$(dirname "$0")/answer.json"; exit 1 ;;
esac
"""


def test_cargo_audit_is_read(app: StationContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write(app, {"Cargo.toml": "", "Cargo.lock": ""})
    program = tmp_path / "bin" / "cargo"
    program.parent.mkdir()
    program.write_text(CARGO)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    package = {"name": "badlib", "version": "1.0.0"}
    advisory = {"id": "RUSTSEC-2026-0001", "title": "Badlib frees twice", "package": "badlib"}
    answer = {
        "database": {"advisory-count": 700},
        "lockfile": {"dependency-count": 12},
        "vulnerabilities": {
            "found": True, "count": 1,
            "list": [{"advisory": advisory, "versions": {"patched": [">=2.0.0"]}, "package": package}],
        },
        "warnings": {"unmaintained": [{"advisory": {**advisory, "id": "RUSTSEC-2026-0002"}, "package": package}]},
    }  # fmt: skip
    (program.parent / "answer.json").write_text(json.dumps(answer))
    scan = audit(app)
    assert [(f.rule, f.severity) for f in scan.findings] == [
        ("RUSTSEC-2026-0001", "high"),
        ("RUSTSEC-2026-0002", "low"),
    ]
    (program.parent / "answer.json").write_text(json.dumps({**answer, "database": {"advisory-count": 0}}))
    assert audit(app).status == "not checked"
    (program.parent / "answer.json").write_text("")
    assert audit(app).status == "not checked"


def test_what_no_tool_audits_is_not_checked(app: StationContext) -> None:
    write(app, {"pom.xml": "<project/>", "src/App.csproj": "<Project/>"})
    scans = dependencies.scans(app, app.output_path)
    assert [(scan.status, scan.detail.partition(":")[0]) for scan in scans] == [
        ("not checked", "Maven"),
        ("not checked", "NuGet"),
    ]


COMPONENTS = [
    {"group": "org.bad", "name": "badlib", "version": "1.0", "purl": "pkg:maven/org.bad/badlib@1.0?type=jar"},
    {"name": "good", "version": "2.0", "purl": "pkg:maven/good/good@2.0"},
]


def test_an_osv_server_is_asked_for_every_component() -> None:
    with advisories() as (url, asked):
        scan = osv.scan(f"{url}/", COMPONENTS, "pom.xml")
    assert [query["package"]["purl"] for query in asked[0][1]["queries"]] == [
        "pkg:maven/org.bad/badlib@1.0", "pkg:maven/good/good@2.0",
    ]  # fmt: skip
    assert [(f.rule, f.severity, f.place, f.message) for f in scan.findings] == [
        (ADVISORY, "critical", "pom.xml", "org.bad/badlib 1.0: Badlib runs what it is sent")
    ]


def test_an_osv_server_without_an_answer_is_not_checked() -> None:
    with advisories(refuses=True) as (url, _):
        assert osv.scan(url, COMPONENTS, "pom.xml").status == "not checked"
    assert osv.scan(url, COMPONENTS, "pom.xml").status == "not checked"
    assert osv.scan(url, [], "pom.xml").status == "not checked"


@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.0/AV:L/AC:H/PR:H/UI:N/S:U/C:N/I:N/A:L", 1.9),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H", 9.9),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ("CVSS:4.0/AV:N", -1.0),
        ("nothing", -1.0),
    ],
)
def test_the_score_of_a_vector(vector: str, score: float) -> None:
    assert osv.cvss3(vector) == score


# --- SBOM and licences


def valid(bom: Mapping[str, Any] | None) -> bool:
    assert bom is not None
    assert bom["specVersion"] == "1.6"
    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bom)) is None


@needs_npm
def test_the_sbom_of_a_page_fits_the_schema(app: StationContext) -> None:
    npm_app(app)
    made = sbom.make(app, app.output_path, "my-app")
    assert valid(made.bom)
    assert [part["purl"] for part in made.components] == ["pkg:npm/badlib@1.0.0"]


def test_the_sbom_of_a_dotnet_service_is_read_from_what_was_restored(app: StationContext) -> None:
    packages = app.workspace / "packages"
    nuspec = packages / "good.lib" / "1.0.0" / "good.lib.nuspec"
    nuspec.parent.mkdir(parents=True)
    nuspec.write_text(
        '<package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd"><metadata>'
        '<license type="expression">MIT OR Apache-2.0</license></metadata></package>'
    )
    assets = {
        "packageFolders": {f"{packages}/": {}},
        "libraries": {
            "Good.Lib/1.0.0": {"type": "package", "path": "good.lib/1.0.0"},
            "Other/2.0.0": {"type": "package", "path": "other/2.0.0"},
            "My/1.0.0": {"type": "project", "path": "../My/My.csproj"},
        },
    }
    write(app, {"App.csproj": "<Project/>"})
    assert sbom.make(app, app.output_path, "my-app").scan.status == "not checked"
    write(app, {"obj/project.assets.json": json.dumps(assets)})
    made = sbom.make(app, app.output_path, "my-app")
    assert valid(made.bom)
    assert licences.packages_of(made.components) == {
        "Good.Lib": ("Good.Lib", "1.0.0", "MIT OR Apache-2.0"),
        "Other": ("Other", "2.0.0", ""),
    }


def test_an_application_of_no_known_kind_has_no_sbom(app: StationContext) -> None:
    write(app, {"main.c": ""})
    made = sbom.make(app, app.output_path, "my-app")
    assert (made.bom, made.scan.status) == (None, "not checked")


def licensed(**said: str) -> dict[str, licences.Package]:
    return {name: licences.Package(name, "1", licence) for name, licence in said.items()}


@pytest.mark.parametrize(
    ("licence", "allow", "deny", "rule"),
    [
        ("MIT", [], [], None),
        ("MIT", ["MIT"], [], None),
        ("MIT", ["Apache-2.0"], [], "licence-not-allowed"),
        ("MIT License", ["MIT"], [], None),
        ("MIT/Apache-2.0", ["Apache-2.0"], [], None),
        ("GPL-3.0-only", [], ["GPL-*"], "licence-denied"),
        ("GPL-3.0-or-later", [], ["gpl-*"], "licence-denied"),
        ("LGPL-3.0-only", [], ["GPL-*"], None),
        ("MIT OR GPL-3.0-only", [], ["GPL-*"], None),
        ("MIT AND GPL-3.0-only", [], ["GPL-*"], "licence-denied"),
        ("(MIT OR GPL-2.0-only) AND Zlib", ["MIT", "Zlib"], ["GPL-*"], None),
        ("(MIT OR GPL-2.0-only) AND Zlib", ["MIT"], [], "licence-not-allowed"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", [], ["GPL-2.0-only"], "licence-denied"),
        ("Apache-2.0 WITH LLVM-exception", ["Apache-2.0"], [], None),
        ("", ["MIT"], [], "licence-unknown"),
        ("", [], [], None),
        ("Some words of its own", [], ["GPL-*"], "licence-unknown"),
        ("BSD License", ["BSD-*"], [], "licence-unknown"),
    ],
)
def test_licences_are_judged_as_expressions(licence: str, allow: list[str], deny: list[str], rule: str | None) -> None:
    scan = licences.scan(licensed(lib=licence), allow, deny, "pyproject.toml")
    assert [finding.rule for finding in scan.findings] == ([rule] if rule else [])


def test_licences_are_read_from_what_is_installed(app: StationContext) -> None:
    write(app, {"pyproject.toml": ""})
    site_package(app, "one", "1.0", "License-Expression: MIT")
    site_package(app, "two", "2.0", "Classifier: License :: OSI Approved :: MIT License")
    site_package(app, "my_app", "0.1")
    write(
        app,
        {".venv/lib/python3.11/site-packages/my_app-0.1.dist-info/direct_url.json": '{"dir_info": {"editable": true}}'},
    )
    known = licences.packages(app, app.output_path)
    assert isinstance(known, dict)
    assert sorted(known) == ["one", "two"]
    assert licences.count(known) == {"MIT": 2}


def test_licences_are_counted_as_they_are_told_where_they_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    licences._licensing.cache_clear()
    monkeypatch.setitem(sys.modules, "license_expression", None)
    assert licences.count(licensed(a="MIT", b="MIT License", c="")) == {"MIT": 1, "MIT License": 1, "not told": 1}


@pytest.mark.skipif(shutil.which("semgrep") is None, reason="semgrep not found (pipx install semgrep)")
@pytest.mark.slow
def test_semgrep_finds_planted_calls_by_local_rules(app: StationContext) -> None:
    java = """\
import java.io.ObjectInputStream;
import java.security.MessageDigest;
import javax.crypto.Cipher;
class A {
  void a(String x, java.sql.Statement s, Security http) throws Exception {
    Runtime.getRuntime().exec(x);
    Runtime.getRuntime().exec("ls");
    new ProcessBuilder("sh", "-c", x).start();
    s.executeQuery("select " + x);
    MessageDigest.getInstance("MD5");
    Cipher.getInstance("AES/ECB/PKCS5Padding");
    Cipher.getInstance("AES/GCM/NoPadding");
    new ObjectInputStream(null).readObject();
    http.csrf(c -> c.disable());
  }
}
"""
    csharp = """\
class B { void M(string x) {
  Process.Start(x); Process.Start("ls");
  new SqlCommand("select " + x, c);
  var f = new BinaryFormatter();
  var h = MD5.Create();
} }
"""
    own = "rules:\n- {id: no-good, languages: [java], severity: INFO, message: No., pattern: http.csrf(...)}\n"
    (app.workspace / "own.yaml").write_text(own)
    files = write(app, {"A.java": java, "B.cs": csharp})
    scans = code.scans(app, app.output_path, files, semgrep_rules=[app.workspace / "own.yaml"])
    (scan,) = scans
    assert scan.status == "found", scan
    places = {(finding.rule, finding.path, finding.line) for finding in scan.findings}
    assert places == {
        ("java-command-from-value", "A.java", 6),
        ("java-process-from-shell", "A.java", 8),
        ("java-sql-from-value", "A.java", 9),
        ("java-weak-hash", "A.java", 10),
        ("java-weak-cipher", "A.java", 11),
        ("java-objects-read", "A.java", 13),
        ("java-csrf-off", "A.java", 14),
        ("no-good", "A.java", 14),
        ("csharp-command-from-value", "B.cs", 2),
        ("csharp-sql-from-value", "B.cs", 3),
        ("csharp-objects-read", "B.cs", 4),
        ("csharp-weak-hash", "B.cs", 5),
    }
