"""Parses one large message with a folder as the blob store, and prints its time and memory.

It runs as a separate process, so that its memory can be measured. Memory here is RssAnon, which the
process allocated: the message itself is a mapped file, whose pages the kernel can always reclaim.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from pathlib import Path

from postrail.blobs import BlobStore
from postrail.clock import SystemClock
from postrail.records import BlobReference, MailParsed
from postrail.stream import avro
from postrail.stream.received import Received
from postrail.stream.topics import MAIL_FETCHED
from services.parser.step import Parser
from tests.fakes.streams import MemoryProducer
from tests.makers.parsing import INLINE_MAX_BYTES, fetched

SAMPLED_EVERY_SECONDS = 0.005


class Peak(threading.Thread):
    """Samples the memory of the process, and keeps the peak."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.before = self.peak = allocated()
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(SAMPLED_EVERY_SECONDS):
            self.peak = max(self.peak, allocated())

    def finish(self) -> int:
        """Stops, and returns the bytes of the peak above the start."""
        self._over.set()
        self.join()
        return self.peak - self.before


class Uncounted:
    """Ignores counts."""

    def count(self, *_: object, **__: object) -> None:
        pass


def allocated() -> int:
    """Returns the process's allocated memory (proc(5): RssAnon), in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("this system does not report the allocated memory")


async def parsed(url: str, reference: BlobReference) -> MailParsed:
    """Parses the message in this blob, and returns its record."""
    producer = MemoryProducer()
    parser = Parser(
        blobs=BlobStore(url),
        producer=producer,
        progress=Uncounted(),
        clock=SystemClock(),
        inline_max_bytes=INLINE_MAX_BYTES,
    )
    mail = fetched(b"", blob=reference)
    received = Received(
        topic=MAIL_FETCHED.name,
        partition=0,
        offset=0,
        key=mail.mailbox,
        timestamp_ms=0,
        size=100,
        record=mail,
    )
    await parser.process([received])
    return avro.decode_as(MailParsed, producer.sent[0].value)


def main(url: str, sha256: str, size: int) -> None:
    """Prints the record's files, the memory and the seconds as JSON."""
    # The memory that libraries allocate at their first use must not count.
    small = asyncio.run(BlobStore(url).put(b"Subject: small\n\n<b>text</b>"))
    asyncio.run(parsed(url, small))
    peak = Peak()
    peak.start()
    started = time.perf_counter()
    record = asyncio.run(parsed(url, BlobReference(sha256=sha256, size=size)))
    seconds = time.perf_counter() - started
    files = [(file.name, file.size, file.sha256) for file in record.attachments]
    answer = {"files": files, "memory": peak.finish(), "seconds": seconds, "error": record.error}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
