"""Sends a letter from an issue as a person's message, and records it there as a comment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.effects.notify import cause_of
from postrail.errors import PermanentError
from postrail.message_parts import Address, OutgoingAttachment
from postrail.notifications.compose import Message, compose
from postrail.notifications.desk_texts import written_by_person
from postrail.notifications.issue_words import Occasion
from postrail.notifications.phrases import phrases_in
from postrail.notifications.readers import tokens_of
from postrail.notifications.templates.configured import message_by, written_language
from postrail.notifications.tokens import filled
from postrail.operate.issues.act import ActInProgress, Actor, Desk, Told, acting
from postrail.operate.issues.comment import add_comment, checked
from postrail.operate.issues.mailing.letter import WATCHERS, Letter, Prepared, prepare
from postrail.operate.issues.persons import help_desk
from postrail.records import OutgoingQueued
from postrail.rendering.events import MessageEvent
from postrail.tracker import issues
from postrail.tracker.issues import Audience, Watcher
from postrail.workflow.rights import Act


class TemplateFailed(PermanentError):
    """The template cannot be rendered for this issue."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mailed(Told):
    """A committed letter, which the services send, and the comment that records it."""

    issue_key: str
    comment_id: int
    internal: bool
    subject: str
    files: tuple[str, ...]


async def mail(desk: Desk, actor: Actor, issue_key: str, letter: Letter) -> Mailed:
    """Queues the letter, and adds its text to the issue as a comment that nobody is notified of.

    Raises as `acting` and `prepare` do, InvalidComment for a text that is too long, and
    TemplateFailed.
    """
    async with acting(desk, actor, Act.MAIL, issue_key) as act:
        if letter.internal:
            act.require(Act.COMMENT_INTERNALLY)
        prepared = await prepare(
            act.connection,
            act.snapshot,
            act.issue,
            letter,
            desk,
            actor.address,
        )
        author = act.author if actor.address else help_desk(act.snapshot, act.project, "--author")
        found = await issues.lock_audiences(act.connection, [act.issue.issue_id])
        audience = found[act.issue.issue_id]
        message = _message(act, author, audience, prepared)
        text = checked(_recorded(act, message, prepared))
        comment_id = await add_comment(act, author, text, internal=letter.internal, letter=True)
        act.changed("mail", None, _history(comment_id, prepared))
        act.letters += _queued(desk, act, message, audience, prepared)
    return Mailed(
        issue_key=act.issue.issue_key,
        comment_id=comment_id,
        internal=letter.internal,
        subject=message.rendered.subject,
        files=tuple(one.name for one in prepared.files),
        notified=act.notified,
        held=act.held,
    )


def _message(
    act: ActInProgress, author: Watcher, audience: Audience, prepared: Prepared
) -> Message:
    letter = prepared.letter
    occasion = Occasion(
        audience=audience,
        project_name=act.project.name,
        author=author,
        body=letter.text.strip(),
        max_characters=len(letter.text),
    )
    words = partial(
        written_by_person,
        occasion,
        canned=prepared.template is not None,
        internal=letter.internal,
    )
    made = message_by(prepared.template, words, _language(act.snapshot, act.project.key, prepared))
    if made.rendered.fault:
        raise TemplateFailed(
            made.rendered.fault,
            remedy=f"Correct it, and see: postrail templates preview {audience.issue_key}"
            f" --template {made.rendered.template or letter.template}",
        )
    return made


def _language(snapshot: ConfigurationSnapshot, project: str, prepared: Prepared) -> str:
    """Returns the language of the template, or else that of the first recipient."""
    if prepared.template and prepared.template.language:
        return prepared.template.language
    reader = prepared.readers.get(prepared.recipients[0].address.lower())
    return written_language(
        snapshot, reader.language if reader else "", MessageEvent.MANUAL, project
    )


def _recorded(act: ActInProgress, message: Message, prepared: Prepared) -> str:
    """Returns the text of the comment: what was written, without the frame of the message."""
    if prepared.template is None:
        return prepared.letter.text.strip()
    text, words, first = message.rendered.text, message.words, prepared.recipients[0]
    phrases = phrases_in(words.language)
    tokens = tokens_of(message.places(), first.name, _time_zone(prepared, first), act.now, phrases)
    return filled(text.replace(words.marker, "", 1), tokens).strip()


def _time_zone(prepared: Prepared, person: Watcher) -> str:
    reader = prepared.readers.get(person.address.lower())
    return reader.time_zone if reader else ""


def _history(comment_id: int, prepared: Prepared) -> dict[str, object]:
    """Returns what the history says of the letter."""
    watchers = [one.address for one in prepared.watchers]
    return {
        "id": comment_id,
        "to": [one.address for one in prepared.to],
        "cc": [one.address for one in prepared.cc],
        "template": prepared.letter.template,
        "files": [one.name for one in prepared.files],
        **({"watchers": watchers} if watchers else {}),
    }


def _queued(
    desk: Desk, act: ActInProgress, message: Message, audience: Audience, prepared: Prepared
) -> list[OutgoingQueued]:
    """Returns the message to those whom it names in To and Cc, and the one to the watchers."""
    named = _to(desk, act, message, audience, prepared, (*prepared.to, *prepared.cc))
    apart = _to(desk, act, message, audience, prepared, prepared.watchers, part=WATCHERS)
    named = replace(named, to=_addresses(prepared.to), cc=_addresses(prepared.cc))
    return [one for one in (named, apart) if one.deliveries]


def _to(
    desk: Desk,
    act: ActInProgress,
    message: Message,
    audience: Audience,
    prepared: Prepared,
    recipients: Sequence[Watcher],
    part: str = "",
) -> OutgoingQueued:
    composed = compose(
        replace(cause_of(act.cause, audience, act.snapshot), part=part),
        recipients,
        message,
        audience,
        prepared.sender,
        desk.message_id_key,
        act.now,
        internal=prepared.letter.internal,
        time_zones={one.address: _time_zone(prepared, one) for one in recipients},
    )
    return replace(
        composed,
        by_person=True,
        context=prepared.context,
        author_name=act.actor.name if act.actor.address else "",
        attachments=[
            OutgoingAttachment(
                name=one.name, content_type=one.content_type, sha256=one.sha256, size=one.size
            )
            for one in prepared.files
        ],
    )


def _addresses(people: Iterable[Watcher]) -> list[Address]:
    return [Address(name=one.name, address=one.address) for one in people]
