"""An invitation becomes an issue that says what, when, where and by whom; its changes, comments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from postrail.blobs import BlobStore
from postrail.database import transaction
from postrail.effects.add_comment import TEXTS_AT_ONCE
from postrail.message_parts import Address
from postrail.views.contents import mail_text
from postrail.views.incoming import incoming_mail
from tests.integration.handler.bench import Bench
from tests.makers.records import calendar_event, mail_parsed

MAILS = Path(__file__).parents[3] / "mails"
MOVED = (
    "Changed invitation (moved or updated): Drucker ansehen\n"
    "When: Thursday 2026-12-03 14:00 to 15:00, Europe/Berlin (UTC+01:00)\n"
    "Repeats: every week on Thursday, 4 times\n"
    "Where: Raum 2\n"
    "Organiser: Ann Berg <ann@customer.example>"
)
CANCELLED = (
    "Cancelled invitation: Look at the printer\n"
    "When: Thursday 2026-12-03, all day\n"
    "Organiser: Ann <ann@customer.example>"
)


def raw(name: str, more: bytes = b"") -> bytes:
    return more + (MAILS / f"{name}.eml").read_bytes()


async def test_an_issue_and_its_comments_show_the_events(bench: Bench) -> None:
    await bench.arrive(raw("calendar-moved"))
    answer = b"In-Reply-To: <calendar-moved@customer.example>\n"
    await bench.arrive(raw("calendar-alone-cancelled", answer))
    assert await bench.rows("SELECT description FROM issue") == [
        (f"{MOVED}\n\nLeider erst am Donnerstag.",)
    ]
    # The cancellation has no text of its own.
    assert await bench.rows("SELECT body FROM comment") == [(CANCELLED,)]


async def test_a_message_shows_them_beside_its_text(bench: Bench) -> None:
    await bench.arrive(raw("calendar-moved"))
    ((mail_id,),) = await bench.rows("SELECT mail_id::text FROM incoming_mail")
    async with transaction(bench.pool) as connection:
        mail = await incoming_mail(connection, mail_id)
        found = await mail_text(connection, mail, BlobStore(bench.settings.blobs.url))
    assert (found.calendar, found.new_text) == (MOVED, "Leider erst am Donnerstag.")


async def test_the_search_finds_an_event_by_its_place(bench: Bench) -> None:
    await bench.arrive(raw("calendar-moved"))
    found = "SELECT issue_key FROM issue_text WHERE words @@ to_tsquery('simple', 'raum')"
    assert await bench.rows(found) == [("HELP-1",)]


async def test_few_large_texts_are_in_memory_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = await bench.blobs.put(b"Water! " * 100_000)
    reading: list[int] = []
    get, now = bench.blobs.get, 0

    async def counted(sha256: str) -> bytes:
        nonlocal now
        now += 1
        reading.append(now)
        content = await get(sha256)
        now -= 1
        return content

    monkeypatch.setattr(bench.blobs, "get", counted)
    events = [calendar_event(uid=f"{number}@example.org") for number in range(12)]
    mails = [mail_parsed(text="", text_blob=blob, events=[event]) for event in events]
    await bench.handle(*mails)
    assert await bench.rows("SELECT count(*) FROM issue") == [(12,)]
    assert (len(reading), max(reading)) == (12, TEXTS_AT_ONCE)


ANN = Address(name="Ann", address="ann@customer.example")
BO = Address(name="Bo", address="bo@other.example")
DESK = Address(name="", address="support@example.com")


@pytest.mark.parametrize(
    ("later", "outcome"),
    [
        # Changes and cancellations are of the organiser, without references.
        ({"sender": ANN}, "comment"),
        # An answer is to the organiser, with the desk in copy.
        ({"sender": BO, "to": [ANN], "cc": [DESK]}, "comment"),
        # Nobody else joins a conversation by a UID that they have seen or guessed.
        ({"sender": BO}, "issue"),
        ({"sender": ANN, "events": [calendar_event(uid="2@example.org")]}, "issue"),
        ({"sender": ANN, "events": [calendar_event(uid="")]}, "issue"),
    ],
)
async def test_messages_about_one_event_are_one_conversation(
    bench: Bench, later: dict[str, Any], outcome: str
) -> None:
    await bench.handle(mail_parsed(sender=ANN, events=[calendar_event()]))
    await bench.handle(mail_parsed(**{"events": [calendar_event(sequence=1)], **later}))
    assert [result for _, result, _ in await bench.outcomes()] == ["issue", outcome]


async def test_a_uid_that_a_stranger_named_first_is_nobodys(bench: Bench) -> None:
    await bench.handle(mail_parsed(sender=BO, events=[calendar_event()]))
    await bench.handle(mail_parsed(sender=ANN, events=[calendar_event()]))
    assert [result for _, result, _ in await bench.outcomes()] == ["issue", "issue"]
