"""What the ends of the pipeline agree on about replies: our marker, and parts that are a blob."""

from __future__ import annotations

import json
from dataclasses import fields

from postrail.records import ReplyParts

# In a line above what we write (`postrail.notifications.compose`): what stands above it is new, and
# what stands below it is quoted (`services.parser.reply`).
REPLY_MARKER = "reply above this line"


def parts_from(content: bytes) -> ReplyParts:
    """The parts of a reply from the blob that a parsed mail names as its `reply_blob`.

    Another release may write more parts than this one knows, or fewer.
    """
    texts = json.loads(content)
    return ReplyParts(**{part.name: texts.get(part.name, "") for part in fields(ReplyParts)})
