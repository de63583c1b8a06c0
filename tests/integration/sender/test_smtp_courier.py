"""Tests the SMTP courier against a real Postfix, and against a sink that fails on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from postrail.clock import SystemClock
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import Answer, CourierUnavailable, Envelope, TimeLimit, TooLate
from postrail.courier.smtp import IDLE_SECONDS, SmtpCourier
from postrail.embedded.ports import free_port
from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot
from tests.servers.paused_smtp import PausedSmtp
from tests.servers.postfix import Postfix
from tests.servers.smtp_sink import SmtpSink

CONTENT = (
    b"Message-ID: <1@example.org>\r\nFrom: help@lab.test\r\nSubject: Hello\r\n\r\n"
    b".a line with a dot\r\n.\r\nafter what looks like the end\r\n"
)


class MovableClock:
    """The machine's clocks, whose steady one a test moves on, as if the machine was suspended."""

    def __init__(self) -> None:
        self._moved = 0.0

    def now(self) -> datetime:
        return SystemClock().now()

    def steady(self) -> float:
        return SystemClock().steady() + self._moved

    def move(self, seconds: float) -> None:
        self._moved += seconds

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def limit(clock: MovableClock, *, dot: float = 10.0, end: float = 15.0) -> TimeLimit:
    now = clock.steady()
    return TimeLimit(dot_before=now + dot, end_before=now + end)


def envelope(*recipients: str, **changes: Any) -> Envelope:
    fields: dict[str, Any] = {
        "envelope_from": "help@lab.test",
        "recipients": recipients,
        "content": CONTENT,
    }
    return Envelope(**{**fields, **changes})


def connection(port: int, **changes: Any) -> OutgoingConnection:
    fields: dict[str, Any] = {
        "name": "relay",
        "host": "localhost",
        "port": port,
        "encryption": "none",
        "from_address": "help@lab.test",
        "timeout_ms": 5000,
    }
    return OutgoingConnection.model_validate({**fields, **changes})


@dataclass
class Post:
    """Makes couriers, and closes them at the end of the test."""

    clock: MovableClock
    couriers: list[SmtpCourier]

    def courier(self, port: int, password: str = "", **changes: Any) -> SmtpCourier:
        made = SmtpCourier(connection(port, **changes), password, self.clock)
        self.couriers.append(made)
        return made


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    made = Post(MovableClock(), [])
    yield made
    for courier in made.couriers:
        await courier.close()


def states(answers: list[Answer]) -> list[tuple[str, str]]:
    return [(answer.recipient, answer.state) for answer in answers]


async def test_the_sink_gets_what_was_sent(post: Post, smtp_sink: SmtpSink) -> None:
    courier = post.courier(smtp_sink.port)

    answers = await courier.send(envelope("ann@example.org", "bob@example.org"), limit(post.clock))

    assert states(answers) == [("ann@example.org", "sent"), ("bob@example.org", "sent")]
    assert answers[0].reply == "250 2.0.0 queued"
    (mail,) = smtp_sink.mails
    assert mail.mail_from == "help@lab.test"
    assert mail.recipients == ("ann@example.org", "bob@example.org")
    assert mail.content == CONTENT


async def test_each_recipient_has_its_own_answer(post: Post, smtp_sink: SmtpSink) -> None:
    courier = post.courier(smtp_sink.port)

    answers = await courier.send(
        envelope("code451@x.org", "ann@x.org", "code550@x.org", "no address"), limit(post.clock)
    )

    assert states(answers) == [
        ("code451@x.org", "deferred"),
        ("ann@x.org", "sent"),
        ("code550@x.org", "failed"),
        ("no address", "failed"),
    ]
    assert answers[0].reply == "451 refused as wished"
    assert smtp_sink.mails[0].recipients == ("ann@x.org",)


@pytest.mark.parametrize(
    ("recipient", "state", "reply"),
    [
        # Final for this message, at the end of the data.
        ("data554@x.org", "failed", "554 refused as wished"),
        # Temporary, at the end of the data.
        ("data452@x.org", "deferred", "452 refused as wished"),
        # All recipients are refused.
        ("code550@x.org", "failed", "550 refused as wished"),
    ],
)
async def test_refusals_leave_the_connection_usable(
    post: Post, smtp_sink: SmtpSink, recipient: str, state: str, reply: str
) -> None:
    courier = post.courier(smtp_sink.port)

    (answer,) = await courier.send(envelope(recipient), limit(post.clock))
    (after,) = await courier.send(envelope("ann@x.org"), limit(post.clock))

    assert (answer.state, answer.reply) == (state, reply)
    assert after.state == "sent"
    assert smtp_sink.connections == 1


