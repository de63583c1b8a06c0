"""Reads receipts and complaints: a message in, what it says about which message of ours out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from postrail.message_parts import MessageReport
from services.parser.content.attachments import AttachedFile
from services.parser.kind.bounce.codes import action_of
from services.parser.kind.bounce.notice import read_notice
from services.parser.kind.bounce.original import HEADER_MAX, original_id, returned_headers
from services.parser.kind.bounce.service_json import JSON_TYPE
from services.parser.kind.bounce.status import actions_of, groups_in_text, groups_of
from services.parser.mime.headers import Header, header_in
from services.parser.text.decode import decode

DISPOSITION = "message/disposition-notification"
FEEDBACK = "message/feedback-report"


def read_report(
    kind: str, header: Header, text: str, files: Sequence[AttachedFile]
) -> MessageReport:
    """Returns the event of a receipt or a complaint, and the Message-ID that it names."""
    fields = Header([field for part in _parts(files) for field in part.fields])
    event = _complaint(fields, text) if kind == "feedback" else _receipt(fields, text, files)
    json = next((file for file in files if file.content_type == JSON_TYPE), None)
    more = decode(json.source.first(HEADER_MAX), None) if json else ""
    # The fields of the report itself say which message it is about (RFC 8098, 3.2.5).
    named = Header([*fields.fields, *header.fields])
    returned = returned_headers(files)
    notice = read_notice(text)
    return MessageReport(
        event=event,
        original_message_id=original_id(named, [*returned, notice.returned], notice, more),
    )


def _parts(files: Sequence[AttachedFile]) -> Iterator[Header]:
    """Yields the fields of the parts that a report has beside its text."""
    for file in files:
        if file.content_type in (DISPOSITION, FEEDBACK):
            part = decode(file.source.first(HEADER_MAX), None)
            yield header_in("\n".join(line for line in part.splitlines() if line.strip()))


def _complaint(fields: Header, text: str) -> str:
    """Returns the type of the feedback (RFC 5965, 3.1), or ""."""
    given = fields.value("feedback-type") or header_in(text).value("feedback-type")
    return action_of(given)


def _receipt(fields: Header, text: str, files: Sequence[AttachedFile]) -> str:
    """Returns what was done with the message: by a person (RFC 8098) or a server (RFC 3464)."""
    # "Disposition: manual-action/MDN-sent-manually; displayed"
    disposition = fields.value("disposition")
    if disposition:
        return action_of(disposition.partition(";")[2].partition("/")[0])
    actions = actions_of(groups_of(files)) or actions_of(groups_in_text(text))
    return min(actions, default="")
