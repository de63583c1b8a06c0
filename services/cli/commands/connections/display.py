"""Shows outgoing connections and their status, to people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.configuration.kinds import shown
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.views.connections.statuses import ConnectionStatus
from services.cli.output import console, show_table
from services.cli.switched import word
from services.cli.visible import clean


def print_list(found: Sequence[tuple[OutgoingConnection, ConnectionStatus]]) -> None:
    """Prints a line for each connection, and below them those that need a person."""
    show_table(
        ["Connection", "Mode", "Server", "From", "Default", "State", "Fallback", "Waiting"],
        [_line(connection, status) for connection, status in found],
        empty="No connections. Write a file with postrail init, then: postrail apply",
    )
    for connection, status in found:
        if _state(connection, status) == "not authorized":
            line = f"\n{connection.name}: {status.authorization_reason}"
            console().print(clean(line), markup=False, soft_wrap=True)
            remedy = f"  Remedy: Run: postrail connections authorize {connection.name}"
            console().print(clean(remedy), markup=False, soft_wrap=True)


def _line(connection: OutgoingConnection, status: ConnectionStatus) -> tuple[object, ...]:
    return (
        connection.name,
        connection.mode,
        f"{connection.host}:{connection.port}",
        connection.from_address,
        "default" if connection.is_default else "",
        _state(connection, status),
        connection.fallback,
        status.waiting,
    )


def _state(connection: OutgoingConnection, status: ConnectionStatus) -> str:
    if not connection.enabled:
        return "disabled"
    if status.paused_at:
        return "paused"
    waits = status.authorization == "needs_authorization"
    return "not authorized" if waits else "enabled"


def fields(connection: OutgoingConnection, status: ConnectionStatus) -> list[tuple[str, object]]:
    """Returns every attribute with its value, of secrets only whether they are set; its status."""
    attributes = [(name, word(value)) for name, value in shown(connection).items()]
    paused = f" by {status.paused_by}: {status.pause_reason}" if status.paused_by else ""
    return [
        *attributes,
        ("State", _state(connection, status)),
        *(("Used by", use) for use in status.used_by),
        ("Messages a minute", connection.minute_limit or "no limit"),
        ("Waiting messages", status.waiting),
        ("Authorization", status.authorization.replace("_", " ")),
        ("Why", status.authorization_reason),
        ("Paused", status.paused_at),
        ("Pause", paused.removeprefix(" ")),
    ]


def as_object(connection: OutgoingConnection, status: ConnectionStatus) -> dict[str, object]:
    """Returns a connection and its status for JSON."""
    return {**shown(connection), "minute_limit": connection.minute_limit, "status": status}
