"""Where the files that come with mityflow lie: inside the package once installed, at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

from mityflow.errors import UsageError, nearest


def workflows_folder() -> Path:
    """The folder of the predefined workflows."""
    return _folder("workflows")


def schemas_folder() -> Path:
    """The folder of the JSON Schemas."""
    return _folder("schemas")


def schema_text(name: str) -> str:
    """The text of the JSON Schema ``<name>.schema.json``. Raises UsageError for an unknown name."""
    path = schemas_folder() / f"{name}.schema.json"
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        known = sorted(p.name.removesuffix(".schema.json") for p in schemas_folder().glob("*.schema.json"))
        meant = nearest(name, known)
        raise UsageError(
            f"unknown schema '{name}'" + (f"; did you mean '{meant}'?" if meant else ""),
            hint=f"one of {', '.join(known)}",
        ) from None


def _folder(name: str) -> Path:
    package = Path(__file__).parent
    installed = package / "data" / name
    return installed if installed.is_dir() else package.parent / name
