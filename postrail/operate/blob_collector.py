"""Removes blobs that no row names any more, long after they were last written.

A record in a topic may name a blob that no row names yet. So a blob is only removed when its last
write is older than the longest retention of a topic plus a margin: a process that writes a record
or row that names a blob writes the blob again first (see `postrail.blobs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from postrail.approvals import blob_names as approvals
from postrail.blobs import BlobStore, StoredBlob
from postrail.database import Pool, transaction
from postrail.errors import TransientError
from postrail.incoming import blob_names as incoming
from postrail.observe.log import log
from postrail.outgoing import attachments as outgoing
from postrail.settings import KafkaSettings
from postrail.tracker.builtin import blob_names as tracker

logger = log(__name__)

# Beyond the longest retention of a topic, so that no record can still name a collected blob.
KEPT_DAYS_BEYOND_RETENTION = 7

# One function of each package that owns a table with names of blobs.
NAMED_BLOBS = (
    approvals.named_blobs,
    incoming.named_blobs,
    outgoing.named_blobs,
    tracker.named_blobs,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CollectReport:
    """The blobs that a round found and removed (or, in a dry run, would have removed)."""

    seen: int = 0
    young: int = 0
    needed: int = 0
    # Those that the store did not remove.
    left: int = 0
    removed: int = 0
    removed_bytes: int = 0
    dry_run: bool = False

    def __add__(self, other: CollectReport) -> CollectReport:
        return CollectReport(
            seen=self.seen + other.seen,
            young=self.young + other.young,
            needed=self.needed + other.needed,
            left=self.left + other.left,
            removed=self.removed + other.removed,
            removed_bytes=self.removed_bytes + other.removed_bytes,
            dry_run=self.dry_run,
        )

    def __str__(self) -> str:
        verb = "would remove" if self.dry_run else "removed"
        left = f", {self.left} that cannot be removed" if self.left else ""
        return (
            f"{self.seen} blobs: {self.young} young, {self.needed} needed{left},"
            f" {verb} {self.removed} ({self.removed_bytes} bytes)"
        )


def keep_for(kafka: KafkaSettings) -> timedelta:
    """Returns how long a blob is kept after its last write, whether a row names it or not."""
    return timedelta(days=kafka.retention_days + KEPT_DAYS_BEYOND_RETENTION)


async def collect(
    pool: Pool, blobs: BlobStore, *, now: datetime, keep: timedelta, dry_run: bool = False
) -> CollectReport:
    """Removes each blob whose last write is older than `keep` and that no row names.

    One that cannot be removed is logged, and keeps no other. Raises TransientError when the store
    or the database is unavailable.

    It may be interrupted and repeated, and may run in several processes at once.
    """
    report = CollectReport(dry_run=dry_run)
    if not dry_run:
        # By the store's clock, too: if it is behind, its blobs are younger than they seem. To ask
        # it writes an object, which a dry run must not.
        now = min(now, await blobs.time())
    before = now - keep
    async for page in blobs.list_blobs():
        report += await _collect_page(pool, blobs, page, before, dry_run)
    return report


async def _collect_page(
    pool: Pool, blobs: BlobStore, page: Sequence[StoredBlob], before: datetime, dry_run: bool
) -> CollectReport:
    old = [blob for blob in page if blob.written_at < before]
    named = await _named(pool, [blob.sha256 for blob in old])
    unneeded = [blob for blob in old if blob.sha256 not in named]
    report = CollectReport(
        seen=len(page), young=len(page) - len(old), needed=len(old) - len(unneeded)
    )
    for blob in unneeded:
        report += _removed(blob) if dry_run else await _remove(blobs, blob, before)
    return report


async def _named(pool: Pool, hashes: Sequence[str]) -> set[str]:
    """Returns those of the blobs that some row names."""
    if not hashes:
        return set()
    async with transaction(pool) as connection:
        return set().union(*[await named(connection, hashes) for named in NAMED_BLOBS])


async def _remove(blobs: BlobStore, blob: StoredBlob, before: datetime) -> CollectReport:
    """Removes the blob, unless it was written again since it was listed."""
    try:
        written_at = await blobs.written_at(blob.sha256)
        if written_at is None or written_at >= before:
            return CollectReport(young=1)
        await blobs.delete(blob.sha256)
    except TransientError as error:
        # Raises the fault of a store that is unavailable for all.
        await blobs.check()
        logger.warning("a blob cannot be removed", sha256=blob.sha256, reason=str(error))
        return CollectReport(left=1)
    return _removed(blob)


def _removed(blob: StoredBlob) -> CollectReport:
    return CollectReport(removed=1, removed_bytes=blob.size)
