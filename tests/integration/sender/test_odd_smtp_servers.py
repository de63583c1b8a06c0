"""Tests that no reply of an odd SMTP server fails a message that it is not about, or copies one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from postrail.clock import SystemClock
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import Answer, CourierUnavailable, Envelope, TimeLimit
from postrail.courier.smtp import SmtpCourier
from tests.servers.odd_smtp import PAUSE_SECONDS, USUAL, Reply, Visits, odd_smtp

QUEUED = b"250 2.0.0 queued\r\n"
REFUSED = b"554 5.7.1 refused\r\n"
CLOSING = b"421 4.4.2 closing\r\n"


async def send(courier: SmtpCourier, *recipients: str, seconds: float = 3.0) -> list[Answer]:
    end = SystemClock().steady() + seconds
    limit = TimeLimit(dot_before=end, end_before=end)
    envelope = Envelope(
        envelope_from="help@lab.test",
        recipients=recipients or ("ann@x.org",),
        content=b"Subject: Hello\r\n\r\nHi\r\n",
    )

    async def before_dot(draft: str = "") -> None:
        await asyncio.sleep(2 * PAUSE_SECONDS)

    return await courier.send(envelope, limit, before_dot)


@asynccontextmanager
async def courier_of(port: int) -> AsyncIterator[SmtpCourier]:
    connection = OutgoingConnection(
        name="relay",
        host="localhost",
        port=port,
        encryption="none",
        from_address="help@lab.test",
        timeout_ms=5000,
    )
    courier = SmtpCourier(connection, "", SystemClock())
    yield courier
    await courier.close()


@pytest.mark.parametrize(
    ("replies", "state", "words", "complete"),
    [
        # The whole message is there, and nobody knows whether the server took it.
        pytest.param({".": ()}, "unknown", "no answer in time", 1, id="silent after the dot"),
        pytest.param({".": None}, "unknown", "connection lost", 1, id="hangs up after the dot"),
        pytest.param({".": (b"hello\r\n",)}, "unknown", "what is no reply", 1, id="no reply"),
        pytest.param({".": (b"354 go on\r\n",)}, "unknown", "354 go on", 1, id="354 for the dot"),
        pytest.param({".": (REFUSED + QUEUED,)}, "unknown", "asked for", 1, id="no and yes"),
        pytest.param({".": (QUEUED + REFUSED,)}, "unknown", "asked for", 1, id="yes and no"),
        pytest.param({".": (REFUSED, QUEUED)}, "unknown", "250 2.0.0", 1, id="no, later yes"),
        pytest.param(
            {".": (b"451 4.0.0 wait\r\n", QUEUED)}, "unknown", "250 2.0.0", 1, id="wait, later yes"
        ),
        # It took it.
        pytest.param({".": (QUEUED + QUEUED,)}, "sent", "250 2.0.0", 1, id="says yes twice"),
        pytest.param({".": (QUEUED + CLOSING,)}, "sent", "250 2.0.0", 1, id="yes and closes"),
        # It refused it.
        pytest.param({".": (REFUSED,)}, "failed", "554 5.7.1", 1, id="refuses after the dot"),
        pytest.param({".": (REFUSED + CLOSING,)}, "failed", "554 5.7.1", 1, id="no and closes"),
        pytest.param({".": (REFUSED,), "AGAIN": None}, "failed", "554", 1, id="no and hangs up"),
        pytest.param({"MAIL": (REFUSED,)}, "failed", "554 5.7.1", 0, id="refuses the sender"),
        pytest.param({"RCPT": (REFUSED,)}, "failed", "554 5.7.1", 0, id="refuses the recipient"),
        pytest.param({"DATA": (REFUSED,)}, "failed", "554 5.7.1", 0, id="refuses DATA"),
        pytest.param(
            {"RCPT": (REFUSED,), "AGAIN": (b"503 odd.test Duplicate HELO/EHLO\r\n",)},
            "failed",
            "554 5.7.1",
            0,
            id="takes EHLO once only",
        ),
        pytest.param(
            {"EHLO": (b"250 odd.test\r\n",), "RCPT": (REFUSED,), "AGAIN": (b"250 Odd.Test\r\n",)},
            "failed",
            "554 5.7.1",
            0,
            id="without extensions",
        ),
        # Replies that nobody asked for: no refusal is believed, and nothing is completed.
        *(
            pytest.param({verb: parts}, "deferred", words, 0, id=f"{verb} {order} {pace}")
            for verb in ("MAIL", "RCPT", "DATA")
            for order, pace, parts, words in (
                ("after a refusal", "at once", (REFUSED + USUAL[verb][0],), ""),
                ("after a refusal", "later", (REFUSED, USUAL[verb][0]), ""),
                ("before a refusal", "at once", (USUAL[verb][0] + REFUSED,), "554 5.7.1"),
                ("twice", "at once", (USUAL[verb][0] * 2,), ""),
                ("before half a line", "at once", (USUAL[verb][0] + b"25",), "25"),
            )
        ),
        pytest.param({"body": (REFUSED,)}, "deferred", "554 5.7.1", 0, id="within the message"),
        pytest.param({"DATA": (QUEUED,)}, "deferred", "250 2.0.0", 0, id="250 for DATA"),
        pytest.param({"RCPT": (b"354 go\r\n",)}, "deferred", "354 go", 0, id="354 for RCPT"),
        pytest.param({"MAIL": (b"hello\r\n",)}, "deferred", "no reply", 0, id="words for MAIL"),
        pytest.param(
            {"EHLO": (*USUAL["EHLO"], REFUSED)}, "deferred", "", 0, id="after the greeting"
        ),
    ],
)
async def test_a_reply_counts_for_its_own_command_only(
    replies: dict[str, Reply], state: str, words: str, complete: int
) -> None:
    visits = Visits()
    with odd_smtp(replies, visits) as port:
        async with courier_of(port) as courier:
            (answer,) = await send(courier, seconds=1.0 if replies.get(".") == () else 3.0)

    assert (answer.state, visits.complete) == (state, complete), answer.reply
    assert words in answer.reply
    assert ("may have taken the message" in answer.reply) == (state == "unknown")


@pytest.mark.parametrize(
    ("replies", "states"),
    [
        # The refusal of the first is the reply to MAIL, that of the second is the first's.
        ({"MAIL": (USUAL["MAIL"][0] + REFUSED,)}, ["deferred", "deferred"]),
        ({"MAIL": (REFUSED, *USUAL["MAIL"])}, ["deferred", "deferred"]),
        ({"RCPT": (REFUSED,)}, ["failed", "failed"]),
    ],
)
async def test_no_recipient_fails_by_the_reply_to_another(
    replies: dict[str, Reply], states: list[str]
) -> None:
    visits = Visits()
    with odd_smtp(replies, visits) as port:
        async with courier_of(port) as courier:
            answers = await send(courier, "ann@x.org", "bob@x.org", "no address")

    assert [answer.state for answer in answers] == [*states, "failed"]


async def test_a_kept_connection_with_an_unasked_reply_is_replaced() -> None:
    visits = Visits()
    with odd_smtp({".": (QUEUED, REFUSED)}, visits) as port:
        async with courier_of(port) as courier:
            for _ in range(3):
                (answer,) = await send(courier)
                assert answer.state == "sent"
                await asyncio.sleep(2 * PAUSE_SECONDS)

    assert (visits.connections, visits.complete) == (3, 3)


async def test_a_refusal_in_step_keeps_the_connection() -> None:
    visits = Visits()
    with odd_smtp({"RCPT": (REFUSED,)}, visits) as port:
        async with courier_of(port) as courier:
            for _ in range(3):
                (answer,) = await send(courier)
                assert answer.state == "failed"

    assert visits.connections == 1


async def test_a_server_that_is_out_of_step_from_the_start_is_unavailable() -> None:
    visits = Visits()
    with odd_smtp({"": (USUAL[""][0] * 2,)}, visits) as port:
        async with courier_of(port) as courier:
            with pytest.raises(CourierUnavailable):
                await send(courier)

    assert visits.complete == 0
