"""Images within HTML: what becomes a file, and what stays."""

from __future__ import annotations

import base64
import html
from urllib.parse import quote

import pytest

from services.parser.content.embedded_images import SIZE_MIN, extract_images
from services.parser.parse import parse

PICTURE = b"GIF89a" + b"x" * SIZE_MIN
STREETS = "Stra\u00dfe " * 20
DRAWING = f'<svg xmlns="http://www.w3.org/2000/svg"><text>{STREETS}</text></svg>'
URL = "data:image/gif;base64," + base64.b64encode(PICTURE).decode()


@pytest.mark.parametrize(
    "source",
    [
        f'<img src="{URL}">',
        f"<img alt=x SRC = 'Data:Image/GIF;base64,{URL.partition(',')[2]}'>",
        f"<img src={URL}>",
        f'<img src="{URL.replace("=", "&#61;")}">',
        # Wrapped, and escaped as a URL.
        f'<img src="{URL[:60]}\n {URL[60:]}">',
        f'<img src="{URL.replace("=", "%3D").replace("+", "%2B")}">',
    ],
)
def test_an_image_becomes_a_file_that_the_html_shows(source: str) -> None:
    changed, (file,) = extract_images(source)
    assert file.content == PICTURE
    assert file.content_type == "image/gif"
    assert f"cid:{file.content_id}" in changed
    assert "data:" not in changed.lower()


@pytest.mark.parametrize(
    "source",
    [
        f"<img src='data:image/svg+xml;utf8,{DRAWING}'>",
        f'<img src="data:image/svg+xml;charset=utf-8,{quote(DRAWING)}">',
        f'<img src=data:image/svg+xml,{quote(DRAWING)} alt="x">',
        f'<img src="data:image/svg+xml,{html.escape(DRAWING)}">',
    ],
)
def test_a_drawing_without_base64_becomes_a_file(source: str) -> None:
    changed, (file,) = extract_images(source)
    assert file.content.decode() == DRAWING
    assert file.content_type == "image/svg+xml"
    assert f'src="cid:{file.content_id}"' in changed


def test_the_same_image_is_one_file_and_a_spacer_none() -> None:
    changed, files = extract_images(f'<img src="{URL}"><img src="{URL}"><img src="{URL[:60]}">')
    assert len(files) == 1
    assert changed.count("cid:") == 2
    assert changed.endswith('<img src="">')


@pytest.mark.parametrize(
    "source",
    [
        "<p>data:image/gif;base64,AAAA</p>",
        f'<img src="{URL}',
        f'<a href="{URL}">x</a>',
        '<img src="data:text/html;base64,AAAA">',
        f'<img src="{URL}>Words <a href="x">y</a>',
        '<img src="data:image/svg+xml,>Words <b class="x">y</b>',
        '<img src="data:image/;a">',
    ],
)
def test_other_html_stays(source: str) -> None:
    assert extract_images(source) == (source, [])


def test_the_text_and_the_safe_html_show_the_file() -> None:
    head = b"From: a@b.example\nContent-Type: text/html\n\n"
    content = parse(head + f'<p>See <img src="{URL}"></p>'.encode()).content
    (file,) = content.attachments
    assert content.text == f"See [image: {file.name}]"
    assert f'src="cid:{file.content_id}"' in content.html
    assert file.content == PICTURE
