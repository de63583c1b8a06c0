"""Chosen ports are free, differ from each other, and stay the same if possible."""

from __future__ import annotations

import socket

import pytest

from postrail.embedded import ports


def listener() -> socket.socket:
    server = socket.create_server((ports.LOOPBACK, 0))
    server.listen()
    return server


def port_of(server: socket.socket) -> int:
    number: int = server.getsockname()[1]
    return number


def test_a_port_with_a_listener_is_not_free_and_answers() -> None:
    with listener() as server:
        assert not ports.is_free(port_of(server))
        assert ports.answers(port_of(server))
    assert ports.is_free(port_of_closed := ports.free_port())
    assert not ports.answers(port_of_closed)


def test_chosen_ports_differ() -> None:
    chosen = ports.choose_ports([f"part{number}" for number in range(50)])
    assert len(set(chosen.values())) == 50
    assert all(ports.LOWEST <= port <= ports.HIGHEST for port in chosen.values())


def test_last_ports_are_kept_while_free() -> None:
    before = ports.choose_ports(["kafka", "postgres"])
    assert ports.choose_ports(["kafka", "postgres"], before) == before


def test_a_busy_port_is_replaced_and_the_others_stay() -> None:
    with listener() as server:
        before = {"kafka": port_of(server), "postgres": ports.free_port()}
        chosen = ports.choose_ports(["kafka", "postgres"], before)
    assert chosen["kafka"] != before["kafka"]
    assert chosen["postgres"] == before["postgres"]


def test_a_port_is_not_given_again_soon() -> None:
    chosen = [ports.free_port() for _ in range(300)]
    assert len(set(chosen)) == len(chosen)


def test_two_parts_never_share_a_port_of_last_time() -> None:
    port = ports.free_port()
    chosen = ports.choose_ports(["kafka", "postgres"], {"kafka": port, "postgres": port})
    assert chosen["kafka"] == port
    assert chosen["postgres"] != port


def test_without_a_free_port_an_error_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: False)
    with pytest.raises(ports.NoFreePortError):
        ports.free_port()
