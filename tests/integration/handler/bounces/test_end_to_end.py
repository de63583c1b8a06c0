"""A notification that the real sender sends, and that a real Postfix bounces."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from pathlib import Path

import pytest

from postrail.message_parts import Address
from tests.integration.handler.bench import Bench
from tests.integration.handler.bounces.scene import deliveries, reports, suppressed
from tests.makers.configuration import outgoing_connection
from tests.makers.records import mail_parsed
from tests.processes.sender_lab import make_lab
from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix

PAT = "pat@dead.test"


@pytest.mark.debian
async def test_postfix_bounces_a_notification_to_its_return_path(
    bench: Bench,
    environment: dict[str, str],
    tmp_path: Path,
    postfix: Postfix,
    dovecot: Dovecot,
    certificates: Certificates,
) -> None:
    relay = outgoing_connection(
        host="localhost",
        port=postfix.smtp_port,
        username="desk@lab.test",
        password="env:POSTRAIL_SECRET_SMTP",
        ca_file=str(certificates.ca_file),
        from_address="desk@lab.test",
        bounce_address="bounces@lab.test",
    )
    await bench.save(relay)
    lab = await make_lab(environment, tmp_path)
    try:
        sender = lab.start(POSTRAIL_SECRET_SMTP=postfix.password)
        await bench.handle(mail_parsed(sender=Address(name="Pat", address=PAT)))
        for _ in range(400):
            if bounced := dovecot.messages("bounces@lab.test"):
                break
            await asyncio.sleep(0.1)
        else:
            raise AssertionError(f"{sender.log[-3000:]}\n{postfix.log[-3000:]}")
    finally:
        await lab.close()
        await lab.pool.close()
    assert message_from_bytes(bounced[0])["To"].startswith("bounces+")
    await bench.arrive(bounced[0])
    assert [outcome for _, outcome, _ in await bench.outcomes()] == ["issue", "bounced"]
    assert await reports(bench) == [(PAT, "hard", "5.1.1")]
    assert await suppressed(bench) == [(PAT, True)]
    # The server took the message, and what comes is held.
    await bench.handle(mail_parsed(sender=Address(name="Pat", address=PAT)))
    assert await deliveries(bench) == [(PAT, "sent"), (PAT, "held")]
