"""Logins by tokens: the responses that are sent, and the errors for refusals."""

from __future__ import annotations

import base64
import imaplib
from collections.abc import Callable
from typing import Any

import pytest
from imapclient.exceptions import LoginError

from postrail.errors import ConfigurationError
from postrail.mailbox import MailboxUnavailable
from postrail.mailbox.imap.tokens import log_in_with_token
from postrail.oauth import ProviderUnavailable
from postrail.wire.login import initial_response, mechanism_of, token_from, token_refused
from tests.makers.oauth import account


class Client:
    """Stands for an IMAPClient whose server accepts some tokens."""

    def __init__(self, good: str, fault: Callable[[], Exception] | None = None) -> None:
        self.good = good
        self.fault = fault or (lambda: LoginError("[AUTHENTICATIONFAILED] no"))
        self.tried: list[bytes] = []

    def capabilities(self) -> tuple[bytes, ...]:
        return (b"IMAP4REV1", b"AUTH=PLAIN", b"auth=XOAuth2")

    def sasl_login(self, mechanism: str, answer: Callable[[bytes], bytes]) -> None:
        said = answer(b"")
        self.tried.append(said)
        if f"Bearer {self.good}\x01".encode() in said:
            return
        assert answer(b'{"status":"401","schemes":"bearer","scope":"mail"}') == b""
        raise self.fault()


def tokens(*given: str) -> Callable[[str], str]:
    """Returns a login that gives these tokens, and the last one again and again."""
    left = list(given)

    def ask(refused: str) -> str:
        return left.pop(0) if len(left) > 1 else left[0]

    return ask


@pytest.mark.parametrize(
    ("user", "mechanism", "words"),
    [
        # developers.google.com/gmail/imap/xoauth2-protocol
        ("help@x.org", "XOAUTH2", b"user=help@x.org\x01auth=Bearer t0k\x01\x01"),
        # RFC 7628, 3.1
        ("help@x.org", "OAUTHBEARER", b"n,a=help@x.org,\x01auth=Bearer t0k\x01\x01"),
        # RFC 5801, 4
        ("a=b,c@x.org", "OAUTHBEARER", b"n,a=a=3Db=2Cc@x.org,\x01auth=Bearer t0k\x01\x01"),
        ("hélp@x.org", "XOAUTH2", "user=hélp@x.org\x01auth=Bearer t0k\x01\x01".encode()),
    ],
)
def test_makes_the_initial_response(user: str, mechanism: Any, words: bytes) -> None:
    assert initial_response(user, mechanism, "t0k") == words


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        ({"PLAIN", "XOAUTH2"}, "XOAUTH2"),
        ({"XOAUTH2", "OAUTHBEARER"}, "XOAUTH2"),
        ({"OAUTHBEARER"}, "OAUTHBEARER"),
    ],
)
def test_chooses_a_mechanism_that_the_server_offers(offered: set[str], taken: str) -> None:
    assert mechanism_of(account(), offered) == taken


def test_a_server_without_either_is_named() -> None:
    with pytest.raises(ConfigurationError, match="offers neither XOAUTH2 nor OAUTHBEARER"):
        mechanism_of(account(), {"PLAIN", "LOGIN"})


@pytest.mark.parametrize(
    ("challenge", "says"),
    [
        # Gmail's form, decoded by imaplib or not.
        (b'{"status":"400","schemes":"Bearer"}', "status 400, schemes Bearer; no"),
        (base64.b64encode(b'{"status":"401"}'), "status 401; no"),
        # Not JSON, empty, JSON of another form, or with control characters.
        (b"", ": no. "),
        (b"garbage\xff", ": no. "),
        (b'["list"]', ": no. "),
        (b'{"status":"\\u001b[31m"}', "status  [31m; no"),
        (b"{" * 5000, ": no. "),
    ],
)
def test_quotes_the_servers_reason_for_a_refusal(challenge: bytes, says: str) -> None:
    told = str(token_refused(account(), "no", challenge))
    assert says in told
    assert "IMAP is enabled" in told
    assert len(told) < 900


def test_a_good_token_is_sent_once() -> None:
    client = Client("new")
    log_in_with_token(client, account(), tokens("unused"), "new")
    assert len(client.tried) == 1


def test_a_refused_token_is_renewed_once() -> None:
    client = Client("new")
    log_in_with_token(client, account(), tokens("new"), "old")
    assert len(client.tried) == 2


def test_a_refused_fresh_token_is_a_configuration_error() -> None:
    client = Client("none")
    with pytest.raises(ConfigurationError) as caught:
        log_in_with_token(client, account(), tokens("fr3sh"), "fr3sh")
    assert len(client.tried) == 1
    assert "status 401" in str(caught.value)
    assert "fr3sh" not in str(caught.value)


def test_a_second_refused_token_is_a_configuration_error() -> None:
    client = Client("none")
    with pytest.raises(ConfigurationError, match="refused a fresh token"):
        log_in_with_token(client, account(), tokens("new", "new"), "old")
    assert len(client.tried) == 2


def broken_off() -> Exception:
    """Returns the error that imapclient raises for a broken connection."""
    try:
        try:
            raise imaplib.IMAP4.abort("socket error: EOF")
        except imaplib.IMAP4.error as error:
            raise LoginError(str(error))  # noqa: B904  As imapclient does.
    except LoginError as error:
        found: Exception = error
    return found


@pytest.mark.parametrize(
    "fault", [lambda: LoginError("[UNAVAILABLE] the provider is slow"), broken_off]
)
def test_a_temporary_fault_does_not_renew_the_token(fault: Callable[[], Exception]) -> None:
    client = Client("none", fault)
    with pytest.raises(MailboxUnavailable):
        log_in_with_token(client, account(), tokens("unused"), "old")
    assert len(client.tried) == 1


def test_an_unavailable_provider_makes_the_mailbox_unavailable() -> None:
    def unavailable(_: str) -> str:
        raise ProviderUnavailable("it answers 503", remedy="later")

    with pytest.raises(MailboxUnavailable, match="it answers 503"):
        token_from(unavailable)
