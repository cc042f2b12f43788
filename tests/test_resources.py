"""Where mityflow finds the files that come with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mityflow import resources
from mityflow.errors import UsageError

PROJECT = Path(__file__).resolve().parent.parent


def test_a_checkout_has_its_files_at_the_top() -> None:
    assert resources.workflows_folder() == PROJECT / "workflows"
    assert resources.schemas_folder() == PROJECT / "schemas"
    assert (resources.workflows_folder() / "create-app.yaml").is_file()


def test_an_installed_package_has_them_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "mityflow"
    for name in ("workflows", "schemas"):
        (package / "data" / name).mkdir(parents=True)
    (package / "data" / "schemas" / "stack.schema.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr(resources, "__file__", str(package / "resources.py"))

    assert resources.workflows_folder() == package / "data" / "workflows"
    assert resources.schema_text("stack") == "{}"


def test_a_schema_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'stack'"):
        resources.schema_text("stac")
