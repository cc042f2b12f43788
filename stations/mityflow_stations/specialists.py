"""The built-in specialists: what each is there for, and its playbook."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from mityflow.sdk import Case, Hands, Recipe, Specialist
from mityflow_stations.playbooks.caches import clear_caches
from mityflow_stations.playbooks.environment import set_documented_variable
from mityflow_stations.playbooks.fixers import run_fixer
from mityflow_stations.playbooks.flaky import run_again
from mityflow_stations.playbooks.locks import update_lock
from mityflow_stations.playbooks.maven import add_artifact
from mityflow_stations.playbooks.packages import add_package, add_types, install_again
from mityflow_stations.playbooks.ports import end_own_application, use_another_port
from mityflow_stations.playbooks.restore import (
    restore_configuration,
    restore_lost_entries,
    restore_manifest,
    restore_named,
)
from mityflow_stations.playbooks.toolchains import newer_node

_Apply = Callable[[Case, Hands], tuple[str, str] | None]


class Implementer(Specialist):
    """Mends source code that does not compile, lint or bundle."""

    name: ClassVar[str] = "implementer"
    description: ClassVar[str] = "Source that does not parse, compile, type-check, lint or bundle"
    instructions: ClassVar[str] = (
        "You mend source code. Make the smallest change that lets it compile and keeps what it does. Do not silence"
        " a checker in place of mending what it found."
    )

    def playbook(self) -> Sequence[Recipe]:
        """Its recipes."""
        return (
            Recipe("restore", restore_named),
            Recipe("format", run_fixer),
            Recipe("clear-caches", clear_caches),
        )


class Tester(Specialist):
    """Finds out why tests fail."""

    name: ClassVar[str] = "tester"
    description: ClassVar[str] = "Tests that fail"
    instructions: ClassVar[str] = (
        "You find out why tests fail. A failing test is taken to be right: mend the code under test. Never weaken,"
        " skip or delete a test."
    )

    def playbook(self) -> Sequence[Recipe]:
        """Its recipes."""
        return (Recipe("rerun", run_again),)


def of_packages(recipe: _Apply) -> _Apply:
    """The recipe for failures of packages only: DevOps also acts on programs that fail by themselves."""

    def apply(case: Case, hands: Hands) -> tuple[str, str] | None:
        return recipe(case, hands) if case.diagnosis.error_type == "DependencyError" else None

    return apply


class DevOps(Specialist):
    """Mends dependencies, tools, ports and what an application runs on."""

    name: ClassVar[str] = "devops"
    description: ClassVar[str] = "Dependencies, tools, ports, and failures of a running application"
    instructions: ClassVar[str] = (
        "You mend what an application depends and runs on: manifests, lock files, versions, the way it is started."
    )

    def playbook(self) -> Sequence[Recipe]:
        """Its recipes."""
        return (
            Recipe("end-own-application", end_own_application),
            Recipe("another-port", use_another_port),
            Recipe("restore-lost-entries", of_packages(restore_lost_entries)),
            Recipe("update-lock", update_lock),
            Recipe("add-types", add_types),
            Recipe("add-package", add_package),
            Recipe("add-artifact", add_artifact),
            Recipe("install-again", install_again),
            Recipe("newer-node", newer_node),
            Recipe("restore", of_packages(restore_named)),
            Recipe("restore-manifest", of_packages(restore_manifest)),
            Recipe("clear-caches", clear_caches),
        )


class Architect(Specialist):
    """Mends configuration."""

    name: ClassVar[str] = "architect"
    description: ClassVar[str] = "Configuration that is missing, unparsable or invalid"
    instructions: ClassVar[str] = "You mend configuration. Keep every setting that is right as it is."

    def playbook(self) -> Sequence[Recipe]:
        """Its recipes."""
        return (
            Recipe("environment", set_documented_variable),
            Recipe("restore", restore_named),
            Recipe("restore-configuration", restore_configuration),
            Recipe("restore-manifest", restore_manifest),
        )


class Factory(Specialist):
    """Looks at what nobody else could name."""

    name: ClassVar[str] = "factory"
    description: ClassVar[str] = "Failures of which nothing can be told"
    instructions: ClassVar[str] = "The cause of this failure is not known. Find it before you change anything."
