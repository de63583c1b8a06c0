"""Chooses free loopback ports, if possible the same ones as last time."""

from __future__ import annotations

import itertools
import random
import socket
from collections.abc import Iterable, Mapping

LOOPBACK = "127.0.0.1"

# Below the range from which Linux takes the source ports of outgoing connections: a client that
# retries while its server is down could otherwise connect to itself.
LOWEST = 15_000
HIGHEST = 32_000
COUNT = HIGHEST - LOWEST + 1

# Each search goes on where the last one ended, so a port is not given again before its server
# listens. Searches of different processes begin at random places.
offsets = itertools.count(random.randrange(COUNT))  # noqa: S311  Not a secret.


class NoFreePortError(RuntimeError):
    """All ports that were tried are in use by other programs."""


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Tells whether a server could listen on the port; connections in TIME_WAIT do not matter."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            # Only `listen` fails when the other server has set SO_REUSEADDR as well.
            probe.listen(1)
        except OSError:
            return False
    return True


def answers(port: int, host: str = LOOPBACK, timeout_seconds: float = 1.0) -> bool:
    """Tells whether a server accepts connections on the port."""
    try:
        socket.create_connection((host, port), timeout_seconds).close()
    except OSError:
        return False
    return True


def free_port(taken: Iterable[int] = ()) -> int:
    """Returns a free port that is not in `taken`."""
    avoid = set(taken)
    for offset in itertools.islice(offsets, COUNT):
        port = LOWEST + offset % COUNT
        if port not in avoid and is_free(port):
            return port
    raise NoFreePortError(f"no free port between {LOWEST} and {HIGHEST}")


def choose_ports(names: Iterable[str], before: Mapping[str, int] | None = None) -> dict[str, int]:
    """Returns a free port for each name: the one it had before if that is still free."""
    before = before or {}
    chosen: dict[str, int] = {}
    for name in names:
        last = before.get(name, 0)
        taken = {*chosen.values(), *before.values()}
        keeps = last > 0 and last not in chosen.values() and is_free(last)
        chosen[name] = last if keeps else free_port(taken)
    return chosen
