"""One post to a real receiver: what counts as taken, and what its faults are called."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postrail.webhooks import address, post
from postrail.webhooks.address import Resolve, resolve
from postrail.webhooks.post import Answer, Poster, Target
from postrail.webhooks.signature import signature
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.webhooks.receiver import (
    SECRET,
    Behaviour,
    Receiver,
    answer,
    breaks_off,
    endless_headers,
    huge_body,
    no_http,
    running_receiver,
    slow_headers,
    slow_status,
    when_open,
)

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
BODY = json.dumps({"id": "5b0c", "comment": "Grüße"}, ensure_ascii=False)
PUBLIC_NAME = "hooks.example.org"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("post"), "localhost", "127.0.0.1", PUBLIC_NAME)


@pytest.fixture
def receiver(certificates: Certificates) -> Iterator[Receiver]:
    with running_receiver(certificates) as server:
        yield server


def target(
    receiver: Receiver,
    certificates: Certificates,
    *,
    host: str = "localhost",
    private: Sequence[str] = ("Localhost", "127.0.0.1"),
) -> Target:
    return Target(
        url=receiver.url(host),
        secret="s3cret",
        private_hosts=private,
        context=certificates.client_context(),
    )


async def posted(to: Target, resolver: Resolve = resolve) -> Answer:
    poster = Poster(at_once=1, resolver=resolver)
    try:
        return await poster.post(to, "5b0c", BODY, NOW)
    finally:
        poster.close()


async def test_the_receiver_gets_the_body_with_its_signature(
    receiver: Receiver, certificates: Certificates
) -> None:
    assert await posted(target(receiver, certificates)) == Answer(status=204)
    (got,) = receiver.received
    assert (got.path, got.body) == (f"/hooks/{SECRET}", BODY)
    assert got.headers["Content-Type"] == "application/json"
    assert got.headers["Postrail-Delivery"] == got.headers["Idempotency-Key"] == "5b0c"
    assert got.headers["Postrail-Signature"] == signature("s3cret", BODY, NOW)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_success_ends_it(
    receiver: Receiver, certificates: Certificates, status: int
) -> None:
    receiver.behaviours = [answer(status)]
    assert await posted(target(receiver, certificates)) == Answer(status=status)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (301, "redirects are not followed"),
        (307, "redirects are not followed"),
        (304, "has not taken it: the answer is 304"),
        (400, "has not taken it: the answer is 400"),
        (410, "wants no further posts"),
        (500, "has not taken it: the answer is 500"),
    ],
)
async def test_any_other_answer_is_a_fault(
    receiver: Receiver, certificates: Certificates, status: int, says: str
) -> None:
    receiver.behaviours = [answer(status, f"{receiver.url()}/elsewhere")]
    got = await posted(target(receiver, certificates))
    assert got.status == status
    assert says in got.error
    assert got.gone == (status == 410)
    # No redirect is followed.
    assert len(receiver.received) == 1


@pytest.mark.parametrize("behaviour", [slow_headers, slow_status, when_open()])
async def test_a_slow_receiver_has_a_time_limit_for_all_of_its_answer(
    receiver: Receiver,
    certificates: Certificates,
    behaviour: Behaviour,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(post, "SECONDS", 0.5)
    receiver.gate.clear()
    receiver.behaviours = [behaviour]
    got = await posted(target(receiver, certificates))
    assert got.status is None
    assert got.error.startswith(f"localhost:{receiver.port} is unavailable: no answer within")


async def test_so_has_a_slow_resolver(
    receiver: Receiver, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "SECONDS", 0.3)
    ended = threading.Event()

    def slow(host: str, port: int) -> list[str]:
        ended.wait(20)
        return []

    got = await posted(target(receiver, certificates, host=PUBLIC_NAME), slow)
    ended.set()
    assert "no answer within" in got.error


async def test_a_huge_answer_is_not_read(receiver: Receiver, certificates: Certificates) -> None:
    receiver.behaviours = [huge_body]
    assert await posted(target(receiver, certificates)) == Answer(status=200)


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        (endless_headers, "does not answer in HTTP"),
        (no_http, "does not answer in HTTP"),
        (breaks_off, "does not answer in HTTP"),
    ],
)
async def test_a_broken_answer_is_a_fault(
    receiver: Receiver, certificates: Certificates, behaviour: Behaviour, says: str
) -> None:
    receiver.behaviours = [behaviour]
    got = await posted(target(receiver, certificates))
    assert got.status is None
    assert says in got.error


async def test_a_receiver_that_does_not_run_is_unavailable(certificates: Certificates) -> None:
    with running_receiver(certificates) as stopped:
        to = target(stopped, certificates)
    got = await posted(to)
    assert got.error.startswith(f"localhost:{stopped.port} is unavailable: ")
    assert SECRET not in got.error


async def test_a_certificate_of_another_authority_or_name_is_refused(
    receiver: Receiver, certificates: Certificates, tmp_path: Path
) -> None:
    got = await posted(target(receiver, make_certificates(tmp_path / "other")))
    assert "its certificate is not trusted" in got.error
    with running_receiver(make_certificates(tmp_path / "named", "other.example")) as other:
        trusted = ssl.create_default_context(cafile=tmp_path / "named" / "ca.pem")
        to = Target(url=other.url(), secret="s", private_hosts=["localhost"], context=trusted)
        got = await posted(to)
    assert "its certificate is not trusted" in got.error
    assert receiver.received == other.received == []


async def test_a_receiver_without_tls_fails_https_and_passes_where_it_is_named(
    certificates: Certificates,
) -> None:
    with running_receiver(None) as plain:
        to = target(plain, certificates)
        assert await posted(to) == Answer(status=204)
        over_tls = Target(
            url=plain.url().replace("http:", "https:"),
            secret="s",
            private_hosts=["localhost"],
            context=certificates.client_context(),
        )
        assert "TLS failed" in (await posted(over_tls)).error
        unnamed = target(plain, certificates, private=())
        assert "does not begin with https" in (await posted(unnamed)).error


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1", "2130706433"])
async def test_nothing_reaches_a_private_host_that_is_not_named(
    receiver: Receiver, certificates: Certificates, host: str
) -> None:
    got = await posted(target(receiver, certificates, host=host, private=["other.internal"]))
    assert "it is not on the public internet" in got.error
    assert "callback_hosts" in got.error
    assert receiver.received == []


@pytest.mark.parametrize("found", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"])
async def test_nor_by_an_answer_of_the_dns(
    receiver: Receiver, certificates: Certificates, found: str
) -> None:
    to = target(receiver, certificates, host=PUBLIC_NAME)
    got = await posted(to, lambda *_: ["8.8.8.8", found])
    assert f"posting to {PUBLIC_NAME} ({found}) is refused" in got.error
    assert receiver.received == []


async def test_it_connects_to_the_address_that_was_checked(
    receiver: Receiver, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of this test, 127.0.0.1 is public, and nothing else is.
    monkeypatch.setattr(address, "is_public", lambda one: str(one) == "127.0.0.1")
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    to = target(receiver, certificates, host=PUBLIC_NAME)
    assert await posted(to, rebinding) == Answer(status=204)
    # Asked once; the name is in the request, and the certificate was checked for it.
    assert asked == [PUBLIC_NAME]
    (got,) = receiver.received
    assert got.headers["Host"] == f"{PUBLIC_NAME}:{receiver.port}"
    unknown = target(receiver, certificates, host="other.example.org")
    failed = await posted(unknown, lambda *_: ["127.0.0.1"])
    assert "its certificate is not trusted" in failed.error


async def test_it_tries_the_next_address_and_uses_no_proxy_of_the_environment(
    receiver: Receiver, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address, "is_public", lambda one: True)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    # Nothing listens there.
    found = ["127.0.0.99", "127.0.0.1"]
    to = target(receiver, certificates, host=PUBLIC_NAME)
    assert await posted(to, lambda *_: found) == Answer(status=204)


async def test_one_slow_receiver_delays_no_other(
    receiver: Receiver, certificates: Certificates
) -> None:
    receiver.behaviours = [when_open(), answer(204)]
    receiver.gate.clear()
    poster = Poster(at_once=2)
    slow = asyncio.create_task(poster.post(target(receiver, certificates), "5b0c", BODY, NOW))
    while not receiver.received:  # noqa: ASYNC110  The receiver is in a thread.
        await asyncio.sleep(0.01)
    assert await poster.post(target(receiver, certificates), "6c1d", BODY, NOW) == Answer(
        status=204
    )
    assert not slow.done()
    receiver.gate.set()
    assert await slow == Answer(status=204)
    poster.close()
