"""Free loopback ports, the same ones as last time where that is possible."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable, Mapping

LOOPBACK = "127.0.0.1"

# Below the range from which Linux takes the source ports of outgoing connections: a client that
# tries again and again to reach a server that is away could otherwise connect to itself.
LOWEST = 15_000
HIGHEST = 32_000


class NoFreePortError(RuntimeError):
    """All ports that were tried are taken by other programs."""


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether nobody listens on the port; connections that linger in TIME_WAIT do not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            # Only listening finds a server that set SO_REUSEADDR itself.
            probe.listen(1)
        except OSError:
            return False
    return True


def answers(port: int, host: str = LOOPBACK, timeout_seconds: float = 1.0) -> bool:
    """Whether a server accepts connections on the port."""
    try:
        socket.create_connection((host, port), timeout_seconds).close()
    except OSError:
        return False
    return True


def free_port(taken: Iterable[int] = ()) -> int:
    """A port that nobody listens on, and none of `taken`."""
    avoid = set(taken)
    for _ in range(1000):
        port = random.randint(LOWEST, HIGHEST)  # noqa: S311  No secret; only spread out.
        if port not in avoid and is_free(port):
            return port
    raise NoFreePortError(f"no free port between {LOWEST} and {HIGHEST}")


def choose_ports(names: Iterable[str], before: Mapping[str, int] | None = None) -> dict[str, int]:
    """A free port for each name: the one it had before if that is still free, else another."""
    before = before or {}
    chosen: dict[str, int] = {}
    for name in names:
        last = before.get(name, 0)
        taken = {*chosen.values(), *before.values()}
        keeps = last > 0 and last not in chosen.values() and is_free(last)
        chosen[name] = last if keeps else free_port(taken)
    return chosen
