"""Generated messages: parsing returns their texts and files for any charset and nesting."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from services.parser.mime.structure import read_structure
from services.parser.parse import parse

TEXTS = {
    "utf-8": "Grüße, привет, 注文",
    "iso-8859-1": "Größe für straße",
    "iso-8859-15": "10 € für café",
    "windows-1252": "“quoted” – dash",
    "koi8-r": "Добрый день, принтер не печатает",
    "iso-2022-jp": "注文番号を確認してください",
    "shift_jis": "プリンターが動きません",
    "euc-kr": "프린터가 작동하지 않습니다",
    "gb18030": "打印机不工作 – 请检查",
    "big5": "印表機無法使用",
}
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "8bit": lambda data: data,
    "base64": base64.encodebytes,
    "quoted-printable": lambda data: binascii.b2a_qp(data, istext=True),
}
# For binary content: line ends are encoded, too.
BINARY: dict[str, Callable[[bytes], bytes]] = {
    "binary": lambda data: data,
    "base64": base64.encodebytes,
    "quoted-printable": lambda data: binascii.b2a_qp(data, istext=False),
    "x-uuencode": lambda data: b"begin 644 a.bin\n" + uuencoded(data) + b"`\nend\n",
}
NAMES = ["report.pdf", "größe.png", "見積書.xlsx", "a b (1).txt"]


def uuencoded(data: bytes) -> bytes:
    """Encodes lines of 45 bytes each."""
    return b"".join(
        binascii.b2a_uu(data[at : at + 45], backtick=True) for at in range(0, len(data), 45)
    )


@dataclass(frozen=True)
class Leaf:
    """A text of the body, or a file."""

    text: str
    charset: str
    encoding: str
    name: str = ""

    def write(self, boundary: str) -> bytes:
        """Returns the part's bytes."""
        head = f"Content-Transfer-Encoding: {self.encoding}\r\n"
        if self.name:
            name = "".join(f"%{byte:02X}" for byte in self.name.encode())
            head += "Content-Type: application/octet-stream\r\n"
            head += f"Content-Disposition: attachment; filename*=UTF-8''{name}\r\n"
        else:
            head += f"Content-Type: text/plain; charset={self.charset}\r\n"
        data = self.text.encode(self.charset)
        return head.encode() + b"\r\n" + ENCODINGS[self.encoding](data)

    def leaves(self) -> list[Leaf]:
        """Returns itself in a list."""
        return [self]


@dataclass(frozen=True)
class Box:
    """A multipart/mixed."""

    children: list[Leaf | Box] = field(default_factory=list)

    def write(self, boundary: str) -> bytes:
        """Returns the part's bytes; its boundary begins with that of its parent, which is valid."""
        inside = f"{boundary}-{len(self.children)}"
        parts = [
            f"--{inside}\r\n".encode() + child.write(inside) + b"\r\n" for child in self.children
        ]
        head = f'Content-Type: multipart/mixed; boundary="{inside}"\r\n\r\npreamble\r\n'
        return head.encode() + b"".join(parts) + f"--{inside}--\r\nepilogue".encode()

    def leaves(self) -> list[Leaf]:
        """Returns the leaves of all parts in it, in order."""
        return [leaf for child in self.children for leaf in child.leaves()]


def leaves() -> st.SearchStrategy[Leaf]:
    """Generates texts and files."""
    return st.builds(
        lambda charset, encoding, name: Leaf(TEXTS[charset], charset, encoding, name),
        st.sampled_from(sorted(TEXTS)),
        st.sampled_from(sorted(ENCODINGS)),
        st.sampled_from(["", *NAMES]),
    )


def boxes() -> st.SearchStrategy[Box]:
    """Generates nested parts."""
    return st.recursive(
        st.lists(leaves(), min_size=1, max_size=4).map(lambda found: Box([*found])),
        lambda inner: st.lists(leaves() | inner, min_size=1, max_size=4).map(Box),
        max_leaves=12,
    )


@seed(20261121)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(boxes())
def test_texts_and_files_are_returned_unchanged(box: Box) -> None:
    mail = parse(b"From: a@b.example\r\nSubject: s\r\n" + box.write("b"))
    texts = [leaf.text for leaf in box.leaves() if not leaf.name]
    files = [leaf for leaf in box.leaves() if leaf.name]
    assert mail.content.text == "\n\n".join(texts)
    assert mail.content.cut == []
    for leaf, file in zip(files, mail.content.attachments, strict=True):
        data = leaf.text.encode(leaf.charset)
        assert file.name == leaf.name
        assert file.content == data or leaf.encoding == "quoted-printable"
        assert file.sha256 == hashlib.sha256(file.content).hexdigest()


@seed(20261126)
@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=3000), st.sampled_from(sorted(BINARY)), st.integers(0, 6))
def test_the_bytes_of_a_file_survive(data: bytes, encoding: str, depth: int) -> None:
    head = f"Content-Type: application/x-any; name=a.bin\r\nContent-Transfer-Encoding: {encoding}"
    part = head.encode() + b"\r\n\r\n" + BINARY[encoding](data)
    for level in range(depth + 1):
        around = f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n".encode()
        part = around + part + f"\r\n--b{level}--\r\n".encode()
    (file,) = parse(b"From: a@b.example\r\n" + part).content.attachments
    assert file.content == data
    assert file.sha256 == hashlib.sha256(data).hexdigest()


@seed(20261126)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(boxes())
def test_a_mail_within_a_mail_is_unchanged(box: Box) -> None:
    inner = b"From: c@d.example\r\nSubject: inner\r\n" + box.write("i")
    raw = (
        b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=outer\r\n\r\n"
        b"--outer\r\n\r\ntext\r\n--outer\r\nContent-Type: message/rfc822\r\n\r\n"
        + inner
        + b"\r\n--outer--\r\n"
    )
    mail = parse(raw)
    assert mail.content.text == "text"
    assert [file.content for file in mail.content.attachments] == [inner]


@pytest.mark.parametrize(
    ("content_type", "body", "types"),
    [
        ("text/html", b"--b\nContent-Type: text/html\n\n<p>a\n--b--\n", ["text/html"]),
        # Without the closing boundary.
        ("text/plain", b"--b\nContent-Type: image/png\n\npng", ["image/png"]),
        ("text/plain", b"--b\n\nno header\n--b--\n", []),
        ("text/html", b"--b\nContent-Type: text/html\n\n<html></html>\n\n--b--\n", []),
        ("text/plain", b"Dear b,\n--\nBoundary\n", []),
        ("application/pdf", b"--b\nContent-Type: text/html\n\n<p>a\n--b--\n", []),
    ],
)
def test_parts_behind_a_text_type(content_type: str, body: bytes, types: list[str]) -> None:
    root = read_structure(f"Content-Type: {content_type}; boundary=b\n\n".encode() + body)
    assert [part.content_type.value for part in root.children] == types
