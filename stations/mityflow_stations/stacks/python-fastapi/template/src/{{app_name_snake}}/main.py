"""The application: its parts put together."""

from fastapi import FastAPI

from {{ app_name_snake }} import __version__, health, items


def create_app() -> FastAPI:
    """Make an application with a store of its own."""
    app = FastAPI(title="{{ app_name_title }}", version=__version__)
    app.state.items = items.ItemStore()
    app.include_router(health.router)
    app.include_router(items.router)
    return app
