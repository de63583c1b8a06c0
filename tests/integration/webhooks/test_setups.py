"""What waits is posted as its approval setup says by then: an operator's correction helps it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from postrail.configuration import store
from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.database import transaction
from postrail.settings import SenderSettings
from postrail.webhooks.signature import signature
from services.sender.webhooks.targets import Targets
from services.sender.webhooks.worker import Webhooks
from tests.integration.webhooks.scene import Scene
from tests.servers.certificates import Certificates
from tests.servers.webhooks.receiver import Receiver


async def configure(scene: Scene, before: ApprovalSetup | None, **changes: Any) -> ApprovalSetup:
    setup = ApprovalSetup.model_validate({"name": "releases", **changes})
    async with transaction(scene.pool) as connection:
        await store.save(connection, setup, before=before, author="test", now=scene.clock.now())
    return setup


def sender(scene: Scene, ca_file: Path) -> Webhooks:
    settings = SenderSettings.model_validate({"callback_ca_file": ca_file})
    made = Webhooks(scene.pool, scene.clock, Targets(settings, scene.secrets))
    scene.senders.append(made)
    return made


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_corrected_setup_lets_waiting_posts_pass(
    scene: Scene, receiver: Receiver, certificates: Certificates, host: str
) -> None:
    works = sender(scene, certificates.ca_file)
    post_id = await scene.add(receiver.url(host))

    async def error_after_work() -> str:
        await works.work()
        await scene.move_to_next(post_id)
        return (await scene.row(post_id)).error

    assert "releases has no callback_secret" in await error_after_work()
    first = await configure(scene, None, callback_secret=scene.secrets.seal("first"))
    assert f"posting to {host}" in await error_after_work()
    assert receiver.received == []
    await configure(
        scene, first, callback_secret=scene.secrets.seal("second"), callback_hosts=[host]
    )
    assert await error_after_work() == ""
    (got,) = receiver.received
    signed_at = int(got.headers["Postrail-Signature"].split(",")[0].removeprefix("t="))
    expected = signature("second", got.body, datetime.fromtimestamp(signed_at, UTC))
    assert got.headers["Postrail-Signature"] == expected
