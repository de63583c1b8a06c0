"""Replaces the places of the bytes of incoming messages."""

from __future__ import annotations


async def no_original(mail_id: str) -> bytes:
    """Fails: the messages of the test forward none."""
    raise AssertionError(f"message {mail_id} is attached to nothing")
