"""Assembles the message of one delivery: what is stored, in the dress of the connection it takes.

The stored message has none of what belongs to a connection: address and name, prefix, Precedence.
So another connection can send it in its own name. The same connection makes the same bytes at each
attempt.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC
from typing import TypeVar

from postrail.blobs import BlobStore
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.errors import PermanentError
from postrail.notifications.addresses import holds_address, smtp_address
from postrail.notifications.mime.conversation_fields import prefixed
from postrail.notifications.mime.message import MessageParts, build_message
from postrail.notifications.mime.parts import File
from postrail.notifications.phrases import phrases_in
from postrail.notifications.tokens import filled, filled_html
from postrail.outgoing.content import Content

C = TypeVar("C", bound=Content)
# Returns the bytes of an incoming message, by its mail_id (see `postrail.incoming.originals`).
ReadOriginal = Callable[[str], Awaitable[bytes]]


async def assemble(
    content: Content,
    connection: OutgoingConnection | None,
    blobs: BlobStore,
    original: ReadOriginal,
) -> bytes:
    """Returns the message, ready to be sent, with its files or the message that it forwards.

    Without a connection, which may be removed by now, it is as the one that it was composed for
    would send it. Builds before migration 0016 queued whole messages, some of them as blobs. Raises
    PermanentError for a message that has no content at all, and as `BlobStore.get` and `original`
    do.
    """
    if content.text is not None:
        attached = await original(content.forwards) if content.forwards else None
        files = [
            File(
                name=file.name,
                content_type=file.content_type,
                data=await blobs.get(file.sha256),
                content_id=file.content_id,
                inline=file.inline,
            )
            for file in content.files
        ]
        return build_message(_parts(content, content.text, connection, files, attached))
    if content.whole_message is not None:
        return content.whole_message
    if content.message_blob is None:
        raise PermanentError("the queued record has neither a text nor a message nor a blob")
    return await blobs.get(content.message_blob)


def without_original(content: C) -> C:
    """Returns a forward that is too large as its text, which says where the original is."""
    phrase = phrases_in(content.language).original_left_out
    note = phrase.format(command=f"postrail mail show {content.forwards}")
    return replace(content, forwards=None, html=None, text=f"{note}\n\n{content.text}")


def _parts(
    content: Content,
    text: str,
    connection: OutgoingConnection | None,
    files: list[File],
    original: bytes | None,
) -> MessageParts:
    address = connection.from_address if connection else content.envelope_from
    desk = connection.from_name if connection else content.from_name
    project = content.project
    return MessageParts(
        message_id=content.message_id,
        # PostgreSQL returns times in the zone that its session has.
        date=content.queued_at.astimezone(UTC),
        from_name=_shown_name(content.author_name, desk),
        from_address=address,
        reply_to=content.reply_to or (connection.reply_to if connection else ""),
        to=content.recipient,
        to_name=content.name,
        shown_to=_shown(content.shown_to, content.recipient),
        cc=_shown(content.shown_cc, content.recipient),
        subject=prefixed(content.subject, connection.subject_prefix if connection else ""),
        text=filled(text, content.tokens),
        html=filled_html(content.html or "", content.tokens),
        files=files,
        original=original,
        in_reply_to=content.in_reply_to,
        references=content.reference_ids,
        conversation=content.conversation if content.issue_key else "",
        list_id=f"{project}.{address.rpartition('@')[2]}".lower() if project else "",
        list_name=project,
        unsubscribe=content.tokens.get("unsubscribe", ""),
        by_person=content.by_person,
        precedence_bulk=connection.precedence_bulk if connection else True,
    )


def _shown(pairs: Sequence[Sequence[str]] | None, recipient: str) -> list[tuple[str, str]]:
    """Returns the names and addresses of a letter that the recipient's servers can carry.

    A local part outside of ASCII needs SMTPUTF8 (RFC 6531) on the whole way, which is asked for
    where the recipient's own address has one. The copies of the others leave it out.
    """
    all_of_them = not smtp_address(recipient).isascii()
    return [
        (name, address)
        for name, address in pairs or ()
        if all_of_them or smtp_address(address).isascii()
    ]


def _shown_name(author: str, desk: str) -> str:
    """Returns the name in From: the desk's, or that of the person who writes by way of it.

    Filters take a name with another address in it for a forgery.
    """
    if author in ("", desk) or holds_address(author):
        return desk
    return f"{author} via {desk}" if desk else author
