"""Mailing lists: a header in, what its List fields (RFC 2369, 2919, 8058) say out."""

from __future__ import annotations

import re

from postrail.message_parts import MailingList
from services.parser.mime.headers import Field, Header
from services.parser.text.decode import cut

NAMES = ("help", "unsubscribe", "subscribe", "post", "owner", "archive")
FIELDS_MAX = 4
FIELD_MAX = 8 * 1024
URIS_MAX = 4
URI_MAX_BYTES = 1000
# RFC 2919, section 3.
ID_MAX_BYTES = 255
NAME_MAX_BYTES = 400
SPACES = re.compile(r"\s+")
# The closing bracket may be missing: the next opening one then ends a URI.
BRACKETED = re.compile(r"<([^<>]*)")
BARE_SEPARATORS = re.compile(r"[\s,]+")
# Other schemes ("javascript:") are not safe to open.
SCHEME = re.compile(r"(?:https?|mailto|ftps?|news|nntp):", re.IGNORECASE)
LIST_ID = re.compile(r"([^<>]*)<([^<>]+)")


def read_list(header: Header) -> MailingList | None:
    """Returns the list that the message went through, or None for direct mail."""
    if not any(name.startswith("list-") for name in header.names()):
        return None
    uris = {name: _uris(header.all(f"list-{name}")) for name in NAMES}
    name, list_id = _list_id(header.value("list-id"))
    closed = header.value("list-post").strip().upper().startswith("NO")
    if not (list_id or name or closed or any(uris.values())):
        return None
    return MailingList(
        list_id=list_id,
        name=name,
        posting_closed=closed and not uris["post"],
        one_click=_one_click(header, uris["unsubscribe"]),
        **uris,
    )


def _uris(fields: list[Field]) -> list[str]:
    found = [uri for field in fields[:FIELDS_MAX] for uri in _uris_of(field.value[:FIELD_MAX])]
    return list(dict.fromkeys(found))[:URIS_MAX]


def _uris_of(value: str) -> list[str]:
    """Returns the URIs, with or without angle brackets. Long ones are dropped, not truncated."""
    given = BRACKETED.findall(value) or BARE_SEPARATORS.split(value)
    # Folding may have put spaces into a URI (RFC 2369, section 2).
    plain = (SPACES.sub("", one).strip(",;") for one in given)
    return [one for one in plain if SCHEME.match(one) and len(one.encode()) <= URI_MAX_BYTES]


def _list_id(value: str) -> tuple[str, str]:
    """Returns the phrase and the id; ids are case-insensitive (RFC 2919, section 6)."""
    value = value[:FIELD_MAX]
    if found := LIST_ID.match(value):
        name, given = found.groups()
    else:
        name, given = "", value.strip("<> ")
        if " " in given:
            # The field contains only the name of the list.
            name, given = given, ""
    list_id = SPACES.sub("", given).lower()
    return cut(name.strip(' "'), NAME_MAX_BYTES), cut(list_id, ID_MAX_BYTES)


def _one_click(header: Header, unsubscribe: list[str]) -> bool:
    # RFC 8058, section 3.1: it is valid only with an https URI.
    wanted = header.value("list-unsubscribe-post").replace(" ", "").lower()
    return wanted == "list-unsubscribe=one-click" and any(
        uri.lower().startswith("https:") for uri in unsubscribe
    )
