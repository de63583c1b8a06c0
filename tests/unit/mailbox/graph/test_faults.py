"""Answers of Microsoft Graph and faults of the network become errors."""

from __future__ import annotations

import json
import ssl

import httpx
import pytest

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import ConfigurationError, PipelineError
from postrail.mailbox import MailboxUnavailable
from postrail.mailbox.graph.faults import (
    DeltaExpired,
    NotAllowed,
    NotThere,
    Refused,
    connection_fault,
    refusal,
)
from postrail.wire.graph import BUSY_SECONDS, LONGEST_WAIT_SECONDS, retry_after_seconds

ACCOUNT = MailAccount(
    name="support",
    protocol="microsoft_graph",
    credential="entra",
    address="support@example.org",
    project="HELP",
)
NOW = "Fri, 06 Nov 2026 08:49:37 GMT"


def answered(status: int, code: str, message: str = "Words.", retry: str = "") -> PipelineError:
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    return refusal(ACCOUNT, status, httpx.Headers({"Retry-After": retry} if retry else {}), body)


# Status, code, Retry-After; the error, and the pause that it asks for.
ANSWERS: list[tuple[int, str, str, type[Exception], float]] = [
    (400, "ErrorInvalidIdMalformed", "", Refused, 0),
    # An expired delta has come with either status.
    (400, "SyncStateInvalid", "", DeltaExpired, 0),
    (410, "syncStateNotFound", "", DeltaExpired, 0),
    (410, "resyncRequired", "", DeltaExpired, 0),
    (410, "Whatever", "", DeltaExpired, 0),
    (401, "InvalidAuthenticationToken", "", ConfigurationError, 0),
    (403, "ErrorAccessDenied", "", NotAllowed, 0),
    (404, "ErrorItemNotFound", "", NotThere, 0),
    (408, "Timeout", "", Refused, 0),
    (429, "ApplicationThrottled", "17", MailboxUnavailable, 17),
    # Exchange's limit of concurrent requests comes without a time, and with either status.
    (429, "ApplicationThrottled", "", MailboxUnavailable, BUSY_SECONDS),
    (503, "ApplicationThrottled", "3", MailboxUnavailable, 3),
    (509, "BandwidthLimitExceeded", "60", MailboxUnavailable, 60),
    (500, "ErrorInternalServerError", "", Refused, 0),
    # An unavailable server sends no time: the usual pauses apply.
    (503, "serviceNotAvailable", "", Refused, 0),
    (504, "GatewayTimeout", "", Refused, 0),
]


@pytest.mark.parametrize(("status", "code", "retry", "kind", "seconds"), ANSWERS)
def test_answers(status: int, code: str, retry: str, kind: type[Exception], seconds: float) -> None:
    error = answered(status, code, retry=retry)
    assert type(error) is kind
    assert getattr(error, "after_seconds", 0) == seconds
    assert code in str(error) or status == 401


# Statuses for which the same request would be refused again, and others.
FINAL = [(400, True), (409, True), (422, True), (408, False), (425, False), (500, False)]


@pytest.mark.parametrize(("status", "final"), FINAL)
def test_knows_final_refusals(status: int, final: bool) -> None:
    error = answered(status, "Code")
    assert isinstance(error, Refused)
    assert error.is_final is final


# Only the first two mean that one message is gone; the others may concern the whole mailbox.
GONE = [
    ("ErrorItemNotFound", True),
    ("ErrorFolderNotFound", True),
    ("MailboxNotEnabledForRESTAPI", False),
    ("ErrorInvalidUser", False),
    ("ResourceNotFound", False),
]


@pytest.mark.parametrize(("code", "gone"), GONE)
def test_knows_that_a_message_is_gone(code: str, gone: bool) -> None:
    error = answered(404, code)
    assert isinstance(error, NotThere)
    assert error.is_item is gone


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": "no"}', b'{"error": {}}'])
def test_an_error_of_another_form_has_the_phrase_of_its_status(body: bytes) -> None:
    error = refusal(ACCOUNT, 404, {}, body)
    assert isinstance(error, NotThere)
    assert not error.is_item
    assert "Not Found (404 no code)" in str(error)


def test_an_unknown_status_has_a_phrase_too() -> None:
    assert "unknown status (599" in str(refusal(ACCOUNT, 599, {}, b""))


RETRY_AFTER = [
    ("120", 120.0),
    ("0.5", 0.5),
    ("0", 0.0),
    ("-5", 0.0),
    ("", 0.0),
    ("soon", 0.0),
    # A year and a zone outside of the calendar.
    ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", 0.0),
    ("Mon, 01 Jan 2026 00:00:00 +99999999999999", 0.0),
    ("nan", 0.0),
    ("inf", LONGEST_WAIT_SECONDS),
    ("86400", LONGEST_WAIT_SECONDS),
    # RFC 9110, 5.6.7: the current form, and the two old ones.
    ("Fri, 06 Nov 2026 08:49:57 GMT", 20.0),
    ("Friday, 06-Nov-26 08:49:57 GMT", 20.0),
    ("Fri, 06 Nov 2026 08:49:17 GMT", 0.0),
]


@pytest.mark.parametrize(("value", "seconds"), RETRY_AFTER)
def test_retry_after(value: str, seconds: float) -> None:
    assert retry_after_seconds(value, NOW) == seconds


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


# What httpx raises, and the error that we make of it.
NETWORK: list[tuple[Exception, type[PipelineError], str]] = [
    (httpx.ReadTimeout("timed out"), MailboxUnavailable, "did not answer in time"),
    (httpx.ConnectTimeout("timed out"), MailboxUnavailable, "did not answer in time"),
    (
        caused(httpx.ConnectError("x"), ConnectionRefusedError(111, "refused")),
        MailboxUnavailable,
        "refused the connection",
    ),
    (
        caused(httpx.ConnectError("x"), ssl.SSLCertVerificationError(1, "self-signed")),
        ConfigurationError,
        "is not trusted",
    ),
    (
        caused(httpx.ConnectError("x"), ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]")),
        ConfigurationError,
        "does not speak TLS",
    ),
    (
        caused(httpx.ConnectError("x"), ssl.SSLError(1, "[SSL: TLSV1_ALERT_PROTOCOL_VERSION]")),
        ConfigurationError,
        "does not speak TLS 1.2",
    ),
    (httpx.ReadError("x"), MailboxUnavailable, "broke off the connection"),
    (httpx.RemoteProtocolError("peer closed"), MailboxUnavailable, "broke off the connection"),
    (httpx.ProxyError("407"), MailboxUnavailable, "cannot be reached through the proxy"),
    (httpx.DecodingError("gzip"), MailboxUnavailable, "did not answer as Microsoft Graph does"),
    (
        json.JSONDecodeError("x", "", 0),
        MailboxUnavailable,
        "did not answer as Microsoft Graph does",
    ),
    (OSError(24, "too many files"), MailboxUnavailable, "too many files"),
    # Our own errors pass.
    (ConfigurationError("wrong"), ConfigurationError, "wrong"),
]


@pytest.mark.parametrize(("raised", "kind", "words"), NETWORK)
def test_network_faults(raised: Exception, kind: type[PipelineError], words: str) -> None:
    with pytest.raises(PipelineError, match=words) as told, connection_fault(ACCOUNT):
        raise raised
    assert type(told.value) is kind
