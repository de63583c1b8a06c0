"""The dialogue with a mail server, line by line into the log, for whoever looks for a fault.

Passwords, tokens and what mails say never get there. Each protocol masks what it knows to be
secret or a body (IMAP: `imap_dialogue`); here the secrets themselves are taken out once more,
wherever a server repeats them.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

from postrail.errors import PipelineError
from postrail.observe.log import log

logger = log("mailbox.dialogue")

MASK = "***"
SHOWN_CHARACTERS = 500


class Dialogue:
    """Writes what goes to and comes from one server, with the name of its mailbox."""

    def __init__(self, mailbox: str, secrets: Iterable[str] = ()) -> None:
        self._mailbox = mailbox
        self._forms: set[str] = set()
        for secret in secrets:
            self.hide(secret)

    def hide(self, secret: str) -> None:
        """From now on this password or token is masked wherever it shows up."""
        if secret:
            self._forms |= forms_of(secret)

    def sent(self, words: str) -> None:
        """We said so; passwords, tokens and bodies are masked already."""
        logger.info("dialogue", mailbox=self._mailbox, sent=self.shown(words))

    def received(self, words: str) -> None:
        """The server said so; bodies are masked already."""
        logger.info("dialogue", mailbox=self._mailbox, received=self.shown(words))

    def exchanged(self, method: str, url: str, status: int, *, sent: int, received: int) -> None:
        """A request by HTTP and its answer: headers are left out, and bodies are only counted."""
        self.sent(f"{method} {masked_url(url)} {{{sent} bytes}}")
        self.received(f"{status} {{{received} bytes}}")

    def shown(self, words: str) -> str:
        """The words without secrets, without what terminals act upon, and not too many."""
        words = masked(words, self._forms)
        if len(words) > SHOWN_CHARACTERS:
            words = f"{words[:SHOWN_CHARACTERS]}… ({len(words)} characters)"
        return "".join(sign if sign.isprintable() else "�" for sign in words)


def masked(words: str, forms: Iterable[str]) -> str:
    """The words without these."""
    # The longest form first, as one may be a part of another.
    for form in sorted(forms, key=len, reverse=True):
        words = words.replace(form, MASK)
    return words


@contextlib.contextmanager
def untold(secret: str) -> Iterator[None]:
    """Takes the secret out of errors: some servers repeat the command that they refuse."""
    try:
        yield
    except PipelineError as error:
        if secret:
            error.problem = masked(error.problem, forms_of(secret))
        raise


def forms_of(secret: str) -> set[str]:
    """How a secret may be written: as it is, quoted, in base64, in a URL."""
    escaped = secret.replace("\\", "\\\\").replace('"', '\\"')
    encoded = base64.b64encode(secret.encode("utf-8", "surrogateescape")).decode()
    return {secret, escaped, encoded, encoded.rstrip("="), quote(secret), quote_plus(secret)}


def masked_url(url: str) -> str:
    """The address; of its query only options such as $select ($skiptoken and $deltatoken are no
    secrets, and as good as one)."""
    parts = urlsplit(url)
    query = "&".join(
        f"{name}={value if name.startswith('$') and not name.endswith('token') else MASK}"
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" + (f"?{query}" if query else "")
