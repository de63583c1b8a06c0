"""Images that HTML contains itself ("data:" URLs, RFC 2397): HTML in, HTML and files out.

They would be lost otherwise, since such URLs may be dangerous and are not kept in safe HTML.
"""

from __future__ import annotations

import hashlib
import html
import re
from urllib.parse import unquote_to_bytes

from services.parser.content.attachments import UnpackedFile
from services.parser.mime.transfer import lenient_base64

# Smaller ones are spacers, which show nothing.
SIZE_MIN = 100
SOURCE = re.compile(
    r"""(\bsrc[\t\n\r ]*+=[\t\n\r ]*+)(?:"([\t\n\r ]*+data:image/[^"]*+)\""""
    r"""|'([\t\n\r ]*+data:image/[^']*+)'|(data:image/[^\t\n\r "'<>]++))""",
    re.IGNORECASE,
)
# Type, parameters and content of a URL.
PARTS = re.compile(
    r"data:(image/[\w.+-]{1,40})\s*+((?:;[^;,]*+)*+),(.*+)\Z", re.ASCII | re.DOTALL | re.IGNORECASE
)
BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]*+\Z")
# RFC 2606 reserves the domain, so that the ids are never those of a real message.
ID_DOMAIN = "embedded.invalid"


def extract_images(source: str) -> tuple[str, list[UnpackedFile]]:
    """Returns the HTML with "cid:" URLs in place of its images, and the images as files."""
    if "data:image/" not in source.lower():
        return source, []
    files: dict[str, UnpackedFile] = {}

    def replaced(found: re.Match[str]) -> str:
        parts = PARTS.match(html.unescape(found[2] or found[3] or found[4]).strip())
        content = _content(parts[3], parts[2].lower().endswith(";base64")) if parts else None
        if not parts or content is None:
            return found[0]
        if len(content) < SIZE_MIN:
            return f'{found[1]}""'
        content_id = f"{hashlib.sha256(content).hexdigest()[:32]}@{ID_DOMAIN}"
        files[content_id] = UnpackedFile("", content, parts[1].lower(), content_id)
        return f'{found[1]}"cid:{content_id}"'

    return SOURCE.sub(replaced, source), list(files.values())


def _content(data: str, is_base64: bool) -> bytes | None:
    """Decodes an image; None for HTML that stands behind a quote without its pair."""
    content = unquote_to_bytes(data)
    if is_base64:
        return lenient_base64(content) if BASE64.match(content) else None
    return content if b"<" not in content or content.rstrip().endswith(b">") else None
