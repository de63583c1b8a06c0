"""Names of files from strangers: safe on every system, and still those that people know."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postrail.operate.files.names import NAME_MAX_BYTES, NAMELESS, numbered, safe_name


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("plan.pdf", "plan.pdf"),
        ("Rechnung für €100.pdf", "Rechnung für €100.pdf"),
        # Folders, of any system.
        ("../../etc/passwd", "passwd"),
        (r"..\..\C:\boot.ini", "boot.ini"),
        ("/etc/", NAMELESS),
        ("..", NAMELESS),
        ("", NAMELESS),
        # Hidden files, options of commands, streams and wildcards.
        (".bashrc", "bashrc"),
        ("-rf", "_-rf"),
        ("a.txt:hidden.exe", "a.txt_hidden.exe"),
        ('<a>|"*?".txt', "_a______.txt"),
        # Variables, which shells replace in names.
        ("%PATH% $HOME.txt", "_PATH_ _HOME.txt"),
        # Devices of Windows, with any extension, and trailing dots and spaces, which it drops.
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("com1 .tar.gz", "_com1 .tar.gz"),
        ("LPT³", "_LPT³"),
        ("console.txt", "console.txt"),
        ("setup.exe. . ", "setup.exe"),
        # Characters that act or hide: a name that reads backwards, line ends, escapes, NUL.
        ("invoice\u202efdp.exe", "invoice_fdp.exe"),
        ("a\r\nb\x1b[2J\x00.txt", "a__b_[2J_.txt"),
        ("a\u2028b.txt", "a b.txt"),
        ("\udcff.txt", "_.txt"),
        # Long names keep their extension, and no character is cut in two.
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("ü" * 300, "ü" * 100),
        ("a." + "x" * 300, "a." + "x" * 198),
    ],
)
def test_names(given_name: str, name: str) -> None:
    assert safe_name(given_name) == name


@given(st.text(alphabet=st.characters(), max_size=300))
def test_any_name_is_one_part_of_a_path(given_name: str) -> None:
    name = safe_name(given_name)
    assert name
    assert len(name.encode()) <= NAME_MAX_BYTES
    assert not set(name) & set('/\\:*?"%$<>|\0\r\n')
    assert name[0] not in ".-"
    assert name[-1] not in ". "
    assert safe_name(name) == name


def test_numbered_names_keep_their_extension() -> None:
    assert list(islice(numbered("a.tar.gz"), 3)) == ["a.tar.gz", "a.tar (2).gz", "a.tar (3).gz"]
    assert list(islice(numbered("README"), 2)) == ["README", "README (2)"]
