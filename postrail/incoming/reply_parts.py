"""Reads the parts of a large reply from the blob that the parser has put them into."""

from __future__ import annotations

import json
from dataclasses import fields

from postrail.message_parts import ReplyParts


def parts_from(content: bytes) -> ReplyParts:
    """Returns the parts of a reply from the blob that a parsed message names as `reply_blob`.

    Another release may write more parts than this one knows, or fewer.
    """
    texts = json.loads(content)
    return ReplyParts(**{part.name: texts.get(part.name, "") for part in fields(ReplyParts)})
