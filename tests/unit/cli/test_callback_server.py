"""The small server that takes a provider's answer on this machine."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request

import pytest

from postrail.errors import ConfigurationError, TransientError
from services.cli.commands.accounts.callback_server import Loopback


def visit(address: str) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.mark.parametrize(
    "redirect", ["http://localhost", "http://127.0.0.1/", "http://localhost/oauth/answer"]
)
def test_a_free_port_is_taken_and_told(redirect: str) -> None:
    with Loopback(redirect) as loopback:
        address = loopback.redirect_address
        host, path = redirect.removeprefix("http://").partition("/")[::2]
        assert address.startswith(f"http://{host}:")
        assert address.endswith(f"/{path}" if "/" in redirect[8:] else "")
        # Browsers ask for an icon first.
        assert visit(address.rstrip("/") + "/favicon.ico") == 404
        loopback.expect("s")
        assert visit(f"{address}?code=c&state=s") == 200
        assert loopback.answer(1).endswith("?code=c&state=s")
        # A second answer changes nothing.
        visit(f"{address}?code=other&state=s")
        assert "code=c&" in loopback.answer(1)


def test_a_refusal_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    with Loopback("http://localhost") as loopback:
        loopback.expect("s")
        threading.Thread(
            target=visit, args=[f"{loopback.redirect_address}/?error=access_denied&state=s"]
        ).start()
        assert "error=access_denied" in loopback.answer(5)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("query", ["code=c", "code=c&state=t", "code=c&state=s&state=t", "error=e"])
def test_what_some_other_page_sends_here_is_no_answer(query: str) -> None:
    with Loopback("http://localhost") as loopback:
        # Nobody was sent to the provider yet, so nobody can be back.
        assert visit(f"{loopback.redirect_address}/?code=c&state=") == 400
        loopback.expect("s")
        assert visit(f"{loopback.redirect_address}/?{query}") == 400
        with pytest.raises(TransientError):
            loopback.answer(0)
        assert visit(f"{loopback.redirect_address}/?code=mine&state=s") == 200
        assert "code=mine" in loopback.answer(1)


def test_a_connection_without_a_request_keeps_nobody_out() -> None:
    with Loopback("http://localhost") as loopback:
        loopback.expect("s")
        port = int(loopback.redirect_address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)):
            assert visit(f"{loopback.redirect_address}/?code=c&state=s") == 200
        assert "code=c" in loopback.answer(1)


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"127.0.0.1:{port}: Address already in use"):
            Loopback(f"http://localhost:{port}")
        with pytest.raises(ConfigurationError, match="--paste"):
            Loopback("http://localhost", port)


def test_nobody_signs_in() -> None:
    with Loopback("http://localhost") as loopback, pytest.raises(TransientError, match="--paste"):
        loopback.answer(0)
