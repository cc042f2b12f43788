"""The station ``acme-changelog``."""

from __future__ import annotations

import re

from pydantic import Field

from mityflow.sdk import Artifact, Params, Station, StationContext, StationInput, StationOutput, StationResult

_TITLES = {"feat": "Added", "fix": "Fixed", "perf": "Changed", "refactor": "Changed"}
_HEAD = "# Changelog"


class ChangelogParams(Params):
    """What a workflow can set."""

    file: str = Field("CHANGELOG.md", pattern=r"^\w[\w.-]*$", description="The changelog's name in the application.")
    kinds: list[str] = Field(["feat", "fix", "perf"], min_length=1, description="Kinds of commits that are listed.")


class Changelog(Station):
    """Puts a section for the next version above those of the changelog. A section that is there is left as it is."""

    name = "acme-changelog"
    description = "Puts a section for the next version into the changelog."
    Params = ChangelogParams

    def input(self) -> StationInput:
        """What ``acme-next-version`` gives."""
        return StationInput(["app_name", "next_version", "release_commits"])

    def output(self) -> StationOutput:
        """The section as text, and the file that was changed."""
        return StationOutput(["changelog_section", "changed_files"], artifacts=["changelog"])

    def execute(self, context: StationContext) -> StationResult:
        """Write the section, unless it is there."""
        version = context.get_input("next_version")
        path = context.output_path / context.params.file
        text = path.read_bytes().decode("utf-8") if path.exists() else ""
        section = _section(version, context.get_input("release_commits"), context.params.kinds)
        message = f"{version} is in {path.name} already"
        if not re.search(rf"^## {re.escape(version)}\s*$", text, re.MULTILINE):
            path.write_bytes(_with_section(text, section).encode("utf-8"))
            message = f"{version} put into {path.name}"
        return StationResult.success(
            self.name,
            outputs={"changelog_section": section, "changed_files": [path.name]},
            artifacts=[Artifact("changelog", str(path), "The changelog")],
            message=message,
        )


def _with_section(text: str, section: str) -> str:
    """The changelog with one more section above the others; what its author wrote over them stays on top."""
    end = "\r\n" if "\r\n" in text else "\n"
    text = text.replace("\r\n", "\n")
    first = re.search(r"^## ", text, re.MULTILINE)
    at = first.start() if first else len(text)
    parts = (text[:at].strip("\n") or _HEAD, section.strip("\n"), text[at:].strip("\n"))
    return ("\n\n".join(part for part in parts if part) + "\n").replace("\n", end)


def _section(version: str, commits: list[dict[str, object]], kinds: list[str]) -> str:
    parts: dict[str, list[str]] = {}
    for commit in commits:
        if commit["kind"] in kinds or commit["breaking"]:
            title = "Breaking" if commit["breaking"] else _TITLES.get(str(commit["kind"]), "Changed")
            parts.setdefault(title, []).append(f"- {commit['text']}")
    lines = [line for title, entries in sorted(parts.items()) for line in (f"### {title}", *entries, "")]
    return "\n".join([f"## {version}", "", *(lines or ["Nothing that users notice.", ""])])
