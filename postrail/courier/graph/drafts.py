"""Makes, reads and deletes the drafts of a mailbox, also those that killed senders left behind."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from typing import Any

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import CourierUnavailable, Envelope
from postrail.courier.graph.faults import Forbidden, Gone, InDoubt, Refused, strange_answer
from postrail.courier.graph.http import GraphHttp
from postrail.courier.graph.parts import Attachment, GraphMessage
from postrail.notifications.addresses import smtp_address
from postrail.observe.log import log
from postrail.wire.graph import segment

logger = log(__name__)

# Larger attachments are uploaded in pieces (createUploadSession); Graph wants multiples of 320 KiB,
# below 4 MB.
SESSION_BYTES = 2_900_000
PIECE_BYTES = 10 * 320 * 1024


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft in the mailbox; its immutable id stays that of the sent copy."""

    id: str
    message_id: str
    # False: it has been sent.
    is_draft: bool = True


class Drafts:
    """The drafts of a connection's mailbox."""

    def __init__(self, connection: OutgoingConnection, http: GraphHttp) -> None:
        self._connection = connection
        self._http = http

    async def make(self, message: GraphMessage) -> Draft:
        """Makes a draft, still without the attachments that are too large to be in it."""
        made = await self._http.ask("POST", "messages", content=base64.b64encode(message.mime))
        if not isinstance(made.get("id"), str):
            raise strange_answer(self._connection, "a draft without an id")
        return Draft(made["id"], _given_id(made))

    async def attach(self, draft: Draft, attachment: Attachment) -> None:
        """Adds an attachment to a draft."""
        path = f"messages/{segment(draft.id)}/attachments"
        if len(attachment.content) <= SESSION_BYTES:
            await self._http.ask("POST", path, json=_resource(attachment))
            return
        item = {"AttachmentItem": _item(attachment)}
        session = await self._http.ask("POST", f"{path}/createUploadSession", json=item)
        url, size = str(session.get("uploadUrl", "")), len(attachment.content)
        for start in range(0, size, PIECE_BYTES):
            piece = attachment.content[start : start + PIECE_BYTES]
            await self._http.put(url, piece, f"bytes {start}-{start + len(piece) - 1}/{size}")

    async def read(self, draft_id: str) -> Draft:
        """Returns a draft, or the sent copy that it has become, as it is now."""
        fields = {"$select": "isDraft,internetMessageId"}
        found = await self._http.ask("GET", _path(draft_id), params=fields)
        return Draft(draft_id, _given_id(found), found.get("isDraft") is not False)

    async def found(self, draft_id: str) -> Draft | None:
        """Returns the same, or None if the mailbox has no such message (any more)."""
        try:
            return await self.read(draft_id)
        except Refused as error:
            if error.is_final or isinstance(error, Gone):
                return None
            raise

    async def discard(self, draft_id: str) -> bool:
        """Deletes a draft that is not sent; returns whether that succeeded."""
        try:
            await self._http.ask("DELETE", _path(draft_id))
        except (CourierUnavailable, InDoubt, Refused, Forbidden) as error:
            logger.warning("draft not deleted", connection=self._connection.name, reason=str(error))
            return False
        return True

    async def discard_earlier(self, envelope: Envelope) -> None:
        """Deletes the drafts of this message to this recipient that earlier attempts have left.

        A search that Graph refuses does not keep the message back.
        """
        message_id = _message_id(envelope)
        if not message_id:
            return
        quoted = message_id.replace("'", "''")
        query = {"$filter": f"internetMessageId eq '{quoted}'", "$select": "id,toRecipients"}
        try:
            found = await self._http.ask("GET", "mailFolders/drafts/messages", params=query)
        except Refused as refusal:
            logger.warning("drafts of earlier attempts are not found", reason=str(refusal))
            return
        drafts = found.get("value")
        for one in drafts if isinstance(drafts, list) else []:
            # Others may have a draft with that Message-ID, which is being sent at this moment.
            if set(_recipients(one)) == {smtp_address(to).lower() for to in envelope.recipients}:
                await self.discard(str(one.get("id", "")))


def _path(draft_id: str) -> str:
    return f"messages/{segment(draft_id)}"


def _given_id(found: dict[str, Any]) -> str:
    return str(found.get("internetMessageId") or "")


def _message_id(envelope: Envelope) -> str:
    """Returns the message's own Message-ID, or ""."""
    header = BytesHeaderParser().parsebytes(envelope.content)
    return str(header.get("Message-ID", "")).strip()


def _recipients(draft: dict[str, Any]) -> Iterable[str]:
    for one in draft.get("toRecipients") or []:
        yield str((one.get("emailAddress") or {}).get("address", "")).lower()


def _resource(attachment: Attachment) -> dict[str, object]:
    content = base64.b64encode(attachment.content).decode()
    described = {"@odata.type": "#microsoft.graph.fileAttachment", "contentBytes": content}
    return _described(attachment) | described


def _item(attachment: Attachment) -> dict[str, object]:
    size = len(attachment.content)
    return _described(attachment) | {"attachmentType": "file", "size": size}


def _described(attachment: Attachment) -> dict[str, object]:
    found: dict[str, object] = {
        "name": attachment.name,
        "contentType": attachment.content_type,
        "isInline": attachment.is_inline,
    }
    return found | ({"contentId": attachment.content_id} if attachment.content_id else {})
