"""Texts for one recipient: only templates can name them, and HTML has them escaped."""

from __future__ import annotations

from postrail.notifications.tokens import filled, filled_html, token, without_marks, without_tokens

TOKENS = {"greeting": "Hello <b>Ann</b> & Bob,"}


def test_a_token_is_replaced_by_the_recipients_text() -> None:
    assert filled(f"{token('greeting')}\nWe have it.", TOKENS) == (
        "Hello <b>Ann</b> & Bob,\nWe have it."
    )
    assert filled_html(f"<p>{token('greeting')}</p>", TOKENS) == (
        "<p>Hello &lt;b&gt;Ann&lt;/b&gt; &amp; Bob,</p>"
    )


def test_a_missing_text_is_blank() -> None:
    assert filled(f"a{token('why')}b", TOKENS) == "ab"


def test_no_mark_is_left_of_a_token_that_was_cut_or_changed() -> None:
    whole = token("greeting")
    for broken in (whole[:-1], whole[:4], whole[1:], whole.upper(), f"{whole[:3]}..."):
        for made in (filled(broken, TOKENS), filled_html(broken, TOKENS), without_tokens(broken)):
            assert "\ufdd0" not in made
            assert "\ufdd1" not in made


def test_no_value_from_elsewhere_can_name_a_token() -> None:
    forged = without_marks(token("greeting"))
    assert forged == "greeting"
    assert filled(forged, TOKENS) == "greeting"


def test_the_texts_of_a_recipient_are_not_filled_in_again() -> None:
    assert filled(token("a"), {"a": token("b"), "b": "secret"}) == token("b")
