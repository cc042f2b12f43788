"""Maven: the artifact that holds a package which the source imports, added to the pom."""

from __future__ import annotations

import re

from mityflow.sdk import Case, Hands

# Package, group, artifact, and the version where neither Spring Boot nor Quarkus manages one.
_ARTIFACTS = (
    ("org.apache.commons.lang3", "org.apache.commons", "commons-lang3", ""),
    ("org.apache.commons.io", "commons-io", "commons-io", "2.20.0"),
    ("org.apache.commons.text", "org.apache.commons", "commons-text", "1.14.0"),
    ("org.apache.commons.collections4", "org.apache.commons", "commons-collections4", "4.5.0"),
    ("org.apache.commons.csv", "org.apache.commons", "commons-csv", "1.14.1"),
    ("com.google.common", "com.google.guava", "guava", "33.5.0-jre"),
    ("com.google.gson", "com.google.code.gson", "gson", ""),
    ("lombok", "org.projectlombok", "lombok", ""),
    ("org.mapstruct", "org.mapstruct", "mapstruct", "1.6.3"),
    ("com.github.benmanes.caffeine", "com.github.ben-manes.caffeine", "caffeine", ""),
    ("org.springframework.web", "org.springframework.boot", "spring-boot-starter-webmvc", ""),
    ("org.springframework.jdbc", "org.springframework.boot", "spring-boot-starter-jdbc", ""),
    ("org.springframework.data.jpa", "org.springframework.boot", "spring-boot-starter-data-jpa", ""),
    ("org.springframework.security", "org.springframework.boot", "spring-boot-starter-security", ""),
    ("org.springframework.boot.actuate", "org.springframework.boot", "spring-boot-starter-actuator", ""),
    ("org.springframework.boot.webmvc.test", "org.springframework.boot", "spring-boot-starter-webmvc-test", ""),
    ("jakarta.validation", "org.springframework.boot", "spring-boot-starter-validation", ""),
    ("jakarta.ws.rs", "io.quarkus", "quarkus-rest", ""),
    ("org.eclipse.microprofile.health", "io.quarkus", "quarkus-smallrye-health", ""),
    ("io.quarkus.test", "io.quarkus", "quarkus-junit", ""),
)
_MANAGED = ("spring-boot-starter-parent", "spring-boot-dependencies", "quarkus-bom")


def add_artifact(case: Case, hands: Hands) -> tuple[str, str] | None:
    """The artifact of the package that is not there."""
    package = case.diagnosis.details.get("module", "").replace("/", ".")
    if case.diagnosis.rule not in ("javac-package", "javac-static") or not hands.exists("pom.xml"):
        return None
    fitting = [entry for entry in _ARTIFACTS if package == entry[0] or package.startswith(entry[0] + ".")]
    if not fitting or not any(match.text.startswith("import") for match in hands.search(f"{package}.", "*.java")):
        return None
    pom = hands.read("pom.xml")
    _, group, artifact, version = max(fitting, key=lambda entry: len(entry[0]))
    fix = f"add-package:{group}:{artifact}"
    ours = group.startswith(("org.springframework.boot", "io.quarkus"))
    if case.was_tried(fix) or f"<artifactId>{artifact}</artifactId>" in pom or (ours and group not in pom):
        return None
    if not version and not any(bom in pom for bom in _MANAGED):
        return None
    changed = _with_dependency(pom, group, artifact, version)
    if changed is None:
        return None
    hands.write("pom.xml", changed)
    return fix, f"{group}:{artifact} was added to pom.xml"


def _with_dependency(pom: str, group: str, artifact: str, version: str) -> str | None:
    """The pom with one more dependency, indented like the others."""
    plain = re.sub(
        r"<dependencyManagement>.*?</dependencyManagement>|<!--.*?-->|<plugins?>.*?</plugins?>",
        _blank,
        pom,
        flags=re.DOTALL,
    )
    end = plain.find("</dependencies>")
    begin = plain.find("<dependencies>")
    if begin < 0 or end < begin:
        return None
    line = pom[: pom.rfind("\n", 0, end) + 1]
    outer = pom[len(line) : end]
    unit = outer if outer and not outer.strip() else "    "
    lines = [
        f"{unit * 2}<dependency>",
        f"{unit * 3}<groupId>{group}</groupId>",
        f"{unit * 3}<artifactId>{artifact}</artifactId>",
    ]
    lines += [f"{unit * 3}<version>{version}</version>"] if version else []
    return line + "\n".join([*lines, f"{unit * 2}</dependency>", ""]) + pom[len(line) :]


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])
