"""The clouds of Microsoft 365: each with its servers and the place that issues its tokens.

The sources are learn.microsoft.com: "National cloud deployments" (Microsoft Graph), "Office 365
U.S. Government GCC High endpoints", the same for DoD, and "Office 365 operated by 21Vianet".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Cloud:
    """One cloud: its mailboxes are reached at these servers only, with tokens of its authority."""

    name: str
    smtp: str
    # IMAP and POP.
    mailboxes: str
    graph: str
    authority: str
    # The resource of the delegated permissions of Exchange, such as SMTP.Send.
    exchange: str


WORLDWIDE = Cloud(
    name="worldwide",
    smtp="smtp.office365.com",
    mailboxes="outlook.office365.com",
    graph="graph.microsoft.com",
    authority="https://login.microsoftonline.com",
    exchange="https://outlook.office.com",
)
CLOUDS = (
    WORLDWIDE,
    Cloud(
        name="us_gcc_high",
        smtp="smtp.office365.us",
        mailboxes="outlook.office365.us",
        graph="graph.microsoft.us",
        authority="https://login.microsoftonline.us",
        exchange="https://outlook.office365.us",
    ),
    Cloud(
        name="us_dod",
        smtp="outlook-dod.office365.us",
        mailboxes="outlook-dod.office365.us",
        graph="dod-graph.microsoft.us",
        authority="https://login.microsoftonline.us",
        exchange="https://outlook-dod.office365.us",
    ),
    Cloud(
        name="china",
        smtp="smtp.partner.outlook.cn",
        mailboxes="partner.outlook.cn",
        graph="microsoftgraph.chinacloudapi.cn",
        authority="https://login.partner.microsoftonline.cn",
        exchange="https://partner.outlook.cn",
    ),
)


def cloud_named(name: str) -> Cloud | None:
    """Returns the cloud of this name, if there is one."""
    return next((cloud for cloud in CLOUDS if cloud.name == name.lower()), None)


def cloud_of_host(host: str) -> Cloud | None:
    """Returns the cloud that a server belongs to, or None for a server of another provider."""
    servers = {
        server: cloud for cloud in CLOUDS for server in (cloud.smtp, cloud.mailboxes, cloud.graph)
    }
    return servers.get(host.lower())


def cloud_for(host: str, authority: str) -> Cloud:
    """Returns the cloud of a server that may have a name of its own, such as a relay's."""
    of_authority = [one for one in CLOUDS if one.authority == authority.rstrip("/").lower()]
    return cloud_of_host(host) or next(iter(of_authority), WORLDWIDE)


def hosts_of_authority(authority: str) -> list[str]:
    """Returns the servers that take tokens of this authority; [] for an unknown one."""
    return [
        server
        for cloud in CLOUDS
        if cloud.authority == authority.rstrip("/").lower()
        for server in dict.fromkeys((cloud.mailboxes, cloud.smtp, cloud.graph))
    ]
