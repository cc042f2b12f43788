"""``stack.yaml``: the only place that knows a stack's commands, tools, port, health and files."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from mityflow.models.base import FileModel

Text = Annotated[str, Field(min_length=1)]
Argument = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Command = Annotated[
    list[Argument],
    Field(min_length=1, description="One command as its list of arguments; no shell reads it."),
]
Commands = Annotated[list[Command], Field(min_length=1)]
RelativePath = Annotated[
    str, Field(pattern=r"^(?!/)(?!(.*/)?\.\.(/|$))[^\\\x00]+$", description="A path inside the application.")
]
FilePattern = Annotated[
    str,
    Field(
        min_length=1,
        description="A file's path in the template as fnmatch writes it: * matches slashes too.",
    ),
]
Version = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)*$")]
Duration = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$")]
EnvName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
ReportFormat = Literal["junit", "trx", "tap", "jest", "libtest"]
VariableName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class ToolModel(FileModel):
    """A program the stack needs."""

    name: Text = Field(description="What people call the tool, such as Python.")
    version_command: Command = Field(description="A command that prints the tool's version.")
    minimum: Version | None = Field(None, description="The lowest version that works, such as 3.11.")
    below: Version | None = Field(None, description="The first version that no longer works.")
    get: Text = Field(description="How to get the tool, for a person who lacks it.")


class CommandsModel(FileModel):
    """The commands of each phase, started in the application's folder, one after another.

    An argument may name {{ python }}, the Python that mityflow runs on; the forms of the application's
    name, {{ app_name }}, {{ app_name_kebab }}, {{ app_name_snake }}, {{ app_name_flat }},
    {{ app_name_pascal }} and {{ app_name_title }}; and in ``run`` {{ host }} and {{ port }}.
    """

    install: Commands | None = Field(None, description="Fetch what the application depends on.")
    build: Commands | None = Field(None, description="Make what is run or shipped.")
    lint: Commands | None = Field(None, description="Check style and types without changing a file.")
    test: Commands | None = Field(None, description="Run the tests.")
    format: Commands | None = Field(None, description="Bring the source into the stack's style.")
    run: Command | None = Field(None, description="Start the application; it runs until it is stopped.")


class TimeLimitsModel(FileModel):
    """How long all commands of a phase may take together: 90s, 10m, 1.5h.

    10m where nothing is said, and 1m for ``launch``.
    """

    install: Duration | None = Field(None, description="Limit of the install commands.")
    build: Duration | None = Field(None, description="Limit of the build commands.")
    lint: Duration | None = Field(None, description="Limit of the lint commands.")
    test: Duration | None = Field(None, description="Limit of the test commands.")
    launch: Duration | None = Field(None, description="How long the application may take until it answers.")


class PortModel(FileModel):
    """Where the application listens."""

    default: int = Field(description="The port it takes when none is given.", ge=1, le=65535)
    env: EnvName | None = Field(None, description="Environment variable with the port; else 'run' says {{ port }}.")
    host_env: EnvName | None = Field(
        None, description="Environment variable with the address to listen on; else 'run' says {{ host }}."
    )


class HealthModel(FileModel):
    """The request that shows that the application works."""

    path: str = Field(description="Path of the request, such as /health.", pattern="^/")
    status: int = Field(200, description="The status code of a good answer.", ge=100, le=599)
    body: Text | None = Field(None, description="Text that a good answer contains.")


class SmokeModel(FileModel):
    """A command that shows that an application works which does not listen, such as one with a window."""

    command: Command = Field(
        description="Starts the application, looks whether it works, and ends; exit code 77 says that this cannot"
        " be done here, and the last line why."
    )
    output: Text = Field(description="Text it prints when the application works; exit code 0 alone is not enough.")


class RunnerReportModel(FileModel):
    """The test runner's own report, from which tests are counted."""

    format: ReportFormat = Field(
        "junit",
        description="The report's form: JUnit XML; TRX, which 'dotnet test' writes; TAP; the JSON of Jest and Vitest;"
        " or what 'cargo test' prints (libtest), which needs no file.",
    )
    arguments: list[Argument] = Field([], description="Arguments that make the last test command write the report.")
    files: RelativePath | None = Field(None, description="Where the report is then, as a glob inside the application.")


class DetectModel(FileModel):
    """What an application of the stack is known by, where nobody says its stack."""

    ecosystem: Literal["python", "npm", "cargo", "maven", "nuget"] = Field(
        description="Whose manifests are read: pyproject.toml and requirements*.txt; package.json; Cargo.toml;"
        " pom.xml; *.csproj."
    )
    packages: list[Text] = Field(
        min_length=1,
        description="Packages that the manifest names, all of them; * stands for any text. Those of Maven are written"
        " group:artifact, the SDK of a .NET project sdk:NAME.",
    )
    without: list[Text] = Field([], description="Packages that only applications of other stacks name.")


class StackFile(FileModel):
    """A stack: how applications of one kind are made, built, tested and run."""

    version: Literal[1] = Field(description="The version of this file format.")
    id: str = Field(description="The stack's id, the name of its folder.", pattern="^[a-z][a-z0-9_-]{0,62}$")
    name: Text = Field(description="The stack's name for people.")
    description: Text = Field(description="What one gets, in a sentence.")
    tools: list[ToolModel] = Field([], description="The programs the commands need.")
    commands: CommandsModel = Field(description="The commands of each phase.")
    time_limits: TimeLimitsModel | None = Field(None, description="How long each phase may take.")
    env: dict[EnvName, Argument] = Field({}, description="Environment of every command.")
    port: PortModel | None = Field(None, description="Where the application listens.")
    health: HealthModel | None = Field(None, description="The request that shows that the application works.")
    smoke: SmokeModel | None = Field(
        None, description="What shows that the application works, where it answers no request."
    )
    test_report: RunnerReportModel | None = Field(
        None, description="The report that tests are counted from; without it only the exit code speaks."
    )
    required_files: list[RelativePath] = Field([], description="Files an application of this stack cannot do without.")
    config_files: list[RelativePath] = Field(
        [], description="Files that must parse: .json, .toml, .yaml, .yml, .xml, .csproj, .props and .slnx."
    )
    detect: DetectModel | None = Field(
        None, description="What an application of the stack is known by; without it the stack must be said."
    )
    variables: dict[VariableName, dict[str, Any]] = Field(
        {},
        description="Values the template can be given, each a JSON Schema; without a default it must be given.",
    )
    reserved_names: Text | None = Field(
        None,
        description="Names, with white space between them, that mean something else here; an application of"
        " such a name gets '_app' at the end of its derived names.",
    )
    copy_without_rendering: list[FilePattern] = Field(
        [], description="Template files whose text is taken as it is; their names are rendered."
    )
    literal_braces: list[FilePattern] = Field(
        [], description="Template files that may still hold {{ or {% once rendered, such as CI files."
    )
