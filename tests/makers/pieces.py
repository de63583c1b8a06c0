"""Pieces of messages, valid and broken, from which tests assemble others."""

from __future__ import annotations

PIECES = [
    b"From: ", b"To: ", b"Subject: ", b"Message-ID: ", b"References: ", b"Date: ", b"List-Id: ",
    b"Return-Path: <>", b"Auto-Submitted: ", b"Content-ID: <c>", b"Content-Disposition: attachment",
    b"Content-Type: ", b"multipart/mixed", b"multipart/alternative", b"multipart/digest",
    b"multipart/report; report-type=", b"message/rfc822", b"text/html", b"text/plain",
    b'; boundary="x"', b"--x", b"--x--", b"; charset=", b"utf-16", b"utf-7", b"unicode_escape",
    b"hex", b"idna", b"; name*0*=utf-8''%41", b"; name*1=b", b"; filename=", b'"', b"\\",
    b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: quoted-printable",
    b"Content-Transfer-Encoding: x-uuencode", b"begin 644 a\nM", b"\nend", b"=ZZ", b"=\n",
    b"\r\n", b"\n", b"\r", b"\n\n", b" ", b"\t", b":", b";", b",", b"@", b"(", b")", b"<", b">",
    b"a@b.example", b"<a@b.example>", b"=?utf-8?q?=C3=A4?=", b"=?utf-8?b?4pyT?=", b"=?x?q?", b"?=",
    b"\x00", b"\xff", b"\xc3\xa4", b"\xed\xa0\x80", b"+2D8-", b"\xe2\x80\xa8", b"\x0b", b"\x1c",
    b"<p>", b"</p>", b"<table><tr><td>", b"<?xml version='1.0' encoding='utf-8'?>", b"<![CDATA[",
    b'<a href="https://a.example">', b"<li>", b"<s>", b"</td>", b"<td colspan=9>", b"<pre>", b"-->",
    b"<title>", b"</title>", b'<img src="cid:c">', b"<img src='data:image/gif;base64,QUFB'>",
    b"<p style='display:none'>", b"<p title='", b"</table>", b"&nbsp;", b"<![if !mso]>",
    b"<script>", b"&#0;", b"&#xD800;", b"<!--", b"Sat, 99 Foo 2026 99:99:99 +9999",
    b"Sat, 1 Jan 0001 00:00:00 +1400", b"Fri, 31 Dec 9999 23:59:59 -1200", b"7bit", b"0",
    b"Your message", b"Sent: 1/1/2026 10:11", b"was read on 1/1/2026 10:12",
    b"<a@b.example> (expanded from <c@b.example>)", b"On 1/1/2026 10:11, a@b.example wrote:\n",
    b"AB> ", b"application/ms-tnef", b"application/pkcs7-mime", b"multipart/signed", b"GMT+01:00",
]  # fmt: skip
