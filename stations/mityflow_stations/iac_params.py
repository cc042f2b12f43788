"""The settings (``with:``) of ``scaffold-iac`` and ``validate-iac``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mityflow.sdk import Duration, Params
from mityflow_stations.secure_params import Ignored, Threshold

Look = Literal["format", "terraform", "static", "exposure", "checkov"]
Folder = Annotated[str, Field(pattern=r"^(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,99}/){0,9}[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$")]


class ScaffoldIacParams(Params):
    """Settings of ``scaffold-iac``."""

    stack: str | None = Field(None, description="The application's stack; the workflow's own when left out.")
    path: Folder = Field("infra", description="The folder to write to, from the application's folder on.")
    port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Where the application listens in its container; when left out, what its Dockerfile exposes, or"
        " the stack's port.",
    )
    health_path: str | None = Field(
        None,
        pattern=r"^/[A-Za-z0-9._~/-]{0,200}$",
        description="What is asked to see whether the application is well; the stack's own when left out.",
    )
    conflict: Literal["fail", "keep", "overwrite", "ask"] = Field(
        "fail",
        description="What becomes of files that scaffold-iac did not write: fail and write nothing, keep them,"
        " move the whole old folder aside, or ask a person.",
    )


class ValidateIacParams(Params):
    """Settings of ``validate-iac``."""

    path: Folder | Literal["."] = Field("infra", description="The folder to look at, from the application's on.")
    checks: list[Look] = Field(
        ["format", "terraform", "static", "exposure", "checkov"],
        min_length=1,
        description="What to do: format (terraform fmt), terraform (init and validate), static (names and providers'"
        " schemas, where Terraform did not validate), exposure (networks open to the world), checkov.",
    )
    fail_at: Threshold = Field("high", description="The severity from which on a finding fails the step, or never.")
    require: list[Literal["format", "terraform", "checkov"]] = Field(
        [], description="What must have run: for these, 'not checked' fails the step."
    )
    ignore: list[Ignored] = Field(
        [],
        description="Findings that do not count: each a rule, and a reason and a last day for that; a path and a"
        " text narrow it down.",
    )
    timeout: Duration = Field("5m", description="How long each program may take.")
