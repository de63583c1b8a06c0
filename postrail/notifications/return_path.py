"""Makes return paths that name their delivery, and reads them in what comes back.

Bounces go to the envelope sender (RFC 5321, 3.6.3), and many return nothing of the message. So the
address for them gets an extension for each recipient (VERP): the parts of the Message-ID that
nobody can guess, in characters of one case, since servers may change that.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Iterable

from postrail.notifications.mime.message_ids import OWN_ID

# 16 bytes of the id and 8 of the proof.
TOKEN_CHARACTERS = 39
_EXTENDED = re.compile(
    rf"(?P<base>[^@]+)\+(?P<token>[a-z2-7]{{{TOKEN_CHARACTERS}}})@(?P<domain>.+)"
)


def return_path(bounce_address: str, message_id: str) -> str:
    """Returns the envelope sender of a message: the address with what its Message-ID proves.

    A message that an early release has queued with another Message-ID has the address as it is.
    """
    found = OWN_ID.fullmatch(message_id)
    if found is None:
        return bounce_address
    data = uuid.UUID(found["id"]).bytes + bytes.fromhex(found["proof"])
    token = base64.b32encode(data).decode("ascii").rstrip("=").lower()
    local, _, domain = bounce_address.rpartition("@")
    return f"{local}+{token}@{domain}"


def returned_to(addresses: Iterable[str], bounce_addresses: Iterable[str]) -> list[str]:
    """Returns the beginnings of the Message-IDs that these addresses of ours name, each once."""
    ours = {address.lower() for address in bounce_addresses}
    found = []
    for address in addresses:
        extended = _EXTENDED.fullmatch(address.strip().lower())
        if extended and f"{extended['base']}@{extended['domain']}" in ours:
            found.append(_beginning(extended["token"]))
    return list(dict.fromkeys(filter(None, found)))


def _beginning(token: str) -> str:
    try:
        data = base64.b32decode(f"{token}=".upper())
    except binascii.Error:
        return ""
    return f"<postrail.{uuid.UUID(bytes=data[:16])}.{data[16:].hex()}"
