"""Logging in by tokens: what is said to the server, and what its refusals mean."""

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
from postrail.mailbox.login import asked_for, initial_response, mechanism_of, token_refused
from postrail.oauth import ProviderUnavailable
from tests.makers.oauth import account


class Client:
    """Stands for an IMAPClient whose server knows some tokens."""

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
    """Gives these tokens, the last one over and over."""
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
def test_what_is_said(user: str, mechanism: Any, words: bytes) -> None:
    assert initial_response(account(username=user), mechanism, "t0k") == words


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        ({"PLAIN", "XOAUTH2"}, "XOAUTH2"),
        ({"XOAUTH2", "OAUTHBEARER"}, "XOAUTH2"),
        ({"OAUTHBEARER"}, "OAUTHBEARER"),
    ],
)
def test_the_mechanism_is_one_that_the_server_has(offered: set[str], taken: str) -> None:
    assert mechanism_of(account(), offered) == taken


def test_a_server_without_either_is_named() -> None:
    with pytest.raises(ConfigurationError, match="offers neither XOAUTH2 nor OAUTHBEARER"):
        mechanism_of(account(), {"PLAIN", "LOGIN"})


@pytest.mark.parametrize(
    ("challenge", "says"),
    [
        # As Gmail says it, decoded by imaplib or not.
        (b'{"status":"400","schemes":"Bearer"}', "status 400, schemes Bearer; no"),
        (base64.b64encode(b'{"status":"401"}'), "status 401; no"),
        # What is no JSON, or none at all, or something else, or made to be shown.
        (b"", ": no. "),
        (b"garbage\xff", ": no. "),
        (b'["list"]', ": no. "),
        (b'{"status":"\\u001b[31m"}', "status  [31m; no"),
        (b"{" * 5000, ": no. "),
    ],
)
def test_the_servers_words_about_a_refused_token(challenge: bytes, says: str) -> None:
    told = str(token_refused(account(), "no", challenge))
    assert says in told
    assert "IMAP is enabled" in told
    assert len(told) < 900


def test_a_good_token_is_said_once() -> None:
    client = Client("new")
    log_in_with_token(client, account(), tokens("unused"), "new")
    assert len(client.tried) == 1


def test_a_refused_token_is_renewed_once() -> None:
    client = Client("new")
    log_in_with_token(client, account(), tokens("new"), "old")
    assert len(client.tried) == 2


def test_a_fresh_token_that_is_refused_is_a_setting() -> None:
    client = Client("none")
    with pytest.raises(ConfigurationError) as caught:
        log_in_with_token(client, account(), tokens("fr3sh"), "fr3sh")
    assert len(client.tried) == 1
    assert "status 401" in str(caught.value)
    assert "fr3sh" not in str(caught.value)


def test_two_refused_tokens_in_a_row_are_judged() -> None:
    client = Client("none")
    with pytest.raises(ConfigurationError, match="refused a fresh token"):
        log_in_with_token(client, account(), tokens("new", "new"), "old")
    assert len(client.tried) == 2


def broken_off() -> Exception:
    """As imapclient makes it of a broken connection."""
    try:
        try:
            raise imaplib.IMAP4.abort("socket error: EOF")
        except imaplib.IMAP4.error as error:
            raise LoginError(str(error))  # noqa: B904  As it does.
    except LoginError as error:
        found: Exception = error
    return found


@pytest.mark.parametrize(
    "fault", [lambda: LoginError("[UNAVAILABLE] the provider is slow"), broken_off]
)
def test_what_may_pass_is_no_reason_for_a_new_token(fault: Callable[[], Exception]) -> None:
    client = Client("none", fault)
    with pytest.raises(MailboxUnavailable):
        log_in_with_token(client, account(), tokens("unused"), "old")
    assert len(client.tried) == 1


def test_a_provider_that_is_away_is_waited_for_as_a_mail_server_is() -> None:
    def away(_: str) -> str:
        raise ProviderUnavailable("it answers 503", remedy="later")

    with pytest.raises(MailboxUnavailable, match="it answers 503"):
        asked_for(away)
