"""Alerts are posted to the webhook of the sender's settings, whose address is secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from postrail.database import rows, transaction
from postrail.errors import ConfigurationError
from postrail.secrets import Secrets
from postrail.settings import SecretSettings, SenderSettings, load_settings
from postrail.webhooks import queue
from postrail.webhooks.queue import NewPost, Purpose
from services.sender.webhooks.targets import Targets
from services.sender.webhooks.worker import Webhooks
from tests.integration.sender.bench import Bench
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.webhooks.receiver import SECRET, Receiver, answer


def sender(bench: Bench, url: str, ca_file: Path) -> Webhooks:
    settings = SenderSettings.model_validate(
        {"alert_webhook": url, "alert_webhook_ca_file": ca_file}
    )
    return Webhooks(bench.pool, bench.clock, Targets(settings, Secrets(SecretSettings())))


async def work(bench: Bench, url: str, ca_file: Path) -> int:
    made = sender(bench, url, ca_file)
    try:
        return await made.work()
    finally:
        await made.close()


async def add(bench: Bench) -> str:
    post = NewPost(purpose=Purpose.ALERT, content={"text": "Nobody gets it."})
    async with transaction(bench.pool) as connection:
        return await queue.add(connection, post, bench.clock.now())


async def errors(bench: Bench) -> list[str]:
    """Returns why each alert still waits."""
    async with transaction(bench.pool) as connection:
        found = await rows(
            connection, "SELECT last_error FROM webhook_post WHERE state = 'waiting'"
        )
    return [row[0] for row in found]


async def test_an_alert_is_posted_once_and_unsigned(
    bench: Bench, receiver: Receiver, certificates: Certificates
) -> None:
    alert_id = await add(bench)
    assert await work(bench, receiver.url(), certificates.ca_file) == 1
    assert await work(bench, receiver.url(), certificates.ca_file) == 0
    (got,) = receiver.received
    assert got.path == f"/hooks/{SECRET}"
    assert json.loads(got.body) == {"id": alert_id, "text": "Nobody gets it."}
    assert "Postrail-Signature" not in got.headers
    assert await errors(bench) == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_its_host_may_be_private_as_the_operator_has_chosen_it(
    bench: Bench, receiver: Receiver, certificates: Certificates, host: str
) -> None:
    await add(bench)
    await work(bench, receiver.url(host), certificates.ca_file)
    assert await errors(bench) == []


async def test_only_the_given_authority_is_trusted(
    bench: Bench, receiver: Receiver, tmp_path: Path
) -> None:
    await add(bench)
    other = make_certificates(tmp_path / "other")
    await work(bench, receiver.url(), other.ca_file)
    (error,) = await errors(bench)
    assert "its certificate is not trusted" in error
    assert SECRET not in error


async def test_an_alert_waits_while_no_webhook_is_set(
    bench: Bench, receiver: Receiver, certificates: Certificates
) -> None:
    await add(bench)
    await work(bench, "", certificates.ca_file)
    (error,) = await errors(bench)
    assert "POSTRAIL_SENDER__ALERT_WEBHOOK" in error
    bench.clock.move(60)
    await work(bench, receiver.url(), certificates.ca_file)
    assert await errors(bench) == []


async def test_a_changed_address_is_used_by_what_waits(
    bench: Bench, receiver: Receiver, certificates: Certificates
) -> None:
    await add(bench)
    receiver.behaviours = [answer(404), answer(204)]
    await work(bench, receiver.url(), certificates.ca_file)
    bench.clock.move(60)
    await work(bench, receiver.url().replace("/hooks/", "/new/"), certificates.ca_file)
    assert [got.path for got in receiver.received] == [f"/hooks/{SECRET}", f"/new/{SECRET}"]
    assert await errors(bench) == []


@pytest.mark.parametrize("given", ["http://example.org/x", "example.org", "https://"])
def test_an_address_without_tls_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTRAIL_SENDER__ALERT_WEBHOOK", given)
    with pytest.raises(ConfigurationError, match=r"ALERT_WEBHOOK: .*begins with https://"):
        load_settings()


@pytest.mark.parametrize("setting", ["alert_webhook_ca_file", "callback_ca_file"])
def test_a_missing_file_of_certificates_is_named(setting: str, tmp_path: Path) -> None:
    settings = SenderSettings.model_validate({setting: tmp_path / "none.pem"})
    with pytest.raises(ConfigurationError, match=setting.upper()):
        Targets(settings, Secrets(SecretSettings()))
