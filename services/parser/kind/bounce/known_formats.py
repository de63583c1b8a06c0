"""Recipients in the formats that flufl.bounce knows: a message's bytes in, addresses out."""

from __future__ import annotations

import logging
from email import message_from_bytes
from email.message import Message

from flufl.bounce import all_failures

from postrail.message_parts import Address
from services.parser.mime.raw_bytes import View

# Its patterns are slow on long lines and texts; a bounce names its recipients near the beginning.
SCANNED_MAX = 64 * 1024
LINE_MAX = 400

# It logs each detector that it tries.
logging.getLogger("flufl.bounce").disabled = True


def known_recipients(data: View, sender: Address | None) -> list[str]:
    """Returns the addresses that the library's detectors find."""
    try:
        delayed, failed = all_failures(_notice(data, sender))
    except (MemoryError, OSError):
        raise
    # Its detectors raise all kinds of exceptions on broken messages.
    except Exception:  # noqa: BLE001
        return []
    return _texts(delayed) or _texts(failed)


def _notice(data: View, sender: Address | None) -> Message:
    """Returns the beginning of the message, with a From field that the detectors can read."""
    lines = (line[:LINE_MAX] for line in data[:SCANNED_MAX].split(b"\n"))
    message = message_from_bytes(b"\n".join(lines))
    del message["From"]
    address = sender.address if sender and sender.address.isascii() else "unknown@invalid"
    message["From"] = address
    return message


def _texts(addresses: object) -> list[str]:
    found = (one.decode("ascii", "replace") for one in sorted(_bytes(addresses)))
    return [address for address in (one.strip("<>\"' ") for one in found) if "@" in address]


def _bytes(addresses: object) -> list[bytes]:
    assert isinstance(addresses, frozenset)
    return [one for one in addresses if isinstance(one, bytes)]
