"""Shows the dialogue with a mail server line by line, in the log where `debug` is set.

Passwords, tokens and bodies of messages are never written. Each protocol masks what it knows to be
secret or a body (IMAP: `imap.dialogue_log`); this module masks the secrets once more, wherever a
server repeats them.
"""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Literal
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

from postrail.errors import PipelineError
from postrail.observe.log import log

logger = log("mailbox.dialogue")

Direction = Literal["sent", "received"]
WriteLine = Callable[[Direction, str], None]

MASK = "***"
SHOWN_CHARACTERS = 500
# Both alphabets of RFC 4648.
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{4,}={0,2}")
# A line may be cut within a secret; fewer of its bytes may be there by chance.
PART_BYTES = 4


def logging(kind: str, name: str) -> WriteLine:
    """Returns a function that logs each line, with the mailbox or connection that it belongs to."""

    def write(direction: Direction, words: str) -> None:
        logger.info("dialogue", **{kind: name, direction: words})

    return write


class DialogueLog:
    """Passes on the lines to and from one server: to the log, with the name of its mailbox."""

    def __init__(
        self, mailbox: str, secrets: Iterable[str] = (), write: WriteLine | None = None
    ) -> None:
        self._write = write or logging("mailbox", mailbox)
        self._secrets: set[str] = set()
        for secret in secrets:
            self.hide(secret)

    def hide(self, secret: str) -> None:
        """Masks this password or token from now on."""
        if secret:
            self._secrets.add(secret)

    def sent(self, words: str) -> None:
        """Passes on what we sent; passwords, tokens and bodies are masked already."""
        self._write("sent", self.shown(words))

    def received(self, words: str) -> None:
        """Passes on what the server sent; bodies are masked already."""
        self._write("received", self.shown(words))

    def exchanged(self, method: str, url: str, status: int, *, sent: int, received: int) -> None:
        """Passes on an HTTP request and its answer: no headers, and of bodies only the size."""
        self.sent(f"{method} {masked_url(url)} {{{sent} bytes}}")
        self.received(f"{status} {{{received} bytes}}")

    def shown(self, words: str) -> str:
        """Returns the text without secrets and control characters, cut to SHOWN_CHARACTERS."""
        words = masked(words, self._secrets)
        if len(words) > SHOWN_CHARACTERS:
            words = f"{words[:SHOWN_CHARACTERS]}… ({len(words)} characters)"
        return "".join(character if character.isprintable() else "�" for character in words)


def masked(words: str, secrets: Collection[str]) -> str:
    """Returns the text with these secrets masked, also within what is encoded in base64."""
    raw = [secret.encode("utf-8", "surrogateescape") for secret in secrets]
    words = _BASE64.sub(lambda found: MASK if _encodes(found[0], raw) else found[0], words)
    # The longest form first, as one may be a part of another.
    for form in sorted({form for one in secrets for form in forms_of(one)}, key=len, reverse=True):
        words = words.replace(form, MASK)
    return words


def _encodes(text: str, secrets: Collection[bytes]) -> bool:
    """Returns whether base64 holds a secret, or its beginning at the end: `\\0user\\0secret`."""
    text = text.rstrip("=").replace("-", "+").replace("_", "/")
    # What precedes it, such as a word and a slash, shifts it by up to three characters.
    for start in range(4):
        part = text[start:]
        if len(part) % 4 == 1:
            part = part[:-1]
        decoded = base64.b64decode(part + "=" * (-len(part) % 4))
        if any(_shows(decoded, secret) for secret in secrets):
            return True
    return False


def _shows(decoded: bytes, secret: bytes) -> bool:
    return secret in decoded or any(
        decoded.endswith(secret[:length]) for length in range(PART_BYTES, len(secret))
    )


@contextlib.contextmanager
def masked_in_errors(secret: str) -> Iterator[None]:
    """Masks the secret in errors, as some servers repeat the command that they refuse."""
    try:
        yield
    except PipelineError as error:
        if secret:
            error.problem = masked(error.problem, [secret])
        raise


def forms_of(secret: str) -> set[str]:
    """Returns the forms of a secret: as it is, quoted, in base64, in a URL."""
    escaped = secret.replace("\\", "\\\\").replace('"', '\\"')
    encoded = base64.b64encode(secret.encode("utf-8", "surrogateescape")).decode()
    return {secret, escaped, encoded, encoded.rstrip("="), quote(secret), quote_plus(secret)}


def masked_url(url: str) -> str:
    """Returns the address; of its query only options such as $select are shown.

    $skiptoken and $deltatoken are masked, as they give access to the state of a mailbox.
    """
    parts = urlsplit(url)
    query = "&".join(
        f"{name}={value if name.startswith('$') and not name.endswith('token') else MASK}"
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" + (f"?{query}" if query else "")
