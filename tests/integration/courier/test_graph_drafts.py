"""What a courier does with the drafts that earlier attempts left behind in Microsoft Graph."""

from __future__ import annotations

import pytest

from postrail.courier import CourierUnavailable
from tests.integration.courier.graph_scene import CONTENT, Scene, large


async def left_behind(scene: Scene, content: bytes = CONTENT) -> str:
    """Lets an attempt die right before it sends its draft; returns the draft's id."""
    scene.graph.drop("/send")
    scene.graph.drop("DELETE")
    (answer,) = await scene.send(content)
    assert answer.state == "unknown"
    assert scene.drafts == [scene.begun]
    return scene.begun


async def test_the_draft_of_an_earlier_attempt_is_sent(scene: Scene) -> None:
    draft = await left_behind(scene, large(3_400_000))

    (answer,) = await scene.send(large(3_400_000), draft=draft)

    assert (answer.state, answer.settles_earlier) == ("sent", True)
    (sent,) = scene.sending.sent
    assert len(sent.attachments["0.pdf"]) == 3_400_000
    assert scene.drafts == []
    assert scene.graph.asked("POST /users/help@example.org/messages") == 4


async def test_what_an_earlier_attempt_has_sent_is_not_sent_again(scene: Scene) -> None:
    scene.sending.replaces_ids = True
    await scene.send()

    (answer,) = await scene.send(draft=scene.begun)

    (sent,) = scene.sending.sent
    assert (answer.state, answer.message_id) == ("sent", sent.message_id)
    assert "in an earlier attempt" in answer.reply


async def test_an_earlier_draft_that_is_gone_is_made_anew(scene: Scene) -> None:
    """It was deleted, or is of the mailbox of another connection."""
    for draft in ("AAkAgone", "no id at all"):
        (answer,) = await scene.send(draft=draft)
        assert (answer.state, answer.settles_earlier) == ("sent", False)
    assert len(scene.sending.sent) == 2


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_while_an_earlier_draft_cannot_be_read_nothing_is_sent(
    scene: Scene, status: int
) -> None:
    await scene.send()
    scene.graph.refuse(status, "ErrorInternalServerError", part="GET messages/")
    try:
        (answer,) = await scene.send(draft=scene.begun)
        assert answer.state == "deferred"
    except CourierUnavailable:
        assert status == 429
    assert len(scene.sending.sent) == 1


async def test_only_the_own_earlier_drafts_are_deleted(scene: Scene) -> None:
    """Of two recipients with one Message-ID the other may be at work."""
    await left_behind(scene)
    others = scene.server.deliver(
        CONTENT.replace(b"ann@x.org", b"ben@x.org"), folder=scene.server.well_known["drafts"]
    )
    third = scene.server.deliver(
        CONTENT.replace(b"<1@postrail>", b"<3@postrail>"), folder=others.folder
    )

    (answer,) = await scene.send(draft="")

    assert (answer.state, len(scene.sending.sent)) == ("sent", 1)
    assert scene.drafts == [others.immutable_id, third.immutable_id]