@pytest.mark.parametrize("recipient", ["acceptdrop@x.org", "drop@x.org"])
async def test_a_connection_that_breaks_after_the_dot_leaves_doubt(
    post: Post, smtp_sink: SmtpSink, recipient: str
) -> None:
    courier = post.courier(smtp_sink.port)

    refused, answer = await courier.send(envelope("code550@x.org", recipient), limit(post.clock))

    assert refused.state == "failed"
    assert answer.state == "unknown"
    assert "may have taken the message" in answer.reply
    (answer,) = await courier.send(envelope("a@x.org"), limit(post.clock))
    assert answer.state == "sent"


async def test_a_reply_that_does_not_come_in_time_leaves_doubt(
    post: Post, smtp_sink: SmtpSink
) -> None:
    courier = post.courier(smtp_sink.port)

    (answer,) = await courier.send(envelope("slow@x.org"), limit(post.clock, dot=0.5, end=0.8))

    assert answer.state == "unknown"
    assert answer.reply.startswith("no answer in time")


async def test_connections_are_kept_and_each_message_in_flight_has_its_own(
    post: Post, smtp_sink: SmtpSink
) -> None:
    courier = post.courier(smtp_sink.port)

    for _ in range(5):
        await courier.send(envelope("a@x.org"), limit(post.clock))
    assert smtp_sink.connections == 1

    await asyncio.gather(*(courier.send(envelope("b@x.org"), limit(post.clock)) for _ in range(3)))
    assert smtp_sink.connections == 3
    assert len(smtp_sink.mails) == 8


async def test_a_kept_connection_that_broke_is_replaced(post: Post, smtp_sink: SmtpSink) -> None:
    courier = post.courier(smtp_sink.port)
    await courier.send(envelope("a@x.org"), limit(post.clock))

    smtp_sink.stop()
    smtp_sink.start()
    (answer,) = await courier.send(envelope("b@x.org"), limit(post.clock))

    assert answer.state == "sent"
    assert smtp_sink.connections == 2


async def test_a_connection_in_use_is_closed_after_its_message(
    post: Post, smtp_sink: SmtpSink
) -> None:
    courier = post.courier(smtp_sink.port)

    async def close(draft: str = "") -> None:
        await courier.close()

    (answer,) = await courier.send(envelope("a@x.org"), limit(post.clock), close)

    assert answer.state == "sent"
    assert courier._kept() is None


async def test_idle_connections_are_closed(post: Post, smtp_sink: SmtpSink) -> None:
    courier = post.courier(smtp_sink.port)
    await courier.send(envelope("a@x.org"), limit(post.clock))

    await courier.close_idle()
    await courier.send(envelope("a@x.org"), limit(post.clock))
    assert smtp_sink.connections == 1

    post.clock.move(IDLE_SECONDS + 1)
    await courier.close_idle()
    await courier.send(envelope("a@x.org"), limit(post.clock))
    assert smtp_sink.connections == 2


async def test_the_dot_is_not_written_when_the_time_is_over(post: Post) -> None:
    async def pause_the_second(number: int) -> None:
        # As if the process were paused here: the clock has moved on when the reply is read.
        if number == 0 and server.visits[0].complete == 1:
            post.clock.move(6)

    async with PausedSmtp(pause_the_second) as server:
        courier = post.courier(server.port)
        await courier.send(envelope("a@x.org"), limit(post.clock))
        with pytest.raises(TooLate):
            await courier.send(envelope("b@x.org"), limit(post.clock, dot=5, end=100))
        await asyncio.wait_for(server.visits[0].gone.wait(), 5)
        assert server.visits[0].complete == 1

        assert states(await courier.send(envelope("c@x.org"), limit(post.clock)))[0][1] == "sent"
        assert [visit.complete for visit in server.visits] == [1, 1]
        await courier.close()


