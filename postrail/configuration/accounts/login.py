"""Lets an account log in as an outgoing connection does, with that one's user and password. Pure.

An account with `login_of` keeps no login of its own: it takes the connection's at each reading, so
that a new password is given once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pydantic import ValidationError

from postrail.configuration.connections.defaults import is_this_machine
from postrail.configuration.entry import Entry, Fault, Proposal, Thing, unknown_name
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.outgoing_connection import OutgoingConnection

GIVE_IT = "give username and password here"
# Labels of this length or less before a country stand for sorts of domains: co.uk, com.au.
SORT_CHARACTERS = 3
COUNTRY_CHARACTERS = 2


def with_login(account: MailAccount, connections: Mapping[str, OutgoingConnection]) -> MailAccount:
    """Returns the account with the login of its connection where it has none of its own."""
    connection = connections.get(account.login_of)
    if connection is None:
        return account
    return account.model_copy(update=_login(account, connection))


def with_logins(
    accounts: Iterable[MailAccount], connections: Iterable[OutgoingConnection]
) -> list[MailAccount]:
    """Returns the accounts, each with the login that it uses."""
    by_name = {one.name: one for one in connections}
    return [with_login(account, by_name) for account in accounts]


def _login(account: MailAccount, connection: OutgoingConnection) -> dict[str, str]:
    login = {"username": account.username or connection.username}
    if account.password or account.credential:
        return login
    return {**login, "credential": connection.credential, "password": connection.password}


def logins_are_there(proposal: Proposal) -> Iterator[Fault]:
    """Refuses accounts that have no login, or would send that of their connection elsewhere.

    The fault is the account's, if the file gives it, and otherwise the connection's.
    """
    entries = proposal.entries_of(MailAccount)
    of_connections = proposal.entries_of(OutgoingConnection)
    connections = {
        name: _with_kept_password(one, of_connections.get(name), proposal)
        for name, one in proposal.all_of(OutgoingConnection).items()
    }
    for name, account in proposal.all_of(MailAccount).items():
        entry = entries.get(name)
        blamed = entry or of_connections.get(account.login_of)
        if not account.login_of or blamed is None:
            continue
        complete = _with_kept_password(account, entry, proposal)
        for field, problem in _problems(complete, connections):
            if entry:
                yield entry.fault(field, problem)
            else:
                yield blamed.fault("", f"account {name!r}, {field}: {problem}")


def _with_kept_password(thing: Thing, entry: Entry | None, proposal: Proposal) -> Thing:
    """Returns the account or connection with the stored password that its file leaves out."""
    if entry is None or "password" in entry.given or "password" not in thing.secret_fields:
        return thing
    before = proposal.existing.get((type(thing), entry.identity))
    return thing.model_copy(update={"password": getattr(before, "password", "")})


def _problems(
    account: MailAccount, connections: Mapping[str, OutgoingConnection]
) -> Iterator[tuple[str, str]]:
    connection = connections.get(account.login_of)
    if connection is None:
        yield "login_of", unknown_name("connection", account.login_of, connections)
        return
    used = with_login(account, connections)
    if not (used.password or used.credential):
        yield "login_of", f"connection {connection.name!r} has no login; {GIVE_IT}"
        return
    if used.password != account.password:
        yield from _faults_of_password(account, connection)
    yield from _contradictions(used)


def _contradictions(used: MailAccount) -> Iterator[tuple[str, str]]:
    """Yields what the account's settings and the connection's login contradict each other in."""
    try:
        MailAccount.model_validate(used.model_dump() | {"login_of": ""})
    except ValidationError as error:
        for detail in error.errors():
            yield from detail.get("ctx", {}).get("faults", ())


def _faults_of_password(
    account: MailAccount, connection: OutgoingConnection
) -> Iterator[tuple[str, str]]:
    """Yields why the connection's password may not be sent to the account's server."""
    if not are_of_one_domain(account.host, connection.host):
        yield (
            "password",
            f"is missing: that of connection {connection.name!r} is for {connection.host}, and"
            f" {account.host} is of another domain; {GIVE_IT}",
        )
    if is_this_machine(account.host):
        return
    if not account.verify_certificate and connection.verify_certificate:
        yield (
            "verify_certificate",
            f"must be true to use the password of connection {connection.name!r}; or {GIVE_IT}",
        )
    if account.allow_plain_login and not connection.allow_plain_login:
        yield (
            "allow_plain_login",
            f"must be false to use the password of connection {connection.name!r}; or {GIVE_IT}",
        )


def are_of_one_domain(host: str, other: str) -> bool:
    """Tells whether two servers are one, or of one domain: imap.example.org, smtp.example.org.

    Anybody may have a domain right below org or co.uk, so these are no such domains.
    """
    host, other = host.lower().rstrip("."), other.lower().rstrip(".")
    if host == other:
        return True
    (_, _, domain), (_, _, other_domain) = host.partition("."), other.partition(".")
    labels = domain.split(".")
    if domain != other_domain or len(labels) < 2 or labels[-1].isdigit():
        return False
    is_of_a_country = len(labels) == 2 and len(labels[1]) == COUNTRY_CHARACTERS
    return not (is_of_a_country and len(labels[0]) <= SORT_CHARACTERS)
