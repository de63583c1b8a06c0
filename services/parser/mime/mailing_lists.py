"""The fields of mailing lists: RFC 2369 (List-Help and its relatives), 2919 (List-Id), 8058."""

from __future__ import annotations

import re

from postrail.records import MailingList
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
# The bracket that closes may be missing: the next one that opens then ends a URI.
BRACKETED = re.compile(r"<([^<>]*)")
BARE_SEPARATORS = re.compile(r"[\s,]+")
# Whatever else stands there ("javascript:") is nothing that a person should be sent to.
SCHEME = re.compile(r"(?:https?|mailto|ftps?|news|nntp):", re.IGNORECASE)
LIST_ID = re.compile(r"([^<>]*)<([^<>]+)")


def read_list(header: Header) -> MailingList | None:
    """What the header says about the list that the mail went through; None when it is nothing."""
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
    """The URIs in angle brackets, or without them; one that is too long would be another one."""
    given = BRACKETED.findall(value) or BARE_SEPARATORS.split(value)
    # Folding may have put spaces into a URI (RFC 2369, section 2).
    plain = (SPACES.sub("", one).strip(",;") for one in given)
    return [one for one in plain if SCHEME.match(one) and len(one.encode()) <= URI_MAX_BYTES]


def _list_id(value: str) -> tuple[str, str]:
    """The phrase and the id; ids are compared without case (RFC 2919, section 6)."""
    value = value[:FIELD_MAX]
    if found := LIST_ID.match(value):
        name, given = found.groups()
    else:
        name, given = "", value.strip("<> ")
        if " " in given:
            # No id, but the list's name is worth something.
            name, given = given, ""
    list_id = SPACES.sub("", given).lower()
    return cut(name.strip(' "'), NAME_MAX_BYTES), cut(list_id, ID_MAX_BYTES)


def _one_click(header: Header, unsubscribe: list[str]) -> bool:
    # RFC 8058, section 3.1: it counts only with an https URI.
    wanted = header.value("list-unsubscribe-post").replace(" ", "").lower()
    return wanted == "list-unsubscribe=one-click" and any(
        uri.lower().startswith("https:") for uri in unsubscribe
    )
