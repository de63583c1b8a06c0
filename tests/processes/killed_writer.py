"""Writes a large blob, and kills itself by SIGKILL in the midst of it.

python -m tests.processes.killed_writer URL
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator

from postrail.blobs import PART_BYTES, BlobStore
from postrail.records import BlobReference

PARTS = 9


def chunks() -> Iterator[bytes]:
    for number in range(PARTS):
        if number == PARTS - 2:
            os.kill(os.getpid(), signal.SIGKILL)
        yield b"x" * PART_BYTES


if __name__ == "__main__":
    reference = BlobReference(sha256="ab" * 32, size=PARTS * PART_BYTES)
    asyncio.run(BlobStore(sys.argv[1]).put_chunks(reference, chunks()))
