"""The targets of links: what the text shows of them."""

from __future__ import annotations

import pytest

from services.parser.text.hypertext.links import shown_target

SAFELINK = (
    "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fexample.org%2Fa&data=05"
)

DANGEROUS = SAFELINK.replace("https%3A", "javascript%3A")


@pytest.mark.parametrize(
    ("href", "text", "shown"),
    [
        ("https://example.org/a", "a", "https://example.org/a"),
        # The text is the target, apart from what people leave out.
        ("https://www.example.org/", "example.org", ""),
        ("http://example.org/a%20b", "https://example.org/a b", ""),
        ("https://example.org/a", "https://example.org/\u2026", "https://example.org/a"),
        ("https://evil.example/", "https://example.org", "https://evil.example/"),
        # Addresses and numbers.
        ("mailto:lea@example.org", "lea@example.org", ""),
        ("mailto:lea@example.org?subject=Hi", "Lea", "lea@example.org"),
        ("MAILTO:lea%40example.org", "Lea@Example.org", ""),
        ("tel:+49301234", "+49 (30) 12-34", ""),
        ("tel:+49-30-1234", "+49 30 1234", ""),
        ("https://example.org", "<https://example.org>.", ""),
        ("https://a-b.example", "ab.example", "https://a-b.example"),
        ("tel:+49301234", "Call", "+49301234"),
        # The same address, written in other ways.
        ("https://xn--mller-kva.example/a", "https://m\u00fcller.example/a", ""),
        ("https://XN--MLLER-KVA.example", "xn--mller-kva.example", ""),
        ("https://xn--mller-kva.example/", "https://muller.example/", "https://xn--mller-kva.example/"),
        ("https://xn--999999999.example/", "a", "https://xn--999999999.example/"),
        ("https://d.example/m", "https://d.example/m.", ""),
        ("https://d.example/m/", "d.example/m/.", ""),
        ("file:///\\\\srv\\plans\\x.pdf", "\\\\srv\\plans\\x.pdf", ""),
        ("callto:+49301", "+49 301", ""),
        # Files, programs, and addresses without a scheme.
        ("file:///S:/my plans/x.pdf", "a", "file:///S:/my%20plans/x.pdf"),
        (" \\\\srv\\plans ", "a", "\\\\srv\\plans"),
        ("C:\\plans\\x.pdf", "a", "C:\\plans\\x.pdf"),
        ("whatsapp://send?phone=49301", "a", "whatsapp://send?phone=49301"),
        ("callto:lea", "a", "callto:lea"),
        ("notes://srv/db", "a", "notes://srv/db"),
        ("example.org/a", "a", "example.org/a"),
        ("//example.org/a", "a", "//example.org/a"),
        ("https://example.org\x0b/a\x1f", "a", "https://example.org/a"),
        # What only a browser understands.
        ("VBScript:x", "a", ""),
        ("java\x01script:x", "a", ""),
        ("x-apple-data-detectors://1", "a", ""),
        ("?a=b.c", "a", ""),
        ("../a.html", "a", ""),
        ("undefined", "a", ""),
        ("javascript:alert(1)", "a", ""),
        ("data:text/html,x", "a", ""),
        ("cid:a@b", "a", ""),
        ("#top", "a", ""),
        ("/a/b", "a", ""),
        ("http://", "a", ""),
        ("www.example.org/a", "a", "www.example.org/a"),
        ("https://exa\n mple.org", "a", "https://example.org"),
        # Redirects that name their targets.
        (SAFELINK, "https://example.org/a", ""),
        (SAFELINK, "a", "https://example.org/a"),
        ("https://www.google.com/url?q=https://example.org&sa=D", "a", "https://example.org"),
        ("https://urldefense.com/v3/__https://example.org/b?x=1__;!!a$", "a", "https://example.org/b?x=1"),
        ("https://urldefense.proofpoint.com/v2/url?u=https-3A__example.org_c-5Fd&d=x", "a", "https://example.org/c_d"),
        # One that is known, but whose target is none; and others, which tell nothing.
        (DANGEROUS, "a", DANGEROUS),
        ("https://click.example/?url=https%3A%2F%2Fexample.org", "a", "https://click.example/?url=https%3A%2F%2Fexample.org"),
        ("https://[broken", "a", "https://[broken"),
    ],
)  # fmt: skip
def test_what_is_shown_of_a_target(href: str, text: str, shown: str) -> None:
    assert shown_target(href, text) == shown
