"""The parts of a large reply, to and from the blob that holds them."""

from __future__ import annotations

import json
from dataclasses import asdict, fields

from postrail.message_parts import ReplyParts


def blob_of(parts: ReplyParts) -> bytes:
    """Returns the content of the blob that a message or comment names as `reply_blob`."""
    return json.dumps(asdict(parts), ensure_ascii=False).encode()


def parts_from(content: bytes) -> ReplyParts:
    """Returns the parts of a reply from the blob that a parsed message names as `reply_blob`.

    Another release may write more parts than this one knows, or fewer.
    """
    texts = json.loads(content)
    return ReplyParts(**{part.name: texts.get(part.name, "") for part in fields(ReplyParts)})
