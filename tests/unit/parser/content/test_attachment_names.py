"""Safe names of attachments."""

from __future__ import annotations

import pytest

from services.parser.content.attachment_names import attachment_name


@pytest.mark.parametrize(
    ("given", "content_type", "name"),
    [
        ("plan.pdf", "application/pdf", "plan.pdf"),
        ("../../etc/passwd", "text/plain", "passwd"),
        ("C:\\temp\\plan.pdf", "application/pdf", "plan.pdf"),
        ("fdp.\u202eexe", "x/y", "fdp._exe"),  # Reversed, it would be shown as "fdp.exe".
        # What Jira replaces, too; of a path only the last part is left.
        ('a"b%c:d$e?f*g<h>i|j.pdf', "application/pdf", "a_b_c_d_e_f_g_h_i_j.pdf"),
        ("100%/C:\\50$.pdf", "application/pdf", "50_.pdf"),
        ("..", "x/y", "attachment-2.bin"),
        ("", "message/rfc822", "attachment-2.eml"),
        ("ä" * 300 + ".pdf", "application/pdf", "ä" * 89 + ".pdf"),
    ],
)
def test_attachment_names(given: str, content_type: str, name: str) -> None:
    assert attachment_name(given, content_type, 2) == name
