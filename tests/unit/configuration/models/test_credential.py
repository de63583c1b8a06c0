"""OAuth2 credentials and the accounts that use them: each wrong setting and its message."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib import resources
from typing import Any

import pytest
from pydantic import SecretStr

from postrail.configuration.configured import Configured
from postrail.configuration.entry import ConfigurationFileError
from postrail.configuration.kinds import identity
from postrail.configuration.models.credential import OAuthCredential
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.project import Project
from postrail.configuration.plan import Plan, make_plan
from postrail.configuration.yaml_read import parse_file
from postrail.secrets import Secrets, generate_key
from postrail.settings import SecretSettings

SECRETS = Secrets(SecretSettings(keys=SecretStr(generate_key())))
SERVICE_KEY = json.dumps({"client_email": "robot@desk.example", "private_key": "PEM"})
PEM = "-----BEGIN CERTIFICATE-----"

GOOGLE: dict[str, Any] = {"provider": "google", "client_id": "app", "client_secret": "s3cret"}
ROBOT: dict[str, Any] = {
    "provider": "google",
    "flow": "service_account",
    "service_account_key": SERVICE_KEY,
}
MICROSOFT: dict[str, Any] = {"provider": "microsoft", "client_id": "app"}
APPLICATION: dict[str, Any] = {
    **MICROSOFT,
    "flow": "client_credentials",
    "tenant": "desk.example",
    "client_secret": "s3cret",
}
CUSTOM: dict[str, Any] = {
    "provider": "custom",
    "client_id": "app",
    "authority": "https://login.example.org/realm",
    "hosts": ["imap.example.org"],
}
ACCOUNT: dict[str, Any] = {
    "name": "help",
    "protocol": "google_oauth2",
    "credential": "desk",
    "address": "help@example.org",
    "project": "HELP",
}


def plan_of(
    credential: dict[str, Any] | None = None,
    account: dict[str, Any] | None = None,
    existing: Sequence[Configured] = (),
) -> Plan:
    """Returns the text of a file; JSON is YAML too."""
    file = {
        "credentials": [{"name": "desk", **credential}] if credential else [],
        "accounts": [account] if account else [],
    }
    things = [Project(key="HELP", name="Help"), *existing]
    known = {(type(thing), identity(thing)): thing for thing in things}
    return make_plan(parse_file(json.dumps(file), "f"), known, SECRETS, file="f")


def applied(*arguments: Any, **known: Any) -> list[Configured]:
    return [change.after for change in plan_of(*arguments, **known).changes]


def faults_of(*arguments: Any, **known: Any) -> list[str]:
    with pytest.raises(ConfigurationFileError) as caught:
        plan_of(*arguments, **known)
    return str(caught.value).splitlines()


def credential_of(things: Sequence[Configured]) -> OAuthCredential:
    (found,) = [thing for thing in things if isinstance(thing, OAuthCredential)]
    return found


@pytest.mark.parametrize(
    "credential",
    [
        GOOGLE,
        ROBOT,
        MICROSOFT,
        # A confidential client, with a secret or a certificate.
        {**MICROSOFT, "client_secret": "s3cret"},
        {**MICROSOFT, "certificate": PEM, "private_key": "PEM"},
        {**MICROSOFT, "flow": "device_code"},
        APPLICATION,
        CUSTOM,
        # Without an authority that publishes its addresses.
        {
            "provider": "custom",
            "client_id": "app",
            "authorization_url": "https://login.example.org/auth",
            "token_url": "https://login.example.org/token",
            "hosts": ["imap.example.org"],
        },
        {**CUSTOM, "redirect_address": "https://desk.example.org/oauth"},
    ],
)
def test_valid_credentials_are_accepted(credential: dict[str, Any]) -> None:
    things = applied(credential)
    assert plan_of(credential, existing=things).count("unchanged") == 1


@pytest.mark.parametrize(
    ("credential", "fault"),
    [
        # The provider.
        ({**GOOGLE, "provider": "yahoo"}, "provider: must be 'google', 'microsoft' or 'custom'"),
        # Flows that a provider does not offer.
        ({**GOOGLE, "flow": "device_code"}, "flow: google does not offer device_code; choose"),
        (
            {**GOOGLE, "flow": "client_credentials"},
            "flow: google does not offer client_cred",
        ),
        (
            {**MICROSOFT, "flow": "service_account"},
            "flow: microsoft does not offer service_acc",
        ),
        ({**CUSTOM, "flow": "service_account"}, "choose authorization_code or device_code or"),
        # Client id and secret.
        ({**GOOGLE, "client_id": ""}, "client_id: is missing: the id that the provider gave"),
        ({**MICROSOFT, "client_id": ""}, "client_id: is missing"),
        ({**GOOGLE, "client_secret": ""}, "client_secret: is missing: give a text, env:POST"),
        ({**APPLICATION, "client_secret": ""}, "client_secret: is missing: give a text"),
        ({**ROBOT, "service_account_key": ""}, "service_account_key: is missing: give a text"),
        ({**ROBOT, "service_account_key": "PEM"}, "service_account_key: must be the JSON key"),
        ({**ROBOT, "service_account_key": "[]"}, "service_account_key: must be the JSON key"),
        (
            {**ROBOT, "service_account_key": '{"client_email": "robot@desk.example"}'},
            "service_account_key: has no private_key: give the whole JSON key",
        ),
        ({**ROBOT, "client_secret": "s3cret"}, "client_secret: is not used with this flow"),
        # References that are not allowed.
        ({**GOOGLE, "client_secret": "env:HOME"}, "client_secret: env:HOME is not allowed"),
        # Certificates.
        ({**MICROSOFT, "certificate": PEM}, "private_key: is missing: give a text"),
        ({**MICROSOFT, "certificate": "MIIB"}, "certificate: must be the PEM text"),
        ({**MICROSOFT, "thumbprint": "12:34"}, "thumbprint: must be the 40 hexadecimal digits"),
        ({**GOOGLE, "certificate": PEM}, "certificate: is used with provider microsoft only"),
        (
            {**MICROSOFT, "private_key": "PEM"},
            "private_key: is not used with this flow and certificate",
        ),
        # Microsoft gives device codes to public clients only.
        (
            {**MICROSOFT, "flow": "device_code", "client_secret": "s3cret"},
            "client_secret: is not used with this flow",
        ),
        (
            {**MICROSOFT, "flow": "device_code", "thumbprint": "A" * 40},
            "thumbprint: is not used with device_code",
        ),
        # Tenants.
        ({**APPLICATION, "tenant": ""}, "tenant: is missing: client_credentials work for one"),
        ({**APPLICATION, "tenant": "common"}, "tenant: is missing: client_credentials work"),
        ({**GOOGLE, "tenant": "desk"}, "tenant: is used with provider microsoft only"),
        # Addresses.
        ({**GOOGLE, "authority": "https://x.example"}, "authority: is fixed for provider google"),
        ({**CUSTOM, "authority": ""}, "authority: is missing: give the provider's https"),
        ({**CUSTOM, "authority": "http://x.example"}, "authority: must be an address that begins"),
        ({**CUSTOM, "authority": "https://x.example:y"}, "authority: must be an address that"),
        (
            {**CUSTOM, "authority": "", "token_url": "https://x.example/t"},
            "authorization_url: is missing: give it, or the authority that publishes it",
        ),
        (
            {**CUSTOM, "authority": "", "token_url": "https://x.example/t", "flow": "device_code"},
            "device_url: is missing: give it, or the authority that publishes it",
        ),
        ({**CUSTOM, "device_url": "ftp://x.example"}, "device_url: must be an address that begins"),
        ({**MICROSOFT, "token_url": "https://x.example"}, "token_url: is fixed for provider"),
        ({**CUSTOM, "hosts": []}, "hosts: is missing: the mail servers that may receive"),
        # The command listens at 127.0.0.1 only.
        *(
            ({**CUSTOM, "redirect_address": address}, "redirect_address: must begin with https://")
            for address in ("http://[::1]/", "http://127.0.0.2/")
        ),
        (
            {**CUSTOM, "redirect_address": "http://desk.example.org/"},
            "redirect_address: must begin with https://, or with http://localhost",
        ),
        ({**CUSTOM, "redirect": "https://x"}, "redirect: is not known; did you mean"),
    ],
)
def test_a_wrong_credential_says_what_to_do(credential: dict[str, Any], fault: str) -> None:
    (found,) = faults_of(credential)
    assert fault in found


@pytest.mark.parametrize(
    ("account", "fault"),
    [
        ({"credential": ""}, "credential: is missing: google_oauth2 needs tokens; name one"),
        ({"credential": "other"}, "credential: there is no credential 'other' in the file or the"),
        ({"password": "secret"}, "password: is not used with a credential: leave it out"),
        (
            {"protocol": "microsoft_oauth2", "host": "imap.gmail.com"},
            "credential: 'desk' has provider google, but microsoft_oauth2 needs tokens from",
        ),
        ({"host": "imap.example.org"}, "host: imap.example.org may not receive tokens of"),
        ({"encryption": "none"}, "encryption: must be ssl or starttls: tokens are never sent"),
        ({"encryption": "starttls_if_available"}, "encryption: must be ssl or starttls"),
        ({"allow_plain_login": True}, "allow_plain_login: has no effect: tokens are never"),
        ({"verify_certificate": False}, "verify_certificate: must be true: tokens are sent to"),
    ],
)
def test_a_wrong_account_says_what_to_do(account: dict[str, Any], fault: str) -> None:
    (found,) = faults_of(GOOGLE, {**ACCOUNT, **account})
    assert fault in found


def test_a_password_is_still_wanted_without_a_credential() -> None:
    given = {**ACCOUNT, "protocol": "imap", "credential": "", "host": "x", "username": "help"}
    (fault,) = faults_of(None, given)
    assert "password: is missing: give a text, env:POSTRAIL_SECRET_… or file:NAME" in fault


@pytest.mark.parametrize(
    ("protocol", "provider", "host"),
    [
        ("google_oauth2", GOOGLE, "imap.gmail.com"),
        ("microsoft_oauth2", MICROSOFT, "outlook.office365.com"),
    ],
)
def test_accounts_of_google_and_microsoft_need_little(
    protocol: str, provider: dict[str, Any], host: str
) -> None:
    things = applied(provider, {**ACCOUNT, "protocol": protocol})
    (account,) = [thing for thing in things if isinstance(thing, MailAccount)]
    shown = (
        account.host,
        account.port,
        account.encryption,
        account.username,
        account.wire_protocol,
    )
    assert shown == (host, 993, "ssl", "help@example.org", "imap")


@pytest.mark.parametrize(
    ("credential", "protocol", "scopes"),
    [
        (GOOGLE, "google_oauth2", ["https://mail.google.com/"]),
        (ROBOT, "google_oauth2", ["https://mail.google.com/"]),
        (
            MICROSOFT,
            "microsoft_oauth2",
            ["https://outlook.office.com/IMAP.AccessAsUser.All", "offline_access"],
        ),
        # .default requests all application permissions that an administrator granted.
        (APPLICATION, "microsoft_oauth2", ["https://outlook.office365.com/.default"]),
        (CUSTOM, "imap", ["offline_access"]),
        ({**CUSTOM, "flow": "client_credentials", "client_secret": "x"}, "imap", []),
        ({**GOOGLE, "scopes": ["a", "b"]}, "google_oauth2", ["a", "b"]),
    ],
)
def test_scopes_are_those_of_provider_flow_and_protocol(
    credential: dict[str, Any], protocol: str, scopes: list[str]
) -> None:
    hosts = {"hosts": ["imap.example.org"]}
    account = {**ACCOUNT, "protocol": protocol, "host": "imap.example.org"}
    things = applied({**credential, **hosts}, account)
    (found,) = [thing for thing in things if isinstance(thing, MailAccount)]
    assert credential_of(things).scopes_for(found) == scopes


def test_secrets_are_sealed_and_kept() -> None:
    things = applied(GOOGLE)
    stored = credential_of(things).client_secret
    assert SECRETS.reveal(stored) == "s3cret"
    without = {name: value for name, value in GOOGLE.items() if name != "client_secret"}
    assert plan_of(without, existing=things).count("unchanged") == 1
    assert plan_of(GOOGLE).plain_secrets == 1


@pytest.mark.parametrize(
    ("credential", "change"),
    [
        # Each change would send the secret, or its tokens, to another party.
        (CUSTOM, {"authority": "https://evil.example"}),
        (CUSTOM, {"token_url": "https://evil.example/token"}),
        (CUSTOM, {"hosts": ["imap.example.org", "evil.example"]}),
        (CUSTOM, {"client_id": "other"}),
        (CUSTOM, {"ca_file": "/tmp/evil.pem"}),
        (APPLICATION, {"tenant": "evil.example"}),
    ],
)
def test_a_change_of_a_secrets_destination_asks_for_the_secret(
    credential: dict[str, Any], change: dict[str, Any]
) -> None:
    things = applied({**credential, "client_secret": "s3cret"})
    without = {name: value for name, value in credential.items() if name != "client_secret"}
    (fault,) = faults_of({**without, **change}, existing=things)
    assert f"client_secret: must be given again, because {next(iter(change))} changes" in fault
    assert plan_of({**credential, **change, "client_secret": "s3cret"}, existing=things)


def test_a_secret_that_the_new_flow_does_not_have_is_forgotten() -> None:
    things = applied({**MICROSOFT, "client_secret": "s3cret"})
    after = applied({**MICROSOFT, "thumbprint": "A" * 40, "private_key": "PEM"}, existing=things)
    assert credential_of(after).client_secret == ""
    assert SECRETS.reveal(credential_of(after).private_key) == "PEM"


def test_accounts_that_the_file_does_not_name_keep_their_server() -> None:
    hosts = ["imap.gmail.com", "localhost"]
    things = applied({**GOOGLE, "hosts": hosts}, {**ACCOUNT, "host": "localhost"})
    (fault,) = faults_of(GOOGLE, existing=things)
    assert "hosts: must include localhost, which account 'help' uses" in fault


def test_no_secret_is_shown() -> None:
    credential = credential_of(applied(GOOGLE))
    (change,) = [
        change
        for change in plan_of({**GOOGLE, "client_secret": "new"}, existing=[credential]).changes
        if change.action == "changed"
    ]
    assert change.fields == (("client_secret", "(secret)", "(new secret)"),)


def test_the_credentials_that_init_writes_as_comments_are_right() -> None:
    text = (resources.files("postrail.configuration") / "example.yaml").read_text()
    block = text[text.index("# credentials:") : text.index("# The mailboxes that are watched.")]
    bare = re.sub(r"^(# )?( *)(# (?=\w+: ))?", r"\2", block, flags=re.MULTILINE)
    names = [entry.identity for entry in parse_file(bare, "example") if entry.kind == "credential"]
    assert names == ["google", "workspace", "microsoft", "own"]
