"""Sends through a fake of Microsoft Graph that is checked against the vendor's description."""

from __future__ import annotations

import asyncio

import pytest

from postrail.courier import (
    CourierUnavailable,
    Envelope,
    MessageTooLarge,
    TooLate,
)
from tests.integration.courier.graph_scene import CONTENT, DESK, Scene, large
from tests.makers.oauth import source_of


async def test_a_message_is_sent_as_mime(scene: Scene) -> None:
    (answer,) = await scene.send()

    assert (answer.recipient, answer.state) == ("ann@x.org", "sent")
    assert answer.message_id == "<1@postrail>"
    (sent,) = scene.sending.sent
    assert sent.content == CONTENT
    assert sent.recipients == ("ann@x.org",)
    assert scene.dots == 1
    assert scene.drafts == []


async def test_a_message_id_that_exchange_replaces_is_read_back(scene: Scene) -> None:
    scene.sending.replaces_ids = True

    (answer,) = await scene.send()

    assert answer.message_id == scene.sending.sent[0].message_id
    assert answer.message_id.endswith("@prod.outlook.com>")


async def test_only_the_recipients_of_the_envelope_get_it(scene: Scene) -> None:
    content = CONTENT.replace(b"Subject", b"Cc: b@x.org,\r\n c@x.org\r\nBcc: d@x.org\r\nSubject")

    await scene.send(content, "ann@x.org")

    assert scene.sending.sent[0].recipients == ("ann@x.org",)
    assert b"In-Reply-To: <0@x.org>\r\n" in scene.sending.sent[0].content


async def test_a_shared_mailbox_sends(scene: Scene) -> None:
    shared = "sales@example.org"
    scene.graph.add_mailbox(shared)
    scene.tokens.append(scene.graph.grant("Mail.Send.Shared", "Mail.ReadWrite.Shared", user=DESK))

    (answer,) = await scene.send(shared_mailbox=shared, username=DESK, from_address=shared)

    assert answer.state == "sent"
    assert len(scene.graph.sending(shared).sent) == 1


async def test_without_the_right_to_make_drafts_it_is_sent_directly(scene: Scene) -> None:
    scene.tokens.append(scene.graph.grant("Mail.Send"))
    courier = scene.courier()
    envelope = Envelope(envelope_from=DESK, recipients=("ann@x.org",), content=CONTENT)

    for _ in range(2):
        (answer,) = await courier.send(envelope, scene.limit(), scene.dot)
        assert (answer.state, answer.message_id) == ("sent", "")

    assert len(scene.sending.sent) == 2
    assert scene.dots == 2
    # It does not try to make drafts again.
    assert scene.graph.asked("POST /users/help@example.org/messages") == 1


async def test_large_attachments_are_uploaded(scene: Scene) -> None:
    (answer,) = await scene.send(large(5_000_000, 1000, 3_400_000))

    assert answer.state == "sent"
    (sent,) = scene.sending.sent
    assert {name: len(content) for name, content in sent.attachments.items()} == {
        "0.pdf": 5_000_000,
        "1.pdf": 1000,
        "2.pdf": 3_400_000,
    }
    assert sent.attachments["2.pdf"] == b"\x02" * 3_400_000
    assert b"In-Reply-To: <0@x.org>" in sent.content
    assert b"Hello." in sent.content


async def test_a_text_that_is_too_large_is_refused_before_it_is_sent(scene: Scene) -> None:
    with pytest.raises(MessageTooLarge, match="Microsoft Graph, attachments aside, takes"):
        await scene.send(large(10, text="word " * 800_000))
    assert scene.graph.requests == []


async def test_the_connections_own_limit_holds(scene: Scene) -> None:
    with pytest.raises(MessageTooLarge, match="more than outgoing connection office takes"):
        await scene.send(max_bytes=100)


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [
        # Final for this message.
        (400, "ErrorInvalidRecipients", "failed"),
        (500, "ErrorMimeContentConversionFailed", "failed"),
        # Exchange may take the same message later.
        (500, "ErrorInternalServerError", "deferred"),
        (409, "ErrorIrresolvableConflict", "deferred"),
    ],
)
@pytest.mark.parametrize("part", ["/messages", "/send"])
async def test_refusals_of_one_message(
    scene: Scene, status: int, code: str, state: str, part: str
) -> None:
    scene.graph.refuse(status, code, part=part.removeprefix("/"), times=1)

    (answer,) = await scene.send()

    assert answer.state == state
    assert code in answer.reply
    assert scene.sending.sent == []
    assert scene.drafts == []


