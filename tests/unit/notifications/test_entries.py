"""The records about notifications: complete, within the broker's limit, and without copies."""

from __future__ import annotations

import dataclasses
import tracemalloc

from postrail.effects.notify import Announcement, Heard, NotificationOptions, messages_of
from postrail.notifications.entries import RECORD_MAX_BYTES, delivered_entry, queued_entries
from postrail.notifications.events import COMMENTED
from postrail.records import OutgoingDelivered, OutgoingDelivery, OutgoingQueued
from postrail.settings import NotificationSettings
from postrail.stream import avro
from postrail.tracker.issues import Audience, Watcher
from postrail.views.outgoing import OutgoingRow
from tests.makers.configuration import snapshot
from tests.makers.records import NOON

MOST = NotificationSettings().excerpt_max_characters


def notification(watchers: int, body: str, excerpt_max_characters: int = MOST) -> OutgoingQueued:
    audience = Audience(
        issue_id=1,
        issue_key="HELP-1",
        project="HELP",
        summary="Printer on fire",
        conversation="c",
        first_message_id=None,
        watchers=tuple(
            Watcher(address=f"w{n}@example.org", name="Somebody") for n in range(watchers)
        ),
    )
    announcement = Announcement(
        issue_id=1,
        event=COMMENTED,
        cause="c",
        author=Watcher(address="a@example.org", name=""),
        body=body,
    )
    options = NotificationOptions(
        snapshot=snapshot(), message_id_key=b"key", excerpt_max_characters=excerpt_max_characters
    )
    (found,) = messages_of(Heard(announcement=announcement, audience=audience), options, {}, NOON)
    return found.mail


def test_a_message_is_one_record_with_all_parts_and_deliveries() -> None:
    message = notification(12, "Water!")
    (entry,) = queued_entries([message])
    assert (entry.topic.name, entry.key) == ("outgoing.queued", "c")
    assert avro.decode(entry.value) == message


def test_a_message_to_very_many_is_several_records_within_the_limit() -> None:
    # The largest text that can be set, of characters of four bytes.
    message = notification(20_000, "\U0001f525" * 200_000, 100_000)
    entries = queued_entries([message])
    assert len(entries) > 1
    assert max(len(entry.value) for entry in entries) <= RECORD_MAX_BYTES
    parts = [avro.decode_as(OutgoingQueued, entry.value) for entry in entries]
    assert [one for part in parts for one in part.deliveries] == message.deliveries
    shared = dataclasses.replace(message, deliveries=[])
    assert all(dataclasses.replace(part, deliveries=[]) == shared for part in parts)


def test_tokens_travel_with_their_delivery() -> None:
    delivery = OutgoingDelivery(
        recipient="a@x.org", name="", message_id="<m@x>", tokens={"approve": "t"}
    )
    message = dataclasses.replace(notification(1, "x"), deliveries=[delivery])
    (entry,) = queued_entries([message])
    assert avro.decode_as(OutgoingQueued, entry.value).deliveries == [delivery]


def test_a_large_comment_takes_no_memory_for_each_watcher() -> None:
    body = "It burns. " * 300_000
    tracemalloc.start()
    try:
        entries = queued_entries([notification(12, body)])
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(entries) == 1
    # The stripped text, and a few copies of the excerpt.
    assert peak < len(body) + 15 * MOST
    assert held < 5 * MOST


def test_the_result_of_an_attempt_is_one_record() -> None:
    row = OutgoingRow(
        outgoing_id="o",
        conversation="c",
        recipient="ann@example.org",
        name="Ann",
        state="failed",
        subject="s",
        issue_key="HELP-1",
        connection="out",
        sent_over="",
        cause="cause",
        message_id="<m@x>",
        given_id="",
        queued_at=NOON,
        due_at=NOON,
        changed_at=NOON,
        attempts=3,
        reply="550 no",
        maybe_twice=False,
        unknown_attempts=0,
        purpose="",
        forwards=None,
        released_by="",
    )
    entry = delivered_entry(row, state="sent", reply="250 OK", maybe_twice=True, now=NOON)
    assert (entry.topic.name, entry.key) == ("outgoing.delivered", "c")
    record = avro.decode_as(OutgoingDelivered, entry.value)
    assert (record.outgoing_id, record.message_id, record.issue_key) == ("o", "<m@x>", "HELP-1")
    (result,) = record.results
    assert (result.recipient, result.state, result.reply) == ("ann@example.org", "sent", "250 OK")
    assert (result.attempts, result.maybe_twice) == (3, True)
