"""What the tests share."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from {{ app_name_snake }}.main import create_app


@pytest.fixture
def client() -> Iterator[TestClient]:
    """A client of a new application."""
    with TestClient(create_app()) as client:
        yield client
