"""The settings (``with:``) of the built-in stations; loaded only when a step has some."""

from typing import Annotated, Any, Literal

from pydantic import Field

from mityflow.sdk import Duration, HealingParams, Params

Identity = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^<>\r\n\x00]*[^<>\s\x00][^<>\r\n\x00]*$")]


class ScaffoldParams(Params):
    """Settings of ``scaffold``."""

    stack: str | None = Field(None, description="The stack to render; the workflow's own when left out.")
    conflict: Literal["fail", "keep", "overwrite"] = Field(
        "fail",
        description="What becomes of files that scaffold did not write: fail and write nothing, keep them,"
        " or move the whole old folder aside.",
    )
    variables: dict[str, Any] = Field({}, description="Values of the stack's variables.")


class ValidateParams(Params):
    """Settings of ``validate``."""

    stack: str | None = Field(None, description="The stack to check by; the workflow's own when left out.")
    checks: list[Literal["files", "config", "install", "build", "lint", "test"]] = Field(
        ["files", "config", "install", "build", "lint", "test"],
        min_length=1,
        description="What to check; always in this order: files, config, install, build, lint, test.",
    )
    timeout: Duration | None = Field(
        None,
        description="How long each of install, build, lint and test may take, such as 10m, in place of the stack's"
        " limits.",
    )


class BuildTestParams(HealingParams):
    """Settings of ``build-test``."""

    stack: str | None = Field(None, description="The stack to build by; the workflow's own when left out.")
    timeout: Duration | None = Field(
        None,
        description="How long each of install, build, lint and test may take, such as 10m, in place of the stack's"
        " limits.",
    )


class LaunchParams(HealingParams):
    """Settings of ``launch``."""

    stack: str | None = Field(None, description="The stack to start by; the workflow's own when left out.")
    port: int | None = Field(
        None, ge=1, le=65535, description="The port to listen on, which must be free; any free one when left out."
    )
    timeout: Duration | None = Field(
        None, description="How long it may take until the application answers, in place of the stack's limit."
    )
    keep_running: bool = Field(False, description="Leave it running: 'mityflow ps' lists it, 'mityflow stop' ends it.")


class SmokeReportParams(Params):
    """Settings of ``smoke-report``."""

    stacks: list[str] = Field(description="The stacks that were tried.")
    results: list[dict[str, Any] | None] = Field(
        description="What 'smoke-stack' gave for each of them, in the same order; null where it gave nothing."
    )


class CommitParams(Params):
    """Settings of ``commit``."""

    message: str | None = Field(None, min_length=1, pattern=r"\S", description="The commit message.")
    author_name: Identity | None = Field(None, description="Who commits; git's own setting when left out.")
    author_email: Identity | None = Field(
        None, description="The address of who commits; git's own setting when left out."
    )
    branch: str | None = Field(
        None,
        min_length=1,
        description="The branch to commit to, made where it is not there; the current one when left out.",
    )
    approve: bool = Field(
        False, description="Whether a person is shown the difference and asked before it is committed."
    )


class HealParams(HealingParams):
    """Settings of ``heal``."""

    command: list[str] = Field(min_length=1, description="The command and its arguments; no shell reads them.")
    cwd: str | None = Field(
        None, description="The application's folder, relative to the workspace, which it is by default."
    )
    stack: str | None = Field(None, description="The application's stack, where it has one.")
    timeout: Duration | None = Field(None, description="How long one run of the command may take.")
