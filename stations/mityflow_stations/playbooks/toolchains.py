"""Toolchains that are too old, brought as packages of the registries that the project uses anyway."""

from __future__ import annotations

import os
import platform
import re

from mityflow.sdk import Case, Hands

_NODE = "24"
_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}


def newer_node(case: Case, hands: Hands) -> tuple[str, str] | None:
    """A newer Node.js, from the package that the registry has of it, in mityflow's own folder."""
    said = "\n".join(case.diagnosis.evidence)
    wanted = case.diagnosis.rule in ("npm-engine", "tool-version") and re.search(r"\b[Nn]ode\b", said)
    system, machine = _SYSTEMS.get(platform.system()), _MACHINES.get(platform.machine().lower())
    if not wanted or not system or not machine or case.was_tried("newer-node"):
        return None
    folder = case.workspace / ".mity" / "tools"
    name = f"node-{system}-{machine}"
    argv = ["npm", "install", "--prefix", str(folder), "--no-save", "--no-package-lock", "--no-audit", "--no-fund"]
    if not hands.run([*argv, f"{name}@{_NODE}"], timeout=240).ok:
        return None
    path = folder / "node_modules" / name / "bin"
    if not (path / "node").exists():
        return None
    hands.adjust(env={"PATH": f"{path}{os.pathsep}{case.adjustments.env.get('PATH') or os.environ.get('PATH', '')}"})
    return "newer-node", f"Node.js {_NODE} was brought as the package {name}, for this run"
