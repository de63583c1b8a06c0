"""Writes a message that waits, and reads it again. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from pydantic import TypeAdapter, ValidationError

from postrail.errors import PermanentError
from postrail.notifications.templates.words import Words
from postrail.records import OutgoingQueued


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingMessage:
    """A message about one event, and the words that it is made of."""

    mail: OutgoingQueued
    words: Words
    # Only people who see internal comments are told.
    insiders_only: bool = False


_ADAPTER = TypeAdapter(PendingMessage)


def to_json(message: PendingMessage) -> str:
    """Returns the message as JSON, without what is made again from its words and its recipients.

    Nor has it earlier comments, which may become internal while it waits.
    "?" replaces lone surrogates, which PostgreSQL does not store.
    """
    mail = replace(message.mail, text=None, html=None, deliveries=[])
    words = replace(message.words, history=())
    content = _ADAPTER.dump_python(replace(message, mail=mail, words=words), mode="json")
    return json.dumps(content, ensure_ascii=False).encode(errors="replace").decode()


def from_json(text: str) -> PendingMessage:
    """Returns the message that `to_json` wrote, also in an earlier release.

    Raises PermanentError for another text, without parts of it: it holds what people wrote, which
    is not for logs.
    """
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        where = {".".join(map(str, one["loc"])): one["type"] for one in error.errors()}
    wrong = ", ".join(f"{field or 'all'}: {kind}" for field, kind in where.items())
    raise PermanentError(
        f"a stored event cannot be read ({wrong})",
        remedy="If a newer release has stored it, update all handlers",
    )
