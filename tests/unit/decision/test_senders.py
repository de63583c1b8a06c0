"""The verdict about senders: a table of what forgers write, and of what servers state."""

from __future__ import annotations

import time
from typing import Any

import pytest

from postrail.configuration.models.mail_account import MailAccount
from postrail.decision.senders import author, judge
from postrail.records import MailParsed
from tests.makers.parsing import made

ACCOUNT = MailAccount(
    name="support",
    host="imap.desk.example",
    username="support",
    password="env:POSTRAIL_SECRET_X",
    address="help@desk.example",
    project="HELP",
    authserv_ids=["mx.desk.example"],
)
OURS = "Authentication-Results: mx.desk.example;"
PASSED = f"{OURS} dmarc=pass header.from=customer.example"
RECEIVED = "Received: from out.customer.example by mx.desk.example with ESMTP; Mon, 30 Nov 2026"
FROM = "From: Mona <mona@customer.example>"


def parsed(*header: str) -> MailParsed:
    return made("\n".join([*header, "Subject: s", "", "text"]).encode()).record


M365 = (
    "Authentication-Results: spf=pass smtp.mailfrom=customer.example; dkim=none; dmarc={}"
    " action=none header.from=customer.example;compauth=pass reason=100"
)
BORDER = "Received: from out.customer.example by AM1.mail.protection.outlook.com with SMTP; x"
WITHIN = "Received: from AM1.eurprd01.prod.outlook.com by DB2.outlook.office365.com; x"


@pytest.mark.parametrize(
    ("ids", "header", "verdict"),
    [
        (["microsoft"], [WITHIN, M365.format("pass"), BORDER, FROM], "pass"),
        (["microsoft"], [WITHIN, M365.format("fail"), BORDER, FROM], "fail"),
        (["mx.desk.example"], [WITHIN, M365.format("pass"), BORDER, FROM], "none"),
        # A field of the sender's is below ours, which is the topmost, or below a stranger's.
        (
            ["microsoft"],
            [WITHIN, M365.format("none"), BORDER, M365.format("pass"), FROM],
            "none",
        ),
        (
            ["microsoft"],
            [WITHIN, BORDER, "Received: by relay.example; x", M365.format("pass"), FROM],
            "none",
        ),
        # A server of that name is another one.
        (["microsoft"], [PASSED.replace("mx.desk.example", "microsoft2"), FROM], "none"),
    ],
)
def test_microsoft_365_names_no_server(ids: list[str], header: list[str], verdict: str) -> None:
    hosts = [".prod.outlook.com", ".outlook.office365.com", ".protection.outlook.com"]
    account = ACCOUNT.model_copy(update={"authserv_ids": ids, "trusted_hosts": hosts})
    assert judge(parsed(*header), account).verdict == verdict


@pytest.mark.parametrize(
    ("server", "verdict"),
    [
        ("mx3.desk.example", "pass"),
        ("a.b.desk.example", "pass"),
        ("desk.example", "none"),
        ("evildesk.example", "none"),
        ("desk.example.evil.example", "none"),
    ],
)
def test_a_name_with_a_dot_stands_for_all_below(server: str, verdict: str) -> None:
    account = ACCOUNT.model_copy(update={"authserv_ids": [".desk.example"]})
    mail = parsed(PASSED.replace("mx.desk.example", server), FROM)
    assert judge(mail, account).verdict == verdict


