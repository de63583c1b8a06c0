"""The small HTTP server that receives a provider's answer on this machine."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request

import pytest

from postrail.errors import ConfigurationError, TransientError
from services.cli.commands.accounts.callback_server import CallbackServer


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
def test_a_free_port_is_used_and_reported(redirect: str) -> None:
    with CallbackServer(redirect) as server:
        address = server.redirect_address
        host, path = redirect.removeprefix("http://").partition("/")[::2]
        assert address.startswith(f"http://{host}:")
        assert address.endswith(f"/{path}" if "/" in redirect[8:] else "")
        # Browsers ask for an icon first.
        assert visit(address.rstrip("/") + "/favicon.ico") == 404
        server.expect("s")
        assert visit(f"{address}?code=c&state=s") == 200
        assert server.answer(1).endswith("?code=c&state=s")
        # A second answer changes nothing.
        visit(f"{address}?code=other&state=s")
        assert "code=c&" in server.answer(1)


def test_a_refusal_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    with CallbackServer("http://localhost") as server:
        server.expect("s")
        threading.Thread(
            target=visit, args=[f"{server.redirect_address}/?error=access_denied&state=s"]
        ).start()
        assert "error=access_denied" in server.answer(5)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("query", ["code=c", "code=c&state=t", "code=c&state=s&state=t", "error=e"])
def test_requests_that_other_pages_cause_are_refused(query: str) -> None:
    with CallbackServer("http://localhost") as server:
        # No person was sent to the provider yet, so no answer can come.
        assert visit(f"{server.redirect_address}/?code=c&state=") == 400
        server.expect("s")
        assert visit(f"{server.redirect_address}/?{query}") == 400
        with pytest.raises(TransientError):
            server.answer(0)
        assert visit(f"{server.redirect_address}/?code=mine&state=s") == 200
        assert "code=mine" in server.answer(1)


def test_an_idle_connection_does_not_block_others() -> None:
    with CallbackServer("http://localhost") as server:
        server.expect("s")
        port = int(server.redirect_address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)):
            assert visit(f"{server.redirect_address}/?code=c&state=s") == 200
        assert "code=c" in server.answer(1)


def test_a_port_in_use_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"127.0.0.1:{port}: Address already in use"):
            CallbackServer(f"http://localhost:{port}")
        with pytest.raises(ConfigurationError, match="--paste"):
            CallbackServer("http://localhost", port)


def test_a_missing_answer_ends_the_wait() -> None:
    with (
        CallbackServer("http://localhost") as server,
        pytest.raises(TransientError, match="--paste"),
    ):
        server.answer(0)
