"""``secure`` on real applications with their real tools: what is planted in each language is found."""

from __future__ import annotations

import json
import os
import pwd
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from mityflow_stations.scaffold import Scaffold
from mityflow_stations.secure import Secure
from stationkit import context, execute

from mityflow.stacks import find_stack

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def toolchains(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rust's toolchains lie in a person's home folder, which tests do not have."""
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    for name, folder in (("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo")):
        monkeypatch.setenv(name, os.environ.get(name, str(home / folder)))


AWS = "AKIA" + "IOSFODNN7EXAMPLQ"
REACT = """\
export function Bad({ html }: { html: string }) {
  document.title = String(eval("1 + 1"));
  return <p dangerouslySetInnerHTML={{ __html: html }} />;
}
"""
VUE = """\
<script setup lang="ts">
defineProps<{ html: string }>();
</script>

<template>
  <p v-html="html"></p>
</template>
"""
ANGULAR = """\
import { DomSanitizer } from '@angular/platform-browser';

export const bad = (trust: DomSanitizer, html: string): unknown => trust.bypassSecurityTrustHtml(html);
"""
RUST = """\
//! A weak part.

/// Eight bytes that nobody wrote.
pub fn bytes() -> Vec<u8> {
    let mut found = Vec::with_capacity(8);
    unsafe {
        found.set_len(8);
    }
    found
}
"""
PLANTED: Mapping[str, tuple[str, str, set[tuple[str, int]]]] = {
    "python-fastapi": (
        "src/my_app/bad.py",
        "import subprocess\n\n\ndef f(x: str) -> None:\n    subprocess.call(x, shell=True)\n",
        {("B602", 5)},
    ),
    "rust-api": ("src/bad.rs", RUST, {("uninit_vec", 5), ("undocumented_unsafe_blocks", 6)}),
    "frontend-react": ("src/Bad.tsx", REACT, {("no-eval", 2), ("dangerous-html", 3)}),
    "frontend-vue": ("src/BadThing.vue", VUE, {("no-v-html", 6)}),
    "frontend-angular": ("src/app/bad.ts", ANGULAR, {("sanitizing-bypassed", 3)}),
    "electron-app": ("src/renderer/bad.ts", "export const f = (x: string): unknown => eval(x);\n", {("no-eval", 1)}),
    "java-springboot": ("src/main/java/Bad.java", "class Bad {}\n", set()),
}


@pytest.mark.parametrize("stack", PLANTED)
def test_what_is_planted_is_found(workspace: Path, stack: str) -> None:
    tools = [tool.version_command[0] for tool in find_stack(stack).tools]
    absent = [tool for tool in tools if "{{" not in tool and shutil.which(tool) is None]
    if absent:
        pytest.skip(f"{', '.join(absent)} not found")
    checks = ["secrets", "code", "sbom", "licences", "dependencies"]
    where = context(Secure(), workspace, "my-app", stack, checks=checks, require=[])
    assert execute(Scaffold(), context(Scaffold(), workspace, "my-app", stack)).success
    made = find_stack(stack)
    for argv in made.command_lines("install", "my-app"):
        assert where.run(argv, cwd=where.output_path, env=made.env, timeout=900).ok
    clean = execute(Secure(), where)
    assert clean.success, clean.message
    scans = {scan["check"]: scan for scan in clean.outputs["scans"]}
    assert scans["secrets"]["status"] == "clean"
    assert scans["sbom"]["status"] == "clean", scans["sbom"]
    assert scans["licences"]["status"] == "clean", scans["licences"]
    assert sum(clean.outputs["licences"].values()) > 10
    sbom = next(artifact for artifact in clean.artifacts if artifact.name == "sbom")
    text = (workspace / sbom.path).read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert len(json.loads(text)["components"]) > 10

    path, source, expected = PLANTED[stack]
    place = where.output_path / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(source)
    if stack == "rust-api":
        lib = where.output_path / "src" / "lib.rs"
        lib.write_text(lib.read_text() + "\npub mod bad;\n")
    (where.output_path / "notes.txt").write_text(f"key = '{AWS}'\n")
    result = execute(Secure(), where)
    assert not result.success
    found: list[dict[str, Any]] = result.outputs["findings"]
    assert {(f["rule"].rpartition("/")[2], f["line"]) for f in found if f["path"] == path} >= expected, result.message
    assert ("aws-access-key", "notes.txt") in {(f["rule"], f["path"]) for f in found}
    assert AWS not in repr(result.to_data())
