"""HTML: conversion to text, and cleaning."""

from __future__ import annotations

import pytest

from services.parser.text.markup import clean_html, html_to_text, with_lines


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>a</p><p>b &amp; c</p>", "a\n\nb & c"),
        ("<?xml version='1.0' encoding='utf-8'?><p>a</p>", "a"),
        ("<style>p {}</style><script>x()</script>a", "a"),
        ("", ""),
        ("<", "<"),
    ],
)
def test_html_as_text(source: str, text: str) -> None:
    assert html_to_text(source).strip() == text


def test_html_that_nests_deep_or_is_long_keeps_its_text() -> None:
    deep = "<div>" * 50_000 + "inmost" + "</div>" * 50_000
    assert "inmost" in html_to_text(deep)
    assert "inmost" in clean_html(deep)
    assert "inmost" in html_to_text("<div>" * 500 + "inmost")
    assert html_to_text("<p>word</p>" * 30_000).count("word") == 30_000


def test_cleaned_html_is_inactive() -> None:
    cleaned = clean_html(
        '<a href="javascript:x()" onclick="x()">a</a><iframe src="https://x.example"></iframe>'
        "<form action=https://x.example><input></form><img src=x onerror=x()>"
    )
    for word in ("javascript", "onclick", "iframe", "form", "onerror"):
        assert word not in cleaned


def test_cleaned_html_keeps_words_apart_whose_boxes_it_removes() -> None:
    source = "<button>Yes</button><button>No</button><label>a</label><input><label>b</label>"
    assert clean_html(source).split() == ["Yes", "No", "a", "b"]


def test_cleaned_html_keeps_what_is_costly_or_broken() -> None:
    costly = "<p " + "a=1 " * 5000 + ">" + "&amp;" * 30_000 + "<b title='x>b</b> <i>c"
    assert clean_html(costly) == "<p>" + "&amp;" * 30_000 + "<b>b</b> <i>c</i></p>"


def test_cleaned_html_keeps_links_and_images_with_odd_quotes() -> None:
    link = '<a href="https://a.example/"" title="a > b">x</a><img alt="a<b" src=cid:c>'
    assert clean_html(link) == (
        '<a href="https://a.example/" title="a &gt; b" rel="noopener noreferrer">x</a>'
        '<img alt="a&lt;b" src="cid:c">'
    )


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("a\n b", "<pre>a\n b</pre>"),
        ("a < b", "<pre>a < b</pre>"),
        ("a <b@c.example>\n b", "<pre>a <b@c.example>\n b</pre>"),
        ("a<br>\n b", "a<br>\n b"),
        ("<!-- a -->b", "<!-- a -->b"),
        (" \n", " \n"),
        ("", ""),
    ],
)
def test_plain_text_that_was_declared_as_html_keeps_its_lines(source: str, lines: str) -> None:
    assert with_lines(source) == lines
