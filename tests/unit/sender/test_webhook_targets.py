"""Where posts go to, and with which secret: the approval setup of now counts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.errors import ConfigurationError
from postrail.secrets import Secrets, generate_key
from postrail.settings import SecretSettings, SenderSettings
from postrail.webhooks.claims import Claimed
from postrail.webhooks.queue import Purpose
from services.sender.webhooks.targets import UNKNOWN_HOST, Targets

SECRETS = Secrets(SecretSettings.model_validate({"keys": generate_key()}))
OTHER_SECRETS = Secrets(SecretSettings.model_validate({"keys": generate_key()}))
URL = "https://hooks.example.org:8443/T0K3N"
ALERTS = "https://[::1]:8444/T0K3N"


def targets(alert_webhook: str = ALERTS) -> Targets:
    settings = SenderSettings.model_validate({"alert_webhook": alert_webhook})
    return Targets(settings, SECRETS)


def claimed(**changes: Any) -> Claimed:
    fields: dict[str, Any] = {
        "post_id": "5b0c",
        "purpose": Purpose.APPROVAL,
        "setup": "releases",
        "about": "A-12",
        "url": SECRETS.seal(URL),
        "body": "{}",
        "give_up_at": datetime(2026, 12, 5, tzinfo=UTC),
        "attempts": 1,
        "claim": "c",
    }
    return Claimed(**{**fields, **changes})


def snapshot(**changes: Any) -> ConfigurationSnapshot:
    setup = ApprovalSetup(name="releases", **changes)
    return ConfigurationSnapshot(approval_setups={"releases": setup})


def test_a_callback_has_the_secret_and_the_hosts_of_its_setup() -> None:
    now = snapshot(callback_secret=SECRETS.seal("s3cret"), callback_hosts=["ci.internal"])
    found = targets().find(claimed(), now)
    assert (found.url, found.secret) == (URL, "s3cret")
    assert list(found.private_hosts) == ["ci.internal"]
    assert "T0K3N" not in repr(found)
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize("now", [snapshot(), ConfigurationSnapshot()])
def test_a_callback_is_never_posted_without_a_signature(now: ConfigurationSnapshot) -> None:
    with pytest.raises(ConfigurationError, match="releases has no callback_secret"):
        targets().find(claimed(), now)


def test_an_alert_goes_to_the_address_of_the_settings_whose_host_may_be_private() -> None:
    found = targets().find(claimed(purpose=Purpose.ALERT, url="", setup=""), snapshot())
    assert (found.url, found.secret) == (ALERTS, "")
    assert list(found.private_hosts) == ["::1"]


def test_without_an_address_the_setting_is_named() -> None:
    with pytest.raises(ConfigurationError) as refused:
        targets("").find(claimed(purpose=Purpose.ALERT, url=""), snapshot())
    assert refused.value.setting == "POSTRAIL_SENDER__ALERT_WEBHOOK"


def test_the_host_is_read_and_one_that_cannot_be_is_grouped() -> None:
    assert targets().host_of(SECRETS.seal(URL)) == "hooks.example.org:8443"
    assert targets().host_of("") == "[::1]:8444"
    for unreadable in (OTHER_SECRETS.seal(URL), SECRETS.seal("https://[::1/x"), "sealed:x"):
        assert targets().host_of(unreadable) == UNKNOWN_HOST
    assert targets("").host_of("") == UNKNOWN_HOST
