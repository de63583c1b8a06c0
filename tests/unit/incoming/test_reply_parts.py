"""The parts of a large reply come back from their blob as the parser put them there."""

from __future__ import annotations

from postrail.incoming.reply_parts import parts_from
from tests.makers.parsing import contents, made


def test_what_the_parser_wrote_is_read() -> None:
    quoted = "> It bürns.\n" * 20_000
    text = f"Water!\n\nJo wrote:\n{quoted}\n-- \nAda"
    result = made(b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text.encode())
    assert result.record.reply_blob is not None
    parts = parts_from(contents(result)[-1])
    assert (parts.new_text, parts.quoted_text.count("bürns")) == ("Water!", 20_000)


def test_parts_of_another_release_are_left_out_or_blank() -> None:
    parts = parts_from(b'{"new_text": "Water!", "greeting": "Hello,"}')
    assert (parts.new_text, parts.quoted_text, parts.signature_html) == ("Water!", "", "")
