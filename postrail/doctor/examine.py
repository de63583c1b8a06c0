"""The whole examination, part by part; what depends on something broken is skipped."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from postrail.clock import Clock
from postrail.doctor import Finding, servers, skipped
from postrail.doctor.mail import look_at_mail_servers
from postrail.settings import Settings


async def examine(
    settings: Settings, clock: Clock, services: Mapping[str, str] | None = None
) -> list[Finding]:
    """A finding for each part. `services` has the addresses of a local installation's."""
    kafka, database, blobs, port, local = await asyncio.gather(
        servers.look_at_kafka(settings.kafka),
        servers.look_at_database(settings, clock),
        servers.look_at_blobs(settings),
        asyncio.to_thread(servers.look_at_port, settings.server),
        asyncio.to_thread(servers.look_at_services, services or {}),
    )
    if settings.observer:
        seen = "an observer writes nowhere and logs in nowhere"
        unseen = [skipped(part, seen) for part in ("keys", "accounts")]
        return [*kafka, *database, blobs, port, *unseen, *local]
    keys = servers.look_at_keys(settings)
    if problem := _first_wrong([*database, keys], "database", "migrations", "instance", "keys"):
        mail = [skipped("accounts", f"not looked at while the {problem} are wrong")]
        if problem == "database":
            mail = [skipped("accounts", "they are in the database")]
        if problem == "instance":
            # A token that is used by a copy may be good for its owner no more.
            mail = [skipped("accounts", "they are another instance's: nobody logs in as it")]
    else:
        mail = await look_at_mail_servers(settings, clock)
    return [*kafka, *database, blobs, keys, port, *mail, *local]


def _first_wrong(findings: Sequence[Finding], *parts: str) -> str:
    return next((one.part for one in findings if one.state == "wrong" and one.part in parts), "")
