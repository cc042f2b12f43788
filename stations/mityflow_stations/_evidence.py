"""What files say about an application: are they there, and do they parse."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

_OPENING = re.compile(r"\{[{%#]")
_LARGEST = 64 * 1024 * 1024
_DOCTYPE = re.compile(rb"<!DOCTYPE|<!ENTITY", re.IGNORECASE)


def file_problems(root: Path, required: Iterable[str], literal: Iterable[str]) -> list[str]:
    """What is wrong with required files: missing, empty, or with a placeholder left over.

    ``literal`` are patterns of files that may hold braces.
    """
    problems = []
    for path in required:
        place = root / path
        if not place.is_file():
            problems.append(f"{path} is missing")
        elif place.stat().st_size == 0:
            problems.append(f"{path} is empty")
        elif not any(fnmatchcase(path, pattern) for pattern in literal):
            problems += _placeholders(place, path)
    return problems


def _placeholders(place: Path, path: str) -> list[str]:
    try:
        text = place.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return []
    left = _OPENING.search(text)
    if not left:
        return []
    return [f"{path}:{text.count(chr(10), 0, left.start()) + 1}: a placeholder is left over"]


def config_problems(root: Path, paths: Iterable[str]) -> list[str]:
    """What is wrong with configuration files: missing, or not in the form their name promises."""
    problems = []
    for path in paths:
        try:
            _parse(path, (root / path).read_bytes())
        except FileNotFoundError:
            problems.append(f"{path} is missing")
        except Exception as error:  # noqa: BLE001 - each parser has exceptions of its own
            reason = " ".join(str(error).split())
            problems.append(f"{path} does not parse: {reason}")
    return problems


def _parse(path: str, data: bytes) -> None:
    text = data.decode("utf-8")
    match path.rpartition(".")[2].lower():
        case "json":
            json.loads(text)
        case "toml":
            import tomllib

            tomllib.loads(text)
        case "yaml" | "yml":
            import yaml

            for _ in yaml.parse(text, Loader=yaml.SafeLoader):
                pass
        case "xml" | "csproj" | "props" | "slnx":
            parse_xml(data)
        case _:
            raise ValueError("this is none of .json, .toml, .yaml, .yml, .xml, .csproj, .props and .slnx")


def parse_xml(data: bytes) -> Any:
    """The root of an XML document. Raises ValueError or SyntaxError for one that is wrong, or too large.

    Document types are refused: their entities can grow without bound.
    """
    from xml.etree.ElementTree import fromstring

    if len(data) > _LARGEST:
        raise ValueError("it is too large")
    if _DOCTYPE.search(data):
        raise ValueError("it has a document type")
    return fromstring(data)  # noqa: S314 - without a document type there is nothing to expand
