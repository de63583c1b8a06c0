"""What the fake of Microsoft Graph does with messages to send: drafts, uploads, sent items."""

from __future__ import annotations

import base64
import itertools
from dataclasses import dataclass, field
from email import message_from_bytes
from email.utils import getaddresses
from typing import Any, ClassVar

from tests.fakes.graph_answers import Answer, Request, refused, told
from tests.fakes.graph_mailboxes import GraphMail, GraphMailbox

NOT_FOUND = refused(404, "ErrorItemNotFound", "The specified object was not found in the store.")
PIECE_BYTES = 4 * 1024 * 1024
EXPIRES = "2026-12-31T12:00:00Z"


@dataclass(frozen=True)
class Sent:
    """A message that left the mailbox."""

    content: bytes
    recipients: tuple[str, ...]
    attachments: dict[str, bytes]
    message_id: str


@dataclass
class Upload:
    """An upload session: the bytes so far of an attachment."""

    mail: GraphMail
    name: str
    size: int
    content: bytearray = field(default_factory=bytearray)


class Sending:
    """Sends the messages of one mailbox."""

    _numbers: ClassVar[itertools.count[int]] = itertools.count(1)

    def __init__(self, mailbox: GraphMailbox) -> None:
        self.mailbox = mailbox
        self.sent: list[Sent] = []
        self.uploads: dict[str, Upload] = {}
        # Exchange replaces the Message-ID of what it sends.
        self.replaces_ids = False
        self.saves_sent = True
        self.attached: dict[str, dict[str, bytes]] = {}

    def answer(self, request: Request, origin: str) -> Answer | None:
        """Answers a request that makes or sends a message; None for another request."""
        match request.method, request.path:
            case "POST", ("messages",):
                return self._draft(request)
            case "POST", ("sendMail",):
                return self._direct(base64.b64decode(request.body))
            case "POST", ("messages", name, *rest) if rest and rest[0] in ("attachments", "send"):
                mail = self.mailbox.mail(name, immutable=request.immutable)
                if mail is None or not mail.is_draft:
                    return NOT_FOUND
                if rest == ["send"]:
                    return self._send(mail)
                if rest == ["attachments"]:
                    return self._attach(mail, request.json)
                return self._session(mail, request.json["AttachmentItem"], origin)
        return None

    def put(self, token: str, content_range: str, body: bytes) -> Answer:
        """Takes a part of an upload."""
        upload = self.uploads.get(token)
        if upload is None:
            return NOT_FOUND
        first = int(content_range.removeprefix("bytes ").partition("-")[0])
        if first != len(upload.content) or len(body) >= PIECE_BYTES:
            return refused(416, "InvalidRange", "The range is not the one that is expected.")
        upload.content += body
        if len(upload.content) < upload.size:
            ranges = {"nextExpectedRanges": [f"{len(upload.content)}-{upload.size - 1}"]}
            return told(200, ranges | {"expirationDateTime": EXPIRES})
        del self.uploads[token]
        self._attached(upload.mail)[upload.name] = bytes(upload.content)
        return Answer(201)

    def _draft(self, request: Request) -> Answer:
        content = base64.b64decode(request.body)
        if b":" not in content.split(b"\r\n", 1)[0]:
            return refused(400, "ErrorMimeContentInvalid", "The MIME content is invalid.")
        mail = self.mailbox.deliver(content, folder=self.mailbox.well_known["drafts"])
        mail.is_draft = True
        return told(201, self._resource(mail, immutable=request.immutable))

    def _resource(self, mail: GraphMail, *, immutable: bool) -> dict[str, Any]:
        return {
            "id": mail.id(immutable=immutable),
            "isDraft": mail.is_draft,
            "internetMessageId": mail.message_id,
        }

    def _attached(self, mail: GraphMail) -> dict[str, bytes]:
        return self.attached.setdefault(mail.immutable_id, {})

    def _attach(self, mail: GraphMail, given: dict[str, Any]) -> Answer:
        self._attached(mail)[given["name"]] = base64.b64decode(given["contentBytes"])
        return told(201, {"id": f"attachment-{next(self._numbers)}", "name": given["name"]})

    def _session(self, mail: GraphMail, item: dict[str, Any], origin: str) -> Answer:
        token = f"upload-{next(self._numbers)}"
        self.uploads[token] = Upload(mail, item["name"], item["size"])
        url = f"{origin}/upload/{token}"
        return told(
            201,
            {"uploadUrl": url, "expirationDateTime": EXPIRES, "nextExpectedRanges": ["0-"]},
        )

    def _send(self, mail: GraphMail) -> Answer:
        attachments = self._attached(mail)
        self._record(mail.content, mail, attachments)
        mail.is_draft = False
        if self.saves_sent:
            self.mailbox.move(mail, self.mailbox.well_known["sentitems"])
        else:
            self.mailbox.purge(mail)
        return Answer(202)

    def _direct(self, content: bytes) -> Answer:
        mail = self.mailbox.deliver(content, folder=self.mailbox.well_known["sentitems"])
        self._record(content, mail, {})
        return Answer(202)

    def _record(self, content: bytes, mail: GraphMail, attachments: dict[str, bytes]) -> None:
        parsed = message_from_bytes(content)
        fields = [value for name in ("To", "Cc", "Bcc") for value in parsed.get_all(name, [])]
        recipients = tuple(address for _, address in getaddresses(fields))
        if self.replaces_ids:
            mail.replaced_id = f"<{next(self._numbers)}@prod.outlook.com>"
        self.sent.append(Sent(content, recipients, dict(attachments), mail.message_id))