@pytest.mark.parametrize(
    ("name", "header", "verdict"),
    [
        ("no header", [RECEIVED, FROM], "none"),
        ("our server's", [PASSED, RECEIVED, FROM], "pass"),
        ("below our server's own Received", [RECEIVED, PASSED, FROM], "pass"),
        (
            "aligned DKIM",
            [f"{OURS} dkim=pass header.d=customer.example", RECEIVED, FROM],
            "pass",
        ),
        (
            "DKIM of the parent domain",
            [
                f"{OURS} dkim=pass header.d=customer.example",
                RECEIVED,
                "From: mona@mail.customer.example",
            ],
            "pass",
        ),
        (
            "DKIM by header.i",
            [f"{OURS} dkim=pass header.i=@customer.example", RECEIVED, FROM],
            "pass",
        ),
        ("DKIM of another domain", [f"{OURS} dkim=pass header.d=evil.example", FROM], "none"),
        ("DKIM of a public suffix", [f"{OURS} dkim=pass header.d=example", FROM], "none"),
        (
            "DKIM of a longer name",
            [f"{OURS} dkim=pass header.d=evilcustomer.example", FROM],
            "none",
        ),
        ("SPF alone", [f"{OURS} spf=pass smtp.mailfrom=customer.example", FROM], "none"),
        ("DMARC for another domain", [f"{OURS} dmarc=pass header.from=x.example", FROM], "none"),
        ("DMARC fails", [f"{OURS} dmarc=fail header.from=customer.example", FROM], "fail"),
        (
            "DMARC fails, DKIM passes",
            [f"{OURS} dmarc=fail header.from=customer.example; dkim=pass header.d=a.example", FROM],
            "fail",
        ),
        (
            "a foreign authserv-id",
            [PASSED.replace("mx.desk", "mx.evil"), RECEIVED, FROM],
            "none",
        ),
        (
            "ours above a foreign one",
            [f"{OURS} dmarc=fail", "Authentication-Results: a.example; dmarc=pass", FROM],
            "fail",
        ),
        (
            "a forged one below ours",
            [f"{OURS} dmarc=fail header.from=customer.example", RECEIVED, PASSED, FROM],
            "fail",
        ),
        (
            "a forged one, and ours says nothing",
            [RECEIVED, "Received: from evil by out.customer.example; x", PASSED, FROM],
            "none",
        ),
        (
            "results within a comment or a string",
            [f'{OURS} spf=none reason="; dmarc=pass" (dmarc=pass)', FROM],
            "none",
        ),
        (
            "a display name that looks like an address",
            [PASSED, RECEIVED, 'From: "boss@desk.example" <mona@customer.example>'],
            "pass",
        ),
        ("two From fields", [PASSED, FROM, "From: boss@desk.example"], "none"),
        ("two addresses", [PASSED, f"{FROM}, boss@desk.example"], "none"),
        ("no address", [PASSED, "From: Mona"], "none"),
        (
            "another address in a comment",
            [PASSED, "From: (boss@desk.example) mona@customer.example"],
            "none",
        ),
        (
            "another address in a comment of the name",
            [PASSED, "From: Mona (boss@desk.example) <mona@customer.example>"],
            "none",
        ),
        ("a comment", [PASSED, "From: mona@customer.example (Mona)"], "pass"),
        ("parentheses in a name", [PASSED, 'From: "Mona (a@b)" <mona@customer.example>'], "pass"),
        ("no From, but a Sender", [PASSED, "Sender: mona@customer.example"], "none"),
        (
            "an address in From that is none",
            [PASSED, "From: boss", "Sender: mona@customer.example"],
            "none",
        ),
        (
            "an encoded address",
            [PASSED, "From: <=?utf-8?q?mona=40customer.example?=>"],
            "none",
        ),
        (
            "a hidden character",
            [PASSED, "From: =?utf-8?q?=E2=80=AEMona?= <mona@customer.example>"],
            "none",
        ),
        ("upper case", [PASSED.upper(), "FROM: MONA@CUSTOMER.EXAMPLE"], "pass"),
        (
            "a comment in the results",
            [f"{OURS} dmarc (fail) = pass header.from=customer.example", FROM],
            "pass",
        ),
        (
            "a comment after the result",
            [f"{OURS} dmarc=pass (p=none dis=none) header.from=customer.example", FROM],
            "pass",
        ),
        (
            "words of the sender's among the properties",
            [f"{OURS} dkim=pass header.d=evil.example header.d=customer.example", FROM],
            "none",
        ),
        ("the same property twice", [f"{PASSED} header.from=customer.example", FROM], "pass"),
        ("an ARC result", [f"{OURS} arc=pass header.d=customer.example", FROM], "none"),
        (
            "results in an ARC field",
            ["ARC-Authentication-Results: i=1; mx.desk.example; dmarc=pass", FROM],
            "none",
        ),
        (
            "ARC passes where DMARC fails",
            [f"{OURS} arc=pass; dmarc=fail header.from=customer.example", FROM],
            "fail",
        ),
        (
            "one of our fields says fail",
            [PASSED, f"{OURS} dmarc=fail header.from=customer.example", FROM],
            "fail",
        ),
        (
            "only the topmost of our fields says pass",
            [f"{OURS} dkim=pass header.d=evil.example", PASSED, FROM],
            "none",
        ),
        (
            "below our field with other results",
            [f"{OURS} bimi=none", f"{OURS} arc=none", PASSED, RECEIVED, FROM],
            "pass",
        ),
        ("below our field with SPF", [f"{OURS} spf=pass", PASSED, RECEIVED, FROM], "none"),
        (
            "a domain outside of ASCII",
            [
                f"{OURS} dmarc=pass header.from=xn--mller-kva.example",
                "From: mona@müller.example",
            ],
            "pass",
        ),
        (
            "a domain that looks like another",
            [f"{OURS} dmarc=pass header.from=customer.example", "From: mona@custоmer.example"],
            "none",
        ),
        (
            "a domain with a dot at its end",
            [f"{OURS} dmarc=pass header.from=customer.example.", FROM],
            "pass",
        ),
        (
            "DKIM of a suffix under which names are given to anybody",
            [f"{OURS} dkim=pass header.d=co.uk", "From: mona@customer.co.uk"],
            "none",
        ),
        (
            "DKIM of a name under such a suffix",
            [f"{OURS} dkim=pass header.d=customer.co.uk", "From: mona@mail.customer.co.uk"],
            "pass",
        ),
        (
            "DKIM of a short name",
            [f"{OURS} dkim=pass header.d=bbc.uk", "From: mona@mail.bbc.uk"],
            "pass",
        ),
        (
            "above it words of a stranger in a comment",
            ["Received: from x (by mx.desk.example) by out.evil.example; x", PASSED, FROM],
            "none",
        ),
        (
            "above it a comment of our server's",
            ["Received: from x (helo (by out.evil.example)) by mx.desk.example.; x", PASSED, FROM],
            "pass",
        ),
        (
            "above it Gmail's inner servers",
            ["Received: by 2002:a05:6a10:1234:b0:12:34:56 with SMTP id x; x", PASSED, FROM],
            "pass",
        ),
        ("above it a public address", ["Received: by 2a00:1450:4864::1; x", PASSED, FROM], "none"),
        ("above it a private address", ["Received: by [10.1.2.3]; x", PASSED, FROM], "pass"),
        (
            "above it no server's name",
            ["Received: (qmail 7 invoked by uid 3)", PASSED, FROM],
            "none",
        ),
        (
            "below a header that is too long for its record",
            [*[f"X-{n}: {'x' * 900}" for n in range(200)], PASSED, FROM],
            "none",
        ),
        ("Reply-To", [RECEIVED, FROM, "Reply-To: boss@desk.example"], "none"),
    ],
)
def test_the_verdict(name: str, header: list[str], verdict: str) -> None:
    judged = judge(parsed(*header), ACCOUNT)
    assert judged.verdict == verdict, name
    assert judged.reason


