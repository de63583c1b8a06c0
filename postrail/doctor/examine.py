"""Checks the whole installation; parts that depend on a broken one are skipped."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from postrail.clock import Clock
from postrail.doctor import Finding, servers, skipped
from postrail.doctor.lost_records import check_lost_records
from postrail.doctor.mail import check_mail_servers
from postrail.doctor.routes import check_routes
from postrail.settings import Settings


async def examine(
    settings: Settings, clock: Clock, services: Mapping[str, str] | None = None
) -> list[Finding]:
    """Returns a finding for each part; `services` are those of a local installation."""
    kafka, database, blobs, port, local = await asyncio.gather(
        servers.check_kafka(settings.kafka),
        servers.check_database(settings, clock),
        servers.check_blobs(settings),
        asyncio.to_thread(servers.check_port, settings.server),
        asyncio.to_thread(servers.check_services, services or {}),
    )
    if not _first_wrong([*kafka, *database], "kafka", "topics", "database", "migrations"):
        database += await check_lost_records(settings, clock)
    if settings.observer:
        seen = "an observer neither writes nor logs in anywhere"
        unseen = [skipped(part, seen) for part in ("keys", "accounts")]
        return [*kafka, *database, blobs, port, *unseen, *local]
    keys = servers.check_keys(settings)
    if problem := _first_wrong([*database, keys], "database", "migrations", "instance", "keys"):
        mail = [skipped("accounts", f"not checked, because of the problem with: {problem}")]
        if problem == "database":
            mail = [skipped("accounts", "not checked, because they are stored in the database")]
        if problem == "instance":
            # When a copy uses a refresh token, the provider may revoke the owner's.
            mail = [skipped("accounts", "not checked, because they belong to another instance")]
    else:
        mail = [*await check_mail_servers(settings, clock), *await check_routes(settings)]
    return [*kafka, *database, blobs, keys, port, *mail, *local]


def _first_wrong(findings: Sequence[Finding], *parts: str) -> str:
    return next((one.part for one in findings if one.state == "wrong" and one.part in parts), "")
