"""Signs messages with DKIM (RFC 6376; Ed25519: RFC 8463); without a time, so always alike. Pure.

A message has CR LF at the end of each line, as it is sent.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

# RFC 6376, 5.4.1, and the fields by which clients thread and unsubscribe.
SIGNED = (
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "reply-to",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "auto-submitted",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
)
# Named once more than they are there, so that nobody can add one (RFC 6376, 8.15).
NEVER_ADDED = ("from", "to", "cc", "subject", "date", "reply-to", "content-type")
NAMES_A_LINE = 5
LINE_CHARACTERS = 72

Sign = Callable[[bytes], bytes]
Field = tuple[str, bytes]


def signer(domain: str, selector: str, key: str) -> Sign:
    """Returns a function that adds a signature to a message; `key` is a private key in PEM."""
    return functools.partial(_signed, domain, selector, load_pem_private_key(key.encode(), None))


def _signed(domain: str, selector: str, key: object, content: bytes) -> bytes:
    head, _, body = content.partition(b"\r\n\r\n")
    fields = list(_fields(head))
    names = list(_names([name for name, _ in fields]))
    beginning = (
        f"DKIM-Signature: v=1; a={_algorithm(key)}; c=relaxed/relaxed;\r\n"
        f" d={domain}; s={selector};\r\n"
        f" h={_folded(names)};\r\n"
        f" bh={_base64(hashlib.sha256(_relaxed_body(body)).digest())};\r\n"
        " b="
    ).encode()
    ours = next(_fields(beginning))
    signed = [*_chosen(fields, names), _relaxed(*ours)]
    signature = _base64(_signature(key, b"\r\n".join(signed)))
    lines = [
        signature[start : start + LINE_CHARACTERS]
        for start in range(0, len(signature), LINE_CHARACTERS)
    ]
    return beginning + "\r\n  ".join(lines).encode() + b"\r\n" + content


def _fields(head: bytes) -> Iterator[Field]:
    """Yields the fields of a header: the name in lower case, and the value as it is folded."""
    for one in re.split(rb"\r\n(?![ \t])", head):
        name, colon, value = one.partition(b":")
        if colon:
            yield name.strip().decode("ascii", "replace").lower(), value


def _names(there: Sequence[str]) -> Iterator[str]:
    for name in SIGNED:
        yield from [name] * (there.count(name) + (name in NEVER_ADDED))


def _chosen(fields: Sequence[Field], names: Sequence[str]) -> Iterator[bytes]:
    """Yields the named fields; of several with one name the last ones first (RFC 6376, 5.4.2)."""
    left = list(fields)
    for name in names:
        places = [place for place, field in enumerate(left) if field[0] == name]
        if places:
            yield _relaxed(*left.pop(places[-1]))


def _relaxed(name: str, value: bytes) -> bytes:
    """Returns a field as RFC 6376, 3.4.2 has it, without its line end."""
    unfolded = value.replace(b"\r\n", b"")
    return name.encode() + b":" + re.sub(rb"[ \t]+", b" ", unfolded).strip(b" ")


def _relaxed_body(body: bytes) -> bytes:
    """Returns a body as RFC 6376, 3.4.4 has it."""
    lines = re.sub(rb"[ \t]+", b" ", body).replace(b" \r\n", b"\r\n")
    # Each line ends with CR LF.
    text = lines.rstrip(b"\r\n")
    return text + b"\r\n" if text else b""


def _folded(names: Sequence[str]) -> str:
    lines = [
        ":".join(names[start : start + NAMES_A_LINE])
        for start in range(0, len(names), NAMES_A_LINE)
    ]
    return ":\r\n  ".join(lines)


def _algorithm(key: object) -> str:
    return "ed25519-sha256" if isinstance(key, Ed25519PrivateKey) else "rsa-sha256"


def _signature(key: object, data: bytes) -> bytes:
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(hashlib.sha256(data).digest())
    assert isinstance(key, RSAPrivateKey)
    return key.sign(data, padding.PKCS1v15(), SHA256())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
