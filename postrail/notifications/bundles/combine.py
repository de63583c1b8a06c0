"""Makes the messages to people who have waited, each of one or several events. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from postrail.notifications.bundles.pending_message import PendingMessage
from postrail.notifications.bundles.words import bundle_words
from postrail.notifications.compose import NAMESPACE, Message
from postrail.notifications.phrases import phrases_in
from postrail.notifications.readers import tokens_of
from postrail.notifications.templates.words import Words
from postrail.records import OutgoingDelivery, OutgoingQueued

# One message holds no more: a record has its limit. The rest is further messages.
MAX_EVENTS = 50
MAX_CHARACTERS = 60_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipient:
    """A person who has waited, and the numbers of the events, with the Message-ID of each."""

    address: str
    name: str
    events: Mapping[int, str]
    # The person's own texts of the last of them.
    tokens: Mapping[str, str] = field(default_factory=dict)


# Renders words by the template of the project, or of the context of the message.
Rendering = Callable[[Words, str], Message]


def bundles(
    recipients: Sequence[Recipient],
    events: Mapping[int, PendingMessage],
    render: Rendering,
    time_zones: Mapping[str, str],
    now: datetime,
) -> list[OutgoingQueued]:
    """Returns the messages, which people who have waited for the same events share.

    Those about internal comments are apart from the others: their answers are internal, too.
    """
    groups: dict[tuple[int, ...], list[Recipient]] = {}
    for recipient in recipients:
        for part in _parts(sorted(recipient.events), events):
            groups.setdefault(part, []).append(recipient)
    return [
        _message(part, group, events, render, time_zones, now)
        for part, group in sorted(groups.items(), key=lambda one: one[0])
    ]


def _parts(
    numbers: Sequence[int], events: Mapping[int, PendingMessage]
) -> Iterator[tuple[int, ...]]:
    for internal in (False, True):
        part: list[int] = []
        characters = 0
        for number in numbers:
            if events[number].mail.internal is not internal:
                continue
            size = len(events[number].words.body)
            if part and (len(part) >= MAX_EVENTS or characters + size > MAX_CHARACTERS):
                yield tuple(part)
                part, characters = [], 0
            part.append(number)
            characters += size
        if part:
            yield tuple(part)


def _message(
    part: tuple[int, ...],
    recipients: Sequence[Recipient],
    events: Mapping[int, PendingMessage],
    render: Rendering,
    time_zones: Mapping[str, str],
    now: datetime,
) -> OutgoingQueued:
    reported = [events[number] for number in part]
    mails = [one.mail for one in reported]
    latest = mails[-1]
    phrases = phrases_in(latest.language)
    words = bundle_words([one.words for one in reported], phrases)
    message = render(words, latest.context)
    first = recipients[0].address
    causes = dict.fromkeys(mail.cause for mail in mails)
    by_one = latest.by_person and len({(one.by_person, one.author_name) for one in mails}) == 1
    places = message.places()
    return replace(
        latest,
        outgoing_id=_id(f"bundle of {' '.join(one.outgoing_id for one in mails)} to {first}"),
        cause=", ".join(causes),
        subject=message.rendered.subject,
        text=message.rendered.text,
        html=message.rendered.html or None,
        event=message.words.event.value,
        template=message.rendered.template,
        references=list(dict.fromkeys(one for mail in mails for one in mail.references)),
        queued_at=now,
        # Of the one that has waited longest.
        received_at=mails[0].received_at,
        by_person=by_one,
        author_name=latest.author_name if by_one else "",
        deliveries=[
            OutgoingDelivery(
                recipient=one.address,
                name=one.name,
                # Each is of this person only, and answers to it find the issue.
                message_id=one.events[part[-1]],
                tokens={
                    **one.tokens,
                    **tokens_of(places, one.name, time_zones.get(one.address, ""), now, phrases),
                },
            )
            for one in recipients
        ],
    )


def _id(name: str) -> str:
    return str(uuid.uuid5(NAMESPACE, name))
