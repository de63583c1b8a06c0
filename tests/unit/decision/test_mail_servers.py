"""What docs/senders.md says to set for mail servers, tried with headers that these servers wrote.

They are from public archives: the servers' own names are as they were, all others are replaced.
"""

from __future__ import annotations

import pytest

from postrail.configuration.models.mail_account import MailAccount
from postrail.decision.senders import judge
from tests.makers.parsing import made

FROM = "From: Mona <mona@customer.example>\nSubject: s"
M365 = f"""\
Received: from SJ0PR04CA0001.namprd04.prod.outlook.com (2603:10b6:a03:1d0::27)
 by DS7PR06MB0001.namprd06.prod.outlook.com (2603:10b6:5:2ce::8) with
 Microsoft SMTP Server (version=TLS1_2,
 cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.9769.17; Wed, 1 Apr
 2026 14:05:52 +0000
Received: from CO1PEPF00000001.namprd05.prod.outlook.com
 (2603:10b6:a03:1d0:cafe::de) by SJ0PR04CA0001.outlook.office365.com
 (2603:10b6:a03:1d0::27) with Microsoft SMTP Server (version=TLS1_3,
 cipher=TLS_AES_256_GCM_SHA384) id 15.20.9745.29 via Frontend Transport; Wed,
 1 Apr 2026 14:05:51 +0000
Authentication-Results: spf=pass (sender IP is 192.0.2.60)
 smtp.mailfrom=bounces.customer.example; dkim=none (message not signed)
 header.d=none;dmarc=RESULT action=none
 header.from=customer.example;compauth=pass reason=100
Received-SPF: Pass (protection.outlook.com: domain of
 bounces.customer.example designates 192.0.2.60 as permitted sender)
 receiver=protection.outlook.com; client-ip=192.0.2.60;
 helo=out.customer.example; pr=C
Received: from out.customer.example (192.0.2.60) by
 CO1PEPF00000001.mail.protection.outlook.com (10.167.249.6) with Microsoft
 SMTP Server (version=TLS1_3, cipher=TLS_AES_256_GCM_SHA384) id 15.20.9769.17
 via Frontend Transport; Wed, 1 Apr 2026 14:05:51 +0000
Received: from desk.customer.example by out.customer.example; Wed, 1 Apr 2026
{FROM}"""
GOOGLE = f"""\
Delivered-To: help@desk.example
Received: by 2002:a05:6a10:1234:b0:12:34:56 with SMTP id 33csp225820vkd;
        Mon, 31 Oct 2016 11:47:18 -0700 (PDT)
X-Received: by 10.157.16.120 with SMTP id o53mr23035412oto.11.1477939638306;
        Mon, 31 Oct 2016 11:47:18 -0700 (PDT)
Return-Path: <mona@customer.example>
Received: from out.customer.example (out.customer.example. [192.0.2.60])
        by mx.google.com with ESMTPS id t79si10384376oit.266.2016.10.31.11.47.18
        for <help@desk.example>
        (version=TLS1_2 cipher=ECDHE-RSA-AES128-GCM-SHA256 bits=128/128);
        Mon, 31 Oct 2016 11:47:18 -0700 (PDT)
Received-SPF: pass (google.com: domain of mona@customer.example designates
 192.0.2.60 as permitted sender) client-ip=192.0.2.60;
Authentication-Results: mx.google.com;
       dkim=neutral (body hash did not verify) header.i=@list.example;
       spf=pass (google.com: domain of mona@customer.example designates
 192.0.2.60 as permitted sender) smtp.mailfrom=mona@customer.example;
       dmarc=RESULT (p=NONE sp=NONE dis=NONE) header.from=customer.example
Received: from desk.customer.example by out.customer.example; Mon, 31 Oct 2016
{FROM}"""
FASTMAIL = f"""\
Return-Path: <mona@customer.example>
Received: from ams-compute-02.internal (ams-compute-02.internal [10.64.2.62])
\t by slotai03m05 (Cyrus 3.13.7-879-fm-20260923.003) with LMTPA;
\t Tue, 29 Sep 2026 14:02:14 -0400
Received: from phl-mx-04 ([10.202.2.203])
  by ams-compute-02.internal (LMTPProxy); Tue, 29 Sep 2026 14:02:14 -0400
Received: from phl-mx-04.messagingengine.com (localhost [127.0.0.1])
\tby mailmx.phl.internal (Postfix) with ESMTP id A71211EA00E7
\tfor <help@desk.example>; Tue, 29 Sep 2026 14:02:11 -0400 (EDT)
Received: from mailmx.phl.internal (localhost [127.0.0.1])
    by phl-mx-04.messagingengine.com (Authentication Milter) with ESMTP
    id 35022C783BF.281071EA00F1;
    Tue, 29 Sep 2026 14:02:11 -0400
ARC-Authentication-Results: i=1; phl-mx-04.messagingengine.com;
    dmarc=RESULT header.from=customer.example
X-ME-Authentication-Results: phl-mx-04.messagingengine.com;
    x-tls=pass smtp.version=TLSv1.3 smtp.cipher=TLS_AES_256_GCM_SHA384
Authentication-Results: phl-mx-04.messagingengine.com;
    x-csa=none;
    x-me-sender=none;
    x-ptr=pass smtp.helo=out.customer.example
      policy.ptr=out.customer.example
Authentication-Results: phl-mx-04.messagingengine.com;
    bimi=none (No BIMI records found)
Authentication-Results: phl-mx-04.messagingengine.com;
    arc=none (no signatures found)
Authentication-Results: phl-mx-04.messagingengine.com;
    dkim2=none (no signatures found);
    dkim=none (no signatures found);
    dmarc=RESULT policy.published-domain-policy=reject
      policy.applied-disposition=none policy.evaluated-disposition=none
      (p=reject,d=none,d.eval=none) policy.policy-from=p
      header.from=customer.example;
    iprev=pass smtp.remote-ip=192.0.2.60
      (out.customer.example);
    spf=pass smtp.mailfrom=mona@customer.example
      smtp.helo=out.customer.example
Received: from out.customer.example (out.customer.example [192.0.2.60])
\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))
\tby phl-mx-04.messagingengine.com (Postfix) with ESMTPS id 281071EA00F1
\tfor <help@desk.example>; Tue, 29 Sep 2026 14:02:10 -0400 (EDT)
Received: from desk.customer.example by out.customer.example; Tue, 29 Sep 2026
{FROM}"""
# As docs/senders.md has them.
SERVERS = {
    "Microsoft 365": (
        M365,
        ["microsoft"],
        [".prod.outlook.com", ".outlook.office365.com", ".protection.outlook.com"],
    ),
    "Google": (GOOGLE, ["mx.google.com"], []),
    "Fastmail": (FASTMAIL, [".messagingengine.com"], [".internal", "slotai03m05"]),
}


def verdict(server: str, result: str, *, without: str = "") -> str:
    """Returns the verdict about a message that a server received with a result of DMARC."""
    header, ids, hosts = SERVERS[server]
    account = MailAccount(
        name="support",
        host="imap.desk.example",
        username="support",
        password="env:POSTRAIL_SECRET_X",
        address="help@desk.example",
        project="HELP",
        authserv_ids=ids,
        trusted_hosts=[one for one in hosts if one != without],
    )
    mail = made(f"{header}\n\ntext".replace("RESULT", result).encode()).record
    return judge(mail, account).verdict


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("result", ["pass", "fail", "none"])
def test_the_result_of_the_server_counts(server: str, result: str) -> None:
    assert verdict(server, result) == result


@pytest.mark.parametrize(
    ("server", "host"),
    [
        ("Microsoft 365", ".prod.outlook.com"),
        ("Microsoft 365", ".outlook.office365.com"),
        ("Fastmail", ".internal"),
        ("Fastmail", "slotai03m05"),
    ],
)
def test_each_host_that_the_table_names_is_needed(server: str, host: str) -> None:
    assert verdict(server, "pass", without=host) == "none"
