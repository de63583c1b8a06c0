"""Finds approval requests by the names that people give: A-12, or its number."""

from __future__ import annotations

import re

from postrail.approvals import store
from postrail.approvals.request import Request
from postrail.database import Connection
from postrail.errors import PermanentError

KEY = re.compile(r"(?:A-)?([1-9][0-9]{0,17})", re.I)


class RequestNotFound(PermanentError):
    """No approval request has this name."""


def number_of(key: str) -> int:
    """Returns the number of a request's name: 12 of A-12; raises RequestNotFound."""
    found = KEY.fullmatch(key.strip())
    if found is None:
        raise not_found(key)
    return int(found[1])


def not_found(key: str) -> RequestNotFound:
    """Returns the error for a name that no request has."""
    return RequestNotFound(
        f"there is no approval request {key!r}", remedy="List them with: postrail approvals list"
    )


async def request_named(connection: Connection, key: str) -> Request:
    """Returns the request with this name, without a lock; raises RequestNotFound."""
    found = await store.by_number(connection, number_of(key))
    if found is None:
        raise not_found(key)
    return found


async def locked_request(connection: Connection, key: str) -> Request:
    """Locks the request with this name and returns it as it is then; raises RequestNotFound."""
    request_id = (await request_named(connection, key)).request_id
    return (await store.lock(connection, [request_id]))[request_id]
