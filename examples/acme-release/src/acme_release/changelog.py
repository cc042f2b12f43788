"""The station ``acme-changelog``."""

from __future__ import annotations

from pydantic import Field

from mityflow.sdk import Artifact, Params, Station, StationContext, StationInput, StationOutput, StationResult

_TITLES = {"feat": "Added", "fix": "Fixed", "perf": "Changed", "refactor": "Changed"}
_HEAD = "# Changelog\n"


class ChangelogParams(Params):
    """What a workflow can set."""

    file: str = Field("CHANGELOG.md", pattern=r"^[\w.-]+$", description="The changelog's name in the application.")
    kinds: list[str] = Field(["feat", "fix", "perf"], min_length=1, description="Kinds of commits that are listed.")


class Changelog(Station):
    """Puts a section for the next version at the top of the changelog. A section that is there is left as it is."""

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
        text = path.read_text(encoding="utf-8") if path.exists() else _HEAD
        section = _section(version, context.get_input("release_commits"), context.params.kinds)
        message = f"{version} is in {path.name} already"
        if f"\n## {version}\n" not in text:
            head, rest = text.split("\n", 1) if text.startswith("# ") else (_HEAD.strip(), text)
            path.write_text(f"{head}\n\n{section}{rest}", encoding="utf-8")
            message = f"{version} put into {path.name}"
        return StationResult.success(
            self.name,
            outputs={"changelog_section": section, "changed_files": [path.name]},
            artifacts=[Artifact("changelog", str(path), "The changelog")],
            message=message,
        )


def _section(version: str, commits: list[dict[str, object]], kinds: list[str]) -> str:
    parts: dict[str, list[str]] = {}
    for commit in commits:
        if commit["kind"] in kinds or commit["breaking"]:
            title = "Breaking" if commit["breaking"] else _TITLES.get(str(commit["kind"]), "Changed")
            parts.setdefault(title, []).append(f"- {commit['text']}")
    lines = [line for title, entries in sorted(parts.items()) for line in (f"### {title}", *entries, "")]
    return "\n".join([f"## {version}", "", *(lines or ["Nothing that users notice.", ""])])
