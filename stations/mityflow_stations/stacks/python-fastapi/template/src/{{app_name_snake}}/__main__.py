"""Serve the application: ``python -m {{ app_name_snake }}``."""

import uvicorn

from {{ app_name_snake }}.main import create_app
from {{ app_name_snake }}.settings import Settings


def main() -> None:
    """Serve until stopped, on the address the settings name."""
    settings = Settings()
    uvicorn.run(
        create_app(),
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level,
    )


if __name__ == "__main__":
    main()
