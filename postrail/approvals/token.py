"""Tokens that name an approver's part in a request and prove that we made them. Pure.

It stands in the Message-ID, the reply address and the text of the message that asks. It counts
once: the row that it names says whether the part is answered or closed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

PROOF_CHARACTERS = 26
# 12a-k5tq…: base32 in lower case, so that it survives a change of case; 128 bits.
TOKEN = rf"(?P<assignment_id>[1-9][0-9]{{0,17}})a-(?P<proof>[a-z2-7]{{{PROOF_CHARACTERS}}})"
# Without ASCII, the letters s and k would match the long s and the sign of the kelvin, too.
FLAGS = re.IGNORECASE | re.ASCII
IN_MESSAGE_ID = re.compile(rf"<postrail\.[0-9a-f-]{{36}}\.[0-9a-f]{{16}}\.{TOKEN}@", FLAGS)
IN_ADDRESS = re.compile(rf"[^@]+\+{TOKEN}@", FLAGS)
IN_TEXT = re.compile(rf"(?<![0-9A-Za-z]){TOKEN}(?![0-9A-Za-z])", FLAGS)
# RFC 5321, 4.5.3.1.1: a longer local part may be refused.
LOCAL_PART_CHARACTERS = 64
# A message with more tokens is no answer.
TOKENS_MAX = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalToken:
    """A token as a message has it; only `is_genuine` says whether we made it."""

    assignment_id: int
    # In lower case.
    proof: str

    def __str__(self) -> str:
        return f"{self.assignment_id}a-{self.proof}"


def token_for(key: bytes, assignment_id: int, request_id: str, address: str) -> ApprovalToken:
    """Returns the token of an approver's part in a request; `address` is the approver's.

    A restored database may give the number to another part, of another request or approver.
    """
    text = f"approval {assignment_id} {request_id} {address}"
    digest = hmac.new(key, text.encode(), hashlib.sha256).digest()
    proof = base64.b32encode(digest).decode()[:PROOF_CHARACTERS].lower()
    return ApprovalToken(assignment_id=assignment_id, proof=proof)


def is_genuine(token: ApprovalToken, key: bytes, request_id: str, address: str) -> bool:
    """Tells whether we made the token for this approver of this request."""
    genuine = token_for(key, token.assignment_id, request_id, address)
    return hmac.compare_digest(genuine.proof, token.proof)


def reply_address(address: str, token: ApprovalToken) -> str:
    """Returns the address with the token, or as it is where that would be too long."""
    local, _, domain = address.rpartition("@")
    with_token = f"{local}+{token}"
    return f"{with_token}@{domain}" if len(with_token) <= LOCAL_PART_CHARACTERS else address


def mailto(address: str, subject: str, body: str) -> str:
    """Returns the link that opens a message to the address (RFC 6068)."""
    body = body.replace("\n", "\r\n")
    to = quote(address, safe="@+=!~*")
    return f"mailto:{to}?subject={quote(subject)}&body={quote(body)}"


def tokens_in(
    addresses: Iterable[str], message_ids: Iterable[str], texts: Iterable[str]
) -> list[ApprovalToken]:
    """Returns the tokens of the addresses, of the Message-IDs and of the texts, each once.

    More than TOKENS_MAX are left out.
    """
    found = itertools.chain(
        filter(None, map(IN_ADDRESS.match, addresses)),
        filter(None, map(IN_MESSAGE_ID.match, message_ids)),
        (match for text in texts for match in IN_TEXT.finditer(text)),
    )
    tokens: dict[ApprovalToken, None] = {}
    for one in found:
        token = ApprovalToken(assignment_id=int(one["assignment_id"]), proof=one["proof"].lower())
        tokens[token] = None
        if len(tokens) == TOKENS_MAX:
            break
    return list(tokens)
