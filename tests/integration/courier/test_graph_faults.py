"""What becomes of a message when Graph, or what stands before it, answers oddly."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator

import pytest

from postrail.courier import Answer, CourierUnavailable, Envelope, MessageTooLarge
from postrail.courier.graph import courier as graph_courier
from postrail.courier.graph.courier import DRAFTS_AGAIN_SECONDS, GraphCourier
from postrail.courier.graph.permissions import permissions_in
from tests.fakes.graph_answers import Answer as GraphAnswer
from tests.fakes.graph_answers import refused
from tests.integration.courier.graph_scene import CONTENT, DESK, Scene

ENVELOPE = Envelope(envelope_from=DESK, recipients=("ann@x.org",), content=CONTENT)
DENIED = "The user account is not allowed to send as this address."
POLICY = "Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy."


@pytest.mark.parametrize(
    "answer",
    [
        refused(504, "UnknownError", "gateway timeout"),
        refused(502, "UnknownError", "bad gateway"),
        refused(500, "ErrorInternalServerError", "try again"),
        GraphAnswer(503, b"busy"),
        # A proxy that adds words.
        GraphAnswer(202, b"Accepted"),
    ],
    ids=lambda answer: str(answer.status),
)
async def test_a_message_that_was_sent_all_the_same_is_not_sent_again(
    scene: Scene, answer: GraphAnswer
) -> None:
    scene.graph.answer_late(answer, part="/send")
    (found,) = await scene.send()
    assert (found.state, found.message_id) == ("sent", "<1@postrail>")
    assert len(scene.sending.sent) == 1


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (refused(504, "UnknownError", "gateway timeout"), "unknown"),
        (GraphAnswer(202, b"Accepted"), "sent"),
    ],
)
async def test_without_a_draft_such_an_answer_leaves_doubt(
    scene: Scene, answer: GraphAnswer, state: str
) -> None:
    scene.tokens.append(scene.graph.grant("Mail.Send"))
    scene.graph.answer_late(answer, part="sendMail")
    (found,) = await scene.send()
    assert found.state == state
    assert len(scene.sending.sent) == 1


async def test_without_a_draft_a_refusal_is_none_in_doubt(scene: Scene) -> None:
    scene.tokens.append(scene.graph.grant("Mail.Send"))
    scene.graph.refuse(400, "ErrorInvalidRecipients", part="sendMail")
    assert [one.state for one in await scene.send()] == ["failed"]


async def test_an_answer_that_is_not_graphs_is_a_fault_of_the_connection(scene: Scene) -> None:
    scene.graph.answer_late(GraphAnswer(404, b"<html>Not here</html>"), part="POST messages")
    with pytest.raises(CourierUnavailable, match="did not answer as Microsoft Graph does"):
        await scene.send()


async def test_a_recipient_of_another_script_is_written_as_smtp_carries_it(scene: Scene) -> None:
    content = CONTENT.replace(b"Ann <ann@x.org>", b"Ann <ann@xn--bcher-kva.example>")
    for given in (content, CONTENT):
        await scene.send(given, "ann@b\u00fccher.example")
    named, other = scene.sending.sent
    assert b"To: Ann <ann@xn--bcher-kva.example>\r\n" in named.content
    assert b"To: ann@xn--bcher-kva.example\r\n" in other.content


@pytest.mark.parametrize(
    "content",
    [CONTENT.replace(b"\r\n", b"\n"), CONTENT.partition(b"\r\n\r\n")[0]],
    ids=["LF", "header only"],
)
async def test_nobody_else_gets_a_message_of_another_form(scene: Scene, content: bytes) -> None:
    await scene.send(content.replace(b"To: Ann", b"Cc: eve@x.org\nTo: Ann"), "ann@x.org")
    assert scene.sending.sent[0].recipients == ("ann@x.org",)


async def test_a_from_address_of_a_context_that_is_denied_fails_that_message(scene: Scene) -> None:
    scene.graph.refuse(403, "ErrorSendAsDenied", DENIED, part="/send")
    (answer,) = await scene.send(CONTENT.replace(b"<help@example.org>", b"<vip@example.org>"))
    assert answer.state == "failed"
    assert "may not send as vip@example.org, the from_address of the context" in answer.reply
    assert scene.drafts == []


async def test_connections_are_closed_after_the_message_that_uses_them(scene: Scene) -> None:
    courier = scene.courier()
    scene.graph.open_gate.clear()
    sending = asyncio.create_task(courier.send(ENVELOPE, scene.limit()))
    async with asyncio.timeout(10):
        while not scene.graph.requests:  # noqa: ASYNC110  The fake runs in threads.
            await asyncio.sleep(0.01)
    await courier.close()
    scene.graph.open_gate.set()
    assert [answer.state for answer in await sending] == ["sent"]
    assert courier._http._client is None


async def test_the_right_to_make_drafts_is_asked_for_again(scene: Scene) -> None:
    scene.tokens.append(scene.graph.grant("Mail.Send"))
    courier = scene.courier()
    read_back = []
    for seconds in (0, DRAFTS_AGAIN_SECONDS - 1, 2):
        scene.clock.move(seconds)
        (answer,) = await courier.send(ENVELOPE, scene.limit())
        read_back.append(answer.message_id)
        courier._http._bearer_until = 0.0
        scene.tokens.append(scene.graph.grant("Mail.Send", "Mail.ReadWrite"))
    assert read_back == ["", "", "<1@postrail>"]


class NoPlace:
    """Limits of a mailbox whose places are all taken."""

    @contextlib.asynccontextmanager
    async def use(self, requests: int, upload_bytes: int, end_before: float) -> AsyncIterator[None]:
        """Waits in vain."""
        await asyncio.sleep(30)
        yield


async def test_waiting_for_a_place_is_not_waiting_for_graph(scene: Scene) -> None:
    courier = GraphCourier(scene.courier()._connection, scene._newest_token, scene.clock, NoPlace())
    limit = scene.limit()
    (answer,) = await courier.send(
        ENVELOPE, type(limit)(dot_before=limit.dot_before, end_before=scene.clock.steady() + 0.1)
    )
    assert answer.state == "deferred"
    assert answer.reply.startswith("help@example.org had as many requests at once")
    assert scene.graph.requests == []


async def test_what_no_mailbox_may_upload_is_too_large(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_courier, "UPLOAD_BYTES", 100)
    with pytest.raises(MessageTooLarge, match="more than Microsoft Graph takes"):
        await scene.send()


def token_with(**claims: object) -> str:
    """Returns a token that can be read, without a signature."""
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{part}.c2ln"


@pytest.mark.parametrize(
    ("token", "permissions"),
    [
        (token_with(scp="Mail.Send Mail.ReadWrite"), {"Mail.Send", "Mail.ReadWrite"}),
        (token_with(roles=["Mail.Send"]), {"Mail.Send"}),
        (token_with(aud="graph"), None),
        ("opaque", None),
        ("a.b.c", None),
    ],
)
def test_permissions_are_read_in_the_token(token: str, permissions: set[str] | None) -> None:
    assert permissions_in(token) == permissions


async def check(scene: Scene) -> list[Answer]:
    await scene.courier().check(scene.limit())
    return []


async def test_a_token_that_may_not_send_is_found_without_a_message(scene: Scene) -> None:
    scene.tokens.append(token_with(scp="Mail.ReadWrite User.Read"))
    with pytest.raises(CourierUnavailable, match="the token has the permissions"):
        await check(scene)


async def test_a_policy_that_excludes_the_mailbox_is_found_without_a_message(scene: Scene) -> None:
    scene.graph.refuse(403, "ErrorAccessDenied", POLICY, part="drafts")
    with pytest.raises(CourierUnavailable) as caught:
        await check(scene)
    assert "application access policy" in caught.value.remedy
