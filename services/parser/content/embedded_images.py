"""Images that HTML contains itself ("data:" URLs, RFC 2397): HTML in, HTML and files out.

They would be lost otherwise, since such URLs may be dangerous and are not kept in safe HTML.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import unquote_to_bytes

from services.parser.content.attachments import UnpackedFile
from services.parser.mime.transfer import lenient_base64

# Smaller ones are spacers, which show nothing.
SIZE_MIN = 100
URL = re.compile(
    r"""(?P<before>\bsrc[\t\n\r ]*+=[\t\n\r ]*+)(?P<quote>["'])[\t\n\r ]*+data:"""
    r"""(?P<type>image/[\w.+-]{1,40});base64,(?P<content>[A-Za-z0-9+/=%\t\n\r ]*+)(?P=quote)""",
    re.IGNORECASE | re.ASCII,
)
# RFC 2606 reserves the domain, so that the ids are never those of a real message.
ID_DOMAIN = "embedded.invalid"


def extract_images(source: str) -> tuple[str, list[UnpackedFile]]:
    """Returns the HTML with "cid:" URLs in place of its images, and the images as files."""
    if "64," not in source or "data:image/" not in source.lower():
        return source, []
    files: dict[str, UnpackedFile] = {}

    def replaced(found: re.Match[str]) -> str:
        content = lenient_base64(unquote_to_bytes(found["content"]))
        quote = found["quote"]
        if len(content) < SIZE_MIN:
            return f"{found['before']}{quote}{quote}"
        content_id = f"{hashlib.sha256(content).hexdigest()[:32]}@{ID_DOMAIN}"
        files[content_id] = UnpackedFile("", content, found["type"].lower(), content_id)
        return f"{found['before']}{quote}cid:{content_id}{quote}"

    return URL.sub(replaced, source), list(files.values())
