"""Notices as JSON, as sending services write them: a text in, the event and its recipients out.

Amazon SES sends its notices by mail, within those of Amazon SNS or alone; scripts pass on
those that other services post to a web address.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Sequence

from postrail.message_parts import BouncedRecipient
from services.parser.content.attachments import AttachedFile
from services.parser.kind.bounce.codes import action_of, codes_of, is_hard, most_exact
from services.parser.text.decode import decode, one_line, storable

JSON_MAX = 256 * 1024
JSON_TYPE = "application/json"
RECIPIENTS_MAX = 200
VALUES_MAX = 5000
# SNS wraps the notice of SES, as a text, into one of its own.
WRAPPED_MAX = 3
# The names of fields, the most reliable first.
EVENT = ("notificationType", "eventType", "RecordType", "event", "type", "Type")
ADDRESS = ("emailAddress", "Email", "email", "recipient", "rcpt_to", "to")
STATUS = ("status", "enhanced-code", "enhanced_code", "bounce_code", "code", "error_code")
REASON = (
    *("diagnosticCode", "raw_reason", "diag", "reason"),
    *("message", "response", "Details", "description"),
)
ACTION = ("action",)
SEVERITY = ("bounceType", "severity", "classification", "bounce_type", "Type")
OPENING = re.compile(r"[\ufeff \t\r\n]{0,100}[{\[]")
BARE_ADDRESS = re.compile(r"[^\s<>\"',;:()]{1,256}@[^\s<>\"',;:()@]{1,255}")
EVENTS = {
    "bounce": "bounce",
    "bounced": "bounce",
    "failed": "bounce",
    "hardbounce": "bounce",
    "softbounce": "bounce",
    "hard_bounce": "bounce",
    "soft_bounce": "bounce",
    "out_of_band": "bounce",
    "deliverydelay": "bounce",
    "complaint": "feedback",
    "complained": "feedback",
    "spamcomplaint": "feedback",
    "spam_complaint": "feedback",
    "spamreport": "feedback",
    "delivery": "receipt",
}
# Programs and forms of all kinds have such events, too. A sending service also gives the server's
# reply, or one of these fields.
AMBIGUOUS = {"bounce", "bounced", "failed", "complaint", "complained", "delivery"}
SERVICE_FIELDS = {
    # SES, SendGrid
    *("mail", "sg_event_id", "sg_message_id", "smtp-id"),
    # Mailgun, Postmark
    *("delivery-status", "log-level", "MessageStream", "ServerID"),
    # SparkPost, Mandrill
    *("rcpt_to", "raw_reason", "bounce_class", "diag", "bounce_description"),
    # Mailjet, Brevo
    *("mj_campaign_id", "error_related_to", "message-id", "ts_event"),
}
# SES tells more about the event in an object of the event's name.
DETAILS = ("bounce", "complaint", "delivery")
SERVER_REPLY = re.compile(r"(?:smtp; ?)?(?:[45][0-7]\d[ -]|[45]\.\d\.\d)", re.IGNORECASE)
# Objects with fields of the message, and with what its sender notes about it.
COPIED = {
    *("headers", "commonHeaders", "user-variables", "metadata", "tags"),
    *("unique_args", "custom_args", "rcpt_meta"),
}
# The words of the services for what may pass, and for what does not.
TEMPORARY = ("transient", "temporary", "soft", "delayed")
PERMANENT = ("permanent", "hard")

Fields = dict[str, object]


def json_text(text: str, files: Sequence[AttachedFile]) -> str:
    """Returns the text that may be a notice: the body, or a body of the type application/json."""
    if (text and not text.isspace()) or not files or files[0].content_type != JSON_TYPE:
        return text
    return decode(files[0].source.first(JSON_MAX), None)


def event_of(text: str) -> tuple[str, str]:
    """Returns what a notice in JSON reports ("bounce", "feedback" or "receipt"), and its rest."""
    notice, rest = _notice(text)
    return _event_in(notice), rest


def recipients_in_json(text: str) -> list[BouncedRecipient]:
    """Returns the recipients of a notice about a bounce."""
    notice, _ = _notice(text)
    if _event_in(notice) != "bounce":
        return []
    severity = ""
    found: list[BouncedRecipient] = []
    for fields in _all_fields(notice):
        severity = _severity(fields) or severity
        address = BARE_ADDRESS.search(_first(fields, ADDRESS))
        if address and len(found) < RECIPIENTS_MAX:
            found.append(_recipient(address.group(), fields, severity))
    return found


def _recipient(address: str, fields: Fields, severity: str) -> BouncedRecipient:
    """Reads a recipient; Mailgun puts code and reason into an object of their own."""
    inner = [fields, *(one for one in fields.values() if isinstance(one, dict))]
    reasons = [reason for one in inner if (reason := _first(one, REASON))]
    codes = [
        code for one in inner for name in (*REASON, *STATUS) for code in codes_of(_text(one, name))
    ]
    status = most_exact(codes)
    temporary = severity in TEMPORARY
    meant = "delayed" if severity == "delayed" else "failed"
    action = action_of(_first(fields, ACTION)) or meant
    return BouncedRecipient(
        address=address,
        action=action,
        status=status,
        hard=is_hard(status, action) and not temporary,
        reason=reasons[0] if reasons else "",
        status_class=status[:1] or ("4" if temporary else "5" if severity in PERMANENT else ""),
    )


def _event_in(notice: object) -> str:
    return next((event for fields in _all_fields(notice) if (event := _event(fields))), "")


def _event(fields: Fields) -> str:
    for name in EVENT:
        given = _text(fields, name).lower()
        event = EVENTS.get(given, "")
        if event and (given not in AMBIGUOUS or _is_of_service(fields)):
            return event
    return ""


def _is_of_service(fields: Fields) -> bool:
    """Tells whether a sending service wrote these fields, and not a program of another kind."""
    if not SERVICE_FIELDS.isdisjoint(fields):
        return True
    if any(isinstance(fields.get(name), dict) for name in DETAILS):
        return True
    replies = (_text(fields, name) for name in ("reason", "response", "status"))
    return any(map(SERVER_REPLY.match, replies))


def _severity(fields: Fields) -> str:
    for name in SEVERITY:
        value = _text(fields, name).lower()
        if value.startswith((*TEMPORARY, *PERMANENT)):
            return next(word for word in (*TEMPORARY, *PERMANENT) if value.startswith(word))
    return "delayed" if _text(fields, "eventType").lower() == "deliverydelay" else ""


def _all_fields(notice: object) -> Iterator[Fields]:
    """Yields all objects of a notice, outer ones first, but no copies of the message's fields."""
    waiting: deque[object] = deque([notice])
    for _ in range(VALUES_MAX):
        if not waiting:
            return
        value = waiting.popleft()
        if isinstance(value, dict):
            yield value
            inner = (one for name, one in value.items() if name not in COPIED)
            waiting.extend(one for one in inner if isinstance(one, dict | list))
        elif isinstance(value, list):
            waiting.extend(value[:RECIPIENTS_MAX])


def _notice(text: str) -> tuple[object, str]:
    """Returns the value that a text begins with, and the text below it."""
    found, rest = _value(text)
    for _ in range(WRAPPED_MAX):
        message = found.get("Message") if isinstance(found, dict) else None
        if not isinstance(message, str) or not message.lstrip().startswith("{"):
            break
        found, _ = _value(message)
    return found, rest


def _value(text: str) -> tuple[object, str]:
    if OPENING.match(text) is None:
        return None, ""
    start = text[:JSON_MAX].lstrip("\ufeff \t\r\n")
    # Mail programs wrap long lines, also within strings.
    for candidate in (start, start.replace("\n", "")):
        try:
            found, end = json.JSONDecoder(strict=False).raw_decode(candidate)
        # RecursionError: thousands of opening brackets.
        except (ValueError, RecursionError):
            continue
        return found, candidate[end:]
    return None, ""


def _first(fields: Fields, names: tuple[str, ...]) -> str:
    return next((text for name in names if (text := _text(fields, name))), "")


def _text(fields: Fields, name: str) -> str:
    found = fields.get(name)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)[:20]
    return storable(one_line(found)) if isinstance(found, str) else ""
