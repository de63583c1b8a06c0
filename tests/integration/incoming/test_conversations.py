"""Which conversation a message belongs to: by ids that were seen, and by those only named."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from postrail.database import Pool, open_pool, rows, transaction
from postrail.incoming import conversations
from postrail.incoming.conversations import Place
from postrail.incoming.message_ids import message_hash, named_by
from postrail.incoming.splits.own_ids import Move, move_ids
from postrail.message_parts import Address
from postrail.records import MailParsed
from postrail.settings import Settings
from tests.makers.records import mail_parsed

ADA, BO, MALLORY = "ada@example.org", "bo@example.org", "mallory@example.net"
DESK = "support@example.com"
OWN = frozenset({DESK})
ID = "<coming@example.org>"


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    opened = await open_pool(settings.database)
    yield opened
    await opened.close()


async def placed(pool: Pool, *mails: MailParsed, proven: bool | None = None) -> list[Place]:
    """Places the messages as one batch."""
    named = [replace(named_by(mail), proven=proven) for mail in mails]
    async with transaction(pool) as connection:
        found = await conversations.place(connection, named, OWN)
    return [found[mail.mail_id] for mail in mails]


def mail(sender: str, **fields: object) -> MailParsed:
    return mail_parsed(**{"sender": Address(name="", address=sender), **fields})


def to(*addresses: str) -> list[Address]:
    return [Address(name="", address=one) for one in addresses]


async def entry(pool: Pool, message_id: str = ID) -> tuple[str, str | None, bool]:
    async with transaction(pool) as connection:
        ((conversation, sender, seen),) = await rows(
            connection,
            "SELECT conversation::text, sender, seen FROM message_index WHERE message_hash = %s",
            [message_hash(message_id)],
        )
    return conversation, sender, seen


@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize(
    ("namer", "fields", "joins"),
    [
        # The same person, in whatever case.
        (ADA, {"sender": Address(name="", address="Ada@Example.org")}, True),
        # Those whom the original addresses: their answer came first.
        (BO, {"to": to(DESK, BO)}, True),
        (BO, {"to": to(DESK), "cc": to("Bo@example.org")}, True),
        # A stranger, and a blind copy, which nobody could have seen.
        (MALLORY, {}, False),
        (BO, {"bcc": to(BO)}, False),
        # Our own address stands in each message, and anyone may write it into From.
        (DESK, {"to": to(DESK)}, False),
        (DESK.title(), {"to": to(DESK)}, False),
        # Messages without a sender are not by the same one.
        ("", {}, False),
        ("", {"sender": None}, False),
    ],
)
async def test_an_original_joins_only_those_whom_it_concerns(
    pool: Pool, namer: str, fields: dict[str, object], joins: bool, batch: bool
) -> None:
    sender = {"sender": Address(name="", address=namer) if namer else None}
    early = mail_parsed(**{**sender, "references": ["<older@x>", ID]})
    original = mail_parsed(**{"message_id": ID, **fields})
    if batch:
        first, second = await placed(pool, early, original)
    else:
        (first,) = await placed(pool, early)
        assert await entry(pool) == (first.conversation, namer.lower(), False)
        (second,) = await placed(pool, original)
    assert (second.conversation == first.conversation) == joins
    assert second.claimed_by == (None if joins else first.conversation)
    # The id goes with the original, and what answers it does, too, whoever sends it.
    conversation, _, seen = await entry(pool)
    assert (conversation, seen) == (second.conversation, True)
    (answer,) = await placed(pool, mail(MALLORY, in_reply_to=[ID]))
    assert answer.conversation == second.conversation


async def test_an_answer_beside_the_one_that_named_the_id_stays_apart(pool: Pool) -> None:
    """Somebody else answers the same message, which never came here."""
    (bait,) = await placed(pool, mail(MALLORY, in_reply_to=[ID]))
    apart, known = await placed(
        pool, mail(ADA, in_reply_to=[ID]), mail(ADA, in_reply_to=[ID], cc=to(MALLORY))
    )
    assert apart.conversation != bait.conversation
    # Its sender knows the other one.
    assert known.conversation == bait.conversation


@pytest.mark.parametrize("batch", [True, False])
async def test_an_id_that_a_stranger_took_before_pulls_nobody(pool: Pool, batch: bool) -> None:
    bait, original = mail(MALLORY, message_id=ID), mail(ADA, message_id=ID, text="Secret")
    places = (
        await placed(pool, bait, original)
        if batch
        else [*await placed(pool, bait), *await placed(pool, original)]
    )
    assert places[1].conversation == original.mail_id
    assert places[1].claimed_by == places[0].conversation
    # The same message in another mailbox is by the same sender.
    (copy,) = await placed(pool, mail(MALLORY, message_id=ID, mailbox="info"))
    assert (copy.conversation, copy.claimed_by) == (places[0].conversation, None)


@pytest.mark.parametrize(("proven", "apart"), [(False, True), (None, False), (True, False)])
async def test_a_proven_message_does_not_join_one_that_took_its_id_in_its_name(
    pool: Pool, proven: bool | None, apart: bool
) -> None:
    """It pulled the proven message into the forger's conversation."""
    (known,) = await placed(pool, mail(ADA, message_id="<known@x>"))
    (forged,) = await placed(pool, mail(ADA, message_id=ID), proven=proven)
    genuine = mail(ADA, message_id=ID, in_reply_to=["<known@x>"], text="Secret")
    (place,) = await placed(pool, genuine, proven=True)
    expected = known if apart else forged
    assert (place.conversation, place.claimed_by) == (
        expected.conversation,
        forged.conversation if apart else None,
    )
    # The id itself goes with the effect: it may be a duplicate, which has none.
    assert (await entry(pool))[0] == forged.conversation
    # A message that names nothing else begins its own conversation.
    (bait,) = await placed(pool, mail(ADA, message_id="<2@x>"), proven=False)
    alone = mail(ADA, message_id="<2@x>")
    (first,) = await placed(pool, alone, proven=True)
    assert (first.conversation, first.claimed_by) == (alone.mail_id, bait.conversation)


