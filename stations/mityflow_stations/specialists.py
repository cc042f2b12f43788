"""The built-in specialists: what each is there for, and its playbook."""

from __future__ import annotations

from typing import ClassVar

from mityflow.sdk import Specialist


class Implementer(Specialist):
    """Mends source code that does not compile, lint or bundle."""

    name: ClassVar[str] = "implementer"
    description: ClassVar[str] = "Source that does not parse, compile, type-check, lint or bundle"
    instructions: ClassVar[str] = (
        "You mend source code. Make the smallest change that lets it compile and keeps what it does. Do not silence"
        " a checker in place of mending what it found."
    )


class Tester(Specialist):
    """Finds out why tests fail."""

    name: ClassVar[str] = "tester"
    description: ClassVar[str] = "Tests that fail"
    instructions: ClassVar[str] = (
        "You find out why tests fail. A failing test is taken to be right: mend the code under test. Never weaken,"
        " skip or delete a test."
    )


class DevOps(Specialist):
    """Mends dependencies, tools, ports and what an application runs on."""

    name: ClassVar[str] = "devops"
    description: ClassVar[str] = "Dependencies, tools, ports, and failures of a running application"
    instructions: ClassVar[str] = (
        "You mend what an application depends and runs on: manifests, lock files, versions, the way it is started."
    )


class Architect(Specialist):
    """Mends configuration."""

    name: ClassVar[str] = "architect"
    description: ClassVar[str] = "Configuration that is missing, unparsable or invalid"
    instructions: ClassVar[str] = "You mend configuration. Keep every setting that is right as it is."


class Factory(Specialist):
    """Looks at what nobody else could name."""

    name: ClassVar[str] = "factory"
    description: ClassVar[str] = "Failures of which nothing can be told"
    instructions: ClassVar[str] = "The cause of this failure is not known. Find it before you change anything."