async def test_no_connection_is_begun_when_the_time_is_over(
    post: Post, smtp_sink: SmtpSink
) -> None:
    courier = post.courier(smtp_sink.port)

    with pytest.raises(TooLate):
        await courier.send(envelope("a@x.org"), limit(post.clock, dot=-1, end=1))
    assert smtp_sink.connections == 0


async def test_a_large_message_arrives_whole(post: Post, smtp_sink: SmtpSink) -> None:
    content = b"Subject: large\r\n\r\n" + b"." + b"x" * 70 + b"\r\n"
    content += (b"y" * 74 + b"\r\n") * 100_000

    (answer,) = await post.courier(smtp_sink.port).send(
        envelope("a@x.org", content=content), limit(post.clock, dot=60, end=90)
    )

    assert answer.state == "sent"
    assert smtp_sink.mails[0].content == content


async def test_bare_line_ends_cannot_smuggle_a_message_in(post: Post, smtp_sink: SmtpSink) -> None:
    content = b"Subject: a\r\n\r\nfirst\n.\nMAIL FROM:<eve@x.org>\r.\rlast"

    (answer,) = await post.courier(smtp_sink.port).send(
        envelope("a@x.org", content=content), limit(post.clock)
    )

    assert answer.state == "sent"
    (mail,) = smtp_sink.mails
    assert mail.content == b"Subject: a\r\n\r\nfirst\r\n.\r\nMAIL FROM:<eve@x.org>\r\n.\r\nlast\r\n"


async def test_addresses_outside_of_ascii(post: Post, smtp_sink: SmtpSink) -> None:
    answers = await post.courier(smtp_sink.port).send(
        envelope("ann@bücher.example", "jörg@example.org"), limit(post.clock)
    )

    assert states(answers) == [("ann@bücher.example", "sent"), ("jörg@example.org", "sent")]
    assert smtp_sink.mails[0].recipients == ("ann@xn--bcher-kva.example", "jörg@example.org")


async def test_addresses_go_as_they_are_or_not_at_all(post: Post, smtp_sink: SmtpSink) -> None:
    answers = await post.courier(smtp_sink.port).send(
        envelope('"a b"@example.org', "a\x00b@example.org", "ann@exa mple.org", "a,b@example.org"),
        limit(post.clock),
    )

    assert [answer.state for answer in answers] == ["sent", "failed", "failed", "sent"]
    assert "not an address that this server accepts" in answers[1].reply
    assert smtp_sink.mails[0].recipients == ('"a b"@example.org', '"a,b"@example.org')


async def test_a_local_part_outside_of_ascii_needs_smtputf8(post: Post) -> None:
    async with PausedSmtp() as server:
        answers = await post.courier(server.port).send(
            envelope("jörg@example.org", "ann@müller.example", "kim@example.org"),
            limit(post.clock),
        )
        await post.couriers[0].close()

    assert [answer.state for answer in answers] == ["failed", "sent", "sent"]


async def test_a_closed_port(post: Post) -> None:
    port = free_port()

    with pytest.raises(CourierUnavailable) as raised:
        await post.courier(port).send(envelope("a@x.org"), limit(post.clock))

    assert f"localhost:{port}" in str(raised.value)
    assert "outgoing connection relay: host, port, encryption" in str(raised.value)


@pytest.fixture
def login_sink(certificates: Certificates) -> Iterator[SmtpSink]:
    sink = SmtpSink(tls=certificates.server_context(), login=("ann", "secret"))
    sink.start()
    yield sink
    sink.stop()


async def test_a_server_that_requires_a_login(post: Post, login_sink: SmtpSink) -> None:
    with pytest.raises(CourierUnavailable) as raised:
        await post.courier(login_sink.port).send(envelope("a@x.org"), limit(post.clock))

    assert "530" in str(raised.value)
    assert "Fill in user name and password" in str(raised.value)


async def test_a_server_without_starttls(post: Post, smtp_sink: SmtpSink) -> None:
    with pytest.raises(CourierUnavailable) as raised:
        await post.courier(smtp_sink.port, encryption="starttls").send(
            envelope("a@x.org"), limit(post.clock)
        )

    assert "does not offer STARTTLS" in str(raised.value)