@pytest.mark.parametrize("proven", [True, False, None])
async def test_the_id_of_an_unproven_message_is_not_another_sender_s(
    pool: Pool, proven: bool | None
) -> None:
    """Anybody who proves an address of their own took it, with all answers to it."""
    (first,) = await placed(pool, mail(ADA, message_id=ID), proven=False)
    taken = mail(MALLORY, message_id=ID, to=to(ADA))
    (place,) = await placed(pool, taken, proven=proven)
    # She addresses Ada, so she comments there, as an outsider.
    assert (place.conversation, place.claimed_by) == (first.conversation, None)
    (alone,) = await placed(pool, mail(MALLORY, message_id=ID), proven=proven)
    assert alone.claimed_by == first.conversation
    assert await entry(pool) == (first.conversation, ADA, True)


@pytest.mark.parametrize(
    ("seen_of", "was_proven", "sender", "is_proven", "moves"),
    [
        (ADA, None, ADA, False, True),
        (ADA, False, ADA, False, True),
        (ADA, False, ADA, True, True),
        (ADA, True, ADA, True, True),
        # A forged message takes nothing from the proven one.
        (ADA, True, ADA, False, False),
        # Nor does anybody take it from somebody else.
        (ADA, None, MALLORY, True, False),
        (ADA, False, MALLORY, True, False),
    ],
)
async def test_an_id_moves_with_its_own_sender(
    pool: Pool,
    seen_of: str,
    was_proven: bool | None,
    sender: str,
    is_proven: bool,
    moves: bool,
) -> None:
    (first,) = await placed(pool, mail(seen_of, message_id=ID), proven=was_proven)
    after = str(uuid.uuid4())
    moved = mail(sender, message_id=ID)
    elsewhere = Move(mail=moved, proven=is_proven, before=str(uuid.uuid4()), after=after)
    without_id = replace(elsewhere, mail=mail(ADA, message_id=None))
    async with transaction(pool) as connection:
        await move_ids(connection, [elsewhere, without_id])
    assert (await entry(pool))[0] == first.conversation
    async with transaction(pool) as connection:
        await move_ids(connection, [replace(elsewhere, before=first.conversation)])
    assert await entry(pool) == (after if moves else first.conversation, seen_of, True)


async def test_an_id_that_was_only_named_does_not_move(pool: Pool) -> None:
    (early,) = await placed(pool, mail(ADA, in_reply_to=[ID]))
    move = Move(
        mail=mail(ADA, message_id=ID),
        proven=True,
        before=early.conversation,
        after=str(uuid.uuid4()),
    )
    async with transaction(pool) as connection:
        await move_ids(connection, [move])
    assert await entry(pool) == (early.conversation, ADA, False)


async def test_ids_of_ours_and_of_release_0_1_need_no_sender(pool: Pool) -> None:
    conversation = str(uuid.uuid4())
    async with transaction(pool) as connection:
        await conversations.index(connection, {message_hash(ID): conversation})
    assert await entry(pool) == (conversation, None, True)
    # A mailing list brings our own message back; somebody answers it.
    back, answer = await placed(pool, mail(BO, message_id=ID), mail(MALLORY, in_reply_to=[ID]))
    assert {back.conversation, answer.conversation} == {conversation}


async def test_an_id_of_ours_that_was_only_named_is_ours_once_we_know(pool: Pool) -> None:
    """A database was restored: the answer is there before the message that we sent."""
    (answer,) = await placed(pool, mail(ADA, in_reply_to=[ID]))
    conversation = str(uuid.uuid4())
    async with transaction(pool) as connection:
        await conversations.index(connection, {message_hash(ID): conversation})
    assert await entry(pool) == (conversation, None, True)
    async with transaction(pool) as connection:
        await conversations.index(connection, {message_hash(ID): answer.conversation})
    assert await entry(pool) == (conversation, None, True)


@pytest.mark.parametrize("namer", [BO, MALLORY])
@pytest.mark.parametrize("original_first", [True, False])
async def test_two_transactions_at_once_agree(pool: Pool, namer: str, original_first: bool) -> None:
    """The second waits for the first, and then finds what it wrote."""
    early, original = mail(namer, references=[ID]), mail(ADA, message_id=ID, cc=to(BO))
    one, other = (original, early) if original_first else (early, original)
    async with transaction(pool) as connection:
        first = (await conversations.place(connection, [named_by(one)], OWN))[one.mail_id]
        running = asyncio.create_task(placed(pool, other))
        done, _ = await asyncio.wait([running], timeout=0.3)
        assert not done
    (second,) = await running
    # An answer to what was seen always joins; an original joins the answer of those it concerns.
    joins = original_first or namer == BO
    assert (second.conversation == first.conversation) == joins
    assert (await entry(pool))[2]
