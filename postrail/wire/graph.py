"""What every client of Microsoft Graph needs: paths, headers, the form of its errors. Pure.

Graph's codes: https://learn.microsoft.com/graph/errors and, for mail, the codes of Exchange.
"""

from __future__ import annotations

import email.utils
import json
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

VERSION = "v1.0"
# https://learn.microsoft.com/graph/outlook-immutable-id: needed on each request.
IMMUTABLE_IDS = 'IdType="ImmutableId"'
# Graph sends no Retry-After for too many concurrent requests; wait this long.
BUSY_SECONDS = 10.0
# A longer Retry-After is taken for a mistake of the server.
LONGEST_WAIT_SECONDS = 3600.0
SHOWN_CHARACTERS = 300
# Stands for the code of an answer that is not in Graph's form.
NO_CODE = "no code"


def segment(text: str) -> str:
    """Quotes a name or an id as part of a path; ids are case-sensitive."""
    return quote(text, safe="")


def code_and_message(status: int, body: bytes) -> tuple[str, str]:
    """Returns code and message of an error in Graph's form, or the phrase of the status."""
    try:
        error = json_in(body)["error"]
        return _shown(error["code"]), _shown(error["message"])
    except (ValueError, TypeError, KeyError):
        phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "unknown status"
        return NO_CODE, phrase


def _shown(words: object) -> str:
    line = "".join(
        character if character.isprintable() else " " for character in str(words)[:SHOWN_CHARACTERS]
    )
    return line.strip()


def json_in(content: bytes) -> Any:
    """Returns what the JSON holds; raises ValueError when it is broken or nested too deeply."""
    try:
        return json.loads(content)
    except RecursionError as error:
        raise ValueError("JSON that is nested too deeply") from error


def retry_after_seconds(value: str, server_time: str = "") -> float:
    """Returns the seconds of a Retry-After header (RFC 9110, 10.2.3: number or date), else 0.

    `server_time` is the Date header, as a date is by the server's clock.
    """
    try:
        seconds = float(value)
    except ValueError:
        if (until := _http_date(value)) is None:
            return 0.0
        seconds = (until - (_http_date(server_time) or datetime.now(UTC))).total_seconds()
    # The comparison is false for "nan", too.
    return min(LONGEST_WAIT_SECONDS, seconds) if seconds > 0 else 0.0


def _http_date(value: str) -> datetime | None:
    """Returns the time of a header, or None when it is no date."""
    try:
        found = email.utils.parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
