from pathlib import Path

import pytest
from pydantic import ValidationError

from {{ app_name_snake }}.settings import Settings


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("APP_HOST", "APP_PORT", "APP_LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)


def test_defaults_listen_on_this_machine_only() -> None:
    settings = Settings()

    assert (settings.host, settings.port) == ("127.0.0.1", {{ port }})


def test_the_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("APP_PORT=9001\nAPP_LOG_LEVEL=debug\n", encoding="utf-8")
    monkeypatch.setenv("APP_PORT", "9002")

    settings = Settings()

    assert (settings.port, settings.log_level) == (9002, "debug")


def test_a_wrong_port_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_PORT", "70000")

    with pytest.raises(ValidationError):
        Settings()
