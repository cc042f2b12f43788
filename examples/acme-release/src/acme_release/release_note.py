"""The station ``acme-release-note``."""

from __future__ import annotations

from pydantic import Field

from mityflow.sdk import Artifact, Params, Station, StationContext, StationInput, StationOutput, StationResult


class ReleaseNoteParams(Params):
    """What a workflow can set."""

    greeting: str = Field("", max_length=500, description="A sentence above the changes.")


class ReleaseNote(Station):
    """Writes ``release-note.md`` into the workspace, from the changelog's section."""

    name = "acme-release-note"
    description = "Writes the note of a release."
    Params = ReleaseNoteParams

    def input(self) -> StationInput:
        """What the other two give."""
        return StationInput(["app_name", "next_version", "changelog_section"], artifacts=["changelog"])

    def output(self) -> StationOutput:
        """The note."""
        return StationOutput(["release_note"], artifacts=["release-note"])

    def execute(self, context: StationContext) -> StationResult:
        """Write the note, in place of an earlier one."""
        _, _, changes = context.get_input("changelog_section").partition("\n")
        parts = [f"# {context.app_name} {context.get_input('next_version')}", context.params.greeting, changes.strip()]
        note = "\n\n".join(part for part in parts if part) + "\n"
        path = context.workspace / "release-note.md"
        path.write_text(note, encoding="utf-8")
        return StationResult.success(
            self.name,
            outputs={"release_note": note},
            artifacts=[Artifact("release-note", str(path), "The note of the release")],
            message=f"wrote {path.name}",
        )
