"""Divides what a mailbox lists into what is read at once. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from postrail.mailbox import ListedMail


def is_large(mail: ListedMail, max_bytes: int) -> bool:
    """Whether a mail is larger than a batch may be, or could be."""
    return mail.size is None or mail.size > max_bytes


def batches(
    listed: Sequence[ListedMail], *, max_mails: int, max_bytes: int, alone: Collection[int] = ()
) -> Iterator[list[ListedMail]]:
    """The mails in order, in batches of at most `max_mails` and `max_bytes`, but at least one mail.

    Large mails and those in `alone` get a batch of their own.
    """
    batch: list[ListedMail] = []
    size = 0
    for mail in listed:
        solitary = is_large(mail, max_bytes) or mail.uid in alone
        full = len(batch) == max_mails or size + (mail.size or 0) > max_bytes
        if batch and (solitary or full):
            yield batch
            batch, size = [], 0
        batch.append(mail)
        size += mail.size or 0
        if solitary:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