async def test_a_server_without_login(post: Post, smtp_sink: SmtpSink) -> None:
    courier = post.courier(smtp_sink.port, "secret", username="ann")

    with pytest.raises(CourierUnavailable) as raised:
        await courier.send(envelope("a@x.org"), limit(post.clock))

    assert "username" in str(raised.value)


async def test_a_missing_ca_file(post: Post, smtp_sink: SmtpSink) -> None:
    courier = post.courier(smtp_sink.port, encryption="ssl", ca_file="missing.pem")

    with pytest.raises(CourierUnavailable) as raised:
        await courier.send(envelope("a@x.org"), limit(post.clock))

    assert "missing.pem" in str(raised.value)
    assert "outgoing connection relay: ca_file" in str(raised.value)


def login(certificates: Certificates, **changes: Any) -> dict[str, Any]:
    return {
        "username": "ann@lab.test",
        "password": "secret",
        "ca_file": str(certificates.ca_file),
        **changes,
    }


@pytest.mark.debian
@pytest.mark.parametrize("encryption", ["starttls", "ssl"])
async def test_postfix_accepts_messages_and_answers_for_each_recipient(
    post: Post,
    postfix: Postfix,
    dovecot: Dovecot,
    certificates: Certificates,
    encryption: str,
) -> None:
    port = postfix.smtps_port if encryption == "ssl" else postfix.smtp_port
    courier = post.courier(port, encryption=encryption, **login(certificates))

    answers = await courier.send(
        envelope("ann@lab.test", "grey@lab.test", "full@lab.test", "gone@lab.test"),
        limit(post.clock),
    )

    assert states(answers) == [
        ("ann@lab.test", "sent"),
        ("grey@lab.test", "deferred"),
        ("full@lab.test", "failed"),
        ("gone@lab.test", "failed"),
    ]
    assert answers[0].reply.startswith("250 2.0.0 Ok")
    assert "450 4.2.0" in answers[1].reply
    assert "greylisted" in answers[1].reply


@pytest.mark.debian
async def test_postfix_refuses_a_wrong_password(
    post: Post, postfix: Postfix, certificates: Certificates
) -> None:
    courier = post.courier(
        postfix.smtp_port, encryption="starttls", **login(certificates, password="wrong")
    )

    with pytest.raises(CourierUnavailable) as raised:
        await courier.send(envelope("ann@lab.test"), limit(post.clock))

    assert "refused the login of ann@lab.test: 535" in str(raised.value)
    assert "outgoing connection relay: username, password" in str(raised.value)


@pytest.mark.debian
async def test_certificates_are_checked_unless_that_is_turned_off(
    post: Post, postfix: Postfix, certificates: Certificates
) -> None:
    for encryption, port in (("starttls", postfix.smtp_port), ("ssl", postfix.smtps_port)):
        distrusting = login(certificates, ca_file="")
        courier = post.courier(port, encryption=encryption, **distrusting)
        with pytest.raises(CourierUnavailable) as raised:
            await courier.send(envelope("ann@lab.test"), limit(post.clock))
        assert "is not trusted" in str(raised.value)
        assert "ca_file" in str(raised.value)

        careless = post.courier(
            port, encryption=encryption, verify_certificate=False, **distrusting
        )
        (answer,) = await careless.send(envelope("ann@lab.test"), limit(post.clock))
        assert answer.state == "sent"


@pytest.mark.debian
async def test_tls_on_the_wrong_port(
    post: Post, postfix: Postfix, certificates: Certificates
) -> None:
    courier = post.courier(postfix.smtp_port, encryption="ssl", **login(certificates))

    with pytest.raises(CourierUnavailable) as raised:
        await courier.send(envelope("ann@lab.test"), limit(post.clock))

    assert "encryption" in str(raised.value)


async def test_a_refused_recipient_is_told_from_a_refused_message(
    post: Post, smtp_sink: SmtpSink
) -> None:
    courier = post.courier(smtp_sink.port)
    (dead,) = await courier.send(envelope("dead@x.org"), limit(post.clock))
    assert (dead.reply, dead.refused_recipient) == ("550 5.1.1 No such user", True)
    (refused,) = await courier.send(envelope("data554@x.org"), limit(post.clock))
    assert (refused.state, refused.refused_recipient) == ("failed", False)
