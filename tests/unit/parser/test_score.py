"""The parser's score on public test corpora, if these are in a folder next to the project.

They are not part of the project because of their licences. Wrong labels are listed, with the bytes
that prove it, in tests/mails/known-labels.md.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CORPUS = ROOT.parent / "shared" / "mails"
# For each field, the share of cases that must be right, and the number of wrong labels.
WANTED = {
    "no_crash": (1.0, 0),
    "some_data": (1.0, 0),
    "subject": (1.0, 0),
    "from": (1.0, 0),
    "to": (1.0, 0),
    "message_id": (1.0, 0),
    "text=": (1.0, 0),
    "att_count": (1.0, 0),
    "att_name": (1.0, 0),
    "att_bytes": (1.0, 0),
    "att_type": (1.0, 0),
    "reply_ok": (0.85, 0),
    "reply_kept": (0.98, 0),
    "bounce_found": (1.0, 0),
    "not_bounce": (1.0, 0),
    "b_rcpt": (0.98, 0),
    "b_status": (1.0, 2),
    "b_class": (0.98, 0),
    "auto_found": (0.95, 0),
    "not_auto": (1.0, 0),
}


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpora are not next to the project")
def test_mails_of_others_are_read_as_they_are_labelled(tmp_path: Path) -> None:
    out = tmp_path / "score.json"
    command = f"{shlex.quote(sys.executable)} -m services.cli parse --jsonl"
    subprocess.run(
        [sys.executable, CORPUS / "score.py", "--brief", "--jsonl", command, "--out", out],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    fields = json.loads(out.read_text())["fields"]["ALL"]
    missed = {
        name: fields[name]
        for name, (share, wrong_labels) in WANTED.items()
        if fields[name][0] + wrong_labels < share * fields[name][1]
    }
    assert missed == {}
