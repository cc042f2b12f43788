"""Lock files that do not fit their manifest. One that does not match what a server gives is no case for this."""

from __future__ import annotations

from mityflow.sdk import Case, Hands

_COMMANDS = {
    "npm-lock": (
        "package-lock.json",
        ["npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
    ),
    "cargo-lock": ("Cargo.lock", ["cargo", "update", "--workspace", "--quiet"]),
    "python-lock": ("uv.lock", ["uv", "lock"]),
}


def update_lock(case: Case, hands: Hands) -> tuple[str, str] | None:
    """The lock file brought in step with the manifest; versions that fit stay as they are."""
    entry = _COMMANDS.get(case.diagnosis.rule)
    if entry is None or case.was_tried("update-lock"):
        return None
    file, argv = entry
    manifests = {"package-lock.json": "package.json", "Cargo.lock": "Cargo.toml", "uv.lock": "pyproject.toml"}
    if not hands.exists(manifests[file]) or not hands.run(argv, timeout=240).ok:
        return None
    return "update-lock", f"{file} was brought in step with {manifests[file]}"
