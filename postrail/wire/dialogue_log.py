"""Shows the dialogue with a mail server line by line, in the log where `debug` is set.

Passwords, tokens and bodies of messages are never written. Each protocol masks what it knows to be
secret or a body (IMAP: `imap.dialogue_log`); this module masks the secrets once more, wherever a
server repeats them.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Literal
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

from postrail.errors import PipelineError
from postrail.observe.log import log

logger = log("mailbox.dialogue")

Direction = Literal["sent", "received"]
WriteLine = Callable[[Direction, str], None]

MASK = "***"
SHOWN_CHARACTERS = 500


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
        self._forms: set[str] = set()
        for secret in secrets:
            self.hide(secret)

    def hide(self, secret: str) -> None:
        """Masks this password or token from now on."""
        if secret:
            self._forms |= forms_of(secret)

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
        words = masked(words, self._forms)
        if len(words) > SHOWN_CHARACTERS:
            words = f"{words[:SHOWN_CHARACTERS]}… ({len(words)} characters)"
        return "".join(character if character.isprintable() else "�" for character in words)


def masked(words: str, forms: Iterable[str]) -> str:
    """Returns the text with each of these forms masked."""
    # The longest form first, as one may be a part of another.
    for form in sorted(forms, key=len, reverse=True):
        words = words.replace(form, MASK)
    return words


@contextlib.contextmanager
def masked_in_errors(secret: str) -> Iterator[None]:
    """Masks the secret in errors, as some servers repeat the command that they refuse."""
    try:
        yield
    except PipelineError as error:
        if secret:
            error.problem = masked(error.problem, forms_of(secret))
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
