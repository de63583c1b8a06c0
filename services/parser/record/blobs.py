"""The blobs of a record: contents in, references to them and what must be stored out."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from postrail.message_parts import Attachment
from postrail.records import BlobReference
from services.parser.content.attachments import AttachedFile
from services.parser.mime.raw_bytes import View
from services.parser.mime.transfer import Encoded, plain


@dataclass(frozen=True, slots=True)
class Blob:
    """A content, and the reference under which it goes to the blob store."""

    reference: BlobReference
    source: Encoded


class CollectedBlobs:
    """Collects distinct contents, and returns references to them."""

    def __init__(self) -> None:
        self.by_name: dict[str, Blob] = {}

    def add(self, data: bytes) -> BlobReference:
        """Adds bytes under their SHA-256."""
        return self.add_known(BlobReference(sha256=sha256(data).hexdigest(), size=len(data)), data)

    def add_known(self, reference: BlobReference, data: View) -> BlobReference:
        """Adds bytes whose SHA-256 is known."""
        self.by_name[reference.sha256] = Blob(reference, plain(data))
        return reference

    def add_file(self, file: AttachedFile) -> Attachment:
        """Adds the content of an attachment, and returns its entry in the record."""
        reference = BlobReference(sha256=file.sha256, size=file.size)
        self.by_name.setdefault(file.sha256, Blob(reference, file.source))
        return Attachment(
            name=file.name,
            content_type=file.content_type,
            size=file.size,
            sha256=file.sha256,
            content_id=file.content_id,
            inline=file.inline,
            sniffed_type=file.sniffed_type,
            method=file.method,
            unpacked_from=file.unpacked_from,
            original_name=file.original_name,
        )