@pytest.mark.parametrize(
    ("status", "code", "words", "setting"),
    [
        (403, "ErrorSendAsDenied", "does not accept mail from help@", "from_address"),
        (403, "ErrorAccessDenied", "does not allow to send", "credential"),
        (404, "ErrorInvalidUser", "does not know the mailbox help@", "username"),
        (429, "ErrorMessageSubmissionBlocked", "asks for a pause", ""),
        (400, "ErrorQuotaExceeded", "sends no more for now", ""),
    ],
)
async def test_refusals_of_the_whole_connection(
    scene: Scene, status: int, code: str, words: str, setting: str
) -> None:
    scene.graph.refuse(status, code, part="/send")

    with pytest.raises(CourierUnavailable, match=words) as caught:
        await scene.send()

    assert setting in caught.value.setting
    assert scene.drafts == []


async def test_the_pause_that_graph_asks_for_is_passed_on(scene: Scene) -> None:
    scene.graph.throttle(seconds=33)
    with pytest.raises(CourierUnavailable) as caught:
        await scene.send()
    assert caught.value.after_seconds == 33


async def test_a_refused_token_is_renewed(scene: Scene) -> None:
    good = scene.tokens[0]
    old = scene.graph.grant("Mail.Send", "Mail.ReadWrite")
    scene.graph.expire(old)
    courier = scene.courier()
    courier._http._token = source_of(old, good)
    envelope = Envelope(envelope_from=DESK, recipients=("ann@x.org",), content=CONTENT)
    (answer,) = await courier.send(envelope, scene.limit())
    assert answer.state == "sent"


async def test_a_dead_token_names_the_command(scene: Scene) -> None:
    scene.graph.expire(scene.tokens[0])
    with pytest.raises(CourierUnavailable, match="refused the access token") as caught:
        await scene.send()
    assert "postrail connections authorize office" in caught.value.remedy


async def test_after_a_lost_answer_the_draft_tells_that_it_was_sent(scene: Scene) -> None:
    # Graph sends, and the connection breaks before its answer.
    scene.graph.cut("/send", at=0)

    (answer,) = await scene.send()

    assert (answer.state, answer.message_id) == ("sent", "<1@postrail>")
    assert len(scene.sending.sent) == 1


async def test_a_draft_that_was_not_sent_is_deleted_and_tried_again(
    scene: Scene,
) -> None:
    scene.graph.drop("/send")

    (answer,) = await scene.send()

    assert answer.state == "deferred"
    assert "still a draft" in answer.reply
    assert scene.drafts == []


async def test_without_an_answer_about_the_draft_the_outcome_is_unknown(scene: Scene) -> None:
    scene.graph.cut("/send", at=0)
    scene.graph.drop("GET", times=5)

    (answer,) = await scene.send()

    assert answer.state == "unknown"
    assert "may have sent" in answer.reply


@pytest.mark.parametrize("part", ["POST messages", "attachments"])
async def test_a_connection_that_breaks_before_sending_defers(scene: Scene, part: str) -> None:
    scene.graph.drop(part)
    (answer,) = await scene.send(large(3_000_000, 10))
    assert answer.state == "deferred"
    assert scene.sending.sent == []
    assert scene.drafts == []


async def test_no_server_is_a_fault_of_the_connection(scene: Scene) -> None:
    with pytest.raises(CourierUnavailable, match="no connection to") as caught:
        await scene.send(port=1)
    assert "host, port" in caught.value.setting


async def test_nothing_is_sent_when_its_time_is_over(scene: Scene) -> None:
    envelope = Envelope(envelope_from=DESK, recipients=("ann@x.org",), content=CONTENT)
    with pytest.raises(TooLate):
        await scene.courier().send(envelope, scene.limit(dot=0), scene.dot)
    assert scene.sending.sent == []
    assert scene.drafts == []


@pytest.mark.parametrize("recipient", ["no address", "änn@x.org", "ann@x.org\r\nBcc: b@x.org"])
async def test_an_address_that_graph_cannot_carry_fails(scene: Scene, recipient: str) -> None:
    (answer,) = await scene.send(CONTENT, recipient)
    assert answer.state == "failed"
    assert scene.graph.requests == []


async def test_few_requests_are_sent_at_once(scene: Scene) -> None:
    courier = scene.courier()
    envelope = Envelope(envelope_from=DESK, recipients=("ann@x.org",), content=CONTENT)
    await asyncio.gather(*(courier.send(envelope, scene.limit()) for _ in range(12)))
    assert len(scene.sending.sent) == 12
    assert scene.graph.most_at_once <= 3
    assert scene.graph.throttled == 0


async def test_the_dialogue_shows_no_token(scene: Scene) -> None:
    await scene.send()
    shown = "\n".join(words for _, words in scene.lines)
    assert "POST https://localhost" in shown
    assert scene.tokens[0] not in shown
