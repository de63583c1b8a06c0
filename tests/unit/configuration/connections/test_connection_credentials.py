"""Connections with OAuth2: servers and scopes by provider and cloud, and what does not fit."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from postrail.configuration.configured import Configured
from postrail.configuration.models.credential import OAuthCredential
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from tests.unit.configuration.test_plan import applied, faults_of

GOOGLE = {"name": "c", "provider": "google", "client_id": "1", "client_secret": "s"}
MICROSOFT = {"name": "c", "provider": "microsoft", "client_id": "1"}
APPLICATION = MICROSOFT | {
    "flow": "client_credentials",
    "tenant": "example.org",
    "client_secret": "s",
}
CUSTOM = {
    "name": "c",
    "provider": "custom",
    "client_id": "1",
    "authority": "https://login.example.org",
    "hosts": ["smtp.example.org"],
}
US = {"authority": "https://login.microsoftonline.us"}
CHINA = {"authority": "https://login.partner.microsoftonline.cn"}
OAUTH2 = {
    "name": "out",
    "mode": "oauth2",
    "credential": "c",
    "from_address": "desk@example.org",
    "is_default": True,
}
GRAPH = OAUTH2 | {"mode": "graph"}
SHARED = {"shared_mailbox": "support@example.org"}


def file(credential: dict[str, Any], connection: dict[str, Any]) -> str:
    return yaml.safe_dump({"credentials": [credential], "connections": [connection]})


def found(things: list[Configured]) -> tuple[OAuthCredential, OutgoingConnection]:
    (credential,) = [thing for thing in things if isinstance(thing, OAuthCredential)]
    (connection,) = [thing for thing in things if isinstance(thing, OutgoingConnection)]
    return credential, connection


OUTLOOK = "https://outlook.office.com"


@pytest.mark.parametrize(
    ("credential", "connection", "host", "scopes"),
    [
        (GOOGLE, OAUTH2, "smtp.gmail.com", ["https://mail.google.com/"]),
        (MICROSOFT, OAUTH2, "smtp.office365.com", [f"{OUTLOOK}/SMTP.Send", "offline_access"]),
        (
            MICROSOFT | US,
            OAUTH2,
            "smtp.office365.us",
            ["https://outlook.office365.us/SMTP.Send", "offline_access"],
        ),
        (
            MICROSOFT | US,
            OAUTH2 | {"microsoft_host": "us_dod"},
            "outlook-dod.office365.us",
            ["https://outlook-dod.office365.us/SMTP.Send", "offline_access"],
        ),
        (
            MICROSOFT | CHINA,
            OAUTH2,
            "smtp.partner.outlook.cn",
            ["https://partner.outlook.cn/SMTP.Send", "offline_access"],
        ),
        # SMTP.SendAsApp is one of the permissions that .default stands for.
        (APPLICATION, OAUTH2, "smtp.office365.com", ["https://outlook.office365.com/.default"]),
        (APPLICATION | US, OAUTH2, "smtp.office365.us", ["https://outlook.office365.us/.default"]),
        (
            MICROSOFT,
            GRAPH,
            "graph.microsoft.com",
            [
                "https://graph.microsoft.com/Mail.Send",
                "https://graph.microsoft.com/Mail.ReadWrite",
                "offline_access",
            ],
        ),
        (
            MICROSOFT | US,
            GRAPH | SHARED,
            "graph.microsoft.us",
            [
                "https://graph.microsoft.us/Mail.Send.Shared",
                "https://graph.microsoft.us/Mail.ReadWrite.Shared",
                "offline_access",
            ],
        ),
        (
            APPLICATION,
            GRAPH | SHARED,
            "graph.microsoft.com",
            ["https://graph.microsoft.com/.default"],
        ),
        (
            APPLICATION | CHINA,
            GRAPH,
            "microsoftgraph.chinacloudapi.cn",
            ["https://microsoftgraph.chinacloudapi.cn/.default"],
        ),
        (CUSTOM, OAUTH2 | {"host": "smtp.example.org"}, "smtp.example.org", ["offline_access"]),
        (MICROSOFT | {"scopes": ["a"]}, OAUTH2, "smtp.office365.com", ["a"]),
    ],
)
def test_server_and_scopes_follow_provider_cloud_and_mode(
    credential: dict[str, Any], connection: dict[str, Any], host: str, scopes: list[str]
) -> None:
    stored, out = found(applied(file(credential, connection)))
    assert out.host == host
    assert stored.scopes_for(out) == scopes


@pytest.mark.parametrize(
    ("credential", "connection", "fault"),
    [
        (GOOGLE, OAUTH2 | {"credential": "d"}, "credential: there is no credential 'd'"),
        (GOOGLE, GRAPH, "credential: 'c' has provider google, but mode graph needs tokens from"),
        (GOOGLE, OAUTH2 | {"microsoft_host": "china"}, "microsoft_host: is for Microsoft"),
        (GOOGLE, OAUTH2 | SHARED, "shared_mailbox: is for Microsoft, and credential 'c' is not"),
        (CUSTOM, OAUTH2, "host: is missing: credential 'c' does not imply a server"),
        (MICROSOFT, OAUTH2 | {"host": "evil.example"}, "host: evil.example may not receive tokens"),
        (
            MICROSOFT,
            OAUTH2 | {"microsoft_host": "china"},
            "host: smtp.partner.outlook.cn may not receive tokens of credential 'c'",
        ),
    ],
)
def test_what_does_not_fit(
    credential: dict[str, Any], connection: dict[str, Any], fault: str
) -> None:
    assert any(fault in one for one in faults_of(file(credential, connection)))


def test_a_host_that_a_connection_uses_is_kept() -> None:
    things = applied(file(MICROSOFT, OAUTH2))
    fewer = yaml.safe_dump({"credentials": [MICROSOFT | {"hosts": ["graph.microsoft.com"]}]})
    (fault,) = faults_of(fewer, things)
    assert "must include smtp.office365.com, which connection 'out' uses" in fault