@pytest.mark.parametrize(
    ("header", "address", "verdict"),
    [
        ([PASSED, FROM, "Reply-To: Bo <bo@x.example>"], "bo@x.example", "none"),
        # Without an address it names nobody.
        ([PASSED, FROM], "mona@customer.example", "pass"),
        ([PASSED, FROM, "Reply-To: Bo"], "mona@customer.example", "pass"),
        # What fails is no mail of the form.
        ([f"{OURS} dmarc=fail", FROM, "Reply-To: bo@x.example"], "bo@x.example", "fail"),
    ],
)
def test_a_web_form_names_the_author_and_proves_nothing(
    header: list[str], address: str, verdict: str
) -> None:
    account = ACCOUNT.model_copy(update={"reply_to_senders": ["mona@customer.example"]})
    mail = parsed(*header)
    found = author(mail, account)
    assert found is not None
    assert (found.address, judge(mail, account).verdict) == (address, verdict)
    # Of any other sender, Reply-To says nothing.
    assert author(mail, ACCOUNT) == author(mail, None) == mail.sender


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "none"),
        ({"trusted_hosts": ["gateway.desk.example"]}, "pass"),
        ({"authserv_ids": []}, "none"),
        ({"authserv_ids": ["MX.desk.example", "gateway.desk.example"]}, "pass"),
    ],
)
def test_received_fields_above_are_of_trusted_hosts(changes: dict[str, Any], verdict: str) -> None:
    account = MailAccount.model_validate(ACCOUNT.model_dump() | changes)
    gateway = "Received: from mx.desk.example by gateway.desk.example; Mon, 30 Nov 2026"
    assert judge(parsed(gateway, PASSED, RECEIVED, FROM), account).verdict == verdict


def test_a_long_from_takes_little_time() -> None:
    mail = parsed(PASSED, RECEIVED, f'{FROM} ({"x" * 10} "{"a" * 10}' + '\\"' * 3500)
    began = time.process_time()
    for _ in range(100):
        judge(mail, ACCOUNT)
    assert time.process_time() - began < 3
