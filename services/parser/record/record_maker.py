"""Makes a record of every fetched message: also of one that is broken, deadly, or without bytes."""

from __future__ import annotations

from dataclasses import replace

from postrail.clock import Clock
from postrail.errors import TransientError
from postrail.observe.log import log
from postrail.records import MailFetched
from services.parser.mime.raw_bytes import View, sha256_of
from services.parser.parse import Mail, parse, unparsed
from services.parser.record.make import ParsedRecord, Place, make_record
from services.parser.text.decode import storable

logger = log(__name__)


class RecordMaker:
    """Makes records; the same message always gives the same record except for `parsed_at`."""

    def __init__(self, clock: Clock, inline_max_bytes: int) -> None:
        self._clock = clock
        self._inline_max_bytes = inline_max_bytes

    def parsed(self, fetched: MailFetched, place: Place, raw: View) -> ParsedRecord:
        """Parses the message, of which only the header was fetched if it was too large."""
        mail = parsed_or_not(raw)
        if fetched.too_large:
            mail = header_only(mail, fetched)
        return self._record(fetched, place, raw, mail)

    def given_up(self, fetched: MailFetched, place: Place, deaths: int) -> ParsedRecord:
        """Keeps the bytes without parsing them; those in a blob are not even read."""
        reason = f"the parser died {deaths} times while processing this mail"
        raw = fetched.body or b""
        fingerprint = fetched.blob.sha256 if fetched.blob else sha256_of(raw)
        return self._record(fetched, place, raw, _empty_mail(fingerprint, reason))

    def without_bytes(self, fetched: MailFetched, place: Place, problem: str) -> ParsedRecord:
        """Records that the blob of the message is missing, and still refers to it."""
        mail = unparsed(b"", f"its bytes are gone: {problem}")
        return self._record(fetched, place, b"", mail)

    def _record(self, fetched: MailFetched, place: Place, raw: View, mail: Mail) -> ParsedRecord:
        return make_record(
            fetched,
            place,
            raw,
            mail,
            parsed_at=self._clock.now(),
            inline_max_bytes=self._inline_max_bytes,
        )


def parsed_or_not(raw: View) -> Mail:
    """Parses a message; if the parser fails, returns its header and the error."""
    try:
        return parse(raw)
    # Other tasks may have used up the memory: the process ends, and its successor tries again. What
    # the operating system refuses (descriptors, space) is waited for.
    except (MemoryError, OSError, TransientError):
        raise
    # A defect of the parser must fail only the message that triggers it, and keep its bytes.
    except Exception as error:
        logger.exception("the parser failed", size=len(raw))
        return _header_only(raw, storable(f"the parser failed: {type(error).__name__}: {error}"))


def header_only(mail: Mail, fetched: MailFetched) -> Mail:
    """Replaces the body of a message that was too large to fetch by a text that says so."""
    defect = "too large: only its header was fetched"
    text = (
        f"[This mail of {fetched.size:,} bytes is larger than the mailbox {fetched.mailbox} allows"
        f" (max_message_bytes). Only its header was fetched. The mail itself is still in the"
        f" mailbox: {storable(fetched.source)}]"
    )
    content = replace(mail.content, text=text, html="", source="")
    return replace(mail, content=content, reply=None, defects=[defect, *mail.defects])


def _header_only(raw: View, reason: str) -> Mail:
    """Returns the header and the error of a message, or the error alone if the header fails."""
    try:
        return unparsed(raw, reason)
    except (MemoryError, OSError, TransientError):
        raise
    # Most likely the parser failed on the header in the first place.
    except Exception:
        logger.exception("the parser failed on the header too", size=len(raw))
        return _empty_mail(sha256_of(raw), reason)


def _empty_mail(fingerprint: str, reason: str) -> Mail:
    """Returns a message without any content except the fingerprint of its bytes."""
    return replace(unparsed(b"", reason), fingerprint=fingerprint)
