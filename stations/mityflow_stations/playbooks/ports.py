"""Ports that are taken. Nobody else's process is ever ended."""

from __future__ import annotations

from mityflow.sdk import Case, Hands, end_app, running_apps
from mityflow_stations._health import free_port


def end_own_application(case: Case, hands: Hands) -> tuple[str, str] | None:  # noqa: ARG001 - a recipe's signature
    """An application that an earlier run of this workspace left running on that very port."""
    port = case.diagnosis.details.get("port", "")
    for app in running_apps(case.workspace):
        fix = f"end:{app.name}"
        if port and app.url.rstrip("/").endswith(f":{port}") and not case.was_tried(fix):
            end_app(case.workspace, app.name)
            return fix, f"'{app.name}', which an earlier run had left running on port {port}, was ended"
    return None


def use_another_port(case: Case, hands: Hands) -> tuple[str, str] | None:
    """A port that is free."""
    if case.diagnosis.error_type != "PortInUse" or case.adjustments.port is not None or case.was_tried("another-port"):
        return None
    port = free_port()
    hands.adjust(port=port)
    return "another-port", f"port {port}, which is free, is used"
